"""What the items of a level look like over all sessions: figures of the versions in use, and which of them ask for a look."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from qbank.public_statistics import HistoryRow
from web.analysis.bounds import USUAL, Bounds

FLAGS = ("negative_discrimination", "low_discrimination", "very_hard", "very_easy")
STEP = 0.1


@dataclass(frozen=True, slots=True)
class ItemLine:
    """The version in use of one item over all its sources; earlier versions are counted, never mixed in."""

    item_id: uuid.UUID
    item_version_id: uuid.UUID
    code: str
    number: int
    n: int
    n_sources: int
    proportion: float | None
    correlation: float | None
    latest: date
    n_earlier: int
    flags: tuple[str, ...]


def item_lines(history: Sequence[HistoryRow], bounds: Bounds = USUAL) -> list[ItemLine]:
    """Return a line for each version in use, by item code, flagged by the bounds."""
    own: dict[uuid.UUID, list[HistoryRow]] = {}
    earlier: dict[uuid.UUID, set[uuid.UUID]] = {}
    for row in history:
        if row.is_in_use:
            own.setdefault(row.item_version_id, []).append(row)
        else:
            earlier.setdefault(row.item_id, set()).add(row.item_version_id)
    return [_line(rows, len(earlier.get(rows[0].item_id, ())), bounds) for rows in own.values()]


def _line(rows: Sequence[HistoryRow], n_earlier: int, bounds: Bounds) -> ItemLine:
    first = rows[0]
    proportion = _mean((row.proportion_correct, row.n) for row in rows)
    correlation = _mean((row.item_total_r, row.n) for row in rows)
    n = sum(row.n for row in rows)
    flags = tuple(_flags(proportion, correlation, bounds)) if n >= bounds.few else ()
    latest = max(row.computed_on for row in rows)
    return ItemLine(
        first.item_id, first.item_version_id, first.code, first.number, n, len(rows), proportion, correlation, latest,
        n_earlier, flags,
    )  # fmt: skip


def _mean(values: Iterable[tuple[float | None, int]]) -> float | None:
    """Return the mean of what is known, by number of answers."""
    known = [(value, n) for value, n in values if value is not None and n > 0]
    total = sum(n for _value, n in known)
    return sum(value * n for value, n in known) / total if total else None


def _flags(proportion: float | None, correlation: float | None, bounds: Bounds) -> Iterable[str]:
    if correlation is not None and correlation < bounds.low_discrimination:
        yield "negative_discrimination" if correlation < 0 else "low_discrimination"
    if proportion is not None and (proportion >= bounds.very_easy or proportion <= bounds.very_hard):
        yield "very_easy" if proportion >= bounds.very_easy else "very_hard"


def spread(values: Iterable[float | None], low: float, high: float) -> list[tuple[float, int]]:
    """Return how many values lie in each step of a tenth; what lies outside counts in the step at the edge.

    Examples
    --------
    >>> spread([0.05, 0.15, 0.19, 1.0, None], 0, 0.3)
    [(0.0, 1), (0.1, 2), (0.2, 1)]
    """
    n_steps = round((high - low) / STEP)
    counts = [0] * n_steps
    for value in values:
        if value is not None:
            counts[min(max(int((value - low) / STEP + 1e-9), 0), n_steps - 1)] += 1
    return [(round(low + STEP * place, 1), count) for place, count in enumerate(counts)]
