"""Follow-up tasks of migrations: items to re-assign, points without items, drafts of blueprints to check."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import Paging, current_actor, paging_from_request, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from qbank.models.editions import EditionTask
from qbank.pages.item_wording import Options, excerpt, uuid_or_none
from qbank.pages.wording import Errors, field_errors, form_text, page_address, refusal, said
from qbank.repository import editions as repository
from qbank.repository import items as items_repository
from qbank.rules.edition_states import TASK_LABELS, TASK_STATE_LABELS, TaskKind, TaskState
from qbank.services import edition_tasks as services
from qbank.services.dependants import draft_endpoint

bp = Blueprint("edition_tasks", __name__, url_prefix="/edition-tasks")


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task as a row of the list."""

    task: EditionTask
    kind: str
    state: str
    remarks: list[str]
    href: str
    subject_href: str


@dataclass(frozen=True, slots=True)
class TaskListPage:
    """One page of tasks with filters."""

    lines: list[TaskLine]
    paging: Paging
    wanted: Mapping[str, str]
    kinds: Options
    states: Options
    may_write: bool

    def page_href(self, number: int) -> str:
        """Return the address of another page of the same list."""
        return page_address(number)


@dataclass(frozen=True, slots=True)
class TaskPage:
    """One task, with the points of the new edition when it is about an item."""

    line: TaskLine
    stem: str
    options: list[str]
    points: list[str]
    may_write: bool
    errors: Errors = field(default_factory=dict)


@bp.get("/")
@requires(Permission.STANDARD_READ)
def index() -> tuple[str, int]:
    """List tasks, the open ones unless asked otherwise."""
    actor, paging = current_actor(), paging_from_request()
    wanted = {
        name: request.args.get(name, default) for name, default in (("kind", ""), ("state", "open"), ("migration", ""))
    }
    filters = repository.TaskFilter(
        uuid_or_none(wanted["migration"]),
        TaskKind(wanted["kind"]) if wanted["kind"] in set(TaskKind) else None,
        TaskState(wanted["state"]) if wanted["state"] in set(TaskState) else None,
    )
    tasks, total = repository.list_tasks(
        db.session(), actor=actor, wanted=filters, page=paging.page, per_page=paging.per_page
    )
    page = TaskListPage(
        [_line(task) for task in tasks], paging.of(total), wanted,
        [(kind.value, _(label)) for kind, label in TASK_LABELS.items()],
        [(state.value, _(label)) for state, label in TASK_STATE_LABELS.items()],
        actor.may(Permission.STANDARD_WRITE),
    )  # fmt: skip
    return render_page("qbank/editions/tasks.html", page)


def _line(task: EditionTask) -> TaskLine:
    remarks = [said(one["template"], one["values"]) for one in task.details]
    href = url_for("edition_tasks.show", task_id=task.edition_task_id)
    return TaskLine(task, _(TASK_LABELS[task.kind]), _(TASK_STATE_LABELS[task.state]), remarks, href, _subject(task))


def _subject(task: EditionTask) -> str:
    if task.kind is TaskKind.BLUEPRINT:
        place = draft_endpoint()
        arguments: dict[str, Any] = {place[1]: task.subject_id} if place else {}
        return url_for(place[0], **arguments) if place else ""
    if task.kind is TaskKind.POINT_MISSING:
        return url_for("items.index", scope=task.title.split(" ")[0])
    return url_for("items.detail", item_id=task.subject_id)


@bp.get("/<uuid:task_id>")
@requires(Permission.STANDARD_READ)
def show(task_id: uuid.UUID) -> tuple[str, int]:
    """Show one task."""
    return _show(task_id, {})


def _show(task_id: uuid.UUID, errors: Errors) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    task = repository.get_task(session, task_id, actor=actor)
    stem, options = "", []
    if task.kind in services.ITEM_KINDS:
        item = items_repository.get_item(session, task.subject_id, actor=actor)
        version = items_repository.get_versions(session, [item.current_version_id])[item.current_version_id]
        stem = excerpt(version.content)
        migration = repository.get_migration(session, task.outline_migration_id, actor=actor)
        points = items_repository.points_of_level(session, migration.new_level_id)
        options = [f"{point.full_code} {point.name}" for point in points]
    may_write = actor.may(Permission.STANDARD_WRITE) and task.state is TaskState.OPEN
    page = TaskPage(_line(task), stem, options, request.form.getlist("points") or [""], may_write, errors)
    return render_page("qbank/editions/task.html", page, status=422 if errors else 200)


@bp.post("/<uuid:task_id>/assign")
@requires(Permission.STANDARD_WRITE)
def assign(task_id: uuid.UUID) -> tuple[str, int] | Response:
    """Give the item of a task its points in the new edition."""
    codes = [text.split(" ")[0] for text in map(str.strip, request.form.getlist("points")) if text]
    task = repository.get_task(db.session(), task_id, actor=current_actor())
    migration = repository.get_migration(db.session(), task.outline_migration_id, actor=current_actor())
    known = {p.full_code: p for p in items_repository.points_of_level(db.session(), migration.new_level_id)}
    if unknown := [code for code in codes if code not in known]:
        return _show(task_id, {"points": [_("新版没有代码为 %(code)s 的鉴定点", code=unknown[0])]})
    try:
        with unit_of_work(current_actor()) as uow:
            services.assign_item(uow, task_id, [known[code].assessment_point_id for code in codes])
    except InvalidInputError as exc:
        return _show(task_id, field_errors(exc))
    return redirect_with_message(url_for("edition_tasks.index"), _("试题已归入新版的鉴定点"))


@bp.post("/<uuid:task_id>/end")
@requires(Permission.STANDARD_WRITE)
def end(task_id: uuid.UUID) -> Response:
    """End a task: done elsewhere, or not to be done."""
    is_done = form_text("act") == "done"
    try:
        with unit_of_work(current_actor()) as uow:
            services.end_task(uow, task_id, is_done=is_done, resolution=form_text("resolution"))
    except InvalidInputError as exc:
        return redirect_with_message(url_for("edition_tasks.show", task_id=task_id), refusal(exc), "danger")
    return redirect_with_message(url_for("edition_tasks.index"), _("任务已结束"))
