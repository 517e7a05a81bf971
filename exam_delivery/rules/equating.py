"""Equating the forms of a batch: designs, methods by the size of the groups, curves with errors, what a score becomes. Pure."""

from __future__ import annotations

import enum
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from exam_delivery.rules.equating_keys import Sizes
from psychometrics.arrays import FloatArray, ParameterError
from psychometrics.chained import chained_equipercentile, chained_linear, circle_arc, nominal_weights_mean
from psychometrics.equating import equipercentile_equating, loglinear_smoothing
from psychometrics.nonequivalent import GroupMoments, group_moments, levine, tucker

ENGINE = 1
"""Number of this computation: another one where equal scores give another table; decisions keep it beside their figures."""
DRAWS, CURVE_DRAWS = 200, 100
"""Bootstrap samples of the persons of both groups; each sample of the curve is smoothed anew, which takes longer."""
DEGREE = 3
"""Moments that the presmoothing of frequencies keeps."""
UNITS = (Decimal(1), Decimal("0.5"), Decimal("0.1"))
"""Steps of a conversion table: the coarsest in which all scores lie; scores between two steps are read off the line."""
APART = 0.25
"""Difference of the groups on the anchor, in its standard deviations, from which Levine's method is better than Tucker's."""


class Design(enum.StrEnum):
    """What makes the scores of two forms comparable."""

    EQUIVALENT = "equivalent"
    COMMON_ITEMS = "common_items"


class Method(enum.StrEnum):
    """How scores of one form are put on the scale of another, the most modest first."""

    IDENTITY = "identity"
    MEAN = "mean"
    CIRCLE_ARC = "circle_arc"
    LINEAR = "linear"
    TUCKER = "tucker"
    LEVINE = "levine"
    CHAINED_LINEAR = "chained_linear"
    EQUIPERCENTILE = "equipercentile"


@dataclass(frozen=True, slots=True)
class Group:
    """Everybody who sat a form: totals, and the sums on the common items where the design has them."""

    max_score: float
    totals: FloatArray
    anchors: FloatArray
    anchor_max: float = 0.0

    @property
    def n(self) -> int:
        """How many."""
        return int(self.totals.size)

    def drawn(self, rng: np.random.Generator) -> Group:
        """Return as many persons, drawn with replacement."""
        rows = rng.integers(0, self.n, self.n)
        return Group(
            self.max_score,
            self.totals[rows],
            self.anchors[rows] if self.anchors.size else self.anchors,
            self.anchor_max,
        )


@dataclass(frozen=True, slots=True)
class Way:
    """Design and method of one conversion."""

    design: Design
    method: Method


@dataclass(frozen=True, slots=True)
class Curve:
    """A conversion: raw scores in equal steps, what they are worth on the reference form, and the standard errors."""

    points: FloatArray
    values: FloatArray
    errors: FloatArray


def offered(design: Design, n: int, sizes: Sizes) -> list[Method]:
    """Return the methods that the smaller of two groups carries, the most modest first.

    Examples
    --------
    >>> [one.value for one in offered(Design.EQUIVALENT, 50, Sizes())]
    ['identity', 'mean', 'circle_arc']
    """
    found = [Method.IDENTITY]
    if n >= sizes.least:
        found += [Method.MEAN, Method.CIRCLE_ARC]
    if n >= sizes.line:
        line = [Method.LINEAR] if design is Design.EQUIVALENT else [Method.TUCKER, Method.LEVINE, Method.CHAINED_LINEAR]
        found += line
    return [*found, Method.EQUIPERCENTILE] if n >= sizes.curve else found


def usual(design: Design, new: Group, old: Group, sizes: Sizes) -> Method:
    """Return the method to start from: no conversion below the least size, then an arc, a line, a curve."""
    n = min(new.n, old.n)
    if n < sizes.least:
        return Method.IDENTITY
    if n < sizes.line:
        return Method.CIRCLE_ARC
    if n >= sizes.curve:
        return Method.EQUIPERCENTILE
    if design is Design.EQUIVALENT:
        return Method.LINEAR
    return Method.LEVINE if abs(gap_of(new, old)) > APART else Method.TUCKER


def gap_of(new: Group, old: Group) -> float:
    """Return how much better the new group did on the common items, in their standard deviations."""
    if not new.anchors.size or not old.anchors.size:
        return 0.0
    spread = float(np.sqrt((new.anchors.var() + old.anchors.var()) / 2))
    return float(new.anchors.mean() - old.anchors.mean()) / spread if spread > 0 else 0.0


def step_of(scores: Sequence[Decimal]) -> Decimal:
    """Return the coarsest step in which all scores lie, the finest one there is otherwise.

    Examples
    --------
    >>> step_of([Decimal(60), Decimal("60.5")])
    Decimal('0.5')
    """
    return next((unit for unit in UNITS if all(score % unit == 0 for score in scores)), UNITS[-1])


def fit(way: Way, new: Group, old: Group, *, step: float, seed: int) -> Curve:
    """Return the conversion of a form's scores to those of the reference form, with bootstrap errors.

    Equivalents stay between nothing and the full marks of the reference form.

    Raises
    ------
    ParameterError
        If the data do not carry the method: scores or anchor do not vary, or do not go together.
    """
    points = np.asarray(np.arange(round(new.max_score / step) + 1) * step, np.float64)
    if way.method is Method.IDENTITY:
        return Curve(points, points, np.zeros(points.size))
    values = _equivalents(way, new, old, points, step)
    rng, drawn = np.random.default_rng(seed), []
    n_draws = draws_of(way.method)
    for _ in range(n_draws):
        try:
            drawn.append(_equivalents(way, new.drawn(rng), old.drawn(rng), points, step))
        except ParameterError:
            continue
    if len(drawn) < n_draws / 2:
        raise ParameterError("half of the samples do not carry the method")
    return Curve(points, values, np.asarray(np.std(drawn, axis=0, ddof=1), np.float64))


def draws_of(method: Method) -> int:
    """Return from how many samples the standard errors of a method come; none where nothing is estimated.

    Examples
    --------
    >>> [draws_of(one) for one in (Method.IDENTITY, Method.TUCKER, Method.EQUIPERCENTILE)]
    [0, 200, 100]
    """
    if method is Method.IDENTITY:
        return 0
    return CURVE_DRAWS if method is Method.EQUIPERCENTILE else DRAWS


def _equivalents(way: Way, new: Group, old: Group, points: FloatArray, step: float) -> FloatArray:
    if way.method is Method.EQUIPERCENTILE:
        found = _by_percentiles(way.design, new, old, step)
    elif way.design is Design.EQUIVALENT:
        found = _of_equivalent_groups(way.method, new, old, points)
    else:
        found = _by_common_items(way.method, new, old, points)
    return np.clip(found, 0, old.max_score)


def _of_equivalent_groups(method: Method, new: Group, old: Group, points: FloatArray) -> FloatArray:
    mean_x, mean_y = float(new.totals.mean()), float(old.totals.mean())
    if method is Method.MEAN:
        return points - mean_x + mean_y
    if method is Method.CIRCLE_ARC:
        return circle_arc(points, (mean_x, mean_y), highest=(new.max_score, old.max_score))
    spread = float(new.totals.std())
    if not spread > 0:
        raise ParameterError("the scores of X do not vary")
    return np.asarray(mean_y + float(old.totals.std()) / spread * (points - mean_x))


def _by_common_items(method: Method, new: Group, old: Group, points: FloatArray) -> FloatArray:
    moments = group_moments(new.totals, new.anchors), group_moments(old.totals, old.anchors)
    if method is Method.MEAN:
        ratios = new.max_score / new.anchor_max, old.max_score / old.anchor_max
        return nominal_weights_mean(points, *moments, ratios=ratios, weight=new.n / (new.n + old.n))
    if method is Method.CIRCLE_ARC:
        mean = moments[0].mean
        middle = mean, float(np.clip(chained_linear(*moments)([mean])[0], 0, old.max_score))
        return circle_arc(points, middle, highest=(new.max_score, old.max_score))
    return LINES[method](*moments)(points)


LINES: Mapping[Method, Callable[[GroupMoments, GroupMoments], Callable[[FloatArray], FloatArray]]] = {
    Method.TUCKER: tucker, Method.LEVINE: levine, Method.CHAINED_LINEAR: chained_linear,
}  # fmt: skip


def _by_percentiles(design: Design, new: Group, old: Group, step: float) -> FloatArray:
    """Return equipercentile equivalents, along the chain where there are common items."""
    curves = [_counts(one.totals, one.max_score, step) for one in (new, old)]
    if design is Design.EQUIVALENT:
        return equipercentile_equating(*curves) * step
    anchors = [_counts(one.anchors, one.anchor_max, step) for one in (new, old)]
    return chained_equipercentile((curves[0], anchors[0]), (curves[1], anchors[1])) * step


def _counts(scores: FloatArray, highest: float, step: float) -> FloatArray:
    size = round(highest / step) + 1
    places = np.clip(np.rint(scores / step).astype(np.int64), 0, size - 1)
    counts = np.bincount(places, minlength=size).astype(np.float64)
    return loglinear_smoothing(counts, min(DEGREE, size - 1))


@dataclass(frozen=True, slots=True)
class Conversion:
    """A conversion as it is decided and kept: steps, values and the rounding, without floating-point numbers."""

    is_identity: bool
    points: tuple[Decimal, ...]
    values: tuple[Decimal, ...]
    unit: Decimal

    def apply(self, raw: Decimal) -> Decimal:
        """Return what a raw score is worth: read off the table, rounded half up; without conversion the raw score itself."""
        if self.is_identity:
            return raw
        place = min(max(bisect_right(self.points, raw) - 1, 0), len(self.points) - 2)
        low, high = self.points[place], self.points[place + 1]
        share = min(max((raw - low) / (high - low), Decimal(0)), Decimal(1))
        value = self.values[place] + (self.values[place + 1] - self.values[place]) * share
        return (value / self.unit).quantize(Decimal(1), rounding=ROUND_HALF_UP) * self.unit


def conversion_of(way: Way, curve: Curve, unit: Decimal) -> Conversion:
    """Return a curve as it is kept, to four decimals."""
    return Conversion(
        way.method is Method.IDENTITY,
        tuple(map(four_decimals, curve.points)),
        tuple(map(four_decimals, curve.values)),
        unit,
    )


def four_decimals(value: float) -> Decimal:
    """Return a number as decisions keep it."""
    return Decimal(f"{value + 0.0:.4f}")
