"""Tables of panels for standard setting: what is rated, by whom, in which rounds, and every judgement ever made."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from blueprints.rules.panels import Judged, PanelMethod, PanelStatus
from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk

PANEL = "standard_panels.standard_panel_id"
ROUND = "panel_rounds.panel_round_id"
MEMBER = "panel_members.panel_member_id"
USER = "users.user_id"


class StandardPanel(Base):
    """合格线设定专家组: one form, one method; the items are kept as they were when the panel was set up."""

    __tablename__ = "standard_panels"
    __table_args__ = (
        CheckConstraint("(status = 'concluded') = (concluded_at IS NOT NULL)", name="concluded_has_time"),
        CheckConstraint(
            "proposed_by IS NULL OR concluded_by IS NULL OR proposed_by <> concluded_by", name="two_people"
        ),
        Index("ix_standard_panels_organisation_id_status", "organisation_id", "status"),
    )
    standard_panel_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_form_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_forms.exam_form_id"), index=True)
    standard_level_id: Mapped[uuid.UUID]
    name: Mapped[str] = mapped_column(String(120))
    form_title: Mapped[str] = mapped_column(String(200))
    occupation_name: Mapped[str] = mapped_column(String(60))
    level_name: Mapped[str] = mapped_column(String(40))
    method: Mapped[PanelMethod]
    asks_compromise: Mapped[bool] = mapped_column(comment="whether raters also give Beuk's and Hofstee's judgements")
    borderline: Mapped[str] = mapped_column(Text, comment="who is just qualified, in the panel's words")
    total_score: Mapped[Decimal]
    items_digest: Mapped[str] = mapped_column(String(64), comment="of the form's items and marks")
    status: Mapped[PanelStatus] = mapped_column(default=PanelStatus.PREPARING)
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime] = mapped_column(comment="set by every step, so that the version counts them all")
    proposed_by: Mapped[uuid.UUID | None]
    conclusion: Mapped[str] = mapped_column(Text, default="", comment="what the panel recommends, in words")
    recommended: Mapped[Decimal | None] = mapped_column(comment="the last round's cut, rounded")
    rounding: Mapped[str] = mapped_column(
        String(40), default="", comment="unit and direction, as the rule profile had them"
    )
    fixed_mark: Mapped[Decimal | None] = mapped_column(comment="pass mark in percent that the regulation sets")
    concluded_by: Mapped[uuid.UUID | None]
    concluded_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class PanelItem(Base):
    """One item in the booklet of a panel, with the statistics that were known when it was set up."""

    __tablename__ = "panel_items"
    __table_args__ = (
        UniqueConstraint("standard_panel_id", "place"),
        UniqueConstraint("standard_panel_id", "number"),
        CheckConstraint("place >= 1 AND number >= 1", name="from_one"),
    )
    panel_item_id: Mapped[UuidPk]
    standard_panel_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(PANEL))
    place: Mapped[int] = mapped_column(comment="in the booklet, from 1")
    number: Mapped[int] = mapped_column(comment="in the form, from 1")
    item_id: Mapped[uuid.UUID]
    item_version_id: Mapped[uuid.UUID]
    item_code: Mapped[str] = mapped_column(String(60))
    type: Mapped[str] = mapped_column(String(32))
    point: Mapped[str] = mapped_column(String(60))
    score: Mapped[Decimal]
    judged: Mapped[Judged]
    options: Mapped[list[Any]] = mapped_column(comment="ids of the options, where they are judged")
    difficulty: Mapped[int | None]
    proportion_correct: Mapped[float | None]
    n_observed: Mapped[int]
    assumed: Mapped[float] = mapped_column(comment="the facility that orders the booklet")


class PanelMember(Base):
    """A rater; `number` stands for the name wherever ratings are shown."""

    __tablename__ = "panel_members"
    __table_args__ = (
        UniqueConstraint("standard_panel_id", "user_id"),
        UniqueConstraint("standard_panel_id", "number"),
        Index("ix_panel_members_user_id", "user_id"),
    )
    panel_member_id: Mapped[UuidPk]
    standard_panel_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(PANEL))
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(USER))
    number: Mapped[int]
    name: Mapped[str] = mapped_column(String(100))
    warnings: Mapped[list[Any]] = mapped_column(comment="ids of the rules of recusal that only warn")
    invited_by: Mapped[uuid.UUID | None]
    invited_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    left_reason: Mapped[str] = mapped_column(String(300), default="")
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class PanelRound(Base):
    """A round of rating; it is open until it has an outcome."""

    __tablename__ = "panel_rounds"
    __table_args__ = (UniqueConstraint("standard_panel_id", "number"),)
    panel_round_id: Mapped[UuidPk]
    standard_panel_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(PANEL))
    number: Mapped[int]
    opened_by: Mapped[uuid.UUID | None]
    opened_at: Mapped[datetime]


class PanelJudgement(Base):
    """One judgement of one rater; a later revision of the same subject takes its place and both stay."""

    __tablename__ = "panel_judgements"
    __table_args__ = (
        UniqueConstraint(
            "panel_round_id", "panel_member_id", "subject", "revision", name="uq_panel_judgements_revision"
        ),
        CheckConstraint("revision >= 1", name="revision_from_one"),
    )
    panel_judgement_id: Mapped[UuidPk]
    panel_round_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ROUND))
    panel_member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(MEMBER))
    subject: Mapped[str] = mapped_column(String(20))
    revision: Mapped[int]
    judgement: Mapped[dict[str, Any]]
    judged_at: Mapped[datetime]


class PanelSubmission(Base):
    """A rater says that the round is finished for him or her."""

    __tablename__ = "panel_submissions"
    __table_args__ = (UniqueConstraint("panel_round_id", "panel_member_id"),)
    panel_submission_id: Mapped[UuidPk]
    panel_round_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ROUND))
    panel_member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(MEMBER))
    submitted_at: Mapped[datetime]


class PanelOutcome(Base):
    """What a closed round gave; with this row a round is closed for good."""

    __tablename__ = "panel_outcomes"
    panel_outcome_id: Mapped[UuidPk]
    panel_round_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ROUND), unique=True)
    n_judgements: Mapped[int]
    judgements_digest: Mapped[str] = mapped_column(String(64))
    result: Mapped[dict[str, Any]]
    closed_by: Mapped[uuid.UUID | None]
    closed_at: Mapped[datetime]


class PanelNote(Base):
    """A note of the discussion between rounds; `place` is the number of the item it is about, 0 for the whole form."""

    __tablename__ = "panel_notes"
    __table_args__ = (Index("ix_panel_notes_panel_round_id_written_at", "panel_round_id", "written_at"),)
    panel_note_id: Mapped[UuidPk]
    panel_round_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ROUND))
    place: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    member_number: Mapped[int] = mapped_column(comment="0 for who leads the panel")
    written_by: Mapped[uuid.UUID | None]
    written_at: Mapped[datetime]


APPEND_ONLY = (PanelItem, PanelRound, PanelJudgement, PanelSubmission, PanelOutcome, PanelNote)
for _model in APPEND_ONLY:
    make_append_only(_model.__table__)
