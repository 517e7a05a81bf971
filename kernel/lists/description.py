"""What a list is: its columns, what narrows it, how it is ordered, who sees it and who may offer views of it to all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement

from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.spreadsheets import Cell

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Order:
    """By which column a list is ordered; no key is the list's own order."""

    key: str = ""
    is_descending: bool = False


UNORDERED = Order()


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column: `value` is what an export writes where the page shows the same, perhaps as a badge or a link.

    A fixed column is always shown: by it people know the row and open it.
    """

    key: str
    label: str
    value: Callable[[Row], Cell]
    is_default: bool = True
    is_fixed: bool = False
    is_numeric: bool = False
    is_sortable: bool = False


@dataclass(frozen=True, slots=True)
class ListDescription(Generic[Row]):
    """A list as everything around it needs it.

    `filters` stand in the address and are kept in views. `local_filters` narrow as well, but name something of one place
    (a session of this batch) and stay out of views. `places` say where the list is and outlive the clearing of filters.
    """

    key: str
    title: str
    columns: tuple[Column[Row], ...]
    filters: tuple[str, ...]
    readers: tuple[Permission, ...]
    sharers: tuple[Permission, ...]
    order: Order = UNORDERED
    local_filters: tuple[str, ...] = ()
    places: tuple[str, ...] = ()

    def may_read(self, actor: Actor) -> bool:
        """Say whether somebody sees this list at all."""
        return any(actor.may(one) for one in self.readers)

    def may_share(self, actor: Actor) -> bool:
        """Say whether somebody may offer views of this list to the whole organisation."""
        return any(actor.may(one) for one in self.sharers)

    def shown(self, wanted: Iterable[str] | None) -> tuple[Column[Row], ...]:
        """Return the wanted columns and the fixed ones in the list's order; those of the house where none is wanted."""
        if wanted is None:
            return tuple(one for one in self.columns if one.is_default or one.is_fixed)
        keys = set(wanted)
        return tuple(one for one in self.columns if one.key in keys or one.is_fixed)

    def order_of(self, key: str, direction: str) -> Order:
        """Return the order an address asks for; nonsense asks for the list's own."""
        if key not in {one.key for one in self.columns if one.is_sortable}:
            return self.order
        return Order(key, direction == "desc")


LISTS: dict[str, ListDescription[Any]] = {}


def declare_list(description: ListDescription[Row]) -> ListDescription[Row]:
    """Make a list known by its key, for choices and views that name it."""
    LISTS[description.key] = description
    return description


def ordered_by(order: Order, known: Mapping[str, Any], otherwise: Sequence[Any], key: Any) -> list[ColumnElement[Any]]:
    """Return what a query is ordered by: empty values last on both engines, and equal ones by the row's key."""
    column = known.get(order.key)
    if column is None:
        return [*otherwise, key]
    return [(column.desc() if order.is_descending else column.asc()).nulls_last(), key]
