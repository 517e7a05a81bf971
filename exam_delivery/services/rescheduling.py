"""Postponing and cancelling a session, with the consequences shown before and kept with the act.

Nothing is postponed once somebody has begun. A cancelled session lets nobody in; who had begun hands in what the server has and does
not get a result of it, through no fault of theirs; who had not is free to be put into another session.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import update
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    AttemptStatus,
    ExamSession,
    Registration,
    RegistrationStatus,
    SessionChange,
    SessionStatus,
    SubmitKind,
)
from exam_delivery.repository import attempts as attempts_repository
from exam_delivery.repository import attempts_planning, overview, planning
from exam_delivery.services import collisions, forms, seat_seal
from exam_delivery.services.attempts import hand_in
from kernel import audit
from kernel.canonical import digest
from kernel.clock import iso, now
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

SHORTEST_REASON = 5
CHANGEABLE = frozenset({SessionStatus.PLANNED, SessionStatus.PREPARED, SessionStatus.OPEN})
TOLD = "本场考试已取消，请等候考务通知"
"""What a waiting page shows; it stands beside the candidate's own language."""


@dataclass(frozen=True, slots=True)
class Consequences:
    """Whom a change of a session touches, as things stand now."""

    n_people: int
    n_phones: int
    n_signed_in: int
    n_begun: int
    forms: Sequence[tuple[str, int]]
    rooms: Sequence[str]

    @property
    def fingerprint(self) -> str:
        """What the person saw who confirmed; anything else is shown again."""
        return digest({"people": self.n_people, "begun": self.n_begun, "forms": [list(one) for one in self.forms]})


def consequences(session: Session, exam_session_id: uuid.UUID, *, actor: Actor) -> Consequences:
    """Return what postponing or cancelling a session would mean."""
    require(actor, Permission.SESSION_CONTROL)
    row = planning.get_session(session, exam_session_id, actor=actor)
    n_people, n_phones, n_signed_in = overview.count_reachable(session, exam_session_id)
    seen = overview.seen_forms(session, exam_session_id)
    titles = {key: form.title for key, form in forms.titles(session, row.organisation_id).items()}
    rooms = [
        f"{room.site} {room.name}" for _used, room in planning.rooms_of_session(session, exam_session_id, actor=actor)
    ]
    used = [(titles.get(key, str(key)), n) for key, n in sorted(seen.items(), key=lambda pair: str(pair[0]))]
    return Consequences(n_people, n_phones, n_signed_in, sum(seen.values()), used, rooms)


def collisions_at(
    session: Session, exam_session_id: uuid.UUID, starts_at: dt.datetime, *, actor: Actor
) -> list[ConflictError]:
    """Return what stands against another start of a session, each as the refusal that names it."""
    require(actor, Permission.SESSION_CONTROL)
    row = planning.get_session(session, exam_session_id, actor=actor)
    is_fixed = row.status is not SessionStatus.PLANNED
    return list(collisions.find_collisions(session, actor, collisions.moved(row, starts_at), with_people=is_fixed))


def postpone(
    uow: UnitOfWork, exam_session_id: uuid.UUID, *, starts_at: dt.datetime | None, reason: str, fingerprint: str
) -> ExamSession:
    """Move a session in which nobody has begun; attempts that wait move with it, in the same transaction.

    Raises
    ------
    ConflictError
        If somebody has begun, a room, an invigilator or a candidate is taken at the new time, or things are no longer as they were shown.
    """
    row, found = _open_change(uow, exam_session_id, reason, fingerprint)
    if found.n_begun:
        raise ConflictError(N_("已有 %(n)s 人开始作答，不能改期；请暂停或取消本场次"), n=found.n_begun)
    if starts_at is None or starts_at <= now():
        message = N_("新的开考时间须晚于现在")
        raise InvalidInputError(message, fields={"starts_at": [message]})
    before, shift, was_sealed = _times(row), starts_at - row.starts_at, seat_seal.is_sealed(row)
    row.opens_at, row.starts_at, row.ends_at = row.opens_at + shift, starts_at, row.ends_at + shift
    collisions.check_time(uow, row, with_people=row.status is not SessionStatus.PLANNED)
    if row.status is SessionStatus.OPEN and row.opens_at > now():
        row.status = SessionStatus.PREPARED
    seat_seal.follow_times(uow, row, was_sealed=was_sealed)
    uow.flush()  # attempts are re-timed from the session's new row
    attempts_planning.retime_waiting(uow.session, row)
    _record(uow, row, ("postponed", reason), before, found)
    return row


def cancel(uow: UnitOfWork, exam_session_id: uuid.UUID, *, reason: str, fingerprint: str) -> ExamSession:
    """Cancel a session: nobody gets in any more, who had begun is handed in and gets no result of it."""
    row, found = _open_change(uow, exam_session_id, reason, fingerprint)
    before, at = _times(row), now()
    begun = attempts_repository.lock_begun(uow.session, exam_session_id, actor=uow.actor)
    writing = [attempt for attempt in begun if attempt.status is AttemptStatus.IN_PROGRESS]
    hand_in(uow, writing, SubmitKind.FORCED, at)
    _void(uow, [attempt.registration_id for attempt in begun], reason)
    _tell_waiting(uow, exam_session_id, at, TOLD)
    row.cancelled_at = at
    if begun:
        row.status = SessionStatus.CLOSED
    elif row.status is SessionStatus.OPEN:
        row.status = SessionStatus.PREPARED
    _record(uow, row, ("cancelled", reason), before, found)
    return row


def _void(uow: UnitOfWork, registration_ids: Sequence[uuid.UUID], reason: str) -> None:
    uow.session.execute(
        update(Registration)
        .where(Registration.registration_id.in_(registration_ids), Registration.status == RegistrationStatus.ADMITTED)
        .values(status=RegistrationStatus.VOID, void_reason=f"场次取消：{reason.strip()}"[:300])
    )


def _tell_waiting(uow: UnitOfWork, exam_session_id: uuid.UUID, at: dt.datetime | None, text: str) -> None:
    uow.session.execute(
        update(Attempt)
        .where(Attempt.exam_session_id == exam_session_id, Attempt.status == AttemptStatus.WAITING)
        .values(locked_at=at, hold_reason=text)
    )


def restore(uow: UnitOfWork, exam_session_id: uuid.UUID, *, reason: str) -> ExamSession:
    """Take back the cancellation of a session in which nobody had begun, while people may still come and all is still free.

    Raises
    ------
    ConflictError
        If it was not cancelled, somebody had begun, it is too late to come, or a room, an invigilator or a candidate is elsewhere then.
    """
    require(uow.actor, Permission.SESSION_CONTROL)
    _check_reason(reason)
    row = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    if row.cancelled_at is None or row.status not in CHANGEABLE:
        raise ConflictError(N_("场次没有取消，或取消时已有人作答，不能恢复"))
    if is_too_late(row):
        raise ConflictError(
            N_("开考时间和迟到时限都已过，恢复后考生来不及参加；请考务在本批次另建场次，再到场次页面“转移考生”")
        )
    collisions.check_time(uow, row, with_people=row.status is not SessionStatus.PLANNED)
    before = _times(row)
    row.cancelled_at = None
    _tell_waiting(uow, exam_session_id, None, "")
    _record(uow, row, ("restored", reason), before, consequences(uow.session, exam_session_id, actor=uow.actor))
    return row


def is_too_late(row: ExamSession) -> bool:
    """Say whether nobody could be let into a session any more, however late they may come."""
    return row.starts_at + dt.timedelta(minutes=row.late_cutoff_minutes) <= now()


def _open_change(
    uow: UnitOfWork, exam_session_id: uuid.UUID, reason: str, fingerprint: str
) -> tuple[ExamSession, Consequences]:
    require(uow.actor, Permission.SESSION_CONTROL)
    _check_reason(reason)
    row = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    if row.status not in CHANGEABLE or row.cancelled_at:
        raise ConflictError(N_("场次已经结束或取消，不能再改期或取消"))
    found = consequences(uow.session, exam_session_id, actor=uow.actor)
    if found.fingerprint != fingerprint:
        raise ConflictError(N_("影响范围刚刚有变化，请重新核对后再确认"))
    return row, found


def _check_reason(reason: str) -> None:
    if len(reason.strip()) < SHORTEST_REASON:
        message = N_("请写明理由，至少 5 个字")
        raise InvalidInputError(message, fields={"reason": [message]})


def _times(row: ExamSession) -> dict[str, object]:
    return {"status": row.status.value, "opens_at": iso(row.opens_at), "starts_at": iso(row.starts_at)}


def _record(
    uow: UnitOfWork, row: ExamSession, step: tuple[str, str], before: dict[str, object], found: Consequences
) -> None:
    kind, reason = step
    after = _times(row) | {"people": found.n_people, "begun": found.n_begun}
    uow.add(
        SessionChange(
            organisation_id=row.organisation_id, exam_session_id=row.exam_session_id, kind=kind,
            reason=reason.strip()[:300], before=before, after=after, changed_by=uow.actor.user_id,
            changed_by_name=uow.actor.name[:100], changed_at=now(),
        )
    )  # fmt: skip
    audit.record(uow, f"exam_session.{kind}", "exam_session", row.exam_session_id, before=before, after=after)
