"""Tables of migrations from one edition of an outline to the next."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk
from qbank.rules.edition_states import MigrationState, StepAct, TaskKind, TaskState
from qbank.rules.editions import MatchReason

ORGANISATION = "organisations.organisation_id"
LEVEL = "standard_levels.standard_level_id"
MIGRATION = "outline_migrations.outline_migration_id"


class OutlineMigration(Base):
    """The way of one level's outline from an old edition to a new one; it holds from `effective_on`."""

    __tablename__ = "outline_migrations"
    __table_args__ = (
        UniqueConstraint("old_level_id", "new_level_id"),
        CheckConstraint("old_level_id <> new_level_id", name="two_levels"),
        CheckConstraint("state <> 'applied' OR effective_on IS NOT NULL", name="applied_has_date"),
        Index("ix_outline_migrations_organisation_id_state", "organisation_id", "state"),
    )
    outline_migration_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    old_level_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(LEVEL))
    new_level_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(LEVEL), index=True)
    state: Mapped[MigrationState] = mapped_column(default=MigrationState.DRAFT)
    effective_on: Mapped[date | None]
    n_steps: Mapped[int] = mapped_column(default=0)
    job_id: Mapped[uuid.UUID | None]
    outcome: Mapped[dict[str, Any]] = mapped_column(default=dict, comment="counts of what applying did")
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]
    applied_by: Mapped[uuid.UUID | None]
    applied_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class PointAssignment(Base):
    """The points of the new edition that a point of the old one became; its fate follows from them."""

    __tablename__ = "point_assignments"
    __table_args__ = (CheckConstraint("confidence BETWEEN 0 AND 100", name="confidence_range"),)
    outline_migration_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(MIGRATION), primary_key=True)
    old_point_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    targets: Mapped[list[Any]] = mapped_column(default=list, comment="ids of points of the new edition")
    confidence: Mapped[int] = mapped_column(default=0)
    reason: Mapped[MatchReason] = mapped_column(default=MatchReason.NONE)
    is_decided: Mapped[bool] = mapped_column(default=False)


class MigrationStep(Base):
    """One step on the board with what it changed, so that it can be undone and read later; rows are never changed."""

    __tablename__ = "migration_steps"
    __table_args__ = (UniqueConstraint("outline_migration_id", "number"),)
    migration_step_id: Mapped[UuidPk]
    outline_migration_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(MIGRATION))
    number: Mapped[int]
    act: Mapped[StepAct]
    changes: Mapped[list[Any]] = mapped_column(comment="old point, assignment before, assignment after")
    undoes: Mapped[int | None] = mapped_column(comment="number of the step that this one took back")
    made_by: Mapped[uuid.UUID | None]
    made_by_name: Mapped[str] = mapped_column(String(100))
    made_at: Mapped[datetime]


class EditionTask(Base):
    """Something that a migration leaves for people: an item to re-assign, a point without items, a blueprint to check."""

    __tablename__ = "edition_tasks"
    __table_args__ = (
        Index("ix_edition_tasks_organisation_id_state", "organisation_id", "state"),
        Index("ix_edition_tasks_outline_migration_id", "outline_migration_id", "kind"),
        CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended_unless_open"),
    )
    edition_task_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    outline_migration_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(MIGRATION))
    kind: Mapped[TaskKind]
    state: Mapped[TaskState] = mapped_column(default=TaskState.OPEN)
    subject_id: Mapped[uuid.UUID] = mapped_column(comment="item, point of the new edition, or draft of a blueprint")
    title: Mapped[str] = mapped_column(String(300))
    details: Mapped[list[Any]] = mapped_column(default=list, comment="messages: template and values")
    resolution: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime]
    ended_by: Mapped[uuid.UUID | None]
    ended_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class OccupationAlias(Base):
    """Another name or code under which people of an organisation look for an occupation."""

    __tablename__ = "occupation_aliases"
    __table_args__ = (UniqueConstraint("organisation_id", "alias"),)
    occupation_alias_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    occupation_code: Mapped[str] = mapped_column(String(16), index=True)
    alias: Mapped[str] = mapped_column(String(60))
    note: Mapped[str] = mapped_column(String(200), default="")
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]


make_append_only(MigrationStep.__table__)
