"""The photo of a candidate that was taken at the door."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base


class DoorPhoto(Base):
    """One for each candidate of a session, re-encoded and encrypted; taking it again replaces it, and the audit keeps that."""

    __tablename__ = "door_photos"
    __table_args__ = (Index("ix_door_photos_exam_session_id", "exam_session_id"),)
    registration_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("registrations.registration_id"), primary_key=True)
    exam_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_sessions.exam_session_id"), primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    digest: Mapped[str] = mapped_column(String(64), comment="of the re-encoded picture")
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    taken_by: Mapped[uuid.UUID | None]
    taken_by_name: Mapped[str] = mapped_column(String(100))
    taken_at: Mapped[datetime]
