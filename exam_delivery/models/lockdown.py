"""Which browser a session needs, its settings file, and who may sit without it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from exam_delivery.rules.lockdown import ExemptionReason, ExemptionState, LockdownMode
from kernel.db import Base, UuidPk


class SessionLockdown(Base):
    """The lockdown of one session. The file stays as it was written, because its key is what requests are checked against."""

    __tablename__ = "session_lockdowns"
    exam_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_sessions.exam_session_id"), primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    mode: Mapped[LockdownMode] = mapped_column(default=LockdownMode.NONE)
    base_url: Mapped[str] = mapped_column(String(200), comment="scheme and host by which candidates reach the site")
    options: Mapped[dict[str, Any]] = mapped_column(comment="what the officer chose, without passwords")
    config_key: Mapped[str] = mapped_column(String(64))
    exam_keys: Mapped[list[Any]] = mapped_column(comment="Browser Exam Keys, one of which is needed; empty: none")
    launch_code: Mapped[str] = mapped_column(String(40), unique=True, comment="names the file without a sign-in")
    settings_file: Mapped[bytes] = mapped_column(LargeBinary)
    is_sealed: Mapped[bool] = mapped_column(default=False, comment="the file is encrypted with a password")
    changed_by: Mapped[uuid.UUID | None]
    changed_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class LockdownExemption(Base):
    """One candidate, or one room, that may sit without the lockdown: proposed by one person, approved by another."""

    __tablename__ = "lockdown_exemptions"
    __table_args__ = (
        CheckConstraint("(registration_id IS NULL) <> (exam_room_id IS NULL)", name="person_or_room"),
        CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name="decided_has_time"),
        Index("ix_lockdown_exemptions_exam_session_id_state", "exam_session_id", "state"),
    )
    lockdown_exemption_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_sessions.exam_session_id"))
    registration_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("registrations.registration_id"))
    exam_room_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("exam_rooms.exam_room_id"))
    reason: Mapped[ExemptionReason]
    note: Mapped[str] = mapped_column(String(300), default="")
    state: Mapped[ExemptionState] = mapped_column(default=ExemptionState.PROPOSED)
    proposed_by: Mapped[uuid.UUID | None]
    proposed_by_name: Mapped[str] = mapped_column(String(100))
    proposed_at: Mapped[datetime]
    decided_by: Mapped[uuid.UUID | None]
    decided_by_name: Mapped[str] = mapped_column(String(100), default="")
    decided_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}
