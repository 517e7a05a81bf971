"""Printing a form, its key and what goes with them: made by a job, kept for a while, taken by who asked."""

from __future__ import annotations

import io
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, jsonify, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from blueprints import repository
from blueprints import repository_release as stored
from blueprints.documents.page_size import PAGE_SIZES
from blueprints.models import ExamForm, FormPrint
from blueprints.rules.releases import ReleasePart
from blueprints.services import prints, releases
from blueprints.services.prints import FORMATS, LABELS, Wanted
from blueprints.services.sealing import form_title
from kernel.db import db
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.jobs import repository as job_repository
from kernel.jobs import services as job_services
from kernel.jobs.models import OPEN, Job
from kernel.uow import unit_of_work
from qbank.interchange.convert import FORMATS as ITEM_FORMATS

bp = Blueprint("form_prints", __name__, url_prefix="/forms")
P = Permission
FORMAT_LABELS = {"pdf": "PDF", "docx": "Word", "xlsx": "Excel", "json": "JSON"}
PLACES = {("scan_sheet", "json"): N_("扫描坐标 JSON"), ("package", "json"): "JSON"}
Choices = list[tuple[str, list[tuple[str, str]]]]


@dataclass(frozen=True, slots=True)
class PrintsPage:
    """What can be made of a form, what is being made, and what is there."""

    row: ExamForm
    title: str
    files: Choices
    page_sizes: list[tuple[str, str]]
    jobs: Sequence[Job]
    prints: Sequence[FormPrint]
    labels: dict[str, str]
    own: uuid.UUID | None
    sealed_key: bool
    sealed_items: bool


@bp.get("/<uuid:form_id>/prints")
@requires(P.FORM_READ)
def index(form_id: uuid.UUID) -> tuple[str, int]:
    """Show the files of a form."""
    session, actor = db.session(), current_actor()
    row = repository.get_form(session, form_id, actor=actor)
    page = PrintsPage(
        row=row, title=form_title(row), files=_files(actor), page_sizes=[(one.name, _(one.label)) for one in PAGE_SIZES.values()],
        jobs=stored.list_open_jobs(session, prints.JOB, form_id, actor=actor),
        prints=stored.list_prints(session, form_id, actor=actor), labels={key: _(label) for key, label in LABELS.items()},
        own=actor.user_id, sealed_key=_is_closed(row, ReleasePart.SCORING), sealed_items=_is_closed(row, ReleasePart.DELIVERY),
    )  # fmt: skip
    return render_page("blueprints/prints.html", page)


def _is_closed(row: ExamForm, part: ReleasePart) -> bool:
    session = db.session()
    return releases.needs_opening(session, row, part) and releases.find_opening(session, row, part) is None


def _files(actor: Actor) -> Choices:
    """Return what this person may have made, by kind."""
    kinds = [name for name in FORMATS if name != "package" or actor.may(P.FORM_SEAL)]
    return [(str(_(LABELS[name])), [(f"{name}.{fmt}", _label(name, fmt)) for fmt in FORMATS[name]]) for name in kinds]


def _label(document: str, file_format: str) -> str:
    if (document, file_format) in PLACES:
        return f"{_(LABELS[document])} · {_(PLACES[document, file_format])}"
    known = FORMAT_LABELS.get(file_format) or _(ITEM_FORMATS[file_format].label)
    return f"{_(LABELS[document])} · {known}"


@bp.post("/<uuid:form_id>/print")
@requires(P.FORM_READ)
def make(form_id: uuid.UUID) -> Response:
    """Have a file made by a job."""
    document, _dot, file_format = request.form.get("file", "").partition(".")
    wanted = Wanted(form_id, document, file_format, request.form.get("page_size", "a4"))
    with unit_of_work(current_actor()) as uow:
        prints.request_print(uow, wanted)
    return redirect_with_message(url_for("form_prints.index", form_id=form_id), _("已开始生成，完成后可以在这里下载"))


@bp.get("/<uuid:form_id>/prints/jobs/<uuid:job_id>")
@requires(P.FORM_READ)
def progress(form_id: uuid.UUID, job_id: uuid.UUID) -> Response:
    """Answer the progress poll of the page."""
    job = _job(form_id, job_id)
    body = {
        "status": job.status.value, "percent": job.progress, "text": _(job.progress_text) if job.progress_text else "",
        "is_open": job.status in OPEN, "result_url": job.result_url, "error": job.error,
    }  # fmt: skip
    return jsonify(body)


@bp.post("/<uuid:form_id>/prints/jobs/<uuid:job_id>/cancel")
@requires(P.FORM_READ)
def cancel(form_id: uuid.UUID, job_id: uuid.UUID) -> Response:
    """Ask a job of one's own to stop."""
    with unit_of_work(current_actor()) as uow:
        job_services.request_cancel(uow, _job(form_id, job_id))
    return redirect_with_message(url_for("form_prints.index", form_id=form_id), _("已请求取消，任务将在下一步停止"))


def _job(form_id: uuid.UUID, job_id: uuid.UUID) -> Job:
    actor = current_actor()
    repository.get_form(db.session(), form_id, actor=actor)
    return job_repository.get_visible_job(db.session(), job_id, actor=actor)


@bp.post("/<uuid:form_id>/prints/<uuid:form_print_id>")
@requires(P.FORM_READ)
def take(form_id: uuid.UUID, form_print_id: uuid.UUID) -> Response:
    """Answer a finished file to who asked for it; every time is recorded."""
    with unit_of_work(current_actor()) as uow:
        repository.get_form(uow.session, form_id, actor=uow.actor)
        made = prints.take_print(uow, form_print_id)
    return send_file(io.BytesIO(made.data), made.mime, as_attachment=True, download_name=made.name)
