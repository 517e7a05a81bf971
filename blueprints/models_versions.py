"""Tables of a blueprint's numbered versions and of who submitted, approved and revised them; both are only ever added to."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from blueprints.rules.blueprint_states import BlueprintAct
from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk

BLUEPRINT = "exam_blueprints.exam_blueprint_id"


class BlueprintVersion(Base):
    """蓝图版本: what a blueprint said when it was published; never changed, never deleted."""

    __tablename__ = "exam_blueprint_versions"
    __table_args__ = (
        UniqueConstraint("exam_blueprint_id", "number"),
        CheckConstraint("number >= 1", name="number_from_one"),
    )
    exam_blueprint_version_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_blueprint_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(BLUEPRINT))
    number: Mapped[int]
    name: Mapped[str] = mapped_column(String(120))
    spec: Mapped[dict[str, Any]]
    n_items: Mapped[int]
    total_score: Mapped[Decimal | None]
    duration_minutes: Mapped[int]
    created_by: Mapped[uuid.UUID | None]
    created_by_name: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]


class BlueprintDecision(Base):
    """One step of a blueprint: who did what with which version, when and why."""

    __tablename__ = "exam_blueprint_decisions"
    exam_blueprint_decision_id: Mapped[UuidPk]
    exam_blueprint_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(BLUEPRINT), index=True)
    number: Mapped[int] = mapped_column(comment="of the version")
    act: Mapped[BlueprintAct]
    comment: Mapped[str] = mapped_column(Text, default="")
    decided_by: Mapped[uuid.UUID | None]
    decided_by_name: Mapped[str] = mapped_column(String(100))
    decided_at: Mapped[datetime]


make_append_only(BlueprintVersion.__table__)
make_append_only(BlueprintDecision.__table__)
