"""Facilities of versions that few answered: what items alike say is put together with the version's own answers."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from psychometrics.small_samples import pooled_facility
from qbank.public_statistics import Alike, HistoryRow, KindRow, PooledRow

LEAST_ALIKE = 3
"""Items from which a group says how its items lie; a smaller group is looked at with its next wider one."""
DIGITS = 6


def pooled_rows(history: Sequence[HistoryRow], kinds: Sequence[KindRow]) -> list[PooledRow]:
    """Return the pooled facility of every version in use with enough answers of its own, over all its sources."""
    known = {kind.item_version_id: kind for kind in kinds}
    answers = _answers([row for row in history if row.is_in_use and row.item_version_id in known])
    if not answers:
        return []
    versions = list(answers)
    groups = _groups([known[key] for key in versions])
    n, right = np.array([answers[key] for key in versions]).T
    found = pooled_facility(right, n, ["|".join(group) for group in groups])
    sizes = Counter(groups)
    return [
        PooledRow(
            key, int(n[place]), _rounded(found.estimate[place]),
            _rounded(min(found.low[place], found.estimate[place])), _rounded(max(found.high[place], found.estimate[place])),
            _rounded(found.own_share[place]), sizes[groups[place]], Alike(groups[place][0]),
        )
        for place, key in enumerate(versions)
        if found.is_enough[place]
    ]  # fmt: skip


def _rounded(value: float) -> float:
    return round(float(value), DIGITS)


def _answers(rows: Sequence[HistoryRow]) -> Mapping[uuid.UUID, tuple[float, float]]:
    """Return number and sum of marks, as shares of the full mark, of every version."""
    found: dict[uuid.UUID, tuple[float, float]] = {}
    for row in rows:
        if row.n and row.proportion_correct is not None:
            n, right = found.get(row.item_version_id, (0.0, 0.0))
            found[row.item_version_id] = (n + row.n, right + row.n * row.proportion_correct)
    return found


def _groups(kinds: Sequence[KindRow]) -> list[tuple[str, ...]]:
    """Return the closest group of each item that holds enough items; what remains of the level is one group."""
    found: list[tuple[str, ...] | None] = [None] * len(kinds)
    for alike in Alike:
        labels = [_label(alike, kind) for kind in kinds]
        sizes = Counter(label for label, group in zip(labels, found, strict=True) if group is None)
        for place, label in enumerate(labels):
            if found[place] is None and (sizes[label] >= LEAST_ALIKE or alike is Alike.LEVEL):
                found[place] = label
    return [group for group in found if group is not None]


def _label(alike: Alike, kind: KindRow) -> tuple[str, ...]:
    judged = str(kind.difficulty or "")
    own = {
        Alike.POINT: (kind.point, kind.type, judged), Alike.DIFFICULTY: (kind.type, judged), Alike.TYPE: (kind.type,),
        Alike.LEVEL: (),
    }  # fmt: skip
    return (alike.value, *own[alike])
