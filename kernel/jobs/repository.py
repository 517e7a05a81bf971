"""Reading jobs."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.jobs.models import OPEN, Job, JobStatus


def get_job(session: Session, job_id: uuid.UUID, *, actor: Actor) -> Job:
    """Return a job inside the actor's walls or raise NotFoundError."""
    job = session.get(Job, job_id)
    if job is None or job.organisation_id != actor.organisation_id:
        raise NotFoundError(N_("任务不存在"))
    return job


def find_job_by_key(session: Session, unique_key: str) -> Job | None:
    """Return the job published under a key, if any."""
    return session.scalar(select(Job).where(Job.unique_key == unique_key))


def lock_job(session: Session, job_id: uuid.UUID) -> Job | None:
    """Return a job locked for the rest of the transaction."""
    query = select(Job).where(Job.job_id == job_id).with_for_update()
    return session.scalar(query.execution_options(populate_existing=True))


def list_jobs(session: Session, *, actor: Actor, page: int = 1, per_page: int = 30) -> tuple[Sequence[Job], int]:
    """Return one page of the organisation's jobs, newest first, and the total."""
    query = select(Job).where(Job.organisation_id == actor.organisation_id)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = session.scalars(query.order_by(Job.created_at.desc()).limit(per_page).offset((page - 1) * per_page)).all()
    return rows, total


def count_open_jobs(session: Session, *, actor: Actor) -> int:
    """Return how many of the organisation's jobs wait or run."""
    query = select(func.count()).where(Job.organisation_id == actor.organisation_id, Job.status.in_(OPEN))
    return session.scalar(query) or 0


def list_waiting_ids(session: Session, *, limit: int = 500) -> list[uuid.UUID]:
    """Return jobs that nobody has taken up yet, oldest first."""
    query = select(Job.job_id).where(Job.status == JobStatus.WAITING).order_by(Job.created_at).limit(limit)
    return list(session.scalars(query))
