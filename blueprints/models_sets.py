"""Table of form sets: the forms of one draw that gives every candidate a form of their own, handled as one thing."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from blueprints.rules.states import FormStatus
from kernel.db import Base, UuidPk


class FormSet(Base):
    """一人一卷卷组: forms drawn together for as many candidates; reviewed, approved, sealed and chosen as one."""

    __tablename__ = "form_sets"
    __table_args__ = (
        UniqueConstraint("assembly_run_id"),
        CheckConstraint("n_forms >= 1", name="n_forms_positive"),
        Index("ix_form_sets_organisation_id_status", "organisation_id", "status"),
    )
    form_set_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    assembly_run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("assembly_runs.assembly_run_id"))
    standard_level_id: Mapped[uuid.UUID] = mapped_column(index=True)
    occupation_name: Mapped[str] = mapped_column(String(60))
    level_name: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(120))
    n_forms: Mapped[int]
    n_slots: Mapped[int]
    total_score: Mapped[Decimal]
    duration_minutes: Mapped[int]
    status: Mapped[FormStatus] = mapped_column(default=FormStatus.DRAFT)
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    job_id: Mapped[uuid.UUID | None] = mapped_column(comment="the job that seals its forms")
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}
