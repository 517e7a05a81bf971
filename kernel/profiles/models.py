"""Versions of rule profiles; a version never changes."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, UuidPk


class RuleProfile(Base):
    """The values of one organisation that hold from a date on; keys left out keep their default."""

    __tablename__ = "rule_profiles"
    __table_args__ = (UniqueConstraint("organisation_id", "number"),)
    rule_profile_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    number: Mapped[int]
    effective_on: Mapped[date]
    overrides: Mapped[dict[str, Any]]
    note: Mapped[str] = mapped_column(String(300), default="")
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]
