"""Refining weights: from the standard's weight table down to scopes of the second and third depth, rounding shown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

STEPS = tuple(map(Decimal, ("1", "0.5", "0.25", "0.2", "0.1", "0.05", "0.01", "0.001")))
FINEST = STEPS[-1]


@dataclass(frozen=True, slots=True)
class ScopeShare:
    """A scope of the outline: where it hangs, its own percent where the outline knows one, and its points."""

    code: str
    depth: int
    parent: str | None
    percent: Decimal | None
    n_points: int


@dataclass(frozen=True, slots=True)
class Rounding:
    """A scope whose proportional share was no whole number of steps."""

    code: str
    exact: Decimal
    given: Decimal


@dataclass(slots=True)
class RefinedWeights:
    """Percent by scope, in the outline's order; what was rounded; families whose parts exceed their whole."""

    percents: dict[str, Decimal] = field(default_factory=dict)
    roundings: list[Rounding] = field(default_factory=list)
    overfull: list[str] = field(default_factory=list)


def refine_weights(
    given: Mapping[str, Decimal], scopes: Sequence[ScopeShare], depth: int, step: Decimal
) -> RefinedWeights:
    """Return weights for all scopes down to a depth: given ones stay, open ones share what their parent has left.

    Children share by the outline's own percents where every open one has one, else by their number of points. Shares
    are whole steps by the method of the largest remainder, so that children always add up to their parent.

    Parameters
    ----------
    given : mapping
        Percent by scope as somebody has set it; those deeper than `depth` are left out.
    scopes : sequence of ScopeShare
        The outline in order, parents before children.
    depth : int
        How deep to refine: 1, 2 or 3.
    step : Decimal
        What a mark's step is in percent; a finer one is taken where it does not divide a parent.
    """
    wanted = [scope for scope in scopes if scope.depth <= depth]
    children: dict[str | None, list[ScopeShare]] = {}
    for scope in wanted:
        children.setdefault(scope.parent, []).append(scope)
    refined = RefinedWeights({scope.code: given[scope.code] for scope in wanted if scope.code in given})
    for scope in reversed(wanted):
        _add_up(refined.percents, scope.code, children.get(scope.code, []))
    for scope in children.get(None, []):
        if scope.code not in refined.percents and scope.percent is not None:
            refined.percents[scope.code] = scope.percent
    for scope in wanted:
        if scope.code in refined.percents:
            _share_out(refined, scope.code, children.get(scope.code, []), step)
    refined.percents = {scope.code: refined.percents[scope.code] for scope in wanted if scope.code in refined.percents}
    return refined


def _add_up(percents: dict[str, Decimal], code: str, children: Sequence[ScopeShare]) -> None:
    """Give an open scope the sum of its children when all of them are given."""
    if code not in percents and children and all(child.code in percents for child in children):
        percents[code] = sum((percents[child.code] for child in children), Decimal(0))


def _share_out(refined: RefinedWeights, parent: str, children: Sequence[ScopeShare], step: Decimal) -> None:
    open_ones = [child for child in children if child.code not in refined.percents]
    taken = sum((refined.percents[child.code] for child in children if child.code in refined.percents), Decimal(0))
    rest = refined.percents[parent] - taken
    if rest < 0:
        refined.overfull.append(parent)
        return
    if not open_ones:
        return
    shares = _shares(open_ones)
    whole = sum(shares, Fraction(0))
    exact = [Fraction(rest) * share / whole for share in shares]
    for child, percent, wish in zip(open_ones, apportion(exact, rest, step), exact, strict=True):
        refined.percents[child.code] = percent
        if Fraction(percent) != wish:
            refined.roundings.append(Rounding(child.code, _decimal(wish), percent))


def _shares(scopes: Sequence[ScopeShare]) -> list[Fraction]:
    known = [Fraction(scope.percent) for scope in scopes if scope.percent is not None]
    if len(known) == len(scopes) and any(known):
        return known
    points = [Fraction(scope.n_points) for scope in scopes]
    return points if any(points) else [Fraction(1)] * len(scopes)


def apportion(exact: Sequence[Fraction], total: Decimal, step: Decimal) -> list[Decimal]:
    """Return whole steps that add up to the total, each within one step of its exact share.

    Examples
    --------
    >>> [str(one) for one in apportion([Fraction(10, 3)] * 3, Decimal(10), Decimal(1))]
    ['4', '3', '3']
    """
    unit = next((one for one in (step, *STEPS) if 0 < one <= max(step, FINEST) and total % one == 0), FINEST)
    units = [math.floor(value / Fraction(unit)) for value in exact]
    left = round(total / unit) - sum(units)
    order = sorted(range(len(exact)), key=lambda index: (units[index] - exact[index] / Fraction(unit), index))
    for index in order[:left]:
        units[index] += 1
    return [count * unit for count in units]


def mark_step(total_score: Decimal, scores: Sequence[Decimal]) -> Decimal:
    """Return what the least mark is worth in percent of the total, as a step of weights; 1 where nothing is known.

    Examples
    --------
    >>> str(mark_step(Decimal(100), [Decimal("0.5"), Decimal(1)]))
    '0.5'
    """
    known = [score for score in scores if score > 0]
    if not known or not total_score:
        return Decimal(1)
    percent = 100 * min(known) / total_score
    return next((one for one in STEPS if one <= percent and percent % one == 0), FINEST)


def _decimal(value: Fraction) -> Decimal:
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(FINEST)
