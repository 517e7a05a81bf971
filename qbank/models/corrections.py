"""Tables of correction cases: reports of wrong items, their steps, and the corrections that rescoring reads."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk
from qbank.rules.corrections import CaseAct, CaseState, Outcome, ReportSource

ORGANISATION = "organisations.organisation_id"
ITEM = "items.item_id"
CASE = "correction_cases.correction_case_id"


class CorrectionCase(Base):
    """An item that somebody holds to be wrong, from the report to the decision; a public report may name no item yet."""

    __tablename__ = "correction_cases"
    __table_args__ = (
        UniqueConstraint("organisation_id", "code"),
        CheckConstraint("state NOT IN ('decided', 'closed') OR outcome IS NOT NULL", name="decided_has_outcome"),
        Index("ix_correction_cases_organisation_id_state", "organisation_id", "state"),
        Index("ix_correction_cases_item_id", "item_id"),
    )
    correction_case_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    code: Mapped[str] = mapped_column(String(40))
    source: Mapped[ReportSource]
    state: Mapped[CaseState] = mapped_column(default=CaseState.REPORTED)
    item_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(ITEM))
    item_version_id: Mapped[uuid.UUID | None] = mapped_column(comment="the version that was reported")
    place: Mapped[str] = mapped_column(String(300), default="", comment="session, form and slot in words")
    text: Mapped[str] = mapped_column(Text)
    evidence: Mapped[str] = mapped_column(Text, default="")
    contact: Mapped[bytes | None] = mapped_column(LargeBinary, comment="how to reach a reporter, encrypted")
    reported_by: Mapped[uuid.UUID | None]
    reported_at: Mapped[datetime]
    assigned_to: Mapped[uuid.UUID | None] = mapped_column(index=True)
    outcome: Mapped[Outcome | None]
    reason: Mapped[str] = mapped_column(Text, default="")
    decided_by: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class CorrectionStep(Base):
    """One step of a case; rows are never changed."""

    __tablename__ = "correction_steps"
    __table_args__ = (Index("ix_correction_steps_case", "correction_case_id", "made_at"),)
    correction_step_id: Mapped[UuidPk]
    correction_case_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(CASE))
    act: Mapped[CaseAct]
    text: Mapped[str] = mapped_column(Text, default="")
    made_by: Mapped[uuid.UUID | None]
    made_by_name: Mapped[str] = mapped_column(String(100))
    made_at: Mapped[datetime]


class ItemCorrection(Base):
    """A correction that took effect: the version that was wrong, the one that replaces it, and what kind of change it is.

    Rescoring reads these rows; they are never changed.
    """

    __tablename__ = "item_corrections"
    __table_args__ = (Index("ix_item_corrections_organisation_id_corrected_at", "organisation_id", "corrected_at"),)
    item_correction_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    correction_case_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(CASE), unique=True)
    item_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ITEM), index=True)
    old_version_id: Mapped[uuid.UUID]
    new_version_id: Mapped[uuid.UUID | None]
    change: Mapped[str] = mapped_column(String(20), comment="wording, substance, description, or retired")
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    corrected_at: Mapped[datetime]


class ItemQuarantine(Base):
    """An item that no new form may take while something about it is being cleared up."""

    __tablename__ = "item_quarantines"
    item_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ITEM), primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION), index=True)
    correction_case_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(CASE))
    reason: Mapped[str] = mapped_column(String(300), default="")
    set_by: Mapped[uuid.UUID | None]
    set_at: Mapped[datetime]


class PublicReport(Base):
    """A report from the open form, kept for a while to slow down floods; `subject` is a blind index of the address."""

    __tablename__ = "public_reports"
    __table_args__ = (Index("ix_public_reports_subject_at", "subject", "at"),)
    public_report_id: Mapped[UuidPk]
    subject: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


for _table in (CorrectionStep, ItemCorrection):
    make_append_only(_table.__table__)
