"""Rules as linear rows: for each rule the coefficient of every item, the bounds, and words for people."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from blueprints.assembly.blueprint import Blueprint, CellRule, InformationRule
from blueprints.assembly.columns import BoolArray, Columns, FloatArray, IntArray
from blueprints.assembly.limits import MeanRule
from blueprints.assembly.pool import IMPORTANCE_LETTERS
from blueprints.assembly.text import Text, plain, plain_range
from blueprints.assembly.weights import weight_targets
from kernel.i18n import N_

MAX_DECIMALS = 6
STEP_SLACK = 0.25
"""Part of a step by which bounds on whole steps give way, so that the solver's tolerance cannot refuse a sum."""
INFORMATION_SCALE = 1000.0
INFORMATION_MARGIN = 2e-6
"""Inward margin on the scaled information row: above the solver's tolerance, two thousandths of a millionth in truth."""


@dataclass(frozen=True)
class Row:
    """One linear rule of a form: ``low <= sum(coefficient of the form's items) <= high``.

    `unit` is what one step of the row is worth in the rule's own measure, for reports. A row with a `period` binds that
    many forms together, not one.
    """

    rule: str
    text: Text
    coefficients: FloatArray
    low: float
    high: float
    unit: float = 1.0
    period: int = 0


def single_rows(blueprint: Blueprint, columns: Columns, members: IntArray) -> Iterator[Row]:
    """Yield every rule on the form itself, with coefficients for the given items; caps per point are apart."""
    if blueprint.has_open_types:
        yield size_row(blueprint, members)
    yield from _type_rows(blueprint, columns, members)
    yield from _score_rows(blueprint, columns, members)
    yield from _weight_rows(blueprint, columns, members)
    yield from _importance_rows(blueprint, columns, members)
    yield from _cognitive_rows(blueprint, columns, members)
    yield from _difficulty_rows(blueprint, columns, members)
    yield from _p_value_rows(blueprint, columns, members)
    yield from _cell_rows(blueprint, columns, members)
    yield from _information_rows(blueprint, columns, members)


def size_row(blueprint: Blueprint, members: IntArray) -> Row:
    """Return the rule on how many items a form has."""
    text = Text(N_("总题数 %(count)s 题"), {"count": blueprint.n_items})
    return Row("n_items", text, np.ones(len(members)), blueprint.n_items, blueprint.n_items)


def scope_points(columns: Columns, scope: str) -> BoolArray:
    """Tell which points lie in a scope."""
    return columns.scopes.get(scope, np.zeros(len(columns.point_names), dtype=bool))


def item_information(columns: Columns, theta: float) -> FloatArray:
    r"""Return each item's Fisher information at `theta`, D = 1; zero for items without parameters.

    Notes
    -----
    .. math:: I = a^2 (Q / P) ((P - c) / (1 - c))^2
    """
    a, b, c, known = columns.parameters
    p = c + (1 - c) / (1 + np.exp(np.clip(-a * (theta - b), -500, 500)))
    with np.errstate(divide="ignore", invalid="ignore"):
        information = a**2 * ((1 - p) / p) * ((p - c) / (1 - c)) ** 2
    return np.where(known, np.nan_to_num(information), 0.0)


def _type_rows(blueprint: Blueprint, columns: Columns, members: IntArray) -> Iterator[Row]:
    for rule in blueprint.types:
        code = columns.type_names.index(rule.type) if rule.type in columns.type_names else -1
        count = rule.count if rule.most is None else plain_range(rule.count, rule.high)
        text = Text(N_("题型 %(type)s 需要 %(count)s 题"), {"type": rule.type, "count": count})
        mask = columns.type_code[members] == code
        yield Row(f"types[{rule.type}]", text, mask.astype(np.float64), rule.count, rule.high)


def _score_rows(blueprint: Blueprint, columns: Columns, members: IntArray) -> Iterator[Row]:
    is_settled = all(rule.score_each is not None for rule in blueprint.types) and not blueprint.has_open_types
    if blueprint.total_score is None or is_settled:
        return
    total = Fraction(blueprint.total_score) / columns.step
    text = Text(N_("总分 %(score)s 分"), {"score": plain(blueprint.total_score)})
    low, high = math.ceil(total), math.floor(total)
    yield Row("total_score", text, columns.score[members].astype(np.float64), low, high, float(columns.step))


def _weight_rows(blueprint: Blueprint, columns: Columns, members: IntArray) -> Iterator[Row]:
    scores = columns.score[members].astype(np.float64)
    for target in weight_targets(blueprint, columns.step):
        mask = scope_points(columns, target.scope)[columns.point_code[members]]
        low, high = float(target.low / columns.step), float(target.high / columns.step)
        text = Text(
            N_("范围 %(scope)s 占总分 %(percent)s%%，即 %(score)s 分"),
            {
                "scope": target.scope,
                "percent": plain(target.percent),
                "score": plain_range(float(target.low), float(target.high)),
            },
        )
        yield Row(f"weights[{target.scope}]", text, scores * mask, low, high, float(columns.step))


def share_bounds(low: Decimal | None, high: Decimal | None, n_items: int) -> tuple[int, int]:
    """Return the counts that keep a share of so many items."""
    return (
        math.ceil(low * n_items) if low is not None else 0,
        math.floor(high * n_items) if high is not None else n_items,
    )


def _cognitive_rows(blueprint: Blueprint, columns: Columns, members: IntArray) -> Iterator[Row]:
    if not blueprint.cognitive:
        return
    names, codes = columns.codes("cognitive")
    for rule in blueprint.cognitive:
        low, high = share_bounds(rule.low, rule.high, blueprint.n_items)
        code = names.index(rule.letter) if rule.letter in names else -1
        text = Text(N_("认知层次 %(level)s 的题数 %(count)s"), {"level": rule.letter, "count": plain_range(low, high)})
        yield Row(f"cognitive[{rule.letter}]", text, (codes[members] == code).astype(np.float64), low, high)


def _importance_rows(blueprint: Blueprint, columns: Columns, members: IntArray) -> Iterator[Row]:
    for rule in blueprint.importance:
        low, high = share_bounds(rule.low, rule.high, blueprint.n_items)
        mask = columns.importance[members] == IMPORTANCE_LETTERS.index(rule.letter) + 1
        text = Text(
            N_("重要程度 %(letter)s 的题数 %(count)s"), {"letter": rule.letter, "count": plain_range(low, high)}
        )
        yield Row(f"importance[{rule.letter}]", text, mask.astype(np.float64), low, high)


def mean_bounds(rule: MeanRule, n_items: int, step: Fraction) -> tuple[int, int]:
    """Return the least and greatest sum, in steps, that keep a mean rule; the least exceeds the greatest if none does."""
    low = (Fraction(rule.target) - Fraction(rule.tolerance)) * n_items / step
    high = (Fraction(rule.target) + Fraction(rule.tolerance)) * n_items / step
    return math.ceil(low), math.floor(high)


def _mean_text(template: str, rule: MeanRule) -> Text:
    return Text(template, {"target": plain(rule.target), "tolerance": plain(rule.tolerance)})


def _difficulty_rows(blueprint: Blueprint, columns: Columns, members: IntArray) -> Iterator[Row]:
    levels = columns.difficulty[members]
    mean = blueprint.difficulty_mean
    if mean is not None:
        low, high = mean_bounds(mean, blueprint.n_items, Fraction(1))
        text = _mean_text(N_("平均难度 %(target)s ± %(tolerance)s"), mean)
        yield Row("difficulty[mean]", text, levels.astype(np.float64), low, high, 1 / blueprint.n_items)
    for rule in blueprint.difficulty_counts:
        text = Text(
            N_("难度 %(level)s 的题数 %(count)s"), {"level": rule.level, "count": plain_range(rule.low, rule.high)}
        )
        yield Row(f"difficulty[{rule.level}]", text, (levels == rule.level).astype(np.float64), rule.low, rule.high)


def _p_value_rows(blueprint: Blueprint, columns: Columns, members: IntArray) -> Iterator[Row]:
    mean = blueprint.p_value_mean
    if mean is None:
        return
    steps, step = decimal_steps(columns, "p_value")
    low, high = mean_bounds(mean, blueprint.n_items, step)
    text = _mean_text(N_("平均通过率 %(target)s ± %(tolerance)s"), mean)
    scale, slack = step_scale(step), 0.0
    if low <= high:
        slack = STEP_SLACK * scale
    yield Row(
        "p_value[mean]", text, steps[members] * scale, low * scale - slack, high * scale + slack,
        float(step) / scale / blueprint.n_items,
    )  # fmt: skip


def step_scale(step: Fraction) -> float:
    """Return by what to scale whole steps, so that the solver's tolerance stays below one step and sums stay small."""
    return 1e-3 if step < Fraction(1, 1000) else 1.0


def decimal_steps(columns: Columns, attribute: str) -> tuple[FloatArray, Fraction]:
    """Return an attribute as whole numbers of a decimal step, and the step; so sums can be compared exactly."""
    values = np.nan_to_num(columns.floats(attribute))
    for decimals in range(1, MAX_DECIMALS):
        scaled = values * 10**decimals
        if np.allclose(scaled, np.round(scaled), rtol=0, atol=1e-9):
            return np.round(scaled), Fraction(1, 10**decimals)
    return np.round(values * 10**MAX_DECIMALS), Fraction(1, 10**MAX_DECIMALS)


def _cell_rows(blueprint: Blueprint, columns: Columns, members: IntArray) -> Iterator[Row]:
    for rule in blueprint.cells:
        mask = _cell_mask(rule, columns, members)
        text = Text(
            N_("单元 %(cell)s 的题数 %(count)s"), {"cell": rule.name, "count": plain_range(rule.low, rule.high)}
        )
        yield Row(f"cells[{rule.name}]", text, mask.astype(np.float64), rule.low, rule.high)


def _cell_mask(rule: CellRule, columns: Columns, members: IntArray) -> BoolArray:
    mask = part_mask(columns, rule.scopes, rule.types, members)
    if rule.importance:
        letters = [IMPORTANCE_LETTERS.index(letter) + 1 for letter in rule.importance]
        mask &= np.isin(columns.importance[members], letters)
    if rule.difficulty:
        mask &= np.isin(columns.difficulty[members], rule.difficulty)
    if rule.cognitive:
        names, codes = columns.codes("cognitive")
        mask &= np.array([name in rule.cognitive for name in names], dtype=bool)[codes][members]
    return mask


def part_mask(columns: Columns, scopes: Sequence[str], types: Sequence[str], members: IntArray) -> BoolArray:
    """Tell which members lie in one of the scopes and are of one of the types; none named matches all."""
    mask = np.ones(len(members), dtype=bool)
    if scopes:
        inside = np.zeros(len(columns.point_names), dtype=bool)
        for scope in scopes:
            inside |= scope_points(columns, scope)
        mask &= inside[columns.point_code[members]]
    if types:
        mask &= np.array([name in types for name in columns.type_names], dtype=bool)[columns.type_code[members]]
    return mask


def _information_rows(blueprint: Blueprint, columns: Columns, members: IntArray) -> Iterator[Row]:
    for rule in blueprint.information:
        values = item_information(columns, rule.theta)[members] * INFORMATION_SCALE
        low, high = _information_bounds(rule)
        text = Text(
            N_("能力 %(theta)s 处的信息量 %(range)s"),
            {
                "theta": plain(rule.theta),
                "range": plain_range(low / INFORMATION_SCALE, None if math.isinf(high) else high / INFORMATION_SCALE),
            },
        )
        yield Row(f"information[{plain(rule.theta)}]", text, values, low, high, 1 / INFORMATION_SCALE)


def _information_bounds(rule: InformationRule) -> tuple[float, float]:
    if rule.tolerance is None:
        return rule.target * INFORMATION_SCALE + INFORMATION_MARGIN, math.inf
    low, high = (rule.target - rule.tolerance), (rule.target + rule.tolerance)
    margin = min(INFORMATION_MARGIN, rule.tolerance * INFORMATION_SCALE / 2)
    return low * INFORMATION_SCALE + margin, high * INFORMATION_SCALE - margin
