"""What the scoring rules of QTI files mean becomes scoring of ours, or is named as a loss; what we write means the same."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from item_templates import registry
from item_templates.contract import CanonicalItem, ItemContent
from qbank.interchange.qti.declarations import outcomes_of, responses_of
from qbank.interchange.qti.names import VERSIONS
from qbank.interchange.qti.processing import OPERATORS, Processing
from qbank.interchange.qti.scoring import Rules, probes
from qbank.interchange.qti.tree import parse
from qbank.interchange.qti.write_item import write_item
from tests.item_templates.item_contents import STRATEGIES
from tests.qbank.interchange.qti.qti_files import MAP, MAP_POINT, MATCH, choices, item, mapping, read, response


def only(text: str) -> tuple[ItemContent, list[str]]:
    report = read(text)
    assert [one.message for one in report.skipped] == []
    return report.items[0].item.content, [one.code for one in report.losses]


def marks(content: ItemContent, answer: Sequence[Any]) -> Decimal:
    return registry.get(content.type).score(content, answer, content.score).score


def rule(test: str, score: float, otherwise: str = "") -> str:
    value = f'<setOutcomeValue identifier="SCORE"><baseValue baseType="float">{score}</baseValue></setOutcomeValue>'
    return (
        f"<responseProcessing><responseCondition><responseIf>{test}{value}</responseIf>{otherwise}"
        "</responseCondition></responseProcessing>"
    )


VARIABLE, CORRECT = '<variable identifier="RESPONSE"/>', '<correct identifier="RESPONSE"/>'
MATCHES = f"<match>{VARIABLE}{CORRECT}</match>"
TWO = choices("A", "B", "C", "D", most=0)
ZERO, HALF = Decimal(0), Decimal("0.5")
CHOICE_CASES = {
    "the matching template": (response("multiple", "identifier", "A", "B"), MATCH, {"AB": 1, "A": 0, "ABC": 0, "C": 0}),
    "a match with marks of its own": (
        response("multiple", "identifier", "A", "B"), rule(MATCHES, 4), {"AB": 4, "A": 0, "ABCD": 0},
    ),
    "a mapping without penalty": (
        response("multiple", "identifier", "A", "B", mapping=mapping('lowerBound="0" upperBound="2"', A=1, B=1)), MAP,
        {"AB": 2, "A": 1, "AC": 1, "C": 0},
    ),
    "a mapping with negative marks and a floor": (
        response("multiple", "identifier", "A", "B", mapping=mapping('lowerBound="0"', A=1, B=1, C=-1, D=-1)), MAP,
        {"AB": 2, "A": 1, "AC": 0, "CD": 0, "ABC": 1},
    ),
    "negative marks below zero": (
        response("multiple", "identifier", "A", "B", mapping=mapping("", A=1, B=1, C=-1, D=-1)), MAP,
        {"AB": 2, "C": -1, "CD": -2, "AC": 0},
    ),
    "shares that one wrong pick takes away": (
        response("multiple", "identifier", "A", "B", mapping=mapping('lowerBound="0"', A=1, B=1, C=-2, D=-2)), MAP,
        {"AB": 2, "A": 1, "AC": 0, "ABC": 0},
    ),
    "a part for some of the right options": (
        response("multiple", "identifier", "A", "B"),
        rule(
            MATCHES, 2,
            f'<responseElseIf><contains>{CORRECT}{VARIABLE}</contains><setOutcomeValue identifier="SCORE">'
            '<baseValue baseType="float">0.5</baseValue></setOutcomeValue></responseElseIf>',
        ),
        {"AB": 2, "A": 0.5, "B": 0.5, "AC": 0, "CD": 0},
    ),
    "a correct response that is compared with a constant": (
        response("multiple", "identifier", "A", "B"),
        rule(
            f'<and><member><baseValue baseType="identifier">A</baseValue>{VARIABLE}</member>'
            f'<member><baseValue baseType="identifier">B</baseValue>{VARIABLE}</member>'
            f'<equal toleranceMode="exact"><containerSize>{VARIABLE}</containerSize>'
            '<baseValue baseType="integer">2</baseValue></equal></and>', 3,
        ),
        {"AB": 3, "A": 0, "ABC": 0},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHOICE_CASES)
def test_a_rule_for_several_options_is_scored_as_it_says(name: str) -> None:
    declared, rules, wanted = CHOICE_CASES[name]
    content, losses = only(item(declared, TWO, rules))
    assert losses == []
    assert {picks: marks(content, list(picks)) for picks in wanted} == {
        picks: Decimal(str(value)) for picks, value in wanted.items()
    }


SINGLE_CASES = {
    "the matching template": (response("single", "identifier", "B"), MATCH, {"A": 0, "B": 1}),
    "a mapping alone": (response("single", "identifier", mapping=mapping("", B=2)), MAP, {"A": 0, "B": 2, "C": 0}),
    "a mapping with part marks": (
        response("single", "identifier", "B", mapping=mapping("", B=2, C=1)), MAP, {"A": 0, "B": 2, "C": 1},
    ),
    "a mapping with negative marks": (
        response("single", "identifier", "B", mapping=mapping("", A=-1, B=2)), MAP, {"A": -1, "B": 2, "C": 0},
    ),
    "no rule at all": (response("single", "identifier", "B"), "", {"A": 0, "B": 1}),
    "marks that are set by hand": (
        response("single", "identifier", "B"),
        rule(f'<match>{VARIABLE}<baseValue baseType="identifier">B</baseValue></match>', 5), {"A": 0, "B": 5},
    ),
    "a rule that says the wrong ones": (
        response("single", "identifier", "B"),
        rule(f"<not>{MATCHES}</not>", 0, '<responseElse><setOutcomeValue identifier="SCORE"><product>'
             '<baseValue baseType="float">2</baseValue><baseValue baseType="float">1.5</baseValue></product>'
             "</setOutcomeValue></responseElse>"),
        {"A": 0, "B": 3},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SINGLE_CASES)
def test_a_rule_for_one_option_is_scored_as_it_says(name: str) -> None:
    declared, rules, wanted = SINGLE_CASES[name]
    content, losses = only(item(declared, choices("A", "B", "C"), rules))
    assert losses == []
    assert content.type == "single_choice"
    assert {pick: marks(content, [pick]) for pick in wanted} == {pick: Decimal(value) for pick, value in wanted.items()}


@pytest.mark.parametrize(
    "rules",
    [
        rule("<customOperator/>", 1),
        rule(f"<patternMatch pattern='A'>{VARIABLE}</patternMatch>", 1),
        '<responseProcessing template="http://example.org/templates/own_rule"/>',
        rule(f"<match>{VARIABLE}<variable identifier='NOBODY'/></match>", 1),
    ],
)
def test_a_rule_that_is_not_understood_is_named_and_the_key_stays(rules: str) -> None:
    content, losses = only(item(response("single", "identifier", "B"), choices("A", "B", "C"), rules))
    assert losses == ["qti_custom_scoring"]
    assert (content.key, dict(content.scoring)) == ("B", {})


def test_rules_for_feedback_that_are_not_understood_do_not_touch_the_score() -> None:
    feedback = '<setOutcomeValue identifier="FEEDBACK"><customOperator/></setOutcomeValue>'
    rules = rule(MATCHES, 2).replace("<responseProcessing>", f"<responseProcessing>{feedback}")
    content, losses = only(item(response("single", "identifier", "B"), choices("A", "B"), rules))
    assert (losses, content.score) == ([], 2)
    depends = rules.replace(VARIABLE, '<variable identifier="FEEDBACK"/>')
    assert only(item(response("single", "identifier", "B"), choices("A", "B"), depends))[1] == ["qti_custom_scoring"]


def test_a_rule_that_no_scoring_of_ours_equals_is_named() -> None:
    worth = mapping("", A=1, B=1, C=-1, D=-5)
    content, losses = only(item(response("multiple", "identifier", "A", "B", mapping=worth), TWO, MAP))
    assert losses == ["qti_custom_scoring"]
    assert content.key == ["A", "B"]


def test_a_key_that_earns_nothing_by_the_rules_is_named() -> None:
    content, losses = only(
        item(response("single", "identifier", "B"), choices("A", "B"), rule(f"<not>{MATCHES}</not>", 1))
    )
    assert losses == ["qti_custom_scoring"]
    assert content.key == "B"


ENTRY = '<p>水的化学式是<textEntryInteraction responseIdentifier="RESPONSE"/>。</p>'


def test_accepted_texts_of_a_mapping_all_earn_the_marks_and_part_marks_are_named() -> None:
    worth = mapping("", H2O=2, 水=2, 冰=1, 油=0)
    content, losses = only(item(response("single", "string", "H2O", mapping=worth), ENTRY, MAP))
    assert (content.type, content.key, content.score) == ("fill_in", [["H2O", "水"]], Decimal(2))
    assert losses == ["qti_partial_answer"]
    assert [marks(content, [text]) for text in ("H2O", "h2o", "水", "冰", "油")] == [2, 0, 2, 0, 0]


@pytest.mark.parametrize(("flag", "lower"), [('caseSensitive="false"', 1), ('caseSensitive="true"', 0), ("", 0)])
def test_case_counts_as_the_mapping_says(flag: str, lower: int) -> None:
    worth = f'<mapping defaultValue="0"><mapEntry mapKey="Fe" mappedValue="1" {flag}/></mapping>'
    content, losses = only(item(response("single", "string", "Fe", mapping=worth), ENTRY, MAP))
    assert losses == []
    assert [marks(content, [text]) for text in ("Fe", "fe", "Cu")] == [1, lower, 0]


def test_several_blanks_share_the_marks_or_are_all_or_nothing() -> None:
    declared = response("single", "string", "甲", name="R1", mapping=mapping("", 甲=1)) + response(
        "single", "string", "乙", name="R2", mapping=mapping("", 乙=1)
    )
    body = '<p><textEntryInteraction responseIdentifier="R1"/>和<textEntryInteraction responseIdentifier="R2"/></p>'
    both = '<mapResponse identifier="R1"/><mapResponse identifier="R2"/>'
    shared, losses = only(
        item(
            declared,
            body,
            f'<responseProcessing><setOutcomeValue identifier="SCORE"><sum>{both}</sum></setOutcomeValue></responseProcessing>',
        )
    )
    assert (losses, shared.stem, [marks(shared, one) for one in (["甲", "乙"], ["甲", "x"])]) == (
        [],
        "{{1}}和{{2}}",
        [2, 1],
    )
    tests = "".join(
        f'<match><variable identifier="{one}"/><correct identifier="{one}"/></match>' for one in ("R1", "R2")
    )
    together, losses = only(item(declared, body, rule(f"<and>{tests}</and>", 2)))
    assert (losses, [marks(together, one) for one in (["甲", "乙"], ["甲", "x"])]) == ([], [2, 0])


def test_blanks_of_different_worth_are_named() -> None:
    declared = response("single", "string", "甲", name="R1", mapping=mapping("", 甲=3)) + response(
        "single", "string", "乙", name="R2", mapping=mapping("", 乙=1)
    )
    body = '<p><textEntryInteraction responseIdentifier="R1"/>和<textEntryInteraction responseIdentifier="R2"/></p>'
    both = '<mapResponse identifier="R1"/><mapResponse identifier="R2"/>'
    rules = f'<responseProcessing><setOutcomeValue identifier="SCORE"><sum>{both}</sum></setOutcomeValue></responseProcessing>'
    assert only(item(declared, body, rules))[1] == ["qti_custom_scoring"]


TOLERANCES = {
    "absolute": ('toleranceMode="absolute" tolerance="0.1 0.1"', {"3.5": 1, "3.6": 1, "3.4": 1, "3.61": 0, "x": 0}),
    "relative": ('toleranceMode="relative" tolerance="10 10"', {"3.5": 1, "3.85": 1, "3.86": 0, "3.14": 0}),
    "exact": ('toleranceMode="exact"', {"3.5": 1, "3.50": 1, "3.51": 0}),
    "one number for both sides": ('toleranceMode="absolute" tolerance="0.2"', {"3.7": 1, "3.71": 0}),
}


@pytest.mark.parametrize("name", TOLERANCES)
def test_a_tolerance_is_the_tolerance_of_the_number(name: str) -> None:
    attributes, wanted = TOLERANCES[name]
    rules = rule(f"<equal {attributes}>{CORRECT}{VARIABLE}</equal>", 1)
    content, losses = only(item(response("single", "float", "3.5"), ENTRY, rules))
    assert (content.type, losses) == ("numeric", [])
    assert {text: marks(content, [text]) for text in wanted} == wanted


def test_unequal_tolerances_become_a_range_around_its_middle_and_are_mentioned() -> None:
    rules = rule(f'<equal toleranceMode="absolute" tolerance="0.1 0.3">{CORRECT}{VARIABLE}</equal>', 1)
    report = read(item(response("single", "float", "3.5"), ENTRY, rules))
    content = report.items[0].item.content
    assert [one.code for one in report.warnings] == ["qti_tolerance"]
    assert [marks(content, [text]) for text in ("3.4", "3.8", "3.39", "3.81")] == [1, 1, 0, 0]


def test_a_border_that_does_not_count_is_named() -> None:
    attributes = 'toleranceMode="absolute" tolerance="0.1 0.1" includeUpperBound="false"'
    rules = rule(f"<equal {attributes}>{CORRECT}{VARIABLE}</equal>", 1)
    assert only(item(response("single", "float", "3.5"), ENTRY, rules))[1] == ["qti_custom_scoring"]


def test_points_on_a_picture_are_scored_by_their_areas() -> None:
    from tests.qbank.interchange.interchange_items import picture
    from tests.qbank.interchange.qti.qti_files import package

    areas = (
        '<areaMapping defaultValue="0"><areaMapEntry shape="circle" coords="100,50,10" mappedValue="2"/></areaMapping>'
    )
    body = (
        '<p>点出开关。</p><selectPointInteraction responseIdentifier="RESPONSE" maxChoices="1">'
        '<object type="image/png" data="p.png" width="200" height="100">面板</object></selectPointInteraction>'
    )
    text = item(response("single", "point", "100 50", mapping=areas), body, MAP_POINT)
    report = read(package({"items/a.xml": text, "items/p.png": picture()}), "a.zip")
    content = report.items[0].item.content
    assert (report.losses, content.type, content.parameters["mode"]) == ([], "hotspot", "point")
    assert [marks(content, [[x, y]]) for x, y in (("500", "500"), ("540", "500"), ("560", "500"))] == [2, 2, 0]


def test_every_expression_that_is_understood_is_computed() -> None:
    base = '<baseValue baseType="float">{}</baseValue>'
    sums = {
        "<sum>{}{}</sum>": 8, "<product>{}{}</product>": 12, "<subtract>{}{}</subtract>": 4, "<divide>{}{}</divide>": 3,
        "<min>{}{}</min>": 2, "<max>{}{}</max>": 6,
    }  # fmt: skip
    for expression, wanted in sums.items():
        value = expression.format(base.format(6), base.format(2))
        rules = (
            f'<responseProcessing><setOutcomeValue identifier="SCORE">{value}</setOutcomeValue></responseProcessing>'
        )
        assert _score(rules, {}) == wanted
    truths = {
        "<gt>{}{}</gt>": 1, "<gte>{}{}</gte>": 1, "<lt>{}{}</lt>": 0, "<lte>{}{}</lte>": 0,
        "<or><lt>{}{}</lt><isNull><null/></isNull></or>": 1, "<and><gt>{}{}</gt><null/></and>": 0,
        "<not><lt>{}{}</lt></not>": 1,
    }  # fmt: skip
    for expression, wanted in truths.items():
        assert _score(rule(expression.format(base.format(6), base.format(2)), 1), {}) == wanted
    singles = {"<round>{}</round>": 3, "<truncate>{}</truncate>": 2, "<integerToFloat>{}</integerToFloat>": 2.5}
    for expression, wanted in singles.items():
        value = expression.format(base.format(2.5))
        rules = (
            f'<responseProcessing><setOutcomeValue identifier="SCORE">{value}</setOutcomeValue></responseProcessing>'
        )
        assert _score(rules, {}) == Decimal(str(wanted))
    text = '<substring caseSensitive="false"><baseValue baseType="string">B</baseValue><baseValue baseType="string">abc</baseValue></substring>'
    assert _score(rule(text, 1), {}) == 1
    index = f'<match><index n="2">{VARIABLE}</index><baseValue baseType="identifier">B</baseValue></match>'
    assert [_score(rule(index, 1), {"RESPONSE": list(one)}) for one in ("AB", "BA", "A")] == [1, 0, 0]
    text = f'<stringMatch caseSensitive="false"><index n="1">{VARIABLE}</index><baseValue baseType="string">a</baseValue></stringMatch>'
    assert _score(rule(text, 1), {"RESPONSE": ["A"]}) == 1
    values = "".join(f'<baseValue baseType="identifier">{one}</baseValue>' for one in "AB")
    ordered = f"<match>{VARIABLE}<ordered>{values}</ordered></match>"
    assert [_score(rule(ordered, 1), {"RESPONSE": list(one)}) for one in ("AB", "BA")] == [1, 0]


def _score(rules: str, answer: dict[str, list[str]]) -> Decimal:
    root = parse(item(response("ordered", "identifier", "A", "B"), "", rules).encode())
    return Processing(responses_of(root), outcomes_of(root), root.find("responseProcessing")).score(answer)


def test_the_rule_may_end_early_and_go_into_fragments() -> None:
    value = '<setOutcomeValue identifier="SCORE"><baseValue baseType="float">{}</baseValue></setOutcomeValue>'
    rules = f"<responseProcessing><responseProcessingFragment>{value.format(2)}</responseProcessingFragment><exitResponse/>{value.format(9)}</responseProcessing>"
    assert _score(rules, {}) == 2


def test_every_operator_of_the_table_is_a_function() -> None:
    assert all(callable(one) for one in OPERATORS.values())
    assert {"match", "mapResponse", "equal", "correct"} <= OPERATORS.keys()


ENCODERS = {
    "true_false": lambda answer: {"RESPONSE": list(answer)},
    "single_choice": lambda answer: {"RESPONSE": list(answer)},
    "multiple_choice": lambda answer: {"RESPONSE": list(answer)},
    "ordering": lambda answer: {"RESPONSE": list(answer)},
    "numeric": lambda answer: {"RESPONSE": list(answer)},
    "fill_in": lambda answer: {f"RESPONSE_{n}": [text] for n, text in enumerate(answer, 1)},
    "matching": lambda answer: {"RESPONSE": [f"{one} t.{two}" for one, two in answer]},
}


@given(data=st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_other_systems_score_our_files_as_we_do(data: st.DataObject) -> None:
    """The rules that are written, carried out as QTI says, give what the item type gives; or a loss is named."""
    name = data.draw(st.sampled_from(sorted(ENCODERS)))
    content = data.draw(STRATEGIES[name])
    if any(one.severity == "error" for one in registry.get(name).validate(content)):
        return
    version = data.draw(st.sampled_from(sorted(VERSIONS)))
    written = write_item(CanonicalItem("q", content), VERSIONS[version], address=str, resolve=lambda _: None, folder="")
    assert written.data is not None
    if written.losses:
        assert [one.code for one in written.losses] == ["scoring"]
        return
    root = parse(written.data)
    processing = Processing(responses_of(root), outcomes_of(root), root.find("responseProcessing"))
    rules = Rules(None, {}, is_numeric=content.scoring.get("numeric") is True)
    for answer in probes(content, rules):
        if not answer or (name == "fill_in" and any(text != text.strip() for text in answer)):
            continue
        theirs = processing.score(ENCODERS[name](answer))
        assert abs(theirs - marks(content, answer)) <= Decimal("0.0015"), answer
