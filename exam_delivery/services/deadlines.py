"""The two ways in which a stored deadline moves, both recorded: minutes given, and the length of a pause."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from decimal import Decimal

from exam_delivery.models import Attempt, AttemptStatus, DeadlineChange, SubmitKind
from exam_delivery.rules.room import extended
from exam_delivery.services.room_acts import Why, note_act, record_act
from kernel.clock import iso
from kernel.uow import UnitOfWork

CENTS = Decimal("0.01")


def may_be_extended(attempt: Attempt) -> bool:
    """Say whether minutes may be given: not to somebody who handed in, but to whom the clock closed."""
    return attempt.status is not AttemptStatus.SUBMITTED or attempt.submit_kind is SubmitKind.TIMEOUT


def extend(uow: UnitOfWork, attempt: Attempt, minutes: int, why: Why, at: datetime) -> None:
    """Give minutes to an attempt that waits, runs, or was closed by the clock."""
    before = attempt.deadline_at
    _move(attempt, minutes, at)
    _record_change(uow, attempt, Decimal(minutes), why, at, is_pause=False)
    note_act(uow, attempt, "add_time", f"+{minutes} min {why.text}", at)
    record_act(uow, "attempt.add_time", attempt, why, {"minutes": minutes, "before": iso(before) if before else None})


def _move(attempt: Attempt, minutes: int, at: datetime) -> None:
    if attempt.deadline_at is None:
        attempt.duration_seconds += minutes * 60
        attempt.ends_at += timedelta(minutes=minutes)
        return
    if attempt.status is AttemptStatus.SUBMITTED:
        open_again(attempt)
    attempt.deadline_at = extended(attempt.deadline_at, minutes, at)
    attempt.ends_at = max(attempt.ends_at, attempt.deadline_at)


def open_again(attempt: Attempt) -> None:
    """Undo a hand-in."""
    attempt.status = AttemptStatus.IN_PROGRESS
    attempt.submitted_at = attempt.submit_kind = attempt.receipt = None


def end_pause(uow: UnitOfWork, attempt: Attempt, why: Why, at: datetime) -> Decimal:
    """Give the length of a pause back, to the hundredth of a minute; return it."""
    started = attempt.paused_at or at
    minutes = Decimal(math.ceil(max(0.0, (at - started).total_seconds()) / 0.6)) * CENTS
    if minutes > 0 and attempt.deadline_at is not None:
        attempt.deadline_at += timedelta(minutes=float(minutes))
        attempt.ends_at = max(attempt.ends_at, attempt.deadline_at)
        _record_change(uow, attempt, minutes, why, at, is_pause=True)
    attempt.paused_at = None
    attempt.hold_reason = attempt.hold_reason if attempt.locked_at else ""
    note_act(uow, attempt, "resume", f"+{minutes} min {why.text}", at)
    return minutes


def _record_change(
    uow: UnitOfWork, attempt: Attempt, minutes: Decimal, why: Why, at: datetime, *, is_pause: bool
) -> None:
    uow.add(
        DeadlineChange(
            organisation_id=attempt.organisation_id, attempt_id=attempt.attempt_id, minutes=minutes,
            is_pause=is_pause, reason=why.text, changed_by=uow.actor.user_id, changed_at=at,
        )
    )  # fmt: skip
