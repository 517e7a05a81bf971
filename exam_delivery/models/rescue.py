"""Rescue files: answers carried by hand from a computer that lost the server."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exam_delivery.rules.rescue import RescueState
from kernel.db import Base, UuidPk


class RescueFile(Base):
    """One uploaded file of one attempt, kept exactly as it came: sealed; nothing in it is ever lost."""

    __tablename__ = "rescue_files"
    __table_args__ = (
        UniqueConstraint("attempt_id", "digest"),
        CheckConstraint("(state = 'uploaded') = (imported_at IS NULL)", name="imported_has_time"),
        Index("ix_rescue_files_exam_session_id_state", "exam_session_id", "state"),
    )
    rescue_file_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_sessions.exam_session_id"))
    attempt_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("attempts.attempt_id"))
    digest: Mapped[str] = mapped_column(String(64), comment="SHA-256 of the file as it came")
    body: Mapped[bytes] = mapped_column(LargeBinary)
    generation: Mapped[int]
    made_at: Mapped[str] = mapped_column(String(40), comment="server clock as the page carried it")
    n_events: Mapped[int]
    state: Mapped[RescueState] = mapped_column(default=RescueState.UPLOADED)
    outcome: Mapped[dict[str, Any]] = mapped_column(comment="number of answers by verdict when it was imported")
    uploaded_by: Mapped[uuid.UUID | None]
    uploaded_at: Mapped[datetime]
    imported_by: Mapped[uuid.UUID | None]
    imported_at: Mapped[datetime | None]
    decided_by: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str] = mapped_column(Text, default="")
