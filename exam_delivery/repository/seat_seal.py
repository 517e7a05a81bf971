"""Which sessions keep their seats sealed, and the seats as they were drawn."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_delivery.models import ExamSession, Registration
from exam_delivery.rules.seat_seal import SEALABLE, is_sealed


def is_session_sealed(session: Session, exam_session_id: uuid.UUID | None, at: datetime) -> bool:
    """Say whether a session's seats may not be told; the row is usually at hand already."""
    row = session.get(ExamSession, exam_session_id) if exam_session_id else None
    return row is not None and is_sealed(row.seats_sealed_until, row.status, at)


def sealed_among(session: Session, exam_session_ids: Collection[uuid.UUID], at: datetime) -> frozenset[uuid.UUID]:
    """Return those of some sessions whose seats may not be told."""
    query = select(ExamSession.exam_session_id).where(
        ExamSession.exam_session_id.in_(exam_session_ids),
        ExamSession.seats_sealed_until > at,
        ExamSession.status.in_(SEALABLE),
    )
    return frozenset(session.scalars(query))


def seats_of(session: Session, exam_session_id: uuid.UUID) -> list[tuple[uuid.UUID, uuid.UUID, int]]:
    """Return who has which seat in a session."""
    query = select(Registration.registration_id, Registration.exam_room_id, Registration.seat_number).where(
        Registration.exam_session_id == exam_session_id,
        Registration.exam_room_id.is_not(None),
        Registration.seat_number.is_not(None),
    )
    return [(person, room, number) for person, room, number in session.execute(query) if room and number]
