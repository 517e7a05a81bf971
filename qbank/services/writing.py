"""Writing tasks: planning and issuing them, the expert's way through them, acceptance, deadlines."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from item_templates import registry
from kernel import audit
from kernel.clock import now, today
from kernel.db import new_id
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.models.items import Item
from qbank.models.standards import AssessmentPoint
from qbank.models.writing import WritingTask, WritingTaskEvent, WritingTaskItem, WritingTaskLine
from qbank.repository import items as items_repository
from qbank.repository import standards
from qbank.repository import writing as repository
from qbank.rules.writing import (
    DIFFICULTIES,
    MAX_COUNT,
    MAX_LINES,
    Counts,
    TaskAct,
    TaskStatus,
    WantedLine,
    after,
    merged,
)

MAX_TITLE = 120
MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """What a task says besides its lines; without an expert it stays planned until an editor issues it."""

    title: str
    instructions: str = ""
    expert_id: uuid.UUID | None = None
    due_on: date | None = None
    source: str = ""


def commission(
    uow: UnitOfWork, standard_level_id: uuid.UUID, lines: Sequence[WantedLine], plan: TaskPlan
) -> WritingTask:
    """Ask for items: a task of an expert with a deadline, or, without expert, one that an editor will issue."""
    if not uow.actor.may(Permission.BLUEPRINT_WRITE) or plan.expert_id is not None:
        require(uow.actor, Permission.ITEM_COMMISSION)
    level = standards.get_level(uow.session, standard_level_id, actor=uow.actor)
    wanted = _checked_lines(lines)
    if plan.source and repository.has_source(uow.session, plan.source, actor=uow.actor):
        raise ConflictError(N_("这份命题任务已经生成过，请在“命题任务”中查看"))
    task = _new_task(uow, level.standard_level_id, plan)
    known = _points(uow.session, level.standard_level_id)
    for position, line in enumerate(wanted, start=1):
        uow.add(_new_line(task, position, line, known.get(line.point)))
    uow.flush()  # issuing reads the lines
    _note(uow, task, TaskAct.PLAN)
    if plan.expert_id is not None:
        _issue(uow, task, plan.expert_id, plan.due_on)
    return task


def _new_task(uow: UnitOfWork, level_id: uuid.UUID, plan: TaskPlan) -> WritingTask:
    title = plan.title.strip()
    if not title:
        _refuse("title", N_("请填写任务名称"))
    task = WritingTask(
        writing_task_id=new_id(), organisation_id=uow.actor.organisation, standard_level_id=level_id,
        title=title[:MAX_TITLE], instructions=plan.instructions.strip()[:5000], due_on=plan.due_on,
        status=TaskStatus.PLANNED, source=plan.source[:120], created_by=uow.actor.user_id, created_at=now(),
    )  # fmt: skip
    uow.add(task)
    uow.flush()  # the lines refer to the task
    return task


def _new_line(task: WritingTask, position: int, line: WantedLine, point: AssessmentPoint | None) -> WritingTaskLine:
    return WritingTaskLine(
        writing_task_line_id=new_id(), writing_task_id=task.writing_task_id, position=position,
        assessment_point_id=point.assessment_point_id if point else None, point_code=line.point[:60],
        point_name=point.name[:200] if point else "", type=line.type, difficulty=line.difficulty, n_wanted=line.count,
    )  # fmt: skip


def _points(session: Session, level_id: uuid.UUID) -> dict[str, AssessmentPoint]:
    return {point.full_code: point for point in items_repository.points_of_level(session, level_id)}


def _refuse(name: str, message: str) -> None:
    raise InvalidInputError(message, fields={name: [message]})


def _checked_lines(lines: Sequence[WantedLine]) -> list[WantedLine]:
    wanted = merged(lines)
    if not wanted:
        _refuse("lines", N_("请至少填写一行要命制的题目：鉴定点、题型和题数"))
    if len(wanted) > MAX_LINES:
        _refuse("lines", N_("一个命题任务最多 400 行，请分成几个任务"))
    known = {one.name for one in registry.all_types()}
    for line in wanted:
        if line.type not in known:
            _refuse("lines", N_("没有这种题型"))
        if line.count > MAX_COUNT or line.difficulty not in {None, *DIFFICULTIES}:
            _refuse("lines", N_("每行题数应为 1 到 500，难度应为 1 到 5"))
    return wanted


def issue_task(
    uow: UnitOfWork, task_id: uuid.UUID, experts: Mapping[uuid.UUID, uuid.UUID], *, due_on: date | None
) -> list[WritingTask]:
    """Give the lines of a planned task to experts (`line id: user id`): one task each; the lines of the first stay."""
    require(uow.actor, Permission.ITEM_COMMISSION)
    task = repository.lock_task(uow.session, task_id, actor=uow.actor)
    after(TaskAct.ISSUE, task.status)
    lines = repository.lines_of(uow.session, [task_id])[task_id]
    if any(line.writing_task_line_id not in experts for line in lines):
        _refuse("expert", N_("请为每一行选择命题专家"))
    shares: dict[uuid.UUID, list[WritingTaskLine]] = {}
    for line in lines:
        shares.setdefault(experts[line.writing_task_line_id], []).append(line)
    issued = []
    for number, (expert_id, share) in enumerate(shares.items()):
        own = task if number == 0 else _split(uow, task, share)
        _issue(uow, own, expert_id, due_on)
        issued.append(own)
    return issued


def _split(uow: UnitOfWork, task: WritingTask, lines: Sequence[WritingTaskLine]) -> WritingTask:
    plan = TaskPlan(task.title, task.instructions, due_on=task.due_on, source=task.source)
    part = _new_task(uow, task.standard_level_id, plan)
    for line in lines:
        line.writing_task_id = part.writing_task_id
    _note(uow, part, TaskAct.PLAN)
    return part


def _issue(uow: UnitOfWork, task: WritingTask, expert_id: uuid.UUID, due_on: date | None) -> None:
    if expert_id not in {key for key, _name in repository.list_experts(uow.session, actor=uow.actor)}:
        _refuse("expert", N_("所选人员不能命题，请选择具有命题角色的在职人员"))
    task.expert_id, task.due_on = expert_id, _checked_day(due_on)
    task.status, task.issued_at = after(TaskAct.ISSUE, task.status), now()
    _note(uow, task, TaskAct.ISSUE)


def _checked_day(due_on: date | None) -> date:
    if due_on is None or due_on < today():
        message = N_("请填写截止日期，不能早于今天")
        raise InvalidInputError(message, fields={"due_on": [message]})
    return due_on


def _note(uow: UnitOfWork, task: WritingTask, act: TaskAct, reason: str = "") -> None:
    uow.add(
        WritingTaskEvent(
            writing_task_id=task.writing_task_id, act=act, reason=reason, due_on=task.due_on,
            acted_by=uow.actor.user_id, acted_by_name=uow.actor.name[:100], acted_at=now(),
        )
    )  # fmt: skip
    after_ = {
        "status": task.status.value,
        "expert": str(task.expert_id or ""),
        "due_on": task.due_on.isoformat() if task.due_on else "",
    }
    audit.record(uow, f"writing.{act.value}", "writing_task", task.writing_task_id, after=after_, reason=reason or None)


def _needed(reason: str) -> str:
    text = reason.strip()[:MAX_REASON]
    if not text:
        _refuse("reason", N_("请写明原因，专家会看到"))
    return text


def _manage(uow: UnitOfWork, task_id: uuid.UUID, act: TaskAct) -> WritingTask:
    require(uow.actor, Permission.ITEM_COMMISSION)
    task = repository.lock_task(uow.session, task_id, actor=uow.actor)
    task.status = after(act, task.status)
    return task


def extend_task(uow: UnitOfWork, task_id: uuid.UUID, *, due_on: date | None, reason: str) -> WritingTask:
    """Give a running task a later day, for a reason."""
    task = _manage(uow, task_id, TaskAct.EXTEND)
    text, day = _needed(reason), _checked_day(due_on)
    if task.due_on is not None and day <= task.due_on:
        _refuse("due_on", N_("新的截止日期应晚于原来的日期"))
    task.due_on = day
    _note(uow, task, TaskAct.EXTEND, text)
    return task


def cancel_task(uow: UnitOfWork, task_id: uuid.UUID, *, reason: str) -> WritingTask:
    """End a task that is no longer wanted, for a reason; what was written stays in the bank."""
    task = _manage(uow, task_id, TaskAct.CANCEL)
    task.closed_at = now()
    _note(uow, task, TaskAct.CANCEL, _needed(reason))
    return task


def return_task(uow: UnitOfWork, task_id: uuid.UUID, *, reason: str) -> WritingTask:
    """Send a delivered task back to its expert."""
    task = _manage(uow, task_id, TaskAct.RETURN)
    task.delivered_at = None
    _note(uow, task, TaskAct.RETURN, _needed(reason))
    return task


def accept_task(uow: UnitOfWork, task_id: uuid.UUID, *, comment: str = "") -> WritingTask:
    """Accept a delivered task: the expert has done what was asked."""
    task = _manage(uow, task_id, TaskAct.ACCEPT)
    if task.expert_id == uow.actor.user_id:
        raise ForbiddenError(N_("不能验收自己的命题任务，请由其他题库管理员验收"), error_code="own_work")
    task.closed_at = now()
    _note(uow, task, TaskAct.ACCEPT, comment.strip()[:MAX_REASON])
    return task


def deliver_task(uow: UnitOfWork, task_id: uuid.UUID) -> WritingTask:
    """Hand a task in: every line has as many items in review or in use as were asked for."""
    task = repository.lock_task(uow.session, task_id, actor=uow.actor)
    _require_expert(uow.actor, task)
    task.status = after(TaskAct.DELIVER, task.status)
    counts = repository.counts_of_lines(uow.session, [task_id])
    missing = [
        line
        for line in repository.lines_of(uow.session, [task_id])[task_id]
        if counts[line.writing_task_line_id].n_submitted < line.n_wanted
    ]
    if missing:
        shown = "、".join(line.point_code for line in missing[:5])
        raise ConflictError(N_("还有 %(n)s 行没有写够并提交审核：%(shown)s。写完后再交付"), n=len(missing), shown=shown)
    task.delivered_at = now()
    _note(uow, task, TaskAct.DELIVER)
    return task


def _require_expert(actor: Actor, task: WritingTask) -> None:
    if actor.user_id is None or task.expert_id != actor.user_id:
        raise ForbiddenError(N_("这项命题任务下达给了其他专家"), error_code="not_your_task")


def line_to_write(session: Session, actor: Actor, line_id: uuid.UUID) -> tuple[WritingTaskLine, WritingTask]:
    """Return a line for which the actor may write one more item.

    Raises
    ------
    ForbiddenError
        If the task is another expert's.
    ConflictError
        If the task is not open, or the line has all its items.
    """
    line, task = repository.get_line(session, line_id, actor=actor)
    _require_expert(actor, task)
    if task.status is not TaskStatus.OPEN:
        raise ConflictError(N_("命题任务已交付或已结束，不能再写新题"))
    counts = repository.counts_of_lines(session, [task.writing_task_id])[line_id]
    if counts.n_standing >= line.n_wanted:
        raise ConflictError(N_("这一行的题目已写够，请选择下一行"))
    return line, task


def next_line(session: Session, actor: Actor, task_id: uuid.UUID) -> WritingTaskLine | None:
    """Return the first line of one's task that still lacks items, None when nothing is left to write."""
    task = repository.get_task(session, task_id, actor=actor)
    _require_expert(actor, task)
    if task.status is not TaskStatus.OPEN:
        return None
    counts = repository.counts_of_lines(session, [task_id])
    lines = repository.lines_of(session, [task_id])[task_id]
    return next((line for line in lines if counts[line.writing_task_line_id].n_standing < line.n_wanted), None)


def attach_item(uow: UnitOfWork, line_id: uuid.UUID, item: Item) -> None:
    """Count a new item for the line for which it was written; type and level must be those that were asked for."""
    line, task = line_to_write(uow.session, uow.actor, line_id)
    if item.type != line.type or item.standard_level_id != task.standard_level_id:
        raise ConflictError(N_("这道题的题型或等级与命题任务不符，请从任务页面重新进入"))
    uow.flush()  # the link refers to the item
    uow.add(WritingTaskItem(item_id=item.item_id, writing_task_line_id=line_id))
    audit.record(uow, "writing.write", "writing_task", task.writing_task_id, after={"item": str(item.item_id)})


@dataclass(frozen=True, slots=True)
class TaskProgress:
    """A task with the sum of its lines."""

    task: WritingTask
    n_wanted: int
    counts: Counts

    @property
    def percent(self) -> int:
        """How much of what was asked for has been handed to review."""
        return min(100, round(100 * self.counts.n_submitted / self.n_wanted)) if self.n_wanted else 0

    def is_overdue(self, day: date) -> bool:
        """Say whether the day has passed and the expert has not delivered."""
        return self.task.status is TaskStatus.OPEN and self.task.due_on is not None and self.task.due_on < day


def progress_of(session: Session, tasks: Sequence[WritingTask]) -> list[TaskProgress]:
    """Return tasks with their progress, in the same order; two statements."""
    ids = [task.writing_task_id for task in tasks]
    lines, counts = repository.lines_of(session, ids), repository.counts_of_lines(session, ids)
    return [_progress(task, lines[task.writing_task_id], counts.__getitem__) for task in tasks]


def _progress(
    task: WritingTask, lines: Sequence[WritingTaskLine], counts: Callable[[uuid.UUID], Counts]
) -> TaskProgress:
    total = sum((counts(line.writing_task_line_id) for line in lines), Counts())
    return TaskProgress(task, sum(line.n_wanted for line in lines), total)
