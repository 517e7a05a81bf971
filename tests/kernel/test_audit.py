from __future__ import annotations

import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from kernel import audit
from kernel.audit.models import AuditEvent
from kernel.errors import InvalidInputError
from kernel.identity.actor import Actor, system_actor
from kernel.uow import unit_of_work

TAMPERING = {
    "changed act": ("UPDATE audit_events SET act = 'item.retire' WHERE seq = 3", 3, "this event was changed"),
    "changed person": ("UPDATE audit_events SET actor_name = 'somebody' WHERE seq = 3", 3, "this event was changed"),
    "another date": ("UPDATE audit_events SET at = '2020-01-01 00:00:00+00:00' WHERE seq = 3", 3, "this event was changed"),
    "removed": ("DELETE FROM audit_events WHERE seq = 3", 3, "this event is missing"),
    "removed at the end": ("DELETE FROM audit_events WHERE seq = 5", 5, "events after this place are missing"),
    "renumbered": ("UPDATE audit_events SET seq = 6 WHERE seq = 5", 5, "this event is missing"),
    "exchanged": (
        "UPDATE audit_events SET seq = CASE seq WHEN 2 THEN 100 ELSE 2 END WHERE seq IN (2, 3)", 2,
        "this event does not link to the one before it",
    ),
}  # fmt: skip


@pytest.fixture
def chain(session):
    """Five events; the database does not know the one who records them."""
    session.execute(text("SELECT 1"))
    for n in range(5):
        with unit_of_work(system_actor()) as uow:
            audit.record(uow, "item.approve", "item", n, before={"n": n}, after={"n": n + 1}, reason="演示")
    return session


def drop_triggers(session) -> None:
    """Do what only the owner of the database could; the test's outer transaction puts them back."""
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text("DROP TRIGGER audit_events_no_update"))
        session.execute(text("DROP TRIGGER audit_events_no_delete"))
    else:
        session.execute(text("DROP TRIGGER audit_events_no_change ON audit_events"))


def test_an_untouched_chain_holds_and_counts_its_events(chain):
    result = audit.verify(chain)
    assert result.broken is None
    assert result.n_events == 5


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_is_found_at_its_place(chain, name):
    statement, seq, reason = TAMPERING[name]
    drop_triggers(chain)
    chain.execute(text(statement))
    result = audit.verify(chain)
    assert result.broken == audit.BrokenLink(seq, reason)
    assert result.n_events == seq - 1


def test_an_inserted_event_is_found(chain):
    drop_triggers(chain)
    table = AuditEvent.__table__
    last = dict(chain.execute(table.select().where(table.c.seq == 5)).one()._mapping)
    chain.execute(table.insert().values(last | {"seq": 6}))
    assert audit.verify(chain).broken.seq == 6


@pytest.mark.parametrize("statement", ["UPDATE audit_events SET act = 'x'", "DELETE FROM audit_events"])
def test_the_database_itself_refuses_to_change_events(chain, statement):
    with pytest.raises(DatabaseError, match="append-only"), chain.begin_nested():
        chain.execute(text(statement))
    assert audit.verify(chain).broken is None


def fail_after_recording() -> None:
    with unit_of_work(system_actor()) as uow:
        audit.record(uow, "item.create", "item", 1)
        raise InvalidInputError("no")


def test_an_act_that_fails_leaves_no_event(session):
    with pytest.raises(InvalidInputError):
        fail_after_recording()
    assert audit.verify(session).n_events == 0


def test_events_of_one_transaction_stand_in_their_order(session):
    with unit_of_work(system_actor()) as uow:
        for n in range(3):
            audit.record(uow, f"step.{n}", "thing", n)
    acts = [event.act for event in session.query(AuditEvent).order_by(AuditEvent.seq)]
    assert acts == ["step.0", "step.1", "step.2"]


def test_an_event_names_person_organisation_and_request(session):
    actor = Actor(uuid.uuid4(), uuid.uuid4(), "演示甲", request_id="r1")
    with unit_of_work(actor) as uow:
        audit.record(uow, "item.create", "item", 1)
    event = session.query(AuditEvent).one()
    assert (event.actor_id, event.organisation_id) == (actor.user_id, actor.organisation_id)
    assert (event.actor_name, event.request_id) == ("演示甲", "r1")


def test_long_names_are_cut_and_still_prove(session):
    with unit_of_work(Actor(None, None, "长" * 300, request_id="r" * 90)) as uow:
        audit.record(uow, "item.create", "item", "x" * 200)
    assert audit.verify(session).broken is None
