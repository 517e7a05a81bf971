"""Figures over very many forms: how evenly items are used, how much forms share, how alike they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from blueprints.assembly.pool import PoolItem
from blueprints.assembly.verify import information
from blueprints.rules.measures import with_parameters

ABILITIES = (-2.0, -1.0, 0.0, 1.0, 2.0)
MOST_BARS = 12
Floats = NDArray[np.float64]


def fly_figures(dealt: Sequence[Sequence[int]], items: Sequence[PoolItem]) -> dict[str, Any]:
    """Return figures of many forms, each given by the places of its items.

    Returns
    -------
    dict
        ``uses``: bars of how many items stand in how many forms; ``overlap``: mean, median, 95 % quantile and largest
        number of items that two forms share; ``difficulty`` and ``information``: least, median and greatest over the
        forms, the latter at each of `ABILITIES` (none without parameters); ``forms``: mean difficulty, information at 0
        and most items shared with another form, for each form.

    Examples
    --------
    >>> items = [PoolItem(str(n), "true_false", "A", difficulty=1 + n) for n in range(3)]
    >>> found = fly_figures([[0, 1], [1, 2]], items)
    >>> found["uses"], found["overlap"]["largest"], found["difficulty"]
    ([['1', 2], ['2', 1]], 1, [1.5, 2.0, 2.5])
    """
    table = _incidence(dealt, len(items))
    shared = _shared(table)
    difficulty = _means(table, [item.difficulty for item in items])
    told = _information(table, items)
    rows = zip(_rounded(difficulty), _rounded(told[2]) if told is not None else [None] * len(dealt), shared.max(axis=1, initial=0), strict=True)  # fmt: skip
    return {
        "uses": _bars(np.asarray(table.sum(axis=0)).ravel().astype(np.int64)),
        "overlap": _overlap(shared),
        "difficulty": _spread(difficulty),
        "information": None if told is None else [[theta, *_three(row)] for theta, row in zip(ABILITIES, told, strict=True)],
        "forms": [[level, tells, int(most)] for level, tells, most in rows],
    }  # fmt: skip


def _incidence(dealt: Sequence[Sequence[int]], n_items: int) -> sparse.csr_matrix:
    """Return 1 where a form (row) holds an item (column)."""
    lengths = [len(row) for row in dealt]
    columns = np.fromiter((place for row in dealt for place in row), dtype=np.int64, count=sum(lengths))
    start = np.concatenate([[0], np.cumsum(lengths)])
    return sparse.csr_matrix((np.ones(len(columns)), columns, start), shape=(len(dealt), n_items))


def _shared(table: sparse.csr_matrix) -> NDArray[np.int64]:
    """Return how many items each pair of forms shares; 0 on the diagonal."""
    shared = np.asarray((table @ table.T).todense()).astype(np.int64)
    np.fill_diagonal(shared, 0)
    return shared


def _overlap(shared: NDArray[np.int64]) -> dict[str, float]:
    pairs = shared[np.triu_indices(len(shared), 1)]
    if not len(pairs):
        return {"mean": 0.0, "median": 0.0, "late": 0.0, "largest": 0}
    median, late = np.quantile(pairs, (0.5, 0.95))
    return {
        "mean": round(float(pairs.mean()), 2), "median": float(median), "late": float(late), "largest": int(pairs.max())
    }  # fmt: skip


def _means(table: sparse.csr_matrix, values: Sequence[int | None]) -> Floats:
    """Return the mean of the known values of each form's items; not a number where none is known."""
    known = np.array([value is not None for value in values], dtype=np.float64)
    sums = table @ np.array([float(value or 0) for value in values])
    counts: Floats = table @ known
    means = np.full(len(sums), np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def _information(table: sparse.csr_matrix, items: Sequence[PoolItem]) -> Floats | None:
    """Return the information of every form at each ability, a row for each; None where no item has parameters."""
    known = [with_parameters(item) for item in items]
    if not any(known):
        return None
    told = [[0.0 if item is None else information(item, theta) for item in known] for theta in ABILITIES]
    return np.array([table @ np.array(row) for row in told])


def _spread(values: Floats) -> list[float] | None:
    known = values[~np.isnan(values)]
    return _three(known) if len(known) else None


def _three(values: Floats) -> list[float]:
    """Return the least, the median and the greatest value."""
    return [round(float(one), 3) for one in (values.min(), np.median(values), values.max())]


def _rounded(values: Floats) -> list[float | None]:
    return [None if np.isnan(one) else round(float(one), 3) for one in values]


def _bars(uses: NDArray[np.int64]) -> list[list[Any]]:
    """Return how many items are used how often, in at most `MOST_BARS` bars of equal width."""
    most = int(uses.max(initial=1))
    width = -(-most // MOST_BARS)
    bars = []
    for low in range(1, most + 1, width):
        high = min(low + width - 1, most)
        count = int(((uses >= low) & (uses <= high)).sum())
        bars.append([str(low) if low == high else f"{low}–{high}", count])
    return bars
