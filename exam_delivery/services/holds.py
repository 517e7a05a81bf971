"""Stopping a candidate for a while: a pause lets the clock stand still, a lock does not.

The page learns of it with its next contact and turns read-only; the length of a pause is given back by moving the deadline, recorded
like any other change of it.
"""

from __future__ import annotations

import math
import uuid
from datetime import datetime

from exam_delivery.models import Attempt, AttemptStatus
from exam_delivery.rules.room import REASON_LABELS
from exam_delivery.services.deadlines import end_pause, extend
from exam_delivery.services.room_acts import Why, locked_attempt, note_act, record_act, running_session
from kernel.clock import iso, now
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork


def pause(uow: UnitOfWork, exam_session_id: uuid.UUID, attempt_id: uuid.UUID, *, why: Why) -> Attempt:
    """Let a candidate's clock stand still until `resume`."""
    attempt = _working(uow, exam_session_id, attempt_id)
    if attempt.paused_at:
        raise ConflictError(N_("考生已经暂停"))
    at = now()
    if attempt.deadline_at is not None and attempt.deadline_at <= at:
        raise ConflictError(N_("答题时间已到，不能暂停；需要时间请用“延时”"))
    attempt.paused_at, attempt.hold_reason = at, REASON_LABELS[why.code]
    note_act(uow, attempt, "pause", why.text, at)
    record_act(uow, "attempt.pause", attempt, why, {"deadline": _text(attempt.deadline_at)})
    return attempt


def resume(uow: UnitOfWork, exam_session_id: uuid.UUID, attempt_id: uuid.UUID, *, why: Why) -> Attempt:
    """Let the clock go on; the deadline moves by the length of the pause."""
    attempt = _working(uow, exam_session_id, attempt_id)
    if attempt.paused_at is None:
        raise ConflictError(N_("考生没有暂停"))
    minutes = end_pause(uow, attempt, why, now())
    record_act(uow, "attempt.resume", attempt, why, {"minutes": str(minutes), "deadline": _text(attempt.deadline_at)})
    return attempt


def lock(uow: UnitOfWork, exam_session_id: uuid.UUID, attempt_id: uuid.UUID, *, why: Why) -> Attempt:
    """Turn a candidate's page read-only; the clock goes on."""
    attempt = _working(uow, exam_session_id, attempt_id)
    if attempt.locked_at:
        raise ConflictError(N_("考生已经锁定"))
    at = now()
    attempt.locked_at, attempt.hold_reason = at, REASON_LABELS[why.code]
    note_act(uow, attempt, "lock", why.text, at)
    record_act(uow, "attempt.lock", attempt, why, {})
    return attempt


def unlock(
    uow: UnitOfWork, exam_session_id: uuid.UUID, attempt_id: uuid.UUID, *, why: Why, gives_back: bool = False
) -> Attempt:
    """Let a locked candidate go on, on wish with the time that the lock took."""
    attempt = _working(uow, exam_session_id, attempt_id)
    if attempt.locked_at is None:
        raise ConflictError(N_("考生没有锁定"))
    at = now()
    minutes = max(1, math.ceil((at - attempt.locked_at).total_seconds() / 60))
    attempt.locked_at = None
    attempt.hold_reason = attempt.hold_reason if attempt.paused_at else ""
    note_act(uow, attempt, "unlock", why.text, at)
    record_act(uow, "attempt.unlock", attempt, why, {"minutes": minutes, "given_back": gives_back})
    if gives_back:
        extend(uow, attempt, minutes, why, at)
    return attempt


def _working(uow: UnitOfWork, exam_session_id: uuid.UUID, attempt_id: uuid.UUID) -> Attempt:
    require(uow.actor, Permission.SESSION_INVIGILATE)
    running_session(uow, exam_session_id)
    attempt = locked_attempt(uow, exam_session_id, attempt_id)
    if attempt.status is not AttemptStatus.IN_PROGRESS:
        raise ConflictError(N_("考生不在作答中，不能暂停或锁定"))
    return attempt


def _text(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None
