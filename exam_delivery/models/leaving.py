"""Leaving the exam page: what the page noticed, apart from answers."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from exam_delivery.models.attempts import KEPT_BY_KEY
from kernel.audit.models import make_append_only
from kernel.db import Base


class LeaveEvent(Base):
    """One time that a candidate left the exam page; only ever added."""

    __tablename__ = "leave_events"
    __table_args__ = KEPT_BY_KEY
    attempt_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("attempts.attempt_id"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(20), comment="hidden, blurred or not full screen")
    seconds: Mapped[int] = mapped_column(comment="how long, as the page measured it")
    client_time: Mapped[str] = mapped_column(String(40), default="")
    received_at: Mapped[datetime]
    generation: Mapped[int] = mapped_column(default=0)


make_append_only(LeaveEvent.__table__)
