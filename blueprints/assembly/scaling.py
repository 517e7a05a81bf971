"""Spread uses over classes as evenly as rules allow: iterative scaling towards every row in turn, capped per class.

The result is the least uneven one in the sense of relative entropy, so no class is left out, and costs far less than a
linear program; it is an aim to be rounded, not a proof, and callers fall back on the relaxation where it fails.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from blueprints.assembly.columns import FloatArray, IntArray

ROUNDS = 200
NEAR = 2e-3
INWARD = 0.06
"""Part of a wide row's width by which the aim stays off its ends, so that rounding does not cross them."""


@dataclass(frozen=True)
class Rows:
    """Rows with coefficients that are not negative, one by one: where they are, what they are, their bounds."""

    at: list[IntArray]
    power: list[FloatArray]
    values: list[FloatArray]
    low: FloatArray
    high: FloatArray


def scaling_rows(matrix: sparse.csr_matrix, low: FloatArray, high: FloatArray) -> Rows | None:
    """Return rows to scale towards; None where a coefficient is negative."""
    table = matrix.tocsr()
    if table.nnz and table.data.min() < 0:
        return None
    finite = np.isfinite(low) & np.isfinite(high)
    width = np.where(finite, high - low, 0.0)
    at, power, values = [], [], []
    for start, stop in zip(table.indptr[:-1], table.indptr[1:], strict=True):
        data = table.data[start:stop]
        at.append(table.indices[start:stop].astype(np.int64))
        values.append(data)
        power.append(data / data.max(initial=1e-12))
    margin = INWARD * np.where(finite, width, np.where(np.isfinite(high), np.abs(high), 0.0))
    return Rows(at, power, values, low + INWARD * width, high - margin)


def scale(start: FloatArray, upper: FloatArray, rows: Rows) -> FloatArray | None:
    """Return the start scaled until every row holds, no value above its upper bound; None if that does not come near."""
    x = np.minimum(start, upper)
    for _ in range(ROUNDS):
        worst = 0.0
        for index, at in enumerate(rows.at):
            total = float(x[at] @ rows.values[index])
            goal = min(max(total, rows.low[index]), rows.high[index])
            if goal == total:
                continue
            if total <= 0:
                return None
            worst = max(worst, abs(goal - total) / max(1.0, abs(goal)))
            x[at] *= (max(goal, 0.0) / total) ** rows.power[index]
        over = x > upper
        worst = max(worst, float((x[over] / np.maximum(upper[over], 1e-12)).max(initial=1.0)) - 1)
        x = np.minimum(x, upper)
        if worst < NEAR:
            return x
    return None
