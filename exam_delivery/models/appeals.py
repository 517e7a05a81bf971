"""Requests for a score check or an appeal, and everything that happened to them."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exam_delivery.rules.appeals import Remedy, RequestKind, RequestOutcome, RequestState, RequestSubject
from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk, named_enum


class ScoreReviewRequest(Base):
    """复核申请: one request about one registration; a later round names the earlier one."""

    __tablename__ = "score_review_requests"
    __table_args__ = (
        UniqueConstraint("organisation_id", "code"),
        CheckConstraint("(outcome IS NULL) = (concluded_at IS NULL)", name="concluded_has_time"),
        Index("ix_score_review_requests_organisation_id_state", "organisation_id", "state"),
        Index("ix_score_review_requests_exam_batch_id_state", "exam_batch_id", "state"),
    )
    score_review_request_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    code: Mapped[str] = mapped_column(String(20))
    exam_batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_batches.exam_batch_id"))
    registration_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("registrations.registration_id"), index=True)
    kind: Mapped[RequestKind]
    subject: Mapped[RequestSubject]
    slots: Mapped[list[Any]] = mapped_column(comment="slots that the candidate doubts")
    round: Mapped[int]
    statement: Mapped[str] = mapped_column(Text)
    filed_on: Mapped[date]
    filing_deadline: Mapped[date]
    is_late: Mapped[bool]
    letter_name: Mapped[str] = mapped_column(String(200), default="")
    letter_ciphertext: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    state: Mapped[RequestState] = mapped_column(default=RequestState.FILED)
    entered_by: Mapped[uuid.UUID | None]
    entered_by_name: Mapped[str] = mapped_column(String(100))
    entered_at: Mapped[datetime]
    accepted_on: Mapped[date | None]
    answer_deadline: Mapped[date | None]
    reviewer_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    reviewer_name: Mapped[str] = mapped_column(String(100), default="")
    outcome: Mapped[RequestOutcome | None]
    remedy: Mapped[Remedy] = mapped_column(default=Remedy.NONE)
    marks: Mapped[dict[str, Any] | None] = mapped_column(
        JSON(none_as_null=True), comment="marks by slot that the reviewer gives; they count when the request is closed"
    )
    finding: Mapped[str] = mapped_column(Text, default="", comment="the reviewer's reasons")
    concluded_at: Mapped[datetime | None]
    key_change_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("key_changes.key_change_id"))
    result_ruling_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("result_rulings.result_ruling_id"), comment="the ruling that the request is about"
    )
    score_before: Mapped[Decimal | None]
    score_after: Mapped[Decimal | None]
    closed_by: Mapped[uuid.UUID | None]
    closed_by_name: Mapped[str] = mapped_column(String(100), default="")
    closed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class ScoreReviewEvent(Base):
    """Something that happened to a request: what, by whom, when and why; only ever added."""

    __tablename__ = "score_review_events"
    __table_args__ = (UniqueConstraint("request_id", "number"),)
    score_review_event_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("score_review_requests.score_review_request_id"))
    number: Mapped[int]
    after: Mapped[RequestState] = mapped_column(named_enum(RequestState, "requeststate_after"))
    text: Mapped[str] = mapped_column(Text, default="")
    actor_id: Mapped[uuid.UUID | None]
    actor_name: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime]


class ScoreReviewFile(Base):
    """证明材料: a picture or PDF that the candidate adds to a request; pictures re-encoded, all encrypted."""

    __tablename__ = "score_review_files"
    __table_args__ = (UniqueConstraint("request_id", "number"),)
    score_review_file_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    request_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("score_review_requests.score_review_request_id"))
    number: Mapped[int]
    file_name: Mapped[str] = mapped_column(String(120))
    digest: Mapped[str] = mapped_column(String(64), comment="of the file as it is kept")
    n_bytes: Mapped[int]
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    added_at: Mapped[datetime]


make_append_only(ScoreReviewEvent.__table__)
