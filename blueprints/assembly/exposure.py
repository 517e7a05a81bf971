"""How evenly a pool can be used at all: the least possible rate of its most used item, and counts that come near it.

The least rate is found from below: at a rate too small the relaxation breaks its rows by some amount, and the slope of
that amount, read off the duals, gives the next rate. The amount is convex and piecewise linear in the rate, so a few
steps end at the exact least rate, and every rate on the way is a proven bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from blueprints.assembly.columns import FloatArray
from blueprints.assembly.compile import Model
from blueprints.assembly.highs import Deadline, Program, solve_linear
from blueprints.assembly.scaling import scale, scaling_rows

STEPS = 30
CLOSE = 1e-7
SPREADS = 5
EVEN = 0.7
"""Vertices of the relaxation that are averaged, so that no class is left out needlessly."""


@dataclass(frozen=True)
class Rate:
    """A lower bound on the share of forms that hold the most used item, and whether it is the least rate itself."""

    bound: float
    is_exact: bool


def least_rate(model: Model, n_forms: int, deadline: Deadline) -> Rate:
    """Return the least possible rate of the most used unit over so many forms, overlapping at will."""
    size = model.n_units.astype(np.float64)
    low, high = (side / n_forms for side in model.bounds(n_forms))
    rows = sparse.identity(len(low), format="csc")
    matrix = sparse.hstack([model.matrix, rows, -rows]).tocsc()
    cost = np.concatenate([np.zeros(len(size)), np.ones(2 * len(low))])
    rate = 0.0
    for _ in range(STEPS):
        upper = np.concatenate([size * max(rate, CLOSE), np.full(2 * len(low), np.inf)])
        found = solve_linear(Program(matrix, cost, upper, low, high), deadline)
        if found.status != "optimal":
            return Rate(rate, is_exact=False)
        slope = float((size * np.minimum(found.reduced[: len(size)], 0.0)).sum())
        if found.objective <= CLOSE * max(1.0, float(np.abs(low[np.isfinite(low)]).sum())) or slope >= 0:
            return Rate(rate, is_exact=found.objective <= CLOSE)
        rate = max(rate, CLOSE) - found.objective / slope
    return Rate(rate, is_exact=False)


def mean_counts(
    model: Model, n_forms: int, upper: FloatArray, rng: np.random.Generator, deadline: Deadline
) -> FloatArray | None:
    """Return how often each class is to be used over all forms, as evenly as the rules allow; None if that cannot be.

    Scaling finds the most even use; where it does not settle, several vertices of the relaxation, each for costs of its
    own, are averaged: the mean keeps every rule too and leaves far fewer classes out than a vertex does.
    """
    low, high = model.bounds(n_forms)
    size = model.n_units.astype(np.float64)
    rows = scaling_rows(model.matrix, low, high)
    even = size * float(upper.sum() / max(1.0, size.sum())) * EVEN * (1 - 0.5 * mean_cost(model))
    scaled = None if rows is None else scale(even, upper, rows)
    if scaled is not None:
        return scaled
    mean = np.zeros(len(upper))
    for _ in range(SPREADS):
        found = solve_linear(Program(model.matrix, rng.random(len(upper)), upper, low, high), deadline)
        if found.status != "optimal":
            return None
        mean += found.x / SPREADS
    return mean


def mean_cost(model: Model) -> FloatArray:
    """Return each class's mean cost of earlier use, from 0 to 1."""
    sums = np.add.reduceat(model.unit_cost, model.start[:-1]) if len(model.unit_cost) else np.zeros(0)
    mean = sums / np.maximum(model.n_units, 1)
    return np.asarray(mean / max(1.0, float(mean.max(initial=1.0))), dtype=np.float64)
