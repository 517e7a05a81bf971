"""Finding writing tasks inside the actor's walls: commissioners see the organisation's, experts their own alone."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from kernel.errors import ForbiddenError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.models import User, UserRole
from kernel.identity.permissions import ROLE_PERMISSIONS, Permission
from qbank.models.items import Item, ItemPoint, ItemVersion
from qbank.models.writing import WritingTarget, WritingTask, WritingTaskEvent, WritingTaskItem, WritingTaskLine
from qbank.repository.items import chunks, in_use
from qbank.rules.items import ItemStatus
from qbank.rules.writing import RUNNING, Counts, TaskStatus

MAX_TASKS = 5000
WRITERS = [role for role, held in ROLE_PERMISSIONS.items() if Permission.ITEM_WRITE in held]


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """What a list of tasks is narrowed by."""

    status: TaskStatus | None = None
    expert_id: uuid.UUID | None = None
    standard_level_id: uuid.UUID | None = None
    is_running: bool = False
    due_before: date | None = None


def visible(actor: Actor) -> list[ColumnElement[bool]]:
    """Return the conditions under which an actor sees a task."""
    inside = WritingTask.organisation_id == actor.organisation
    if actor.may(Permission.ITEM_COMMISSION):
        return [inside]
    if actor.may(Permission.ITEM_WRITE) and actor.user_id is not None:
        return [inside, WritingTask.expert_id == actor.user_id, WritingTask.status != TaskStatus.PLANNED]
    raise ForbiddenError(N_("没有权限查看命题任务"), permission=Permission.ITEM_COMMISSION.value)


def list_tasks(
    session: Session, *, actor: Actor, wanted: TaskFilter, page: int = 1, per_page: int = 50
) -> tuple[Sequence[WritingTask], int]:
    """Return one page of tasks, those with the nearest deadline first, and the total."""
    query = select(WritingTask).where(*visible(actor), *_conditions(wanted))
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    ordered = query.order_by(WritingTask.due_on.nulls_first(), WritingTask.created_at)
    return session.scalars(ordered.limit(per_page).offset((page - 1) * per_page)).all(), total


def _conditions(wanted: TaskFilter) -> list[ColumnElement[bool]]:
    equal: dict[Any, Any] = {
        WritingTask.status: wanted.status,
        WritingTask.expert_id: wanted.expert_id,
        WritingTask.standard_level_id: wanted.standard_level_id,
    }
    found = [column == value for column, value in equal.items() if value is not None]
    if wanted.is_running:
        found.append(WritingTask.status.in_(RUNNING))
    if wanted.due_before is not None:
        found.append(WritingTask.due_on < wanted.due_before)
    return found


def get_task(session: Session, task_id: uuid.UUID, *, actor: Actor) -> WritingTask:
    """Return a task that the actor sees; raises NotFoundError."""
    found = session.scalar(select(WritingTask).where(WritingTask.writing_task_id == task_id, *visible(actor)))
    if found is None:
        raise NotFoundError(N_("命题任务不存在，可能已下达给他人"))
    return found


def has_source(session: Session, source: str, *, actor: Actor) -> bool:
    """Say whether a task that is not cancelled was asked for by the same cause already."""
    query = select(WritingTask.writing_task_id).where(
        WritingTask.organisation_id == actor.organisation,
        WritingTask.source == source,
        WritingTask.status != TaskStatus.CANCELLED,
    )
    return session.scalar(query.limit(1)) is not None


def lock_task(session: Session, task_id: uuid.UUID, *, actor: Actor) -> WritingTask:
    """Return a task after locking its row; raises NotFoundError."""
    query = select(WritingTask).where(WritingTask.writing_task_id == task_id, *visible(actor)).with_for_update()
    found = session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError(N_("命题任务不存在，可能已下达给他人"))
    return found


def get_line(session: Session, line_id: uuid.UUID, *, actor: Actor) -> tuple[WritingTaskLine, WritingTask]:
    """Return a line with its task, when the actor sees the task; raises NotFoundError."""
    query = (
        select(WritingTaskLine, WritingTask)
        .join(WritingTask, WritingTask.writing_task_id == WritingTaskLine.writing_task_id)
        .where(WritingTaskLine.writing_task_line_id == line_id, *visible(actor))
    )
    found = session.execute(query).first()
    if found is None:
        raise NotFoundError(N_("命题任务不存在，可能已下达给他人"))
    return found[0], found[1]


def lines_of(session: Session, task_ids: Sequence[uuid.UUID]) -> defaultdict[uuid.UUID, list[WritingTaskLine]]:
    """Return the lines of some tasks, in order; the caller has checked the walls."""
    found: defaultdict[uuid.UUID, list[WritingTaskLine]] = defaultdict(list)
    for chunk in chunks(task_ids):
        query = select(WritingTaskLine).where(WritingTaskLine.writing_task_id.in_(chunk))
        for line in session.scalars(query.order_by(WritingTaskLine.position)):
            found[line.writing_task_id].append(line)
    return found


def _flag(condition: ColumnElement[bool]) -> Any:
    return func.sum(case((condition, 1), else_=0))


def counts_of_lines(session: Session, task_ids: Sequence[uuid.UUID]) -> defaultdict[uuid.UUID, Counts]:
    """Return how far the items of each line of some tasks are."""
    found: defaultdict[uuid.UUID, Counts] = defaultdict(Counts)
    accepted = Item.approved_version_id.is_not(None)
    for chunk in chunks(task_ids):
        query = (
            select(
                WritingTaskLine.writing_task_line_id,
                func.count(),
                _flag(or_(accepted, Item.status.in_([ItemStatus.IN_REVIEW, ItemStatus.APPROVED]))),
                _flag(accepted),
                _flag(and_(Item.returned_at.is_not(None), Item.status == ItemStatus.DRAFT)),
                _flag(and_(Item.status == ItemStatus.RETIRED, Item.approved_version_id.is_(None))),
            )
            .join(WritingTaskItem, WritingTaskItem.writing_task_line_id == WritingTaskLine.writing_task_line_id)
            .join(Item, Item.item_id == WritingTaskItem.item_id)
            .where(WritingTaskLine.writing_task_id.in_(chunk), Item.removed_at.is_(None))
            .group_by(WritingTaskLine.writing_task_line_id)
        )
        found.update((row[0], Counts(*(int(n) for n in row[1:]))) for row in session.execute(query))
    return found


def items_of_task(session: Session, task_id: uuid.UUID) -> list[tuple[Item, uuid.UUID]]:
    """Return the items written for a task with their lines, the newest first."""
    query = (
        select(Item, WritingTaskItem.writing_task_line_id)
        .join(WritingTaskItem, WritingTaskItem.item_id == Item.item_id)
        .join(WritingTaskLine, WritingTaskLine.writing_task_line_id == WritingTaskItem.writing_task_line_id)
        .where(WritingTaskLine.writing_task_id == task_id, Item.removed_at.is_(None))
        .order_by(Item.created_at.desc(), Item.code.desc())
        .limit(2000)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def line_of_item(session: Session, item_id: uuid.UUID) -> WritingTaskLine | None:
    """Return the line for which an item was written, if any."""
    query = (
        select(WritingTaskLine)
        .join(WritingTaskItem, WritingTaskItem.writing_task_line_id == WritingTaskLine.writing_task_line_id)
        .where(WritingTaskItem.item_id == item_id)
    )
    return session.scalar(query)


def events_of(session: Session, task_id: uuid.UUID) -> Sequence[WritingTaskEvent]:
    """Return the steps of a task, oldest first."""
    query = select(WritingTaskEvent).where(WritingTaskEvent.writing_task_id == task_id)
    return session.scalars(query.order_by(WritingTaskEvent.acted_at, WritingTaskEvent.writing_task_event_id)).all()


def list_experts(session: Session, *, actor: Actor) -> list[tuple[uuid.UUID, str]]:
    """Return who may be asked to write: active people whose roles let them, by name."""
    may_write = select(UserRole.user_id).where(UserRole.role.in_(WRITERS))
    query = (
        select(User.user_id, User.name)
        .where(User.organisation_id == actor.organisation, User.is_active.is_(True), User.user_id.in_(may_write))
        .order_by(User.name)
        .limit(1000)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


@dataclass(frozen=True, slots=True)
class StockRow:
    """How many items stand under a point (as the one that counts), of one type and difficulty."""

    point_id: uuid.UUID
    type: str
    difficulty: int | None
    n: int


def stock(session: Session, standard_level_id: uuid.UUID, *, actor: Actor, is_pending: bool = False) -> list[StockRow]:
    """Return the items in use of a level by point, type and difficulty; or those not yet approved."""
    version = Item.current_version_id if is_pending else Item.approved_version_id
    pending = [
        Item.status.in_([ItemStatus.DRAFT, ItemStatus.IN_REVIEW]),
        Item.approved_version_id.is_(None),
        Item.removed_at.is_(None),
    ]
    query = (
        select(ItemPoint.assessment_point_id, ItemVersion.type, ItemVersion.difficulty, func.count())
        .join(Item, ItemPoint.item_version_id == version)
        .join(ItemVersion, ItemVersion.item_version_id == version)
        .where(
            Item.organisation_id == actor.organisation,
            Item.standard_level_id == standard_level_id,
            ItemPoint.position == 0,
            *(pending if is_pending else in_use()),
        )
        .group_by(ItemPoint.assessment_point_id, ItemVersion.type, ItemVersion.difficulty)
    )
    return [StockRow(*row) for row in session.execute(query)]


def commissioned(session: Session, standard_level_id: uuid.UUID, *, actor: Actor) -> dict[tuple[uuid.UUID, str], int]:
    """Return how many items running and planned tasks ask for, by point and type."""
    query = (
        select(WritingTaskLine.assessment_point_id, WritingTaskLine.type, func.sum(WritingTaskLine.n_wanted))
        .join(WritingTask, WritingTask.writing_task_id == WritingTaskLine.writing_task_id)
        .where(
            WritingTask.organisation_id == actor.organisation,
            WritingTask.standard_level_id == standard_level_id,
            WritingTask.status.in_([TaskStatus.PLANNED, *RUNNING]),
            WritingTaskLine.assessment_point_id.is_not(None),
        )
        .group_by(WritingTaskLine.assessment_point_id, WritingTaskLine.type)
    )
    return {(row[0], row[1]): int(row[2]) for row in session.execute(query) if row[0] is not None}


def targets(session: Session, standard_level_id: uuid.UUID, *, actor: Actor) -> dict[tuple[uuid.UUID, str], int]:
    """Return the numbers that editors entered for points of a level."""
    query = select(WritingTarget).where(
        WritingTarget.organisation_id == actor.organisation, WritingTarget.standard_level_id == standard_level_id
    )
    return {(row.assessment_point_id, row.type): row.n_wanted for row in session.scalars(query)}
