"""Late answers: kept, marked, decided by two people, counted in the score or not, and named before a release."""

from __future__ import annotations

import json
import threading
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    AttemptStatus,
    ExamSession,
    Incident,
    LateDecision,
    ResponseEvent,
    ResponseState,
    ScoreRecord,
    SessionStatus,
    SubmitKind,
)
from exam_delivery.rules.late_answers import LATE_ANSWER_RULE, LateAnswerRule, LateState, Standing
from exam_delivery.rules.rescue import RescueState
from exam_delivery.rules.room import Reason
from exam_delivery.services import late_answers, release, rescue
from exam_delivery.services.late_answers import LateSeat
from exam_delivery.services.room_acts import Why
from kernel import profiles
from kernel.audit.models import AuditEvent
from kernel.clock import iso, now
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.actor import Actor, system_actor
from kernel.identity.models import Organisation, OrganisationKind, User, UserRole
from kernel.identity.permissions import Role
from kernel.identity.services import actor_of_user
from kernel.jobs.models import Job
from kernel.jobs.runner import run_job
from kernel.settings import Settings
from kernel.uow import unit_of_work
from tests.conftest import SECRET, MakeActor
from tests.exam_delivery.sitting_cases import Sitting, prepare
from tests.exam_delivery.test_rescue import bring, page_file
from web.app import create_app

WHY = Why(Reason.NETWORK, "交换机故障，考场记录 2 号")
MINUTE = timedelta(minutes=1)


def sitting_that_ended(session: Session, organisation_id: uuid.UUID) -> Sitting:
    """Return a sitting whose candidates the clock closed ten minutes ago."""
    made = prepare(session, organisation_id, n=3, n_rooms=2, starts_at=now() - timedelta(minutes=80))
    for person in made.people:
        row = session.get_one(Attempt, person.attempt_id)
        row.status, row.started_at, row.holder_generation = AttemptStatus.SUBMITTED, now() - 70 * MINUTE, 1
        row.deadline_at = row.submitted_at = now() - 10 * MINUTE
        row.submit_kind, row.receipt = SubmitKind.TIMEOUT, {"n_answers": 0, "digest": "before"}
    return made


@pytest.fixture
def sitting(session: Session, organisation: Organisation) -> Sitting:
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        made = sitting_that_ended(uow.session, organisation.organisation_id)
        uow.session.get_one(ExamSession, made.exam_session_id).status = SessionStatus.CLOSED
    return made


@pytest.fixture
def chief(make_actor: MakeActor) -> Actor:
    return make_actor(Role.CHIEF_INVIGILATOR, name="总控甲")


@pytest.fixture
def second(make_actor: MakeActor) -> Actor:
    return make_actor(Role.CHIEF_INVIGILATOR, name="总控乙")


def arrive(attempt_id: uuid.UUID, slot: int, seq: int, response: list[str], *, generation: int = 1) -> None:
    """Keep an answer as the answering program does when it comes too late."""
    with unit_of_work(system_actor()) as uow:
        uow.add(
            ResponseEvent(
                attempt_id=attempt_id, slot=slot, seq=seq, response=json.dumps(response), generation=generation,
                client_time=iso(now() - 11 * MINUTE), received_at=now() - 5 * MINUTE, is_late=True,
            )
        )  # fmt: skip


def late(sitting: Sitting, slot: int, seq: int, response: list[str], *, who: int = 0, generation: int = 1) -> None:
    arrive(sitting.people[who].attempt_id, slot, seq, response, generation=generation)


def propose(
    actor: Actor, sitting: Sitting, *numbers: tuple[int, int], does_count: bool = True, who: int = 0
) -> uuid.UUID:
    registration_id = sitting.people[who].registration_id
    with unit_of_work(actor) as uow:
        row = late_answers.propose(
            uow, sitting.exam_session_id, registration_id, numbers=set(numbers), does_count=does_count, why=WHY
        )
        return row.late_decision_id


def decide(actor: Actor, key: uuid.UUID, *, confirms: bool = True, reason: str = "核对过断网记录") -> LateDecision:
    with unit_of_work(actor) as uow:
        return late_answers.decide(uow, key, confirms=confirms, reason=reason)


def view(actor: Actor, sitting: Sitting, who: int = 0) -> LateSeat:
    db.session.expire_all()
    person = sitting.people[who]
    return late_answers.view_seat(db.session(), sitting.exam_session_id, person.registration_id, actor=actor)


def standings(actor: Actor, sitting: Sitting) -> dict[tuple[int, int], Standing]:
    return {line.late.answer.number: line.standing for line in view(actor, sitting).lines}


def states(sitting: Sitting) -> dict[int, Any]:
    db.session.expire_all()
    query = select(ResponseState).where(ResponseState.attempt_id == sitting.people[0].attempt_id)
    return {row.slot: json.loads(row.response) for row in db.session.scalars(query)}


def count(model: Any, *where: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*where)) or 0


def undecided(sitting: Sitting, actor: Actor) -> int:
    row = db.session.get_one(ExamSession, sitting.exam_session_id)
    return late_answers.count_undecided(db.session(), [row], actor=actor).get(sitting.exam_session_id, 0)


def test_late_answers_are_listed_with_place_and_times_and_change_nothing(sitting: Sitting, chief: Actor) -> None:
    late(sitting, 4, 7, ["B"])
    found = view(chief, sitting)
    order = [slot for section in found.attempt.layout["sections"] for slot in section]
    line = found.lines[0]
    assert (line.place, line.standing, line.had_answer) == (order.index(4) + 1, Standing.OPEN, False)
    assert 290 <= line.seconds <= 310
    assert states(sitting) == {}
    _sitting, seats = late_answers.list_seats(db.session(), sitting.exam_session_id, actor=chief)
    assert [seat.registration_id for seat, _found in seats] == [sitting.people[0].registration_id]
    assert undecided(sitting, chief) == 1


def test_two_people_let_late_answers_count(sitting: Sitting, chief: Actor, second: Actor) -> None:
    late(sitting, 1, 7, ["B"])
    late(sitting, 2, 8, ["C"])
    key = propose(chief, sitting, (1, 7))
    assert states(sitting) == {}
    with pytest.raises(ConflictError, match="另一名"):
        decide(chief, key)
    with pytest.raises(InvalidInputError, match="理由"):
        decide(second, key, reason=" ")
    assert decide(second, key).state is LateState.COUNTED
    assert states(sitting) == {1: ["B"]}
    attempt = db.session.get_one(Attempt, sitting.people[0].attempt_id)
    assert (attempt.n_answered, (attempt.receipt or {})["n_answers"]) == (1, 1)
    assert standings(chief, sitting) == {(1, 7): Standing.COUNTED, (2, 8): Standing.OPEN}
    assert count(Job, Job.name == "exam_delivery.score") == 1
    assert count(AuditEvent, AuditEvent.act.in_(["late_answers.propose", "late_answers.decide"])) == 2
    assert count(Incident, Incident.kind == "late_answers") == 2
    assert count(ResponseEvent, ResponseEvent.is_late) == 2  # evidence stays as it came
    with pytest.raises(ConflictError, match="已经裁定"):
        decide(second, key)


def test_the_newest_of_several_late_answers_of_one_item_counts(sitting: Sitting, chief: Actor, second: Actor) -> None:
    late(sitting, 1, 9, ["A"], generation=1)
    late(sitting, 1, 5, ["D"], generation=2)  # a later sign-in goes before a greater number
    decide(second, propose(chief, sitting, (1, 9), (1, 5)))
    assert states(sitting) == {1: ["D"]}
    assert undecided(sitting, chief) == 0


def test_answers_left_out_stay_kept_and_marked(sitting: Sitting, chief: Actor, second: Actor) -> None:
    late(sitting, 1, 7, ["B"])
    assert decide(second, propose(chief, sitting, (1, 7), does_count=False)).state is LateState.LEFT_OUT
    assert states(sitting) == {}
    assert standings(chief, sitting) == {(1, 7): Standing.LEFT_OUT}
    assert (db.session.get_one(Attempt, sitting.people[0].attempt_id).receipt or {})["digest"] == "before"
    assert count(ResponseEvent) == 1
    assert count(Job, Job.name == "exam_delivery.score") == 0
    with pytest.raises(ConflictError, match="已经裁定"):
        propose(chief, sitting, (1, 7))


def test_what_was_declined_waits_again(sitting: Sitting, chief: Actor, second: Actor) -> None:
    late(sitting, 1, 7, ["B"])
    key = propose(chief, sitting, (1, 7))
    with pytest.raises(ConflictError, match="待另一人确认"):
        propose(second, sitting, (1, 7))
    assert decide(second, key, confirms=False).state is LateState.DECLINED
    assert standings(chief, sitting) == {(1, 7): Standing.OPEN}
    assert undecided(sitting, chief) == 1
    decide(chief, propose(second, sitting, (1, 7), does_count=False))
    assert undecided(sitting, chief) == 0


def test_an_answer_that_counts_meanwhile_needs_no_decision(sitting: Sitting, chief: Actor) -> None:
    late(sitting, 1, 7, ["B"])
    with unit_of_work(system_actor()) as uow:  # time was given, and the page sent it again
        uow.add(
            ResponseState(attempt_id=sitting.people[0].attempt_id, slot=1, seq=7, response='["B"]', received_at=now())
        )
    assert standings(chief, sitting) == {(1, 7): Standing.SETTLED}
    assert undecided(sitting, chief) == 0


def test_who_still_writes_is_not_decided_about(sitting: Sitting, chief: Actor) -> None:
    late(sitting, 1, 7, ["B"])
    with unit_of_work(system_actor()) as uow:
        row = uow.session.get_one(Attempt, sitting.people[0].attempt_id)
        row.status, row.submitted_at, row.submit_kind, row.receipt = AttemptStatus.IN_PROGRESS, None, None, None
    assert undecided(sitting, chief) == 0
    with pytest.raises(ConflictError, match="还可以作答"):
        propose(chief, sitting, (1, 7))


def test_only_chosen_answers_that_wait_are_taken(sitting: Sitting, chief: Actor) -> None:
    late(sitting, 1, 7, ["B"])
    with pytest.raises(InvalidInputError, match="请选择"):
        propose(chief, sitting)
    with pytest.raises(ConflictError, match="刷新页面"):
        propose(chief, sitting, (1, 7), (2, 9))


def test_the_rule_may_leave_all_late_answers_out(
    sitting: Sitting, chief: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    late(sitting, 1, 7, ["B"])
    real = profiles.value
    never = LateAnswerRule.NEVER.value
    monkeypatch.setattr(profiles, "value", lambda *a: never if a[2] == LATE_ANSWER_RULE else real(*a))
    assert standings(chief, sitting) == {(1, 7): Standing.BY_RULE}
    assert undecided(sitting, chief) == 0
    with pytest.raises(ConflictError):
        propose(chief, sitting, (1, 7))


def test_nothing_is_decided_once_results_are_out(sitting: Sitting, chief: Actor, second: Actor) -> None:
    late(sitting, 1, 7, ["B"])
    key = propose(chief, sitting, (1, 7))
    with unit_of_work(system_actor()) as uow:
        uow.session.get_one(ExamSession, sitting.exam_session_id).status = SessionStatus.RELEASED
    with pytest.raises(ConflictError, match="成绩复核"):
        decide(second, key)
    with pytest.raises(ConflictError, match="成绩复核"):
        propose(second, sitting, (1, 7))


def test_people_without_the_room_or_the_right_decide_nothing(
    sitting: Sitting, chief: Actor, make_actor: MakeActor, other_organisation: Organisation
) -> None:
    late(sitting, 1, 7, ["B"])
    key = propose(chief, sitting, (1, 7))
    stranger = make_actor(Role.CHIEF_INVIGILATOR, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError):
        decide(stranger, key)
    for act in (lambda who: view(who, sitting), lambda who: propose(who, sitting, (1, 7))):
        for actor in (stranger, make_actor(Role.INVIGILATOR)):
            with pytest.raises(NotFoundError):
                act(actor)
    with pytest.raises(ForbiddenError):
        decide(make_actor(Role.INVIGILATOR), key)


def test_an_answer_that_also_lies_in_a_rescue_file_is_decided_once(
    sitting: Sitting, chief: Actor, second: Actor
) -> None:
    late(sitting, 1, 7, ["B"])
    file = bring(chief, sitting, page_file(sitting, (1, 7, ["B"]), (2, 8, ["C"])))
    assert (file.state, file.outcome["same"], file.outcome["late"]) == (RescueState.HELD, 1, 1)
    assert standings(chief, sitting) == {(1, 7): Standing.OPEN}  # the file's own answer is decided there
    with unit_of_work(second) as uow:
        rescue.decide(uow, file.rescue_file_id, does_count=True, reason="断网有记录")
    assert states(sitting) == {2: ["C"]}
    decide(second, propose(chief, sitting, (1, 7)))
    assert states(sitting) == {1: ["B"], 2: ["C"]}


def test_accepted_answers_are_in_the_score_and_the_release_waits_for_the_decision(
    machine_world: Any, chief: Actor, second: Actor
) -> None:
    attempt = machine_world.attempts()[2]  # answered nothing
    before = _score(attempt.attempt_id)
    arrive(attempt.attempt_id, 1, 7, ["B"])
    arrive(attempt.attempt_id, 2, 8, ["B"])
    blockers = release.preview_release(db.session(), machine_world.officer, machine_world.batch.exam_batch_id).blockers
    assert [one.step for one in blockers] == ["late_answers"]
    assert "1 名考生的迟到答案" in blockers[0].text
    for number, does_count in (((1, 7), True), ((2, 8), False)):
        with unit_of_work(chief) as uow:
            key = late_answers.propose(
                uow, machine_world.key, attempt.registration_id, numbers={number}, does_count=does_count, why=WHY
            ).late_decision_id
        decide(second, key)
    job = db.session.query(Job).filter_by(name="exam_delivery.score").order_by(Job.created_at.desc()).first()
    assert job is not None
    assert run_job(job.job_id) == "done"
    db.session.expire_all()
    assert _score(attempt.attempt_id) > before
    assert _score(attempt.attempt_id) == before + _score_of_one(machine_world)
    assert (
        release.preview_release(db.session(), machine_world.officer, machine_world.batch.exam_batch_id).blockers == ()
    )


def _score(attempt_id: uuid.UUID) -> Any:
    newest = (
        select(ScoreRecord).where(ScoreRecord.attempt_id == attempt_id).order_by(ScoreRecord.score_record_id.desc())
    )
    return db.session.scalars(newest.limit(1)).one().score


def _score_of_one(world: Any) -> Any:
    """Return what the candidate has who answered one item right."""
    return _score(world.attempts()[1].attempt_id)


def test_a_release_also_waits_for_rescue_files(machine_world: Any, chief: Actor) -> None:
    attempt = machine_world.attempts()[2]
    with unit_of_work(chief) as uow:
        uow.add(
            rescue.RescueFile(
                organisation_id=attempt.organisation_id, exam_session_id=machine_world.key,
                attempt_id=attempt.attempt_id, digest="0" * 64, body=b"-", generation=1, made_at="", n_events=1,
                state=RescueState.HELD, outcome={}, uploaded_at=now(), imported_at=now(),
            )
        )  # fmt: skip
    blockers = release.preview_release(db.session(), machine_world.officer, machine_world.batch.exam_batch_id).blockers
    assert [one.step for one in blockers] == ["rescue_files"]


def test_two_confirmations_at_once_count_once(scratch_database_url: str, tmp_path: Path) -> None:
    app = create_app(Settings(instance_dir=tmp_path, database_url=scratch_database_url, secret_key=SECRET))
    with app.app_context():
        actors = _chiefs(3)
        with unit_of_work(actors[0]) as uow:
            sitting = sitting_that_ended(uow.session, actors[0].organisation)
        late(sitting, 1, 7, ["B"])
        key = propose(actors[0], sitting, (1, 7))
        assert sorted(_confirm_at_once(app, actors[1:], key)) == ["conflict", "counted"]
        assert states(sitting) == {1: ["B"]}
        assert count(AuditEvent, AuditEvent.act == "late_answers.decide") == 1
        db.session.remove()
        db.engine.dispose()


def _chiefs(n: int) -> list[Actor]:
    with unit_of_work(system_actor()) as uow:
        body = Organisation(code="L", name="演示", kind=OrganisationKind.SOCIAL, is_active=True, created_at=now())
        uow.add(body)
        uow.flush()  # the people name it
        people = [
            User(
                username=f"c{k}", name=f"c{k}", password_hash="-", must_change_password=False, is_active=True,
                organisation_id=body.organisation_id, locale="zh_Hans_CN", created_at=now(),
                roles=[UserRole(role=Role.CHIEF_INVIGILATOR)],
            )
            for k in range(n)
        ]  # fmt: skip
        for person in people:
            uow.add(person)
    return [actor_of_user(person) for person in people]


def _confirm_at_once(app: Flask, actors: list[Actor], key: uuid.UUID) -> list[str]:
    barrier, outcomes = threading.Barrier(len(actors)), []

    def work(actor: Actor) -> None:
        with app.app_context():
            barrier.wait()
            try:
                outcomes.append(decide(actor, key).state.value)
            except ConflictError:
                outcomes.append("conflict")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=work, args=(actor,)) for actor in actors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
