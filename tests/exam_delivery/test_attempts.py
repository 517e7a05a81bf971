"""Staff acts on attempts: time, hand-in, sign-in, absence; and how the answering program sees them."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    AttemptStatus,
    DeadlineChange,
    ExamSession,
    Incident,
    Registration,
    ResponseState,
    SessionRoom,
    SessionStatus,
    SignInTry,
    SubmitKind,
)
from exam_delivery.rules.receipts import responses_digest
from exam_delivery.rules.room import Reason
from exam_delivery.services import attempts
from exam_delivery.services.room_acts import Why, read_reason
from kernel import audit
from kernel.clock import now
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.actor import Actor, system_actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.conftest import MakeActor
from tests.exam_delivery.sitting_cases import Sitting, prepare

WHY = Why(Reason.POWER, "东侧跳闸")


@pytest.fixture
def sitting(session: Session, organisation: Organisation) -> Sitting:
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        return prepare(
            uow.session, organisation.organisation_id, n=4, n_rooms=2, starts_at=now() - timedelta(minutes=10)
        )


@pytest.fixture
def chief(make_actor: MakeActor) -> Actor:
    return make_actor(Role.CHIEF_INVIGILATOR)


def invigilator_of(sitting: Sitting, room: int, make_actor: MakeActor) -> Actor:
    actor = make_actor(Role.INVIGILATOR)
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        used = uow.session.get_one(SessionRoom, (sitting.exam_session_id, sitting.room_ids[room]))
        used.invigilator_ids = [str(actor.user_id)]
    return actor


def attempt_of(session: Session, sitting: Sitting, k: int) -> Attempt:
    return session.get_one(Attempt, sitting.people[k].attempt_id, populate_existing=True)


def begin(sitting: Sitting, *people: int, minutes_left: float = 50) -> None:
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        for k in people:
            attempt = attempt_of(uow.session, sitting, k)
            attempt.status, attempt.started_at = AttemptStatus.IN_PROGRESS, now() - timedelta(minutes=10)
            attempt.deadline_at, attempt.device = now() + timedelta(minutes=minutes_left), "10.0.0.1 test"
            attempt.signed_in_at = attempt.last_contact_at = now()
            for slot, response in ((1, ["A"]), (2, [])):
                uow.add(
                    ResponseState(
                        attempt_id=attempt.attempt_id,
                        slot=slot,
                        seq=slot,
                        response=json.dumps(response),
                        received_at=now(),
                    )
                )


def incidents(session: Session, kind: str) -> list[Incident]:
    return list(session.scalars(select(Incident).where(Incident.kind == kind)))


def test_more_time_for_one_moves_the_stored_deadline_and_is_recorded(
    session: Session, sitting: Sitting, chief: Actor
) -> None:
    begin(sitting, 0)
    before = attempt_of(session, sitting, 0).deadline_at
    assert before is not None
    with unit_of_work(chief) as uow:
        n = attempts.add_time(
            uow, sitting.exam_session_id, minutes=15, why=WHY, attempt_id=sitting.people[0].attempt_id
        )
    assert n == 1
    assert attempt_of(session, sitting, 0).deadline_at == before + timedelta(minutes=15)
    change = session.scalars(select(DeadlineChange)).one()
    assert (int(change.minutes), change.changed_by, change.reason) == (15, chief.user_id, "停电：东侧跳闸")
    assert len(incidents(session, "add_time")) == 1
    assert audit.verify(session).broken is None


def test_more_time_for_a_room_reaches_those_who_wait_and_leaves_other_rooms_alone(
    session: Session, sitting: Sitting, make_actor: MakeActor
) -> None:
    begin(sitting, 0, 1)
    ends = attempt_of(session, sitting, 2).ends_at
    with unit_of_work(invigilator_of(sitting, 0, make_actor)) as uow:
        assert attempts.add_time(uow, sitting.exam_session_id, minutes=10, why=WHY) == 2
    waiting = attempt_of(session, sitting, 2)
    assert (waiting.duration_seconds, waiting.ends_at) == (4200, ends + timedelta(minutes=10))
    assert {c.attempt_id for c in session.scalars(select(DeadlineChange))} == {
        sitting.people[0].attempt_id,
        sitting.people[2].attempt_id,
    }


def test_time_given_after_the_end_opens_what_the_clock_closed(session: Session, sitting: Sitting, chief: Actor) -> None:
    begin(sitting, 0, minutes_left=-5)
    assert attempts.sweep() == 1
    with unit_of_work(chief) as uow:
        attempts.add_time(uow, sitting.exam_session_id, minutes=20, why=WHY, attempt_id=sitting.people[0].attempt_id)
    attempt = attempt_of(session, sitting, 0)
    assert attempt.status is AttemptStatus.IN_PROGRESS
    assert attempt.deadline_at is not None
    assert timedelta(minutes=19) < attempt.deadline_at - now() <= timedelta(minutes=20)
    assert attempt.receipt is None


@pytest.mark.parametrize("minutes", [0, -5, 241])
def test_time_is_only_ever_added_and_within_reason(sitting: Sitting, chief: Actor, minutes: int) -> None:
    with pytest.raises(InvalidInputError), unit_of_work(chief) as uow:
        attempts.add_time(uow, sitting.exam_session_id, minutes=minutes, why=WHY)


def test_forcing_a_hand_in_seals_what_the_server_has_and_can_be_undone(
    session: Session, sitting: Sitting, chief: Actor
) -> None:
    begin(sitting, 0)
    key = sitting.people[0].attempt_id
    with unit_of_work(chief) as uow:
        attempts.force_hand_in(uow, sitting.exam_session_id, key, why=Why(Reason.MISCONDUCT))
    attempt = attempt_of(session, sitting, 0)
    assert (attempt.status, attempt.submit_kind, attempt.n_answered) == (AttemptStatus.SUBMITTED, SubmitKind.FORCED, 1)
    assert attempt.receipt is not None
    assert attempt.receipt["digest"] == responses_digest({1: ["A"], 2: []})
    assert attempt.receipt["admission_number"] == sitting.people[0].admission_number
    with pytest.raises(ConflictError), unit_of_work(chief) as uow:
        attempts.force_hand_in(uow, sitting.exam_session_id, key, why=WHY)
    with unit_of_work(chief) as uow:
        attempts.reopen(uow, sitting.exam_session_id, key, why=Why(Reason.MISTAKE))
    again = attempt_of(session, sitting, 0)
    assert (again.status, again.receipt, again.submitted_at) == (AttemptStatus.IN_PROGRESS, None, None)


def test_a_candidates_own_hand_in_is_final(session: Session, sitting: Sitting, chief: Actor) -> None:
    begin(sitting, 0)
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        attempt = attempt_of(uow.session, sitting, 0)
        attempt.status, attempt.submitted_at, attempt.submit_kind = AttemptStatus.SUBMITTED, now(), SubmitKind.CANDIDATE
    with pytest.raises(ConflictError), unit_of_work(chief) as uow:
        attempts.reopen(uow, sitting.exam_session_id, sitting.people[0].attempt_id, why=WHY)
    with pytest.raises(ConflictError), unit_of_work(chief) as uow:
        attempts.add_time(uow, sitting.exam_session_id, minutes=5, why=WHY, attempt_id=sitting.people[0].attempt_id)


def test_nobody_who_never_began_is_handed_in(sitting: Sitting, chief: Actor) -> None:
    with pytest.raises(ConflictError), unit_of_work(chief) as uow:
        attempts.force_hand_in(uow, sitting.exam_session_id, sitting.people[0].attempt_id, why=WHY)


def test_resetting_a_sign_in_frees_the_candidate_and_forgets_failed_tries(
    session: Session, sitting: Sitting, chief: Actor
) -> None:
    begin(sitting, 0)
    number = sitting.people[0].admission_number
    with unit_of_work(chief) as uow:
        uow.add(SignInTry(subject=f"number:{number}", tried_at=now()))
    with unit_of_work(chief) as uow:
        attempts.reset_sign_in(uow, sitting.exam_session_id, sitting.people[0].attempt_id, why=Why(Reason.DEVICE))
    attempt = attempt_of(session, sitting, 0)
    assert (attempt.holder_generation, attempt.device, attempt.status) == (1, "", AttemptStatus.IN_PROGRESS)
    assert session.scalar(select(SignInTry)) is None


def test_absence_is_recorded_undone_and_never_for_who_began(session: Session, sitting: Sitting, chief: Actor) -> None:
    begin(sitting, 1)
    person = sitting.people[0].registration_id
    with unit_of_work(chief) as uow:
        attempts.mark_absent(uow, sitting.exam_session_id, person, why=WHY)
    assert session.get_one(Registration, person, populate_existing=True).status == "absent"
    with unit_of_work(chief) as uow:
        attempts.mark_present(uow, sitting.exam_session_id, person, why=Why(Reason.MISTAKE))
    assert session.get_one(Registration, person, populate_existing=True).status == "admitted"
    with pytest.raises(ConflictError), unit_of_work(chief) as uow:
        attempts.mark_absent(uow, sitting.exam_session_id, sitting.people[1].registration_id, why=WHY)


def test_an_invigilator_has_no_hand_in_another_room(sitting: Sitting, make_actor: MakeActor) -> None:
    begin(sitting, 0, 1)
    actor = invigilator_of(sitting, 0, make_actor)
    other = sitting.people[1]
    for verb in (
        lambda uow: attempts.add_time(uow, sitting.exam_session_id, minutes=5, why=WHY, attempt_id=other.attempt_id),
        lambda uow: attempts.force_hand_in(uow, sitting.exam_session_id, other.attempt_id, why=WHY),
        lambda uow: attempts.reset_sign_in(uow, sitting.exam_session_id, other.attempt_id, why=WHY),
        lambda uow: attempts.reopen(uow, sitting.exam_session_id, other.attempt_id, why=WHY),
        lambda uow: attempts.mark_absent(uow, sitting.exam_session_id, other.registration_id, why=WHY),
        lambda uow: attempts.note_incident(uow, sitting.exam_session_id, text="x", attempt_id=other.attempt_id),
    ):
        with pytest.raises(NotFoundError), unit_of_work(actor) as uow:
            verb(uow)
    with unit_of_work(actor) as uow:
        assert attempts.add_time(uow, sitting.exam_session_id, minutes=5, why=WHY, room_id=sitting.room_ids[1]) == 0


def test_other_organisations_and_other_roles_have_no_hand_in_the_room(
    sitting: Sitting, make_actor: MakeActor, other_organisation: Organisation
) -> None:
    begin(sitting, 0)
    stranger = make_actor(Role.CHIEF_INVIGILATOR, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
        attempts.add_time(uow, sitting.exam_session_id, minutes=5, why=WHY)
    with pytest.raises(ForbiddenError), unit_of_work(make_actor(Role.MARKER)) as uow:
        attempts.force_hand_in(uow, sitting.exam_session_id, sitting.people[0].attempt_id, why=WHY)


def test_an_attempt_of_another_session_is_not_reached_through_this_one(sitting: Sitting, chief: Actor) -> None:
    with pytest.raises(NotFoundError), unit_of_work(chief) as uow:
        attempts.force_hand_in(uow, uuid.uuid4(), sitting.people[0].attempt_id, why=WHY)


def test_nothing_is_changed_after_the_session_closed(session: Session, sitting: Sitting, chief: Actor) -> None:
    begin(sitting, 0)
    with unit_of_work(chief) as uow:
        uow.session.get_one(ExamSession, sitting.exam_session_id).status = SessionStatus.CLOSED
    with pytest.raises(ConflictError), unit_of_work(chief) as uow:
        attempts.add_time(uow, sitting.exam_session_id, minutes=5, why=WHY)


def test_before_the_doors_open_times_belong_to_planning(sitting: Sitting, chief: Actor) -> None:
    with unit_of_work(chief) as uow:
        row = uow.session.get_one(ExamSession, sitting.exam_session_id)
        row.status, row.opens_at = SessionStatus.PREPARED, now() + timedelta(minutes=5)
    with pytest.raises(ConflictError), unit_of_work(chief) as uow:
        attempts.add_time(uow, sitting.exam_session_id, minutes=5, why=WHY)


def test_the_sweep_closes_overdue_attempts_once_and_leaves_the_others(session: Session, sitting: Sitting) -> None:
    begin(sitting, 0, 1, minutes_left=-1)
    begin(sitting, 2, minutes_left=0.1)
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        assert attempts.close_overdue(uow, limit=1) == 1
    assert attempts.sweep() == 1
    assert attempts.sweep() == 0
    kinds = [attempt_of(session, sitting, k).submit_kind for k in range(4)]
    assert kinds == [SubmitKind.TIMEOUT, SubmitKind.TIMEOUT, None, None]
    receipt = attempt_of(session, sitting, 0).receipt
    assert receipt is not None
    assert receipt["n_answers"] == 1
    assert audit.verify(session).broken is None


@pytest.mark.parametrize(("code", "note"), [("", ""), ("nonsense", "x"), ("other", " ")])
def test_an_act_needs_a_reason(code: str, note: str) -> None:
    with pytest.raises(InvalidInputError):
        read_reason(code, note)
