"""Follow-up tasks of a migration: give an item its new points, or end the task with a word."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import insert

from kernel import audit
from kernel.clock import now
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.models.editions import EditionTask
from qbank.models.items import ItemPoint
from qbank.repository import editions as repository
from qbank.repository import items as items_repository
from qbank.rules.edition_states import TaskKind, TaskState
from qbank.services.edition_apply import move_items
from qbank.services.items import check_points, point_rows

ITEM_KINDS = frozenset({TaskKind.ITEM_SPLIT, TaskKind.ITEM_ORPHANED})


def assign_item(uow: UnitOfWork, task_id: uuid.UUID, point_ids: Sequence[uuid.UUID]) -> EditionTask:
    """Give the item of a task its points in the new edition; the first one counts in blueprints."""
    task = _lock_open(uow, task_id)
    if task.kind not in ITEM_KINDS:
        raise ConflictError(N_("这项任务与试题无关"))
    if not point_ids:
        message = N_("请选择新版的鉴定点")
        raise InvalidInputError(message, fields={"points": [message]})
    migration = repository.get_migration(uow.session, task.outline_migration_id, actor=uow.actor)
    item = items_repository.lock_item(uow.session, task.subject_id, actor=uow.actor)
    check_points(uow.session, migration.new_level_id, point_ids)
    known = {link.item_version_id for link in repository.links_of_level(uow.session, migration.new_level_id)}
    counting = (item.current_version_id, item.approved_version_id, item.superseded_version_id)
    for version_id in dict.fromkeys(key for key in counting if key and key not in known):
        uow.session.execute(insert(ItemPoint), point_rows(item.item_id, version_id, point_ids))
    move_items(uow, [item.item_id], migration.new_level_id)
    _end(uow, task, TaskState.DONE, "")
    audit.record(uow, "edition.assign_item", "item", item.item_id, after={"n_points": len(point_ids)})
    return task


def end_task(uow: UnitOfWork, task_id: uuid.UUID, *, is_done: bool, resolution: str) -> EditionTask:
    """End a task by hand: done elsewhere, or not to be done, with the reason."""
    task = _lock_open(uow, task_id)
    if not is_done and not resolution.strip():
        message = N_("请写明不处理的原因")
        raise InvalidInputError(message, fields={"resolution": [message]})
    _end(uow, task, TaskState.DONE if is_done else TaskState.DISMISSED, resolution.strip())
    after = {"state": task.state.value}
    audit.record(uow, "edition.end_task", "edition_task", task_id, after=after, reason=resolution[:300] or None)
    return task


def _lock_open(uow: UnitOfWork, task_id: uuid.UUID) -> EditionTask:
    require(uow.actor, Permission.STANDARD_WRITE)
    task = repository.get_task(uow.session, task_id, actor=uow.actor, lock=True)
    if task.state is not TaskState.OPEN:
        raise ConflictError(N_("这项任务已经处理，请刷新页面"))
    return task


def _end(uow: UnitOfWork, task: EditionTask, state: TaskState, resolution: str) -> None:
    task.state, task.resolution = state, resolution[:300]
    task.ended_by, task.ended_at = uow.actor.user_id, now()
