"""Scoring by hand-written tables: one row is one response and what it must earn."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from item_templates import registry
from item_templates.contract import ItemContent, Outcome
from tests.item_templates.item_contents import choices, example, targets

FOUR = choices("铁", "铜", "铝", "锌")
SINGLE = ItemContent("single_choice", "?", FOUR, "B")
WEIGHTED = replace(SINGLE, scoring={"weights": {"B": 1, "C": 0.5, "D": -0.25}})
MULTIPLE = ItemContent("multiple_choice", "?", choices("1", "2", "3", "4", "5"), ["A", "C", "E"])
PER_OPTION = replace(MULTIPLE, scoring={"method": "per_option"})
PARTIAL = replace(MULTIPLE, scoring={"method": "partial", "fraction": "0.5"})
THIRDS = replace(MULTIPLE, scoring={"weights": {"A": 0.33333, "C": 0.33333, "E": 0.33333, "B": -0.5}})
NEGATIVE = replace(MULTIPLE, scoring={"weights": {"A": 0.5, "C": 0.5, "B": -0.5}, "allow_negative": True})
TRUE = ItemContent("true_false", "?", key=True)
FILL = ItemContent("fill_in", "{{1}} {{2}} {{3}}", key=[["铁", "Fe"], ["0.50"], ["220 V"]])
FILL_EXACT = replace(FILL, scoring={"method": "exact"})
FILL_NUMERIC = replace(FILL, scoring={"numeric": True})
FILL_WIDTH = ItemContent("fill_in", "{{1}}", key=[["Ａ１"]], scoring={"keep_width": True})
FILL_SPACES = ItemContent("fill_in", "{{1}}", key=[["220 V"]], scoring={"ignore_spaces": True})
FILL_NUMERALS = ItemContent("fill_in", "{{1}} {{2}}", key=[["120"], ["第 3 相"]], scoring={"chinese_numerals": True})
FILL_VALUES = ItemContent("fill_in", "{{1}}", key=[["0.5"]], scoring={"chinese_numerals": True, "numeric": True})
FILL_CASE = replace(FILL, scoring={"case_sensitive": True})
NUMBER = ItemContent("numeric", "?", key={"value": 3.5, "tolerance": 0.1, "unit": "mm"})
SHORT = ItemContent("short_answer", "?", key=["氧化铁", "Fe2O3"])
SHORT_MARKED = replace(SHORT, scoring={"method": "marked"})
SHORT_OPEN = ItemContent("short_answer", "?", rubric=({"text": "要点", "score": "1"},))
REFERENCE = ItemContent("short_answer", "?", key=["先断电，再验电，确认无电以后装设接地线，最后悬挂标示牌并装设遮栏。"])
ESSAY = ItemContent("essay", "?", rubric=({"text": "要点", "score": "1"},))
ORDER = ItemContent("ordering", "?", FOUR, ["B", "A", "D", "C"])
ORDER_SHARE = replace(ORDER, scoring={"method": "per_position"})
MATCH = ItemContent(
    "matching", "?", FOUR, {"pairs": [["A", "1"], ["B", "2"], ["C", "4"]]}, targets=targets("a", "b", "c", "d")
)
SET = replace(example("testlet"), items=example("testlet").items[:2], score=Decimal(4))
RESULTS = replace(example("calculation"), scoring={"method": "final_answer"})
UNITLESS = replace(RESULTS, key=[{"value": 5, "tolerance": 0, "unit": ""}])
HOURLY = replace(RESULTS, key=[{"value": 202, "tolerance": 0, "unit": "吨"}])
MATCH_EXACT = replace(MATCH, scoring={"method": "exact"})

C, P, W, OM, M = Outcome.CORRECT, Outcome.PARTIAL, Outcome.WRONG, Outcome.OMITTED, Outcome.NEEDS_MARKING

TABLE = [
    # content, response, max score, score, outcome
    (SINGLE, ["B"], "1", "1", C),
    (SINGLE, ["A"], "1", "0", W),
    (SINGLE, [], "1", "0", OM),
    (SINGLE, [""], "1", "0", OM),
    (SINGLE, ["A", "B"], "1", "0", W),
    (SINGLE, ["Z"], "1", "0", W),
    (SINGLE, [["B"]], "1", "0", W),
    (SINGLE, [7], "1", "0", W),
    (replace(SINGLE, key=None), ["B"], "1", "0", M),
    (WEIGHTED, ["B"], "2", "2", C),
    (WEIGHTED, ["C"], "2", "1", P),
    (WEIGHTED, ["D"], "2", "0", W),
    (WEIGHTED, ["A"], "2", "0", W),
    (MULTIPLE, ["A", "C", "E"], "2", "2", C),
    (MULTIPLE, ["E", "A", "C"], "2", "2", C),
    (MULTIPLE, ["A", "C"], "2", "0", W),
    (MULTIPLE, ["A", "B", "C", "E"], "2", "0", W),
    (PER_OPTION, ["A"], "2", "0.667", P),
    (PER_OPTION, ["A", "E"], "2", "1.333", P),
    (PER_OPTION, ["A", "B"], "2", "0", W),
    (PER_OPTION, ["A", "C", "E"], "2", "2", C),
    (PER_OPTION, ["A", "Z"], "2", "0", W),
    (PARTIAL, ["A"], "2", "1", P),
    (PARTIAL, ["A", "C"], "1.5", "0.75", P),
    (PARTIAL, ["A", "D"], "2", "0", W),
    (PARTIAL, ["A", "B", "C", "D", "E"], "2", "0", W),
    (THIRDS, ["A", "C", "E"], "3", "3", C),
    (THIRDS, ["A", "C"], "3", "2", P),
    (THIRDS, ["A", "B"], "3", "0", W),
    (NEGATIVE, ["B"], "2", "-1", W),
    (TRUE, ["true"], "1", "1", C),
    (TRUE, ["false"], "1", "0", W),
    (TRUE, [True], "1", "1", C),
    (TRUE, [1], "1", "0", W),
    (TRUE, ["yes"], "1", "0", W),
    (TRUE, ["true", "false"], "1", "0", W),
    (TRUE, [], "1", "0", OM),
    (FILL, ["铁", "0.50", "220V"], "3", "2", P),
    (FILL, ["ＦＥ", "０．５０", "220  v"], "3", "3", C),
    (FILL, ["fe", ".5", ""], "3", "1", P),
    (FILL, ["铜", "", ""], "3", "0", W),
    (FILL, ["", " ", ""], "3", "0", OM),
    (FILL, ["铁"], "1", "0.333", P),
    (FILL, ["铁", "0.50", "220 V", "x"], "3", "0", W),
    (FILL_EXACT, ["铁", "0.50", "220 v"], "3", "3", C),
    (FILL_EXACT, ["铁", "0.50", "x"], "3", "0", W),
    (FILL_NUMERIC, ["fe", ".5", "220 V"], "3", "3", C),
    (FILL_NUMERIC, ["fe", "0.51", "220 V"], "3", "2", P),
    (FILL_CASE, ["fe", "0.50", "220V"], "3", "2", P),
    (FILL_CASE, ["Fe", "0.50", "220v"], "3", "2", P),
    (FILL_WIDTH, ["Ａ１"], "1", "1", C),
    (FILL_WIDTH, ["ａ１"], "1", "1", C),
    (FILL_WIDTH, ["A1"], "1", "0", W),
    (replace(FILL_WIDTH, scoring={}), ["A1"], "1", "1", C),
    (replace(FILL_WIDTH, scoring={"keep_width": True, "case_sensitive": True}), ["ａ１"], "1", "0", W),
    (FILL_SPACES, ["220V"], "1", "1", C),
    (FILL_SPACES, ["2 2 0v"], "1", "1", C),
    (replace(FILL_SPACES, scoring={}), ["220V"], "1", "0", W),
    (FILL_NUMERALS, ["一百二十", "第三相"], "2", "2", C),
    (FILL_NUMERALS, ["壹佰贰拾", "第叁相"], "2", "2", C),
    (FILL_NUMERALS, ["一二〇", "第二相"], "2", "1", P),
    (FILL_NUMERALS, ["一百零二", "第四相"], "2", "0", W),
    (replace(FILL_NUMERALS, scoring={}), ["一百二十", "第三相"], "2", "0", W),
    (FILL_VALUES, ["零点五零"], "1", "1", C),
    (FILL_VALUES, ["五"], "1", "0", W),
    (NUMBER, ["3.6"], "2", "2", C),
    (NUMBER, ["3.4"], "2", "2", C),
    (NUMBER, ["3.6000001"], "2", "0", W),
    (NUMBER, ["３．５ mm"], "2", "2", C),
    (NUMBER, ["3.5 cm"], "2", "0", W),
    (NUMBER, ["0.35×10^1"], "2", "2", C),
    (NUMBER, ["three"], "2", "0", W),
    (NUMBER, ["NaN"], "2", "0", W),
    (NUMBER, ["1e999"], "2", "0", W),
    (NUMBER, [3.5], "2", "2", C),
    (NUMBER, [" "], "2", "0", OM),
    (SHORT, ["氧化 铁"], "1", "1", C),
    (SHORT, ["fe2o3"], "1", "1", C),
    (SHORT, ["铁"], "1", "0", W),
    (SHORT_MARKED, ["铁"], "1", "0", M),
    (SHORT_MARKED, ["fe2o3"], "1", "1", C),
    (SHORT_OPEN, ["铁"], "1", "0", M),
    (SHORT_OPEN, [""], "1", "0", OM),
    (REFERENCE, ["断电、验电、接地"], "5", "0", M),
    (ESSAY, ["文"], "10", "0", M),
    (ESSAY, [], "10", "0", OM),
    (ORDER, ["B", "A", "D", "C"], "2", "2", C),
    (ORDER, ["B", "A", "C", "D"], "2", "0", W),
    (ORDER, ["B", "A"], "2", "0", W),
    (ORDER_SHARE, ["B", "A", "C", "D"], "2", "1", P),
    (ORDER_SHARE, ["A", "B", "C", "D"], "2", "0", W),
    (ORDER_SHARE, ["B", "A", "D", "C", "B"], "2", "0", W),
    (MATCH, [["C", "4"], ["A", "1"], ["B", "2"]], "3", "3", C),
    (MATCH, [["A", "1"], ["B", "3"]], "3", "1", P),
    (MATCH, [["A", "1"], ["B", "2"], ["C", "4"], ["D", "3"]], "3", "2.25", P),
    (MATCH, [["A", "1"], ["A", "2"], ["A", "3"], ["A", "4"]], "3", "0", W),
    (MATCH, ["A=1"], "3", "0", W),
    (MATCH, [], "3", "0", OM),
    (MATCH_EXACT, [["A", "1"], ["B", "2"]], "3", "0", W),
    (MATCH_EXACT, [["A", "1"], ["B", "2"], ["C", "4"]], "3", "3", C),
    (SET, [["B"], ["false"]], "4", "4", C),
    (SET, [["B"], ["true"]], "4", "2", P),
    (SET, [["B"]], "8", "4", P),
    (SET, [["A"], ["true"]], "4", "0", W),
    (SET, [[], [""]], "4", "0", OM),
    (SET, ["B", "false"], "4", "0", W),
    (SET, [["B"], ["false"], ["x"]], "4", "0", W),
    (example("testlet"), [["B"], ["false"], ["先断电"]], "10", "0", M),
    (example("testlet"), [["B"], ["false"]], "10", "4", P),
    (example("calculation"), ["答：22 A，4840 W"], "8", "0", M),
    (example("calculation"), [" "], "8", "0", OM),
    (RESULTS, ["解：I=U/R=220/10=22 A\nP=UI=220×22=4840 W\n答：电流为 22 A，功率为 4840 W。"], "8", "8", C),
    (RESULTS, ["I=U/R=220/10=22A，P=UI=220*22=4840W"], "8", "8", C),
    (RESULTS, ["答：4845 W；22 A"], "8", "8", C),
    (RESULTS, ["答：（1）电流 22 A；（2）功率 4840 W"], "8", "8", C),
    (RESULTS, ["答：①22A ②4840W"], "8", "8", C),
    (RESULTS, ["答：22 安，4840 瓦"], "8", "8", C),
    (RESULTS, ["答：22，4,840"], "8", "8", C),
    (RESULTS, ["答：22 A，4800 W"], "8", "4", P),
    (RESULTS, ["答：22 A"], "8", "4", P),
    (RESULTS, ["答：22 mA，4.84 kW"], "8", "0", W),
    (RESULTS, ["答：22 毫安，4840 千瓦"], "8", "0", W),
    (RESULTS, ["答：22 A，22 A"], "8", "4", P),
    (RESULTS, ["22 A 4840 W 1 2 3 4 5 6 7 8 9"], "8", "0", W),
    (RESULTS, ["答：22 A，4840 W；或 21 A，4000 W"], "8", "0", W),
    (RESULTS, ["不会做"], "8", "0", W),
    (RESULTS, [["22"]], "8", "0", W),
    (UNITLESS, ["R1+R2=2+3=5"], "1", "1", C),
    (UNITLESS, ["答：5 个"], "1", "1", C),
    (UNITLESS, ["答：5 kg"], "1", "0", W),
    (HOURLY, ["545-180-163=202 吨/小时"], "1", "1", C),
]


@pytest.mark.parametrize(("content", "response", "max_score", "score", "outcome"), TABLE)
def test_a_response_earns_what_the_table_says(content, response, max_score, score, outcome):
    result = registry.get(content.type).score(content, response, Decimal(max_score))
    assert (result.score, result.max_score, result.outcome) == (Decimal(score), Decimal(max_score), outcome)


CELLS = [
    (SINGLE, "b", ["B"]),
    (SINGLE, "A;C", ["A", "C"]),
    (SINGLE, "", []),
    (MULTIPLE, "A;C", ["A", "C"]),
    (MULTIPLE, "ａＣ", ["A", "C"]),
    (MULTIPLE, '["A", "E"]', ["A", "E"]),
    (MULTIPLE, "A;Z", ["A", "Z"]),
    (TRUE, "TRUE", ["true"]),
    (TRUE, "×", ["false"]),
    (TRUE, "也许", ["也许"]),
    (FILL, '["铁", "0.5", "220 V"]', ["铁", "0.5", "220 V"]),
    (FILL, "铁；0.5；220 V", ["铁", "0.5", "220 V"]),
    (FILL, "铁", ["铁"]),
    (NUMBER, "3.5", ["3.5"]),
    (SHORT, " Fe2O3 ", ["Fe2O3"]),
    (ORDER, "B;A;D;C", ["B", "A", "D", "C"]),
    (ORDER, "badc", ["B", "A", "D", "C"]),
    (MATCH, "A=1;B=3", [["A", "1"], ["B", "3"]]),
    (MATCH, "A=9", ["A=9"]),
    (MATCH, '[["A", "1"]]', [["A", "1"]]),
    (ESSAY, "第一；第二", ["第一；第二"]),
    (RESULTS, "答：22 A，4840 W", ["答：22 A，4840 W"]),
]


@pytest.mark.parametrize(("content", "cell", "response"), CELLS)
def test_a_cell_of_a_response_sheet_is_read(content, cell, response):
    assert registry.get(content.type).parse_cell(content, cell) == response


def test_the_published_partial_rule_of_the_example_halves_an_incomplete_answer():
    content = example("multiple_choice")
    result = registry.get("multiple_choice").score(content, ["A", "B"], Decimal(2))
    assert result.score == 1


def test_a_marker_is_told_which_final_answers_a_solution_gives():
    content = example("calculation")
    hint = registry.get("calculation").suggest(content, ["答：22 A，4800 W"], Decimal(8))
    assert (hint.score, hint.checks) == (Decimal(4), (("22 A", True), ("4840±10 W", False)))
    assert registry.get("calculation").suggest(replace(content, key=None), ["22"], Decimal(8)) is None
    assert registry.get("essay").suggest(ESSAY, ["文"], Decimal(8)) is None
