"""Attempts and answers. The answering program writes these tables with SQL of its own; names and meaning are shared here."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    Numeric,
    String,
    Text,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk

KEPT_BY_KEY = {"sqlite_with_rowid": False}
"""The row lives in its primary key: one page is written where a table with a separate index would write two."""


class AttemptStatus(enum.StrEnum):
    """Where an attempt stands."""

    WAITING = "waiting"
    IN_PROGRESS = "in_progress"
    SUBMITTED = "submitted"


class SubmitKind(enum.StrEnum):
    """Who ended an attempt."""

    CANDIDATE = "candidate"
    FORCED = "forced"
    TIMEOUT = "timeout"


class Attempt(Base):
    """作答: one candidate's sitting. Made before the doors open; a start fills in two times."""

    __tablename__ = "attempts"
    __table_args__ = (
        CheckConstraint("(status = 'waiting') = (started_at IS NULL)", name="started_unless_waiting"),
        CheckConstraint("(status = 'submitted') = (submitted_at IS NOT NULL)", name="submitted_has_time"),
        Index("ix_attempts_status_deadline_at", "status", "deadline_at"),
        {"postgresql_with": {"fillfactor": 70}},
    )
    attempt_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_sessions.exam_session_id"), index=True)
    registration_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("registrations.registration_id"), unique=True, nullable=True,
        comment="none once voided: whose it was then stands in voided_attempts, and nothing counts it any more",
    )  # fmt: skip
    form_id: Mapped[uuid.UUID]
    seed: Mapped[int] = mapped_column(BigInteger)
    layout: Mapped[dict[str, Any]] = mapped_column(comment="order of slots and of choices, replayable from the seed")
    n_slots: Mapped[int]
    status: Mapped[AttemptStatus] = mapped_column(default=AttemptStatus.WAITING)
    opens_at: Mapped[datetime]
    starts_at: Mapped[datetime]
    latest_start_at: Mapped[datetime]
    duration_seconds: Mapped[int]
    ends_at: Mapped[datetime]
    earliest_submit_seconds: Mapped[int] = mapped_column(default=0)
    grace_seconds: Mapped[int] = mapped_column(
        default=3, comment="how much later than the deadline an answer still counts"
    )
    started_at: Mapped[datetime | None]
    deadline_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    submit_kind: Mapped[SubmitKind | None]
    receipt: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    holder_generation: Mapped[int] = mapped_column(default=0)
    signed_in_at: Mapped[datetime | None]
    last_contact_at: Mapped[datetime | None]
    n_answered: Mapped[int] = mapped_column(default=0)
    device: Mapped[str] = mapped_column(String(200), default="")
    paused_at: Mapped[datetime | None] = mapped_column(comment="the clock stands still since then")
    locked_at: Mapped[datetime | None] = mapped_column(comment="read-only since then; the clock goes on")
    hold_reason: Mapped[str] = mapped_column(
        String(200), default="", server_default="", comment="what the candidate reads meanwhile"
    )


class ContactGap(Base):
    """A span in which the page of a working candidate made no contact; only ever added."""

    __tablename__ = "contact_gaps"
    __table_args__ = KEPT_BY_KEY
    attempt_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("attempts.attempt_id"), primary_key=True)
    started_at: Mapped[datetime] = mapped_column(primary_key=True)
    ended_at: Mapped[datetime]


class RenderedForm(Base):
    """The form exactly as one candidate gets it, gzip-compressed JSON, without any key."""

    __tablename__ = "rendered_forms"
    attempt_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("attempts.attempt_id"), primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[str] = mapped_column(String(64))


class ResponseEvent(Base):
    """One change of one answer, exactly as it arrived; only ever added."""

    __tablename__ = "response_events"
    __table_args__ = (
        Index(
            "ix_response_events_late", "attempt_id", sqlite_where=text("is_late = 1"), postgresql_where=text("is_late")
        ),
        KEPT_BY_KEY,
    )
    attempt_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("attempts.attempt_id"), primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    response: Mapped[str] = mapped_column(Text, comment="JSON as sent")
    client_time: Mapped[str] = mapped_column(String(40), default="")
    received_at: Mapped[datetime]
    generation: Mapped[int] = mapped_column(default=0)
    is_late: Mapped[bool] = mapped_column(default=False)


class ResponseState(Base):
    """The newest answer in time of each slot."""

    __tablename__ = "response_states"
    __table_args__ = KEPT_BY_KEY | {"postgresql_with": {"fillfactor": 70}}
    attempt_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("attempts.attempt_id"), primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    response: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime]


class DeadlineChange(Base):
    """A recorded extension: never shortens; only ever added."""

    __tablename__ = "deadline_changes"
    __table_args__ = (CheckConstraint("minutes > 0", name="never_shortens"),)
    deadline_change_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    attempt_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("attempts.attempt_id"), index=True)
    minutes: Mapped[Decimal] = mapped_column(Numeric(6, 2))
    is_pause: Mapped[bool] = mapped_column(default=False, server_default=false())
    reason: Mapped[str] = mapped_column(String(300))
    changed_by: Mapped[uuid.UUID | None]
    changed_at: Mapped[datetime]


class Incident(Base):
    """异常情况: something that happened in a session, noted by a person or by the system; only ever added."""

    __tablename__ = "incidents"
    incident_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_sessions.exam_session_id"), index=True)
    attempt_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("attempts.attempt_id"))
    kind: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(String(500))
    happened_at: Mapped[datetime | None] = mapped_column(comment="when it is not the time of the note")
    noted_by: Mapped[uuid.UUID | None]
    noted_at: Mapped[datetime]


class SignInTry(Base):
    """A failed candidate sign-in, kept to throttle guessing by admission number and by address."""

    __tablename__ = "sign_in_tries"
    __table_args__ = (Index("ix_sign_in_tries_subject_tried_at", "subject", "tried_at"),)
    sign_in_try_id: Mapped[UuidPk]
    subject: Mapped[str] = mapped_column(String(120))
    tried_at: Mapped[datetime]


APPEND_ONLY = (ResponseEvent, DeadlineChange, Incident, ContactGap)
for _model in APPEND_ONLY:
    make_append_only(_model.__table__)

__all__ = [
    "APPEND_ONLY",
    "Attempt",
    "AttemptStatus",
    "ContactGap",
    "DeadlineChange",
    "Incident",
    "RenderedForm",
    "ResponseEvent",
    "ResponseState",
    "SignInTry",
    "SubmitKind",
]
