"""Pages of the item list: the next page begins where the last one ended, so that late pages cost no more than early ones."""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Uuid, func, literal, select, tuple_
from sqlalchemy.orm import Session

from kernel.identity.actor import Actor
from qbank.models.items import Item
from qbank.repository.items import SORT_COLUMNS, ItemFilter, ItemRow, ItemSort, conditions, rows_of
from qbank.rules.items import ItemStatus

COUNT_LIMIT = 1_000
"""Of a search that finds more, nobody needs the number to the last item."""


@dataclass(frozen=True, slots=True)
class ItemListPage:
    """One page of a list; a cursor is empty where there is nothing before or after."""

    rows: list[ItemRow]
    total: int
    is_at_least: bool
    next_cursor: str
    previous_cursor: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list: beside which item, and whether what follows or what precedes is wanted."""

    value: Any
    item_id: uuid.UUID
    is_backward: bool = False

    def to_text(self) -> str:
        """Return the cursor for an address."""
        value = self.value.isoformat() if isinstance(self.value, datetime) else self.value
        body = json.dumps([int(self.is_backward), value, self.item_id.hex], ensure_ascii=False)
        return base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")


def cursor_at(value: Any, item_id: uuid.UUID) -> str:
    """Return the cursor of what follows an item."""
    return Cursor(value, item_id).to_text()


def read_cursor(text: str, sort: ItemSort) -> Cursor | None:
    """Return the place an address names, None when it names none for this order."""
    try:
        is_backward, value, key = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return Cursor(_value(value, sort), uuid.UUID(key), bool(is_backward))
    except (ValueError, TypeError, AttributeError, binascii.Error):
        return None


def _value(value: Any, sort: ItemSort) -> Any:
    if sort is ItemSort.UPDATED:
        return datetime.fromisoformat(value)
    if sort is ItemSort.STATUS:
        return ItemStatus(value)
    return int(value) if sort in {ItemSort.DIFFICULTY, ItemSort.USED} else str(value)


def list_page(
    session: Session, *, actor: Actor, wanted: ItemFilter, cursor: str = "", page: int = 1, per_page: int = 50
) -> ItemListPage:
    """Return a page of items: beside the cursor if there is one, else by its number."""
    found = conditions(session, actor, wanted)
    place = read_cursor(cursor, wanted.sort) if cursor else None
    keys = _keys(session, found, wanted, place, first=0 if place else (page - 1) * per_page, n=per_page + 1)
    shown = keys[:per_page]
    is_backward = place is not None and place.is_backward
    if is_backward:
        shown.reverse()
    total, is_at_least = _count(session, found, wanted)
    has_more = len(keys) > per_page
    has_next = has_more if not is_backward else True
    has_previous = has_more if is_backward else place is not None or page > 1
    return ItemListPage(
        rows=rows_of(session, [item_id for _value_, item_id in shown]),
        total=total,
        is_at_least=is_at_least,
        next_cursor=Cursor(*shown[-1]).to_text() if shown and has_next else "",
        previous_cursor=Cursor(*shown[0], is_backward=True).to_text() if shown and has_previous else "",
    )


def _keys(
    session: Session,
    found: Sequence[ColumnElement[bool]],
    wanted: ItemFilter,
    place: Cursor | None,
    *,
    first: int,
    n: int,
) -> list[tuple[Any, uuid.UUID]]:
    """Return the sort values and ids of a page, in the direction of reading."""
    column = SORT_COLUMNS[wanted.sort]
    is_descending = wanted.is_descending != (place is not None and place.is_backward)
    query: Select[Any] = select(column, Item.item_id).where(*found)
    if place is not None:
        here = tuple_(literal(place.value, column.type), literal(place.item_id, Uuid))
        there = tuple_(column, Item.item_id)
        query = query.where(there < here if is_descending else there > here)
    order = [*_leading(wanted.sort), column, Item.item_id]
    directed = [each.desc() if is_descending else each.asc() for each in order]
    return [(row[0], row[1]) for row in session.execute(query.order_by(*directed).offset(first).limit(n))]


def _leading(sort: ItemSort) -> list[ColumnElement[Any]]:
    """Return what orders nothing, being null in every row, but lets PostgreSQL read `ix_items_list` in its order."""
    return [Item.removed_at.expression] if sort is ItemSort.UPDATED else []


def _count(session: Session, found: Sequence[ColumnElement[bool]], wanted: ItemFilter) -> tuple[int, bool]:
    """Return how many items there are, and whether there are more than that; only searches are counted to a limit."""
    query = select(Item.item_id).where(*found)
    if not wanted.search.strip():
        return session.scalar(select(func.count()).select_from(Item).where(*found)) or 0, False
    n = session.scalar(select(func.count()).select_from(query.limit(COUNT_LIMIT + 1).subquery())) or 0
    return min(n, COUNT_LIMIT), n > COUNT_LIMIT
