"""The job table, which is also the outbox."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, UuidPk


class JobStatus(enum.StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = frozenset({JobStatus.WAITING, JobStatus.RUNNING})


class Job(Base):
    """One piece of work: its name finds the handler, `payload` is JSON, `unique_key` makes publishing it twice harmless."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_status_created_at", "status", "created_at"),
        Index("ix_jobs_organisation_id_created_at", "organisation_id", "created_at"),
    )
    job_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID | None]
    created_by: Mapped[uuid.UUID | None]
    name: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(200))
    payload: Mapped[dict[str, Any]]
    unique_key: Mapped[str | None] = mapped_column(String(160), unique=True)
    status: Mapped[JobStatus] = mapped_column(default=JobStatus.WAITING)
    progress: Mapped[int] = mapped_column(default=0, comment="0 to 100")
    progress_text: Mapped[str] = mapped_column(String(200), default="")
    result: Mapped[dict[str, Any] | None]
    result_url: Mapped[str | None] = mapped_column(String(300))
    error: Mapped[str | None] = mapped_column(Text)
    is_cancel_requested: Mapped[bool] = mapped_column(default=False)
    n_attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class WorkerHeartbeat(Base):
    """The last sign of life of a worker process."""

    __tablename__ = "worker_heartbeats"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]
    process_id: Mapped[int]
