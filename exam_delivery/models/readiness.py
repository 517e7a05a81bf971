"""What was found before a session: checks of seats, simulated load, and who opened it although something was missing."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, UuidPk


class RoomCheckCode(Base):
    """The code by which a technician opens the check page of a room, without an account."""

    __tablename__ = "room_check_codes"
    exam_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_sessions.exam_session_id"), primary_key=True)
    exam_room_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_rooms.exam_room_id"), primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    code: Mapped[str] = mapped_column(String(20), unique=True)
    created_at: Mapped[datetime]


class SeatCheck(Base):
    """The newest check of one seat: what the browser there measured and what that means."""

    __tablename__ = "seat_checks"
    exam_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_sessions.exam_session_id"), primary_key=True)
    exam_room_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_rooms.exam_room_id"), primary_key=True)
    seat_number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    figures: Mapped[dict[str, Any]]
    findings: Mapped[list[Any]] = mapped_column(comment="codes of what was found, those that block first")
    is_ready: Mapped[bool]
    device: Mapped[str] = mapped_column(String(200), default="")
    n_checks: Mapped[int] = mapped_column(default=1)
    checked_at: Mapped[datetime]


class LoadTrial(Base):
    """A simulated run of as many candidates as a session expects, on made-up candidates of its own."""

    __tablename__ = "load_trials"
    __table_args__ = (Index("ix_load_trials_exam_session_id", "exam_session_id"),)
    load_trial_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_sessions.exam_session_id"))
    job_id: Mapped[uuid.UUID | None]
    n_candidates: Mapped[int]
    figures: Mapped[dict[str, Any]] = mapped_column(comment="empty until the run is over")
    is_ready: Mapped[bool | None]
    requested_by: Mapped[uuid.UUID | None]
    requested_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class ReadinessOverride(Base):
    """Somebody opened a session although the gate was not green, and said why."""

    __tablename__ = "readiness_overrides"
    __table_args__ = (Index("ix_readiness_overrides_exam_session_id", "exam_session_id"),)
    readiness_override_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_sessions.exam_session_id"))
    blockers: Mapped[list[Any]]
    reason: Mapped[str] = mapped_column(String(300))
    made_by: Mapped[uuid.UUID | None]
    made_by_name: Mapped[str] = mapped_column(String(100))
    made_at: Mapped[datetime]
