"""Asking reviewers for many items at once: who can be asked for which, what the preview says, and what is then done."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from item_templates.contract import ItemContent
from kernel.audit.models import AuditEvent
from kernel.conflicts import RelationKind
from kernel.conflicts.services import Declaration, declare_relation
from kernel.db import db
from kernel.errors import NotFoundError
from kernel.identity.models import User
from kernel.identity.permissions import Role
from kernel.identity.repository import user_names
from kernel.uow import unit_of_work
from qbank.models.items import Item
from qbank.repository import reviews as repository
from qbank.rules.bulk import BulkAct
from qbank.rules.workflow import StageRule
from qbank.services import bulk, workflows
from qbank.services.bulk import BulkRequest
from tests.factories.standards import make_level
from tests.qbank.item_bank import approve, counted_queries, make_draft, submit


@pytest.fixture
def level_id(organisation):
    return make_level(organisation.organisation_id).standard_level_id


@pytest.fixture
def editor(make_actor):
    return make_actor(Role.EDITOR)


def judged(stem: str) -> ItemContent:
    return ItemContent("true_false", stem, key=True)


def asking(*chosen: Item, reviewers) -> BulkRequest:
    return BulkRequest(
        BulkAct.ASSIGN, tuple(item.item_id for item in chosen), reviewers=tuple(one.user_id for one in reviewers)
    )


def related(person, other) -> None:
    with unit_of_work(person) as uow:
        declare_relation(uow, Declaration(RelationKind.KIN, other_user_id=other.user_id))


def asked_of(session, *chosen: Item) -> list[set[str]]:
    found = repository.assignments_of(session, chosen)
    names = user_names(session, [key for keys in found.values() for key in keys])
    return [{names[key] for key in found[item.item_id]} for item in chosen]


def test_reviewers_are_asked_for_many_items_and_who_cannot_is_named_with_the_rule(
    session, editor, make_actor, level_id
):
    author, other = make_actor(Role.AUTHOR), make_actor(Role.AUTHOR)
    near, free = make_actor(Role.REVIEWER), make_actor(Role.REVIEWER)
    related(near, author)
    his, hers, draft = (make_draft(one, level_id, judged(f"{one.name}写的题")) for one in (author, other, editor))
    submit(editor, his, hers)
    wanted = asking(his, hers, draft, reviewers=(near, free))
    first, second, third = bulk.plan(session, editor, wanted)
    assert (first.params["stage"], first.params["names"]) == ("初审", free.name)
    assert [context["person"] for template, context in first.notes if "COI-02" in template] == [near.name]
    assert second.params["names"] == f"{near.name}、{free.name}"
    assert "不在审核中" in third.refusal
    assert asked_of(session, his, hers) == [set(), set()]
    with unit_of_work(editor) as uow:
        result = bulk.carry_out(uow, wanted)
    assert (result.n_done, [line.item.code for line in result.refused]) == (2, [draft.code])
    assert [line.item.code for line in result.noted] == [his.code]
    assert asked_of(session, his, hers) == [{free.name}, {near.name, free.name}]
    audited = select(AuditEvent).where(AuditEvent.act == "item.assign_review")
    assert len(session.scalars(audited).all()) == 3


def test_an_item_for_which_nobody_can_be_asked_says_why_and_stays_as_it_is(session, editor, make_actor, level_id):
    author, marker, gone = make_actor(Role.AUTHOR), make_actor(Role.MARKER), make_actor(Role.REVIEWER)
    session.get(User, gone.user_id).is_active = False
    item = make_draft(author, level_id)
    submit(author, item)
    chosen = (author, marker, gone)
    (line,) = bulk.plan(session, editor, asking(item, reviewers=chosen))
    assert line.is_refused
    said = [template % context for template, context in line.notes]
    assert said == [
        f"{author.name} 命制或修改过这道题，不能审核",
        f"{marker.name} 不具备“初审”的相应角色",
        f"{gone.name} 的账号已停用，不能指定",
    ]
    with unit_of_work(editor) as uow:
        assert bulk.carry_out(uow, asking(item, reviewers=chosen)).n_done == 0


def test_fewer_reviewers_than_the_stage_needs_are_pointed_out(session, editor, make_actor, level_id):
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        workflows.ensure_default_workflow(uow)
        workflows.add_stage(uow, StageRule("双审", quorum=2), base=1)
    first = make_draft(editor, level_id)
    submit(editor, first)
    approve(first, [make_actor(Role.REVIEWER) for _ in range(3)])
    reviewer = make_actor(Role.REVIEWER)
    wanted = asking(first, reviewers=(reviewer,))
    (line,) = bulk.plan(session, editor, wanted)
    assert line.params["stage"] == "双审"
    assert [context["missing"] for template, context in line.notes if "还差" in template] == [1]


def test_asking_for_many_items_needs_few_statements(session, editor, make_actor, level_id):
    author, people = make_actor(Role.AUTHOR), [make_actor(Role.REVIEWER) for _ in range(3)]
    drafts = [make_draft(author, level_id, judged(f"第 {n} 号阀门")) for n in range(12)]
    submit(author, *drafts)
    counts = []
    for n in (2, 12):
        wanted = asking(*drafts[:n], reviewers=people)
        session.expunge_all()
        with counted_queries() as sent:
            bulk.plan(session, editor, wanted)
        counts.append(len(sent))
    assert counts[1] <= counts[0]


def test_nobody_of_another_house_is_asked(session, editor, make_actor, level_id, other_organisation):
    item = make_draft(editor, level_id)
    submit(editor, item)
    stranger = make_actor(Role.REVIEWER, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError):
        bulk.plan(session, editor, asking(item, reviewers=(stranger,)))


def test_only_who_commissions_asks_and_only_about_items_of_the_house(sign_in, make_actor, level_id, other_organisation):
    editor, own = make_actor(Role.EDITOR), make_actor(Role.REVIEWER)
    item = make_draft(editor, level_id)
    submit(editor, item)
    answer = {"act": "assign", "selected": [str(item.item_id)], "reviewers": [str(own.user_id)], "step": "do"}
    assert sign_in(Role.AUTHOR).post("/items/bulk/do", data=answer).status_code == 403
    foreign = sign_in(Role.EDITOR, organisation_id=other_organisation.organisation_id)
    foreign.post("/items/bulk/do", data=answer)
    assert asked_of(db.session(), item) == [set()]


def test_in_the_browser_reviewers_are_asked_after_a_preview(session, sign_in, make_actor, level_id):
    author, near, free = make_actor(Role.AUTHOR), make_actor(Role.REVIEWER), make_actor(Role.REVIEWER)
    related(near, author)
    item = make_draft(author, level_id)
    submit(author, item)
    client = sign_in(Role.EDITOR)
    assert "指定评审人" in client.get("/items/").text
    data = {"act": "assign", "selected": [str(item.item_id)]}
    first = client.post("/items/bulk", data=data)
    assert first.status_code == 200
    assert near.name in first.text
    asked = data | {"reviewers": [str(near.user_id), str(free.user_id)], "step": "preview"}
    shown = client.post("/items/bulk/do", data=asked).text
    assert f"“初审”由 {free.name} 审核" in shown
    assert "COI-02" in shown
    assert asked_of(session, item) == [set()]
    done = client.post("/items/bulk/do", data=asked | {"step": "do"}, follow_redirects=True).text
    assert "指定评审人：完成 1 题" in done
    assert "COI-02" in done
    assert asked_of(session, item) == [{free.name}]
