"""What invigilators and the clock do with attempts: more time, hand-in, sign-in, absence, incidents.

The server's clock alone decides; every change of a deadline is a row, every act leaves an incident and an audit event. Attempts
are locked first, in the order of their keys, so that the answering program and these acts never cross.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from exam_delivery.models import (
    Attempt,
    AttemptStatus,
    Incident,
    Registration,
    RegistrationStatus,
    SubmitKind,
)
from exam_delivery.repository import attempts as repository
from exam_delivery.repository import planning
from exam_delivery.rules.receipts import make_receipt
from exam_delivery.rules.room import MAX_EXTRA_MINUTES
from exam_delivery.services.deadlines import end_pause, extend, may_be_extended, open_again
from exam_delivery.services.reach import (
    check_attempt_in_reach,
    check_room_open,
    check_seat_in_reach,
    check_unrelated,
    closed_rooms,
    rooms_in_reach,
)
from exam_delivery.services.room_acts import (
    Why,
    locked_attempt,
    make_incident,
    name_rooms,
    note_act,
    record_act,
    rooms_of_note,
    running_session,
)
from kernel import audit
from kernel.clock import now
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require, system_actor
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork, unit_of_work

SWEEP_MARGIN = timedelta(seconds=20)
"""Pages hand in by themselves at the deadline; the sweep takes those that did not."""
TRIES_KEPT = timedelta(days=1)
BATCH = 200


def add_time(
    uow: UnitOfWork,
    exam_session_id: uuid.UUID,
    *,
    minutes: int,
    why: Why,
    attempt_id: uuid.UUID | None = None,
    room_id: uuid.UUID | None = None,
) -> int:
    """Give more time to one candidate, a room, or every room in the actor's reach; return to how many.

    Those who wait get a longer duration, those who write a later deadline, and those whom the clock closed may go on.
    """
    require(uow.actor, Permission.SESSION_INVIGILATE)
    if not 1 <= minutes <= MAX_EXTRA_MINUTES:
        raise InvalidInputError(N_("延长时间应在 1–240 分钟之间"), fields={"minutes": [N_("请填写 1–240")]})
    running_session(uow, exam_session_id)
    at = now()
    chosen = _chosen(uow, exam_session_id, attempt_id, room_id)
    extendable = [attempt for attempt in chosen if may_be_extended(attempt)]
    if attempt_id and not extendable:
        raise ConflictError(N_("考生已交卷，不能延时；误收卷请先“撤销收卷”"))
    for attempt in extendable:
        extend(uow, attempt, minutes, why, at)
    return len(extendable)


def _chosen(
    uow: UnitOfWork, exam_session_id: uuid.UUID, attempt_id: uuid.UUID | None, room_id: uuid.UUID | None
) -> Sequence[Attempt]:
    if attempt_id:
        return [locked_attempt(uow, exam_session_id, attempt_id)]
    reach = {room.exam_room_id for room in rooms_in_reach(uow.session, exam_session_id, actor=uow.actor)}
    chosen = reach if room_id is None else reach & {room_id}
    rooms = chosen - closed_rooms(uow.session, exam_session_id, actor=uow.actor)
    check_unrelated(uow.session, exam_session_id, rooms, actor=uow.actor)
    return repository.lock_attempts_in(uow.session, exam_session_id, room_ids=rooms, actor=uow.actor)


def force_hand_in(uow: UnitOfWork, exam_session_id: uuid.UUID, attempt_id: uuid.UUID, *, why: Why) -> Attempt:
    """Hand in for a candidate who writes; what the server has is what counts."""
    require(uow.actor, Permission.SESSION_INVIGILATE)
    running_session(uow, exam_session_id)
    attempt = locked_attempt(uow, exam_session_id, attempt_id)
    if attempt.status is not AttemptStatus.IN_PROGRESS:
        raise ConflictError(N_("考生不在作答中，不能收卷"))
    at = now()
    if attempt.paused_at:  # undoing the hand-in must find the time that the pause took
        end_pause(uow, attempt, why, at)
    hand_in(uow, [attempt], SubmitKind.FORCED, at)
    note_act(uow, attempt, "force_hand_in", why.text, at)
    record_act(uow, "attempt.force_hand_in", attempt, why, _receipt_facts(attempt))
    return attempt


def reopen(uow: UnitOfWork, exam_session_id: uuid.UUID, attempt_id: uuid.UUID, *, why: Why) -> Attempt:
    """Undo a hand-in by an invigilator or by the clock while there is time left; a candidate's own is final."""
    require(uow.actor, Permission.SESSION_INVIGILATE)
    running_session(uow, exam_session_id)
    attempt = locked_attempt(uow, exam_session_id, attempt_id)
    if attempt.submit_kind not in {SubmitKind.FORCED, SubmitKind.TIMEOUT}:
        raise ConflictError(N_("只能撤销强制收卷或到时收卷；考生自己交的卷不能撤销"))
    at = now()
    if attempt.deadline_at is None or attempt.deadline_at <= at:
        raise ConflictError(N_("答题时间已到，请用“延时”给出时间，收卷会一并撤销"))
    facts = _receipt_facts(attempt)
    open_again(attempt)
    note_act(uow, attempt, "reopen", why.text, at)
    record_act(uow, "attempt.reopen", attempt, why, facts)
    return attempt


def reset_sign_in(uow: UnitOfWork, exam_session_id: uuid.UUID, attempt_id: uuid.UUID, *, why: Why) -> Attempt:
    """Let a candidate sign in anew from any device: the present page turns read-only, failed tries are forgotten."""
    require(uow.actor, Permission.SESSION_INVIGILATE)
    running_session(uow, exam_session_id)
    attempt = locked_attempt(uow, exam_session_id, attempt_id)
    attempt.holder_generation += 1
    attempt.device = ""
    if attempt.status is AttemptStatus.WAITING:
        attempt.signed_in_at = attempt.last_contact_at = None
    registration = repository.get_registration(uow.session, attempt)
    repository.forget_failed_sign_ins(uow.session, registration.admission_number or "")
    note_act(uow, attempt, "reset_sign_in", why.text, now())
    record_act(uow, "attempt.reset_sign_in", attempt, why, {"generation": attempt.holder_generation})
    return attempt


def mark_absent(uow: UnitOfWork, exam_session_id: uuid.UUID, registration_id: uuid.UUID, *, why: Why) -> Registration:
    """Record that a candidate did not come; who has started cannot be absent."""
    return _set_presence(uow, exam_session_id, registration_id, RegistrationStatus.ABSENT, why)


def mark_present(uow: UnitOfWork, exam_session_id: uuid.UUID, registration_id: uuid.UUID, *, why: Why) -> Registration:
    """Undo the record of absence."""
    return _set_presence(uow, exam_session_id, registration_id, RegistrationStatus.ADMITTED, why)


def _set_presence(
    uow: UnitOfWork, exam_session_id: uuid.UUID, registration_id: uuid.UUID, wanted: RegistrationStatus, why: Why
) -> Registration:
    require(uow.actor, Permission.SESSION_INVIGILATE)
    running_session(uow, exam_session_id)
    check_seat_in_reach(uow.session, exam_session_id, registration_id, actor=uow.actor)
    check_room_open(uow.session, exam_session_id, registration_id, actor=uow.actor)
    registration = repository.lock_registration(uow.session, registration_id, actor=uow.actor)
    if registration.status is RegistrationStatus.VOID or registration.status is wanted:
        raise ConflictError(N_("考生状态已改变，请刷新控制台"))
    attempt = repository.find_attempt(uow.session, registration_id)
    if attempt and attempt.status is not AttemptStatus.WAITING:
        raise ConflictError(N_("考生已开始作答，不能记缺考"))
    registration.status = wanted
    act = "absent" if wanted is RegistrationStatus.ABSENT else "present"
    if attempt:
        attempt.holder_generation += 1  # a page that waits must not start any more
        note_act(uow, attempt, act, why.text, now())
    audit.record(uow, f"registration.{act}", "registration", registration_id, reason=why.code.value)
    return registration


def note_incident(
    uow: UnitOfWork,
    exam_session_id: uuid.UUID,
    *,
    text: str,
    attempt_id: uuid.UUID | None = None,
    room_id: uuid.UUID | None = None,
) -> Incident:
    """Write down something that happened, to a candidate, in a room or in the session."""
    require(uow.actor, Permission.SESSION_INVIGILATE)
    if not text.strip():
        raise InvalidInputError(N_("请写明情况"), fields={"text": [N_("请写明情况")]})
    sitting = planning.get_session(uow.session, exam_session_id, actor=uow.actor)
    incident = make_incident(uow, sitting.exam_session_id, attempt_id, kind="note", text=text.strip(), at=now())
    if attempt_id:
        check_attempt_in_reach(uow.session, exam_session_id, attempt_id, actor=uow.actor)
        uow.add(incident)
    else:
        name_rooms(uow, incident, rooms_of_note(uow, exam_session_id, room_id))
    audit.record(uow, "incident.note", "exam_session", exam_session_id, after={"attempt": str(attempt_id or "")})
    return incident


def close_overdue(uow: UnitOfWork, *, limit: int = BATCH, at: datetime | None = None) -> int:
    """Hand in the attempts of the actor's organisation whose time is over; return how many (at most `limit`)."""
    moment = at or now()
    attempts = repository.lock_overdue(uow.session, moment - SWEEP_MARGIN, limit=limit, actor=uow.actor)
    _close(uow, attempts, moment)
    return len(attempts)


def _close(uow: UnitOfWork, attempts: Sequence[Attempt], at: datetime) -> None:
    hand_in(uow, attempts, SubmitKind.TIMEOUT, at)
    for attempt in attempts:
        audit.record(uow, "attempt.time_over", "attempt", attempt.attempt_id, after=_receipt_facts(attempt))


def sweep() -> int:
    """Close overdue attempts of all organisations, in batches of their own transactions; the worker's duty."""
    n_closed = 0
    for organisation_id in repository.organisations_with_overdue(db.session(), now() - SWEEP_MARGIN):
        n_batch = BATCH
        while n_batch == BATCH:
            with unit_of_work(system_actor(organisation_id, name="clock")) as uow:
                n_batch = close_overdue(uow)
            n_closed += n_batch
    return n_closed


def forget_old_tries() -> None:
    """Delete failed sign-ins of yesterday; the worker's duty."""
    with unit_of_work(system_actor(name="clock")) as uow:
        repository.delete_old_tries(uow.session, now() - TRIES_KEPT)


def hand_in(uow: UnitOfWork, attempts: Sequence[Attempt], kind: SubmitKind, at: datetime) -> None:
    """Close attempts with their receipts; a response stands as it was durable at this moment."""
    responses = repository.responses_of(uow.session, [attempt.attempt_id for attempt in attempts])
    numbers = repository.admission_numbers(uow.session, attempts)
    for attempt in attempts:
        receipt = make_receipt(responses[attempt.attempt_id], numbers[attempt.registration_id], at)
        attempt.status, attempt.submitted_at, attempt.submit_kind = AttemptStatus.SUBMITTED, at, kind
        attempt.receipt, attempt.n_answered = receipt, receipt["n_answers"]
        attempt.paused_at = None


def _receipt_facts(attempt: Attempt) -> dict[str, object]:
    receipt = attempt.receipt or {}
    return {"n_answers": receipt.get("n_answers"), "digest": receipt.get("digest")}
