"""Forms that may share a few items: disjoint if the pool carries it, else one after another, else all at once.

A further use of an item in the same assembly costs as much as an earlier use, so items are shared only where they are
scarce or cheap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from scipy import sparse

from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.columns import USE_COST, Columns, FloatArray
from blueprints.assembly.compile import Model, Options, compile_model
from blueprints.assembly.draw import Draw, draw_disjoint
from blueprints.assembly.highs import Deadline, Program, solve_integer, solve_linear
from blueprints.assembly.pacing import alone, joint_demands, paced
from blueprints.assembly.solve import TIE_WEIGHT, cut_pieces, total_program

RESTARTS = 4
MAX_JOINT_COLUMNS = 40_000
ANY_GAP = 1e9


def draw_forms(blueprint: Blueprint, columns: Columns, n_forms: int, seed: int, deadline: Deadline) -> Draw:
    """Find forms that share at most the blueprint's `max_overlap` items pairwise."""
    disjoint = draw_disjoint(blueprint, columns, n_forms, deadline, Options(seed=seed))
    if n_forms == 1 or blueprint.max_overlap == 0:
        return disjoint
    bound = _shared_bound(blueprint, columns, n_forms, deadline)
    if disjoint.forms:
        return _rated(disjoint.forms, disjoint.cost, bound)
    for restart in range(RESTARTS):
        draw = _one_after_another(blueprint, columns, n_forms, seed + restart, deadline)
        if draw.forms:
            return _rated(draw.forms, draw.cost, bound)
        if draw.status == "infeasible" or deadline.is_over:
            return draw
    return _all_at_once(blueprint, columns, n_forms, bound, deadline)


def _rated(forms: tuple[tuple[int, ...], ...], cost: int, bound: int) -> Draw:
    return Draw("optimal" if cost <= bound else "feasible", forms, cost, min(cost, bound))


def _shared_bound(blueprint: Blueprint, columns: Columns, n_forms: int, deadline: Deadline) -> int:
    """Bound the cost of forms that share items at will, each further use costing one use more."""
    model = compile_model(blueprint, columns, Options(n_forms=n_forms))
    pieces = cut_pieces(model, n_forms)
    once = total_program(model, pieces, n_forms)
    size = np.array([len(model.members(int(unit))) for unit in model.units[model.start[:-1]]])[pieces.class_of]
    repeats = [once.cost + USE_COST * number * size for number in range(n_forms)]
    program = Program(
        sparse.hstack([once.matrix] * n_forms).tocsc(), np.concatenate(repeats), np.tile(once.upper, n_forms),
        once.low, once.high,
    )  # fmt: skip
    found = solve_linear(program, deadline)
    return math.ceil(found.objective - TIE_WEIGHT - 1e-6) if found.status == "optimal" else 0


def _one_after_another(blueprint: Blueprint, columns: Columns, n_forms: int, seed: int, deadline: Deadline) -> Draw:
    """Find each form beside those before it; infeasible only if the first one is."""
    forms: list[tuple[int, ...]] = []
    cost = columns.cost.copy()
    total = 0
    for number in range(n_forms):
        options = Options(seed=seed + number, with_enemies=True, earlier=[np.array(form) for form in forms])
        rules = paced(blueprint, columns, n_forms, forms, seed)
        draw = draw_disjoint(rules, replace(columns, cost=cost), 1, deadline, options)
        if not draw.forms:
            return draw if number == 0 and rules is blueprint else Draw("time_limit")
        forms.append(draw.forms[0])
        total += draw.cost
        cost = cost.copy()
        cost[list(draw.forms[0])] += USE_COST
    return Draw("feasible", tuple(forms), total)


def _all_at_once(blueprint: Blueprint, columns: Columns, n_forms: int, bound: int, deadline: Deadline) -> Draw:
    """Solve every form and every pair's shared items in one integer program, where that is small enough."""
    model = compile_model(alone(blueprint), columns, Options(with_enemies=True, each_alone=True))
    n_units = len(model.n_units)
    n_pairs = n_forms * (n_forms - 1) // 2
    if n_units * (n_forms + n_pairs) > MAX_JOINT_COLUMNS:
        return Draw("time_limit")
    demands = list(joint_demands(blueprint, columns, model, n_forms))
    found = solve_integer(_joint_program(model, n_forms, blueprint.max_overlap, demands), deadline, gap=ANY_GAP)
    if not found.x.size:
        return Draw("infeasible" if found.status == "infeasible" else "time_limit")
    taken = np.round(found.x[: n_units * n_forms]).reshape(n_forms, n_units) > 0
    forms = tuple(tuple(sorted(i for unit in model.units[row] for i in model.members(int(unit)))) for row in taken)
    return _rated(forms, shared_cost(columns, forms), bound)


def shared_cost(columns: Columns, forms: tuple[tuple[int, ...], ...]) -> int:
    """Return what the forms cost when each further use of an item costs one use more."""
    uses = np.bincount(np.array([item for form in forms for item in form]), minlength=len(columns.cost))
    return int((uses * columns.cost + USE_COST * uses * (uses - 1) // 2).sum())


def _joint_program(
    model: Model, n_forms: int, max_overlap: int, demands: Sequence[tuple[range, FloatArray]]
) -> Program:
    """Return the program of all forms (a column for a unit in a form) and all pairs (a column for a shared unit)."""
    n_units = len(model.n_units)
    pairs = list(combinations(range(n_forms), 2))
    size = np.array([len(model.members(int(unit))) for unit in model.units], dtype=np.float64)
    one = sparse.identity(n_units, format="csr")
    blocks: list[list[sparse.spmatrix | None]] = []
    low: list[FloatArray] = []
    high: list[FloatArray] = []
    for form in range(n_forms):
        blocks.append(_block_row({form: model.matrix}, n_forms + len(pairs)))
        low.append(model.low)
        high.append(model.high)
    for number, (first, second) in enumerate(pairs):
        at = n_forms + number
        blocks.append(_block_row({first: one, second: one, at: -one}, n_forms + len(pairs)))
        blocks.append(_block_row({at: sparse.csr_matrix(size)}, n_forms + len(pairs)))
        low += [np.full(n_units, -np.inf), np.array([-np.inf])]
        high += [np.ones(n_units), np.array([float(max_overlap)])]
    for group, units in demands:
        blocks.append(_block_row(dict.fromkeys(group, sparse.csr_matrix(units)), n_forms + len(pairs)))
        low.append(np.ones(1))
        high.append(np.array([np.inf]))
    cost = np.concatenate([np.tile(model.unit_cost.astype(np.float64), n_forms), np.zeros(n_units * len(pairs))])
    return Program(sparse.bmat(blocks).tocsc(), cost, np.ones(len(cost)), np.concatenate(low), np.concatenate(high))


def _block_row(blocks: dict[int, sparse.spmatrix], width: int) -> list[sparse.spmatrix | None]:
    return [blocks.get(index) for index in range(width)]
