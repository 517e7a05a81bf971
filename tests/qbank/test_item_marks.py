"""Marks beside the content: cognitive level and trial, set in bulk, carried by files, kept out of versions."""

from __future__ import annotations

import pytest

from item_templates.contract import ItemContent
from kernel import profiles
from kernel.clock import today
from kernel.errors import ForbiddenError, InvalidInputError
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank import public
from qbank.interchange.convert import read_items, write_items
from qbank.public_supply import cognitive_levels
from qbank.repository import items as repository
from qbank.rules.bulk import BulkAct
from qbank.rules.items import DuplicatePolicy
from qbank.services import bulk, imports
from qbank.services.bulk import BulkRequest
from qbank.services.exports import canonical_items
from qbank.services.items import copy_item
from tests.factories.standards import make_level
from tests.qbank.item_bank import approve, make_draft, submit

EVERYTHING = imports.ImportOptions(duplicates=DuplicatePolicy.IMPORT)


@pytest.fixture
def level_id(organisation):
    return make_level(organisation.organisation_id).standard_level_id


@pytest.fixture
def editor(make_actor):
    return make_actor(Role.EDITOR)


@pytest.fixture
def drafts(editor, level_id):
    texts = ("电流的单位是安培。", "电压的单位是欧姆。")
    return [make_draft(editor, level_id, ItemContent("true_false", text, key=True)) for text in texts]


def act(actor, kind, items, **values):
    with unit_of_work(actor) as uow:
        return bulk.carry_out(uow, BulkRequest(kind, tuple(one.item_id for one in items), **values))


def test_a_level_is_set_for_many_items_without_a_new_version(session, editor, drafts):
    assert act(editor, BulkAct.COGNITIVE, drafts, cognitive="理解").n_done == 2
    for item in drafts:
        session.refresh(item)
        assert (item.cognitive, item.n_versions) == ("理解", 1)
    again = bulk.plan(session, editor, BulkRequest(BulkAct.COGNITIVE, (drafts[0].item_id,), cognitive="理解"))
    assert [line.refusal for line in again] == ["已是这个认知层次"]


def test_only_levels_of_the_organisation_are_taken(session, editor, drafts, make_actor):
    with pytest.raises(InvalidInputError):
        act(editor, BulkAct.COGNITIVE, drafts, cognitive="创造")
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        profiles.publish(uow, {"qbank.cognitive_levels": "知道，会做，创造"}, effective_on=today())
    assert cognitive_levels(session, editor) == ("知道", "会做", "创造")
    assert act(editor, BulkAct.COGNITIVE, drafts, cognitive="创造").n_done == 2


def test_an_item_in_use_is_put_on_trial_and_counts_again(session, editor, drafts, level_id, make_actor):
    submit(editor, drafts[0])
    approve(drafts[0], [make_actor(Role.REVIEWER) for _ in range(3)])
    assert act(editor, BulkAct.TRIAL, drafts[:1]).n_done == 1
    (entry,) = public.load_pool(session, editor, level_id)
    assert entry.is_trial
    assert act(editor, BulkAct.COUNTING, drafts[:1]).n_done == 1
    (entry,) = public.load_pool(session, editor, level_id)
    assert not entry.is_trial


def test_an_author_marks_own_items_but_puts_none_on_trial(session, make_actor, level_id, drafts):
    author = make_actor(Role.AUTHOR)
    own = make_draft(author, level_id)
    assert act(author, BulkAct.COGNITIVE, [own], cognitive="识记").n_done == 1
    with pytest.raises(ForbiddenError):
        act(author, BulkAct.TRIAL, [own])
    assert act(author, BulkAct.COGNITIVE, drafts, cognitive="识记").n_done == 0


def test_another_organisation_marks_nothing(make_actor, other_organisation, drafts, session):
    stranger = make_actor(Role.EDITOR, organisation_id=other_organisation.organisation_id)
    assert act(stranger, BulkAct.TRIAL, drafts).n_done == 0
    session.refresh(drafts[0])
    assert not drafts[0].is_trial


@pytest.mark.parametrize("name", ["json", "xlsx", "docx", "csv"])
def test_marks_go_out_with_a_file_and_come_back_with_it(session, editor, drafts, organisation, name):
    act(editor, BulkAct.COGNITIVE, drafts, cognitive="应用")
    act(editor, BulkAct.TRIAL, drafts[:1])
    session.expire_all()
    data, _losses = write_items(canonical_items(session, drafts), name)
    target = make_level(organisation.organisation_id, code="6-31-01-99").standard_level_id
    with unit_of_work(editor) as uow:
        outcome = imports.import_items(uow, read_items(data, f"a.{name}"), standard_level_id=target, options=EVERYTHING)
    back = repository.list_by_ids(session, outcome.item_ids, actor=editor)
    assert [(item.cognitive, item.is_trial) for item in back] == [("应用", True), ("应用", False)]
    assert all("认知层次" not in item.extra for item in back)


def test_a_copy_keeps_the_level_and_begins_without_a_trial(editor, drafts):
    act(editor, BulkAct.COGNITIVE, drafts, cognitive="分析")
    act(editor, BulkAct.TRIAL, drafts)
    with unit_of_work(editor) as uow:
        copy = copy_item(uow, drafts[0].item_id)
    assert (copy.cognitive, copy.is_trial) == ("分析", False)


def test_the_page_of_an_item_shows_its_marks_and_offers_to_change_them(session, sign_in, make_user, level_id):
    from kernel.identity.services import actor_of_user

    user = make_user(Role.EDITOR)
    item = make_draft(actor_of_user(user), level_id)
    client = sign_in(user=user)
    data = {"act": "cognitive", "selected": str(item.item_id)}
    assert "定认知层次" in client.get(f"/items/{item.item_id}").text
    assert "识记" in client.post("/items/bulk", data=data).text
    done = client.post("/items/bulk/do", data=data | {"cognitive": "识记", "step": "do"})
    assert done.status_code == 303
    page = client.get(f"/items/{item.item_id}").text
    assert "识记" in page
    assert (
        client.post("/items/bulk/do", data={"act": "trial", "selected": str(item.item_id), "step": "do"}).status_code
        == 303
    )
    assert "试测" in client.get(f"/items/{item.item_id}").text
