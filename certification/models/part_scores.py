"""Parts carried over from earlier batches; the score itself stays where it was earned."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from certification.rules.pass_decision import AssessmentMode
from kernel.db import Base, UuidPk


class CarriedPart(Base):
    """沿用的单科成绩: a component that a candidate need not sit again, and until when its score counts."""

    __tablename__ = "carried_parts"
    __table_args__ = (UniqueConstraint("result_record_id", "mode"),)
    carried_part_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    certification_batch_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("certification_batches.certification_batch_id"), index=True
    )
    result_record_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("result_records.result_record_id"))
    mode: Mapped[AssessmentMode]
    component_score_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("component_scores.component_score_id"), comment="the score in the batch in which it was earned"
    )
    batch_code: Mapped[str] = mapped_column(String(64))
    taken_on: Mapped[date]
    valid_until: Mapped[date]
    carried_by: Mapped[str] = mapped_column(String(100))
    carried_at: Mapped[datetime]
