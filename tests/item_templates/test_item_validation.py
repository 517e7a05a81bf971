"""What authors are told about an item before they may submit it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from item_templates import registry
from item_templates.contract import Choice, ItemContent, Severity
from tests.item_templates.item_contents import TYPE_NAMES, choices, example

SINGLE = ItemContent("single_choice", "下列是金属的是（　）", choices("铁", "水", "氧"), "A")
MULTIPLE = replace(SINGLE, type="multiple_choice", key=["A", "B"])
FILL = ItemContent("fill_in", "铁是{{1}}，铜是{{2}}", key=[["Fe"], ["Cu"]])
MARKED = ItemContent("short_answer", "简述", rubric=({"text": "要点", "score": "2"},), score=Decimal(2))
NUMBER = ItemContent("numeric", "求电流", key={"value": 1, "tolerance": 0, "unit": "A"})
ORDER = ItemContent("ordering", "排序", choices("甲", "乙", "丙"), ["B", "A", "C"])
MATCH = example("matching")
WORKED = example("calculation")
SET = example("testlet")

TABLE = [
    # content, code, field
    (replace(SINGLE, stem=""), "empty_stem", "stem"),
    (replace(SINGLE, stem="<p> &nbsp;</p>"), "empty_stem", "stem"),
    (replace(SINGLE, choices=()), "no_choices", "choices"),
    (replace(SINGLE, choices=choices("铁")), "too_few_choices", "choices"),
    (replace(SINGLE, choices=choices("铁", "", "氧")), "empty_choice", "choices"),
    (replace(SINGLE, choices=choices("铁", "Ａ 水", "A水")), "duplicate_choice", "choices"),
    (replace(SINGLE, choices=(Choice("A", "铁"), Choice("A", "水"))), "repeated_choice_id", "choices"),
    (replace(SINGLE, choices=tuple(Choice(f"R{n}", str(n)) for n in range(27))), "too_many_choices", "choices"),
    (replace(SINGLE, key=None), "no_key", "key"),
    (replace(SINGLE, key="D"), "key_outside_choices", "key"),
    (replace(SINGLE, key=["A", "B"]), "several_keys", "key"),
    (replace(SINGLE, score=Decimal(0)), "score_not_positive", "score"),
    (replace(SINGLE, score=Decimal(-1)), "score_not_positive", "score"),
    (replace(SINGLE, score=Decimal("NaN")), "score_not_positive", "score"),
    (replace(SINGLE, score=Decimal(1000)), "score_too_high", "score"),
    (replace(SINGLE, score=Decimal("0.3333")), "score_too_fine", "score"),
    (replace(SINGLE, scoring={"method": "per_option"}), "unknown_method", "scoring"),
    (replace(SINGLE, scoring={"weights": {"Z": 1, "A": 1}}), "weight_without_choice", "scoring"),
    (replace(SINGLE, scoring={"weights": {"A": 2}}), "bad_weight", "scoring"),
    (replace(SINGLE, scoring={"weights": {"A": 0.5}}), "weights_of_key", "scoring"),
    (replace(SINGLE, stem='看图<img src="media:m1" alt="">'), "missing_medium", "media"),
    (replace(SINGLE, media=({"id": "m1", "alt": " "},)), "no_alt_text", "media"),
    (replace(SINGLE, stem=r"\(a+b"), "unpaired_formula", "stem"),
    (replace(MULTIPLE, key=["A"]), "too_few_keys", "key"),
    (replace(MULTIPLE, key=[]), "no_key", "key"),
    (replace(MULTIPLE, key=["A", "Z"]), "key_outside_choices", "key"),
    (replace(MULTIPLE, key=["A", "A"]), "repeated_key", "key"),
    (replace(MULTIPLE, key=["A", "B", "C"]), "all_are_keys", "key"),
    (replace(MULTIPLE, scoring={"method": "partial", "fraction": "1.5"}), "bad_fraction", "scoring"),
    (ItemContent("true_false", "铁是金属"), "no_key", "key"),
    (ItemContent("true_false", "铁是金属", key="A"), "bad_key", "key"),
    (ItemContent("true_false", "铁是金属", choices("对", "错"), key=True), "unused_choices", "choices"),
    (replace(FILL, stem="铁是____"), "no_blank", "stem"),
    (replace(FILL, stem="{{1}}{{3}}"), "blank_numbers", "stem"),
    (replace(FILL, stem="{{1}}{{1}}"), "blank_numbers", "stem"),
    (replace(FILL, key=[["Fe"]]), "blank_count", "key"),
    (replace(FILL, key=[["Fe"], [" "]]), "empty_blank_key", "key"),
    (replace(FILL, key=None), "no_key", "key"),
    (replace(MARKED, rubric=()), "no_rubric", "rubric"),
    (replace(MARKED, score=Decimal(3)), "rubric_sum", "rubric"),
    (replace(MARKED, rubric=({"text": "", "score": "2"},)), "empty_rubric_text", "rubric"),
    (replace(MARKED, rubric=({"text": "要点", "score": "两"},)), "bad_rubric_score", "rubric"),
    (replace(MARKED, scoring={"method": "exact"}), "no_key", "key"),
    (replace(MARKED, key="铁"), "bad_key", "key"),
    (replace(MARKED, type="essay", rubric=()), "no_rubric", "rubric"),
    (replace(NUMBER, key=None), "no_key", "key"),
    (replace(NUMBER, key={"value": "约 3", "tolerance": 0}), "bad_key", "key"),
    (replace(NUMBER, key={"value": 3, "tolerance": -1}), "bad_tolerance", "key"),
    (replace(WORKED, rubric=()), "no_rubric", "rubric"),
    (replace(WORKED, score=Decimal(9)), "rubric_sum", "rubric"),
    (replace(WORKED, key=None, scoring={"method": "final_answer"}), "no_key", "key"),
    (replace(WORKED, key=[{"value": "约 3"}]), "bad_key", "key"),
    (replace(WORKED, key="22 A"), "bad_key", "key"),
    (replace(WORKED, key=[{"value": 3, "tolerance": -1}]), "bad_tolerance", "key"),
    (replace(WORKED, key=[{"value": n} for n in range(11)]), "too_many_keys", "key"),
    (replace(WORKED, scoring={"method": "marked"}), "unknown_method", "scoring"),
    (replace(ORDER, key=["A", "B"]), "key_not_all_choices", "key"),
    (replace(ORDER, key=None), "no_key", "key"),
    (replace(ORDER, key=["A", "B", "C"]), "key_is_listed_order", "choices"),
    (replace(SET, items=()), "no_children", "items"),
    (replace(SET, items=(SET,)), "nested_testlet", "items"),
    (replace(SET, score=Decimal(11)), "children_sum", "score"),
    (replace(SET, key="A"), "bad_key", "key"),
    (replace(SET, items=SET.items * 7, score=Decimal(70)), "too_many_children", "items"),
    (replace(SET, items=(SET.items[0], replace(SET.items[1], key=None), SET.items[2])), "no_key", "items-2-key"),
    (replace(SET, items=(replace(SET.items[0], stem=""), *SET.items[1:])), "empty_stem", "items-1-stem"),
    (replace(MATCH, key=None), "no_key", "key"),
    (replace(MATCH, key={"pairs": [["A", "9"]]}), "key_outside_choices", "key"),
    (replace(MATCH, key={"pairs": [["A", "1"], ["A", "1"]]}), "repeated_key", "key"),
    (replace(MATCH, targets=()), "no_choices", "targets"),
]
WARNINGS = {"no_alt_text", "all_are_keys", "unused_choices", "key_is_listed_order"}


@pytest.mark.parametrize(("content", "code", "field"), TABLE)
def test_a_fault_is_named_at_its_field(content, code, field):
    found = [one for one in registry.get(content.type).validate(content) if one.code == code]
    assert [one.field for one in found] == [field]
    assert found[0].severity is (Severity.WARNING if code in WARNINGS else Severity.ERROR)


@pytest.mark.parametrize(("content", "code", "field"), TABLE)
def test_a_finding_is_finished_chinese_text_that_can_be_translated(content, code, field):
    for one in registry.get(content.type).validate(content):
        assert any("\u4e00" <= sign <= "\u9fff" for sign in one.message)
        assert one.message == (one.template % one.params if one.params else one.template)
        assert "%(" not in one.message


@pytest.mark.parametrize("name", TYPE_NAMES)
def test_the_example_has_no_findings(name):
    assert registry.get(name).validate(example(name)) == []


@pytest.mark.parametrize("content", [SINGLE, MULTIPLE, FILL, MARKED, NUMBER, ORDER])
def test_a_good_item_has_no_findings(content):
    good = replace(content, key=["A", "B"]) if content is MULTIPLE else content
    assert registry.get(good.type).validate(good) == []


def test_a_finding_of_a_child_names_the_child():
    content = replace(SET, items=(SET.items[0], replace(SET.items[1], key=None), SET.items[2]))
    assert [one.message for one in registry.get("testlet").validate(content)] == [
        "第 2 小题：没有标准答案，请选择正确或错误"
    ]


def test_a_child_may_name_a_picture_that_the_whole_keeps():
    child = replace(SET.items[1], stem='看图<img src="media:m1" alt="图">')
    media = ({"id": "m1", "alt": "图"},)
    assert registry.get("testlet").validate(replace(SET, items=(child,), score=Decimal(2), media=media)) == []
    missing = registry.get("testlet").validate(replace(SET, items=(child,), score=Decimal(2)))
    assert {one.code for one in missing} == {"missing_medium"}


@pytest.mark.parametrize("units", [("mA", "MA", "A"), ("mΩ", "MΩ", "Ω"), ("5 mV", "5 MV", "5 V")])
def test_units_that_differ_in_case_are_different_options(units):
    content = replace(SINGLE, choices=choices(*units))
    assert registry.get("single_choice").validate(content) == []


def test_options_that_differ_in_case_alone_are_allowed_and_pointed_out():
    content = replace(SINGLE, choices=choices("G=mg", "g=mG", "G=mG"))
    found = registry.get("single_choice").validate(content)
    assert [(one.code, one.severity) for one in found] == [("choices_differ_in_case", Severity.WARNING)] * 2


def test_pictures_make_options_different():
    pictures = choices('<img src="media:a" alt="图">', '<img src="media:b" alt="图">')
    media = ({"id": "a", "alt": "图"}, {"id": "b", "alt": "图"})
    assert registry.get("single_choice").validate(replace(SINGLE, choices=pictures, media=media)) == []


def test_subscripts_make_options_different():
    content = replace(SINGLE, choices=choices("CO2", "CO<sub>2</sub>"))
    assert registry.get("single_choice").validate(content) == []


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.sampled_from("AB12"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["pairs", "value", "unit", "x"]), inner)
    ),
    max_leaves=6,
)


@given(
    st.sampled_from(TYPE_NAMES),
    odd,
    st.dictionaries(st.sampled_from(["method", "fraction", "weights"]), odd, max_size=2),
)
@settings(max_examples=100, deadline=None)
def test_validation_never_crashes_on_a_key_of_another_shape(name, key, scoring):
    content = ItemContent(name, "题", choices("甲", "乙"), key, scoring=scoring, targets=choices("丙", "丁"))
    for one in registry.get(name).validate(content):
        assert one.message
    registry.get(name).key_text(content)
    registry.get(name).score(content, ["甲"], Decimal(1))


SHUFFLE = [
    ("以上都对", False),
    ("以上都不对", False),
    ("上述说法均正确", False),
    ("A和B", False),
    ("A、B 都正确", False),
    ("AB都对", False),
    ("a 与 b", True),
    ("两者都是", False),
    ("二者均可", False),
    ("都不对", False),
    ("选项A", False),
    ("A项和C项", False),
    ("None of the above", False),
    ("Both A and B", False),
    ("平均值", True),
    ("均匀分布", True),
    ("都市", True),
    ("A型钢", True),
    ("5 A", True),
    ("CAD 制图", True),
    ("维生素", True),
]


@pytest.mark.parametrize(("text", "may"), SHUFFLE)
@pytest.mark.parametrize("name", ["single_choice", "multiple_choice"])
def test_options_that_speak_of_others_keep_their_place(name, text, may):
    content = ItemContent(name, "?", choices("铁", "水", "氧", text))
    assert registry.get(name).may_shuffle(content) is may


def test_a_picture_without_alternative_text_is_named_by_its_place():
    pictures = ({"id": "a" * 64, "alt": "接线图"}, {"id": "b" * 64, "alt": ""})
    findings = registry.get("single_choice").validate(replace(SINGLE, media=pictures))
    assert [one.message for one in findings if one.code == "no_alt_text"] == ["第 2 幅图片没有替代文字，请写明图中内容"]
