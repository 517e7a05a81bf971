"""How often candidates left the exam page, and for how long."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from exam_delivery.models import Attempt, LeaveEvent
from exam_delivery.rules.leaving import RETURNED

N_LEAVES = func.sum(case((LeaveEvent.kind != RETURNED, 1), else_=0))
SECONDS = func.sum(LeaveEvent.seconds)
LAST_LEFT = func.max(case((LeaveEvent.kind != RETURNED, LeaveEvent.seq), else_=-1))
LAST_BACK = func.max(case((LeaveEvent.kind == RETURNED, LeaveEvent.seq), else_=-1))


@dataclass(frozen=True, slots=True)
class Leaves:
    """How often and how long somebody was away from the exam page, and whether they are now."""

    n: int = 0
    seconds: int = 0
    is_away: bool = False


def leaves_of_session(session: Session, exam_session_id: uuid.UUID) -> dict[uuid.UUID, Leaves]:
    """Return the absences of everybody in a session who left the page."""
    query = (
        select(LeaveEvent.attempt_id, N_LEAVES, SECONDS, LAST_LEFT, LAST_BACK)
        .join(Attempt, Attempt.attempt_id == LeaveEvent.attempt_id)
        .where(Attempt.exam_session_id == exam_session_id)
        .group_by(LeaveEvent.attempt_id)
    )
    return {key: Leaves(int(n), int(seconds), left > back) for key, n, seconds, left, back in session.execute(query)}


def leaves_of_attempt(session: Session, attempt_id: uuid.UUID) -> Leaves:
    """Return one candidate's absences."""
    query: Any = select(N_LEAVES, SECONDS, LAST_LEFT, LAST_BACK).where(LeaveEvent.attempt_id == attempt_id)
    n, seconds, left, back = session.execute(query).one()
    return Leaves(int(n), int(seconds), left > back) if n is not None else Leaves()
