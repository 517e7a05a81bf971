"""Versions: the kind of change, the day from which one is in use, both sides shown, and who saw a key before release."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date, timedelta

import openpyxl
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from item_templates.contract import ItemContent
from item_templates.versions import compare
from kernel import profiles
from kernel.audit.models import AuditEvent
from kernel.clock import shifted
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank import public
from qbank.models.disclosures import ItemDisclosure
from qbank.models.items import Item
from qbank.rules.disclosures import QUOTA_KEY
from qbank.services import items, reviews
from qbank.services.writing import today
from tests.factories.standards import make_level
from tests.qbank.item_bank import approve, choice, make_draft, point_id, submit


@pytest.fixture
def level_id(organisation):
    return make_level(organisation.organisation_id).standard_level_id


@pytest.fixture
def editor(make_actor):
    return make_actor(Role.EDITOR)


@pytest.fixture
def reviewers(make_actor):
    return [make_actor(Role.REVIEWER) for _ in range(3)]


@pytest.fixture
def approved(make_actor, level_id, reviewers):
    author = make_actor(Role.AUTHOR, name="命题人甲")
    item = make_draft(author, level_id)
    submit(author, item)
    approve(item, reviewers)
    return author, item


def revise(author, item, level_id, stem):
    with unit_of_work(author) as uow:
        fresh = uow.session.get(Item, item.item_id)
        items.update_item(
            uow, item.item_id, version=fresh.version, content=choice(stem), point_ids=[point_id(level_id)], difficulty=3
        )
    submit(author, item)


def set_day(editor, item, day):
    with unit_of_work(editor) as uow:
        return reviews.set_effective_on(uow, item.item_id, day)


def pool_versions(session, actor, level_id):
    return [entry.item_version_id for entry in public.load_pool(session, actor, level_id)]


def test_changed_parameters_are_a_change_of_substance():
    old = ItemContent("numeric", "求和", key={"value": "3"}, parameters={"variables": [{"name": "a", "low": "1"}]})
    new = replace(old, parameters={"variables": [{"name": "a", "low": "2"}]})
    assert compare(old, new) == "substance"
    assert compare(old, replace(old, stem="求两数之和")) == "wording"


def test_a_new_item_is_in_the_pool_from_its_day_on(session, editor, level_id, approved):
    _author, item = approved
    set_day(editor, item, today() + timedelta(days=10))
    assert pool_versions(session, editor, level_id) == []
    with shifted(timedelta(days=11)):
        assert pool_versions(session, editor, level_id) == [item.current_version_id]
    set_day(editor, item, None)
    assert pool_versions(session, editor, level_id) == [item.current_version_id]


def test_a_revision_replaces_the_version_in_use_on_its_day(session, editor, level_id, approved, make_actor):
    author, item = approved
    old = item.approved_version_id
    revise(author, item, level_id, "按新标准更换（　）。")
    approve(item, [make_actor(Role.REVIEWER) for _ in range(3)])
    new = item.approved_version_id
    assert old != new
    set_day(editor, item, today() + timedelta(days=30))
    assert pool_versions(session, editor, level_id) == [old]
    with shifted(timedelta(days=31)):
        assert pool_versions(session, editor, level_id) == [new]


def test_only_an_approved_item_without_revision_gets_a_day_and_not_a_past_one(editor, level_id, approved, reviewers):
    author, item = approved
    with pytest.raises(InvalidInputError, match="早于今天"):
        set_day(editor, item, date(2020, 1, 1))
    with pytest.raises(ForbiddenError):
        set_day(reviewers[0], item, None)
    revise(author, item, level_id, "正在修订（　）。")
    with pytest.raises(ConflictError, match="正在修订"):
        set_day(editor, item, None)


def test_the_difference_is_computed_and_shows_both_sides_as_set(level_id, approved, sign_in):
    author, item = approved
    revise(author, item, level_id, r"电流为 \(I=\frac{U}{R}\) 时更换（　）。")
    page = sign_in(Role.EDITOR).get(f"/items/{item.item_id}/difference").text
    assert "文字修改" in page
    assert "保险丝熔断后应更换" in page
    assert page.count(r"\frac{U}{R}") >= 2
    assert page.count("tex-scope") >= 2


def seen(session):
    session.expire_all()
    return [
        (row.user_name, row.way) for row in session.scalars(select(ItemDisclosure).order_by(ItemDisclosure.seen_at))
    ]


def test_seeing_a_key_is_noted_once_a_day_and_the_author_is_not_noted(session, approved, sign_in, make_user):
    author, item = approved
    user = make_user(Role.EDITOR, name="题管甲")
    client = sign_in(user=user)
    client.get(f"/items/{item.item_id}")
    assert seen(session) == []
    for _ in range(2):
        client.get(f"/items/{item.item_id}?tab=key")
    client.get(f"/api/v1/items/{item.item_id}")
    assert seen(session) == [("题管甲", "page")]
    events = session.scalars(select(AuditEvent).where(AuditEvent.act == "item.disclose")).all()
    assert [(event.actor_name, event.object_id) for event in events] == [("题管甲", str(item.item_id))]
    from kernel.identity.models import User

    sign_in(user=session.get(User, author.user_id)).get(f"/items/{item.item_id}?tab=key")
    assert len(seen(session)) == 1
    with shifted(timedelta(days=1)):
        sign_in(user=user).get(f"/items/{item.item_id}?tab=key")
    assert len(seen(session)) == 2


def test_the_review_desk_the_editor_and_the_interface_are_noted_too(session, level_id, sign_in, make_actor):
    author = make_actor(Role.AUTHOR)
    drafts = [make_draft(author, level_id, choice(f"第 {n} 题（　）。")) for n in range(3)]
    submit(author, drafts[0])
    sign_in(Role.REVIEWER, name="审").get(f"/reviews/{drafts[0].item_id}")
    sign_in(Role.EDITOR, name="编").get(f"/items/{drafts[1].item_id}/edit")
    sign_in(Role.EDITOR, name="接").get(f"/api/v1/items/{drafts[2].item_id}")
    assert seen(session) == [("审", "review"), ("编", "editor"), ("接", "api")]


def test_the_days_quota_ends_the_looking(session, organisation, level_id, make_actor, sign_in):
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        profiles.publish(uow, {QUOTA_KEY: 2}, effective_on=date(2020, 1, 1))
    author = make_actor(Role.AUTHOR)
    drafts = [make_draft(author, level_id, choice(f"第 {n} 题（　）。")) for n in range(3)]
    client = sign_in(Role.EDITOR)
    codes = [client.get(f"/items/{item.item_id}?tab=key").status_code for item in drafts]
    assert codes == [200, 200, 403]
    assert client.get(f"/items/{drafts[0].item_id}?tab=key").status_code == 200
    refused = client.get(f"/api/v1/items/{drafts[2].item_id}")
    assert (refused.status_code, len(seen(session))) == (403, 2)


def test_the_review_list_says_before_the_days_looks_run_out_and_whom_to_ask(
    organisation, level_id, make_actor, sign_in
):
    author, client = make_actor(Role.AUTHOR), sign_in(Role.REVIEWER)
    drafts = [make_draft(author, level_id, choice(f"第 {n} 题（　）。")) for n in range(2)]
    submit(author, *drafts)
    assert "今天还可以看" not in client.get("/reviews/").text
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        profiles.publish(uow, {QUOTA_KEY: 2}, effective_on=date(2020, 1, 1))
    for left, item in zip((1, 0), drafts, strict=True):
        client.get(f"/reviews/{item.item_id}")
        page = client.get("/reviews/").text
        assert f"今天还可以看 {left} 题的答案" in page
        assert "请与机构管理员联系" in page


def test_the_supervisor_reads_who_saw_what_without_the_content(session, approved, sign_in, other_organisation):
    _author, item = approved
    sign_in(Role.EDITOR, name="题管乙").get(f"/items/{item.item_id}?tab=key")
    client = sign_in(Role.SUPERVISOR)
    assert item.code in client.get("/disclosures/?person=题管乙").text
    assert item.code not in client.get("/disclosures/?person=无此人").text
    page = client.get(f"/disclosures/{item.item_id}").text
    assert "题管乙" in page
    assert "保险丝" not in page
    sheet = openpyxl.load_workbook(io.BytesIO(client.get(f"/disclosures/{item.item_id}.xlsx").data)).active
    assert "题管乙" in {cell.value for row in sheet.iter_rows() for cell in row}
    outside = sign_in(Role.SUPERVISOR, organisation_id=other_organisation.organisation_id)
    assert item.code not in outside.get("/disclosures/").text
    assert outside.get(f"/disclosures/{item.item_id}").status_code == 404
    assert sign_in(Role.EDITOR).get("/disclosures/").status_code == 403
    assert item.code in sign_in(Role.PLATFORM_ADMIN).get("/disclosures/").text


def test_the_database_itself_refuses_to_forget_a_look(session, approved, sign_in):
    sign_in(Role.EDITOR).get(f"/items/{approved[1].item_id}?tab=key")
    with pytest.raises(DatabaseError, match="append-only"), session.begin_nested():
        session.execute(text("DELETE FROM item_disclosures"))


def test_an_editor_sets_the_day_in_the_browser(session, approved, sign_in):
    _author, item = approved
    client = sign_in(Role.EDITOR)
    day = (today() + timedelta(days=5)).isoformat()
    answer = client.post(f"/items/{item.item_id}/effective", data={"effective_on": day}, follow_redirects=True)
    assert f"自 {day} 起启用" in answer.text
    refused = client.post(
        f"/items/{item.item_id}/effective", data={"effective_on": "2020-01-01"}, follow_redirects=True
    )
    assert "不能早于今天" in refused.text
