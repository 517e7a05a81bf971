"""Signatures under the reports of rooms, and where the audit chain stood."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exam_delivery.models import RoomSignOff
from kernel.audit.models import GENESIS, AuditHead


def sign_offs_of(session: Session, exam_session_id: uuid.UUID, exam_room_id: uuid.UUID) -> Sequence[RoomSignOff]:
    """Return who signed for a room, in their order."""
    query = select(RoomSignOff).where(
        RoomSignOff.exam_session_id == exam_session_id, RoomSignOff.exam_room_id == exam_room_id
    )
    return session.scalars(query.order_by(RoomSignOff.signed_at)).all()


def count_by_room(session: Session, exam_session_id: uuid.UUID) -> dict[uuid.UUID, int]:
    """Return how many signed for each room of a session."""
    query = (
        select(RoomSignOff.exam_room_id, func.count())
        .where(RoomSignOff.exam_session_id == exam_session_id)
        .group_by(RoomSignOff.exam_room_id)
    )
    return {key: n for key, n in session.execute(query)}  # noqa: C416 - rows are not pairs to the type checker


def chain_head(session: Session) -> tuple[int, str]:
    """Return number and hash of the newest audit event."""
    head = session.scalars(select(AuditHead).execution_options(populate_existing=True)).first()
    return (head.seq, head.event_hash) if head else (0, GENESIS)
