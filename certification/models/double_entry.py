"""Scores as two people typed them; they count when both are the same, or when a third person has settled them."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from certification.rules.pass_decision import AssessmentMode, ResultState
from kernel.db import Base, UuidPk


class ScoreEntry(Base):
    """What one person typed for one component of one candidate; typing again replaces it until the score counts."""

    __tablename__ = "score_entries"
    __table_args__ = (
        UniqueConstraint("result_record_id", "mode", "entered_by"),
        CheckConstraint("(state = 'scored') = (score IS NOT NULL)", name="score_stands"),
    )
    score_entry_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    certification_batch_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("certification_batches.certification_batch_id"), index=True
    )
    result_record_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("result_records.result_record_id"))
    mode: Mapped[AssessmentMode]
    state: Mapped[ResultState]
    score: Mapped[Decimal | None]
    entered_by: Mapped[uuid.UUID | None]
    entered_by_name: Mapped[str] = mapped_column(String(100))
    entered_at: Mapped[datetime]
