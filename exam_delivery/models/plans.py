"""考试计划: what an organisation means to examine in a period, line by line, as it was filed and amended."""

from __future__ import annotations

import enum
import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exam_delivery.rules.plans import AmendmentKind
from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk


class PlanStatus(enum.StrEnum):
    """Where an examination plan stands."""

    DRAFT = "draft"
    FILED = "filed"
    CLOSED = "closed"


class ExamPlan(Base):
    """考试计划 of a year, a quarter or other dates; once filed, its lines change by amendments alone."""

    __tablename__ = "exam_plans"
    __table_args__ = (
        UniqueConstraint("organisation_id", "title"),
        CheckConstraint("starts_on <= ends_on", name="starts_before_end"),
        Index("ix_exam_plans_organisation_id_starts_on", "organisation_id", "starts_on"),
    )
    exam_plan_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    title: Mapped[str] = mapped_column(String(200))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    filing_number: Mapped[str] = mapped_column(String(80), default="")
    filed_on: Mapped[date | None]
    note: Mapped[str] = mapped_column(String(1000), default="")
    status: Mapped[PlanStatus] = mapped_column(default=PlanStatus.DRAFT)
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class ExamPlanLine(Base):
    """One line of a plan: an occupation and level, when, and how many candidates."""

    __tablename__ = "exam_plan_lines"
    __table_args__ = (
        CheckConstraint("starts_on <= ends_on", name="starts_before_end"),
        CheckConstraint("n_planned > 0", name="n_planned_positive"),
    )
    exam_plan_line_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_plan_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_plans.exam_plan_id"), index=True)
    standard_level_id: Mapped[uuid.UUID]
    occupation_code: Mapped[str] = mapped_column(String(20))
    occupation_name: Mapped[str] = mapped_column(String(100))
    level_code: Mapped[str] = mapped_column(String(20))
    level_name: Mapped[str] = mapped_column(String(60))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    n_planned: Mapped[int]
    note: Mapped[str] = mapped_column(String(200), default="")
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class ExamPlanAmendment(Base):
    """A change of a filed plan: what stood before and after, by whom and why."""

    __tablename__ = "exam_plan_amendments"
    __table_args__ = (UniqueConstraint("exam_plan_id", "number"),)
    exam_plan_amendment_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_plan_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_plans.exam_plan_id"))
    number: Mapped[int]
    kind: Mapped[AmendmentKind]
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(String(300))
    amended_by: Mapped[uuid.UUID | None]
    amended_by_name: Mapped[str] = mapped_column(String(100))
    amended_at: Mapped[datetime]


make_append_only(ExamPlanAmendment.__table__)
