"""Examination plans in the browser: list, one plan beside what became of it, filing, closing, printing."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, request, send_file, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from exam_delivery.models import ExamPlan, ExamPlanAmendment, PlanStatus
from exam_delivery.pages import reading
from exam_delivery.repository import plans as repository
from exam_delivery.repository.plans import PlanCounts
from exam_delivery.rules.plans import AMENDMENT_LABELS, PlanDraft, period_name
from exam_delivery.services import plan_documents, plans
from exam_delivery.services.plan_progress import PlanProgress, find_progress
from exam_delivery.services.plans import READERS, Filing
from kernel.clock import today
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import Paging, current_actor, paging_from_request, redirect_with_message, render_page, requires
from kernel.http.lists import EVERYTHING, Listing, begin_with_view, open_list, send_list
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.lists import Column, ListDescription, declare_list
from kernel.uow import unit_of_work

bp = Blueprint("exam_plans", __name__, url_prefix="/exam-plans")
Page = tuple[str, int]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A plan as a row."""

    plan: ExamPlan
    counts: PlanCounts

    @property
    def period(self) -> str:
        """Its period in words."""
        return _period(self.plan)

    @property
    def state(self) -> tuple[str, str]:
        """Its state as text and kind."""
        return plan_badge(self.plan.status)


LIST: ListDescription[PlanLine] = declare_list(
    ListDescription(
        key="plans",
        title=N_("考试计划"),
        columns=(
            Column("title", N_("计划"), lambda line: line.plan.title, is_fixed=True, is_sortable=True),
            Column("period", N_("周期"), lambda line: line.period),
            Column("starts", N_("开始日期"), lambda line: line.plan.starts_on, is_default=False, is_sortable=True),
            Column("ends", N_("结束日期"), lambda line: line.plan.ends_on, is_default=False, is_sortable=True),
            Column("filing", N_("备案编号"), lambda line: line.plan.filing_number, is_sortable=True),
            Column("filed", N_("备案日期"), lambda line: line.plan.filed_on, is_default=False, is_sortable=True),
            Column("lines", N_("计划行"), lambda line: line.counts.n_lines, is_numeric=True),
            Column("people", N_("计划人数"), lambda line: line.counts.n_planned, is_numeric=True),
            Column("batches", N_("批次"), lambda line: line.counts.n_batches, is_numeric=True),
            Column("status", N_("状态"), lambda line: line.state[0], is_sortable=True),
        ),
        filters=("q", "status"),
        readers=READERS,
        sharers=(Permission.SESSION_WRITE,),
    )
)


@dataclass(frozen=True, slots=True)
class PlanListPage:
    """Plans, latest period first."""

    listing: Listing[PlanLine]
    lines: Sequence[PlanLine]
    q: str
    status: str
    statuses: Sequence[tuple[str, str]]
    paging: Paging
    href: Callable[[int], str]
    may_write: bool


@dataclass(frozen=True, slots=True)
class PlanFormPage:
    """The form of a plan's head."""

    plan: ExamPlan | None
    values: PlanDraft
    errors: Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class PlanPage:
    """One plan: planned beside what became of it, how it was filed, what was amended."""

    plan: ExamPlan
    progress: PlanProgress
    amendments: Sequence[ExamPlanAmendment]
    kinds: Mapping[str, str]
    badge: tuple[str, str]
    period: str
    filing: Filing
    errors: Mapping[str, list[str]]
    may_write: bool
    may_open_batches: bool


def plan_badge(status: PlanStatus) -> tuple[str, str]:
    """Return text and kind of a plan's state."""
    return {
        PlanStatus.DRAFT: (_("草稿"), "neutral"),
        PlanStatus.FILED: (_("已备案"), "success"),
        PlanStatus.CLOSED: (_("已结束"), "info"),
    }[status]


def _period(plan: ExamPlan) -> str:
    return reading.translated(*period_name(plan.starts_on, plan.ends_on))


@bp.get("/")
@requires(*READERS)
def index() -> Page | Response:
    """List plans."""
    listing, paging = open_list(LIST), paging_from_request()
    if away := begin_with_view(listing):
        return away
    lines, total = _lines(db.session(), listing, paging)
    page = PlanListPage(
        listing=listing, lines=lines, q=request.args.get("q", "").strip(), status=_wanted_status() or "",
        statuses=[(one.value, plan_badge(one)[0]) for one in PlanStatus], paging=paging.of(total),
        href=reading.page_link("exam_plans.index"), may_write=current_actor().may(Permission.SESSION_WRITE),
    )  # fmt: skip
    return render_page("exam_delivery/plans/list.html", page)


def _wanted_status() -> PlanStatus | None:
    wanted = request.args.get("status", "")
    return PlanStatus(wanted) if wanted in set(PlanStatus) else None


def _lines(session: Session, listing: Listing[PlanLine], paging: Paging) -> tuple[list[PlanLine], int]:
    rows, total = repository.list_plans(
        session, actor=current_actor(), text=request.args.get("q", "").strip(), status=_wanted_status(),
        order=listing.order, page=paging.page, per_page=paging.per_page,
    )  # fmt: skip
    counts = repository.count_plans(session, [row.exam_plan_id for row in rows])
    return [PlanLine(row, counts[row.exam_plan_id]) for row in rows], total


@bp.post("/shown")
@requires(*READERS)
def export_shown() -> Response:
    """Download the plans with the columns, filters and order that are shown."""
    listing = open_list(LIST)
    return send_list(listing, lambda: _lines(db.session(), listing, EVERYTHING), {})


def _form(plan: ExamPlan | None, values: PlanDraft, errors: Mapping[str, list[str]]) -> Page:
    page = PlanFormPage(plan, values, errors)
    return render_page("exam_delivery/plans/form.html", page, status=422 if errors else 200)


def _draft() -> PlanDraft:
    return PlanDraft(reading.text("title"), reading.date("starts_on"), reading.date("ends_on"), reading.text("note"))


@bp.get("/new")
@requires(Permission.SESSION_WRITE)
def new() -> Page:
    """Show the form of a new plan: the next year from October on, else the present one."""
    year = today().year + (today().month >= 10)
    first = today().replace(year=year, month=1, day=1)
    return _form(None, PlanDraft(_("%(year)s 年度考试计划", year=year), first, first.replace(month=12, day=31)), {})


@bp.post("/new")
@requires(Permission.SESSION_WRITE)
def create() -> Page | Response:
    """Create a plan."""
    draft = _draft()
    try:
        with unit_of_work(current_actor()) as uow:
            plan = plans.create_plan(uow, draft)
    except InvalidInputError as exc:
        return _form(None, draft, reading.field_errors(exc))
    return redirect_with_message(address(plan.exam_plan_id), _("考试计划已建立，下一步：添加计划行"))


def address(exam_plan_id: uuid.UUID) -> str:
    """Return where a plan is shown."""
    return url_for("exam_plans.detail", exam_plan_id=exam_plan_id)


@bp.get("/<uuid:exam_plan_id>")
@requires(*READERS)
def detail(exam_plan_id: uuid.UUID) -> Page:
    """Show a plan."""
    plan = repository.get_plan(db.session(), exam_plan_id, actor=current_actor())
    return _detail(plan, Filing(plan.filing_number, plan.filed_on), {})


def _detail(plan: ExamPlan, filing: Filing, errors: Mapping[str, list[str]]) -> Page:
    actor, session = current_actor(), db.session()
    page = PlanPage(
        plan=plan, progress=find_progress(session, plan, actor=actor),
        amendments=repository.amendments_of(session, plan.exam_plan_id, actor=actor),
        kinds={kind.value: _(label) for kind, label in AMENDMENT_LABELS.items()}, badge=plan_badge(plan.status),
        period=_period(plan), filing=filing, errors=errors, may_write=actor.may(Permission.SESSION_WRITE),
        may_open_batches=actor.may(Permission.SESSION_READ),
    )  # fmt: skip
    return render_page("exam_delivery/plans/detail.html", page, status=422 if errors else 200)


@bp.get("/<uuid:exam_plan_id>/edit")
@requires(Permission.SESSION_WRITE)
def edit(exam_plan_id: uuid.UUID) -> Page:
    """Show the form of a plan."""
    plan = repository.get_plan(db.session(), exam_plan_id, actor=current_actor())
    return _form(plan, PlanDraft(plan.title, plan.starts_on, plan.ends_on, plan.note), {})


@bp.post("/<uuid:exam_plan_id>/edit")
@requires(Permission.SESSION_WRITE)
def save(exam_plan_id: uuid.UUID) -> Page | Response:
    """Change the head of a draft."""
    draft = _draft()
    try:
        with unit_of_work(current_actor()) as uow:
            plans.edit_plan(uow, exam_plan_id, draft, version=reading.number("version") or 0)
    except (ConflictError, InvalidInputError) as exc:
        plan = repository.get_plan(db.session(), exam_plan_id, actor=current_actor())
        return _form(plan, draft, reading.field_errors(exc))
    return redirect_with_message(address(exam_plan_id), _("考试计划已保存"))


@bp.post("/<uuid:exam_plan_id>/file")
@requires(Permission.SESSION_WRITE)
def file(exam_plan_id: uuid.UUID) -> Page | Response:
    """Note how a plan was filed, or mend that."""
    filing = Filing(reading.text("filing_number"), reading.date("filed_on"), reading.text("reason"))
    try:
        with unit_of_work(current_actor()) as uow:
            plans.file_plan(uow, exam_plan_id, filing)
    except (ConflictError, InvalidInputError) as exc:
        plan = repository.get_plan(db.session(), exam_plan_id, actor=current_actor())
        return _detail(plan, filing, reading.field_errors(exc))
    return redirect_with_message(address(exam_plan_id), _("备案信息已保存"))


@bp.post("/<uuid:exam_plan_id>/close")
@requires(Permission.SESSION_WRITE)
def close(exam_plan_id: uuid.UUID) -> Response:
    """Close a filed plan."""
    return reading.carry_out(
        address(exam_plan_id), _("考试计划已结束"), lambda uow: plans.close_plan(uow, exam_plan_id)
    )


@bp.post("/<uuid:exam_plan_id>/reopen")
@requires(Permission.SESSION_WRITE)
def reopen(exam_plan_id: uuid.UUID) -> Response:
    """Take the closing back."""
    reason = reading.text("reason")
    return reading.carry_out(
        address(exam_plan_id), _("考试计划已恢复执行"), lambda uow: plans.reopen_plan(uow, exam_plan_id, reason)
    )


@bp.post("/<uuid:exam_plan_id>/delete")
@requires(Permission.SESSION_WRITE)
def delete(exam_plan_id: uuid.UUID) -> Response:
    """Delete a draft."""
    try:
        with unit_of_work(current_actor()) as uow:
            plans.delete_plan(uow, exam_plan_id)
    except ConflictError as exc:
        return redirect_with_message(address(exam_plan_id), reading.message_of(exc), "danger")
    return redirect_with_message(url_for("exam_plans.index"), _("考试计划已删除"))


@bp.post("/<uuid:exam_plan_id>/print")
@requires(*READERS)
def print_plan(exam_plan_id: uuid.UUID) -> Response:
    """Download a plan as PDF for filing."""
    with unit_of_work(current_actor()) as uow:
        name, body = plan_documents.print_plan(uow, exam_plan_id)
    return send_file(io.BytesIO(body), mimetype="application/pdf", as_attachment=True, download_name=f"{name}.pdf")


@bp.post("/<uuid:exam_plan_id>/export")
@requires(*READERS)
def export(exam_plan_id: uuid.UUID) -> Response:
    """Download a plan with what became of it as Excel."""
    with unit_of_work(current_actor()) as uow:
        name, body = plan_documents.export_plan(uow, exam_plan_id)
    return send_file(io.BytesIO(body), mimetype=XLSX, as_attachment=True, download_name=f"{name}.xlsx")
