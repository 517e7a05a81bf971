"""The canonical item file: schema, round trip, messages with a path."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from item_templates import registry
from item_templates.canonical import (
    InvalidItemError,
    content_digest,
    content_from_json,
    content_to_json,
    item_from_json,
    item_to_json,
)
from item_templates.contract import CanonicalItem, ItemContent
from item_templates.versions import compare
from tests.item_templates.item_contents import STRATEGIES, TYPE_NAMES, any_content, example

SCHEMA = json.loads((registry.FOLDER / "schema" / "canonical-items.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
GOOD = {"id": "1", "type": "single_choice", "stem": "?", "choices": [{"id": "A", "content": "甲"}], "key": "A"}


@pytest.mark.parametrize("name", TYPE_NAMES)
def test_the_example_of_a_type_fits_the_schema_and_reads_back(name):
    body = json.loads(registry.example_text(registry.get(name)))
    VALIDATOR.validate({"items": [body]})
    item = item_from_json(body)
    assert item.content.type == name
    assert item_from_json(item_to_json(item)) == item


@given(any_content)
@settings(max_examples=60, deadline=None)
def test_what_is_written_fits_the_schema(content):
    VALIDATOR.validate({"items": [item_to_json(CanonicalItem("1", content))]})


def test_the_schema_names_every_type():
    assert set(TYPE_NAMES) == set(SCHEMA["$defs"]["content"]["properties"]["type"]["examples"])
    assert set(STRATEGIES) == set(TYPE_NAMES)


@pytest.mark.parametrize(
    "body",
    [
        {**GOOD, "key": ["A"]},
        {**GOOD, "choices": []},
        {**GOOD, "difficulty": 6},
        {**GOOD, "score": 0},
        {**GOOD, "score": "0.00"},
        {**GOOD, "id": ""},
        {"id": "1", "type": "true_false", "stem": "?", "key": "true"},
        {"id": "1", "type": "fill_in", "stem": "没有空位", "key": [["铁"]]},
        {"id": "1", "type": "matching", "stem": "?", "key": {"pairs": [["A"]]}},
        {"id": "1", "type": "testlet", "stem": "?"},
    ],
)
def test_the_schema_refuses_what_is_no_item(body):
    assert not VALIDATOR.is_valid({"items": [body]})


REFUSED = [
    ("$", []),
    ("$", "text"),
    ("$.id", {**GOOD, "id": None}),
    ("$.id", {**GOOD, "id": " "}),
    ("$.type", {**GOOD, "type": "no_such_type"}),
    ("$.type", {"id": "1"}),
    ("$.stem", {**GOOD, "stem": None}),
    ("$.stem", {**GOOD, "stem": 5}),
    ("$.choices", {**GOOD, "choices": {}}),
    ("$.choices[0]", {**GOOD, "choices": ["甲"]}),
    ("$.choices[1].content", {**GOOD, "choices": [*GOOD["choices"], {"id": "B"}]}),
    ("$.key", {**GOOD, "key": ["A", "B"]}),
    ("$.score", {**GOOD, "score": "一分"}),
    ("$.score", {**GOOD, "score": True}),
    ("$.score", {**GOOD, "score": float("nan")}),
    ("$.score", {**GOOD, "score": "1e999999999999"}),
    ("$.difficulty", {**GOOD, "difficulty": 9}),
    ("$.difficulty", {**GOOD, "difficulty": True}),
    ("$.points", {**GOOD, "points": "A-B"}),
    ("$.points[0]", {**GOOD, "points": [1]}),
    ("$.scoring", {**GOOD, "scoring": "exact"}),
    ("$.media[0].id", {**GOOD, "media": [{"mime": "image/png"}]}),
    ("$.rubric[0].score", {**GOOD, "rubric": [{"text": "x", "score": None}]}),
    ("$.metadata", {**GOOD, "metadata": ["x"]}),
    ("$.items[0].stem", {"id": "1", "type": "testlet", "stem": "材料", "items": [{"type": "essay"}]}),
]


@pytest.mark.parametrize(("path", "body"), REFUSED)
def test_a_wrong_shape_is_refused_with_its_path(path, body):
    with pytest.raises(InvalidItemError) as refusal:
        item_from_json(body)
    assert refusal.value.path == path
    assert str(refusal.value).startswith(f"{path}：")
    assert any("\u4e00" <= sign <= "\u9fff" for sign in refusal.value.reason)


def test_html_is_sanitised_on_the_way_in():
    item = item_from_json(
        {**GOOD, "stem": "<script>alert(1)</script>甲<b>乙</b>", "explanation": "<i onclick=x>丙</i>"}
    )
    assert (item.content.stem, item.content.explanation) == ("甲<b>乙</b>", "<i>丙</i>")


def test_a_field_that_the_format_does_not_know_is_kept():
    item = item_from_json({**GOOD, "label": "第一章", "metadata": {"a": 1}})
    assert item.metadata == {"a": 1, "label": "第一章"}


def test_a_score_is_read_as_number_or_decimal_string_and_stays_exact():
    for written in (0.1, "0.1", "0.100"):
        content = item_from_json({**GOOD, "score": written}).content
        assert (content.score, content_to_json(content)["score"]) == (Decimal("0.1"), "0.1")


def test_a_testlet_keeps_its_children():
    child = {"type": "true_false", "stem": "对吗", "key": True}
    item = item_from_json({"id": "1", "type": "testlet", "stem": "材料", "items": [child, child]})
    assert [one.key for one in item.content.items] == [True, True]
    assert content_from_json(content_to_json(item.content)) == item.content
    assert item.content.score == 2  # what its children are worth, as it says nothing of its own


def test_a_change_in_a_child_is_a_change_of_the_whole():
    whole = example("testlet")
    first, *rest = whole.items
    assert compare(whole, replace(whole, items=(replace(first, stem="改写"), *rest))) == "wording"
    assert compare(whole, replace(whole, items=(replace(first, key="A"), *rest))) == "substance"
    assert compare(whole, replace(whole, items=(*rest, first))) == "substance"


def test_equal_contents_have_equal_digests_and_others_have_not():
    content = example("single_choice")
    same = replace(content, score=Decimal("1.00"), scoring=dict(reversed(content.scoring.items())))
    assert content_digest(content) == content_digest(same)
    assert content_digest(content) != content_digest(replace(content, key="A"))


def test_the_digest_of_a_content_never_changes_between_releases():
    content = ItemContent("true_false", "铁是金属。", key=True)
    assert content_digest(content) == "2f8fcf5b911eb9d25e1e974787f3fa8c17276f29d431b7f1fa372a175370bb40"


SINGLE = example("single_choice")
SUBSTANCE = [
    replace(SINGLE, key="A"),
    replace(SINGLE, score=Decimal(2)),
    replace(SINGLE, scoring={}),
    replace(SINGLE, choices=SINGLE.choices[:3]),
    replace(SINGLE, choices=tuple(reversed(SINGLE.choices))),
    replace(SINGLE, type="multiple_choice", key=["B"]),
    replace(SINGLE, media=({"id": "m", "digest": "0" * 64},)),
    replace(SINGLE, rubric=({"text": "x", "score": "1"},)),
]
WORDING = [
    replace(SINGLE, stem="改写过的题干"),
    replace(SINGLE, explanation=""),
    replace(SINGLE, choices=tuple(replace(one, content=one.content + "。") for one in SINGLE.choices)),
]


@pytest.mark.parametrize("new", SUBSTANCE)
def test_a_change_of_what_is_measured_is_substance(new):
    assert compare(SINGLE, new) == "substance"


@pytest.mark.parametrize("new", WORDING)
def test_a_change_of_text_alone_is_wording(new):
    assert compare(SINGLE, new) == "wording"


def test_nothing_changed_is_the_same():
    assert compare(SINGLE, replace(SINGLE, score=Decimal("1.0"))) == "same"


def test_rewording_a_scoring_point_is_wording_and_changing_its_marks_is_not():
    old = example("short_answer")
    reworded = tuple({**point, "text": point["text"] + "。"} for point in old.rubric)
    assert compare(old, replace(old, rubric=reworded)) == "wording"
    assert compare(old, replace(old, rubric=({**old.rubric[0], "score": "3"}, *old.rubric[1:]))) == "substance"
