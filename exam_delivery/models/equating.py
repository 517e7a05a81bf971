"""Decisions about equating the forms of a batch: who proposed and approved which conversion, from which figures."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exam_delivery.rules.equating_states import EquatingState
from kernel.db import Base, UuidPk


class Equating(Base):
    """等值决定: the conversions of a batch's forms to one of them; no conversion is as much a decision as any other."""

    __tablename__ = "equatings"
    __table_args__ = (
        UniqueConstraint("organisation_id", "code"),
        CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name="decided_has_time"),
    )
    equating_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    code: Mapped[str] = mapped_column(String(20))
    exam_batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_batches.exam_batch_id"), index=True)
    reference_form_id: Mapped[uuid.UUID]
    plan: Mapped[dict[str, Any]] = mapped_column(comment="reference, design and method by form, items left out")
    figures: Mapped[dict[str, Any]] = mapped_column(comment="groups, anchors, tables with errors, effects, rounding")
    figures_digest: Mapped[str] = mapped_column(String(64), comment="what both persons confirmed")
    seed: Mapped[int] = mapped_column(BigInteger, comment="of the bootstrap")
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[EquatingState] = mapped_column(default=EquatingState.PROPOSED)
    proposed_by: Mapped[uuid.UUID | None]
    proposed_by_name: Mapped[str] = mapped_column(String(100))
    proposed_at: Mapped[datetime]
    decided_by: Mapped[uuid.UUID | None]
    decided_by_name: Mapped[str] = mapped_column(String(100), default="")
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}
