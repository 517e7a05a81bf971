"""Nobody is planned to sit in two sessions at one time."""

from __future__ import annotations

import datetime as dt

import pytest

from exam_delivery.models import ExamSession, Registration, RegistrationStatus
from exam_delivery.services import batches, readiness, rosters, sessions
from exam_delivery.services.batches import BatchPlan
from kernel.clock import now
from kernel.db import db
from kernel.uow import unit_of_work
from tests.exam_delivery.world import LEVEL, World, people, session_plan


def plan_another(world: World, *, hours: float) -> ExamSession:
    """Register the world's first two people for another batch, whose session starts so many hours from now."""
    with unit_of_work(world.officer) as uow:
        batch = batches.create_batch(uow, BatchPlan("2026-02", "2026 年第二批", str(LEVEL)))
    with unit_of_work(world.officer) as uow:
        plan = session_plan(world.forms.form_ids, name="另一场", starts_at=now() + dt.timedelta(hours=hours))
        row = sessions.create_session(uow, batch.exam_batch_id, plan)
    with unit_of_work(world.officer) as uow:
        rosters.register_rows(uow, batch.exam_batch_id, people(2), exam_session_id=row.exam_session_id)
    return row


def collisions(world: World, row: ExamSession, *, is_hint: bool = False) -> list[str]:
    found = readiness.find_blockers(db.session(), world.officer, row)
    return [one.text for one in found if "同一时间" in one.text and one.is_hint is is_hint]


def test_who_sits_in_two_overlapping_sessions_is_named_with_the_other_session(world):
    world.register(3)
    plan_another(world, hours=2)
    found = collisions(world, world.session)
    assert len(found) == 2
    assert "演示考生1" in found[0]
    assert "另一场" in found[0]


@pytest.mark.parametrize("hours", [4, -3])
def test_sessions_one_after_the_other_are_no_collision(world, hours):
    world.register(3)
    assert collisions(world, plan_another(world, hours=hours)) == []


def test_a_session_that_stays_open_for_long_is_pointed_out_and_forbids_nothing(world):
    world.register(3)
    row = plan_another(world, hours=1)
    with unit_of_work(world.officer) as uow:
        uow.session.get(ExamSession, row.exam_session_id).ends_at = row.starts_at + dt.timedelta(hours=24)
    assert collisions(world, world.session) == []
    assert len(collisions(world, world.session, is_hint=True)) == 2


def test_a_cancelled_session_and_a_void_registration_take_nobodys_time(world):
    world.register(3)
    row = plan_another(world, hours=1)
    with unit_of_work(world.officer) as uow:
        first = uow.session.query(Registration).filter_by(exam_session_id=row.exam_session_id).first()
        first.status = RegistrationStatus.VOID
    assert len(collisions(world, world.session)) == 1
    with unit_of_work(world.officer) as uow:
        uow.session.get(ExamSession, row.exam_session_id).cancelled_at = now()
    assert collisions(world, world.session) == []
