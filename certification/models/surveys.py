"""满意度调查: a batch's survey, its answers, who has answered, and the totals of paper forms.

An answer has no person, no time and a random key; that somebody has answered is kept in another table, as a keyed digest. Neither
table keeps the order in which rows came on SQLite (`WITHOUT ROWID`), so that they cannot be laid side by side.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk


class BatchSurvey(Base):
    """The survey of a batch, with the rules that held when it was opened."""

    __tablename__ = "batch_surveys"
    __table_args__ = (CheckConstraint("opens_on <= closes_on", name="days_in_order"),)
    batch_survey_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    certification_batch_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("certification_batches.certification_batch_id"), unique=True
    )
    aspect_set: Mapped[str] = mapped_column(String(20))
    opens_on: Mapped[date]
    closes_on: Mapped[date]
    target: Mapped[int] = mapped_column(comment="per cent")
    smallest: Mapped[int] = mapped_column(comment="fewer answers are not shown")
    opened_by: Mapped[str] = mapped_column(String(100))
    opened_at: Mapped[datetime]
    closed_by: Mapped[str] = mapped_column(String(100), default="")
    closed_at: Mapped[datetime | None] = mapped_column(comment="when it was closed before its last day")
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class SurveyParticipation(Base):
    """That somebody has answered; the digest is keyed, so that the table alone tells nobody who."""

    __tablename__ = "survey_participations"
    __table_args__ = {"sqlite_with_rowid": False}
    participant_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    batch_survey_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("batch_surveys.batch_survey_id"), index=True)


class SurveyAnswer(Base):
    """What somebody answered; nothing leads to the person."""

    __tablename__ = "survey_answers"
    __table_args__ = {"sqlite_with_rowid": False}
    survey_answer_id: Mapped[uuid.UUID] = mapped_column(
        Uuid, primary_key=True, default=uuid.uuid4, comment="random, unlike other keys: it must not tell when"
    )
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    batch_survey_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("batch_surveys.batch_survey_id"), index=True)
    grades: Mapped[dict[str, Any]] = mapped_column(comment="question to grade, 5 the best")
    comment: Mapped[str] = mapped_column(Text, default="")


class SurveyHandCount(Base):
    """The counted totals of all paper forms of a survey; a later count replaces an earlier one."""

    __tablename__ = "survey_hand_counts"
    __table_args__ = (
        UniqueConstraint("batch_survey_id", "number"),
        CheckConstraint("n_forms > 0", name="n_forms_positive"),
    )
    survey_hand_count_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    batch_survey_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("batch_surveys.batch_survey_id"))
    number: Mapped[int]
    n_forms: Mapped[int]
    counts: Mapped[dict[str, Any]] = mapped_column(comment="question to counts, the best grade first")
    note: Mapped[str] = mapped_column(String(200), comment="who counted, where the forms are kept")
    entered_by: Mapped[str] = mapped_column(String(100))
    entered_at: Mapped[datetime]


make_append_only(SurveyParticipation.__table__)
make_append_only(SurveyAnswer.__table__)
make_append_only(SurveyHandCount.__table__)
