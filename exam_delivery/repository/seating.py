"""Seats of a running session: who holds one, how many a room has."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_delivery.models import Attempt, ExamRoom, Registration


def forms_of_session(session: Session, exam_session_id: uuid.UUID) -> set[str]:
    """Return the forms that the attempts of a session hold."""
    query = select(Attempt.form_id).where(Attempt.exam_session_id == exam_session_id)
    return {str(key) for key in session.scalars(query.distinct())}


def capacity_of(session: Session, exam_room_id: uuid.UUID) -> int:
    """Return how many seats a room has."""
    return session.scalar(select(ExamRoom.capacity).where(ExamRoom.exam_room_id == exam_room_id)) or 0


def name_of(session: Session, exam_room_id: uuid.UUID | None) -> str:
    """Return the name of a room; nothing for none."""
    if exam_room_id is None:
        return ""
    return session.scalar(select(ExamRoom.name).where(ExamRoom.exam_room_id == exam_room_id)) or ""


def holder_of(
    session: Session, exam_session_id: uuid.UUID, exam_room_id: uuid.UUID, seat_number: int
) -> uuid.UUID | None:
    """Return whose seat it is in a session."""
    query = select(Registration.registration_id).where(
        Registration.exam_session_id == exam_session_id,
        Registration.exam_room_id == exam_room_id,
        Registration.seat_number == seat_number,
    )
    return session.scalar(query)


def free_seats(session: Session, exam_session_id: uuid.UUID, exam_room_id: uuid.UUID) -> list[int]:
    """Return the numbers of the empty seats of a room in a session."""
    taken = set(
        session.scalars(
            select(Registration.seat_number).where(
                Registration.exam_session_id == exam_session_id, Registration.exam_room_id == exam_room_id
            )
        )
    )
    return [n for n in range(1, capacity_of(session, exam_room_id) + 1) if n not in taken]
