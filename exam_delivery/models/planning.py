"""Batches, sessions, rooms, candidates and who sits where."""

from __future__ import annotations

import enum
import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    Numeric,
    String,
    UniqueConstraint,
    false,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from exam_delivery.rules.states import SessionStatus
from kernel.db import Base, UuidPk


class BatchStatus(enum.StrEnum):
    """Where a batch of examinations stands."""

    PLANNED = "planned"
    CLOSED = "closed"


class RegistrationStatus(enum.StrEnum):
    """Whether a candidate's result counts."""

    ADMITTED = "admitted"
    ABSENT = "absent"
    VOID = "void"


class ExamBatch(Base):
    """批次: the candidates of one occupation and level who are certified together."""

    __tablename__ = "exam_batches"
    __table_args__ = (UniqueConstraint("organisation_id", "code"),)
    exam_batch_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_plan_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("exam_plans.exam_plan_id"), index=True, comment="the plan that it carries out"
    )
    code: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(200))
    standard_level_id: Mapped[uuid.UUID]
    occupation_code: Mapped[str] = mapped_column(String(20))
    occupation_name: Mapped[str] = mapped_column(String(100))
    level_code: Mapped[str] = mapped_column(String(20))
    level_name: Mapped[str] = mapped_column(String(60))
    status: Mapped[BatchStatus] = mapped_column(default=BatchStatus.PLANNED)
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class ExamRoom(Base):
    """考场 at a site, with its number of seats."""

    __tablename__ = "exam_rooms"
    __table_args__ = (
        UniqueConstraint("organisation_id", "site", "name"),
        CheckConstraint("capacity > 0", name="capacity_positive"),
    )
    exam_room_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    site: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(60))
    capacity: Mapped[int]
    is_active: Mapped[bool] = mapped_column(default=True)
    is_separate: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="for candidates who sit apart"
    )


class ExamSession(Base):
    """场次: one sitting of a batch, with its clock and its rules."""

    __tablename__ = "exam_sessions"
    __table_args__ = (
        CheckConstraint("duration_seconds > 0", name="duration_positive"),
        CheckConstraint("starts_at < ends_at", name="starts_before_end"),
        Index("ix_exam_sessions_organisation_id_starts_at", "organisation_id", "starts_at"),
    )
    exam_session_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_batches.exam_batch_id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    form_ids: Mapped[list[Any]]
    form_set_id: Mapped[uuid.UUID | None] = mapped_column(
        comment="the set whose forms these are: every candidate gets a form of their own"
    )
    standby_form_ids: Mapped[list[Any]] = mapped_column(
        default=list, server_default=text("'[]'"), comment="in reserve: given only by a switch of two persons"
    )
    opens_at: Mapped[datetime] = mapped_column(comment="sign-in is possible from here on")
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime] = mapped_column(comment="nobody without a recorded extension answers after this")
    duration_seconds: Mapped[int]
    late_cutoff_minutes: Mapped[int]
    earliest_submit_minutes: Mapped[int]
    leave_limit: Mapped[int]
    checks_in_first: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="nobody signs in whose identity was not checked at the door"
    )
    door_photo: Mapped[str] = mapped_column(
        String(8), default="off", server_default="off", comment="a photo at the door: off, optional or required"
    )
    per_page: Mapped[str] = mapped_column(String(8), default="one")
    shuffle_items: Mapped[bool] = mapped_column(default=True)
    shuffle_choices: Mapped[bool] = mapped_column(default=True)
    tools: Mapped[list[Any]] = mapped_column(
        default=list, server_default=text("'[]'"), comment="what the exam page offers: calculator, scratch pad"
    )
    seat_seed: Mapped[int | None]
    seat_salt: Mapped[str] = mapped_column(String(32), default="", server_default="")
    seat_digest: Mapped[str] = mapped_column(
        String(64), default="", server_default="", comment="proves the draw: seed, salt and seats"
    )
    seats_sealed_until: Mapped[datetime | None] = mapped_column(comment="nobody is told who sits where before")
    cancelled_at: Mapped[datetime | None] = mapped_column(comment="nobody sits it any more")
    status: Mapped[SessionStatus] = mapped_column(default=SessionStatus.PLANNED)
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class SessionRoom(Base):
    """A room used by a session, with its invigilators (user ids as text)."""

    __tablename__ = "session_rooms"
    exam_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_sessions.exam_session_id"), primary_key=True)
    exam_room_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_rooms.exam_room_id"), primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    invigilator_ids: Mapped[list[Any]]


class Candidate(Base):
    """考生: a person, known by an encrypted identity number and its keyed index."""

    __tablename__ = "candidates"
    __table_args__ = (UniqueConstraint("organisation_id", "id_number_index"),)
    candidate_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    name: Mapped[str] = mapped_column(String(60))
    id_kind: Mapped[str] = mapped_column(String(40))
    id_number_ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    id_number_index: Mapped[str] = mapped_column(String(64))
    id_number_mask: Mapped[str] = mapped_column(String(40))
    sex: Mapped[str] = mapped_column(String(8), default="")
    birth_date: Mapped[date | None]
    phone: Mapped[str] = mapped_column(String(30), default="")
    employer: Mapped[str] = mapped_column(String(200), default="")
    photo_digest: Mapped[str | None] = mapped_column(String(64))
    extra: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class Registration(Base):
    """报名: a candidate in a batch and session, with admission number, room and seat."""

    __tablename__ = "registrations"
    __table_args__ = (
        UniqueConstraint("exam_batch_id", "candidate_id"),
        UniqueConstraint("exam_session_id", "exam_room_id", "seat_number"),
        CheckConstraint("time_factor >= 1", name="time_factor_never_shortens"),
    )
    registration_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_batches.exam_batch_id"))
    exam_session_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("exam_sessions.exam_session_id"), index=True)
    candidate_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("candidates.candidate_id"), index=True)
    admission_number: Mapped[str | None] = mapped_column(String(40), unique=True)
    sign_in_index: Mapped[str | None] = mapped_column(
        String(64), comment="blind index of admission number and identity number"
    )
    exam_room_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("exam_rooms.exam_room_id"))
    seat_number: Mapped[int | None]
    time_factor: Mapped[Decimal] = mapped_column(Numeric(4, 2), default=Decimal(1))
    status: Mapped[RegistrationStatus] = mapped_column(default=RegistrationStatus.ADMITTED)
    created_at: Mapped[datetime]
    created_by: Mapped[uuid.UUID | None]
    void_reason: Mapped[str] = mapped_column(String(300), default="")
    takes_theory: Mapped[bool] = mapped_column(
        default=True, server_default=true(), comment="false for a resit of other parts alone: no session, no seat"
    )
    checked_in_at: Mapped[datetime | None] = mapped_column(comment="identity checked at the door")
    refused_at: Mapped[datetime | None] = mapped_column(comment="turned away at the door; cannot sign in")


class CandidatePhoto(Base):
    """A candidate's photo, encrypted like the number."""

    __tablename__ = "candidate_photos"
    candidate_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("candidates.candidate_id"), primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)


class RosterUploadStatus(enum.StrEnum):
    """Where an uploaded roster stands."""

    PREVIEWED = "previewed"
    IMPORTED = "imported"
    DISCARDED = "discarded"


class RosterUpload(Base):
    """An uploaded roster between preview and import; the file is encrypted and leaves with the decision."""

    __tablename__ = "roster_uploads"
    roster_upload_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_batches.exam_batch_id"), index=True)
    exam_session_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("exam_sessions.exam_session_id"))
    file_name: Mapped[str] = mapped_column(String(200))
    ciphertext: Mapped[bytes | None] = mapped_column(LargeBinary)
    status: Mapped[RosterUploadStatus] = mapped_column(default=RosterUploadStatus.PREVIEWED)
    n_rows: Mapped[int]
    n_imported: Mapped[int] = mapped_column(default=0)
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]


class ExamDocument(Base):
    """A printed document made by a job: admission tickets, door lists, sign-in sheets; encrypted at rest."""

    __tablename__ = "exam_documents"
    exam_document_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_sessions.exam_session_id"), index=True)
    kind: Mapped[str] = mapped_column(String(30))
    file_name: Mapped[str] = mapped_column(String(200))
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    n_people: Mapped[int]
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]
