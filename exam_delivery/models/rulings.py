"""Rulings about results: proposed by one person, decided by another, reversed by an appeal that was upheld."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exam_delivery.models.planning import RegistrationStatus
from exam_delivery.rules.rulings import RulingKind, RulingScope, RulingState
from kernel.db import Base, UuidPk


class ResultRuling(Base):
    """处理决定: why a registration's result does not count, or why an absence is no failure."""

    __tablename__ = "result_rulings"
    __table_args__ = (
        UniqueConstraint("organisation_id", "code"),
        UniqueConstraint("organisation_id", "source_key"),
        CheckConstraint("(tier IS NOT NULL) = (kind = 'misconduct')", name="misconduct_has_tier"),
        Index("ix_result_rulings_organisation_id_state", "organisation_id", "state"),
    )
    result_ruling_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    code: Mapped[str] = mapped_column(String(20))
    exam_batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_batches.exam_batch_id"), index=True)
    registration_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("registrations.registration_id"), index=True)
    candidate_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("candidates.candidate_id"), index=True)
    kind: Mapped[RulingKind]
    tier: Mapped[int | None]
    scope: Mapped[RulingScope]
    bar_months: Mapped[int] = mapped_column(default=0)
    barred_until: Mapped[date | None]
    facts: Mapped[str] = mapped_column(Text, comment="what happened, and what proves it")
    evidence_name: Mapped[str] = mapped_column(String(200), default="")
    evidence_ciphertext: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    source_key: Mapped[str | None] = mapped_column(String(80), comment="the case of the exam room, taken over once")
    state: Mapped[RulingState] = mapped_column(default=RulingState.PROPOSED)
    status_before: Mapped[RegistrationStatus | None] = mapped_column(comment="what a reversal restores")
    proposed_by: Mapped[uuid.UUID | None]
    proposed_by_name: Mapped[str] = mapped_column(String(100))
    proposed_at: Mapped[datetime]
    decided_by: Mapped[uuid.UUID | None]
    decided_by_name: Mapped[str] = mapped_column(String(100), default="")
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str] = mapped_column(Text, default="")
    reversed_by_name: Mapped[str] = mapped_column(String(100), default="")
    reversed_at: Mapped[datetime | None]
    reversal_reason: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}
