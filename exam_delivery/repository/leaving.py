"""How often candidates left the exam page, and for how long."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from exam_delivery.models import Attempt, LeaveEvent
from exam_delivery.rules.leaving import RETURNED

N_LEAVES = func.sum(case((LeaveEvent.kind != RETURNED, 1), else_=0))
SECONDS = func.sum(LeaveEvent.seconds)


def leaves_of_session(session: Session, exam_session_id: uuid.UUID) -> dict[uuid.UUID, tuple[int, int]]:
    """Return number and seconds of absences of everybody in a session who left the page."""
    query = (
        select(LeaveEvent.attempt_id, N_LEAVES, SECONDS)
        .join(Attempt, Attempt.attempt_id == LeaveEvent.attempt_id)
        .where(Attempt.exam_session_id == exam_session_id)
        .group_by(LeaveEvent.attempt_id)
    )
    return {key: (int(n), int(seconds)) for key, n, seconds in session.execute(query)}


def leaves_of_attempt(session: Session, attempt_id: uuid.UUID) -> tuple[int, int]:
    """Return number and seconds of one candidate's absences."""
    query: Any = select(N_LEAVES, SECONDS).where(LeaveEvent.attempt_id == attempt_id)
    n, seconds = session.execute(query).one()
    return int(n or 0), int(seconds or 0)
