"""Nobody is planned to sit in two sessions at one time."""

from __future__ import annotations

import datetime as dt
import uuid
from zoneinfo import ZoneInfo

import pytest

from exam_delivery.models import ExamSession, Registration, RegistrationStatus, SessionRoom
from exam_delivery.services import batches, readiness, readiness_gate, rescheduling, rosters, sessions
from exam_delivery.services.batches import BatchPlan, RoomPlan
from kernel.clock import now
from kernel.db import db
from kernel.errors import ConflictError
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.exam_delivery.world import LEVEL, World, people, session_plan
from tests.pages import words


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


@pytest.fixture
def later(world, make_user):
    """A second session of the world's batch in the same room with the same invigilator, five hours after the first."""
    person = make_user(Role.INVIGILATOR, name="监考甲")
    rooms = {world.room.exam_room_id: [person.user_id]}
    with unit_of_work(world.officer) as uow:
        sessions.set_rooms(uow, world.key, rooms)
        row = sessions.create_session(uow, world.batch.exam_batch_id, plan_in(world, 6))
    with unit_of_work(world.officer) as uow:
        sessions.set_rooms(uow, row.exam_session_id, rooms)
    return row


def plan_in(world: World, hours: float):
    return session_plan(world.forms.form_ids, name="另一场", starts_at=now() + dt.timedelta(hours=hours))


def retime(world: World, row: ExamSession, hours: float) -> None:
    with unit_of_work(world.officer) as uow:
        version = uow.session.get(ExamSession, row.exam_session_id).version
        sessions.edit_session(uow, row.exam_session_id, plan_in(world, hours), version=version)


def test_a_session_is_not_moved_to_a_time_at_which_its_room_is_another_ones(world, later):
    with pytest.raises(ConflictError, match="第 01 考场 在这段时间已用于“第一场”"):
        retime(world, later, 2)
    retime(world, later, 7)


def test_a_session_is_not_moved_to_a_time_at_which_its_invigilator_is_elsewhere(world, later):
    with unit_of_work(world.officer) as uow:
        other_room = batches.save_room(uow, None, RoomPlan("演示考点", "第 02 考场", 30)).exam_room_id
        person = uow.session.get(SessionRoom, (later.exam_session_id, world.room.exam_room_id)).invigilator_ids[0]
    with unit_of_work(world.officer) as uow:
        sessions.set_rooms(uow, later.exam_session_id, {other_room: [uuid.UUID(person)]})
    with pytest.raises(ConflictError, match="监考甲 在这段时间已安排在“第一场”监考"):
        retime(world, later, 2)


def postpone(world: World, chief, hours: float) -> None:
    shown = rescheduling.consequences(db.session(), world.key, actor=chief).fingerprint
    with unit_of_work(chief) as uow:
        starts_at = now() + dt.timedelta(hours=hours)
        rescheduling.postpone(uow, world.key, starts_at=starts_at, reason="考点停电一天", fingerprint=shown)


def test_a_prepared_session_is_not_postponed_into_another_examination_of_its_candidates(world, make_actor):
    chief = make_actor(Role.CHIEF_INVIGILATOR)
    world.register(3)
    plan_another(world, hours=30)
    world.arrange()
    world.prepare()
    with pytest.raises(ConflictError, match="演示考生1（另一场）"):
        postpone(world, chief, 30)
    postpone(world, chief, 40)


def test_the_gate_of_a_prepared_session_names_who_was_registered_elsewhere_since(world):
    world.register(3)
    world.arrange()
    world.prepare()
    plan_another(world, hours=2)
    db.session.expire_all()
    gate = readiness_gate.find_gate(db.session(), world.officer, db.session.get(ExamSession, world.key))
    assert ["演示考生1" in str(line.params) for line in gate.blocked if "同一时间" in line.message] == [True, False]


def cancel(world: World, chief) -> None:
    shown = rescheduling.consequences(db.session(), world.key, actor=chief).fingerprint
    with unit_of_work(chief) as uow:
        rescheduling.cancel(uow, world.key, reason="考点停电一天", fingerprint=shown)


def test_a_cancelled_session_gives_its_rooms_away_and_does_not_come_back_into_them(world, later, make_actor):
    chief = make_actor(Role.CHIEF_INVIGILATOR)
    cancel(world, chief)
    retime(world, later, 2)
    with pytest.raises(ConflictError, match="已用于“另一场”"), unit_of_work(chief) as uow:
        rescheduling.restore(uow, world.key, reason="恢复供电了")
    retime(world, later, 8)
    with unit_of_work(chief) as uow:
        rescheduling.restore(uow, world.key, reason="恢复供电了")


def test_a_session_does_not_come_back_when_nobody_could_be_let_in_any_more(world, make_actor, sign_in):
    chief = make_actor(Role.CHIEF_INVIGILATOR)
    world.register(1)
    world.arrange()
    world.prepare()
    cancel(world, chief)
    with unit_of_work(world.officer) as uow:
        row = uow.session.get(ExamSession, world.key)
        row.opens_at = row.starts_at = now() - dt.timedelta(minutes=row.late_cutoff_minutes + 1)
    with pytest.raises(ConflictError, match="来不及"), unit_of_work(chief) as uow:
        rescheduling.restore(uow, world.key, reason="恢复供电了")
    page = sign_in(Role.CHIEF_INVIGILATOR).get(f"/console/{world.key}/change").text
    assert ("转移考生" in page, f"/console/{world.key}/restore" in page) == (True, False)


def changed_page(client, world: World, starts_at: dt.datetime) -> str:
    typed = starts_at.astimezone(ZoneInfo("Asia/Shanghai")).strftime("%Y-%m-%dT%H:%M")
    return client.get(f"/console/{world.key}/change?starts_at={typed}").text


def test_all_that_is_taken_at_a_new_time_is_named_before_the_chief_confirms(world, make_user, sign_in):
    world.register(2)
    world.arrange()
    world.prepare()
    other = plan_another(world, hours=30)
    watcher = make_user(Role.INVIGILATOR, name="王监考")
    for row in (world.session, other):
        with unit_of_work(world.officer) as uow:
            used = uow.session.get(SessionRoom, (row.exam_session_id, world.room.exam_room_id))
            if used is None:
                used = SessionRoom(
                    exam_session_id=row.exam_session_id, exam_room_id=world.room.exam_room_id,
                    organisation_id=world.officer.organisation,
                )  # fmt: skip
                uow.add(used)
            used.invigilator_ids = [str(watcher.user_id)]
    client = sign_in(Role.CHIEF_INVIGILATOR)
    taken = words(changed_page(client, world, now() + dt.timedelta(hours=30)))
    for told in ("第 01 考场", "王监考", "演示考生1（另一场）", "演示考生2（另一场）", "这个时间不能用"):
        assert told in taken
    assert "确认改期" not in taken
    free = words(changed_page(client, world, now() + dt.timedelta(hours=40)))
    assert "都没有别的考试" in free
    assert "确认改期" in free
    past = words(changed_page(client, world, now() - dt.timedelta(hours=1)))
    assert "新的开考时间须晚于现在" in past
    assert "确认改期" not in words(client.get(f"/console/{world.key}/change").text)


def test_looking_at_a_new_time_moves_nothing(world, sign_in):
    before = world.session.starts_at
    changed_page(sign_in(Role.CHIEF_INVIGILATOR), world, now() + dt.timedelta(hours=40))
    db.session.expire_all()
    assert db.session.get(ExamSession, world.key).starts_at == before
