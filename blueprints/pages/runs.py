"""Assembly runs: list, progress, outcome, ways out, taking over."""

from __future__ import annotations

import io
import string
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from flask import Blueprint, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from blueprints import repository, repository_sets
from blueprints.models import AssemblyRun, ExamForm, FormSet
from blueprints.pages import wording
from blueprints.pages.fly_outcome import FlyView, fly_form, fly_view
from blueprints.pages.outcome import FormView, OutcomeView, changes_of, outcome_view
from blueprints.rules.states import RunStatus
from blueprints.services import form_sets, kept_pools, orders, trials
from blueprints.services import runs as services
from blueprints.services.bank import scope_lines
from blueprints.services.quality import AlikePair, run_copies
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.http import Paging, current_actor, paging_from_request, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.jobs.models import OPEN, Job
from kernel.jobs.repository import get_job
from kernel.spreadsheets import TableSheet, write_table
from kernel.uow import unit_of_work
from qbank.public_writing import Assignment, list_experts

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
class TrialView:
    """A draw under relaxed rules: what was relaxed, the refused draw it came from, whether it is still to be kept."""

    run_id: uuid.UUID
    changes: list[str]
    is_unkept: bool
    may_keep: bool


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
    trial: TrialView | None
    may_commission: bool
    experts: list[tuple[str, str]]
    paging: Paging
    href: Callable[[int], str]
    fly: FlyView | None = None
    columns: Sequence[str] = ()
    single: FormView | None = None
    form_set: FormSet | None = None
    is_pool_kept: bool = False
    copies: Sequence[AlikePair] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def held_back(self) -> list[str]:
        """What kept items out of the draw."""
        return wording.held_back_lines(self.row.result or {})

    @property
    def is_held_by_place(self) -> bool:
        """Say whether a cap of a site or a region kept items out."""
        return any(place for _cap, place, _n in (self.row.result or {}).get("held_back") or ())

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
    return _run_page(run_id)


def _run_page(run_id: uuid.UUID, errors: Mapping[str, list[str]] | None = None) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    row = repository.get_run(session, run_id, actor=actor)
    labels = "" if row.is_on_the_fly else string.ascii_uppercase[: row.n_forms]
    dealt = (row.result or {}).get("dealt") or ()
    paging = paging_from_request().of(len(dealt))
    number = request.args.get("number", 0, type=int)
    columns, single = fly_form(session, actor, row, number) if 1 <= number <= len(dealt) else ((), None)
    outcome = outcome_view(session, actor, row, labels) if row.result else None
    job = get_job(session, row.job_id, actor=actor) if row.job_id and not row.result else None
    shown = request.args.get("form", "")
    is_refused = outcome is not None and outcome.conflict is not None
    page = RunPage(
        row=row, badge=wording.run_badge(row.status), job=job, is_open=job is not None and job.status in OPEN,
        outcome=outcome, shown=labels.index(shown) if shown and shown in labels else 0,
        accepted=() if row.is_on_the_fly or not row.accepted_at else repository.list_forms_of_run(session, run_id, actor=actor),
        paging=paging, href=wording.page_address("assembly_runs.detail", run_id=run_id), columns=columns, single=single,
        fly=fly_view(session, actor, row, paging) if dealt else None,
        form_set=repository_sets.set_of_run(session, run_id, actor=actor) if row.is_on_the_fly else None,
        may_accept=row.status in services.DONE and row.accepted_at is None and row.relaxation_index is None,
        trial=_trial(row), may_commission=actor.may(Permission.BLUEPRINT_WRITE),
        experts=[(str(key), name) for key, name in list_experts(session, actor)] if is_refused else [],
        is_pool_kept=kept_pools.is_kept(session, actor, row.pool_digest),
        copies=run_copies(session, actor, row) if row.result and row.accepted_at is None else (),
        values=wording.form_text(request.form), errors=errors or {},
    )  # fmt: skip
    return render_page("blueprints/run.html", page, status=422 if errors else 200)


def _trial(row: AssemblyRun) -> TrialView | None:
    if row.trial_of_id is None:
        return None
    session, actor = db.session(), current_actor()
    changes: list[str] = []
    if row.relaxation_index is not None:
        scopes = {line.code: line for line in scope_lines(session, actor, row.standard_level_id)}
        changes = changes_of(repository.get_run(session, row.trial_of_id, actor=actor), row.relaxation_index, scopes)
    is_unkept = row.relaxation_index is not None
    may_keep = is_unkept and row.status in services.DONE and actor.may(Permission.BLUEPRINT_WRITE)
    return TrialView(row.trial_of_id, changes, is_unkept, may_keep)


@bp.post("/<uuid:run_id>/accept")
@requires(Permission.FORM_ASSEMBLE)
def accept(run_id: uuid.UUID) -> Response:
    """Take the forms over as drafts."""
    name = request.form.get("name", "")
    with unit_of_work(current_actor()) as uow:
        if repository.get_run(uow.session, run_id, actor=uow.actor).is_on_the_fly:
            found = form_sets.accept_set(uow, run_id, name=name)
            address = url_for("form_sets.detail", form_set_id=found.form_set_id)
            return redirect_with_message(address, _("已采用 %(n)s 份试卷，请核对后提交审核", n=found.n_forms))
        forms = services.accept_run(uow, run_id, name=name)
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


@bp.post("/<uuid:run_id>/relaxations/<int:index>/trial")
@requires(Permission.FORM_ASSEMBLE)
def start_trial(run_id: uuid.UUID, index: int) -> Response:
    """Draw again with one of the proposed relaxations; the blueprint stays as it is."""
    with unit_of_work(current_actor()) as uow:
        run = trials.start_trial(uow, run_id, index)
    address = url_for("assembly_runs.detail", run_id=run.assembly_run_id)
    return redirect_with_message(address, _("正在按这种办法试组，蓝图没有改动"))


@bp.post("/<uuid:run_id>/keep")
@requires(Permission.BLUEPRINT_WRITE)
def keep_trial(run_id: uuid.UUID) -> Response:
    """Keep the relaxed rules of a trial as a blueprint of their own."""
    with unit_of_work(current_actor()) as uow:
        row = trials.keep_trial(uow, run_id)
    address = url_for("blueprints.detail", blueprint_id=row.exam_blueprint_id)
    return redirect_with_message(address, _("放宽后的蓝图已保存为草稿，发布后可以采用这次试组的试卷"))


@bp.post("/<uuid:run_id>/writing-task")
@requires(Permission.BLUEPRINT_WRITE)
def commission(run_id: uuid.UUID) -> tuple[str, int] | Response:
    """Ask for what is missing: an expert until a day, or the bank's editors."""
    address = url_for("assembly_runs.detail", run_id=run_id)
    try:
        assignment = _assignment(wording.form_text(request.form))
        with unit_of_work(current_actor()) as uow:
            n_items = orders.commission_order(uow, run_id, assignment)
    except InvalidInputError as exc:
        return _run_page(run_id, wording.refusal_fields(exc))
    except ConflictError as exc:
        return redirect_with_message(address, wording.refusal_text(exc), "warning")
    if assignment.expert_id:
        return redirect_with_message(address, _("已向专家下达 %(n)s 题的命题任务", n=n_items))
    return redirect_with_message(address, _("已生成 %(n)s 题的命题任务，由题库管理员下达给专家", n=n_items))


def _assignment(texts: Mapping[str, str]) -> Assignment:
    try:
        due_on = date.fromisoformat(texts["due_on"]) if texts.get("due_on") else None
        return Assignment(uuid.UUID(texts["expert"]) if texts.get("expert") else None, due_on)
    except ValueError as exc:
        message = N_("请填写截止日期，不能早于今天")
        raise InvalidInputError(message, fields={"due_on": [message]}) from exc


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
