"""Rosters that the reviewing centre gave back as files, between preview and decision."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, UuidPk


class AnswerFileStatus(enum.StrEnum):
    """Where an uploaded answer of the centre stands."""

    PREVIEWED = "previewed"
    APPLIED = "applied"
    DISCARDED = "discarded"


class RosterAnswerFile(Base):
    """退回名册文件: a roster as it came back; the file is encrypted and leaves with the decision, its digest stays."""

    __tablename__ = "roster_answer_files"
    __table_args__ = (Index("ix_roster_answer_files_roster_submission_id_status", "roster_submission_id", "status"),)
    roster_answer_file_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    roster_submission_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("roster_submissions.roster_submission_id"))
    file_name: Mapped[str] = mapped_column(String(200))
    content_digest: Mapped[str] = mapped_column(String(64))
    ciphertext: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    status: Mapped[AnswerFileStatus] = mapped_column(default=AnswerFileStatus.PREVIEWED)
    n_rows: Mapped[int]
    n_returned: Mapped[int] = mapped_column(comment="fields that the file sends back")
    n_differences: Mapped[int] = mapped_column(comment="cells that differ from what was sent")
    uploaded_by: Mapped[str] = mapped_column(String(100))
    uploaded_at: Mapped[datetime]
    settled_by: Mapped[str] = mapped_column(String(100), default="")
    settled_at: Mapped[datetime | None]
