"""What a room leaves behind: evidence of incidents, misconduct cases with signatures, the sign-off, changes of a session."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exam_delivery.rules.misconduct import Breach, CaseState
from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk


class IncidentPerson(Base):
    """A candidate whom an incident concerns; only ever added."""

    __tablename__ = "incident_people"
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.incident_id"), primary_key=True)
    registration_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("registrations.registration_id"), primary_key=True, index=True
    )


class IncidentRoom(Base):
    """A room that an incident without candidates belongs to; an incident without either is the whole session's; only ever added."""

    __tablename__ = "incident_rooms"
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.incident_id"), primary_key=True)
    exam_room_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_rooms.exam_room_id"), primary_key=True, index=True)


class IncidentEvidence(Base):
    """A photo that proves an incident, re-encoded and encrypted; only ever added."""

    __tablename__ = "incident_evidence"
    incident_evidence_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.incident_id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), comment="of the re-encoded picture")
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    added_by: Mapped[uuid.UUID | None]
    added_at: Mapped[datetime]


class MisconductCase(Base):
    """违纪案: what one invigilator saw, signed by two, decided by an exam officer."""

    __tablename__ = "misconduct_cases"
    __table_args__ = (
        UniqueConstraint("organisation_id", "code"),
        CheckConstraint("(state = 'decided') = (tier IS NOT NULL)", name="decided_has_tier"),
        Index("ix_misconduct_cases_organisation_id_state", "organisation_id", "state"),
    )
    misconduct_case_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    code: Mapped[str] = mapped_column(String(20))
    exam_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_sessions.exam_session_id"), index=True)
    registration_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("registrations.registration_id"), index=True)
    exam_room_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("exam_rooms.exam_room_id"))
    incident_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("incidents.incident_id"))
    breach: Mapped[Breach]
    facts: Mapped[str] = mapped_column(Text)
    statement: Mapped[str] = mapped_column(Text, default="", comment="the candidate's own words")
    is_statement_refused: Mapped[bool] = mapped_column(default=False)
    state: Mapped[CaseState] = mapped_column(default=CaseState.PROPOSED)
    proposed_by: Mapped[uuid.UUID | None]
    proposed_by_name: Mapped[str] = mapped_column(String(100))
    proposed_at: Mapped[datetime]
    tier: Mapped[int | None]
    decided_by: Mapped[uuid.UUID | None]
    decided_by_name: Mapped[str] = mapped_column(String(100), default="")
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class MisconductSignature(Base):
    """One invigilator's signature under a case, given with the own password; only ever added."""

    __tablename__ = "misconduct_signatures"
    misconduct_case_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("misconduct_cases.misconduct_case_id"), primary_key=True
    )
    user_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_name: Mapped[str] = mapped_column(String(100))
    facts_digest: Mapped[str] = mapped_column(String(64), comment="of what was signed")
    signed_at: Mapped[datetime]


class RoomSignOff(Base):
    """One person's signature under the report of a room; two close the room; only ever added."""

    __tablename__ = "room_sign_offs"
    exam_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_sessions.exam_session_id"), primary_key=True)
    exam_room_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_rooms.exam_room_id"), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    user_name: Mapped[str] = mapped_column(String(100))
    remarks: Mapped[str] = mapped_column(String(500), default="")
    figures: Mapped[dict[str, Any]] = mapped_column(comment="counts as they stood")
    checkpoint_seq: Mapped[int] = mapped_column(BigInteger)
    checkpoint_hash: Mapped[str] = mapped_column(String(64))
    signed_at: Mapped[datetime]


class SessionChange(Base):
    """A session postponed or cancelled, with the consequences that were shown; only ever added."""

    __tablename__ = "session_changes"
    session_change_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_sessions.exam_session_id"), index=True)
    kind: Mapped[str] = mapped_column(String(20), comment="postponed or cancelled")
    reason: Mapped[str] = mapped_column(String(300))
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    changed_by: Mapped[uuid.UUID | None]
    changed_by_name: Mapped[str] = mapped_column(String(100))
    changed_at: Mapped[datetime]


for _model in (IncidentPerson, IncidentRoom, IncidentEvidence, MisconductSignature, RoomSignOff, SessionChange):
    make_append_only(_model.__table__)
