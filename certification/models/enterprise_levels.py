"""Levels that an enterprise defines itself, with the national level each maps to."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, UuidPk


class EnterpriseLevel(Base):
    """自设等级: a level of an enterprise, the level it maps to, from when to when, and the document that was filed."""

    __tablename__ = "enterprise_levels"
    __table_args__ = (
        UniqueConstraint("organisation_id", "code", "occupation_code", "valid_from", name="uq_enterprise_levels_code"),
        CheckConstraint("valid_until IS NULL OR valid_until >= valid_from", name="period"),
    )
    enterprise_level_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    code: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(60))
    maps_to: Mapped[str] = mapped_column(String(12), comment="code of a level of the scale")
    occupation_code: Mapped[str] = mapped_column(String(32), default="", comment="empty: for every occupation")
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    filed_on: Mapped[date]
    filing_number: Mapped[str] = mapped_column(String(80))
    file_name: Mapped[str] = mapped_column(String(200))
    file_kind: Mapped[str] = mapped_column(String(10))
    file_digest: Mapped[str] = mapped_column(String(64))
    file_ciphertext: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    made_by: Mapped[str] = mapped_column(String(100))
    made_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}
