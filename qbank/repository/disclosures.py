"""Finding who saw which items."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from kernel.identity.actor import Actor
from qbank.models.disclosures import ItemDisclosure
from qbank.models.items import Item
from qbank.repository.standards import like_pattern


@dataclass(frozen=True, slots=True)
class SeenItem:
    """An item with how often and by how many people it was seen, and when last."""

    item_id: uuid.UUID
    code: str
    n_views: int
    n_people: int
    last_seen_at: datetime


def is_noted(session: Session, user_id: uuid.UUID, version_id: uuid.UUID, day: date) -> bool:
    """Say whether it is noted already that a person saw a version on a day."""
    query = select(ItemDisclosure.item_disclosure_id).where(
        ItemDisclosure.user_id == user_id,
        ItemDisclosure.item_version_id == version_id,
        ItemDisclosure.seen_on == day,
    )
    return session.scalar(query) is not None


def count_items(session: Session, user_id: uuid.UUID, day: date) -> int:
    """Return how many items a person saw on a day."""
    query = select(func.count(ItemDisclosure.item_id.distinct())).where(
        ItemDisclosure.user_id == user_id, ItemDisclosure.seen_on == day
    )
    return session.scalar(query) or 0


def list_seen(
    session: Session, *, actor: Actor, code: str = "", person: str = "", page: int = 1, per_page: int = 50
) -> tuple[list[SeenItem], int]:
    """Return one page of the items that were seen, the one seen last first, and the total."""
    conditions = _inside(actor)
    if code:
        conditions.append(Item.code.ilike(like_pattern(code), escape="\\"))
    if person:
        conditions.append(ItemDisclosure.user_name.like(like_pattern(person), escape="\\"))
    last = func.max(ItemDisclosure.seen_at)
    query = (
        select(Item.item_id, Item.code, func.count(), func.count(ItemDisclosure.user_id.distinct()), last)
        .join(Item, Item.item_id == ItemDisclosure.item_id)
        .where(*conditions)
        .group_by(Item.item_id, Item.code)
    )
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = session.execute(query.order_by(last.desc(), Item.code).limit(per_page).offset((page - 1) * per_page))
    return [SeenItem(*row) for row in rows], total


def _inside(actor: Actor) -> list[ColumnElement[bool]]:
    """Return the walls: one's organisation; the platform's own staff see all, as in the audit."""
    return [ItemDisclosure.organisation_id == actor.organisation_id] if actor.organisation_id else []


def views_of(session: Session, item_id: uuid.UUID, *, actor: Actor) -> Sequence[ItemDisclosure]:
    """Return everybody who saw an item of the organisation, newest first."""
    query = select(ItemDisclosure).where(ItemDisclosure.item_id == item_id, *_inside(actor))
    return session.scalars(query.order_by(ItemDisclosure.seen_at.desc()).limit(2000)).all()


def code_of(session: Session, item_id: uuid.UUID, *, actor: Actor) -> str:
    """Return the code of an item of the organisation, empty when there is none."""
    query = select(Item.code).where(Item.item_id == item_id)
    if actor.organisation_id:
        query = query.where(Item.organisation_id == actor.organisation_id)
    return session.scalar(query) or ""
