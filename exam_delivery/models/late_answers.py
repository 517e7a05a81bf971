"""What people decided about answers that reached the server after the end."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from exam_delivery.rules.late_answers import LateState
from kernel.db import Base, JsonValue, UuidPk

WAITS = text("state = 'proposed'")


class LateDecision(Base):
    """A proposal about late answers of one attempt: made by one person, confirmed or declined by another; at most one waits."""

    __tablename__ = "late_decisions"
    __table_args__ = (
        CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name="decided_has_time"),
        CheckConstraint("decided_by IS NULL OR decided_by <> proposed_by", name="two_people"),
        Index("ux_late_decisions_waiting", "attempt_id", unique=True, sqlite_where=WAITS, postgresql_where=WAITS),
        Index("ix_late_decisions_attempt_id", "attempt_id"),
    )
    late_decision_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_sessions.exam_session_id"))
    attempt_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("attempts.attempt_id"))
    answers: Mapped[list[list[int]]] = mapped_column(JsonValue, comment="slot and sequence number of each answer")
    does_count: Mapped[bool]
    reason_code: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(300))
    state: Mapped[LateState] = mapped_column(default=LateState.PROPOSED)
    proposed_by: Mapped[uuid.UUID]
    proposed_at: Mapped[datetime]
    decided_by: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str] = mapped_column(Text, default="")
