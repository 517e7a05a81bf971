"""Scores: versions that are only ever added, marks by people, and what was released."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk


class ScoreStatus(enum.StrEnum):
    """Whether a score version is whole."""

    COMPLETE = "complete"
    NEEDS_MARKING = "needs_marking"
    BLOCKED = "blocked"


class ScoreSource(enum.StrEnum):
    """Who gave a slot its score."""

    AUTO = "auto"
    HUMAN = "human"


class ScoreRecord(Base):
    """One scoring of one attempt: a function of its responses, the key version and the rule version."""

    __tablename__ = "score_records"
    __table_args__ = (UniqueConstraint("attempt_id", "number"), UniqueConstraint("attempt_id", "run_id"))
    score_record_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    attempt_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("attempts.attempt_id"), index=True)
    number: Mapped[int]
    key_version: Mapped[int]
    rule_version: Mapped[int]
    score: Mapped[Decimal | None]
    max_score: Mapped[Decimal]
    status: Mapped[ScoreStatus]
    reason: Mapped[str] = mapped_column(String(300), default="")
    responses_digest: Mapped[str] = mapped_column(String(64))
    run_id: Mapped[uuid.UUID | None] = mapped_column(comment="the scoring run; one version an attempt and run")
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]


class SlotScore(Base):
    """The score of one slot in one scoring."""

    __tablename__ = "slot_scores"
    score_record_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("score_records.score_record_id"), primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    score: Mapped[Decimal | None]
    max_score: Mapped[Decimal]
    outcome: Mapped[str] = mapped_column(String(20))
    source: Mapped[ScoreSource]
    mark_ids: Mapped[list[Any] | None] = mapped_column(
        JSON(none_as_null=True), comment="the marks that count; null where the machine scored"
    )


class Mark(Base):
    """A person's mark of one response; a later one of the same person supersedes it and both stay.

    Which marks of several people count is a rule of the item's marking plan; `number` counts them all.
    """

    __tablename__ = "marks"
    __table_args__ = (
        UniqueConstraint("attempt_id", "slot", "number"),
        CheckConstraint("score >= 0", name="score_not_negative"),
    )
    mark_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    attempt_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("attempts.attempt_id"))
    slot: Mapped[int]
    number: Mapped[int]
    score: Mapped[Decimal]
    max_score: Mapped[Decimal]
    criteria: Mapped[list[Any]] = mapped_column(
        default=list, server_default="[]", comment="marks of each scoring point as text; empty: only a total was given"
    )
    comment: Mapped[str] = mapped_column(String(500), default="")
    is_final: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="the decision of a third person or of the leader"
    )
    seconds: Mapped[int | None] = mapped_column(comment="from taking the answer to marking it")
    marked_by: Mapped[uuid.UUID | None]
    marked_at: Mapped[datetime]


class ScoreRelease(Base):
    """A release of a batch's scores: what it held is fixed by its digest."""

    __tablename__ = "score_releases"
    __table_args__ = (UniqueConstraint("exam_batch_id", "number"),)
    score_release_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_batches.exam_batch_id"))
    number: Mapped[int]
    exam_session_ids: Mapped[list[Any]]
    results: Mapped[list[Any]] = mapped_column(comment="[registration, outcome, score or null, score record or null]")
    package_digest: Mapped[str] = mapped_column(String(64))
    equating_id: Mapped[uuid.UUID | None] = mapped_column(comment="the decision that scores follow; empty: raw scores")
    released_by: Mapped[uuid.UUID | None]
    released_at: Mapped[datetime]


APPEND_ONLY = (ScoreRecord, SlotScore, Mark, ScoreRelease)
for _model in APPEND_ONLY:
    make_append_only(_model.__table__)
