"""Writing a testlet in the browser: children come, move and go by the form alone; findings name the child."""

from __future__ import annotations

import re
from html import unescape

from sqlalchemy import select

from item_templates.canonical import content_from_json
from kernel.identity.permissions import Role
from qbank.models.items import Item, ItemVersion
from tests.item_templates.item_contents import example
from tests.item_templates.test_item_pages import Form
from tests.qbank.item_bank import POINT, make_draft
from tests.qbank.test_items_pages import actor_of, level_id, people  # noqa: F401 - fixtures

SET = example("testlet")


def address(level_id):  # noqa: F811 - the fixture's value
    return f"/items/new?type=testlet&level={level_id}"


def fields_of(answer):
    form = re.search(r'<form class="column-wide".*?</form>', answer.text, re.DOTALL)[0]
    return {name: values for name, values in Form(form).fields.items() if name != "image"}


def test_children_are_added_and_written_without_a_script(session, people, level_id):  # noqa: F811
    client = people(Role.AUTHOR)[1]
    sent = fields_of(client.get(address(level_id))) | {"stem": ["材料一则"]}
    answer = client.post(address(level_id), data=sent | {"act": "child:add", "child_new_type": "true_false"})
    sent = fields_of(answer) | {"items-1-stem": ["铁是金属。"], "items-1-key": ["true"], "items-1-score": ["2"]}
    answer = client.post(address(level_id), data=sent | {"act": "child:add", "child_new_type": "essay"})
    sent = fields_of(answer)
    assert (answer.status_code, sent["items-1-stem"], sent["child"]) == (200, ["铁是金属。"], ["1", "2"])
    assert session.scalars(select(Item)).first() is None
    answer = client.post(address(level_id), data=sent | {"act": "child:remove:2", "points": [POINT], "difficulty": "3"})
    saved = client.post(address(level_id), data=fields_of(answer) | {"act": "submit"})
    assert saved.status_code == 303
    content = content_from_json(session.scalars(select(ItemVersion)).one().content)
    assert [(child.stem, child.key, str(child.score)) for child in content.items] == [("铁是金属。", True, "2")]


def test_a_fault_of_a_child_is_named_with_its_number(people, level_id):  # noqa: F811
    client = people(Role.AUTHOR)[1]
    sent = fields_of(client.get(address(level_id))) | {"stem": ["材料一则"], "points": [POINT], "difficulty": "3"}
    sent = fields_of(client.post(address(level_id), data=sent | {"act": "child:add", "child_new_type": "true_false"}))
    refused = client.post(address(level_id), data=sent | {"act": "submit", "items-1-stem": "铁是金属。"})
    assert refused.status_code == 422
    assert "第 1 小题：没有标准答案" in refused.text
    assert 'id="error-items-1-key"' in refused.text


def test_an_item_with_children_opens_again_as_it_was_saved(people, actor_of, level_id):  # noqa: F811
    author, client = people(Role.AUTHOR)
    item = make_draft(actor_of(author), level_id, SET)
    page = client.get(f"/items/{item.item_id}/edit")
    assert unescape(page.text).count("第 3 小题") >= 1
    moved = client.post(f"/items/{item.item_id}/edit", data=fields_of(page) | {"act": "child:up:2"})
    assert fields_of(moved)["child_type"] == ["true_false", "single_choice", "short_answer"]
    for tab in ("", "?tab=key"):
        assert client.get(f"/items/{item.item_id}{tab}").status_code == 200


def test_a_changed_part_stands_in_the_comparison_of_versions(people, actor_of, level_id):  # noqa: F811
    author, client = people(Role.AUTHOR)
    item = make_draft(actor_of(author), level_id, SET)
    fields = fields_of(client.get(f"/items/{item.item_id}/edit"))
    saved = client.post(f"/items/{item.item_id}/edit", data=fields | {"items-2-stem": ["热继电器只作过载保护。"]})
    assert saved.status_code == 303
    page = client.get(f"/items/{item.item_id}/difference?old=1&new=2")
    assert "第 2 小题 题干" in page.text
    assert "只作过载保护" in page.text
