"""When what stands on the printed documents of a session was last changed."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kernel.audit.models import AuditEvent

CHANGES = ("arrange", "assign", "edit", "postponed")
"""Acts on a session that change times, numbers, seats or who is on the list."""


def last_change(session: Session, exam_session_id: uuid.UUID) -> datetime | None:
    """Return the last moment at which times, seats or people of a session were changed."""
    query = select(func.max(AuditEvent.at)).where(
        AuditEvent.object_type == "exam_session",
        AuditEvent.object_id == str(exam_session_id),
        AuditEvent.act.in_([f"exam_session.{change}" for change in CHANGES]),
    )
    return session.scalar(query)
