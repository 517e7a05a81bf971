"""Assessors' groups: sheets to score by, who scores whom, what each assessor gave, the group's result and signatures."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from certification.rules.pass_decision import AssessmentMode, ResultState
from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk


class AssessmentState(enum.StrEnum):
    """How far the scoring of one candidate by a group is."""

    OPEN = "open"
    DISPUTED = "disputed"
    SIGNING = "signing"
    SIGNED = "signed"


class ScoreSheetTemplate(Base):
    """评分表: the criteria of one component of an occupation and level; the highest number is used for new groups."""

    __tablename__ = "score_sheet_templates"
    __table_args__ = (
        UniqueConstraint(
            "organisation_id", "occupation_code", "level_code", "mode", "number", name="uq_score_sheet_templates_number"
        ),
    )
    score_sheet_template_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    occupation_code: Mapped[str] = mapped_column(String(32))
    level_code: Mapped[str] = mapped_column(String(32))
    mode: Mapped[AssessmentMode]
    number: Mapped[int]
    name: Mapped[str] = mapped_column(String(100))
    criteria: Mapped[list[Any]] = mapped_column(comment="[part, text, points, weight, is_deduction]; numbers as text")
    made_by: Mapped[str] = mapped_column(String(100))
    made_at: Mapped[datetime]


class AssessorGroup(Base):
    """考评组: the people who score some candidates of a batch in one component, and the rule that held at its setting."""

    __tablename__ = "assessor_groups"
    __table_args__ = (UniqueConstraint("certification_batch_id", "mode", "name"),)
    assessor_group_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    certification_batch_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("certification_batches.certification_batch_id"), index=True
    )
    mode: Mapped[AssessmentMode]
    name: Mapped[str] = mapped_column(String(60))
    place: Mapped[str] = mapped_column(String(100), default="")
    score_sheet_template_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("score_sheet_templates.score_sheet_template_id", name="fk_assessor_groups_template"),
        comment="none: criteria of the rule profile",
    )
    criteria: Mapped[list[Any]] = mapped_column(comment="as they stood when the group was set up")
    rule: Mapped[dict[str, Any]] = mapped_column(comment="method, tolerance, unit, vote")
    leader_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.user_id"))
    set_up_by: Mapped[str] = mapped_column(String(100))
    set_up_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class AssessorMember(Base):
    """One assessor of a group."""

    __tablename__ = "assessor_members"
    __table_args__ = (UniqueConstraint("assessor_group_id", "user_id"),)
    assessor_member_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    assessor_group_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("assessor_groups.assessor_group_id"))
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.user_id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    withdrawn_at: Mapped[datetime | None] = mapped_column(comment="when another took the place")
    withdrawn_reason: Mapped[str] = mapped_column(String(300), default="", server_default="")
    replaced_by: Mapped[str] = mapped_column(
        String(100), default="", server_default="", comment="name of who took the place"
    )


class Assessment(Base):
    """One candidate before a group in one component; `round` counts how often the group scored from the beginning."""

    __tablename__ = "assessments"
    __table_args__ = (UniqueConstraint("result_record_id", "mode"),)
    assessment_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    certification_batch_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("certification_batches.certification_batch_id"), index=True
    )
    assessor_group_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("assessor_groups.assessor_group_id"), index=True)
    result_record_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("result_records.result_record_id"))
    mode: Mapped[AssessmentMode]
    workstation: Mapped[str] = mapped_column(String(40), default="")
    state: Mapped[AssessmentState] = mapped_column(default=AssessmentState.OPEN)
    round: Mapped[int] = mapped_column(default=1)
    round_reason: Mapped[str] = mapped_column(String(300), default="")
    minutes: Mapped[str] = mapped_column(String(2000), default="", comment="questions and answers of the defence")
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class AssessorSheet(Base):
    """What one assessor gives one candidate in one round; `revision` counts the savings, submitted it stays as it is."""

    __tablename__ = "assessor_sheets"
    __table_args__ = (
        UniqueConstraint("assessment_id", "round", "user_id"),
        CheckConstraint("submitted_at IS NULL OR total IS NOT NULL OR is_absent", name="submitted_has_total"),
    )
    assessor_sheet_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    assessment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("assessments.assessment_id"))
    round: Mapped[int]
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.user_id"))
    name: Mapped[str] = mapped_column(String(100))
    marks: Mapped[list[Any]] = mapped_column(comment="the text typed for each criterion, empty where nothing is")
    comment: Mapped[str] = mapped_column(String(500), default="")
    is_absent: Mapped[bool] = mapped_column(default=False)
    vote: Mapped[bool | None]
    total: Mapped[Decimal | None]
    revision: Mapped[int] = mapped_column(default=0)
    saved_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]


class AssessmentResult(Base):
    """The group's result of one round and how it came about; the highest number holds once everybody has signed it."""

    __tablename__ = "assessment_results"
    __table_args__ = (
        UniqueConstraint("assessment_id", "number"),
        CheckConstraint("(state = 'scored') = (score IS NOT NULL)", name="score_stands"),
    )
    assessment_result_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    assessment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("assessments.assessment_id"))
    number: Mapped[int]
    round: Mapped[int]
    state: Mapped[ResultState]
    score: Mapped[Decimal | None]
    method: Mapped[str] = mapped_column(String(20), comment="mean, trimmed, resolved, or absent")
    reason: Mapped[str] = mapped_column(String(300), default="", comment="why the leader resolved it so")
    n_for: Mapped[int | None] = mapped_column(comment="votes for passing, where the group votes")
    decided_by: Mapped[str] = mapped_column(String(100))
    decided_at: Mapped[datetime]


class AssessmentSignature(Base):
    """A member's signature under a result."""

    __tablename__ = "assessment_signatures"
    __table_args__ = (UniqueConstraint("assessment_result_id", "user_id"),)
    assessment_signature_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    assessment_result_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("assessment_results.assessment_result_id", name="fk_assessment_signatures_result")
    )
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.user_id"))
    name: Mapped[str] = mapped_column(String(100))
    signed_at: Mapped[datetime]


make_append_only(ScoreSheetTemplate.__table__)
make_append_only(AssessmentResult.__table__)
make_append_only(AssessmentSignature.__table__)
