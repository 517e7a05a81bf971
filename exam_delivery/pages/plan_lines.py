"""The lines of an examination plan in the browser."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import ExamPlan, ExamPlanLine
from exam_delivery.pages import reading
from exam_delivery.pages.plans import address
from exam_delivery.repository import plans as repository
from exam_delivery.rules.plans import LineDraft
from exam_delivery.services import plan_lines
from exam_delivery.services.plan_lines import PlannedLevel
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("exam_plan_lines", __name__, url_prefix="/exam-plans/<uuid:exam_plan_id>/lines")
Page = tuple[str, int]


@dataclass(frozen=True, slots=True)
class LineFormPage:
    """The form of a line."""

    plan: ExamPlan
    line: ExamPlanLine | None
    values: LineDraft
    reason: str
    levels: Sequence[PlannedLevel]
    errors: Mapping[str, list[str]]


def _form(plan: ExamPlan, line: ExamPlanLine | None, values: LineDraft, errors: Mapping[str, list[str]]) -> Page:
    levels = [] if line else plan_lines.plannable_levels(db.session(), current_actor())
    page = LineFormPage(plan, line, values, reading.text("reason"), levels, errors)
    return render_page("exam_delivery/plans/line.html", page, status=422 if errors else 200)


def _draft() -> LineDraft:
    return LineDraft(
        reading.text("standard_level_id"), reading.date("starts_on"), reading.date("ends_on"),
        reading.number("n_planned"), reading.text("note"),
    )  # fmt: skip


def _plan(exam_plan_id: uuid.UUID) -> ExamPlan:
    return repository.get_plan(db.session(), exam_plan_id, actor=current_actor())


def _line(exam_plan_id: uuid.UUID, line_id: uuid.UUID) -> ExamPlanLine:
    return repository.get_line(db.session(), exam_plan_id, line_id, actor=current_actor())


@bp.get("/new")
@requires(Permission.SESSION_WRITE)
def new(exam_plan_id: uuid.UUID) -> Page:
    """Show the form of a new line."""
    return _form(_plan(exam_plan_id), None, LineDraft("", None, None, None), {})


@bp.post("/new")
@requires(Permission.SESSION_WRITE)
def create(exam_plan_id: uuid.UUID) -> Page | Response:
    """Add a line."""
    draft = _draft()
    try:
        with unit_of_work(current_actor()) as uow:
            plan_lines.add_line(uow, exam_plan_id, draft, reason=reading.text("reason"))
    except (ConflictError, InvalidInputError) as exc:
        return _form(_plan(exam_plan_id), None, draft, reading.field_errors(exc))
    return redirect_with_message(address(exam_plan_id), _("计划行已添加"))


@bp.get("/<uuid:line_id>")
@requires(Permission.SESSION_WRITE)
def edit(exam_plan_id: uuid.UUID, line_id: uuid.UUID) -> Page:
    """Show the form of a line."""
    line = _line(exam_plan_id, line_id)
    return _form(_plan(exam_plan_id), line, LineDraft("", line.starts_on, line.ends_on, line.n_planned, line.note), {})


@bp.post("/<uuid:line_id>")
@requires(Permission.SESSION_WRITE)
def save(exam_plan_id: uuid.UUID, line_id: uuid.UUID) -> Page | Response:
    """Change a line."""
    draft, version = _draft(), reading.number("version") or 0
    try:
        with unit_of_work(current_actor()) as uow:
            plan_lines.change_line(uow, exam_plan_id, line_id, draft, version=version, reason=reading.text("reason"))
    except (ConflictError, InvalidInputError) as exc:
        return _form(_plan(exam_plan_id), _line(exam_plan_id, line_id), draft, reading.field_errors(exc))
    return redirect_with_message(address(exam_plan_id), _("计划行已保存"))


@bp.post("/<uuid:line_id>/remove")
@requires(Permission.SESSION_WRITE)
def remove(exam_plan_id: uuid.UUID, line_id: uuid.UUID) -> Response:
    """Take a line out."""
    back = url_for("exam_plan_lines.edit", exam_plan_id=exam_plan_id, line_id=line_id)
    try:
        with unit_of_work(current_actor()) as uow:
            plan_lines.remove_line(uow, exam_plan_id, line_id, reason=reading.text("reason"))
    except (ConflictError, InvalidInputError) as exc:
        return redirect_with_message(back, reading.message_of(exc), "danger")
    return redirect_with_message(address(exam_plan_id), _("计划行已取消"))
