"""Opening attempts again after the session was closed: by two persons, recorded, never after a release."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from exam_delivery.models import (
    Attempt,
    AttemptStatus,
    DeadlineChange,
    ExamSession,
    Mark,
    ResponseEvent,
    ResponseState,
    SessionReopening,
    SessionStatus,
)
from exam_delivery.repository.scores import newest_records
from exam_delivery.rules.reopening import ReopeningState
from exam_delivery.rules.room import Reason
from exam_delivery.services import attempts, reopening, running
from exam_delivery.services.reopening import ReopeningPlan
from exam_delivery.services.room_acts import Why
from kernel import profiles
from kernel.clock import now, today
from kernel.db import db, new_id
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.identity.permissions import Role
from kernel.jobs.models import Job
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from tests.exam_delivery.world import ALL_RIGHT


@pytest.fixture
def chiefs(make_actor):
    return make_actor(Role.CHIEF_INVIGILATOR, name="总控甲"), make_actor(Role.CHIEF_INVIGILATOR, name="总控乙")


@pytest.fixture
def collected(machine_world):
    """The scored session of four, in which the clock collected the second candidate."""
    _first, second, _third, _absent = machine_world.attempts()
    with unit_of_work(machine_world.officer) as uow:
        uow.session.get(Attempt, second.attempt_id).submit_kind = "timeout"
    db.session.expire_all()
    return machine_world


def agree(world, chiefs, **changes):
    plan = ReopeningPlan(**({"minutes": "10", "reason": "power"} | changes))
    with unit_of_work(chiefs[0]) as uow:
        key = reopening.propose(uow, world.key, plan).session_reopening_id
    with unit_of_work(chiefs[1]) as uow:
        row = reopening.decide(uow, world.key, key, ReopeningState.DONE)
    db.session.expire_all()
    return row


def test_two_persons_open_what_the_clock_collected_and_everything_is_scored_anew(collected, chiefs):
    first, second, *_ = collected.attempts()
    before = newest_records(db.session, [second.attempt_id])[second.attempt_id]
    with unit_of_work(chiefs[0]) as uow, pytest.raises(ConflictError, match="重新开放作答"):
        attempts.add_time(uow, collected.key, minutes=5, why=Why(Reason.POWER), attempt_id=second.attempt_id)
    row = agree(collected, chiefs)
    assert (row.n_reopened, row.n_marked) == (1, 0)
    first, second, *_ = collected.attempts()
    assert db.session.get(ExamSession, collected.key).status is SessionStatus.OPEN
    assert (first.status, second.status) == (AttemptStatus.SUBMITTED, AttemptStatus.IN_PROGRESS)
    assert timedelta(minutes=9) < second.deadline_at - now() <= timedelta(minutes=10)
    change = db.session.query(DeadlineChange).filter_by(attempt_id=second.attempt_id).one()
    assert (change.minutes, change.changed_by) == (Decimal(10), chiefs[1].user_id)
    with unit_of_work(collected.officer) as uow:
        at = now()
        for slot, text in list(ALL_RIGHT.items())[2:]:
            values = {"attempt_id": second.attempt_id, "slot": slot, "seq": 9, "response": text, "received_at": at}
            uow.session.add_all([ResponseEvent(**values), ResponseState(**values)])
    with unit_of_work(collected.officer) as uow:
        running.close_session(uow, collected.key)
    job = db.session.query(Job).filter_by(name="exam_delivery.score").order_by(Job.created_at.desc()).first()
    assert run_job(job.job_id) == "done", job.error
    db.session.expire_all()
    after = newest_records(db.session, [second.attempt_id])[second.attempt_id]
    assert after.number == before.number + 1
    assert after.score > before.score
    assert db.session.get(ExamSession, collected.key).status is SessionStatus.SCORED


def test_one_person_alone_only_where_the_rules_say_so_and_nobody_without_command(collected, chiefs, make_actor):
    plan = ReopeningPlan("10", "power")
    for wrong, field in ((ReopeningPlan("0", "power"), "minutes"), (ReopeningPlan("10", ""), "reason"),
                         (ReopeningPlan("10", "power", admission_number="0"), "admission_number")):  # fmt: skip
        with unit_of_work(chiefs[0]) as uow, pytest.raises(InvalidInputError) as found:
            reopening.propose(uow, collected.key, wrong)
        assert set(found.value.fields) == {field}
    with unit_of_work(make_actor(Role.INVIGILATOR)) as uow, pytest.raises(ForbiddenError):
        reopening.propose(uow, collected.key, plan)
    with unit_of_work(chiefs[0]) as uow:
        key = reopening.propose(uow, collected.key, plan).session_reopening_id
    with unit_of_work(chiefs[0]) as uow, pytest.raises(ForbiddenError, match="另一人"):
        reopening.decide(uow, collected.key, key, ReopeningState.DONE)
    with unit_of_work(chiefs[1]) as uow, pytest.raises(ConflictError, match="等待批准"):
        reopening.propose(uow, collected.key, plan)
    with unit_of_work(chiefs[0]) as uow:
        reopening.decide(uow, collected.key, key, ReopeningState.WITHDRAWN)
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        profiles.publish(uow, {"exam.reopen_needs_two": False}, effective_on=today())
    with unit_of_work(chiefs[0]) as uow:
        assert reopening.propose(uow, collected.key, plan).state is ReopeningState.DONE


def test_what_was_handed_in_or_marked_or_released_stays_closed(collected, chiefs):
    first, second, *_ = collected.attempts()
    with unit_of_work(collected.officer) as uow:
        uow.add(
            Mark(
                mark_id=new_id(), organisation_id=second.organisation_id, attempt_id=second.attempt_id, slot=1, number=1,
                score=Decimal(1), max_score=Decimal(1), marked_at=now(),
            )
        )  # fmt: skip
    with pytest.raises(ConflictError, match="没有可以重新开放"):
        agree(collected, chiefs)
    db.session.expire_all()
    with unit_of_work(chiefs[0]) as uow:
        (row,) = uow.session.query(SessionReopening)
        reopening.decide(uow, collected.key, row.session_reopening_id, ReopeningState.WITHDRAWN)
        uow.session.get(Attempt, first.attempt_id).submit_kind = "forced"
    row = agree(collected, chiefs)
    assert (row.n_reopened, row.n_marked) == (1, 1)
    with unit_of_work(chiefs[0]) as uow:
        uow.session.get(ExamSession, collected.key).status = SessionStatus.RELEASED
    with unit_of_work(chiefs[0]) as uow, pytest.raises(ConflictError, match="成绩复核处理"):
        reopening.propose(uow, collected.key, ReopeningPlan("10", "power"))


def test_the_page_takes_a_reopening_from_proposal_to_second_person(collected, sign_in, other_organisation):
    officer, chief = sign_in(Role.EXAM_OFFICER), sign_in(Role.CHIEF_INVIGILATOR)
    path = f"/exam-sessions/{collected.key}/reopening"
    assert path in officer.get(f"/exam-sessions/{collected.key}").text
    assert path in chief.get("/console/overview").text
    assert officer.post(path, data={"minutes": "x", "reason": "power"}).status_code == 422
    assert officer.post(path, data={"minutes": "10", "reason": "power", "note": "停电"}).status_code == 303
    assert "待批准的重新开放" in chief.get("/").text
    page = chief.get(path).text
    assert "重新开放 1 人，各 10 分钟；自己交卷的 2 人、已有人阅卷的 0 人不变" in page
    (row,) = db.session.query(SessionReopening)
    stranger = sign_in(Role.CHIEF_INVIGILATOR, organisation_id=other_organisation.organisation_id)
    assert stranger.get(path).status_code == 404
    assert stranger.post(f"{path}/{row.session_reopening_id}/done").status_code == 404
    assert officer.post(f"{path}/{row.session_reopening_id}/done").status_code in {303, 403}
    answer = chief.post(f"{path}/{row.session_reopening_id}/done", follow_redirects=True).text
    assert "已为 1 名考生重新开放，各 10 分钟" in answer
