from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from kernel.clock import now
from kernel.errors import ConflictError
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation, OrganisationKind
from kernel.uow import unit_of_work


def organisation_row(code: str) -> Organisation:
    return Organisation(code=code, name="演示", kind=OrganisationKind.SOCIAL, is_active=True, created_at=now())


def codes(session) -> set[str]:
    return {row.code for row in session.query(Organisation)}


def test_leaving_without_error_keeps_the_work(session):
    with unit_of_work(system_actor()) as uow:
        uow.add(organisation_row("A"))
    session.expire_all()
    assert codes(session) == {"A"}


def run(act) -> None:
    """Run an act as one unit of work."""
    with unit_of_work(system_actor()) as uow:
        act(uow)


def add_then_fail(uow) -> None:
    uow.add(organisation_row("A"))
    uow.flush()
    raise KeyError("something else")


def test_any_error_undoes_everything_and_passes_through(session):
    with pytest.raises(KeyError):
        run(add_then_fail)
    assert codes(session) == set()


def add_then_nest(uow) -> None:
    uow.add(organisation_row("A"))
    run(lambda _inner: None)


def test_one_unit_inside_another_is_refused_and_the_outer_one_is_undone(session):
    with pytest.raises(RuntimeError, match="does not nest"):
        run(add_then_nest)
    assert codes(session) == set()


def test_after_an_error_the_next_unit_works(session):
    with pytest.raises(KeyError):
        run(add_then_fail)
    run(lambda uow: uow.add(organisation_row("B")))
    assert codes(session) == {"B"}


def test_a_broken_unique_constraint_is_a_conflict(session):
    run(lambda uow: uow.add(organisation_row("A")))
    with pytest.raises(ConflictError):
        run(lambda uow: uow.add(organisation_row("A")))


def add_without_a_name(uow) -> None:
    row = organisation_row("A")
    row.name = None
    uow.add(row)


def test_other_integrity_errors_are_our_bugs_and_no_conflict(session):
    with pytest.raises(IntegrityError, match=r"(?i)null"):
        run(add_without_a_name)


def change_what_changed_meanwhile(uow) -> None:
    mine = uow.session.query(Organisation).one()
    table = Organisation.__table__
    uow.session.execute(table.update().values(version=table.c.version + 1))
    mine.name = "changed by me"


def test_a_row_that_changed_meanwhile_is_a_conflict(session):
    run(lambda uow: uow.add(organisation_row("A")))
    with pytest.raises(ConflictError, match="他人修改"):
        run(change_what_changed_meanwhile)


def test_hooks_before_the_commit_are_inside_and_hooks_after_it_only_when_it_happened(session):
    seen = []
    with unit_of_work(system_actor()) as uow:
        uow.before_commit.append(lambda unit: unit.add(organisation_row("HOOK")) or unit.flush())
        uow.after_commit.append(lambda: seen.append(codes(session)))
    assert seen == [{"HOOK"}]
    with pytest.raises(KeyError):
        run(lambda uow: uow.after_commit.append(lambda: seen.append("never")) or add_then_fail(uow))
    assert seen == [{"HOOK"}]
