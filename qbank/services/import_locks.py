"""Taking an import that has not begun for changing it."""

from __future__ import annotations

import uuid

from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.models.items import ImportRun
from qbank.repository import imports as repository


def lock_open(uow: UnitOfWork, run_id: uuid.UUID, version: int) -> ImportRun:
    """Return an import after locking it; raises ConflictError once it has begun, or when the form is stale."""
    require(uow.actor, Permission.ITEM_IMPORT)
    run = repository.lock_run(uow.session, run_id, actor=uow.actor)
    if run.state not in repository.WAITING:
        raise ConflictError(N_("这次导入已经开始或结束，不能再改"))
    if run.version != version:
        raise ConflictError(N_("这次导入刚在另一窗口改过，请刷新后重试"))
    return run
