"""Items that share a text: one slot each, together, and a form of authoring that adds, moves and removes them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from item_templates import registry
from item_templates.contract import ItemContent
from tests.item_templates.item_contents import STRATEGIES, TYPE_NAMES, example, key_as_response
from tests.item_templates.test_item_pages import Form, page

SET = example("testlet")
TYPE = registry.get("testlet")


def sent(content: ItemContent, act: str = "", **changes: list[str]) -> ItemContent:
    """Return what comes of the form when a button is pressed."""
    fields = Form(page(content, "edit")).fields
    return TYPE.from_form({**fields, **({"act": [act]} if act else {}), **changes}, content)


@given(STRATEGIES["testlet"], st.integers(0, 2**48))
@settings(max_examples=60, deadline=None)
def test_freezing_gives_every_child_the_shared_text_and_loses_no_marks(content, seed):
    frozen = TYPE.freeze(content, seed)
    assert [one.stem for one in frozen] == [child.stem for child in content.items]
    assert {one.stimulus for one in frozen} == {content.stem}
    assert sum(one.score for one in frozen) == content.score
    assert frozen == TYPE.freeze(content, seed)


def test_a_frozen_child_carries_the_pictures_of_the_shared_text():
    picture = {"id": "m1", "alt": "图"}
    own = {"id": "m2", "alt": "表"}
    child = replace(SET.items[0], media=(own, picture))
    frozen = TYPE.freeze(replace(SET, items=(child, SET.items[1]), media=(picture,)), 1)
    assert [one.media for one in frozen] == [(picture, own), (picture,)]


@pytest.mark.parametrize(
    ("act", "order"),
    [
        ("child:up:2", [1, 0, 2]),
        ("child:down:1", [1, 0, 2]),
        ("child:up:1", [0, 1, 2]),
        ("child:down:3", [0, 1, 2]),
        ("child:remove:2", [0, 2]),
        ("child:remove:9", [0, 1, 2]),
        ("child:remove:x", [0, 1, 2]),
        ("child:type", [0, 1, 2]),
        ("save", [0, 1, 2]),
    ],
)
def test_a_button_of_the_form_moves_or_removes_a_child(act, order):
    assert sent(SET, act).items == tuple(SET.items[place] for place in order)


def test_a_child_of_any_type_but_the_own_is_added():
    added = sent(SET, "child:add", child_new_type=["matching"])
    assert [child.type for child in added.items] == [*(child.type for child in SET.items), "matching"]
    assert added.score == SET.score + 1
    assert "匹配题" in page(added, "edit")
    assert sent(SET, "child:add", child_new_type=["testlet"]).items == SET.items
    assert sent(SET, "child:add", child_new_type=["no_such_type"]).items == SET.items


def test_a_child_that_changes_its_type_keeps_what_both_types_have():
    changed = sent(SET, "child:type", child_type=["multiple_choice", "true_false", "essay"])
    assert [child.type for child in changed.items] == ["multiple_choice", "true_false", "essay"]
    assert changed.items[0].choices == SET.items[0].choices
    assert changed.items[2].rubric == SET.items[2].rubric


def test_option_weights_of_a_child_outlive_the_form():
    weighted = replace(SET.items[0], scoring={"weights": {"B": 1}})
    assert sent(replace(SET, items=(weighted, *SET.items[1:]))).items[0].scoring["weights"] == {"B": 1}


def test_an_error_of_a_child_stands_at_the_childs_field():
    html = page(SET, "edit", {"items-2-key": ["毛病"], "items": ["另一个"]})
    assert html.count("毛病") == 1
    assert 'id="error-items-2-key"' in html
    assert 'id="error-items"' in html


def test_a_choice_in_one_child_leaves_the_choice_in_another_alone():
    child = example("single_choice")
    html = page(ItemContent("testlet", "材料", items=(child, child), score=2 * child.score), "item")
    names = [one["name"] for one in Form(html).inputs if one.get("type") == "radio"]
    assert [names.count(name) for name in dict.fromkeys(names)] == [len(child.choices)] * 2


@pytest.mark.parametrize("name", [name for name in TYPE_NAMES if name != "testlet"])
def test_a_child_of_any_type_keeps_everything_in_the_form_of_the_whole(name):
    child = example(name)
    content = ItemContent("testlet", "材料", items=(child, child), score=2 * child.score)
    html = page(content, "edit")
    form = Form(html)
    assert len(form.ids) == len(set(form.ids))
    assert set(form.described) <= set(form.ids)
    saved = TYPE.from_form(form.fields)
    assert [replace(one, media=child.media) for one in saved.items] == [child, child]
    for which in ("item", "review"):
        assert page(content, which).count('<li class="item-child"><article class="item ') == 2


@pytest.mark.parametrize("name", [name for name in TYPE_NAMES if name != "testlet"])
def test_a_frozen_child_of_any_type_is_answered_and_scored_by_its_own_type(name):
    child = example(name)
    frozen = TYPE.freeze(ItemContent("testlet", "材料", items=(child,), score=child.score), 5)
    assert len(frozen) == 1
    own = registry.get(frozen[0].type)
    assert own.render(frozen[0])["stem"]
    assert own.score(frozen[0], key_as_response(frozen[0]), Decimal(4)).max_score == 4


def test_the_text_of_an_author_is_no_part_of_the_form():
    hostile = 'name="stem" id="field-stem" &#32;error-x'
    content = ItemContent("testlet", "材料", items=(ItemContent("essay", "x"),), score=Decimal(1))
    typed = TYPE.from_form({**Form(page(content, "edit")).fields, "items-1-stem": [hostile]})
    assert sent(typed).items[0].stem == typed.items[0].stem
