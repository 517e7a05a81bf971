"""Batches of results, what was delivered, the people in them, and the steps a batch has taken."""

from __future__ import annotations

import enum
import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from certification.rules.batch_states import BatchState
from certification.rules.pass_decision import PassOutcome
from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk, named_enum


class DeliveryStatus(enum.StrEnum):
    """What became of a delivered package."""

    ACCEPTED = "accepted"
    OPEN = "open"
    APPLIED = "applied"
    DISMISSED = "dismissed"


class CertificationBatch(Base):
    """The released results of one examination batch on their way to certificates."""

    __tablename__ = "certification_batches"
    __table_args__ = (
        UniqueConstraint("organisation_id", "source_batch_id"),
        Index("ix_certification_batches_organisation_id_state", "organisation_id", "state"),
        CheckConstraint("n_registered >= 0", name="n_registered"),
    )
    certification_batch_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    source_batch_id: Mapped[uuid.UUID] = mapped_column(comment="the batch of exam delivery")
    code: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(200))
    standard_level_id: Mapped[uuid.UUID]
    occupation_code: Mapped[str] = mapped_column(String(32))
    occupation_name: Mapped[str] = mapped_column(String(100))
    trade_name: Mapped[str] = mapped_column(String(100), default="")
    level_code: Mapped[str] = mapped_column(String(32))
    level_name: Mapped[str] = mapped_column(String(60))
    own_level_code: Mapped[str] = mapped_column(String(32), default="", server_default="", comment="of the enterprise")
    own_level_name: Mapped[str] = mapped_column(String(60), default="", server_default="")
    n_registered: Mapped[int]
    state: Mapped[BatchState] = mapped_column(default=BatchState.RECEIVED)
    state_since: Mapped[datetime]
    plan_filed_on: Mapped[date | None]
    evaluation_starts_on: Mapped[date | None]
    received_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class ResultDelivery(Base):
    """One package as it arrived; the first one of a batch makes it, a later one is a correction to decide about."""

    __tablename__ = "result_deliveries"
    result_delivery_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    certification_batch_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("certification_batches.certification_batch_id"), index=True
    )
    release_id: Mapped[uuid.UUID] = mapped_column(unique=True)
    package_digest: Mapped[str] = mapped_column(String(64))
    is_correction: Mapped[bool]
    status: Mapped[DeliveryStatus]
    differences: Mapped[list[Any]] = mapped_column(comment="[result key, field, before, after]; no personal data")
    package_ciphertext: Mapped[bytes | None] = mapped_column(LargeBinary, comment="the results of an open correction")
    received_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str] = mapped_column(String(100), default="")
    reason: Mapped[str] = mapped_column(String(300), default="")


class ResultRecord(Base):
    """One registered candidate of a batch: the person as the roster reports it, and the outcome that holds now."""

    __tablename__ = "result_records"
    __table_args__ = (
        UniqueConstraint("certification_batch_id", "candidate_id"),
        UniqueConstraint("certification_batch_id", "admission_number"),
        Index("ix_result_records_organisation_id_id_number_index", "organisation_id", "id_number_index"),
    )
    result_record_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    certification_batch_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("certification_batches.certification_batch_id"), index=True
    )
    candidate_id: Mapped[uuid.UUID]
    attempt_id: Mapped[uuid.UUID | None]
    admission_number: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(100))
    id_kind: Mapped[str] = mapped_column(String(32))
    id_number_ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    id_number_index: Mapped[str] = mapped_column(String(64))
    id_number_mask: Mapped[str] = mapped_column(String(40))
    sex: Mapped[str] = mapped_column(String(10), default="")
    birth_date: Mapped[date | None]
    phone: Mapped[str] = mapped_column(String(32), default="")
    email: Mapped[str] = mapped_column(String(120), default="")
    employer: Mapped[str] = mapped_column(String(200), default="")
    is_own_employee: Mapped[bool | None]
    years_in_occupation: Mapped[str] = mapped_column(String(40), default="")
    position: Mapped[str] = mapped_column(String(100), default="")
    joined_on: Mapped[date | None]
    photo_ciphertext: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    has_photo: Mapped[bool] = mapped_column(default=False)
    outcome: Mapped[PassOutcome] = mapped_column(default=PassOutcome.PENDING)
    erased_at: Mapped[datetime | None] = mapped_column(comment="when what names the person was erased by rule")
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class BatchStep(Base):
    """A step of a batch: from which state to which, by whom, when and why."""

    __tablename__ = "batch_steps"
    __table_args__ = (UniqueConstraint("certification_batch_id", "number"),)
    batch_step_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    certification_batch_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("certification_batches.certification_batch_id"), index=True
    )
    number: Mapped[int]
    before: Mapped[BatchState | None]
    after: Mapped[BatchState] = mapped_column(named_enum(BatchState, "batchstate_after"))
    actor_id: Mapped[uuid.UUID | None]
    actor_name: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(String(300), default="")
    at: Mapped[datetime]


class FiledScope(Base):
    """An occupation, trade and level that an organisation has filed with its authority."""

    __tablename__ = "filed_scopes"
    __table_args__ = (UniqueConstraint("organisation_id", "occupation_code", "trade_name", "level_code"),)
    filed_scope_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    occupation_code: Mapped[str] = mapped_column(String(32))
    occupation_name: Mapped[str] = mapped_column(String(100))
    trade_name: Mapped[str] = mapped_column(String(100), default="")
    level_code: Mapped[str] = mapped_column(String(32))
    filed_on: Mapped[date]
    filing_number: Mapped[str] = mapped_column(String(80), default="")


make_append_only(BatchStep.__table__)

__all__ = ["BatchStep", "CertificationBatch", "DeliveryStatus", "FiledScope", "ResultDelivery", "ResultRecord"]
