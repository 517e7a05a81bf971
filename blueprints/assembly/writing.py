"""The writing order: the fewest new items with which the blueprint becomes possible."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count, islice, product
from statistics import median

import numpy as np

from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.columns import Columns, IntArray, build_columns
from blueprints.assembly.compile import Model, Options, compile_model
from blueprints.assembly.highs import Deadline, Program
from blueprints.assembly.kinds import further_kinds, trial_kinds
from blueprints.assembly.overlap import draw_forms
from blueprints.assembly.pool import DIFFICULTY_LEVELS, IMPORTANCE_LETTERS, PoolItem
from blueprints.assembly.result import WritingTask
from blueprints.assembly.solve import round_program

NEW_PREFIX = "\U0010ffff"
"""Begins the ids of items that do not exist yet: the last code point, a noncharacter, sorts after every real id."""
LAST_TIER = 2
MIDDLE_DIFFICULTY = 3
TIE_WEIGHT = 0.1
GAP = 0.8
P_VALUE_SPREAD = (0.0, -0.2, 0.2)
TYPICAL_DISCRIMINATION = 1.0
USUAL_P_VALUE = 0.65
MOST_CANDIDATES = 20_000
WRITTEN = ("p_value", "a", "b", "c", "cognitive", "key", "seconds", "characters", "pretest")
"""What an order says of new items beyond point, type, difficulty and importance."""

Needs = Counter[int]
"""How many new items of each kind, by position among the candidates."""


@dataclass(frozen=True)
class WritingProblem:
    """A blueprint, the real pool, candidate items to write, and both together as columns."""

    blueprint: Blueprint
    pool: tuple[PoolItem, ...]
    candidates: tuple[PoolItem, ...]
    columns: Columns
    is_new: IntArray

    @property
    def offset(self) -> int:
        """Where the candidates begin in the columns: their ids sort last."""
        return len(self.pool)


def writing_order(
    blueprint: Blueprint, columns: Columns, n_forms: int, seed: int, deadline: Deadline
) -> tuple[WritingTask, ...]:
    """Return what to write so that the assembly succeeds; empty if no new items could help.

    The fewest items for all forms together come first; where such forms cannot be dealt apart, each form's needs are
    found after the forms before it have taken their items, which always can.
    """
    for tier in range(LAST_TIER + 1):
        problem = _problem(blueprint, columns, tier)
        needs = _least(problem, n_forms, deadline)
        if needs is None:
            continue
        if not _suffices(problem, needs, n_forms, seed, deadline):
            needs = _form_by_form(problem, n_forms, deadline)
        if needs is not None:
            return _tasks(problem, needs)
    return ()


def written_items(tasks: Sequence[WritingTask], prefix: str = "new") -> tuple[PoolItem, ...]:
    """Return pool items as a writing order asks for them, to try what writing them would do."""
    items = []
    for number, task in enumerate(tasks):
        values = dict(task.values or {})
        items += [
            PoolItem(
                id=f"{prefix}{number}-{copy}", type=task.type, point=task.point, importance=task.importance,
                difficulty=task.difficulty, **values,
            )
            for copy in range(task.count)
        ]  # fmt: skip
    return tuple(items)


def _problem(blueprint: Blueprint, columns: Columns, tier: int) -> WritingProblem:
    candidates = tuple(_candidates(blueprint, columns, tier))
    both = build_columns([*columns.items, *candidates], blueprint)
    is_new = np.arange(len(both.items)) >= len(columns.items)
    return WritingProblem(blueprint, columns.items, candidates, both, is_new.astype(np.int64))


def _candidates(blueprint: Blueprint, columns: Columns, tier: int) -> Iterator[PoolItem]:
    types = [rule.type for rule in blueprint.types if rule.high]
    levels = DIFFICULTY_LEVELS if _looks_at_difficulty(blueprint) else (MIDDLE_DIFFICULTY,)
    points = _points(blueprint, columns, tier)
    kinds = [*further_kinds(blueprint, columns, types), *trial_kinds(blueprint, columns)]
    measured = list(product(levels, _p_values(blueprint), _parameters(blueprint, columns.items)))
    most = max(1, MOST_CANDIDATES // max(1, len(kinds) * len(measured)))
    chosen = product(_fewer(points, most), kinds, measured)
    for number, ((point, letter), kind, (level, p_value, (a, b))) in enumerate(chosen):
        yield PoolItem(
            id=f"{NEW_PREFIX}{number:08d}", type=kind.type, point=point, importance=letter, difficulty=level,
            p_value=p_value, a=a, b=b, c=None if a is None else 0.0, cognitive=kind.cognitive, key=kind.key,
            seconds=kind.seconds, characters=kind.characters, pretest=kind.pretest,
        )  # fmt: skip


def _fewer(points: list[tuple[str, str]], most: int) -> list[tuple[str, str]]:
    """Return evenly chosen points where there are too many to weigh each with every kind of item."""
    return points if len(points) <= most else points[:: -(-len(points) // most)]


def _looks_at_difficulty(blueprint: Blueprint) -> bool:
    return blueprint.needs_difficulty or any(cell.difficulty for cell in blueprint.cells)


def _points(blueprint: Blueprint, columns: Columns, tier: int) -> list[tuple[str, str]]:
    """Return points to write for, with the importance a new item there would have.

    Tier 0 takes the pool's points as they are, with new ones only in scopes that have none; tier 1 takes new points in
    every scope that a rule names; tier 2 lets a point of the pool change its importance as well.
    """
    seen = {(item.point, item.importance) for item in columns.items}
    room = _room(blueprint)
    if tier == 0 and columns.items:
        room = {scope: most for scope, most in room.items() if scope not in columns.scopes}
    else:
        room = room or {_parent(columns.point_names[0]) if columns.point_names else "A": blueprint.n_items}
    letters = IMPORTANCE_LETTERS if blueprint.importance or any(c.importance for c in blueprint.cells) else ("X",)
    cap = blueprint.max_per_point or blueprint.n_items
    fresh = sorted({one for rule in blueprint.limits.coverage for one in rule.points or ()} - set(columns.point_names))
    fresh += [point for scope, most in room.items() for point in _fresh_points(scope, -(-most // cap), columns)]
    known = columns.point_names if tier == LAST_TIER else ()
    return sorted(seen | set(product([*fresh, *known], letters)))


def _parent(point: str) -> str:
    return point.rpartition("-")[0] or point


def _room(blueprint: Blueprint) -> dict[str, int]:
    """Return the most items that each scope named by a rule can have in a form."""
    least = min((rule.score_each for rule in blueprint.types if rule.score_each), default=Decimal(1))
    total = blueprint.full_score or Decimal(blueprint.n_items)
    room: dict[str, int] = {}
    for rule in blueprint.weights:
        percent = rule.percent + blueprint.weight_tolerance_percent
        room[rule.scope] = min(blueprint.n_items, math.ceil(percent * total / 100 / least) + 1)
    for cell in blueprint.cells:
        for scope in cell.scopes:
            room[scope] = max(room.get(scope, 1), cell.high)
    return room


def _fresh_points(scope: str, n_points: int, columns: Columns) -> list[str]:
    """Return codes that no point has yet."""
    taken = set(columns.point_names)
    free = (code for number in count(1) if (code := f"{scope}-{number:03d}") not in taken)
    return list(islice(free, n_points))


def _p_values(blueprint: Blueprint) -> list[float | None]:
    if not blueprint.needs_p_value:
        return [None]
    limits = blueprint.limits
    if blueprint.p_value_mean is None and (limits.p_bands or limits.p_range):
        bands = [(band.start, band.end) for band in limits.p_bands] or [limits.p_range or (Decimal(0), Decimal(1))]
        return [round(float(low + high) / 2, 4) for low, high in bands]
    target = float(blueprint.p_value_mean.target) if blueprint.p_value_mean else USUAL_P_VALUE
    return [round(min(1.0, max(0.0, target + shift)), 4) for shift in P_VALUE_SPREAD]


def _parameters(blueprint: Blueprint, items: Sequence[PoolItem]) -> list[tuple[float | None, float | None]]:
    """Return item parameters to write towards: the pool's usual discrimination, difficulty where information is due."""
    if not blueprint.information:
        return [(None, None)]
    known = [item.a for item in items if item.a is not None and item.a > 0]
    typical = round(median(known), 3) if known else TYPICAL_DISCRIMINATION
    return [(typical, rule.theta) for rule in blueprint.information]


def _least(problem: WritingProblem, n_forms: int, deadline: Deadline, free: IntArray | None = None) -> Needs | None:
    """Return the fewest new items for so many forms; `free` marks the items not yet taken."""
    model, found = _solve(problem, n_forms, deadline, free)
    if found is None:
        return None
    needs: Needs = Counter()
    for kind in np.nonzero(found)[0]:
        _spread(problem, model, int(kind), int(found[kind]), needs)
    return needs


def _spread(problem: WritingProblem, model: Model, kind: int, n_items: int, needs: Needs) -> None:
    """Count the new items of a class, in turn over the points that would do."""
    units = model.units[model.start[kind] : model.start[kind + 1]] - problem.offset
    if units[0] < 0:
        return
    for turn in range(n_items):
        needs[int(units[turn % len(units)])] += 1


def _solve(
    problem: WritingProblem, n_forms: int, deadline: Deadline, free: IntArray | None
) -> tuple[Model, IntArray | None]:
    usable = problem.columns.usable if free is None else problem.columns.usable & (free > 0)
    options = Options(usable=usable, with_enemies=True, marks=[problem.is_new > 0])
    model = compile_model(problem.blueprint, problem.columns, options)
    heads = model.units[model.start[:-1]]
    is_new = heads >= problem.offset
    most = n_forms * problem.blueprint.n_items
    upper = np.where(is_new, most, model.n_units).astype(np.float64)
    cost = is_new + model.tie * (TIE_WEIGHT / most)
    program = Program(model.matrix, cost, upper, *model.bounds(n_forms))
    found = round_program(program, deadline, gap=GAP)
    return model, np.round(found.x).astype(np.int64) if found.x.size else None


def _suffices(problem: WritingProblem, needs: Needs, n_forms: int, seed: int, deadline: Deadline) -> bool:
    pool = [*problem.pool, *written_items(_tasks(problem, needs), NEW_PREFIX)]
    columns = build_columns(pool, problem.blueprint)
    return bool(draw_forms(problem.blueprint, columns, n_forms, seed, deadline).forms)


def _form_by_form(problem: WritingProblem, n_forms: int, deadline: Deadline) -> Needs | None:
    """Return the needs of disjoint forms made one after another."""
    needs: Needs = Counter()
    free = np.ones(len(problem.columns.items), dtype=np.int64)
    for _ in range(n_forms):
        model, found = _solve(problem, 1, deadline, free)
        if found is None:
            return None
        for kind in np.nonzero(found)[0]:
            first = int(model.start[kind])
            _spread(problem, model, int(kind), int(found[kind]), needs)
            taken = model.units[first : first + int(found[kind])]
            for unit in taken[taken < problem.offset]:
                free[list(model.members(int(unit)))] = 0
    return needs


def _tasks(problem: WritingProblem, needs: Needs) -> tuple[WritingTask, ...]:
    tasks = []
    for number, n_items in sorted(needs.items()):
        item = problem.candidates[number]
        values = {name: getattr(item, name) for name in WRITTEN}
        given = {
            name: value for name, value in values.items() if value is not None and value is not False and value != ""
        }
        tasks.append(WritingTask(item.point, item.type, item.difficulty, n_items, item.importance, given or None))
    return tuple(tasks)
