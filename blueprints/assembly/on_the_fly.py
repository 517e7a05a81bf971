"""One form for each candidate (linear on the fly): very many forms at once, their overlap free, their exposure controlled."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import numpy as np

from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.columns import Columns, FloatArray, IntArray, build_columns
from blueprints.assembly.compile import Model, Options, compile_model
from blueprints.assembly.consistency import contradictions, misfits
from blueprints.assembly.draw import draw_disjoint
from blueprints.assembly.even import aim_of, enemies_of
from blueprints.assembly.exchange import NOTHING, TINY, Board, padded_rules
from blueprints.assembly.explain import explain
from blueprints.assembly.exposure import least_rate
from blueprints.assembly.fly_counts import plan_places
from blueprints.assembly.fly_deal import deal_units, mend
from blueprints.assembly.highs import Deadline
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.result import AssemblyResult, Conflict, ConflictRule, Exposure, FormResult, Status
from blueprints.assembly.solve import solve_base
from blueprints.assembly.text import Text, plain
from blueprints.assembly.verify_many import check_many
from blueprints.assembly.weights import weight_targets
from kernel.i18n import N_

MULTIPLE = 2.5
"""The most that an item may be used, in multiples of the least possible rate, unless the blueprint says `max_rate`."""
REPAIRS, EVENINGS, TRIES = 400, 120, 4
TINY_RATE = 1e-6

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class _Task:
    """What is drawn, from what, and by when."""

    blueprint: Blueprint
    columns: Columns
    model: Model
    n_forms: int
    deadline: Deadline


def assemble_on_the_fly(
    pool: Sequence[PoolItem],
    blueprint: Blueprint,
    *,
    n_forms: int,
    seed: int = 0,
    time_limit: float = 120.0,
    multiple: float = MULTIPLE,
    progress: Progress | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> AssemblyResult:
    """Return one form for each candidate; every item's use stays within a multiple of the least possible rate.

    Parameters
    ----------
    pool, blueprint, seed, time_limit, progress, is_cancelled
        As for `assemble`; `max_overlap` does not apply, coverage binds all forms together.
    n_forms : int
        How many candidates.
    multiple : float
        The most uses of an item, in multiples of the least rate that any choice of forms must give its most used item;
        the blueprint's ``exposure.max_rate`` is a further bound.

    Returns
    -------
    AssemblyResult
        With `exposure`; forms without single checks (`check_form` gives them), all of them verified.
    """
    deadline = Deadline(time_limit, is_cancelled)
    report = progress or (lambda _step, _share: None)
    blueprint = _jointly(blueprint, n_forms)
    if broken := contradictions(blueprint) or misfits(blueprint, pool):
        return _refusal(pool, seed, deadline, Conflict(broken))
    report("compile", 0.0)
    columns = build_columns(pool, blueprint)
    loose = replace(blueprint, information=())
    model = compile_model(loose, columns, Options(n_forms=n_forms, seed=seed))
    task = _Task(blueprint, columns, model, n_forms, deadline)
    if solve_base(model, 1, deadline).status == "infeasible":
        return _refusal(pool, seed, deadline, explain(blueprint, columns, 1, seed, deadline))
    rate = least_rate(model, n_forms, deadline)
    cap = _most_uses(blueprint, rate.bound, multiple, n_forms)
    if cap < math.ceil(rate.bound * n_forms - TINY_RATE):
        return _refusal(pool, seed, deadline, Conflict((_too_tight(blueprint, rate.bound),)))
    report("deal", 0.3)
    for attempt in range(TRIES):
        board = None if deadline.is_over else _draw(task, rate.bound, cap, np.random.default_rng((seed, 5, attempt)))
        if board is not None:
            report("verify", 0.9)
            result = _finish(task, board, pool, seed, (rate.bound, cap))
            if result is not None:
                report("done", 1.0)
                return result
    return AssemblyResult("time_limit", (), None, None, deadline.elapsed, None, seed, pool)


def _jointly(blueprint: Blueprint, n_forms: int) -> Blueprint:
    """Return the blueprint with coverage asked of all forms together."""
    rules = tuple(replace(rule, forms=n_forms) for rule in blueprint.limits.coverage)
    return replace(blueprint, limits=replace(blueprint.limits, coverage=rules))


def _refusal(pool: Sequence[PoolItem], seed: int, deadline: Deadline, conflict: Conflict) -> AssemblyResult:
    return AssemblyResult("infeasible", (), None, None, deadline.elapsed, conflict, seed, pool)


def _too_tight(blueprint: Blueprint, rate: float) -> ConflictRule:
    """Return the refusal of a bound on exposure below what the pool makes necessary, with the least that is possible."""
    wanted = 100 * (blueprint.limits.max_rate or Decimal(0))
    least = math.ceil(10_000 * rate) / 100
    template = N_("同一道题最多出现在 %(wanted)s%% 的试卷中；按现有题库，总有题须出现在 %(least)s%% 以上的试卷中")
    return ConflictRule("exposure_rate", Text(template, {"wanted": plain(wanted), "least": plain(least)}))


def _most_uses(blueprint: Blueprint, rate: float, multiple: float, n_forms: int) -> int:
    """Return the cap on the uses of an item; never below what the least rate itself needs."""
    least = math.ceil(rate * n_forms - TINY_RATE)
    by_rate = blueprint.limits.max_rate
    cap = math.floor(multiple * rate * n_forms + TINY_RATE)
    if by_rate is not None:
        cap = min(cap, math.floor(by_rate * n_forms))
    return max(1, min(n_forms, cap if by_rate is not None else max(cap, least)))


def _draw(task: _Task, rate: float, cap: int, rng: np.random.Generator) -> Board | None:
    model = task.model
    plan = plan_places(model, task.n_forms, (rate, cap), rng, task.deadline)
    if plan is None:
        return None
    rules = padded_rules(model, task.n_forms, (model.period == 0) & ~plan.tight, plan.profile)
    board = Board(rules, deal_units(model, plan.kind, rng), plan.kind, rng, enemies_of(model))
    board.repair(task.deadline, rounds=REPAIRS)
    wrong = set(mend(board)) | set(np.nonzero(board.violation() > TINY)[0].tolist())
    if not all(_redraw(task, board, form, cap) for form in sorted(wrong)):
        return None
    board.aim = aim_of(task.blueprint, task.columns, model, board.unit)
    board.measure()
    board.even_out(task.deadline, rounds=EVENINGS)
    missed = board.missed() if task.blueprint.information else ()
    return board if all(_redraw(task, board, form, cap) for form in missed) else None


def _redraw(task: _Task, board: Board, form: int, cap: int) -> bool:
    """Draw one form anew by an integer program, from the items that are used least; say whether there is one."""
    model, columns = task.model, task.columns
    board.put(form, np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    uses = np.bincount(board.unit[board.unit >= 0], minlength=len(columns.items))
    for head, members in model.followers.items():
        uses[list(members)] = uses[head]
    fewer = replace(columns, cost=uses.astype(np.int64), suited=columns.suited & (uses < cap))
    information = task.blueprint.information if board.aim is not None else ()
    alone = replace(task.blueprint.limits, coverage=(), include=(), include_sets=())
    loose = replace(task.blueprint, information=information, limits=alone)
    found = None if task.deadline.is_over else draw_disjoint(loose, fewer, 1, task.deadline)
    if found is None or not found.forms:
        return False
    head_of = {item: first for first, members in model.followers.items() for item in members}
    units = np.array(sorted({head_of.get(item, item) for item in found.forms[0]}), dtype=np.int64)
    if len(units) > board.unit.shape[1]:
        return False
    kind_of = np.full(len(columns.items), -1, dtype=np.int64)
    kind_of[model.units] = np.repeat(np.arange(len(model.n_units)), model.n_units)
    board.put(form, units, kind_of[units])
    board.measure()
    return True


def _finish(
    task: _Task, board: Board, pool: Sequence[PoolItem], seed: int, rates: tuple[float, int]
) -> AssemblyResult | None:
    """Return the forms if every one of them passes; None if one does not, which only a missed target can be."""
    forms = _item_positions(task, board.unit)
    targets = weight_targets(task.blueprint, task.columns.step)
    held = check_many(forms, task.columns.items, task.blueprint, targets)
    uses = np.bincount(forms[forms >= 0], minlength=len(task.columns.items))
    free = np.ones(len(uses), dtype=bool)
    free[task.columns.anchors] = False
    if any(rule.n_broken for rule in held) or int(uses[free].max(initial=0)) > rates[1]:
        return None
    exposure = _exposure(task, uses[free], rates, board)
    results = _forms(task, forms)
    status: Status = "feasible"
    cost = float(uses @ np.array([item.n_used for item in task.columns.items]))
    return AssemblyResult(
        status, results, cost, None, task.deadline.elapsed, None, seed, pool, on=_day(task.blueprint), exposure=exposure
    )


def _day(blueprint: Blueprint) -> date | None:
    rest = blueprint.limits.cool_down
    return rest.on if rest else None


def _item_positions(task: _Task, units: IntArray) -> IntArray:
    """Return the positions of the items of every form, anchors included, filled up with -1."""
    anchors = task.columns.anchors.tolist()
    if not task.model.followers:
        fixed = np.tile(np.array(anchors, dtype=np.int64), (len(units), 1))
        return np.concatenate([units, fixed], axis=1)
    rows = [
        [item for unit in row if unit != NOTHING for item in task.model.members(unit)] + anchors
        for row in units.tolist()
    ]
    width = max(map(len, rows))
    return np.array([row + [NOTHING] * (width - len(row)) for row in rows], dtype=np.int64)


def _exposure(task: _Task, uses: IntArray, rates: tuple[float, int], board: Board) -> Exposure:
    suited = task.columns.usable[np.setdiff1d(np.arange(len(task.columns.items)), task.columns.anchors)]
    n_pairs = task.n_forms * (task.n_forms - 1) / 2
    shared = float((uses * (uses - 1) / 2).sum())
    return Exposure(
        least_rate=rates[0],
        rate=float(uses.max(initial=0)) / task.n_forms,
        max_uses=int(uses.max(initial=0)),
        allowed_uses=rates[1],
        n_unused=int((uses[suited] == 0).sum()),
        mean_overlap=shared / n_pairs if n_pairs else 0.0,
        distances=_quantiles(board.distance()) if board.aim is not None else (),
    )


def _quantiles(values: FloatArray) -> tuple[float, ...]:
    return tuple(float(value) for value in np.quantile(values, (0.5, 0.95, 1.0)))


def _forms(task: _Task, forms: IntArray) -> tuple[FormResult, ...]:
    """Return the forms by ids, grouped by type in the blueprint's order as the other modes do it."""
    columns, items = task.columns, task.columns.items
    order = {rule.type: number for number, rule in enumerate(task.blueprint.types)}
    by_type = np.array([order.get(name, len(order)) for name in columns.type_names], dtype=np.int64)
    by_point = np.argsort(np.argsort(np.array(columns.point_names, dtype=object)))
    drawn = np.unique(forms[forms >= 0])
    keys = by_point[columns.point_code[drawn]], by_type[columns.type_code[drawn]]
    used = drawn[np.lexsort(keys)].tolist()
    rank = np.zeros(len(items) + 1, dtype=np.int64)
    rank[used] = np.arange(1, len(used) + 1)
    ordered = np.sort(rank[forms], axis=1)
    ids = np.array(["", *(items[index].id for index in used)], dtype=object)
    fixed = {items[index].id for index in columns.anchors.tolist()}
    trial = {items[index].id for index in used if items[index].pretest} - fixed
    n_empty = (ordered == 0).sum(axis=1).tolist()
    rows = (tuple(row[empty:]) for row, empty in zip(ids[ordered].tolist(), n_empty, strict=True))
    return tuple(FormResult(row, (), _among(row, trial), _among(row, fixed)) for row in rows)


def _among(row: Sequence[str], ids: Collection[str]) -> tuple[str, ...]:
    return tuple(one for one in row if one in ids) if ids else ()
