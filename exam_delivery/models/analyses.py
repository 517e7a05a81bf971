"""What the figures of a session said when they were computed; each run adds a row and none is changed."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk


class SessionAnalysis(Base):
    """Item and test figures of one form of a session, or of the forms of one set: then `form_id` is the set's key."""

    __tablename__ = "session_analyses"
    __table_args__ = (
        UniqueConstraint("exam_session_id", "form_id", "number"),
        CheckConstraint("n_candidates >= 0", name="n_candidates_not_negative"),
    )
    session_analysis_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"), index=True)
    exam_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_sessions.exam_session_id"))
    form_id: Mapped[uuid.UUID]
    number: Mapped[int]
    n_candidates: Mapped[int]
    report: Mapped[dict[str, Any]] = mapped_column(
        comment="figures without personal data, as kaoku analyse writes them"
    )
    computed_at: Mapped[datetime]


make_append_only(SessionAnalysis.__table__)
