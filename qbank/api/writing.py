"""Writing tasks as JSON: commissioners see the organisation's, experts their own."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from flask_smorest import Blueprint

from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import current_actor, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork, unit_of_work
from qbank.models.writing import WritingTask
from qbank.repository import writing as repository
from qbank.rules.writing import TaskAct, WantedLine
from qbank.schemas.writing import (
    WritingActSchema,
    WritingTaskCreateSchema,
    WritingTaskListSchema,
    WritingTaskQuerySchema,
    WritingTaskSchema,
)
from qbank.services import writing as services
from qbank.services.writing import TaskPlan, TaskProgress

bp = Blueprint("api_writing", __name__, url_prefix="/api/v1", description="Writing tasks")
SHOWN = ("writing_task_id", "standard_level_id", "title", "instructions", "status", "expert_id", "due_on", "source")
COUNTS = ("n_submitted", "n_accepted", "n_returned", "n_rejected")


@bp.get("/writing-tasks")
@requires(Permission.ITEM_COMMISSION, Permission.ITEM_WRITE)
@bp.arguments(WritingTaskQuerySchema, location="query")
@bp.response(200, WritingTaskListSchema)
def list_tasks(query: dict[str, Any]) -> dict[str, Any]:
    """List tasks, the nearest deadline first; experts see their own."""
    wanted = repository.TaskFilter(
        status=query["status"], expert_id=query["expert"], standard_level_id=query["level"]
    )  # fmt: skip
    page, per_page, session = query["page"], query["per_page"], db.session()
    tasks, total = repository.list_tasks(session, actor=current_actor(), wanted=wanted, page=page, per_page=per_page)
    rows = [_summary(one) for one in services.progress_of(session, tasks)]
    return {"total": total, "page": page, "per_page": per_page, "tasks": rows}


@bp.post("/writing-tasks")
@requires(Permission.ITEM_COMMISSION, Permission.BLUEPRINT_WRITE)
@bp.arguments(WritingTaskCreateSchema)
@bp.response(201, WritingTaskSchema)
def create_task(data: dict[str, Any]) -> dict[str, Any]:
    """Commission items."""
    lines = [WantedLine(line["point"], line["type"], line["count"], line["difficulty"]) for line in data["lines"]]
    plan = TaskPlan(data["title"], data["instructions"], data["expert_id"], data["due_on"])
    with unit_of_work(current_actor()) as uow:
        task = services.commission(uow, data["standard_level_id"], lines, plan)
    return _whole(task)


@bp.get("/writing-tasks/<uuid:task_id>")
@requires(Permission.ITEM_COMMISSION, Permission.ITEM_WRITE)
@bp.response(200, WritingTaskSchema)
def get_task(task_id: uuid.UUID) -> dict[str, Any]:
    """Return a task with its lines."""
    return _whole(repository.get_task(db.session(), task_id, actor=current_actor()))


@bp.post("/writing-tasks/<uuid:task_id>/acts")
@requires(Permission.ITEM_COMMISSION, Permission.ITEM_WRITE)
@bp.arguments(WritingActSchema)
@bp.response(200, WritingTaskSchema)
def act_on_task(data: dict[str, Any], task_id: uuid.UUID) -> dict[str, Any]:
    """Issue, extend, deliver, return, accept or cancel a task."""
    if data["act"] is TaskAct.PLAN:
        raise InvalidInputError(N_("命题任务已经建立"), fields={"act": [N_("命题任务已经建立")]})
    with unit_of_work(current_actor()) as uow:
        _ACTS[data["act"]](uow, task_id, data)
    return _whole(repository.get_task(db.session(), task_id, actor=current_actor()))


def _issue(uow: UnitOfWork, task_id: uuid.UUID, data: dict[str, Any]) -> object:
    lines = repository.lines_of(uow.session, [task_id])[task_id]
    experts = {line.writing_task_line_id: data["expert_id"] for line in lines if data["expert_id"]}
    return services.issue_task(uow, task_id, experts, due_on=data["due_on"])


_ACTS: dict[TaskAct, Callable[[UnitOfWork, uuid.UUID, dict[str, Any]], object]] = {
    TaskAct.ISSUE: _issue,
    TaskAct.EXTEND: lambda uow, key, data: services.extend_task(uow, key, due_on=data["due_on"], reason=data["reason"]),
    TaskAct.DELIVER: lambda uow, key, _data: services.deliver_task(uow, key),
    TaskAct.RETURN: lambda uow, key, data: services.return_task(uow, key, reason=data["reason"]),
    TaskAct.ACCEPT: lambda uow, key, data: services.accept_task(uow, key, comment=data["reason"]),
    TaskAct.CANCEL: lambda uow, key, data: services.cancel_task(uow, key, reason=data["reason"]),
}


def _summary(one: TaskProgress) -> dict[str, Any]:
    counts = {name: getattr(one.counts, name) for name in COUNTS}
    return {name: getattr(one.task, name) for name in SHOWN} | counts | {"n_wanted": one.n_wanted}


def _whole(task: WritingTask) -> dict[str, Any]:
    session, key = db.session(), task.writing_task_id
    counts = repository.counts_of_lines(session, [key])
    lines = [
        {
            "writing_task_line_id": line.writing_task_line_id, "point": line.point_code, "type": line.type,
            "difficulty": line.difficulty, "count": line.n_wanted,
            "n_written": counts[line.writing_task_line_id].n_written,
            "n_submitted": counts[line.writing_task_line_id].n_submitted,
            "n_accepted": counts[line.writing_task_line_id].n_accepted,
        }
        for line in repository.lines_of(session, [key])[key]
    ]  # fmt: skip
    return _summary(services.progress_of(session, [task])[0]) | {"lines": lines}
