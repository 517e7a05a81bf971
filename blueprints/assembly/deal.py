"""Deal a choice of units out to forms, so that every form keeps every rule.

The choice for k forms is halved again and again: one half must keep k/2 times the bounds of one form, and so must what
it leaves. Both conditions bound the same rows, so each halving is one small integer program; its relaxation always has
a solution (take the share k/2 of everything).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from blueprints.assembly.columns import FloatArray, IntArray
from blueprints.assembly.compile import Model
from blueprints.assembly.highs import Deadline, Program, solve_integer
from blueprints.assembly.solve import round_program

ANY_GAP = 1e9
"""Any solution will do: dealing decides nothing but who gets what."""


Rules = tuple[sparse.csc_matrix, FloatArray, FloatArray]
"""Rows over columns with their bounds on one part."""


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
        n_first = first_half(n_parts, model.group)
        waiting.append((share - half, n_parts - n_first))
        waiting.append((half, n_first))
    return Deal("feasible", np.array(out))


def first_half(n_parts: int, group: int) -> int:
    """Return how many of the forms are parted first; groups whose forms are bound together stay whole while they can.

    Examples
    --------
    >>> first_half(5, 1), first_half(5, 3), first_half(3, 3)
    (2, 3, 1)
    """
    if n_parts <= group:
        return n_parts // 2
    return max(group, n_parts // 2 // group * group)


def _halve(
    model: Model, share: IntArray, n_parts: int, rng: np.random.Generator, deadline: Deadline
) -> IntArray | None:
    """Return what the first ``n_parts // 2`` forms get, or None if no split was found."""
    held = np.nonzero(share)[0]
    matrix = model.matrix[:, held].tocsc()
    n_first = first_half(n_parts, model.group)
    total = matrix @ share[held]
    first, rest = model.bounds(n_first), model.bounds(n_parts - n_first)
    low, high = np.maximum(first[0], total - rest[1]), np.minimum(first[1], total - rest[0])
    program = Program(matrix, rng.random(len(held)), share[held].astype(np.float64), low, high)
    found = round_program(program, deadline, gap=ANY_GAP)
    if found.x.size == 0:
        return None
    half = np.zeros_like(share)
    half[held] = np.round(found.x).astype(np.int64)
    return half


def deal_program(
    rules: Rules,
    count: IntArray,
    n_parts: int,
    rng: np.random.Generator,
    deadline: Deadline,
) -> IntArray | None:
    """Deal whole numbers of columns out to parts that each keep the same bounds; None if there is no such part.

    Where a share cannot be halved, its parts are found one by one from everything; the sum then differs a little.
    """
    out, waiting = [], [(count, n_parts)]
    while waiting:
        share, size = waiting.pop()
        if size == 1:
            out.append(share)
            continue
        mine = None if deadline.is_over else _first_part(rules, share, size, rng, deadline)
        if mine is not None:
            waiting += [(share - mine, size - size // 2), (mine, size // 2)]
            continue
        for _ in range(size):
            one = _lone_part(rules, share, count, rng, deadline)
            if one is None:
                return None
            out.append(one)
    return np.array(out)


def _first_part(
    rules: Rules, share: IntArray, size: int, rng: np.random.Generator, deadline: Deadline
) -> IntArray | None:
    """Return what the first half of the parts get."""
    matrix, low, high = rules
    first, held = size // 2, np.nonzero(share)[0]
    within = matrix[:, held].tocsc()
    total = within @ share[held]
    least = np.maximum(low * first, total - high * (size - first))
    most = np.minimum(high * first, total - low * (size - first))
    program = Program(within, rng.random(len(held)), share[held].astype(np.float64), least, most)
    half = _part(program, first / size, deadline)
    if half is None:
        return None
    mine = np.zeros_like(share)
    mine[held] = half
    return mine


def _lone_part(
    rules: Rules, share: IntArray, count: IntArray, rng: np.random.Generator, deadline: Deadline
) -> IntArray | None:
    """Return one part from everything there is, from its own share where possible."""
    cost = rng.random(len(share)) + (share == 0)
    found = round_program(Program(rules[0], cost, count.astype(np.float64), rules[1], rules[2]), deadline, gap=ANY_GAP)
    return np.asarray(np.round(found.x), dtype=np.int64) if found.x.size else None


def _part(program: Program, share: float, deadline: Deadline) -> IntArray | None:
    """Return about this share of everything, rounded up or down column by column; any other part where that fails."""
    whole = np.floor(program.upper * share)
    done = program.matrix @ whole
    rest = Program(
        program.matrix, program.cost, np.minimum(program.upper - whole, 1.0), program.low - done, program.high - done
    )
    found = round_program(rest, deadline, gap=ANY_GAP)
    if found.x.size:
        return np.asarray(np.round(whole + found.x), dtype=np.int64)
    found = round_program(program, deadline, gap=ANY_GAP)
    return np.asarray(np.round(found.x), dtype=np.int64) if found.x.size else None


def joint_part(model: Model, n_forms: int) -> tuple[sparse.spmatrix, FloatArray, FloatArray]:
    """Return the rows that bind several forms together, over the columns of all forms, with their bounds."""
    blocks, low, high = [], [], []
    for row in np.nonzero(model.period)[0]:
        period, one = int(model.period[row]), model.matrix[row]
        for first in range(0, n_forms - period + 1, period):
            within = [one if first <= form < first + period else one * 0 for form in range(n_forms)]
            blocks.append(sparse.hstack(within))
            low.append(model.low[row])
            high.append(model.high[row])
    empty = sparse.csr_matrix((0, model.matrix.shape[1] * n_forms))
    return sparse.vstack([empty, *blocks]), np.array(low), np.array(high)


def deal_jointly(model: Model, n_forms: int, deadline: Deadline) -> Deal:
    """Solve all forms in one integer program: slow, complete; the last resort when halving is stuck.

    The status ``infeasible`` is a proof.
    """
    n_classes = model.matrix.shape[1]
    alone = model.period == 0
    per_form = sparse.block_diag([model.matrix[alone]] * n_forms)
    joint, joint_low, joint_high = joint_part(model, n_forms)
    supply = sparse.hstack([sparse.identity(n_classes)] * n_forms)
    program = Program(
        sparse.vstack([per_form, supply, joint]).tocsc(),
        np.tile(model.unit_cost[np.minimum(model.start[:-1], len(model.units) - 1)] + model.tie, n_forms),
        np.tile(model.n_units.astype(np.float64), n_forms),
        np.concatenate([np.tile(model.low[alone], n_forms), np.full(n_classes, -np.inf), joint_low]),
        np.concatenate([np.tile(model.high[alone], n_forms), model.n_units.astype(np.float64), joint_high]),
    )
    found = solve_integer(program, deadline, gap=ANY_GAP)
    counts = (
        np.round(found.x).astype(np.int64).reshape(n_forms, n_classes) if found.x.size else np.empty((0, n_classes))
    )
    return Deal(found.status if found.x.size == 0 else "feasible", counts.astype(np.int64))
