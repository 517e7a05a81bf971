"""Figures of a form beyond its rules: where keys stand, how long it takes, how much it tells at each ability."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from blueprints.assembly.pool import PoolItem
from blueprints.assembly.verify import information

ABILITIES = tuple(round(-3 + step / 4, 2) for step in range(25))
NEAREST_P = 0.02


@dataclass(frozen=True, slots=True)
class KeyUse:
    """How the keys of one item type are spread: counts by key, and the longest run of one key."""

    type: str
    counts: tuple[tuple[str, int], ...]
    longest_run: int


def key_uses(keys: Sequence[tuple[str, str]]) -> list[KeyUse]:
    """Return the spread of keys by type, from (type, key) in the form's order.

    Examples
    --------
    >>> use, = key_uses([("single_choice", "A"), ("single_choice", "A"), ("single_choice", "C")])
    >>> use.counts, use.longest_run
    ((('A', 2), ('C', 1)), 2)
    """
    found = []
    for name in dict.fromkeys(kind for kind, _key in keys):
        own = [key for kind, key in keys if kind == name]
        runs = [len(list(group)) for _key, group in groupby(own)]
        found.append(KeyUse(name, tuple(sorted(Counter(own).items())), max(runs)))
    return found


def with_parameters(item: PoolItem) -> PoolItem | None:
    """Return an item with parameters: its own, or those of a Rasch item of the same proportion correct; None without either.

    Examples
    --------
    >>> item = PoolItem("1", "true_false", "A-001", p_value=0.5)
    >>> found = with_parameters(item)
    >>> found.a, abs(found.b)
    (1.0, 0.0)
    """
    if item.a is not None and item.b is not None:
        return item
    if item.p_value is None:
        return None
    p = min(1 - NEAREST_P, max(NEAREST_P, item.p_value))
    return PoolItem(item.id, item.type, item.point, a=1.0, b=math.log((1 - p) / p), c=0.0)


@dataclass(frozen=True, slots=True)
class Information:
    """Test information over ability; how many items it rests on, and how many of them were calibrated."""

    values: tuple[float, ...]
    n_items: int
    n_known: int
    n_calibrated: int


def form_information(items: Sequence[PoolItem]) -> Information:
    """Return the information of a form at each of `ABILITIES`."""
    known = [one for one in map(with_parameters, items) if one is not None]
    calibrated = sum(1 for item in items if item.a is not None and item.b is not None)
    values = tuple(round(math.fsum(information(item, theta) for item in known), 4) for theta in ABILITIES)
    return Information(values, len(items), len(known), calibrated)


def largest_gap(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return the largest difference of two curves, in per cent of the highest value; None where both are flat at zero.

    Examples
    --------
    >>> largest_gap([1.0, 2.0], [1.0, 1.5]), largest_gap([0.0], [0.0])
    (25.0, None)
    """
    highest = max([*first, *second], default=0.0)
    if not highest:
        return None
    return round(100 * max(abs(a - b) for a, b in zip(first, second, strict=True)) / highest, 1)
