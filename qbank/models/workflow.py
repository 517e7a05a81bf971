"""Tables of workflows: versions of an organisation's definition, its transitions, who is asked to review, reminders."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, UuidPk
from qbank.models.items import ITEM, ORGANISATION
from qbank.rules.review import Decision


class WorkflowDefinition(Base):
    """One version of an organisation's review; items under review finish under the version they started with."""

    __tablename__ = "workflow_definitions"
    __table_args__ = (UniqueConstraint("organisation_id", "number"),)
    workflow_definition_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    number: Mapped[int]
    is_current: Mapped[bool] = mapped_column(default=True)
    note: Mapped[str] = mapped_column(String(200), default="")
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]


class WorkflowTransition(Base):
    """Where a decision in a stage leads: another stage, the bank, the author's drafts, or out of use."""

    __tablename__ = "workflow_transitions"
    workflow_stage_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("workflow_stages.workflow_stage_id"), primary_key=True
    )
    decision: Mapped[Decision] = mapped_column(primary_key=True)
    target: Mapped[str] = mapped_column(String(12), comment="stage, approved, draft or retired")
    to_stage_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("workflow_stages.workflow_stage_id"))


class ReviewAssignment(Base):
    """A reviewer who is asked to decide on an item in a stage of a round; others are then not asked."""

    __tablename__ = "review_assignments"
    item_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ITEM), primary_key=True)
    workflow_stage_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("workflow_stages.workflow_stage_id"), primary_key=True
    )
    review_round: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reviewer_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, index=True)
    assigned_by: Mapped[uuid.UUID | None]
    assigned_at: Mapped[datetime]


class Reminder(Base):
    """A message to one person about something that is due; the same thing is not said twice."""

    __tablename__ = "reminders"
    __table_args__ = (
        UniqueConstraint("user_id", "subject"),
        Index("ix_reminders_user_id_seen_at", "user_id", "seen_at"),
    )
    reminder_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    user_id: Mapped[uuid.UUID]
    subject: Mapped[str] = mapped_column(String(160), comment="what it is about, so that it is said once")
    message: Mapped[str] = mapped_column(String(200), comment="a marked message")
    context: Mapped[dict[str, Any]]
    href: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
