"""Writing tasks in the browser: coverage and commissioning, one task, and the expert's own tasks."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from flask import Blueprint, redirect, request, send_file, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from kernel.clock import today
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import (
    MenuEntry,
    Paging,
    Todo,
    current_actor,
    paging_from_request,
    redirect_with_message,
    render_page,
    requires,
)
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.identity.repository import user_names
from kernel.spreadsheets import TableSheet, write_table
from kernel.uow import UnitOfWork, unit_of_work
from qbank.models.items import Item
from qbank.models.standards import StandardLevel
from qbank.models.writing import WritingTask, WritingTaskEvent, WritingTaskLine
from qbank.pages.item_wording import (
    Options,
    difficulty_label,
    int_or_none,
    level_options,
    level_title,
    status_view,
    type_label,
    uuid_or_none,
)
from qbank.pages.wording import Errors, field_errors, form_date, form_text, page_address, refusal
from qbank.repository import standards
from qbank.repository import writing as repository
from qbank.repository.writing import TaskFilter
from qbank.rules.writing import (
    TASK_ACT_LABELS,
    TASK_KINDS,
    TASK_LABELS,
    TASK_STEPS,
    Counts,
    TaskAct,
    TaskStatus,
    WantedLine,
)
from qbank.services import coverage as coverage_services
from qbank.services import writing as services
from qbank.services.coverage import Coverage, ExpertFigures
from qbank.services.writing import TaskPlan, TaskProgress

bp = Blueprint("writing", __name__, url_prefix="/writing")
P = Permission
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MENU = (
    MenuEntry(N_("标准与题库"), N_("我的任务"), "writing.mine", (P.ITEM_WRITE,), icon="pen", order=15),
    MenuEntry(N_("标准与题库"), N_("命题任务"), "writing.index", (P.ITEM_COMMISSION,), icon="send", order=40),
)


@dataclass(frozen=True, slots=True)
class TaskLine:
    """One line of a task with how far it is."""

    line: WritingTaskLine
    type_label: str
    difficulty: str
    counts: Counts

    @property
    def n_left(self) -> int:
        """How many items are still to be written."""
        return max(0, self.line.n_wanted - self.counts.n_standing)


@dataclass(frozen=True, slots=True)
class TaskListPage:
    """Tasks with their progress."""

    rows: list[TaskProgress]
    names: dict[uuid.UUID, str]
    levels: dict[str, str]
    badge: Callable[[TaskStatus], tuple[str, str]]
    is_overdue: Callable[[TaskProgress], bool]
    paging: Paging
    values: dict[str, str]
    statuses: Options
    experts: Options

    def page_href(self, number: int) -> str:
        """Return the address of another page of the same list."""
        return page_address(number)


@dataclass(frozen=True, slots=True)
class TaskPage:
    """One task: its lines, its items, its steps, and what can be done with it."""

    task: WritingTask
    level: StandardLevel
    level_title: str
    badge: tuple[str, str]
    expert: str
    progress: TaskProgress
    is_overdue: bool
    lines: list[TaskLine]
    items: list[tuple[Item, tuple[str, str]]]
    events: Sequence[WritingTaskEvent]
    act_labels: dict[TaskAct, str]
    acts: set[str]
    is_own: bool
    experts: Options
    today: str
    next_line: WritingTaskLine | None
    errors: Errors = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CoveragePage:
    """A level's points with what they have and want, and the form that commissions what is missing."""

    levels: Options
    level: str
    level_title: str
    coverage: Coverage | None
    type_labels: list[str]
    experts: Options
    today: str
    only_missing: bool
    values: dict[str, str]
    errors: Errors


@dataclass(frozen=True, slots=True)
class ExpertsPage:
    """Progress and acceptance of every expert."""

    rows: list[ExpertFigures]


def task_badge(status: TaskStatus) -> tuple[str, str]:
    """Return a task's state in words and as a kind of badge."""
    return _(TASK_LABELS[status]), TASK_KINDS[status]


def todos(session: Session, actor: Actor) -> list[Todo]:
    """Return the tasks that wait: an expert's open ones, and for commissioners what is overdue, delivered or planned."""
    if actor.organisation_id is None:
        return []
    found = _own_todos(session, actor) if actor.may(P.ITEM_WRITE) else []
    if actor.may(P.ITEM_COMMISSION):
        found += _commissioner_todos(session, actor)
    return found


def _own_todos(session: Session, actor: Actor) -> list[Todo]:
    wanted = TaskFilter(status=TaskStatus.OPEN, expert_id=actor.user_id)
    tasks, total = repository.list_tasks(session, actor=actor, wanted=wanted, per_page=1)
    if not tasks or tasks[0].due_on is None:
        return []
    is_late = tasks[0].due_on < today()
    detail = _("最早截止：%(day)s", day=tasks[0].due_on.isoformat())
    label = _("我的命题任务（有逾期）") if is_late else _("我的命题任务")
    return [Todo(label, total, url_for("writing.mine"), detail, "danger" if is_late else "info")]


def _commissioner_todos(session: Session, actor: Actor) -> list[Todo]:
    late = TaskFilter(status=TaskStatus.OPEN, due_before=today())
    delivered, planned = TaskFilter(status=TaskStatus.DELIVERED), TaskFilter(status=TaskStatus.PLANNED)
    lists = [
        (_("逾期的命题任务"), late, url_for("writing.index", overdue="1"), "danger"),
        (_("待验收的命题任务"), delivered, url_for("writing.index", status="delivered"), "info"),
        (_("待下达的命题任务"), planned, url_for("writing.index", status="planned"), "info"),
    ]
    return [
        Todo(label, repository.list_tasks(session, actor=actor, wanted=wanted, per_page=1)[1], href, severity=severity)
        for label, wanted, href, severity in lists
    ]


def _list(wanted: TaskFilter, template: str) -> tuple[str, int]:
    session, actor, paging = db.session(), current_actor(), paging_from_request()
    tasks, total = repository.list_tasks(
        session, actor=actor, wanted=wanted, page=paging.page, per_page=paging.per_page
    )
    day = today()
    page = TaskListPage(
        rows=services.progress_of(session, tasks),
        names=user_names(session, [task.expert_id for task in tasks if task.expert_id]),
        levels=dict(level_options(session, actor)),
        badge=task_badge,
        is_overdue=lambda one: one.is_overdue(day),
        paging=paging.of(total),
        values={name: request.args.get(name, "") for name in ("status", "expert", "overdue")},
        statuses=[(status.value, _(label)) for status, label in TASK_LABELS.items()],
        experts=[(str(key), name) for key, name in repository.list_experts(session, actor=actor)],
    )
    return render_page(template, page)


@bp.get("/")
@requires(P.ITEM_COMMISSION)
def index() -> tuple[str, int]:
    """List the organisation's tasks, the nearest deadline first."""
    status = request.args.get("status", "")
    is_late = request.args.get("overdue") == "1"
    wanted = TaskFilter(
        status=TaskStatus.OPEN if is_late else TaskStatus(status) if status in set(TaskStatus) else None,
        expert_id=uuid_or_none(request.args.get("expert", "")),
        due_before=today() if is_late else None,
    )
    return _list(wanted, "qbank/writing/list.html")


@bp.get("/mine")
@requires(P.ITEM_WRITE)
def mine() -> tuple[str, int]:
    """List one's own tasks."""
    return _list(TaskFilter(expert_id=current_actor().user_id), "qbank/writing/mine.html")


@bp.get("/tasks/<uuid:task_id>")
@requires(P.ITEM_COMMISSION, P.ITEM_WRITE)
def detail(task_id: uuid.UUID) -> tuple[str, int]:
    """Show one task."""
    return _task(task_id, {})


def _task(task_id: uuid.UUID, errors: Errors) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    task = repository.get_task(session, task_id, actor=actor)
    level = standards.get_level(session, task.standard_level_id, actor=actor)
    progress = services.progress_of(session, [task])[0]
    is_own = task.expert_id is not None and task.expert_id == actor.user_id
    names = user_names(session, [task.expert_id]) if task.expert_id else {}
    page = TaskPage(
        task=task, level=level, level_title=level_title(level), badge=task_badge(task.status),
        expert=names.get(task.expert_id, "") if task.expert_id else "", progress=progress,
        is_overdue=progress.is_overdue(today()), lines=_lines(session, task),
        items=[(item, status_view(item)) for item, _line in repository.items_of_task(session, task_id)],
        events=repository.events_of(session, task_id),
        act_labels={act: _(label) for act, label in TASK_ACT_LABELS.items()}, acts=_acts(actor, task), is_own=is_own,
        experts=_experts(session, actor), today=today().isoformat(),
        next_line=services.next_line(session, actor, task_id) if is_own else None, errors=errors,
    )  # fmt: skip
    return render_page("qbank/writing/task.html", page, status=422 if errors else 200)


def _experts(session: Session, actor: Actor) -> Options:
    if not actor.may(P.ITEM_COMMISSION):
        return []
    return [(str(key), name) for key, name in repository.list_experts(session, actor=actor)]


def _lines(session: Session, task: WritingTask) -> list[TaskLine]:
    counts = repository.counts_of_lines(session, [task.writing_task_id])
    return [
        TaskLine(line, type_label(line.type), difficulty_label(line.difficulty), counts[line.writing_task_line_id])
        for line in repository.lines_of(session, [task.writing_task_id])[task.writing_task_id]
    ]


def _acts(actor: Actor, task: WritingTask) -> set[str]:
    possible = {act.value for act, (allowed, _target) in TASK_STEPS.items() if task.status in allowed}
    own = {"deliver"} if task.expert_id is not None and task.expert_id == actor.user_id else set()
    return possible & (
        (own | {"issue", "extend", "return", "accept", "cancel"}) if actor.may(P.ITEM_COMMISSION) else own
    )


def _do(task_id: uuid.UUID, message: str, act: Callable[[UnitOfWork], object]) -> tuple[str, int] | Response:
    try:
        with unit_of_work(current_actor()) as uow:
            act(uow)
    except InvalidInputError as exc:
        return _task(task_id, field_errors(exc))
    except ConflictError as exc:
        return redirect_with_message(url_for("writing.detail", task_id=task_id), refusal(exc), "danger")
    return redirect_with_message(url_for("writing.detail", task_id=task_id), message)


@bp.post("/tasks/<uuid:task_id>/issue")
@requires(P.ITEM_COMMISSION)
def issue(task_id: uuid.UUID) -> tuple[str, int] | Response:
    """Give a planned task to experts, line by line."""
    lines = repository.lines_of(db.session(), [task_id])[task_id]
    everybody = uuid_or_none(form_text("expert"))
    chosen = {line.writing_task_line_id: _expert_of(line) or everybody for line in lines}
    experts = {line_id: expert for line_id, expert in chosen.items() if expert}

    def act(uow: UnitOfWork) -> None:
        services.issue_task(uow, task_id, experts, due_on=form_date("due_on"))

    return _do(task_id, _("命题任务已下达"), act)


def _expert_of(line: WritingTaskLine) -> uuid.UUID | None:
    return uuid_or_none(form_text(f"expert-{line.writing_task_line_id}"))


@bp.post("/tasks/<uuid:task_id>/extend")
@requires(P.ITEM_COMMISSION)
def extend(task_id: uuid.UUID) -> tuple[str, int] | Response:
    """Give more time."""

    def act(uow: UnitOfWork) -> None:
        services.extend_task(uow, task_id, due_on=form_date("due_on"), reason=form_text("reason"))

    return _do(task_id, _("截止日期已延后"), act)


@bp.post("/tasks/<uuid:task_id>/cancel")
@requires(P.ITEM_COMMISSION)
def cancel(task_id: uuid.UUID) -> tuple[str, int] | Response:
    """Cancel a task."""
    reason = form_text("reason")
    return _do(task_id, _("命题任务已取消"), lambda uow: services.cancel_task(uow, task_id, reason=reason))


@bp.post("/tasks/<uuid:task_id>/return")
@requires(P.ITEM_COMMISSION)
def return_(task_id: uuid.UUID) -> tuple[str, int] | Response:
    """Send a delivered task back."""
    reason = form_text("reason")
    return _do(task_id, _("已退回给专家"), lambda uow: services.return_task(uow, task_id, reason=reason))


@bp.post("/tasks/<uuid:task_id>/accept")
@requires(P.ITEM_COMMISSION)
def accept(task_id: uuid.UUID) -> tuple[str, int] | Response:
    """Accept a delivered task."""
    comment = form_text("reason")
    return _do(task_id, _("命题任务已验收"), lambda uow: services.accept_task(uow, task_id, comment=comment))


@bp.post("/tasks/<uuid:task_id>/deliver")
@requires(P.ITEM_WRITE)
def deliver(task_id: uuid.UUID) -> tuple[str, int] | Response:
    """Hand one's task in."""
    return _do(task_id, _("任务已交付，等待验收"), lambda uow: services.deliver_task(uow, task_id))


@bp.get("/tasks/<uuid:task_id>/next")
@requires(P.ITEM_WRITE)
def write_next(task_id: uuid.UUID) -> Response:
    """Open the editor for the next item of one's task."""
    line = services.next_line(db.session(), current_actor(), task_id)
    if line is None:
        return redirect_with_message(url_for("writing.detail", task_id=task_id), _("任务要求的题目都已写够"), "info")
    return redirect(url_for("writing.write", line_id=line.writing_task_line_id), code=303)


@bp.get("/lines/<uuid:line_id>/write")
@requires(P.ITEM_WRITE)
def write(line_id: uuid.UUID) -> Response:
    """Open the editor with point, type and difficulty of a line filled in."""
    try:
        line, task = services.line_to_write(db.session(), current_actor(), line_id)
    except ConflictError as exc:
        return redirect_with_message(url_for("writing.mine"), refusal(exc), "warning")
    point = f"{line.point_code} {line.point_name}".strip()
    address = url_for(
        "item_editor.new", type=line.type, level=task.standard_level_id, point=point,
        difficulty=line.difficulty, line=line_id,
    )  # fmt: skip
    return redirect(address, code=303)


@bp.get("/coverage")
@requires(P.ITEM_COMMISSION)
def coverage() -> tuple[str, int]:
    """Show what a level's points have and want."""
    return _coverage({})


def _coverage(errors: Errors) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    level_id = uuid_or_none(request.values.get("level", ""))
    level = standards.get_level(session, level_id, actor=actor) if level_id else None
    found = coverage_services.coverage(session, actor, level_id) if level_id else None
    page = CoveragePage(
        levels=level_options(session, actor), level=str(level_id or ""),
        level_title=level_title(level) if level else "", coverage=found,
        type_labels=[type_label(kind) for kind in found.types] if found else [], experts=_experts(session, actor),
        today=today().isoformat(), only_missing=request.args.get("missing") == "1",
        values=request.form.to_dict() if errors else {}, errors=errors,
    )  # fmt: skip
    return render_page("qbank/writing/coverage.html", page, status=422 if errors else 200)


@bp.post("/coverage")
@requires(P.ITEM_COMMISSION)
def commission() -> tuple[str, int] | Response:
    """Keep the numbers of the form, or commission what the chosen points lack."""
    level_id = uuid_or_none(form_text("level"))
    if level_id is None:
        return _coverage({"level": [_("请先选择标准等级")]})
    try:
        with unit_of_work(current_actor()) as uow:
            coverage_services.set_targets(uow, level_id, _targets())
            uow.flush()  # what is missing follows the new numbers
            if form_text("act") != "commission":
                return redirect_with_message(url_for("writing.coverage", level=level_id), _("应有题数已保存"))
            task = services.commission(uow, level_id, _gaps(uow, level_id), _plan())
    except InvalidInputError as exc:
        return _coverage(field_errors(exc))
    return redirect_with_message(url_for("writing.detail", task_id=task.writing_task_id), _("命题任务已建立"))


def _gaps(uow: UnitOfWork, level_id: uuid.UUID) -> list[WantedLine]:
    chosen = {key for key in map(uuid_or_none, request.form.getlist("points")) if key}
    return coverage_services.coverage(uow.session, uow.actor, level_id).gaps(chosen or None)


def _targets() -> dict[tuple[uuid.UUID, str], int | None]:
    """Return the numbers of the form; an empty field gives the number back to the rule profile."""
    found: dict[tuple[uuid.UUID, str], int | None] = {}
    for name, text in request.form.items():
        head, _sign, kind = name.partition(":")
        point_id = uuid_or_none(head.removeprefix("wanted-"))
        usual = form_text(f"usual-{head.removeprefix('wanted-')}:{kind}")
        if head.startswith("wanted-") and point_id and text.strip() != usual:
            found[point_id, kind] = int_or_none(text.strip(), 0, 999)
    return found


def _plan() -> TaskPlan:
    return TaskPlan(
        title=form_text("title"), instructions=form_text("instructions"),
        expert_id=uuid_or_none(form_text("expert")), due_on=form_date("due_on"),
    )  # fmt: skip


@bp.get("/experts")
@requires(P.ITEM_COMMISSION)
def experts() -> tuple[str, int]:
    """Show progress and acceptance of every expert."""
    rows = coverage_services.expert_figures(db.session(), current_actor())
    return render_page("qbank/writing/experts.html", ExpertsPage(rows))


@bp.get("/experts.xlsx")
@requires(P.ITEM_COMMISSION)
def experts_file() -> Response:
    """Answer the same as a sheet."""
    header = [
        _("命题专家"), _("任务数"), _("逾期任务"), _("应命题数"), _("已写"), _("已提交"), _("已入库"), _("待修改"),
        _("未采用"), _("采用率（百分数）"),
    ]  # fmt: skip
    rows = [
        [
            one.name, one.n_tasks, one.n_overdue, one.n_wanted, one.counts.n_written, one.counts.n_submitted,
            one.counts.n_accepted, one.counts.n_returned, one.counts.n_rejected, one.counts.acceptance_percent,
        ]
        for one in coverage_services.expert_figures(db.session(), current_actor())
    ]  # fmt: skip
    data = write_table([TableSheet(_("命题进度"), header, rows, title=_("命题专家进度与采用率"))])
    return send_file(io.BytesIO(data), XLSX, as_attachment=True, download_name="writing-experts.xlsx")
