"""Leads from statistics, each with its evidence and what a person decided."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exam_delivery.rules.forensics import LeadKind, LeadState
from kernel.db import Base, UuidPk


class ForensicLead(Base):
    """One thing that statistics found strange about some attempts, or about an item; never a verdict by itself."""

    __tablename__ = "forensic_leads"
    __table_args__ = (
        UniqueConstraint("exam_session_id", "kind", "subjects"),
        CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided_has_time"),
        Index("ix_forensic_leads_organisation_id_state", "organisation_id", "state"),
    )
    forensic_lead_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_sessions.exam_session_id"))
    form_id: Mapped[uuid.UUID]
    kind: Mapped[LeadKind]
    subjects: Mapped[str] = mapped_column(
        String(80), comment="keys of up to two attempts in order, of a version, or a digest"
    )
    p_value: Mapped[float]
    evidence: Mapped[dict[str, Any]]
    state: Mapped[LeadState] = mapped_column(default=LeadState.OPEN)
    reason: Mapped[str] = mapped_column(Text, default="")
    decided_by: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime | None]
    found_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}

    @property
    def attempt_ids(self) -> list[uuid.UUID]:
        """The attempts that the lead is about; none where it is about an item."""
        if self.kind is LeadKind.DRIFT:
            return []
        return [uuid.UUID(key) for key in self.evidence.get("attempts") or self.subjects.split()]

    @property
    def item_version_id(self) -> uuid.UUID | None:
        """The version of an item that the lead is about."""
        return uuid.UUID(self.subjects) if self.kind is LeadKind.DRIFT else None
