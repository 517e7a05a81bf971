"""The proposal of added time: what each candidate lost while the page made no contact; an invigilator decides."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from exam_delivery.models import DeadlineChange, SubmitKind
from exam_delivery.repository import lost_time as repository
from exam_delivery.repository.attempts import SeatRow
from exam_delivery.rules.lost_time import LostTime, Span, lost_time, pause_span
from exam_delivery.rules.room_acts import Act
from exam_delivery.services import attempts
from exam_delivery.services.console import RoomView, Seat, acts_of
from exam_delivery.services.room_acts import Why
from kernel.uow import UnitOfWork


def lost_times(session: Session, rows: Sequence[SeatRow], at: datetime) -> dict[uuid.UUID, LostTime]:
    """Return what each attempt lost until now, by attempt."""
    begun = {row.attempt_id: row for row in rows if row.attempt_id and row.started_at}
    gaps = repository.gaps_of(session, list(begun))
    changes = repository.changes_of(session, list(begun))
    return {
        key: _lost(row, [Span(gap.started_at, gap.ended_at) for gap in gaps.get(key, [])], changes.get(key, []), at)
        for key, row in begun.items()
    }


def _lost(row: SeatRow, noted: Sequence[Span], changes: Sequence[DeadlineChange], at: datetime) -> LostTime:
    by_clock = row.submit_kind is SubmitKind.TIMEOUT
    ended = row.deadline_at if row.submitted_at is None or by_clock else row.submitted_at
    has_gone = row.submitted_at is not None and not by_clock
    return lost_time(
        noted,
        last_contact_at=None if has_gone else row.last_contact_at,
        ended_at=ended,
        at=row.paused_at or at,
        pauses=[pause_span(change.changed_at, float(change.minutes)) for change in changes if change.is_pause],
        given_minutes=int(sum(change.minutes for change in changes if not change.is_pause)),
    )


def proposals(session: Session, view: RoomView) -> list[tuple[Seat, LostTime]]:
    """Return the candidates of a room who lost time that may still be given back, most first."""
    extendable = [seat for seat in view.seats if Act.ADD_TIME in acts_of(seat)]
    lost = lost_times(session, [seat.row for seat in extendable], view.at)
    found = [(seat, lost[seat.row.attempt_id]) for seat in extendable if seat.row.attempt_id in lost]
    return sorted((pair for pair in found if pair[1].seconds), key=lambda pair: -pair[1].minutes)


def give_back(uow: UnitOfWork, exam_session_id: uuid.UUID, minutes: Mapping[uuid.UUID, int], *, why: Why) -> int:
    """Give each chosen attempt its own minutes; return to how many."""
    for attempt_id in sorted(minutes, key=lambda key: key.bytes):
        attempts.add_time(uow, exam_session_id, minutes=minutes[attempt_id], why=why, attempt_id=attempt_id)
    return len(minutes)
