"""Applications for 特级技师 and 首席技师: the applicant, materials, the panel's votes, objections, appointment and history."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from certification.models.decisions import ObjectionStatus
from certification.rules.seniors import SeniorAct, SeniorState
from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk

APPLICATION = "senior_applications.senior_application_id"


class SeniorApplication(Base):
    """申报: one person who applies for one of the levels above 高级技师, and what became of it."""

    __tablename__ = "senior_applications"
    __table_args__ = (
        UniqueConstraint("organisation_id", "number"),
        Index("ix_senior_applications_organisation_id_state", "organisation_id", "state"),
        Index("ix_senior_applications_organisation_id_id_number_index", "organisation_id", "id_number_index"),
        CheckConstraint("(appointed_from IS NULL) = (appointed_until IS NULL)", name="term"),
        CheckConstraint("appointed_until >= appointed_from", name="term_order"),
    )
    senior_application_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    number: Mapped[str] = mapped_column(String(40))
    state: Mapped[SeniorState] = mapped_column(default=SeniorState.DRAFT)
    level_code: Mapped[str] = mapped_column(String(12))
    level_name: Mapped[str] = mapped_column(String(60))
    occupation_code: Mapped[str] = mapped_column(String(32))
    occupation_name: Mapped[str] = mapped_column(String(100))
    trade_name: Mapped[str] = mapped_column(String(100), default="")
    name: Mapped[str] = mapped_column(String(100))
    id_kind: Mapped[str] = mapped_column(String(32))
    id_number_ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    id_number_index: Mapped[str] = mapped_column(String(64))
    id_number_mask: Mapped[str] = mapped_column(String(40))
    sex: Mapped[str] = mapped_column(String(10), default="")
    birth_date: Mapped[date | None]
    phone: Mapped[str] = mapped_column(String(32), default="")
    employer: Mapped[str] = mapped_column(String(200))
    position: Mapped[str] = mapped_column(String(100), default="")
    current_level: Mapped[str] = mapped_column(String(12), comment="code of the level held now")
    current_since: Mapped[date]
    current_certificate: Mapped[str] = mapped_column(String(40), default="")
    years_in_occupation: Mapped[int]
    joined_on: Mapped[date | None]
    achievements: Mapped[str] = mapped_column(String(4000))
    publicity_starts_on: Mapped[date | None]
    publicity_ends_on: Mapped[date | None]
    publicity_is_certain: Mapped[bool] = mapped_column(default=True)
    publicity_contact: Mapped[str] = mapped_column(String(200), default="")
    appointed_from: Mapped[date | None]
    appointed_until: Mapped[date | None]
    appointment_number: Mapped[str] = mapped_column(String(80), default="")
    certification_batch_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("certification_batches.certification_batch_id"), comment="the batch that issues the certificate"
    )
    created_by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class SeniorMaterial(Base):
    """申报材料: a file of an application, encrypted."""

    __tablename__ = "senior_materials"
    senior_material_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    senior_application_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(APPLICATION), index=True)
    title: Mapped[str] = mapped_column(String(200))
    file_name: Mapped[str] = mapped_column(String(200))
    file_kind: Mapped[str] = mapped_column(String(10))
    file_digest: Mapped[str] = mapped_column(String(64))
    file_ciphertext: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    added_by: Mapped[str] = mapped_column(String(100))
    added_at: Mapped[datetime]


class SeniorPanelMember(Base):
    """评委: one member of the panel of an application, with the vote and score once given."""

    __tablename__ = "senior_panel_members"
    __table_args__ = (
        UniqueConstraint("senior_application_id", "user_id"),
        CheckConstraint("(vote IS NULL) = (voted_at IS NULL)", name="vote_has_time"),
        CheckConstraint("score BETWEEN 0 AND 100", name="score_range"),
    )
    senior_panel_member_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    senior_application_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(APPLICATION))
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.user_id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    vote: Mapped[bool | None]
    score: Mapped[Decimal | None]
    comment: Mapped[str] = mapped_column(String(500), default="")
    voted_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class SeniorObjection(Base):
    """An objection that was raised while an application was public, and how it ended."""

    __tablename__ = "senior_objections"
    senior_objection_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    senior_application_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(APPLICATION), index=True)
    raised_on: Mapped[date]
    raised_by: Mapped[str] = mapped_column(String(100))
    content: Mapped[str] = mapped_column(String(1000))
    status: Mapped[ObjectionStatus] = mapped_column(default=ObjectionStatus.OPEN)
    answer: Mapped[str] = mapped_column(String(1000), default="")
    noted_by: Mapped[str] = mapped_column(String(100))
    noted_at: Mapped[datetime]
    settled_by: Mapped[str] = mapped_column(String(100), default="")
    settled_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class SeniorEvent(Base):
    """One act in the history of an application, with the facts and the rule that held."""

    __tablename__ = "senior_events"
    senior_event_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    senior_application_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(APPLICATION), index=True)
    act: Mapped[SeniorAct]
    facts: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(String(300), default="")
    actor_name: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime]


make_append_only(SeniorEvent.__table__)
