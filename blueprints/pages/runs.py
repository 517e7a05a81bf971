"""Assembly runs: list, progress, outcome, ways out, taking over."""

from __future__ import annotations

import io
import string
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Blueprint, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from blueprints import repository
from blueprints.models import AssemblyRun, ExamForm
from blueprints.pages import wording
from blueprints.pages.outcome import OutcomeView, outcome_view
from blueprints.rules.states import RunStatus
from blueprints.services import orders
from blueprints.services import runs as services
from kernel.db import db
from kernel.errors import ConflictError, NotFoundError
from kernel.http import Paging, current_actor, paging_from_request, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.jobs.models import OPEN, Job
from kernel.jobs.repository import get_job
from kernel.spreadsheets import TableSheet, write_table
from kernel.uow import unit_of_work

bp = Blueprint("assembly_runs", __name__, url_prefix="/assembly-runs")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class RunListPage:
    """Runs, newest first."""

    rows: Sequence[AssemblyRun]
    paging: Paging
    href: Callable[[int], str]
    badge: Callable[[RunStatus], wording.Badge]


@dataclass(frozen=True, slots=True)
class RunPage:
    """One run: progress while it works, then its outcome."""

    row: AssemblyRun
    badge: wording.Badge
    job: Job | None
    is_open: bool
    outcome: OutcomeView | None
    shown: int
    accepted: Sequence[ExamForm]
    may_accept: bool

    @property
    def gap_text(self) -> str:
        """The distance from the proven bound."""
        gap = (self.row.result or {}).get("gap")
        return "–" if gap is None else f"{100 * gap:.2f}%"


@bp.get("/")
@requires(Permission.FORM_ASSEMBLE)
def index() -> tuple[str, int]:
    """List runs."""
    paging = paging_from_request()
    rows, total = repository.list_runs(db.session(), actor=current_actor(), offset=paging.offset, limit=paging.per_page)
    page = RunListPage(rows, paging.of(total), wording.page_address("assembly_runs.index"), wording.run_badge)
    return render_page("blueprints/runs.html", page)


@bp.get("/<uuid:run_id>")
@requires(Permission.FORM_ASSEMBLE)
def detail(run_id: uuid.UUID) -> tuple[str, int]:
    """Show one run."""
    session, actor = db.session(), current_actor()
    row = repository.get_run(session, run_id, actor=actor)
    labels = string.ascii_uppercase[: row.n_forms]
    outcome = outcome_view(session, actor, row, labels) if row.result else None
    job = get_job(session, row.job_id, actor=actor) if row.job_id and not row.result else None
    shown = request.args.get("form", "")
    page = RunPage(
        row=row, badge=wording.run_badge(row.status), job=job, is_open=job is not None and job.status in OPEN,
        outcome=outcome, shown=labels.index(shown) if shown and shown in labels else 0,
        accepted=repository.list_forms_of_run(session, run_id, actor=actor) if row.accepted_at else (),
        may_accept=row.status in services.DONE and row.accepted_at is None,
    )  # fmt: skip
    return render_page("blueprints/run.html", page)


@bp.post("/<uuid:run_id>/accept")
@requires(Permission.FORM_ASSEMBLE)
def accept(run_id: uuid.UUID) -> Response:
    """Take the forms over as drafts."""
    with unit_of_work(current_actor()) as uow:
        forms = services.accept_run(uow, run_id, name=request.form.get("name", ""))
    message = _("已采用 %(n)s 份试卷，请核对后提交审核", n=len(forms))
    return redirect_with_message(url_for("assembly_runs.detail", run_id=run_id), message)


@bp.post("/<uuid:run_id>/relaxations/<int:index>")
@requires(Permission.BLUEPRINT_WRITE)
def relax(run_id: uuid.UUID, index: int) -> Response:
    """Copy the blueprint with one of the proposed relaxations."""
    with unit_of_work(current_actor()) as uow:
        row = services.try_relaxation(uow, run_id, index)
    address = url_for("blueprints.detail", blueprint_id=row.exam_blueprint_id)
    return redirect_with_message(address, _("已按这种办法复制蓝图，可以直接试组"))


@bp.post("/<uuid:run_id>/writing-task")
@requires(Permission.BLUEPRINT_WRITE)
def commission(run_id: uuid.UUID) -> Response:
    """Ask the bank's editors for what is missing."""
    address = url_for("assembly_runs.detail", run_id=run_id)
    try:
        with unit_of_work(current_actor()) as uow:
            n_items = orders.commission_order(uow, run_id)
    except ConflictError as exc:
        return redirect_with_message(address, _(exc.template) % exc.context, "warning")
    message = _("已生成 %(n)s 题的命题任务，由题库管理员下达给专家", n=n_items)
    return redirect_with_message(address, message)


@bp.get("/<uuid:run_id>/writing-order.xlsx")
@requires(Permission.FORM_ASSEMBLE)
def writing_order(run_id: uuid.UUID) -> Response:
    """Answer the items still to be written as a sheet."""
    session, actor = db.session(), current_actor()
    row = repository.get_run(session, run_id, actor=actor)
    outcome = outcome_view(session, actor, row, "") if row.result else None
    if outcome is None or outcome.conflict is None:
        raise NotFoundError(N_("这次组卷没有命题任务"))
    header = [_("鉴定点"), _("重要程度"), _("题型"), _("难度"), _("题数")]
    rows = [
        [
            _("%(point)s（新）", point=t["point"]) if t["is_new"] else t["point"],
            t["importance"],
            t["type"],
            t["difficulty"],
            t["count"],
        ]
        for t in outcome.conflict.tasks
    ]
    sheet = TableSheet(_("命题任务"), header, rows, title=_("%(name)s 命题任务", name=row.blueprint_name))
    name = f"writing-order-{run_id}.xlsx"
    return send_file(io.BytesIO(write_table([sheet])), XLSX, as_attachment=True, download_name=name)
