from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from kernel import audit
from kernel.identity.actor import Actor
from kernel.identity.permissions import Role
from kernel.identity.services import grant_organisation
from kernel.uow import unit_of_work
from web.pages.profiles import local_today


def act(organisation, name: str, *, who: str = "演示甲", **details: object) -> None:
    with unit_of_work(Actor(None, organisation.organisation_id, who)) as uow:
        audit.record(uow, name, "thing", "thing-1", after=details)


def test_acts_are_shown_in_words_with_their_content(sign_in, organisation):
    act(organisation, "item.approve", mark="seen-here")
    page = sign_in(Role.ORGANISATION_ADMIN).get("/audit/").text
    assert "试题 · 通过" in page
    assert "seen-here" in page


def test_an_organisation_sees_its_own_acts_only_and_the_platform_all(sign_in, organisation, other_organisation):
    act(organisation, "item.approve", mark="ours")
    act(other_organisation, "item.approve", mark="theirs")
    own = sign_in(Role.ORGANISATION_ADMIN).get("/audit/").text
    assert "ours" in own
    assert "theirs" not in own
    assert "theirs" in sign_in(Role.PLATFORM_ADMIN).get("/audit/").text


def test_a_supervisor_sees_what_was_granted(sign_in, make_actor, organisation, other_organisation):
    act(other_organisation, "item.approve", mark="theirs")
    supervisor = sign_in(Role.SUPERVISOR)
    assert "theirs" not in supervisor.get("/audit/").text
    with unit_of_work(make_actor(Role.PLATFORM_ADMIN)) as uow:
        grant_organisation(
            uow, organisation_id=other_organisation.organisation_id, grantee_id=organisation.organisation_id
        )
    assert "theirs" in supervisor.get("/audit/").text


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("subject=item", True),
        ("subject=user", False),
        ("person=演示甲", True),
        ("person=nobody", False),
        ("object_id=thing-1", True),
        ("object_id=thing", False),
    ],
)
def test_the_filters_narrow(sign_in, organisation, query, is_found):
    act(organisation, "item.approve", mark="sought")
    assert ("sought" in sign_in(Role.ORGANISATION_ADMIN).get(f"/audit/?{query}").text) is is_found


def test_days_are_those_of_the_installation_and_the_last_one_counts(sign_in, organisation):
    act(organisation, "item.approve", mark="sought")
    admin, today = sign_in(Role.ORGANISATION_ADMIN), local_today()
    assert "sought" in admin.get(f"/audit/?since={today}&until={today}").text
    assert "sought" not in admin.get(f"/audit/?until={today - timedelta(days=1)}").text
    assert "sought" not in admin.get(f"/audit/?since={today + timedelta(days=1)}").text


def test_long_lists_are_paged_and_keep_their_filters(sign_in, organisation):
    for n in range(25):
        act(organisation, "item.approve", mark=f"n{n:02d}-")
    page = sign_in(Role.ORGANISATION_ADMIN).get("/audit/?subject=item&per_page=20").text
    assert "共 25 条" in page
    assert "page=2&amp;per_page=20&amp;subject=item" in page
    assert "n24-" in page
    assert "n04-" not in page


def test_the_whole_chain_is_proved_on_request(sign_in, organisation):
    act(organisation, "item.approve")
    assert "审计链完整" in sign_in(Role.ORGANISATION_ADMIN).get("/audit/verify").text


def test_a_changed_row_is_named(sign_in, session, organisation):
    act(organisation, "item.approve", mark="before")
    admin = sign_in(Role.ORGANISATION_ADMIN)
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    drop = "DROP TRIGGER audit_events_no_update" if is_sqlite else "DROP TRIGGER audit_events_no_change ON audit_events"
    session.execute(text(drop))  # the outer transaction of the test puts it back
    changed = session.scalar(text("SELECT max(seq) FROM audit_events WHERE act = 'item.approve'"))
    session.execute(text("UPDATE audit_events SET actor_name = 'somebody else' WHERE seq = :seq"), {"seq": changed})
    page = admin.get("/audit/verify").text
    assert f"第 {changed} 条断裂" in page
    assert "被改动过" in page
