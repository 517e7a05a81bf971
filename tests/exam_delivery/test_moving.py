"""People of a cancelled session go to another one together: seats, collisions, new numbers and forms, and the way back."""

from __future__ import annotations

import datetime as dt
import gzip
import json

import pytest

from exam_delivery.models import (
    Attempt,
    ExamSession,
    Incident,
    Registration,
    RenderedForm,
    SessionChange,
    SessionStatus,
)
from exam_delivery.services import arranging, batches, moving, preparation, rescheduling, rosters, sessions
from exam_delivery.services.batches import BatchPlan, RoomPlan
from exam_delivery.services.room_acts import make_incident
from kernel.clock import now
from kernel.db import db
from kernel.errors import ConflictError
from kernel.identity.permissions import Role
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from tests.exam_delivery.world import LEVEL, people, session_plan


@pytest.fixture
def cancelled(world, make_actor):
    """A prepared session of three that was cancelled after one of them was checked at the door."""
    world.register(3)
    world.arrange()
    world.prepare()
    chief = make_actor(Role.CHIEF_INVIGILATOR)
    with unit_of_work(chief) as uow:
        first = world.attempts()[0]
        uow.add(make_incident(uow, world.key, first.attempt_id, kind="check_in", text="", at=now()))
    found = rescheduling.consequences(db.session, world.key, actor=chief)
    with unit_of_work(chief) as uow:
        rescheduling.cancel(uow, world.key, reason="考点突发停电", fingerprint=found.fingerprint)
    db.session.expire_all()
    return world


def another(world, *, room=30, name="第二场", batch=None):
    """Plan another session two days later, with a room of so many seats or without one."""
    with unit_of_work(world.officer) as uow:
        plan = session_plan(world.forms.form_ids, name=name, starts_at=now() + dt.timedelta(days=2))
        key = sessions.create_session(uow, batch or world.batch.exam_batch_id, plan).exam_session_id
        if room:
            made = batches.save_room(uow, None, RoomPlan("演示考点", f"{name}的考场", room))
            uow.flush()
            sessions.set_rooms(uow, key, {made.exam_room_id: []})
    return key


def move(world, target):
    with unit_of_work(world.officer) as uow:
        return moving.move_people(uow, world.key, target)


def prepare(world, key):
    with unit_of_work(world.officer) as uow:
        arranging.arrange(uow, key, seed=3)
    with unit_of_work(world.officer) as uow:
        job = preparation.request_preparation(uow, key)
    assert run_job(job.job_id) == "done", db.session.get(type(job), job.job_id).error
    db.session.expire_all()


def state(world):
    db.session.expire_all()
    rows = db.session.query(Registration).order_by(Registration.registration_id).all()
    return [(row.exam_session_id, row.admission_number, row.seat_number, row.sign_in_index) for row in rows]


def test_everybody_gets_number_seat_and_form_of_the_other_session(cancelled):
    before, target = state(cancelled), another(cancelled)
    attempts = {one.registration_id: one.attempt_id for one in cancelled.attempts()}
    assert move(cancelled, target).n == 3
    assert state(cancelled) == [(target, None, None, None)] * 3
    prepare(cancelled, target)
    after = state(cancelled)
    assert all(key == target for key, *_rest in after)
    assert {one[1] for one in after}.isdisjoint({one[1] for one in before})
    assert [row.status for row in [db.session.get(ExamSession, target)]] == [SessionStatus.PREPARED]
    begin = db.session.get(ExamSession, target).starts_at
    for row in db.session.query(Attempt):
        assert row.attempt_id == attempts[row.registration_id], "what happened at the door stays with the attempt"
        assert (row.exam_session_id, row.starts_at, row.locked_at, row.hold_reason) == (target, begin, None, "")
        assert row.holder_generation > 0
        number = db.session.get(Registration, row.registration_id).admission_number
        body = json.loads(gzip.decompress(db.session.get(RenderedForm, row.attempt_id).body))
        assert body["candidate"]["admission_number"] == number
    with unit_of_work(cancelled.officer) as uow:
        assert preparation.undo_preparation(uow, target) == 3
    assert db.session.query(Incident).count() == 1
    prepare(cancelled, target)
    assert db.session.query(RenderedForm).count() == 3


def test_a_move_is_taken_back_with_the_old_numbers_and_seats(cancelled):
    before, target = state(cancelled), another(cancelled)
    move(cancelled, target)
    with unit_of_work(cancelled.officer) as uow:
        arranging.arrange(uow, target, seed=3)
    (change,) = db.session.query(SessionChange).filter_by(kind="people_moved")
    with unit_of_work(cancelled.officer) as uow:
        assert moving.move_back(uow, cancelled.key, change.session_change_id) == 3
    assert state(cancelled) == before
    with unit_of_work(cancelled.officer) as uow, pytest.raises(ConflictError, match="已不在"):
        moving.move_back(uow, cancelled.key, change.session_change_id)
    move(cancelled, target)
    prepare(cancelled, target)
    newest = db.session.query(SessionChange).filter_by(kind="people_moved").order_by(SessionChange.changed_at.desc())
    with unit_of_work(cancelled.officer) as uow, pytest.raises(ConflictError, match="已备考"):
        moving.move_back(uow, cancelled.key, newest.first().session_change_id)


def test_seats_batch_and_state_of_the_other_session_are_checked(cancelled):
    small = another(cancelled, room=2, name="小场")
    with pytest.raises(ConflictError, match="只剩 2 个座位，要转 3 人"):
        move(cancelled, small)
    with unit_of_work(cancelled.officer) as uow:
        other = batches.create_batch(uow, BatchPlan("2026-09", "另一批", str(LEVEL))).exam_batch_id
    for wrong in (cancelled.key, another(cancelled, name="别批", room=0, batch=other)):
        with pytest.raises(ConflictError, match="同一批次"):
            move(cancelled, wrong)
    third = another(cancelled, name="第三场", room=0)
    with unit_of_work(cancelled.officer) as uow, pytest.raises(ConflictError, match="没有取消"):
        moving.move_people(uow, small, third)


def test_who_sits_elsewhere_at_that_time_is_left_out_by_name(cancelled):
    with unit_of_work(cancelled.officer) as uow:
        other = batches.create_batch(uow, BatchPlan("2026-09", "另一批", str(LEVEL))).exam_batch_id
    elsewhere = another(cancelled, name="另一工种", room=0, batch=other)
    with unit_of_work(cancelled.officer) as uow:
        rosters.register_rows(uow, other, people(1), exam_session_id=elsewhere)
    moved = move(cancelled, another(cancelled))
    assert (moved.n, moved.left_out) == (2, [("演示考生1", "另一工种")])


def test_the_page_offers_the_move_and_strangers_cannot(cancelled, sign_in, other_organisation):
    target, path = another(cancelled), f"/exam-sessions/{cancelled.key}/move"
    desk = sign_in(Role.EXAM_OFFICER)
    assert path in desk.get(f"/exam-sessions/{cancelled.key}").text
    assert "空座 30" in desk.get(path).text
    stranger = sign_in(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    assert stranger.get(path).status_code == 404
    assert stranger.post(path, data={"target": str(target)}).status_code == 404
    assert sign_in(Role.INVIGILATOR).post(path, data={"target": str(target)}).status_code == 403
    assert desk.post(path, data={"target": str(target)}).status_code == 303
    page = desk.get(path).text
    assert "3 人转到“第二场”" in page
    (change,) = db.session.query(SessionChange).filter_by(kind="people_moved")
    assert stranger.post(f"{path}/{change.session_change_id}/undo").status_code == 404
    assert desk.post(f"{path}/{change.session_change_id}/undo").status_code == 303
    assert "3 人转回本场次" in desk.get(path).text
