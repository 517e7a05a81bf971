"""Values of response processing: bags, lists and single ones, and what mappings make of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from qbank.interchange.qti.areas import is_inside
from qbank.interchange.qti.declarations import AreaMapping, MapEntry, Mapping, number


class UnsupportedRuleError(Exception):
    """The response processing uses something whose meaning is not known here; the message names it."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value of QTI: one thing, a bag or a list; None stands for NULL."""

    items: tuple[Any, ...]
    cardinality: str = "single"
    base: str = "string"


Maybe = Value | None


def typed(base: str, text: str) -> Any:
    """Return a text as the base type reads it; None for what is no value of the type."""
    if base in {"float", "integer"}:
        return number(text)
    if base == "boolean":
        return {"true": True, "1": True, "false": False, "0": False}.get(text.strip())
    if base in {"pair", "directedPair", "point"}:
        parts = tuple(text.split())
        if base == "point":
            return tuple(number(one) for one in parts)
        return frozenset(parts) if base == "pair" else parts
    return text.strip()


def value_of(texts: Sequence[str], cardinality: str, base: str) -> Maybe:
    """Return the value that texts are, NULL for none."""
    items = tuple(one for one in (typed(base, text) for text in texts) if one is not None)
    return Value(items, cardinality, base) if items else None


def float_value(value: Decimal) -> Value:
    """Return a number as a value."""
    return Value((value,), "single", "float")


def truth(value: bool | None) -> Maybe:  # noqa: FBT001 - a value of QTI, not a switch
    """Return a truth as a value; None is NULL."""
    return None if value is None else Value((value,), "single", "boolean")


def is_true(value: Maybe) -> bool:
    """Say whether an expression is true; NULL is not."""
    return value is not None and value.items[:1] == (True,)


def number_in(value: Maybe) -> Decimal:
    """Return the one number that a value is; raises ValueError for any other value."""
    if value is None or len(value.items) != 1 or not isinstance(value.items[0], Decimal):
        raise ValueError("number")
    return value.items[0]


def numbers_in(values: Sequence[Maybe]) -> list[Decimal]:
    """Return all numbers in some values."""
    return [one for value in values if value for one in value.items if isinstance(one, Decimal)]


def matches(one: Maybe, two: Maybe) -> bool | None:
    """Say whether two values are the same: bags in any order, lists in order; NULL when one is NULL."""
    if one is None or two is None:
        return None
    if "ordered" in {one.cardinality, two.cardinality}:
        return one.items == two.items
    return len(one.items) == len(two.items) and sorted(map(sort_key, one.items)) == sorted(map(sort_key, two.items))


def sort_key(item: Any) -> str:
    """Return a text that is the same for equal items."""
    if isinstance(item, frozenset):
        return repr(sorted(item))
    return repr(item.normalize()) if isinstance(item, Decimal) else repr(item)


def map_value(value: Value, mapping: Mapping | None) -> Decimal:
    """Return what a value is worth by a mapping: each distinct item once, kept within the bounds."""
    if mapping is None:
        raise UnsupportedRuleError("mapping")
    distinct = list(dict.fromkeys(value.items))
    return mapping.clamp(sum((_worth(one, value.base, mapping) for one in distinct), Decimal(0)))


def _worth(item: Any, base: str, mapping: Mapping) -> Decimal:
    found = (one.value for one in mapping.entries if is_entry(one, item, base))
    return next(found, mapping.default)


def is_entry(entry: MapEntry, item: Any, base: str) -> bool:
    """Say whether an entry of a mapping speaks of an item."""
    key = typed(base, entry.key)
    if isinstance(item, str) and isinstance(key, str) and not entry.is_case_sensitive:
        return key.casefold() == item.casefold()
    return bool(key == item)


def map_points(value: Value, areas: AreaMapping | None) -> Decimal:
    """Return what points are worth: each area once, the default for points outside all areas."""
    if areas is None:
        raise UnsupportedRuleError("areaMapping")
    total, taken = Decimal(0), set()
    for point in value.items:
        hit = next((n for n, one in enumerate(areas.areas) if is_inside(point, one.shape, one.coordinates)), None)
        if hit is None:
            total += areas.default
        elif hit not in taken:
            taken.add(hit)
            total += areas.areas[hit].value
    return Mapping((), lower=areas.lower, upper=areas.upper).clamp(total)
