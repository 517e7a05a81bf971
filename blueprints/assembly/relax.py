"""What to relax: for each rule of a conflict the least change that helps on its own, and the cheapest changes together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np
from scipy import sparse

from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.columns import IntArray
from blueprints.assembly.compile import Model
from blueprints.assembly.deal import ANY_GAP
from blueprints.assembly.highs import Deadline, Program
from blueprints.assembly.result import Change, Relaxation, Wanted
from blueprints.assembly.solve import round_program
from blueprints.assembly.text import Text, plain, plain_range
from kernel.i18n import N_

PRICES: Mapping[str, float] = {
    "n_items": 15, "total_score": 15, "types": 10, "max_per_point": 8, "weights": 5, "exclude": 4, "importance": 3, "cells": 3, "difficulty": 2,
    "p_value": 1, "information": 0.003, "cognitive": 3, "key_balance": 2, "answer_time": 0.5, "reading": 0.005,
    "sections": 3, "section_score": 3, "section_time": 0.5, "p_bands": 3, "earlier": 4, "pretest": 6, "include": 4,
    "include_sets": 4, "coverage": 8, "p_value_items": 4,
}  # fmt: skip
"""What one step of a rule's row costs to relax; kinds that are not here are never relaxed by a row."""
BY_MEASURE = ("weights", "total_score", "answer_time", "reading", "section_time", "section_score")
"""Kinds whose price is for one unit of their own measure, not for a step of the row."""
FORM_PRICE = 20.0
EXPOSURE_PRICE = 4.0
REST_PRICE = 0.1
PRICE_GAP = 0.5
ROUNDING = Decimal("0.0001")
CHANGES: Mapping[str, str] = {
    "n_items": N_("总题数由 %(before)s 改为 %(after)s"),
    "total_score": N_("总分由 %(before)s 改为 %(after)s"),
    "types": N_("题型 %(name)s 的题数由 %(before)s 改为 %(after)s"),
    "weights": N_("范围 %(name)s 的分数由 %(before)s 改为 %(after)s"),
    "max_per_point": N_("每个鉴定点的题数上限由 %(before)s 改为 %(after)s"),
    "importance": N_("重要程度 %(name)s 的题数由 %(before)s 改为 %(after)s"),
    "cells": N_("单元 %(name)s 的题数由 %(before)s 改为 %(after)s"),
    "difficulty": N_("难度（%(name)s）由 %(before)s 改为 %(after)s"),
    "p_value": N_("平均通过率由 %(before)s 改为 %(after)s"),
    "information": N_("能力 %(name)s 处的信息量由 %(before)s 改为 %(after)s"),
    "exclude": N_("允许使用被排除的题：%(after)s 题"),
    "exposure": N_("使用次数上限由 %(before)s 改为 %(after)s"),
    "cognitive": N_("认知层次 %(name)s 的题数由 %(before)s 改为 %(after)s"),
    "key_balance": N_("答案（%(name)s）的题数由 %(before)s 改为 %(after)s"),
    "answer_time": N_("答题时间（分钟）由 %(before)s 改为 %(after)s"),
    "reading": N_("阅读量（字）由 %(before)s 改为 %(after)s"),
    "sections": N_("第“%(name)s”部分的题数由 %(before)s 改为 %(after)s"),
    "section_score": N_("第“%(name)s”部分的分数由 %(before)s 改为 %(after)s"),
    "section_time": N_("第“%(name)s”部分的答题时间（分钟）由 %(before)s 改为 %(after)s"),
    "p_bands": N_("通过率 %(name)s 的题数由 %(before)s 改为 %(after)s"),
    "earlier": N_("与往次试卷重复的题数由 %(before)s 改为 %(after)s"),
    "pretest": N_("试测题数由 %(before)s 改为 %(after)s"),
    "include": N_("不再指定选用题 %(name)s"),
    "include_sets": N_("不再指定选用共用题干 %(name)s"),
    "coverage": N_("鉴定点（%(name)s）不再要求全部考到"),
    "p_value_items": N_("允许使用通过率超出范围的题：%(after)s 题"),
    "cool_down": N_("停用天数由 %(before)s 改为 %(after)s"),
    "max_overlap": N_("试卷份数由 %(before)s 改为 %(after)s"),
}


def relaxations(
    model: Model, n_forms: int, conflict: Sequence[str], blueprint: Blueprint, deadline: Deadline
) -> tuple[Relaxation, ...]:
    """Return ways out of a conflict, the cheapest first; each makes the model possible by itself."""
    found = [_elastic(model, n_forms, [rule], deadline) for rule in conflict if _kind(rule) in PRICES]
    if "exposure" in conflict:
        found.append(_wider_exposure(model, n_forms, blueprint, deadline))
    if "cool_down" in conflict:
        found.append(_shorter_rest(model, n_forms, blueprint, deadline))
    if "max_overlap" in conflict:
        found.append(_fewer_forms(model, n_forms, deadline))
    every = [rule for rule in dict.fromkeys(model.rules) if _kind(rule) in PRICES]
    found.append(_elastic(model, n_forms, every, deadline))
    distinct = {
        tuple((change.rule, change.after) for change in entry.changes): entry
        for entry in found
        if entry is not None and entry.changes
    }
    return tuple(sorted(distinct.values(), key=lambda entry: (entry.cost, len(entry.changes))))


def _kind(rule: str) -> str:
    return rule.partition("[")[0]


def _elastic(model: Model, n_forms: int, rules: Sequence[str], deadline: Deadline) -> Relaxation | None:
    """Return the cheapest change of these rules' bounds that helps, or None if none does."""
    rows = [np.array([index for index, name in enumerate(model.rules) if name == rule]) for rule in rules]
    program = _elastic_program(model, n_forms, rules, rows)
    found = round_program(program, deadline, gap=PRICE_GAP * min(_price(model, rule) for rule in rules))
    if found.x.size == 0:
        return None
    steps = np.round(found.x[len(model.n_units) :]).reshape(-1, 2)
    changes, cost = [], 0.0
    for rule, at, (down, up) in zip(rules, rows, steps, strict=True):
        if down or up:
            changes.append(_change(model, rule, int(at[0]), (float(down), float(up))))
            cost += (down + up) * _price(model, rule)
    return Relaxation(tuple(changes), cost)


def _price(model: Model, rule: str) -> float:
    scale = model.measure.get(rule, 1.0) if _kind(rule) in BY_MEASURE else 1.0
    return PRICES[_kind(rule)] * scale


def _elastic_program(model: Model, n_forms: int, rules: Sequence[str], rows: Sequence[IntArray]) -> Program:
    """Add two whole-number columns a rule: how far its lower bounds sink and its upper bounds rise, in each form."""
    n_rows = len(model.rules)
    at = np.concatenate([np.concatenate([part, part]) for part in rows])
    column = np.concatenate([np.repeat([2 * i, 2 * i + 1], len(part)) for i, part in enumerate(rows)])
    times = np.where(model.period > 0, np.maximum(1, n_forms // np.maximum(model.period, 1)), n_forms).astype(float)
    value = np.concatenate([np.concatenate([times[part], -times[part]]) for part in rows])
    slack = sparse.csc_matrix((value, (at, column)), shape=(n_rows, 2 * len(rules)))
    finite = [np.abs(np.concatenate([model.low[part], model.high[part]])) for part in rows]
    reach = [
        float(bounds[np.isfinite(bounds)].max(initial=0)) + float(_largest(model, part))
        for bounds, part in zip(finite, rows, strict=True)
    ]
    return Program(
        sparse.hstack([model.matrix, slack]).tocsc(),
        np.concatenate([np.zeros(len(model.n_units)), np.repeat([_price(model, rule) for rule in rules], 2)]),
        np.concatenate([model.n_units.astype(np.float64), np.repeat(np.ceil(reach), 2)]),
        *model.bounds(n_forms),
    )


def _largest(model: Model, rows: IntArray) -> float:
    """Return the most that any of the rows can reach."""
    return float((model.matrix[rows] @ model.n_units).max(initial=0))


def _change(model: Model, rule: str, row: int, steps: tuple[float, float]) -> Change:
    unit = model.measure.get(rule, 1.0)
    low, high = float(model.low[row] + model.shift[row]), float(model.high[row] + model.shift[row])
    before = _bounds(low, high, unit)
    after = _bounds(low - steps[0], high + steps[1], unit)
    return _worded(rule, before, after)


def _bounds(low: float, high: float, unit: float) -> Wanted:
    return _bound(low, unit), _bound(high, unit)


def _bound(side: float, unit: float) -> Decimal | None:
    return None if np.isinf(side) else Decimal(str(side * unit)).quantize(ROUNDING)


def _worded(rule: str, before: Wanted, after: Wanted) -> Change:
    name = rule.partition("[")[2].rstrip("]")
    values = {"name": name, "before": plain_range(*before), "after": plain_range(*after)}
    return Change(rule, before, after, Text(CHANGES[_kind(rule)], values))


def _is_possible(model: Model, n_forms: int, upper: IntArray, name: str, deadline: Deadline) -> bool:
    """Say whether so many units of each class carry the forms, one rule left aside."""
    free = np.array([rule == name for rule in model.rules])
    all_low, all_high = model.bounds(n_forms)
    low, high = np.where(free, -np.inf, all_low), np.where(free, np.inf, all_high)
    program = Program(model.matrix, np.zeros(len(upper)), upper.astype(np.float64), low, high)
    return round_program(program, deadline, gap=ANY_GAP).x.size > 0


def _least_level(
    model: Model, n_forms: int, rule: tuple[str, int], values: Sequence[int], deadline: Deadline
) -> int | None:
    """Return the least cap on a value of items, above the present one, that helps; None if none does."""
    name, limit = rule
    worst = np.array([max(values[i] for i in model.members(int(unit))) for unit in model.units])
    class_of = np.repeat(np.arange(len(model.n_units)), model.n_units)
    levels = sorted({int(value) for value in worst if value > limit})
    low, high = 0, len(levels)
    while low < high:
        middle = (low + high) // 2
        upper = np.bincount(class_of[worst <= levels[middle]], minlength=len(model.n_units))
        if _is_possible(model, n_forms, upper, name, deadline):
            high = middle
        else:
            low = middle + 1
    return levels[low] if low < len(levels) else None


def _wider_exposure(model: Model, n_forms: int, blueprint: Blueprint, deadline: Deadline) -> Relaxation | None:
    """Return the least cap on earlier uses that helps."""
    limit, used = blueprint.max_n_used or 0, [item.n_used for item in model.columns.items]
    level = _least_level(model, n_forms, ("exposure", limit), used, deadline)
    if level is None:
        return None
    change = _worded("exposure", (None, Decimal(limit)), (None, Decimal(level)))
    return Relaxation((change,), EXPOSURE_PRICE * (level - limit))


def _shorter_rest(model: Model, n_forms: int, blueprint: Blueprint, deadline: Deadline) -> Relaxation | None:
    """Return the longest rest that helps."""
    rest = blueprint.limits.cool_down
    if rest is None or rest.on is None:
        return None
    rested = [(rest.on - item.last_used).days if item.last_used else rest.days for item in model.columns.items]
    level = _least_level(model, n_forms, ("cool_down", -rest.days), [-days for days in rested], deadline)
    if level is None:
        return None
    after = Decimal(max(0, -level))
    change = _worded("cool_down", (Decimal(rest.days), None), (after, None))
    return Relaxation((change,), REST_PRICE * float(rest.days - after))


def _carries(model: Model, n_forms: int, deadline: Deadline) -> bool:
    program = Program(
        model.matrix, np.zeros(len(model.n_units)), model.n_units.astype(np.float64), *model.bounds(n_forms)
    )
    return round_program(program, deadline, gap=ANY_GAP).x.size > 0


def _fewer_forms(model: Model, n_forms: int, deadline: Deadline) -> Relaxation | None:
    """Return the greatest number of forms that the pool carries."""
    possible, impossible = 0, n_forms
    while impossible - possible > 1:
        middle = (possible + impossible) // 2
        if _carries(model, middle, deadline):
            possible = middle
        else:
            impossible = middle
    if possible == 0:
        return None
    before, after = Decimal(n_forms), Decimal(possible)
    text = Text(CHANGES["max_overlap"], {"before": plain(before), "after": plain(after)})
    return Relaxation((Change("n_forms", (before, before), (after, after), text),), FORM_PRICE * (n_forms - possible))
