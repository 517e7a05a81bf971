"""Documents behind components that no group scores: work performance, direct recognition, competition, process, thesis."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from certification.rules.pass_decision import AssessmentMode, ResultState
from kernel.db import Base, UuidPk


class ProofStatus(enum.StrEnum):
    """Where a document stands."""

    SUBMITTED = "submitted"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


class ComponentProof(Base):
    """佐证材料: a document, what it is to give, who entered it, and the second person who checked it."""

    __tablename__ = "component_proofs"
    __table_args__ = (
        CheckConstraint("(claim = 'scored') = (score IS NOT NULL)", name="score_stands"),
        CheckConstraint("(status = 'submitted') = (decided_at IS NULL)", name="decided_has_time"),
        CheckConstraint("decided_by IS NULL OR decided_by <> entered_by", name="two_people"),
    )
    component_proof_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    certification_batch_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("certification_batches.certification_batch_id"), index=True
    )
    result_record_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("result_records.result_record_id"), index=True)
    mode: Mapped[AssessmentMode]
    title: Mapped[str] = mapped_column(String(200))
    facts: Mapped[dict[str, Any]] = mapped_column(comment="of a competition its class, rank and certificate number")
    claim: Mapped[ResultState] = mapped_column(comment="pending: a document that gives no result itself")
    score: Mapped[Decimal | None]
    file_name: Mapped[str] = mapped_column(String(200))
    file_kind: Mapped[str] = mapped_column(String(10))
    file_digest: Mapped[str] = mapped_column(String(64))
    file_ciphertext: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    status: Mapped[ProofStatus] = mapped_column(default=ProofStatus.SUBMITTED)
    reason: Mapped[str] = mapped_column(String(300), default="")
    entered_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.user_id"))
    entered_by_name: Mapped[str] = mapped_column(String(100))
    entered_at: Mapped[datetime]
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.user_id"))
    decided_by_name: Mapped[str] = mapped_column(String(100), default="")
    decided_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}
