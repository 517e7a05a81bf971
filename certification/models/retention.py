"""Orders to erase what has been kept long enough: proposed by one person, carried out on another's word."""

from __future__ import annotations

import enum
import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from certification.rules.retention import RetentionKind
from kernel.db import Base, UuidPk, named_enum


class ErasureState(enum.StrEnum):
    """Where an order stands."""

    PROPOSED = "proposed"
    DONE = "done"
    REJECTED = "rejected"


class ErasureOrder(Base):
    """One order: which kind of record, of up to which day, how many and exactly which by their digest; no personal data."""

    __tablename__ = "erasure_orders"
    __table_args__ = (
        Index("ix_erasure_orders_organisation_id_proposed_at", "organisation_id", "proposed_at"),
        CheckConstraint("n_records > 0", name="n_records"),
    )
    erasure_order_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    kind: Mapped[RetentionKind] = mapped_column(named_enum(RetentionKind, "retentionkind"))
    kept_until: Mapped[date] = mapped_column(comment="records of before this day are erased")
    n_records: Mapped[int]
    records_digest: Mapped[str] = mapped_column(String(64), comment="over the sorted keys of the records")
    reason: Mapped[str] = mapped_column(String(300))
    state: Mapped[ErasureState] = mapped_column(named_enum(ErasureState, "erasurestate"))
    proposed_by: Mapped[uuid.UUID | None]
    proposed_by_name: Mapped[str] = mapped_column(String(100))
    proposed_at: Mapped[datetime]
    decided_by: Mapped[uuid.UUID | None]
    decided_by_name: Mapped[str] = mapped_column(String(100), default="")
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str] = mapped_column(String(300), default="")
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}
