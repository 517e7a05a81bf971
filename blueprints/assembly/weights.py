"""From percentages to marks: bands where the tolerance allows, largest-remainder targets where it does not.

A form's marks come in steps (the greatest common divisor of what the items are worth). Where a weight's tolerance
band holds a whole number of steps, that band is the rule. Where it holds none, the scope gets a whole number of steps
by the largest-remainder method among the scopes beside it, so that they add up to what their parent got; the target
and its distance from the exact percentage are reported with the form.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from blueprints.assembly.blueprint import Blueprint, WeightRule, in_scope


@dataclass(frozen=True, slots=True)
class WeightTarget:
    """The marks a scope must carry, and whether they were rounded from the percentage."""

    scope: str
    percent: Decimal
    low: Fraction
    high: Fraction
    is_rounded: bool


def score_step(scores: Iterable[Decimal]) -> Fraction:
    """Return the greatest common divisor of positive scores; 1 when there are none.

    Examples
    --------
    >>> score_step([Decimal("0.5"), Decimal(2)])
    Fraction(1, 2)
    """
    fractions = [Fraction(score) for score in scores if score > 0]
    if not fractions:
        return Fraction(1)
    denominator = math.lcm(*(value.denominator for value in fractions))
    return Fraction(math.gcd(*(int(value * denominator) for value in fractions)), denominator)


def weight_targets(blueprint: Blueprint, step: Fraction) -> tuple[WeightTarget, ...]:
    """Return the marks that each weighted scope must carry, in the blueprint's order.

    Parameters
    ----------
    blueprint : Blueprint
        With a full score; without one there are no targets.
    step : Fraction
        Greatest common divisor of what the items that may be drawn are worth.
    """
    total = blueprint.full_score
    if total is None:
        return ()
    rounded = _largest_remainder(blueprint.weights, Fraction(total), step)
    slack = Fraction(blueprint.weight_tolerance_percent) * Fraction(total) / 100
    return tuple(_target(rule, Fraction(total), slack, step, rounded[rule.scope]) for rule in blueprint.weights)


def parent_scope(scope: str, scopes: Iterable[str]) -> str | None:
    """Return the longest other scope that holds this one, or None.

    Examples
    --------
    >>> parent_scope("A-A-B", ["A", "A-A", "B"])
    'A-A'
    """
    holders = [other for other in scopes if other != scope and in_scope(scope, other)]
    return max(holders, key=len, default=None)


def _target(rule: WeightRule, total: Fraction, slack: Fraction, step: Fraction, rounded: Fraction) -> WeightTarget:
    exact = Fraction(rule.percent) * total / 100
    low = math.ceil((exact - slack) / step) * step
    high = math.floor((exact + slack) / step) * step
    if low <= high:
        return WeightTarget(rule.scope, rule.percent, max(low, Fraction(0)), high, is_rounded=False)
    return WeightTarget(rule.scope, rule.percent, rounded, rounded, is_rounded=True)


def _largest_remainder(rules: tuple[WeightRule, ...], total: Fraction, step: Fraction) -> dict[str, Fraction]:
    """Round every scope's marks to whole steps, group by group from the top, so that siblings add up."""
    scopes = [rule.scope for rule in rules]
    families: dict[str | None, list[WeightRule]] = {}
    for rule in rules:
        families.setdefault(parent_scope(rule.scope, scopes), []).append(rule)
    exact: dict[str | None, Fraction] = {rule.scope: Fraction(rule.percent) * total / 100 for rule in rules}
    rounded: dict[str | None, Fraction] = {None: total}
    exact[None] = total
    for parent in sorted(families, key=lambda name: -1 if name is None else len(name)):
        shares = {rule.scope: exact[rule.scope] / step for rule in families[parent]}
        rest = exact[parent] / step - sum(shares.values())
        for scope, steps in _apportion(shares, rest, math.floor(rounded[parent] / step)).items():
            rounded[scope] = steps * step
    return {scope: value for scope, value in rounded.items() if scope is not None}


def _apportion(shares: Mapping[str, Fraction], rest: Fraction, available: int) -> dict[str, int]:
    """Give whole steps to the shares and to the unlisted rest; the largest remainders get what is left over."""
    names: list[str | None] = [*shares, None]
    exact = [*shares.values(), max(rest, Fraction(0))]
    steps = [math.floor(value) for value in exact]
    order = sorted(range(len(names)), key=lambda index: (steps[index] - exact[index], index))
    left = available - sum(steps)
    chosen = order[:left] if left >= 0 else [index for index in reversed(order) if steps[index] > 0][:-left]
    for index in chosen:
        steps[index] += 1 if left > 0 else -1
    return {name: count for name, count in zip(names, steps, strict=True) if name is not None}
