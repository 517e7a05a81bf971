"""Writing jobs: publishing, progress, outcome."""

from __future__ import annotations

import uuid
from typing import Any

from kernel.clock import now
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.jobs import repository
from kernel.jobs.models import OPEN, Job, JobStatus
from kernel.uow import UnitOfWork


class AlreadyDoneError(Exception):
    """The job's effect has already happened; a second run must not repeat it."""


def enqueue(
    uow: UnitOfWork, name: str, payload: dict[str, Any], *, title: str = "", unique_key: str | None = None
) -> Job:
    """Publish a job in the caller's transaction; the same `unique_key` again returns the first job."""
    if unique_key and (found := repository.find_job_by_key(uow.session, unique_key)):
        return found
    job = Job(
        organisation_id=uow.actor.organisation_id,
        created_by=uow.actor.user_id,
        name=name,
        title=title or name,
        payload=payload,
        unique_key=unique_key,
        status=JobStatus.WAITING,
        created_at=now(),
    )
    uow.add(job)
    uow.flush()  # callers show the job's page by its key
    return job


def begin_run(uow: UnitOfWork, job_id: uuid.UUID) -> Job | None:
    """Mark a job as running and return it; None when it is over already."""
    job = repository.lock_job(uow.session, job_id)
    if job is None or job.status not in OPEN:
        return None
    job.status = JobStatus.RUNNING
    job.n_attempts += 1
    job.started_at = job.started_at or now()
    return job


def note_progress(uow: UnitOfWork, job_id: uuid.UUID, percent: int, text: str) -> bool:
    """Store progress; return whether somebody asked to cancel."""
    job = repository.lock_job(uow.session, job_id)
    if job is None or job.status is not JobStatus.RUNNING:
        return True
    job.progress, job.progress_text = max(0, min(100, percent)), text[:200]
    return job.is_cancel_requested


def begin_effect(uow: UnitOfWork, job_id: uuid.UUID) -> None:
    """Lock the job for the effect; raises AlreadyDoneError when the effect has happened."""
    job = repository.lock_job(uow.session, job_id)
    if job is None or job.status not in OPEN:
        raise AlreadyDoneError(str(job_id))


def mark_done(uow: UnitOfWork, job_id: uuid.UUID, result: dict[str, Any], *, result_url: str | None = None) -> None:
    """Mark a job done in the transaction of its effect."""
    job = repository.lock_job(uow.session, job_id)
    if job is None:
        raise AlreadyDoneError(str(job_id))
    job.status, job.progress, job.finished_at = JobStatus.DONE, 100, now()
    job.result = result
    job.result_url = result_url or job.result_url


def mark_failed(uow: UnitOfWork, job_id: uuid.UUID, error: str, *, status: JobStatus = JobStatus.FAILED) -> None:
    """Mark a job as failed or cancelled, with a message for people."""
    job = repository.lock_job(uow.session, job_id)
    if job is not None and job.status in OPEN:
        job.status, job.error, job.finished_at = status, error[:2000], now()


def request_cancel(uow: UnitOfWork, job: Job) -> None:
    """Ask a job to stop at its next progress report; one that still waits is cancelled at once."""
    if job.status not in OPEN:
        raise ConflictError(N_("任务已结束，无法取消"))
    job.is_cancel_requested = True
    if job.status is JobStatus.WAITING:
        mark_failed(uow, job.job_id, "", status=JobStatus.CANCELLED)


def retry(uow: UnitOfWork, job: Job) -> Job:
    """Publish a failed job again as a new one."""
    if job.status not in {JobStatus.FAILED, JobStatus.CANCELLED}:
        raise ConflictError(N_("只有失败或已取消的任务可以重试"))
    return enqueue(uow, job.name, dict(job.payload), title=job.title)
