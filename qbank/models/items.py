"""Tables of items: immutable versions, points, review workflow, imports, pictures."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk
from kernel.identity.permissions import Role
from qbank.rules.items import ChangeKind, DuplicatePolicy, ImportState, ItemStatus
from qbank.rules.review import Decision

ORGANISATION = "organisations.organisation_id"
ITEM = "items.item_id"
VERSION = "item_versions.item_version_id"
LEVEL = "standard_levels.standard_level_id"


class Item(Base):
    """An item of the bank: what stays the same while its versions follow each other.

    `current_version_id` is the newest version, `approved_version_id` the one that forms may use; they differ while a
    revision of an approved item is on its way. Type, difficulty, digest and search text repeat the current version's,
    so that lists need no join.
    """

    __tablename__ = "items"
    __table_args__ = (
        UniqueConstraint("organisation_id", "code"),
        CheckConstraint("status <> 'approved' OR approved_version_id IS NOT NULL", name="approved_version"),
        CheckConstraint("(status = 'in_review') = (workflow_stage_id IS NOT NULL)", name="stage_in_review"),
        CheckConstraint("difficulty IS NULL OR difficulty BETWEEN 1 AND 5", name="difficulty_range"),
        Index("ix_items_organisation_id_status_submitted_at", "organisation_id", "status", "submitted_at"),
        Index("ix_items_organisation_id_level", "organisation_id", "standard_level_id", "status"),
        Index("ix_items_organisation_id_author_id", "organisation_id", "author_id"),
        Index(
            "ix_items_list", "organisation_id", "removed_at", "updated_at", "item_id", "standard_level_id", "status",
            "type", "difficulty", "author_id", "n_used", "last_used_on", "current_version_id", "code",
        ),
    )  # fmt: skip
    item_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    standard_level_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(LEVEL))
    code: Mapped[str] = mapped_column(String(80))
    status: Mapped[ItemStatus] = mapped_column(default=ItemStatus.DRAFT)
    current_version_id: Mapped[uuid.UUID] = mapped_column(
        comment="of item_versions; no key: the two tables are made at once"
    )
    approved_version_id: Mapped[uuid.UUID | None]
    n_versions: Mapped[int] = mapped_column(default=1)
    type: Mapped[str] = mapped_column(String(40))
    difficulty: Mapped[int | None]
    content_digest: Mapped[str] = mapped_column(String(64))
    search_text: Mapped[str] = mapped_column(Text)
    author_id: Mapped[uuid.UUID | None] = mapped_column(comment="of users; none for items the system made")
    source: Mapped[str] = mapped_column(String(300), default="")
    origin_code: Mapped[str] = mapped_column(
        String(120), default="", comment="the item's name in the file it came from"
    )
    extra: Mapped[dict[str, Any]] = mapped_column(default=dict, comment="what the file said beyond our fields")
    workflow_stage_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("workflow_stages.workflow_stage_id"), index=True
    )
    review_round: Mapped[int] = mapped_column(default=0)
    submitted_at: Mapped[datetime | None]
    stage_entered_at: Mapped[datetime | None] = mapped_column(comment="when it came to the stage in which it stands")
    superseded_version_id: Mapped[uuid.UUID | None] = mapped_column(
        comment="in use until the approved version's day; none where nothing is in use before"
    )
    effective_on: Mapped[date | None] = mapped_column(comment="the day from which the approved version is in use")
    returned_at: Mapped[datetime | None] = mapped_column(comment="set while a returned item waits for its author")
    retired_reason: Mapped[str] = mapped_column(String(500), default="")
    import_run_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("import_runs.import_run_id"), index=True)
    cognitive: Mapped[str] = mapped_column(
        String(20), default="", server_default="", comment="认知层次, of the list in the rule profile"
    )
    is_trial: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="试测: stands in forms without marks until it has proved itself"
    )
    n_used: Mapped[int] = mapped_column(default=0)
    last_used_on: Mapped[date | None]
    removed_at: Mapped[datetime | None] = mapped_column(comment="a draft that was thrown away; its versions remain")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}

    @property
    def has_revision(self) -> bool:
        """Say whether an approved version is in use while a newer one is on its way."""
        return self.approved_version_id is not None and self.approved_version_id != self.current_version_id


class ItemVersion(Base):
    """One version of an item's content, as it was saved; rows are never changed."""

    __tablename__ = "item_versions"
    __table_args__ = (
        UniqueConstraint("item_id", "number"),
        Index("ix_item_versions_organisation_id_content_digest", "organisation_id", "content_digest"),
        CheckConstraint("difficulty IS NULL OR difficulty BETWEEN 1 AND 5", name="difficulty_range"),
    )
    item_version_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    item_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ITEM))
    number: Mapped[int]
    type: Mapped[str] = mapped_column(String(40))
    content: Mapped[dict[str, Any]]
    content_digest: Mapped[str] = mapped_column(String(64))
    difficulty: Mapped[int | None]
    change_kind: Mapped[ChangeKind]
    note: Mapped[str] = mapped_column(String(300), default="")
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]


class ItemPoint(Base):
    """An assessment point that a version of an item asks for; position 0 is the one that counts in blueprints."""

    __tablename__ = "item_points"
    __table_args__ = (Index("ix_item_points_point_version", "assessment_point_id", "item_version_id"),)
    item_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(VERSION), primary_key=True)
    assessment_point_id: Mapped[uuid.UUID] = mapped_column(
        primary_key=True, index=True, comment="no key: a point that only old versions asked for may be deleted"
    )
    item_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ITEM), index=True)
    position: Mapped[int] = mapped_column(default=0)


class ItemCounter(Base):
    """The last running number that was given to an item under a prefix; its row is locked while numbers are taken."""

    __tablename__ = "item_counters"
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION), primary_key=True)
    prefix: Mapped[str] = mapped_column(String(60), primary_key=True)
    last_number: Mapped[int] = mapped_column(default=0)


class WorkflowStage(Base):
    """One stage of an organisation's review: how many different people must approve, and with which role."""

    __tablename__ = "workflow_stages"
    __table_args__ = (
        Index("ix_workflow_stages_organisation_id_position", "organisation_id", "position"),
        CheckConstraint("quorum BETWEEN 1 AND 9", name="quorum_range"),
    )
    workflow_stage_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(40))
    role: Mapped[Role] = mapped_column(default=Role.REVIEWER)
    quorum: Mapped[int] = mapped_column(default=1)
    is_active: Mapped[bool] = mapped_column(default=True, comment="a removed stage stays for the history that names it")
    workflow_definition_id: Mapped[uuid.UUID | None] = mapped_column(
        index=True, comment="of workflow_definitions; none for stages removed before definitions had versions"
    )
    options: Mapped[dict[str, Any] | None] = mapped_column(comment="settings of the stage; none: the usual ones")
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class ReviewDecision(Base):
    """What one reviewer decided on one version in one stage; rows are never changed."""

    __tablename__ = "review_decisions"
    __table_args__ = (
        UniqueConstraint("item_version_id", "review_round", "workflow_stage_id", "reviewer_id"),
        Index("ix_review_decisions_item_id_created_at", "item_id", "created_at"),
    )
    review_decision_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    item_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ITEM))
    item_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(VERSION))
    review_round: Mapped[int]
    workflow_stage_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workflow_stages.workflow_stage_id"))
    stage_name: Mapped[str] = mapped_column(String(40))
    reviewer_id: Mapped[uuid.UUID]
    decision: Mapped[Decision]
    comment: Mapped[str] = mapped_column(String(2000), default="")
    created_at: Mapped[datetime]


class ImportRun(Base):
    """One uploaded file on its way into the bank, with its report."""

    __tablename__ = "import_runs"
    __table_args__ = (
        Index("ix_import_runs_organisation_id_created_at", "organisation_id", "created_at"),
        CheckConstraint(
            "n_found = n_imported + n_duplicates + n_skipped OR state NOT IN ('done', 'undone')", name="balance"
        ),
    )
    import_run_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    standard_level_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(LEVEL))
    assessment_point_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("assessment_points.assessment_point_id"))
    default_difficulty: Mapped[int | None]
    file_name: Mapped[str] = mapped_column(String(200))
    file_digest: Mapped[str] = mapped_column(String(64))
    format: Mapped[str] = mapped_column(String(20))
    mapping: Mapped[dict[str, Any] | None]
    shape: Mapped[str] = mapped_column(String(64), default="", comment="digest of the sheets' names and heads")
    is_mapping_recalled: Mapped[bool] = mapped_column(default=False, comment="from an earlier file of the same shape")
    edits: Mapped[dict[str, Any] | None] = mapped_column(
        comment="what was changed before importing, by place in the file"
    )
    n_updated: Mapped[int] = mapped_column(default=0, comment="among the imported: new versions of items in the bank")
    duplicates: Mapped[DuplicatePolicy] = mapped_column(default=DuplicatePolicy.SKIP)
    state: Mapped[ImportState] = mapped_column(default=ImportState.UPLOADED)
    n_found: Mapped[int] = mapped_column(default=0)
    n_imported: Mapped[int] = mapped_column(default=0)
    n_duplicates: Mapped[int] = mapped_column(default=0)
    n_skipped: Mapped[int] = mapped_column(default=0)
    report: Mapped[dict[str, Any] | None]
    job_id: Mapped[uuid.UUID | None]
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class Media(Base):
    """A picture of an organisation's items; its bytes lie in the instance folder under their digest."""

    __tablename__ = "media"
    __table_args__ = (UniqueConstraint("organisation_id", "digest"),)
    media_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    digest: Mapped[str] = mapped_column(String(64))
    mime: Mapped[str] = mapped_column(String(40))
    n_bytes: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]


for _table in (ItemVersion, ItemPoint, ReviewDecision):
    make_append_only(_table.__table__)
