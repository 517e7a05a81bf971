"""Turning the writing order of a failed assembly into a task for the bank's editors."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints.rules.codes import engine_code
from kernel.clock import today
from kernel.errors import InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank import public as qbank
from qbank.public_writing import Assignment, WantedLine, commission


def commission_order(uow: UnitOfWork, run_id: uuid.UUID, assignment: Assignment | None = None) -> int:
    """Commission what a run says is missing, points named as the outline writes them; return how many items."""
    require(uow.actor, Permission.BLUEPRINT_WRITE)
    run = repository.get_run(uow.session, run_id, actor=uow.actor)
    if assignment and assignment.due_on and assignment.due_on < today():
        message = N_("请填写截止日期，不能早于今天")
        raise InvalidInputError(message, fields={"due_on": [message]})
    order = ((run.result or {}).get("conflict") or {}).get("writing_order") or []
    if not order:
        raise NotFoundError(N_("这次组卷没有命题任务"))
    codes = _codes(uow.session, uow.actor, run.standard_level_id)
    lines = [
        WantedLine(codes.get(task["point"], task["point"]), task["type"], int(task["count"]), task.get("difficulty"))
        for task in order
    ]
    title = N_("组卷补充命题：%(name)s") % {"name": run.blueprint_name}
    source = f"assembly_run:{run_id}"
    commission(uow, run.standard_level_id, lines, title=title, source=source, assignment=assignment)
    return sum(line.count for line in lines)


def _codes(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> dict[str, str]:
    points = qbank.outline(session, actor, standard_level_id).points
    return {engine_code(point.full_code): point.full_code for point in points}
