"""Marking by people: who marks which item and how, what lies on a marker's desk, and what was handed to the leader."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exam_delivery.rules.marking import DisputeRule, FinalRule, FlagKind, MarkingMethod, StandardKind
from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk


class MarkingPlan(Base):
    """阅卷安排 of one item of one session; the first mark fixes how marks are put together."""

    __tablename__ = "marking_plans"
    __table_args__ = (
        UniqueConstraint("exam_session_id", "form_id", "slot"),
        CheckConstraint("tolerance >= 0", name="tolerance_not_negative"),
    )
    marking_plan_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_sessions.exam_session_id"))
    form_id: Mapped[uuid.UUID]
    slot: Mapped[int]
    method: Mapped[MarkingMethod]
    tolerance: Mapped[Decimal] = mapped_column(comment="points by which two marks may differ")
    final_rule: Mapped[FinalRule]
    dispute_rule: Mapped[DisputeRule]
    leader_id: Mapped[uuid.UUID | None] = mapped_column(comment="who decides; nobody: any third marker")
    markers: Mapped[list[Any]] = mapped_column(comment="[user, quota or null]; empty: every marker of the organisation")
    set_by: Mapped[uuid.UUID | None]
    set_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class MarkingDesk(Base):
    """An answer that a marker has taken, until when nobody else gets it, and what he has typed so far."""

    __tablename__ = "marking_desks"
    __table_args__ = (Index("ix_marking_desks_marked_by", "marked_by"),)
    attempt_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("attempts.attempt_id"), primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    marked_by: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    claimed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    draft: Mapped[dict[str, Any]] = mapped_column(comment="score, comment and criteria as typed; empty: nothing yet")


class MarkingFlag(Base):
    """An answer handed to the leader; his mark settles it, the flag stays."""

    __tablename__ = "marking_flags"
    __table_args__ = (Index("ix_marking_flags_attempt_id_slot", "attempt_id", "slot"),)
    marking_flag_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    attempt_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("attempts.attempt_id"))
    slot: Mapped[int]
    kind: Mapped[FlagKind]
    text: Mapped[str] = mapped_column(String(300), default="")
    flagged_by: Mapped[uuid.UUID | None]
    flagged_at: Mapped[datetime]


class MarkingStandard(Base):
    """定标答案: an answer with an agreed mark, on which markers are trained or quietly checked."""

    __tablename__ = "marking_standards"
    __table_args__ = (
        UniqueConstraint("attempt_id", "slot"),
        Index("ix_marking_standards_exam_session_id", "exam_session_id"),
    )
    marking_standard_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_sessions.exam_session_id"))
    form_id: Mapped[uuid.UUID]
    attempt_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("attempts.attempt_id"))
    slot: Mapped[int]
    kind: Mapped[StandardKind]
    score: Mapped[Decimal]
    max_score: Mapped[Decimal]
    reason: Mapped[str] = mapped_column(String(500), default="", comment="why this mark; shown after training")
    set_by: Mapped[uuid.UUID | None]
    set_at: Mapped[datetime]


class MarkingTrial(Base):
    """What a marker gave to an answer with an agreed mark."""

    __tablename__ = "marking_trials"
    __table_args__ = (UniqueConstraint("marking_standard_id", "marked_by"),)
    marking_trial_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    marking_standard_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("marking_standards.marking_standard_id"))
    score: Mapped[Decimal]
    is_hit: Mapped[bool]
    marked_by: Mapped[uuid.UUID]
    marked_at: Mapped[datetime]


class MarkingPause(Base):
    """A marker's queue of one item that stands still until the leader lets it go on."""

    __tablename__ = "marking_pauses"
    __table_args__ = (Index("ix_marking_pauses_exam_session_id", "exam_session_id"),)
    marking_pause_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_sessions.exam_session_id"))
    form_id: Mapped[uuid.UUID]
    slot: Mapped[int]
    marked_by: Mapped[uuid.UUID]
    kind: Mapped[StandardKind] = mapped_column(comment="training: not passed; check: drifted from the agreed marks")
    n_hits: Mapped[int]
    n_tried: Mapped[int]
    paused_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[uuid.UUID | None]


make_append_only(MarkingFlag.__table__)
make_append_only(MarkingTrial.__table__)
