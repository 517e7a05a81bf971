"""Places of a draft as plain values: what a change by hand took, what it put, and how a form looks afterwards."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a form with the item in it."""

    slot: int
    section: int
    item_id: uuid.UUID
    item_version_id: uuid.UUID
    item_code: str
    type: str
    point: str
    importance: str
    difficulty: int | None
    score: Decimal
    is_locked: bool = False


def place_to_json(place: Place) -> dict[str, Any]:
    """Return a place as a kept change holds it."""
    return {
        "slot": place.slot, "section": place.section, "item": str(place.item_id), "version": str(place.item_version_id),
        "code": place.item_code, "type": place.type, "point": place.point, "importance": place.importance,
        "difficulty": place.difficulty, "score": str(place.score), "locked": place.is_locked,
    }  # fmt: skip


def place_of_json(row: Mapping[str, Any]) -> Place:
    """Return the place that a kept change holds.

    Examples
    --------
    >>> key = "00000000-0000-0000-0000-000000000001"
    >>> place = Place(1, 0, uuid.UUID(key), uuid.UUID(key), "T-1", "essay", "A-001", "X", None, Decimal("2.5"))
    >>> place_of_json(place_to_json(place)) == place
    True
    """
    return Place(
        row["slot"], row["section"], uuid.UUID(row["item"]), uuid.UUID(row["version"]), row["code"], row["type"],
        row["point"], row["importance"], row["difficulty"], Decimal(row["score"]), bool(row["locked"]),
    )  # fmt: skip


def changed_places(places: Sequence[Place], take: Sequence[Place], put: Sequence[Place]) -> list[Place]:
    """Return a form's places after some were taken and others put, numbered through.

    What is put stands before the place that has its number now; numbers are counted while the taken are still there.

    Examples
    --------
    >>> def place(slot, code):
    ...     return Place(slot, 0, uuid.UUID(int=ord(code)), uuid.UUID(int=0), code, "essay", "A", "", None, Decimal(1))
    >>> form = [place(1, "a"), place(2, "b"), place(3, "c")]
    >>> "".join(p.item_code for p in changed_places(form, [form[1]], [place(2, "x")]))
    'axc'
    >>> "".join(p.item_code for p in changed_places(form, [form[0]], []))
    'bc'
    >>> "".join(p.item_code for p in changed_places(form, [], [place(2, "x")]))
    'axbc'
    """
    gone = {place.item_id for place in take}
    stay = [(place.slot, 1, place) for place in places if place.item_id not in gone]
    both = sorted([*stay, *((place.slot, 0, place) for place in put)], key=lambda entry: entry[:2])
    return [replace(place, slot=number) for number, (_slot, _rank, place) in enumerate(both, 1)]
