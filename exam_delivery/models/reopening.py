"""Attempts opened again after their session was closed: proposed with a reason, carried out by the same or another person."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from exam_delivery.rules.reopening import ReopeningState
from kernel.db import Base, UuidPk


class SessionReopening(Base):
    """重新开放作答: one session, one room or one candidate may go on for some minutes after the session was closed."""

    __tablename__ = "session_reopenings"
    __table_args__ = (
        CheckConstraint("registration_id IS NULL OR exam_room_id IS NULL", name="at_most_one_scope"),
        CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name="decided_has_time"),
        CheckConstraint("minutes > 0", name="minutes_positive"),
        Index("ix_session_reopenings_exam_session_id", "exam_session_id"),
    )
    session_reopening_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_sessions.exam_session_id"))
    exam_room_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("exam_rooms.exam_room_id"))
    registration_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("registrations.registration_id"))
    minutes: Mapped[int]
    reason: Mapped[str] = mapped_column(String(20), comment="a reason code of acts in a room")
    note: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[ReopeningState] = mapped_column(default=ReopeningState.PROPOSED)
    n_reopened: Mapped[int] = mapped_column(default=0)
    n_marked: Mapped[int] = mapped_column(default=0, comment="left closed, because a person has marked their answers")
    proposed_by: Mapped[uuid.UUID | None]
    proposed_by_name: Mapped[str] = mapped_column(String(100))
    proposed_at: Mapped[datetime]
    decided_by: Mapped[uuid.UUID | None]
    decided_by_name: Mapped[str] = mapped_column(String(100), default="")
    decided_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}
