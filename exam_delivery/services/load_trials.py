"""Asking for a simulated run, and keeping what it came to. The run itself needs items and forms, so it stands above (`web`)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from exam_delivery.models import LoadTrial, SessionStatus
from exam_delivery.repository import planning
from exam_delivery.repository import readiness as repository
from exam_delivery.rules.readiness import judge_trial
from kernel import audit, profiles
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.jobs.models import OPEN, Job
from kernel.jobs.services import enqueue
from kernel.uow import UnitOfWork

TRIAL_JOB = "exam_delivery.try_load"
MOST_CANDIDATES = 2000
BEFORE_OPENING = frozenset({SessionStatus.PLANNED, SessionStatus.PREPARED})


def request_trial(uow: UnitOfWork, exam_session_id: uuid.UUID) -> Job:
    """Start a simulated run of as many made-up candidates as a session expects.

    Raises
    ------
    ConflictError
        If the session is open (the server has better to do), has no candidates, or a run is under way.
    """
    require(uow.actor, Permission.SESSION_WRITE)
    found = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    if found.status not in BEFORE_OPENING:
        raise ConflictError(N_("场次已经开放，不能再做模拟负载"))
    if repository.is_anybody_writing(uow.session):
        raise ConflictError(N_("有考生正在作答，模拟负载会影响他们，请考完再做"))
    _refuse_second(uow, exam_session_id)
    counts = planning.count_people(uow.session, [exam_session_id]).get(exam_session_id)
    if counts is None or not counts.n_admitted:
        raise ConflictError(N_("还没有考生，先导入考生再做模拟负载"))
    trial = LoadTrial(
        load_trial_id=new_id(), organisation_id=found.organisation_id, exam_session_id=exam_session_id,
        n_candidates=min(counts.n_admitted, MOST_CANDIDATES), figures={}, requested_by=uow.actor.user_id,
        requested_at=now(),
    )  # fmt: skip
    uow.add(trial)
    key = str(trial.load_trial_id)
    payload = {"load_trial_id": key, "n_candidates": trial.n_candidates, "exam_session_id": str(exam_session_id)}
    job = enqueue(uow, TRIAL_JOB, payload, title=f"模拟负载：{found.name}", unique_key=f"{TRIAL_JOB}:{key}")
    trial.job_id = job.job_id
    audit.record(uow, "load_trial.request", "exam_session", exam_session_id, after={"candidates": trial.n_candidates})
    return job


def _refuse_second(uow: UnitOfWork, exam_session_id: uuid.UUID) -> None:
    former = repository.newest_trial(uow.session, exam_session_id, actor=uow.actor)
    job = uow.session.get(Job, former.job_id) if former and former.job_id else None
    if job is not None and job.status in OPEN:
        raise ConflictError(N_("模拟负载正在进行，请到“任务”查看进度"))


def keep_trial(uow: UnitOfWork, load_trial_id: uuid.UUID, figures: Mapping[str, Any]) -> LoadTrial:
    """Keep what a run came to."""
    row = uow.session.get(LoadTrial, load_trial_id)
    if row is None or row.organisation_id != uow.actor.organisation:
        raise NotFoundError(N_("模拟负载的记录不存在"))
    row.figures, row.finished_at = dict(figures), now()
    row.is_ready = judge_trial(figures, profiles.values(uow.session, row.organisation_id))
    return row
