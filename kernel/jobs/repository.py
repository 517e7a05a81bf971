"""Reading jobs."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from kernel.clock import now
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.jobs.models import OPEN, Job, JobStatus
from kernel.lists import UNORDERED, Order, ordered_by

RECENT = timedelta(days=7)


def get_job(session: Session, job_id: uuid.UUID, *, actor: Actor) -> Job:
    """Return a job inside the actor's walls or raise NotFoundError."""
    job = session.get(Job, job_id)
    if job is None or job.organisation_id != actor.organisation_id:
        raise NotFoundError(N_("任务不存在"))
    return job


def get_visible_job(session: Session, job_id: uuid.UUID, *, actor: Actor) -> Job:
    """Return a job that a person may follow: one's own, or any of the organisation for those who manage its people."""
    job = get_job(session, job_id, actor=actor)
    if job.created_by != actor.user_id and not actor.may(Permission.USER_MANAGE):
        raise NotFoundError(N_("任务不存在"))
    return job


def find_job_by_key(session: Session, unique_key: str) -> Job | None:
    """Return the job published under a key, if any."""
    return session.scalar(select(Job).where(Job.unique_key == unique_key))


def lock_job(session: Session, job_id: uuid.UUID) -> Job | None:
    """Return a job locked for the rest of the transaction."""
    query = select(Job).where(Job.job_id == job_id).with_for_update()
    return session.scalar(query.execution_options(populate_existing=True))


ORDERS: dict[str, Any] = {
    "title": Job.title, "status": Job.status, "progress": Job.progress, "created": Job.created_at,
    "finished": Job.finished_at,
}  # fmt: skip


def list_jobs(
    session: Session,
    *,
    actor: Actor,
    status: JobStatus | None = None,
    order: Order = UNORDERED,
    page: int = 1,
    per_page: int = 30,
) -> tuple[Sequence[Job], int]:
    """Return one page of the jobs that a person may follow, newest first unless another order is asked for, and the total."""
    query = select(Job).where(Job.organisation_id == actor.organisation_id)
    if not actor.may(Permission.USER_MANAGE):
        query = query.where(Job.created_by == actor.user_id)
    if status is not None:
        query = query.where(Job.status == status)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    by = ordered_by(order, ORDERS, [Job.created_at.desc()], Job.job_id)
    return session.scalars(query.order_by(*by).limit(per_page).offset((page - 1) * per_page)).all(), total


def list_own_jobs(session: Session, *, actor: Actor, limit: int = 5) -> Sequence[Job]:
    """Return the newest jobs that this person started."""
    query = select(Job).where(Job.organisation_id == actor.organisation_id, Job.created_by == actor.user_id)
    return session.scalars(query.order_by(Job.created_at.desc()).limit(limit)).all()


def count_open_jobs(session: Session, *, actor: Actor) -> int:
    """Return how many of the organisation's jobs wait or run."""
    query = select(func.count()).where(Job.organisation_id == actor.organisation_id, Job.status.in_(OPEN))
    return session.scalar(query) or 0


def list_waiting_ids(session: Session, *, limit: int = 500) -> list[uuid.UUID]:
    """Return jobs that nobody has taken up yet, oldest first."""
    query = select(Job.job_id).where(Job.status == JobStatus.WAITING).order_by(Job.created_at).limit(limit)
    return list(session.scalars(query))


def count_by_status(session: Session) -> dict[JobStatus, int]:
    """Return how many jobs of the whole installation stand where."""
    rows = session.execute(select(Job.status, func.count()).group_by(Job.status))
    return {status: n_jobs for status, n_jobs in rows}  # noqa: C416 - dict() does not know a row for a pair


def oldest_waiting(session: Session) -> datetime | None:
    """Return since when the longest waiting job waits."""
    return session.scalar(select(func.min(Job.created_at)).where(Job.status == JobStatus.WAITING))


def find_jobs_by_title(session: Session, text: str, *, actor: Actor, limit: int = 10) -> Sequence[Job]:
    """Return the organisation's newest jobs whose title holds a text."""
    query = select(Job).where(Job.organisation_id == actor.organisation_id, Job.title.contains(text, autoescape=True))
    return session.scalars(query.order_by(Job.created_at.desc()).limit(limit)).all()


def count_recent_failures(session: Session, *, actor: Actor) -> int:
    """Return how many jobs that the actor started failed within a week and were not tried again since."""
    again = aliased(Job)
    is_superseded = (
        select(again.job_id)
        .where(again.created_by == Job.created_by, again.name == Job.name, again.title == Job.title)
        .where(again.created_at > Job.created_at)
        .exists()
    )
    query = select(func.count()).where(
        Job.created_by == actor.user_id,
        Job.status == JobStatus.FAILED,
        Job.finished_at > now() - RECENT,
        ~is_superseded,
    )
    return session.scalar(query) or 0
