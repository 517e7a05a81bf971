"""Saying of items at which cognitive level they ask, and whether they are on trial; content and version stay."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy.orm import Session

from kernel import audit, profiles
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.models.items import Item
from qbank.repository import items as repository
from qbank.rules.marks import LEVELS_KEY, StatedMarks, levels_of


def cognitive_levels(session: Session, organisation_id: uuid.UUID) -> tuple[str, ...]:
    """Return the levels that an organisation tells apart, the simplest first."""
    return levels_of(str(profiles.value(session, organisation_id, LEVELS_KEY)))


def check_level(session: Session, actor: Actor, level: str) -> None:
    """Refuse a level that is not on the organisation's list."""
    if level not in cognitive_levels(session, actor.organisation):
        message = N_("请从规则方案所列的认知层次中选择")
        raise InvalidInputError(message, fields={"cognitive": [message]})


def set_cognitive(uow: UnitOfWork, item_ids: Sequence[uuid.UUID], level: str) -> int:
    """Set the level of items; return how many."""
    require(uow.actor, Permission.ITEM_WRITE)
    check_level(uow.session, uow.actor, level)
    items = repository.lock_items(uow.session, item_ids, actor=uow.actor)
    for item in items:
        before, item.cognitive = item.cognitive, level
        audit.record(uow, "item.mark", "item", item.item_id, before={"cognitive": before}, after={"cognitive": level})
    return len(items)


def set_trial(uow: UnitOfWork, item_ids: Sequence[uuid.UUID], *, is_trial: bool) -> int:
    """Put items on trial, or let them count; return how many. Sealed forms keep what they hold."""
    require(uow.actor, Permission.ITEM_RETIRE)
    items = repository.lock_items(uow.session, item_ids, actor=uow.actor)
    for item in items:
        item.is_trial = is_trial
        audit.record(uow, "item.mark", "item", item.item_id, after={"trial": is_trial})
    return len(items)


def restore(uow: UnitOfWork, item: Item, before: StatedMarks) -> None:
    """Give a locked item back the marks it had, whatever the list of levels says by now."""
    present = {"cognitive": item.cognitive, "trial": item.is_trial}
    item.cognitive, item.is_trial = before.cognitive, bool(before.is_trial)
    audit.record(
        uow,
        "item.mark",
        "item",
        item.item_id,
        before=present,
        after={"cognitive": item.cognitive, "trial": item.is_trial},
    )
