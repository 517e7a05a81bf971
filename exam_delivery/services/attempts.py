"""What invigilators and the clock do with attempts: more time, hand-in, sign-in, absence, incidents.

The server's clock alone decides; every change of a deadline is a row, every act leaves an incident and an audit event. Attempts
are locked first, in the order of their keys, so that the answering program and these acts never cross.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from exam_delivery.models import (
    Attempt,
    AttemptStatus,
    DeadlineChange,
    ExamSession,
    Incident,
    Registration,
    RegistrationStatus,
    SessionStatus,
    SubmitKind,
)
from exam_delivery.repository import attempts as repository
from exam_delivery.repository import planning
from exam_delivery.rules.receipts import make_receipt
from exam_delivery.rules.room import MAX_EXTRA_MINUTES, REASON_LABELS, Reason, extended
from exam_delivery.rules.states import FINISHED
from exam_delivery.services.reach import check_attempt_in_reach, check_seat_in_reach, rooms_in_reach
from kernel import audit
from kernel.clock import iso, now
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


@dataclass(frozen=True, slots=True)
class Why:
    """The reason of an act: a code, and words where the code does not say it."""

    code: Reason
    note: str = ""

    @property
    def text(self) -> str:
        """The reason as it is kept."""
        return "：".join(filter(None, (REASON_LABELS[self.code], self.note.strip())))[:300]


def read_reason(code: str, note: str) -> Why:
    """Return the reason that a form gives; raises InvalidInputError."""
    if code not in set(Reason):
        raise InvalidInputError(N_("请选择原因"), fields={"reason": [N_("请选择原因")]})
    if code == Reason.OTHER and not note.strip():
        raise InvalidInputError(N_("选择“其他”时请写明原因"), fields={"note": [N_("请写明原因")]})
    return Why(Reason(code), note)


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
    _running(uow, exam_session_id)
    at = now()
    chosen = _chosen(uow, exam_session_id, attempt_id, room_id)
    extendable = [attempt for attempt in chosen if _may_be_extended(attempt)]
    if attempt_id and not extendable:
        raise ConflictError(N_("考生已交卷，不能延时；误收卷请先“撤销收卷”"))
    for attempt in extendable:
        before = attempt.deadline_at
        _extend(attempt, minutes, at)
        uow.add(
            DeadlineChange(
                organisation_id=attempt.organisation_id, attempt_id=attempt.attempt_id, minutes=Decimal(minutes),
                reason=why.text, changed_by=uow.actor.user_id, changed_at=at,
            )
        )  # fmt: skip
        _note(uow, attempt, "add_time", f"+{minutes} min {why.text}", at)
        _record(uow, "attempt.add_time", attempt, why, {"minutes": minutes, "before": iso(before) if before else None})
    return len(extendable)


def _chosen(
    uow: UnitOfWork, exam_session_id: uuid.UUID, attempt_id: uuid.UUID | None, room_id: uuid.UUID | None
) -> Sequence[Attempt]:
    if attempt_id:
        return [_locked(uow, exam_session_id, attempt_id)]
    reach = {room.exam_room_id for room in rooms_in_reach(uow.session, exam_session_id, actor=uow.actor)}
    rooms = reach if room_id is None else reach & {room_id}
    return repository.lock_attempts_in(uow.session, exam_session_id, room_ids=rooms, actor=uow.actor)


def _may_be_extended(attempt: Attempt) -> bool:
    return attempt.status is not AttemptStatus.SUBMITTED or attempt.submit_kind is SubmitKind.TIMEOUT


def _extend(attempt: Attempt, minutes: int, at: datetime) -> None:
    if attempt.deadline_at is None:
        attempt.duration_seconds += minutes * 60
        attempt.ends_at += timedelta(minutes=minutes)
        return
    if attempt.status is AttemptStatus.SUBMITTED:
        _open_again(attempt)
    attempt.deadline_at = extended(attempt.deadline_at, minutes, at)
    attempt.ends_at = max(attempt.ends_at, attempt.deadline_at)


def _open_again(attempt: Attempt) -> None:
    attempt.status = AttemptStatus.IN_PROGRESS
    attempt.submitted_at = attempt.submit_kind = attempt.receipt = None


def force_hand_in(uow: UnitOfWork, exam_session_id: uuid.UUID, attempt_id: uuid.UUID, *, why: Why) -> Attempt:
    """Hand in for a candidate who writes; what the server has is what counts."""
    require(uow.actor, Permission.SESSION_INVIGILATE)
    _running(uow, exam_session_id)
    attempt = _locked(uow, exam_session_id, attempt_id)
    if attempt.status is not AttemptStatus.IN_PROGRESS:
        raise ConflictError(N_("考生不在作答中，不能收卷"))
    at = now()
    _hand_in(uow, [attempt], SubmitKind.FORCED, at)
    _note(uow, attempt, "force_hand_in", why.text, at)
    _record(uow, "attempt.force_hand_in", attempt, why, _receipt_facts(attempt))
    return attempt


def reopen(uow: UnitOfWork, exam_session_id: uuid.UUID, attempt_id: uuid.UUID, *, why: Why) -> Attempt:
    """Undo a hand-in by an invigilator or by the clock while there is time left; a candidate's own is final."""
    require(uow.actor, Permission.SESSION_INVIGILATE)
    _running(uow, exam_session_id)
    attempt = _locked(uow, exam_session_id, attempt_id)
    if attempt.submit_kind not in {SubmitKind.FORCED, SubmitKind.TIMEOUT}:
        raise ConflictError(N_("只能撤销强制收卷或到时收卷；考生自己交的卷不能撤销"))
    at = now()
    if attempt.deadline_at is None or attempt.deadline_at <= at:
        raise ConflictError(N_("答题时间已到，请用“延时”给出时间，收卷会一并撤销"))
    facts = _receipt_facts(attempt)
    _open_again(attempt)
    _note(uow, attempt, "reopen", why.text, at)
    _record(uow, "attempt.reopen", attempt, why, facts)
    return attempt


def reset_sign_in(uow: UnitOfWork, exam_session_id: uuid.UUID, attempt_id: uuid.UUID, *, why: Why) -> Attempt:
    """Let a candidate sign in anew from any device: the present page turns read-only, failed tries are forgotten."""
    require(uow.actor, Permission.SESSION_INVIGILATE)
    _running(uow, exam_session_id)
    attempt = _locked(uow, exam_session_id, attempt_id)
    attempt.holder_generation += 1
    attempt.device = ""
    if attempt.status is AttemptStatus.WAITING:
        attempt.signed_in_at = attempt.last_contact_at = None
    registration = repository.get_registration(uow.session, attempt)
    repository.forget_failed_sign_ins(uow.session, registration.admission_number or "")
    _note(uow, attempt, "reset_sign_in", why.text, now())
    _record(uow, "attempt.reset_sign_in", attempt, why, {"generation": attempt.holder_generation})
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
    _running(uow, exam_session_id)
    check_seat_in_reach(uow.session, exam_session_id, registration_id, actor=uow.actor)
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
        _note(uow, attempt, act, why.text, now())
    audit.record(uow, f"registration.{act}", "registration", registration_id, reason=why.code.value)
    return registration


def note_incident(
    uow: UnitOfWork, exam_session_id: uuid.UUID, *, text: str, attempt_id: uuid.UUID | None = None
) -> Incident:
    """Write down something that happened, to a candidate or in the session."""
    require(uow.actor, Permission.SESSION_INVIGILATE)
    if not text.strip():
        raise InvalidInputError(N_("请写明情况"), fields={"text": [N_("请写明情况")]})
    sitting = planning.get_session(uow.session, exam_session_id, actor=uow.actor)
    if attempt_id:
        check_attempt_in_reach(uow.session, exam_session_id, attempt_id, actor=uow.actor)
    elif not rooms_in_reach(uow.session, exam_session_id, actor=uow.actor):
        raise ConflictError(N_("您没有被安排在这场考试监考"))
    incident = _incident(uow, sitting.exam_session_id, attempt_id, kind="note", text=text.strip(), at=now())
    uow.add(incident)
    audit.record(uow, "incident.note", "exam_session", exam_session_id, after={"attempt": str(attempt_id or "")})
    return incident


def close_overdue(uow: UnitOfWork, *, limit: int = BATCH, at: datetime | None = None) -> int:
    """Hand in the attempts of the actor's organisation whose time is over; return how many (at most `limit`)."""
    moment = at or now()
    attempts = repository.lock_overdue(uow.session, moment - SWEEP_MARGIN, limit=limit, actor=uow.actor)
    _close(uow, attempts, moment)
    return len(attempts)


def _close(uow: UnitOfWork, attempts: Sequence[Attempt], at: datetime) -> None:
    _hand_in(uow, attempts, SubmitKind.TIMEOUT, at)
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


def _running(uow: UnitOfWork, exam_session_id: uuid.UUID) -> ExamSession:
    sitting = planning.get_session(uow.session, exam_session_id, actor=uow.actor)
    if sitting.status in FINISHED or sitting.status is SessionStatus.PLANNED:
        raise ConflictError(N_("场次不在进行中，不能再改变考生的作答"))
    if sitting.status is SessionStatus.PREPARED and sitting.opens_at > now():
        raise ConflictError(N_("场次还没有开放登录；开放前要改时间，请在场次页面修改"))
    return sitting


def _locked(uow: UnitOfWork, exam_session_id: uuid.UUID, attempt_id: uuid.UUID) -> Attempt:
    check_attempt_in_reach(uow.session, exam_session_id, attempt_id, actor=uow.actor)
    return repository.lock_attempt(uow.session, attempt_id, actor=uow.actor)


def _hand_in(uow: UnitOfWork, attempts: Sequence[Attempt], kind: SubmitKind, at: datetime) -> None:
    """Close attempts with their receipts; a response stands as it was durable at this moment."""
    responses = repository.responses_of(uow.session, [attempt.attempt_id for attempt in attempts])
    numbers = repository.admission_numbers(uow.session, attempts)
    for attempt in attempts:
        receipt = make_receipt(responses[attempt.attempt_id], numbers[attempt.registration_id], at)
        attempt.status, attempt.submitted_at, attempt.submit_kind = AttemptStatus.SUBMITTED, at, kind
        attempt.receipt, attempt.n_answered = receipt, receipt["n_answers"]


def _receipt_facts(attempt: Attempt) -> dict[str, object]:
    receipt = attempt.receipt or {}
    return {"n_answers": receipt.get("n_answers"), "digest": receipt.get("digest")}


def _note(uow: UnitOfWork, attempt: Attempt, kind: str, text: str, at: datetime) -> None:
    uow.add(_incident(uow, attempt.exam_session_id, attempt.attempt_id, kind=kind, text=text, at=at))


def _incident(
    uow: UnitOfWork, exam_session_id: uuid.UUID, attempt_id: uuid.UUID | None, *, kind: str, text: str, at: datetime
) -> Incident:
    return Incident(
        organisation_id=uow.actor.organisation, exam_session_id=exam_session_id, attempt_id=attempt_id, kind=kind,
        text=text[:500], noted_by=uow.actor.user_id, noted_at=at,
    )  # fmt: skip


def _record(uow: UnitOfWork, act: str, attempt: Attempt, why: Why, after: dict[str, object]) -> None:
    audit.record(uow, act, "attempt", attempt.attempt_id, after=after, reason=why.code.value)
