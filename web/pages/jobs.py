"""Long work as people see it: list, progress, cancel, retry."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, jsonify, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from kernel.db import db
from kernel.http import Paging, current_actor, paging_from_request, redirect_with_message, render_page, requires
from kernel.http.lists import EVERYTHING, Listing, begin_with_view, open_list, send_list
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.jobs import repository, services
from kernel.jobs.models import OPEN, Job, JobStatus
from kernel.lists import Column, ListDescription, Order, declare_list
from kernel.uow import unit_of_work
from web.filters import stored_text

bp = Blueprint("jobs", __name__, url_prefix="/jobs")

STATUS_LABELS = {
    JobStatus.WAITING: N_("等待中"),
    JobStatus.RUNNING: N_("进行中"),
    JobStatus.DONE: N_("已完成"),
    JobStatus.FAILED: N_("失败"),
    JobStatus.CANCELLED: N_("已取消"),
}


LIST: ListDescription[Job] = declare_list(
    ListDescription(
        key="jobs",
        title=N_("任务"),
        columns=(
            Column("title", N_("任务"), lambda job: job.title, is_fixed=True, is_sortable=True),
            Column("status", N_("状态"), lambda job: str(_(STATUS_LABELS[job.status])), is_sortable=True),
            Column("progress", N_("进度"), lambda job: f"{job.progress}%", is_numeric=True, is_sortable=True),
            Column("created", N_("开始"), lambda job: job.created_at, is_sortable=True),
            Column("finished", N_("结束"), lambda job: job.finished_at, is_default=False, is_sortable=True),
            Column("attempts", N_("执行次数"), lambda job: job.n_attempts, is_default=False, is_numeric=True),
        ),
        filters=("status",),
        readers=(Permission.JOB_READ,),
        sharers=(Permission.USER_MANAGE,),
        order=Order("created", is_descending=True),
    )
)


@dataclass(frozen=True, slots=True)
class JobListPage:
    """The organisation's jobs, newest first."""

    listing: Listing[Job]
    status: str
    jobs: Sequence[Job]
    paging: Paging
    labels: dict[JobStatus, str]


@dataclass(frozen=True, slots=True)
class JobPage:
    """One job with its progress."""

    job: Job
    label: str
    is_open: bool


@bp.get("/")
@requires(Permission.JOB_READ)
def index() -> tuple[str, int] | Response:
    """List jobs."""
    listing, paging = open_list(LIST), paging_from_request()
    if away := begin_with_view(listing):
        return away
    jobs, total = _jobs(db.session(), listing, paging)
    labels = {status: _(label) for status, label in STATUS_LABELS.items()}
    status = request.args.get("status", "")
    return render_page("jobs/list.html", JobListPage(listing, status, jobs, paging.of(total), labels))


def _jobs(session: Session, listing: Listing[Job], paging: Paging) -> tuple[Sequence[Job], int]:
    wanted = request.args.get("status", "")
    return repository.list_jobs(
        session, actor=current_actor(), status=JobStatus(wanted) if wanted in set(JobStatus) else None,
        order=listing.order, page=paging.page, per_page=paging.per_page,
    )  # fmt: skip


@bp.post("/shown")
@requires(Permission.JOB_READ)
def export_shown() -> Response:
    """Download the jobs with the columns, filter and order that are shown."""
    listing = open_list(LIST)
    return send_list(listing, lambda: _jobs(db.session(), listing, EVERYTHING), {})


@bp.get("/<uuid:job_id>")
@requires(Permission.JOB_READ)
def detail(job_id: uuid.UUID) -> tuple[str, int]:
    """Show one job."""
    job = repository.get_visible_job(db.session(), job_id, actor=current_actor())
    return render_page("jobs/detail.html", JobPage(job, _(STATUS_LABELS[job.status]), job.status in OPEN))


@bp.get("/<uuid:job_id>/progress")
@requires(Permission.JOB_READ)
def progress(job_id: uuid.UUID) -> Response:
    """Answer the progress poll of a page."""
    job = repository.get_visible_job(db.session(), job_id, actor=current_actor())
    return jsonify(
        {
            "status": job.status.value,
            "label": _(STATUS_LABELS[job.status]),
            "percent": job.progress,
            "text": stored_text(job.progress_text),
            "is_open": job.status in OPEN,
            "result_url": job.result_url,
            "error": stored_text(job.error),
        }
    )


@bp.post("/<uuid:job_id>/cancel")
@requires(Permission.JOB_READ)
def cancel(job_id: uuid.UUID) -> Response:
    """Ask a job to stop."""
    with unit_of_work(current_actor()) as uow:
        services.request_cancel(uow, repository.get_visible_job(uow.session, job_id, actor=uow.actor))
    return redirect_with_message(url_for("jobs.detail", job_id=job_id), _("已请求取消，任务将在下一步停止"))


@bp.post("/<uuid:job_id>/retry")
@requires(Permission.JOB_READ)
def retry(job_id: uuid.UUID) -> Response:
    """Run a failed job again."""
    with unit_of_work(current_actor()) as uow:
        fresh = services.retry(uow, repository.get_visible_job(uow.session, job_id, actor=uow.actor))
    return redirect_with_message(url_for("jobs.detail", job_id=fresh.job_id), _("任务已重新排队"))
