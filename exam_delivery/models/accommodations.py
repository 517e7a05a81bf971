"""便利措施: what a candidate is granted in every examination, first sitting or resit."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, UuidPk


class Accommodation(Base):
    """What was granted to a candidate, on which ground, from when; the one without an end holds."""

    __tablename__ = "accommodations"
    __table_args__ = (CheckConstraint("time_factor >= 1", name="never_shortens"),)
    accommodation_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    candidate_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("candidates.candidate_id"), index=True)
    time_factor: Mapped[Decimal] = mapped_column(Numeric(4, 2))
    font_size: Mapped[str] = mapped_column(String(10), comment="medium or large")
    separate_room: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(300))
    granted_by: Mapped[uuid.UUID | None]
    granted_at: Mapped[datetime]
    ended_by: Mapped[uuid.UUID | None]
    ended_at: Mapped[datetime | None]
