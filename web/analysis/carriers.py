"""Figures by what candidates sat on: parts of a report that stand beside the whole and are never joined unseen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kernel.i18n import N_
from web.analysis.bounds import Bounds
from web.analysis.figures import analyse
from web.analysis.marking import Marked
from web.analysis.numbers import plain

UNKNOWN = "unknown"
COLUMN = "carrier"
"""The column of a file of groups that says on what each candidate sat."""
TOO_FEW = "too_few_on_carrier"
LABELS: Mapping[str, str] = {
    "computer": N_("电脑"), "tablet": N_("平板"), "phone": N_("手机"), UNKNOWN: N_("设备不明"),
}  # fmt: skip
"""The names of our own carriers; a file may name others."""

JsonObject = dict[str, Any]


def by_carrier(marked: Marked, carriers: Sequence[str], bounds: Bounds) -> list[JsonObject]:
    """Return the figures of every carrier, the most used first.

    A carrier of fewer candidates than the bounds ask for has no figures of the test and only numbers and facilities of
    items, to be joined with those of other sessions on the same carrier.
    """
    names = np.array([name.strip() or UNKNOWN for name in carriers], dtype=object)
    sizes = {name: int((names == name).sum()) for name in dict.fromkeys(names.tolist())}
    ordered = sorted(sizes, key=lambda name: (-sizes[name], name))
    return [_part(marked.part(np.flatnonzero(names == name)), name, bounds) for name in ordered]


def _part(marked: Marked, name: str, bounds: Bounds) -> JsonObject:
    n = len(marked.candidates)
    if n < bounds.few:
        return {COLUMN: name, "n_candidates": n, "flags": [TOO_FEW], "test": None, "items": _counts(marked)}
    found = analyse(marked, bounds)
    return {COLUMN: name, "n_candidates": n, "flags": [], "test": found["test"], "items": found["items"]}


def _counts(marked: Marked) -> list[JsonObject]:
    """Return number and facility of every item."""
    n = (~np.isnan(marked.scores)).sum(axis=0)
    sums = np.nansum(marked.scores, axis=0)
    return [
        {"item": item, "n": int(n[place]), "facility": plain(sums[place] / n[place] / most) if n[place] else None}
        for place, (item, most) in enumerate(zip(marked.items, marked.max_scores.tolist(), strict=True))
    ]
