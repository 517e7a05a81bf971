"""Deal a choice of units out to forms, so that every form keeps every rule.

The choice for k forms is halved again and again: one half must keep k/2 times the bounds of one form, and so must what
it leaves. Both conditions bound the same rows, so each halving is one small integer program; its relaxation always has
a solution (take the share k/2 of everything).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from blueprints.assembly.columns import IntArray
from blueprints.assembly.compile import Model
from blueprints.assembly.highs import Deadline, Program, solve_integer
from blueprints.assembly.solve import round_program

ANY_GAP = 1e9
"""Any solution will do: dealing decides nothing but who gets what."""


@dataclass(frozen=True)
class Deal:
    """Units of each class for each form (forms by classes), or empty with the reason."""

    status: str
    counts: IntArray


def deal_counts(model: Model, count: IntArray, n_forms: int, seed: int, deadline: Deadline) -> Deal:
    """Deal the units of each class to the forms."""
    rng = np.random.default_rng((seed, 1))
    out: list[IntArray] = []
    waiting = [(count, n_forms)]
    while waiting:
        share, n_parts = waiting.pop()
        if n_parts == 1:
            out.append(share)
            continue
        half = _halve(model, share, n_parts, rng, deadline)
        if half is None:
            return Deal("limit" if deadline.is_over else "stuck", np.empty((0, len(count)), dtype=np.int64))
        n_first = n_parts // 2
        waiting.append((share - half, n_parts - n_first))
        waiting.append((half, n_first))
    return Deal("feasible", np.array(out))


def _halve(
    model: Model, share: IntArray, n_parts: int, rng: np.random.Generator, deadline: Deadline
) -> IntArray | None:
    """Return what the first ``n_parts // 2`` forms get, or None if no split was found."""
    held = np.nonzero(share)[0]
    matrix = model.matrix[:, held].tocsc()
    n_first = n_parts // 2
    n_rest = n_parts - n_first
    total = matrix @ share[held]
    low = np.maximum(model.low * n_first, total - model.high * n_rest)
    high = np.minimum(model.high * n_first, total - model.low * n_rest)
    program = Program(matrix, rng.random(len(held)), share[held].astype(np.float64), low, high)
    found = round_program(program, deadline, gap=ANY_GAP)
    if found.x.size == 0:
        return None
    half = np.zeros_like(share)
    half[held] = np.round(found.x).astype(np.int64)
    return half


def deal_jointly(model: Model, n_forms: int, deadline: Deadline) -> Deal:
    """Solve all forms in one integer program: slow, complete; the last resort when halving is stuck.

    The status ``infeasible`` is a proof.
    """
    n_classes = model.matrix.shape[1]
    per_form = sparse.block_diag([model.matrix] * n_forms)
    supply = sparse.hstack([sparse.identity(n_classes)] * n_forms)
    program = Program(
        sparse.vstack([per_form, supply]).tocsc(),
        np.tile(model.unit_cost[np.minimum(model.start[:-1], len(model.units) - 1)] + model.tie, n_forms),
        np.tile(model.n_units.astype(np.float64), n_forms),
        np.concatenate([np.tile(model.low, n_forms), np.full(n_classes, -np.inf)]),
        np.concatenate([np.tile(model.high, n_forms), model.n_units.astype(np.float64)]),
    )
    found = solve_integer(program, deadline, gap=ANY_GAP)
    counts = (
        np.round(found.x).astype(np.int64).reshape(n_forms, n_classes) if found.x.size else np.empty((0, n_classes))
    )
    return Deal(found.status if found.x.size == 0 else "feasible", counts.astype(np.int64))
