"""Find the cheapest units for all forms at once, then deal them out.

The linear relaxation of a model of F like forms has the value of one form-sized program with every bound multiplied by
F, since forms may be averaged. So one small program bounds any number of forms; the integer program over the columns
with the smallest reduced costs comes next, with a certificate that no dropped column can improve it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from blueprints.assembly.columns import BoolArray, FloatArray, IntArray
from blueprints.assembly.compile import Model
from blueprints.assembly.highs import Deadline, Program, Solution, solve_integer, solve_linear, solve_priced

TIE_WEIGHT = 0.1
"""Most that random tie-breaks add to the cost of a whole assembly, whose true cost is a whole number."""
PROOF_GAP = 0.8
"""Cost and bound closer than this prove a whole-number cost optimal, ties included (1 - TIE_WEIGHT and margin)."""
FIRST_COLUMNS = 400
WIDER = 4
MAX_NODES = 2000
FRACTION_SLACK = 1e-6

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Base:
    """The cheapest whole-number choice for all forms: units of each class, its cost and a proven bound."""

    status: str
    count: IntArray
    cost: int
    bound: int


@dataclass(frozen=True)
class Pieces:
    """The classes cut where the cost of their units steps up: one column of the program for each piece."""

    class_of: IntArray
    cost: FloatArray
    upper: FloatArray


def cut_pieces(model: Model, n_forms: int) -> Pieces:
    """Return the pieces of every class, with tie-breaks too small to change what is cheapest: few enemies, then chance."""
    class_of = np.repeat(np.arange(len(model.n_units)), model.n_units)
    is_first = np.ones(len(class_of), dtype=bool)
    steps = (class_of, model.unit_cost, model.has_enemies.astype(np.int64))
    is_first[1:] = np.any([np.diff(step) != 0 for step in steps], axis=0)
    first = np.nonzero(is_first)[0]
    upper = np.diff(np.append(first, len(class_of)))
    n_drawn = max(1.0, n_forms * _most_drawn(model))
    tie = (model.tie[class_of[first]] + model.has_enemies[first]) * (TIE_WEIGHT / 2 / n_drawn)
    return Pieces(class_of[first], model.unit_cost[first] + tie, upper.astype(np.float64))


def _most_drawn(model: Model) -> float:
    """Return the most units that one form can hold: as many as its types and its trial block allow."""
    counting = [rule == "pretest" or rule.startswith("types[") for rule in model.rules]
    return float(model.high[counting].sum())


def total_program(model: Model, pieces: Pieces, n_forms: int) -> Program:
    """Return the program of all forms together."""
    return Program(model.matrix[:, pieces.class_of].tocsc(), pieces.cost, pieces.upper, *model.bounds(n_forms))


def solve_base(model: Model, n_forms: int, deadline: Deadline) -> Base:
    """Return the cheapest choice of units for all forms together, or why there is none.

    The status is ``optimal`` or ``feasible`` with a choice, ``infeasible`` when that is proved, else ``limit``.
    """
    pieces = cut_pieces(model, n_forms)
    program = total_program(model, pieces, n_forms)
    cheapest = np.append(True, np.diff(pieces.class_of) != 0)[: len(pieces.class_of)]
    found = round_program(program, deadline, gap=PROOF_GAP, relaxed=solve_priced(program, cheapest, deadline))
    n_classes = len(model.n_units)
    if found.x.size == 0 and found.status != "optimal":
        return Base(found.status, np.zeros(n_classes, dtype=np.int64), 0, 0)
    count = np.bincount(pieces.class_of, weights=found.x, minlength=n_classes).astype(np.int64)
    cost = base_cost(model, count)
    bound = min(cost, math.ceil(found.bound - TIE_WEIGHT - FRACTION_SLACK))
    return Base("optimal" if cost <= bound else "feasible", count, cost, bound)


def base_cost(model: Model, count: IntArray) -> int:
    """Return the cost of the cheapest units, so many of each class."""
    cumulative = np.concatenate([[0], np.cumsum(model.unit_cost)])
    return int((cumulative[model.start[:-1] + count] - cumulative[model.start[:-1]]).sum())


def round_program(program: Program, deadline: Deadline, *, gap: float, relaxed: Solution | None = None) -> Solution:
    """Return a whole-number solution within `gap` of the program's bound, as far as time and nodes allow.

    Solve the relaxation, then integer programs over ever more columns of small reduced cost; a column left out at its
    bound proves itself dispensable when the relaxation's value plus its reduced cost reaches the value found.
    """
    relaxed = relaxed or solve_linear(program, deadline)
    if relaxed.status != "optimal":
        return relaxed
    if _is_whole(relaxed.x):
        return replace(relaxed, x=np.round(relaxed.x))
    best: Solution | None = None
    width, n_columns = FIRST_COLUMNS, len(program.cost)
    while not deadline.is_over:
        free = _free_columns(relaxed, width)
        found = _solve_part(program, relaxed, free, deadline, gap)
        best = _better(best, found)
        if free.all() or (best.x.size and best.objective - best.bound <= gap):
            break
        width = min(n_columns, width * WIDER)
    return best or Solution("limit", np.empty(0), np.inf, relaxed.objective, relaxed.reduced, relaxed.duals)


def _is_whole(x: FloatArray) -> bool:
    return bool((np.abs(x - np.round(x)) < FRACTION_SLACK).all())


def _free_columns(relaxed: Solution, width: int) -> BoolArray:
    """Choose the columns of smallest reduced cost, every fractional one among them."""
    if width >= len(relaxed.x):
        return np.ones(len(relaxed.x), dtype=bool)
    fractional = np.abs(relaxed.x - np.round(relaxed.x)) >= FRACTION_SLACK
    rank = np.where(fractional, -1.0, np.abs(relaxed.reduced))
    free = np.zeros(len(rank), dtype=bool)
    free[np.argsort(rank, kind="stable")[: max(width, int(fractional.sum()))]] = True
    return free


def _solve_part(program: Program, relaxed: Solution, free: BoolArray, deadline: Deadline, gap: float) -> Solution:
    fixed = np.round(relaxed.x)
    max_nodes = None if free.all() else MAX_NODES
    found = solve_integer(program.part(free, fixed), deadline, gap=gap, max_nodes=max_nodes)
    if free.all():
        return found
    dropped = relaxed.objective + float(np.abs(relaxed.reduced[~free]).min())
    if found.x.size == 0:
        return Solution("limit", found.x, np.inf, relaxed.objective, relaxed.reduced, relaxed.duals)
    x = fixed.copy()
    x[free] = found.x
    offset = float(program.cost @ np.where(free, 0.0, fixed))
    bound = max(relaxed.objective, min(found.bound + offset, dropped))
    return Solution("feasible", x, found.objective + offset, bound, relaxed.reduced, relaxed.duals)


def _better(best: Solution | None, found: Solution) -> Solution:
    """Keep the cheaper solution and the greater bound."""
    if best is None or best.x.size == 0:
        return found
    if found.x.size == 0:
        return best
    cheaper = found if found.objective < best.objective else best
    bound = max(best.bound, found.bound)
    return Solution(cheaper.status, cheaper.x, cheaper.objective, bound, cheaper.reduced, cheaper.duals)
