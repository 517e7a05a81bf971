"""The items that two forms share: which they are, whether they behave alike in both groups, and whether they stand for the form."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from exam_delivery.rules.scoring import KeyedSlot, ScoringKey
from psychometrics.behaviour import facility_drift

MIN_COMPARED = 4
"""Common items from which one can be said to differ from the others."""
MIN_ANSWERS = 30
LIMIT = 2.7
"""Robust z of an item's shift beyond which it stands out in either direction (Huynh & Meyer 2010)."""
UNEVEN = 0.15
"""Difference between the shares of a part of the content on the anchor and on the form that is pointed out."""
CERTAIN = 0.01
"""Chance of such a shift by sampling alone, above which nothing is said."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One common item: `key` names version and part; facilities are shares of its marks."""

    key: str
    point: str
    new_slot: int
    old_slot: int
    max_score: Decimal
    p_new: float | None
    p_old: float | None
    shift: float | None
    is_outlying: bool
    is_dropped: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the content: its share of the form's marks and of the anchor's."""

    name: str
    of_form: float
    of_anchor: float

    @property
    def is_uneven(self) -> bool:
        """Whether the anchor gives it much more or less weight than the form."""
        return abs(self.of_form - self.of_anchor) > UNEVEN


Earned = Mapping[int, tuple[int, Decimal]]
"""By slot: how many scores and their sum."""


def find_anchors(
    new: ScoringKey, old: ScoringKey, earned: tuple[Earned, Earned], dropped: Collection[str]
) -> list[Anchor]:
    """Return the items of the same version, part, marks and key on both forms, in the order of the new one."""
    known = {_identity(slot): slot for slot in _counting(old)}
    both = [(slot, known[_identity(slot)]) for slot in _counting(new) if _identity(slot) in known]
    pairs = [(one, other) for one, other in both if one.content == other.content]  # drawn numbers may differ
    shifts = _shifts(pairs, earned)
    return [
        Anchor(
            _key(one), one.point, one.slot, other.slot, one.max_score, _facility(earned[0], one),
            _facility(earned[1], other), *shift, _key(one) in dropped,
        )
        for (one, other), shift in zip(pairs, shifts, strict=True)
    ]  # fmt: skip


def _counting(key: ScoringKey) -> Sequence[KeyedSlot]:
    """Return the slots that come from the bank and that no key-change case has touched."""
    touched = {one.slot for one in key.amendments}
    return [slot for slot in key.slots if slot.item_version_id and slot.slot not in touched]


def _identity(slot: KeyedSlot) -> tuple[str, int, Decimal]:
    return slot.item_version_id, slot.part, slot.max_score


def _key(slot: KeyedSlot) -> str:
    return f"{slot.item_version_id}:{slot.part}"


def _facility(earned: Earned, slot: KeyedSlot) -> float | None:
    n, total = earned.get(slot.slot, (0, Decimal(0)))
    return float(total / n / slot.max_score) if n and slot.max_score else None


def _shifts(
    pairs: Sequence[tuple[KeyedSlot, KeyedSlot]], earned: tuple[Earned, Earned]
) -> list[tuple[float | None, bool]]:
    """Return how much easier each item was in the new group than the others were, in log odds, and whether it stands out."""
    rows = [(*_right(earned[1], other), *_right(earned[0], one)) for one, other in pairs]
    usable = [place for place, row in enumerate(rows) if min(row[1], row[3]) >= MIN_ANSWERS]
    found: list[tuple[float | None, bool]] = [(None, False)] * len(pairs)
    if len(usable) < MIN_COMPARED:
        return found
    drift = facility_drift(*np.array([rows[place] for place in usable]).T, limit=LIMIT)
    middle = float(np.median(drift.change))
    for place, change, z, chance in zip(usable, drift.change, drift.robust_z, drift.p_value, strict=True):
        is_outlying = abs(float(np.nan_to_num(z))) > LIMIT and min(chance, 1 - chance) < CERTAIN / 2
        found[place] = (float(change) - middle, bool(is_outlying))
    return found


def _right(earned: Earned, slot: KeyedSlot) -> tuple[float, float]:
    """Return marks earned in units of the full marks, and how many answered."""
    n, total = earned.get(slot.slot, (0, Decimal(0)))
    return float(total / slot.max_score) if slot.max_score else 0.0, float(n)


def content_parts(form: ScoringKey, anchors: Sequence[Anchor]) -> list[Part]:
    """Return the first level of the assessment points with its share of the marks of form and anchor."""
    whole = _by_part([(one.point, one.max_score) for one in form.slots])
    common = _by_part([(one.point, one.max_score) for one in anchors if not one.is_dropped])
    return [Part(name, share, common.get(name, 0.0)) for name, share in sorted(whole.items())]


def _by_part(marks: Sequence[tuple[str, Decimal]]) -> dict[str, float]:
    total = sum((mark for _point, mark in marks), Decimal(0))
    found: dict[str, Decimal] = {}
    for point, mark in marks:
        found[_part_of(point)] = found.get(_part_of(point), Decimal(0)) + mark
    return {name: float(mark / total) for name, mark in found.items()} if total else {}


def _part_of(point: str) -> str:
    """Return the part of the content that a point belongs to: its first two letters where it is written A-B-C-001."""
    return "-".join(point.split("-")[:2]) if point else ""
