"""Units of work that are held together: one commit for all, each whole or undone by itself."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.audit import record
from kernel.audit.models import AuditEvent
from kernel.errors import ConflictError
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation
from kernel.uow import held_work, unit_of_work
from tests.kernel.test_uow import organisation_row


def codes(session: Session) -> set[str]:
    session.expire_all()
    return set(session.scalars(select(Organisation.code)))


def add(code: str) -> None:
    with unit_of_work(system_actor()) as uow:
        uow.add(organisation_row(code))
        record(uow, "organisation.create", "organisation", code)


def test_what_fails_after_a_unit_undoes_the_unit_too(session: Session) -> None:
    def write_then_break() -> None:
        with held_work():
            add("A")
            raise KeyError("the answer could not be written")

    with pytest.raises(KeyError):
        write_then_break()
    assert codes(session) == set()


def test_units_that_are_held_are_committed_together_and_audited_each(session: Session) -> None:
    with held_work():
        add("A")
        add("B")
    assert codes(session) == {"A", "B"}
    assert sorted(session.scalars(select(AuditEvent.object_id))) == ["A", "B"]


def test_a_refused_unit_undoes_itself_alone(session: Session) -> None:
    with held_work() as held:
        add("A")
        with pytest.raises(ConflictError):
            add("A")
        add("B")
        assert held.has_acted
    assert codes(session) == {"A", "B"}
    assert sorted(session.scalars(select(AuditEvent.object_id))) == ["A", "B"]


def test_an_act_through_many_rows_that_is_refused_at_the_end_keeps_what_was_whole(session: Session) -> None:
    def add_twice() -> None:
        with held_work():
            add("A")
            add("A")

    with pytest.raises(ConflictError):
        add_twice()
    assert codes(session) == {"A"}


def test_a_refusal_before_any_act_keeps_nobody_from_writing_and_a_later_unit_begins_anew(session: Session) -> None:
    begun: list[str] = []
    add("A")
    with held_work(lambda _session: begun.append("begun")) as held:
        with pytest.raises(ConflictError):
            add("A")
        assert not held.has_begun
        add("B")
    assert begun == ["begun", "begun"]
    assert codes(session) == {"A", "B"}


def test_what_happens_after_the_commit_waits_for_the_end_of_the_hold(session: Session) -> None:
    seen: list[str] = []
    with held_work():
        with unit_of_work(system_actor()) as uow:
            uow.after_commit.append(lambda: seen.append("done"))
        assert seen == []
    assert seen == ["done"]


def test_a_hold_inside_another_is_refused(session: Session) -> None:
    with pytest.raises(RuntimeError, match="does not nest"), held_work(), held_work():
        pass
    add("A")
    assert codes(session) == {"A"}
