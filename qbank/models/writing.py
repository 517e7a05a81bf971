"""Tables of writing tasks: what experts were asked to write, by when, and what became of it."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk
from qbank.models.items import ITEM, LEVEL, ORGANISATION
from qbank.rules.writing import TaskAct, TaskStatus

TASK = "writing_tasks.writing_task_id"


class WritingTask(Base):
    """命题任务: items that one expert is asked to write for a level by a day; one without an expert is only planned."""

    __tablename__ = "writing_tasks"
    __table_args__ = (
        CheckConstraint(
            "status IN ('planned', 'cancelled') OR (expert_id IS NOT NULL AND due_on IS NOT NULL)", name="issued_whole"
        ),
        Index("ix_writing_tasks_organisation_id_status", "organisation_id", "status", "due_on"),
        Index("ix_writing_tasks_expert_id_status", "expert_id", "status"),
    )
    writing_task_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    standard_level_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(LEVEL), index=True)
    title: Mapped[str] = mapped_column(String(120))
    instructions: Mapped[str] = mapped_column(Text, default="")
    expert_id: Mapped[uuid.UUID | None]
    due_on: Mapped[date | None]
    status: Mapped[TaskStatus] = mapped_column(default=TaskStatus.PLANNED)
    source: Mapped[str] = mapped_column(String(120), default="", comment="what asked for it, such as assembly_run:<id>")
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]
    issued_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class WritingTaskLine(Base):
    """So many items of one type, and perhaps one difficulty, for one point."""

    __tablename__ = "writing_task_lines"
    __table_args__ = (
        CheckConstraint("n_wanted > 0", name="wanted_positive"),
        CheckConstraint("difficulty IS NULL OR difficulty BETWEEN 1 AND 5", name="difficulty_range"),
    )
    writing_task_line_id: Mapped[UuidPk]
    writing_task_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(TASK), index=True)
    position: Mapped[int]
    assessment_point_id: Mapped[uuid.UUID | None] = mapped_column(
        comment="no key: none for a point that the outline still lacks"
    )
    point_code: Mapped[str] = mapped_column(String(60))
    point_name: Mapped[str] = mapped_column(String(200), default="")
    type: Mapped[str] = mapped_column(String(40))
    difficulty: Mapped[int | None]
    n_wanted: Mapped[int]


class WritingTaskItem(Base):
    """An item that was written for a line; an item counts for one line only."""

    __tablename__ = "writing_task_items"
    item_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ITEM), primary_key=True)
    writing_task_line_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("writing_task_lines.writing_task_line_id"), index=True
    )


class WritingTaskEvent(Base):
    """One step of a task: who did what, why, and until when it then ran; rows are never changed."""

    __tablename__ = "writing_task_events"
    writing_task_event_id: Mapped[UuidPk]
    writing_task_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(TASK), index=True)
    act: Mapped[TaskAct]
    reason: Mapped[str] = mapped_column(String(500), default="")
    due_on: Mapped[date | None]
    acted_by: Mapped[uuid.UUID | None]
    acted_by_name: Mapped[str] = mapped_column(String(100))
    acted_at: Mapped[datetime]


class WritingTarget(Base):
    """How many items of a type an editor wants for a point, where that differs from the rule profile."""

    __tablename__ = "writing_targets"
    assessment_point_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(String(40), primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    standard_level_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(LEVEL), index=True)
    n_wanted: Mapped[int]


make_append_only(WritingTaskEvent.__table__)
