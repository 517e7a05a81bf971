"""Parametric items: expressions, instances that the seed alone decides, and trials before submission."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from item_templates import registry
from item_templates.canonical import content_digest, content_from_json, content_to_json
from item_templates.contract import Finding, ItemContent, Outcome, Severity
from item_templates.findings import TranslatableValueError
from item_templates.parametric.evaluate import holds, number
from item_templates.parametric.expressions import ExpressionError
from tests.item_templates.item_contents import example, key_as_response, parametric

TYPE = registry.get("parametric")
OHM = ItemContent(
    "parametric", "电压 [[U]] V，电阻 [[R]] Ω，求电流。", score=Decimal(2), explanation="[[U]]/[[R]]=[[答案]]",
    parameters={
        "variables": [
            {"name": "U", "minimum": "200", "maximum": "240", "step": "5"},
            {"name": "R", "values": ["10", "20", "40"]},
        ],
        "answer": {"shape": "numeric", "expressions": ["U/R"], "decimals": 1, "tolerance": "0.1", "unit": "A"},
    },
)  # fmt: skip
CHOICE = replace(
    OHM, parameters={
        **OHM.parameters,
        "answer": {"shape": "single_choice", "expressions": ["U/R"], "distractors": ["U*R", "U+R", "U-R"], "unit": "A"},
    },
)  # fmt: skip
BLANKS = replace(
    OHM, stem="[[U]] V、[[R]] Ω：电流 {{1}} A，功率 {{2}} W。",
    parameters={
        **OHM.parameters,
        "answer": {"shape": "fill_in", "expressions": ["U/R", "U^2/R"], "decimals": 2},
    },
)  # fmt: skip


def changed(content: ItemContent, **parts: object) -> ItemContent:
    return replace(content, parameters={**content.parameters, **parts})


def answered(content: ItemContent, **parts: object) -> ItemContent:
    return changed(content, answer={**content.parameters["answer"], **parts})


VALUES = [
    ("1+2*3-4/8", "6.5"),
    ("-2^2", "-4"),
    ("2^3^2", "512"),
    ("2^-2", "0.25"),
    ("(1+2)*3", "9"),
    ("１＋２×３÷４", "2.5"),
    ("0.1+0.2", "0.3"),
    ("sqrt(2.25)", "1.5"),
    ("8^(1/3)", "2"),
    ("abs(-3)", "3"),
    ("round(2.5)", "3"),
    ("round(-2.345, 2)", "-2.35"),
    ("floor(-1.5)", "-2"),
    ("ceil(1.2)", "2"),
    ("min(3, 1, 2)+max(3, 1, 2)", "4"),
    ("sin(30)+cos(60)+tan(45)", "2"),
    ("asin(0.5)+acos(0.5)+atan(1)", "135"),
    ("lg(1000)", "3"),
    ("round(ln(exp(2)), 10)", "2"),
    ("round(pi, 10)", "3.1415926536"),
    ("U/直径", "55"),
]


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_an_expression_has_the_value_that_a_calculator_shows(text, value):
    assert number(text, {"U": Fraction(220), "直径": Fraction(4)}) == Fraction(value)


CONDITIONS = [
    ("U > 200 and R != 0", True),
    ("U ≥ 220 且 U ≤ 220", True),
    ("not U = 220 or R < 0", False),
    ("1/3+1/3+1/3 = 1", True),
    ("sqrt(2)^2 = 2", True),
    ("(U > 1) and (R > 100)", False),
]


@pytest.mark.parametrize(("text", "truth"), CONDITIONS)
def test_a_condition_holds_or_does_not(text, truth):
    assert holds(text, {"U": Fraction(220), "R": Fraction(8)}) is truth


REFUSED = [
    ("2U", "第 2 个字符", "运算符"),
    ("U+", "第 3 个字符", "没有写完"),
    ("(1+2", "第 5 个字符", ")"),
    ("1+*2", "第 3 个字符", "*"),
    ("U % 2", "第 3 个字符", "%"),
    ("__import__('os')", "第 12 个字符", "'"),
    ("U.real", "第 2 个字符", "."),
    ("[U]", "第 1 个字符", "["),
    ("foo(1)", "第 4 个字符", "("),
    ("sqrt(1, 2)", "第 1 个字符", "sqrt"),
    ("1 < 2 < 3", "第 7 个字符", "and"),
    ("(1 < 2) + 1", "第 4 个字符", "条件"),
    ("1/(U-220)", "第 2 个字符", "除数为 0"),
    ("sqrt(-1)", "第 1 个字符", "平方根"),
    ("ln(0)", "第 1 个字符", "对数"),
    ("tan(90)", "第 1 个字符", "正切"),
    ("asin(2)", "第 1 个字符", "反正弦"),
    ("9999^9999", "第 5 个字符", "太大"),
    ("9^9^9^9", "", "太大"),
    ("I*2", "第 1 个字符", "I"),
    ("", "", "空的"),
    ("(" * 60 + "1" + ")" * 60, "", "太多层"),
    ("1+" * 200 + "1", "", "太长"),
    ("2^" * 80 + "2", "", "太多层"),
]


@pytest.mark.parametrize(("text", "place", "word"), REFUSED)
def test_what_cannot_be_computed_is_refused_in_chinese_with_its_place(text, place, word):
    with pytest.raises(ExpressionError) as refusal:
        number(text, {"U": Fraction(220)})
    assert place in str(refusal.value)
    assert word in str(refusal.value)


@given(st.text("U12.+-*/^()<>=,且 sqrtpi·且或", max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_text_has_a_value_or_is_refused(text):
    try:
        found = number(text, {"U": Fraction(3)})
    except ExpressionError as refusal:
        found = str(refusal)
    assert isinstance(found, Fraction) or any("\u4e00" <= sign <= "\u9fff" for sign in found)


@given(st.floats(-1000, 1000))
@settings(max_examples=100, deadline=None)
def test_functions_agree_with_the_mathematics_library(x):
    values = {"x": Fraction(x)}
    for name in ("sin", "cos", "atan", "exp"):
        if name != "exp" or abs(x) < 300:
            assert math.isclose(
                number(f"{name}(x)", values, degrees=False), getattr(math, name)(x), rel_tol=1e-9, abs_tol=1e-9
            )


def test_angles_are_degrees_unless_the_item_says_radians():
    angle = {"variables": [{"name": "a", "minimum": "1", "maximum": "80"}]}
    item = replace(OHM, stem="[[a]]", explanation="", parameters={**angle, "answer": {"expressions": ["sin(a)"]}})
    degrees = TYPE.freeze(item, 3)[0]
    radians = TYPE.freeze(changed(item, angles="radians"), 3)[0]
    assert degrees.stem == radians.stem
    assert degrees.key["value"] == pytest.approx(math.sin(math.radians(int(degrees.stem))))
    assert radians.key["value"] == pytest.approx(math.sin(int(radians.stem)))


def test_a_seed_gives_the_same_instance_in_every_release():
    assert [content_digest(TYPE.freeze(one, seed)[0])[:12] for one in (OHM, CHOICE, BLANKS) for seed in (0, 2**48 - 1)] == [
        "acd7407309fd", "83e2284f5f8b", "2826d4f8d2bd", "22eb412bf046", "a7ae1b9d02b4", "ceb5719ea5f7"
    ]  # fmt: skip


def test_an_instance_is_an_ordinary_item_that_holds_no_parameters():
    for content, name in ((OHM, "numeric"), (CHOICE, "single_choice"), (BLANKS, "fill_in")):
        (made,) = TYPE.freeze(content, 5)
        assert (made.type, made.parameters, made.score) == (name, {}, content.score)
        assert "[[" not in made.stem + made.explanation
        assert registry.get(name).validate(made) == []
        assert content_from_json(content_to_json(made)) == made


def test_the_key_of_an_instance_follows_from_its_own_numbers():
    for seed in range(60):
        (made,) = TYPE.freeze(OHM, seed)
        volts, ohms = (int(part) for part in "".join(c if c.isdigit() else " " for c in made.stem).split())
        assert made.key == {"value": pytest.approx(round(volts / ohms + 1e-9, 1)), "tolerance": 0.1, "unit": "A"}
        assert 200 <= volts <= 240
        assert volts % 5 == 0
        assert ohms in {10, 20, 40}


def test_forms_with_different_seeds_carry_different_instances_scored_by_their_own_key():
    first, second = (TYPE.freeze(OHM, seed)[0] for seed in (1, 2))
    assert first.stem != second.stem
    kind = registry.get("numeric")
    assert kind.score(first, key_as_response(first), Decimal(2)).outcome is Outcome.CORRECT
    assert kind.score(second, key_as_response(first), Decimal(2)).outcome is Outcome.WRONG


def test_conditions_hold_in_every_instance():
    item = changed(OHM, constraints=["U/R > 10", "round(U/R) = U/R"])
    for seed in range(80):
        assert Decimal(str(TYPE.freeze(item, seed)[0].key["value"])) % 1 == 0


def test_options_differ_and_the_key_stands_in_different_places():
    places = set()
    for seed in range(80):
        (made,) = TYPE.freeze(CHOICE, seed)
        assert len({one.content for one in made.choices}) == 4
        places.add(made.key)
    assert places == {"A", "B", "C", "D"}


def test_a_derived_value_is_used_as_it_is_shown():
    item = replace(changed(OHM, derived=[{"name": "I", "expression": "U/R", "decimals": 0}]), stem="[[U]] [[R]] [[I]]")
    item = answered(item, expressions=["I*2"], decimals=0)
    for seed in range(30):
        (made,) = TYPE.freeze(item, seed)
        assert made.key["value"] == 2 * int(made.stem.split()[2])


@given(parametric(), st.integers(0, 2**48 - 1))
@settings(max_examples=80, deadline=None)
def test_every_seed_of_a_valid_item_gives_a_valid_instance_always_the_same(content, seed):
    (made,) = TYPE.freeze(content, seed)
    assert content_digest(made) == content_digest(TYPE.freeze(content, seed)[0])
    found = registry.get(made.type).validate(made)
    assert [one for one in found if one.severity is Severity.ERROR] == []
    assert registry.get(made.type).score(made, key_as_response(made), Decimal(1)).outcome is Outcome.CORRECT


def test_outside_a_form_the_item_stands_for_its_instance_of_seed_0():
    for content in (OHM, CHOICE, BLANKS):
        (made,) = TYPE.freeze(content, 0)
        kind = registry.get(made.type)
        assert TYPE.render(content) == kind.render(made)
        response = key_as_response(made)
        assert TYPE.score(content, response, Decimal(2)) == kind.score(made, response, Decimal(2))
        assert TYPE.parse_response(content, response) == response


V = OHM.parameters["variables"]
FAULTS = [
    # content, code, field
    (replace(OHM, parameters={}), "no_variable", "parameters"),
    (changed(OHM, variables=[{"name": "U", "minimum": "5", "maximum": "1"}]), "bad_range", "parameters"),
    (changed(OHM, variables=[{"name": "U", "minimum": "1", "maximum": "5", "step": "0"}]), "bad_range", "parameters"),
    (changed(OHM, variables=[{"name": "U", "values": ["1", "二"]}]), "bad_value", "parameters"),
    (changed(OHM, variables=[{"name": "U", "minimum": "0", "maximum": "1", "step": "0.00001"}]), "too_many_values", "parameters"),
    (changed(OHM, variables=[*V, {"name": "2x", "values": ["1"]}]), "bad_name", "parameters"),
    (changed(OHM, variables=[*V, {"name": "sin", "values": ["1"]}]), "reserved_name", "parameters"),
    (changed(OHM, variables=[*V, {"name": "U", "values": ["1"]}]), "repeated_name", "parameters"),
    (changed(OHM, variables=[*V, {"name": "x", "values": ["1"], "decimals": 99}]), "bad_decimals", "parameters"),
    (changed(OHM, variables=[*V, {"name": "x", "values": ["1"]}]), "unused_variable", "parameters"),
    (changed(OHM, variables=[{"name": f"x{n}", "values": ["1"]} for n in range(13)]), "too_many_variables", "parameters"),
    (changed(OHM, derived=[{"name": "I", "expression": "P/U"}]), "unknown_variable", "parameters"),
    (changed(OHM, constraints=["U >"]), "bad_expression", "parameters"),
    (changed(OHM, constraints=["U + R"]), "bad_instance", "parameters"),
    (changed(OHM, constraints=["U < 0"]), "no_instance", "parameters"),
    (answered(OHM, expressions=[]), "no_key", "key"),
    (answered(OHM, expressions=["U", "R"]), "several_keys", "key"),
    (answered(OHM, expressions=["U/"]), "bad_expression", "key"),
    (answered(OHM, expressions=["U/r"]), "unknown_variable", "key"),
    (answered(OHM, shape="essay"), "bad_shape", "key"),
    (answered(OHM, tolerance="-1"), "bad_tolerance", "key"),
    (answered(OHM, decimals="两"), "bad_decimals", "key"),
    (answered(OHM, expressions=["U*0"]), "constant_key", "key"),
    (answered(CHOICE, distractors=["U*R"]), "distractor_count", "key"),
    (answered(BLANKS, expressions=["U"]), "blank_count", "key"),
    (answered(BLANKS, tolerance="1"), "unused_tolerance", "key"),
    (replace(OHM, stem="[[U]] [[R]] [[I]]"), "unknown_place", "stem"),
    (replace(OHM, explanation="[[答案2]]"), "unknown_place", "explanation"),
    (changed(OHM, variables=[{"name": "U", "values": ["1", "2"]}, {"name": "R", "values": ["3"]}]), "few_instances", "parameters"),
]  # fmt: skip
WARNINGS = {"unused_variable", "constant_key", "unused_tolerance"}


@pytest.mark.parametrize(("content", "code", "field"), FAULTS)
def test_a_fault_is_named_at_its_field(content, code, field):
    found = [one for one in TYPE.validate(content) if one.code == code]
    assert [one.field for one in found] == [field]
    assert found[0].severity is (Severity.WARNING if code in WARNINGS else Severity.ERROR)
    params = {name: value.message if isinstance(value, Finding) else value for name, value in found[0].params.items()}
    assert found[0].message == (found[0].template % params if params else found[0].template)


def test_a_good_item_has_no_findings():
    for content in (OHM, CHOICE, BLANKS, example("parametric")):
        assert TYPE.validate(content) == []


def test_the_values_that_break_an_instance_are_shown():
    item = changed(OHM, variables=[V[0], {"name": "R", "minimum": "0", "maximum": "20"}])
    (found,) = [one for one in TYPE.validate(item) if one.code == "bad_instance"]
    assert "R = 0" in found.message
    assert "除数为 0" in found.message


def test_a_corner_that_chance_would_hardly_meet_is_tried():
    item = changed(OHM, variables=[V[0], {"name": "R", "minimum": "0", "maximum": "9999"}])
    assert "bad_instance" in {one.code for one in TYPE.validate(item)}


def test_a_condition_on_variables_keeps_derived_values_from_dividing_by_zero():
    item = changed(
        OHM, variables=[V[0], {"name": "R", "minimum": "0", "maximum": "20"}], constraints=["R > 0"],
        derived=[{"name": "I", "expression": "U/R", "decimals": 2}],
    )  # fmt: skip
    assert TYPE.validate(answered(item, expressions=["I"])) == []


def test_equal_options_are_found_before_submission_and_never_frozen():
    item = changed(CHOICE, variables=[V[0], {"name": "R", "values": ["1", "2", "10"]}])
    found = [one for one in TYPE.validate(item) if one.code == "bad_instance"]
    assert any("R = 1" in one.message for one in found)
    for seed in range(60):
        assert len({one.content for one in TYPE.freeze(item, seed)[0].choices}) == 4


def test_an_item_that_has_no_instance_is_not_frozen_and_still_shown():
    broken = changed(OHM, constraints=["U < 0"])
    with pytest.raises(TranslatableValueError, match="约束"):
        TYPE.freeze(broken, 1)
    assert TYPE.render(broken)["stem"] == broken.stem
    assert TYPE.score(broken, ["1"], Decimal(1)).outcome is Outcome.NEEDS_MARKING


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "values", "answer"]), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["variables", "derived", "constraints", "angles", "answer"]), odd))
@settings(max_examples=100, deadline=None)
def test_parameters_of_any_shape_give_findings_and_no_crash(parameters):
    content = replace(OHM, parameters=parameters)
    assert TYPE.validate(content)
    TYPE.render(content)
    TYPE.key_text(content)
