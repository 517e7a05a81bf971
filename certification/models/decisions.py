"""Scores of the components, decisions about candidates, publicity, and rosters sent for review."""

from __future__ import annotations

import enum
import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from certification.rules.pass_decision import AssessmentMode, PassOutcome, ResultState
from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk


class ScoreOrigin(enum.StrEnum):
    """Where the score of a component comes from."""

    DELIVERY = "delivery"
    CORRECTION = "correction"
    TYPED = "typed"
    IMPORTED = "imported"
    PANEL = "panel"
    PROOF = "proof"


class ObjectionStatus(enum.StrEnum):
    """Where an objection stands."""

    OPEN = "open"
    UPHELD = "upheld"
    REJECTED = "rejected"


class RosterStatus(enum.StrEnum):
    """What became of a roster that was sent."""

    SUBMITTED = "submitted"
    RETURNED = "returned"
    APPROVED = "approved"


class ComponentScore(Base):
    """One version of one component's result; the highest number holds."""

    __tablename__ = "component_scores"
    __table_args__ = (
        UniqueConstraint("result_record_id", "mode", "number"),
        CheckConstraint("(state = 'scored') = (score IS NOT NULL)", name="score_stands"),
    )
    component_score_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    certification_batch_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("certification_batches.certification_batch_id"), index=True
    )
    result_record_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("result_records.result_record_id"))
    mode: Mapped[AssessmentMode]
    number: Mapped[int]
    state: Mapped[ResultState]
    score: Mapped[Decimal | None]
    origin: Mapped[ScoreOrigin]
    entered_by: Mapped[str] = mapped_column(String(100))
    entered_at: Mapped[datetime]
    score_delivery_id: Mapped[uuid.UUID | None] = mapped_column(comment="the delivery from outside that brought it")


class PassDecisionRecord(Base):
    """One decision about one candidate with its reasons and the rule it followed; the highest number holds."""

    __tablename__ = "pass_decisions"
    __table_args__ = (UniqueConstraint("result_record_id", "number"),)
    pass_decision_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    certification_batch_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("certification_batches.certification_batch_id"), index=True
    )
    result_record_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("result_records.result_record_id"))
    number: Mapped[int]
    outcome: Mapped[PassOutcome]
    reasons: Mapped[list[Any]] = mapped_column(comment="[mode, code, message, values]")
    rule: Mapped[dict[str, Any]] = mapped_column(comment="the part of the rule profile that was applied")
    decided_by: Mapped[str] = mapped_column(String(100))
    decided_at: Mapped[datetime]


class Publicity(Base):
    """A period in which the results of a batch are shown; the latest holds."""

    __tablename__ = "publicities"
    __table_args__ = (UniqueConstraint("certification_batch_id", "number"),)
    publicity_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    certification_batch_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("certification_batches.certification_batch_id")
    )
    number: Mapped[int]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    n_working_days: Mapped[int]
    is_certain: Mapped[bool] = mapped_column(comment="false while the official holidays of a year are unknown")
    contact: Mapped[str] = mapped_column(String(200))
    is_withdrawn: Mapped[bool] = mapped_column(default=False)
    published_by: Mapped[str] = mapped_column(String(100))
    published_at: Mapped[datetime]


class Objection(Base):
    """An objection that was raised while results were public, and how it ended."""

    __tablename__ = "objections"
    objection_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    certification_batch_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("certification_batches.certification_batch_id"), index=True
    )
    result_record_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("result_records.result_record_id"))
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


class RosterSubmission(Base):
    """One round of sending the roster for review, with the file as it was sent."""

    __tablename__ = "roster_submissions"
    __table_args__ = (UniqueConstraint("certification_batch_id", "round"),)
    roster_submission_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    certification_batch_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("certification_batches.certification_batch_id")
    )
    round: Mapped[int]
    channel: Mapped[str] = mapped_column(String(32))
    n_rows: Mapped[int]
    n_warnings: Mapped[int]
    workbook_ciphertext: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    workbook_digest: Mapped[str] = mapped_column(String(64))
    status: Mapped[RosterStatus] = mapped_column(default=RosterStatus.SUBMITTED)
    submitted_by: Mapped[str] = mapped_column(String(100))
    submitted_at: Mapped[datetime]
    answered_by: Mapped[str] = mapped_column(String(100), default="")
    answered_at: Mapped[datetime | None]
    reference: Mapped[str] = mapped_column(String(100), default="", comment="number of the approval")
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class RosterReturn(Base):
    """One field that the reviewing centre sent back, with its reason code."""

    __tablename__ = "roster_returns"
    roster_return_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    roster_submission_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("roster_submissions.roster_submission_id"), index=True
    )
    result_record_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("result_records.result_record_id"))
    field_name: Mapped[str] = mapped_column(String(40))
    reason_code: Mapped[str] = mapped_column(String(40))
    note: Mapped[str] = mapped_column(String(300), default="")


make_append_only(ComponentScore.__table__)
make_append_only(PassDecisionRecord.__table__)
make_append_only(RosterReturn.__table__)
