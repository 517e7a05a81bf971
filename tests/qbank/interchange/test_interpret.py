"""What a record means: the item when it is certain, a reason when it is not, never a guessed key."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from item_templates.contract import CanonicalItem
from qbank.interchange.convert import read_items
from qbank.interchange.interpret import interpret
from qbank.interchange.model import ConversionReport, RawRecord, ReadResult
from tests.qbank.interchange.interchange_items import workbook

FOUR = [("A", "禁止"), ("B", "指令"), ("C", "警告"), ("D", "提示")]
JUDGED = [("A", "正确"), ("B", "错误")]


def read(stem: str = "安全色中红色表示（ ）。", **fields: Any) -> ConversionReport:
    return interpret(ReadResult("text", [RawRecord("line 1", stem=stem, **fields)]))


def item(stem: str = "安全色中红色表示（ ）。", **fields: Any) -> CanonicalItem:
    report = read(stem, **fields)
    assert [one.message for one in report.skipped] == []
    return report.items[0].item


def skip(stem: str = "安全色中红色表示（ ）。", **fields: Any) -> str:
    report = read(stem, **fields)
    assert report.items == []
    assert report.found == 1
    return report.skipped[0].code


@pytest.mark.parametrize(
    ("stem", "key"),
    [
        ("安全色中红色表示（ B ）。", "B"),
        ("安全色中红色表示（B）。", "B"),
        ("安全色中红色表示(  b )。", "B"),
        ("安全色中红色表示【B】。", "B"),
        ("安全色中红色表示（Ｂ）。", "B"),
        ("安全色中红色表示（__B__）。", "B"),
        ("安全色中红色表示（　）。答案：B", "B"),
        ("安全色中红色表示（　）。【正确答案】：B。", "B"),
    ],
)
def test_a_key_in_the_stem_is_taken_out_and_leaves_a_blank(stem: str, key: str) -> None:
    content = item(stem, options=FOUR).content
    assert (content.type, content.key) == ("single_choice", key)
    assert content.stem == "安全色中红色表示（　）。"


@pytest.mark.parametrize("letters", ["A C", "AC", "A、C", "A,C", "A；C"])
def test_several_letters_in_the_stem_make_a_multiple_choice_item(letters: str) -> None:
    content = item(f"属于安全色的有（ {letters} ）。", options=FOUR).content
    assert (content.type, content.key, content.stem) == ("multiple_choice", ["A", "C"], "属于安全色的有（　）。")


def test_two_brackets_that_both_look_like_keys_are_not_guessed() -> None:
    assert skip("甲（A）乙（B）。", options=FOUR) == "ambiguous_key"


@pytest.mark.parametrize("stem", ["电荷的单位是库仑（C）。", "电流的单位是安培（A）。"])
def test_a_unit_in_brackets_is_no_key(stem: str) -> None:
    assert skip(stem, type_hint="判断题") == "no_key"
    assert skip(stem, options=FOUR) == "no_key"


def test_an_empty_answer_cell_is_not_filled_from_the_stem_while_others_are_filled() -> None:
    records = [
        RawRecord("row 2", stem="甲是（ ）。", options=FOUR, answer="A"),
        RawRecord("row 3", stem="图中（C）点是", options=FOUR, answer=""),
    ]
    report = interpret(ReadResult("xlsx", records))
    assert [(one.locator, one.code) for one in report.skipped] == [("row 3", "no_key")]


def test_a_letter_in_brackets_that_is_no_option_stays_in_the_stem() -> None:
    assert item("图中（Ｆ）点的电位是（C）。", options=FOUR).content.stem == "图中（Ｆ）点的电位是（　）。"


def test_a_key_that_is_given_twice_does_not_stay_in_the_stem() -> None:
    report = read("安全色中红色表示（B）。", options=FOUR, answer="B")
    assert report.items[0].item.content.stem == "安全色中红色表示（　）。"
    assert [one.code for one in report.warnings] == ["key_in_stem"]


@pytest.mark.parametrize("answer", ["", None])
def test_a_choice_item_without_key_is_skipped(answer: str | None) -> None:
    assert skip(options=FOUR, answer=answer) == "no_key"


@pytest.mark.parametrize("hint", ["", "单选题", "多选题", "选择题"])
def test_a_letter_key_without_options_never_becomes_a_choice_item(hint: str) -> None:
    assert skip("安全色中红色表示（ B ）。", type_hint=hint) == "no_options"
    assert skip(answer="B", type_hint=hint) == "no_options"


@pytest.mark.parametrize(
    ("answer", "code"),
    [("E", "key_outside_options"), ("AE", "key_outside_options"), ("红色", "ambiguous_key"), ("AAB", "ambiguous_key")],
)
def test_a_key_that_names_no_option_is_skipped(answer: str, code: str) -> None:
    assert skip(options=FOUR, answer=answer) == code


def test_a_single_choice_heading_over_many_letters_is_skipped() -> None:
    assert skip(options=FOUR, answer="AC", type_hint="单选题") == "too_many_keys"


def test_many_letters_under_an_open_heading_make_a_multiple_choice_item() -> None:
    assert item(options=FOUR, answer="AC", type_hint="选择题").content.type == "multiple_choice"
    assert item(options=FOUR, answer="C", type_hint="选择题").content.type == "single_choice"


@pytest.mark.parametrize(
    ("answer", "key"),
    [("警告", "C"), ("C.警告", "C"), ("C、警告", "C"), ("正确答案：C", "C"), ("（C）", "C"), ("c", "C"), ("Ｃ。", "C")],
)
def test_a_key_may_repeat_the_option(answer: str, key: str) -> None:
    assert item(options=FOUR, answer=answer, type_hint="单选题").content.key == key


@pytest.mark.parametrize("answer", ["禁止；警告", "禁止\n警告", "禁止、警告", "A;C", "a c", "ＡＣ", "CA"])
def test_keys_of_multiple_choice_come_in_the_order_of_the_options(answer: str) -> None:
    assert item(options=FOUR, answer=answer, type_hint="多选题").content.key == ["A", "C"]


def test_an_option_text_that_looks_like_letters_wins_over_the_letters() -> None:
    options = [("A", "ABC"), ("B", "BCD"), ("C", "ACD"), ("D", "以上全是")]
    assert item(options=options, answer="ABC", type_hint="单选题").content.key == "A"
    assert item(options=options, answer="D").content.key == "D"


def test_options_that_differ_in_case_alone_are_told_apart_by_the_key() -> None:
    options = [("A", "MPa 兆"), ("B", "mPa 毫"), ("C", "kPa")]
    assert item(options=options, answer="mPa 毫").content.key == "B"


@pytest.mark.parametrize(
    ("answer", "key"),
    [
        ("√", True), ("×", False), ("对", True), ("错", False), ("正确", True), ("错误", False), ("T", True), ("F", False),
        ("是", True), ("否", False), ("（√）", True), ("（×）", False), ("TRUE", True), ("false", False), ("✔", True),
        ("✗", False), ("x", False), ("1", True), ("0", False), ("A", True), ("B", False), ("不正确", False),
    ],
)  # fmt: skip
def test_judgement_keys_in_every_spelling(answer: str, key: bool) -> None:  # noqa: FBT001 - the expected key
    content = item("三相电源的线电压是相电压的3倍。", answer=answer, type_hint="判断题").content
    assert (content.type, content.key) == ("true_false", key)


@pytest.mark.parametrize("answer", ["1", "0", "A", "B"])
def test_a_judgement_key_that_rests_on_a_convention_is_marked_for_a_look(answer: str) -> None:
    assert [one.code for one in read(answer=answer, type_hint="判断题").warnings] == ["assumed_judgement"]


@pytest.mark.parametrize(
    ("stem", "key"), [("接地线可以不挂。（×）", False), ("停电后应验电。( √ )", True), ("应先验电（对）", True)]
)
def test_a_judgement_in_the_stem_is_taken_out(stem: str, key: bool) -> None:  # noqa: FBT001 - the expected key
    content = item(stem).content
    assert content.key is key
    assert content.stem.endswith("（　）")


@pytest.mark.parametrize(("answer", "key"), [("A", True), ("B", False), ("正确", True), ("错误", False), ("×", False)])
def test_options_right_and_wrong_make_a_judgement(answer: str, key: bool) -> None:  # noqa: FBT001 - the expected key
    content = item("停电后应验电。", options=JUDGED, answer=answer).content
    assert (content.type, content.key, content.choices) == ("true_false", key, ())


def test_options_wrong_and_right_in_that_order_turn_the_key_round() -> None:
    assert (
        item("停电后应验电。", options=[("A", "错误"), ("B", "正确")], answer="A", type_hint="判断题").content.key
        is False
    )


def test_a_bare_digit_without_a_type_is_not_guessed() -> None:
    assert skip("停电后应验电。", answer="1") == "ambiguous_key"


def test_a_letter_without_type_and_options_is_not_a_judgement() -> None:
    assert skip("停电后应验电。", answer="A") == "no_options"


def test_the_correction_behind_a_wrong_statement_moves_to_the_explanation() -> None:
    one = item("1吨等于100kg。正确答案：1吨等于1000kg。", answer="（×）")
    assert (one.content.stem, one.content.explanation) == ("1吨等于100kg。", "正确答案：1吨等于1000kg。")


def test_a_judgement_heading_over_real_options_gives_way_to_them() -> None:
    report = read(options=FOUR, answer="B", type_hint="判断题")
    assert report.items[0].item.content.type == "single_choice"
    assert [one.code for one in report.warnings] == ["type_changed"]


@pytest.mark.parametrize(
    ("stem", "answer", "marked", "key"),
    [
        ("铁的符号是____。", "Fe", "铁的符号是{{1}}。", [["Fe"]]),
        ("铁是（ ），铜是（　）。", "Fe；Cu", "铁是{{1}}，铜是{{2}}。", [["Fe"], ["Cu"]]),
        ("铁是______，铜是______。", "Fe、Cu", "铁是{{1}}，铜是{{2}}。", [["Fe"], ["Cu"]]),
        ("铁是{{1}}，铜是{{2}}。", "铁|Fe；Cu", "铁是{{1}}，铜是{{2}}。", [["铁", "Fe"], ["Cu"]]),
        ("铁是()，铜是【 】。", "（1）Fe（2）Cu", "铁是{{1}}，铜是{{2}}。", [["Fe"], ["Cu"]]),
        ("铁是____（ ）。", "Fe", "铁是{{1}}（ ）。", [["Fe"]]),
    ],
)
def test_blanks_are_numbered_and_answers_divided(stem: str, answer: str, marked: str, key: list[list[str]]) -> None:
    content = item(stem, answer=answer, type_hint="填空题").content
    assert (content.type, content.stem, content.key) == ("fill_in", marked, key)


def test_answers_that_do_not_divide_into_the_blanks_are_skipped() -> None:
    assert skip("铁是（ ），铜是（ ）。", answer="金属和非金属", type_hint="填空题") == "blank_count"
    assert skip("铁是金属。", answer="Fe", type_hint="填空题") == "no_blank"


def test_a_short_answer_keeps_its_reference_answer_for_the_marker() -> None:
    long = "先停电，再验电，后挂接地线，并悬挂标示牌和装设遮栏，由专人监护。"
    content = item("简述停电检修的步骤。", answer=long, type_hint="简答题", score="5").content
    assert content.type == "short_answer"
    assert content.rubric == ({"text": long, "score": "5"},)


def test_scoring_points_are_read_and_the_reference_answer_is_not_lost() -> None:
    long = "先停电，再验电，后挂接地线，并悬挂标示牌和装设遮栏，由专人监护。"
    content = item("简述步骤。", answer=long, type_hint="简答题", rubric="停电（2分）\n验电（3 分）").content
    assert content.rubric == ({"text": "停电", "score": "2"}, {"text": "验电", "score": "3"})
    assert content.score == Decimal(5)
    assert long in content.explanation


def test_a_worked_calculation_is_marked_by_a_person() -> None:
    content = item(
        "计算流量。", answer="根据物料平衡原理，氧化内循环量为：545-180-163=202 吨每小时。", type_hint="计算题"
    ).content
    assert (content.type, content.key) == ("calculation", None)
    assert content.rubric[0]["text"].endswith("=202 吨每小时。")


def test_a_calculation_with_its_result_alone_is_scored_by_the_result() -> None:
    content = item("求电流。", answer="22 A", type_hint="计算题").content
    assert (content.type, content.key) == ("calculation", [{"value": 22, "tolerance": 0, "unit": "A"}])
    assert content.scoring == {"method": "final_answer"}


def test_a_type_nobody_knows_is_named() -> None:
    assert skip("请完成接线。", answer="按图接线", type_hint="实操题") == "unknown_type"


def test_a_record_without_stem_is_named() -> None:
    assert skip("", options=FOUR, answer="A") == "no_stem"


def test_equal_options_are_named() -> None:
    assert skip(options=[("A", "禁止"), ("B", "禁止")], answer="A") == "duplicate_choice"


@pytest.mark.parametrize("number", ["1.", "12、", "3．", "（4）", "第5题", "6:", "21.."])
def test_running_numbers_are_taken_off(number: str) -> None:
    assert item(f"{number}安全色中红色表示（ ）。", options=FOUR, answer="A").content.stem == "安全色中红色表示（ ）。"


def test_a_decimal_at_the_start_is_no_running_number() -> None:
    assert item("0.5 kV 的线路是（ ）。", options=FOUR, answer="A").content.stem.startswith("0.5 kV")


def test_markup_is_cleaned_and_plain_signs_are_kept() -> None:
    content = item(
        "若 U<10 &amp; R>2，<b onclick='x()'>则</b>（ ）<script>alert(1)</script>", options=FOUR, answer="A"
    ).content
    assert content.stem == "若 U&lt;10 &amp; R&gt;2，<b>则</b>（ ）"


def test_lines_broken_inside_a_sentence_are_joined_and_lists_are_not() -> None:
    broken = "生产中接触二氧化硅粉尘的作业非常多，如冶金、爆\n破、修路等。\n（1）甲\n（2）乙（ ）"
    stem = item(broken, options=FOUR, answer="A").content.stem
    assert stem == "生产中接触二氧化硅粉尘的作业非常多，如冶金、爆破、修路等。<br>（1）甲<br>（2）乙（ ）"


@pytest.mark.parametrize(
    ("text", "level"),
    [("易", 1), ("简单", 1), ("较易", 2), ("中", 3), ("适中", 3), ("较难", 4), ("困难", 5), ("3", 3), ("0.9", 1), ("0.5", 3), ("0.1", 5), ("三级", 3)],
)  # fmt: skip
def test_difficulty_in_words_grades_and_shares(text: str, level: int) -> None:
    assert item(options=FOUR, answer="A", difficulty=text).difficulty == level


def test_what_is_not_understood_beside_the_item_is_named() -> None:
    report = read(options=FOUR, answer="A", difficulty="七", score="很多")
    assert [one.code for one in report.warnings] == ["score_unknown", "difficulty_unknown"]
    assert report.items[0].item.content.score == Decimal(1)


def test_points_that_are_codes_are_points_and_words_are_kept_aside() -> None:
    assert item(options=FOUR, answer="A", points="A-B-001；A-B-002").points == ("A-B-001", "A-B-002")
    named = item(options=FOUR, answer="A", points="触电急救")
    assert (named.points, named.metadata) == ((), {"鉴定点": "触电急救"})


def test_a_repeated_item_is_converted_and_named() -> None:
    records = [RawRecord(f"line {n}", stem=f"{n}. 红色表示（ ）。", options=FOUR, answer="A") for n in (1, 2)]
    report = interpret(ReadResult("text", records))
    assert len(report.items) == 2
    assert [(one.locator, one.code) for one in report.warnings] == [("line 2", "duplicate_of")]


def test_broken_rows_of_a_judgement_sheet_do_not_become_other_types() -> None:
    records = [RawRecord(f"row {n}", stem=f"说法{n}是正确的。", answer="（√）") for n in range(19)]
    records.append(RawRecord("row 19", stem="1.1MPa。", answer="正确答案：蒸汽压力为"))
    report = interpret(ReadResult("xlsx", records))
    assert len(report.items) == 19
    assert [(one.locator, one.code) for one in report.skipped] == [("row 19", "ambiguous_key")]


def test_something_that_is_no_picture_is_a_loss() -> None:
    report = read('看图（ ）。\n<img src="media:a.emf">', options=FOUR, answer="A", media=[("a.emf", b"\x01\0\0\0")])
    assert report.items[0].item.content.stem == "看图（ ）。"
    assert [one.code for one in report.losses] == ["picture"]


@pytest.mark.parametrize(
    ("stem", "explanation", "is_told"),
    [
        ("再沸器所用蒸汽压力为", "0.4MPa。", True),
        ("热点温度要求≤210", "℃。", True),
        ("过氧化物分解成环己酮、环己醇", "，有机酸被中和。", True),
        ("硬分叉总能修复链上的问题", "硬分叉会造成永久的分叉。", False),
        ("水往低处流。", "，因为有重力", False),
    ],
)
def test_a_statement_that_was_torn_in_two_is_pointed_out(stem, explanation, is_told):
    rows = [["题目", "答案", "解析"], [stem, "√", explanation]]
    report = read_items(workbook({"判断": rows}), "a.xlsx")
    assert len(report.items) == 1
    assert ("stem_cut" in [one.code for one in report.warnings]) is is_told
