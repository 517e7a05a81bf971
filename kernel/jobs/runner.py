"""Running one job to its end, whatever happens: done, failed with a message, cancelled, or left for another try."""

from __future__ import annotations

import uuid

import structlog
from sqlalchemy.exc import DBAPIError

from kernel.db import db
from kernel.errors import ConflictError, DomainError
from kernel.i18n import N_
from kernel.identity.actor import Actor, system_actor
from kernel.identity.models import User
from kernel.identity.services import actor_of_user
from kernel.jobs import services
from kernel.jobs.models import Job, JobStatus
from kernel.jobs.registry import JobCancelledError, JobContext, find_handler
from kernel.uow import unit_of_work

log = structlog.get_logger()
UNEXPECTED = N_("任务出现意外错误，数据没有改变。请把任务编号告诉管理员，或稍后重试。")


def run_job(job_id: uuid.UUID) -> JobStatus:
    """Run a job inside an application context and return how it ended.

    Running it again after its end changes nothing. A broken database connection or a lost race leaves the job open and is
    raised, so that the queue tries again.
    """
    with unit_of_work(system_actor()) as uow:
        job = services.begin_run(uow, job_id)
    if job is None:
        return JobStatus.DONE
    try:
        find_handler(job.name)(JobContext(job_id, _actor_of(job), job.payload))
    except services.AlreadyDoneError:
        return JobStatus.DONE
    except JobCancelledError:
        return _end(job_id, "", JobStatus.CANCELLED)
    except (DBAPIError, ConflictError):
        raise
    except DomainError as exc:
        return _end(job_id, exc.message, JobStatus.FAILED)
    except Exception as exc:
        log.error("job_failed", job_id=str(job_id), name=job.name, exc_info=exc)
        return _end(job_id, UNEXPECTED, JobStatus.FAILED)
    return _check_finished(job_id)


def give_up(job_id: uuid.UUID) -> None:
    """Mark a job as failed after the queue's last try."""
    _end(job_id, UNEXPECTED, JobStatus.FAILED)


def _actor_of(job: Job) -> Actor:
    """Return the person who started the job, with what this person may do now; the system for jobs of the system."""
    user = db.session.get(User, job.created_by) if job.created_by else None
    return actor_of_user(user, request_id=f"job-{job.job_id.hex[:24]}") if user else system_actor(job.organisation_id)


def _end(job_id: uuid.UUID, message: str, status: JobStatus) -> JobStatus:
    with unit_of_work(system_actor()) as uow:
        services.mark_failed(uow, job_id, message, status=status)
    return status


def _check_finished(job_id: uuid.UUID) -> JobStatus:
    """A handler that returns without its effect is a mistake in the program, and is shown as one."""
    db.session.expire_all()
    job = db.session.get(Job, job_id)
    if job is None or job.status is JobStatus.DONE:
        return JobStatus.DONE
    log.error("job_without_effect", job_id=str(job_id), name=job.name)
    return _end(job_id, UNEXPECTED, JobStatus.FAILED)
