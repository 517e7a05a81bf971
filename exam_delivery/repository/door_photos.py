"""Photos taken at the door."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_delivery.models import DoorPhoto


def find(session: Session, exam_session_id: uuid.UUID, registration_id: uuid.UUID) -> DoorPhoto | None:
    """Return who took a candidate's photo and when, without the picture."""
    return session.get(DoorPhoto, (registration_id, exam_session_id))


def read_picture(session: Session, row: DoorPhoto) -> bytes:
    """Return the encrypted picture."""
    session.refresh(row, ["ciphertext"])
    return row.ciphertext


def photographed(session: Session, exam_session_id: uuid.UUID) -> set[uuid.UUID]:
    """Return the registrations of a session that have a photo."""
    query = select(DoorPhoto.registration_id).where(DoorPhoto.exam_session_id == exam_session_id)
    return set(session.scalars(query))
