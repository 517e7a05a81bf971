"""Link two calibrations by their common items: mean-mean, mean-sigma, Haebara, Stocking-Lord; true-score equating."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from psychometrics.arrays import FloatArray, IntArray, ParameterError
from psychometrics.irt import quadrature
from psychometrics.logistic import probability


@dataclass(frozen=True, slots=True)
class CommonItems:
    """Parameters of the common items in one calibration, shape (n_items,) each."""

    a: FloatArray
    b: FloatArray
    c: FloatArray


@dataclass(frozen=True, slots=True)
class Link:
    """The line ``theta_to = slope * theta_from + intercept``."""

    slope: float
    intercept: float

    def moved(self, items: CommonItems) -> CommonItems:
        """Return items on the scale that is linked to."""
        return CommonItems(items.a / self.slope, self.slope * items.b + self.intercept, items.c)


def _checked(source: CommonItems, target: CommonItems) -> None:
    if source.a.shape != target.a.shape or source.a.size < 2:
        raise ParameterError("both calibrations need the same two or more common items")


def mean_mean(source: CommonItems, target: CommonItems) -> Link:
    r"""Return the link from the means of discriminations and difficulties.

    Notes
    -----
    .. math:: A = \bar a_{from} / \bar a_{to},\; B = \bar b_{to} - A \bar b_{from}

    References
    ----------
    Loyd & Hoover (1980), J. Educ. Meas. 17, 179-193.

    Examples
    --------
    >>> old = CommonItems(np.array([1.0, 2.0]), np.array([0.0, 1.0]), np.zeros(2))
    >>> mean_mean(old, Link(2.0, 0.5).moved(old))
    Link(slope=2.0, intercept=0.5)
    """
    _checked(source, target)
    slope = float(source.a.mean() / target.a.mean())
    return Link(slope, float(target.b.mean() - slope * source.b.mean()))


def mean_sigma(source: CommonItems, target: CommonItems) -> Link:
    r"""Return the link from mean and deviation of the difficulties.

    Notes
    -----
    .. math:: A = s(b_{to}) / s(b_{from}),\; B = \bar b_{to} - A \bar b_{from}

    References
    ----------
    Marco (1977), J. Educ. Meas. 14, 139-160.

    Examples
    --------
    >>> old = CommonItems(np.array([1.0, 2.0]), np.array([0.0, 1.0]), np.zeros(2))
    >>> mean_sigma(old, Link(2.0, 0.5).moved(old))
    Link(slope=2.0, intercept=0.5)
    """
    _checked(source, target)
    if not source.b.std() > 0:
        raise ParameterError("difficulties that do not vary give no scale")
    slope = float(target.b.std() / source.b.std())
    return Link(slope, float(target.b.mean() - slope * source.b.mean()))


Points: TypeAlias = tuple[FloatArray, FloatArray]
"""Abilities and their weights, over which curves are compared."""


def haebara(source: CommonItems, target: CommonItems, *, scale: float, points: Points | None = None) -> Link:
    r"""Return the link that brings the item curves together over given abilities, standard normal by default.

    Notes
    -----
    .. math:: \min_{A,B} \sum_q w_q \sum_j \left[P_j(\theta_q; to) - P_j(\theta_q; moved)\right]^2

    summed over both directions.

    References
    ----------
    Haebara (1980), Jpn. Psychol. Res. 22, 144-149.

    Examples
    --------
    >>> old = CommonItems(np.array([1.0, 2.0]), np.array([0.0, 1.0]), np.zeros(2))
    >>> found = haebara(old, Link(2.0, 0.5).moved(old), scale=1.0)
    >>> round(found.slope, 4), round(found.intercept, 4)
    (2.0, 0.5)
    """
    return _characteristic(source, target, scale, points, together=False)


def stocking_lord(source: CommonItems, target: CommonItems, *, scale: float, points: Points | None = None) -> Link:
    r"""Return the link that brings the test curves together over given abilities, standard normal by default.

    Notes
    -----
    .. math:: \min_{A,B} \sum_q w_q \left[\sum_j P_j(\theta_q; to) - \sum_j P_j(\theta_q; moved)\right]^2

    summed over both directions.

    References
    ----------
    Stocking & Lord (1983), Appl. Psychol. Meas. 7, 201-210.

    Examples
    --------
    >>> old = CommonItems(np.array([1.0, 2.0]), np.array([0.0, 1.0]), np.zeros(2))
    >>> found = stocking_lord(old, Link(2.0, 0.5).moved(old), scale=1.0)
    >>> round(found.slope, 4), round(found.intercept, 4)
    (2.0, 0.5)
    """
    return _characteristic(source, target, scale, points, together=True)


def _characteristic(
    source: CommonItems, target: CommonItems, scale: float, points: Points | None, *, together: bool
) -> Link:
    from scipy.optimize import minimize  # a third of a second at every start, for what is used while a link is sought

    start = mean_sigma(source, target)
    theta, weight = points or quadrature(61, 4.0)

    def gap(one: CommonItems, other: CommonItems) -> float:
        rest = _curves(theta, one, scale) - _curves(theta, other, scale)
        return float(weight @ (rest.sum(axis=1) ** 2 if together else (rest**2).sum(axis=1)))

    def loss(point: FloatArray) -> float:
        if point[0] <= 0.01:
            return 1e6 * (1.01 - float(point[0]))
        link = Link(float(point[0]), float(point[1]))
        back = Link(1 / link.slope, -link.intercept / link.slope)
        return gap(target, link.moved(source)) + gap(source, back.moved(target))

    options = {"xatol": 1e-9, "fatol": 1e-14, "maxiter": 4000}
    found = minimize(loss, [start.slope, start.intercept], method="Nelder-Mead", options=options)
    return Link(float(found.x[0]), float(found.x[1]))


def _curves(theta: FloatArray, items: CommonItems, scale: float) -> FloatArray:
    return probability(theta, items.a, items.b, items.c, scale=scale)


def bootstrap_link_errors(
    source: CommonItems,
    target: CommonItems,
    *,
    method: Callable[[CommonItems, CommonItems], Link] = mean_sigma,
    n_samples: int = 200,
    seed: int = 0,
) -> tuple[float, float]:
    r"""Return the bootstrap standard errors of slope and intercept: what another choice of common items would change.

    Parameters
    ----------
    source, target : CommonItems
        The same items in both calibrations.
    method : callable
        Any link of this module.
    n_samples : int
        Draws of items with replacement; a draw of one item alone is made again.
    seed : int

    Notes
    -----
    .. math:: se(A)^2 = \frac{1}{R - 1} \sum_r (\hat A_r - \bar A)^2

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap; Monseur & Berezner (2007), J. Appl. Meas. 8, 323-335
    (items as what is sampled).

    Examples
    --------
    >>> items = CommonItems(np.ones(5), np.array([-1.0, -0.5, 0.0, 0.5, 1.0]), np.zeros(5))
    >>> slope, intercept = bootstrap_link_errors(items, Link(1.2, 0.3).moved(items), n_samples=20)
    >>> round(slope, 6) + 0.0, round(intercept, 6) + 0.0
    (0.0, 0.0)
    """
    _checked(source, target)
    rng = np.random.default_rng(seed)
    found: list[tuple[float, float]] = []
    while len(found) < n_samples:
        drawn = rng.integers(0, source.a.size, source.a.size)
        if np.unique(drawn).size > 1:
            link = method(_chosen(source, drawn), _chosen(target, drawn))
            found.append((link.slope, link.intercept))
    slope, intercept = np.std(found, axis=0, ddof=1)
    return float(slope), float(intercept)


def _chosen(items: CommonItems, rows: IntArray) -> CommonItems:
    return CommonItems(items.a[rows], items.b[rows], items.c[rows])


def true_score_equating(scores: FloatArray, form_x: CommonItems, form_y: CommonItems, *, scale: float) -> FloatArray:
    r"""Return the Y true score of the ability at which X has each true score.

    Parameters
    ----------
    scores : ndarray of float64
        Number-right scores of X.
    form_x, form_y : CommonItems
        All items of either form on one scale.
    scale : float
        Scaling constant D.

    Returns
    -------
    ndarray of float64
        Below the sum of the asymptotes Kolen's line to zero is used; the highest score goes to the highest.

    Notes
    -----
    .. math:: irt_Y(x) = \tau_Y(\tau_X^{-1}(x))

    References
    ----------
    Lord (1980), Applications of Item Response Theory, ch. 13; Kolen & Brennan (2014), sec. 6.5.

    Examples
    --------
    >>> items = CommonItems(np.ones(3), np.zeros(3), np.zeros(3))
    >>> true_score_equating(np.array([0.0, 1.0, 2.0, 3.0]), items, items, scale=1.0).round(6)
    array([0., 1., 2., 3.])
    """
    floor_x, floor_y = form_x.c.sum(), form_y.c.sum()
    low, high = np.full(scores.shape, -40.0), np.full(scores.shape, 40.0)
    for _ in range(80):
        middle = (low + high) / 2
        below = _curves(middle, form_x, scale).sum(axis=1) < scores
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    found = _curves((low + high) / 2, form_y, scale).sum(axis=1)
    under = scores * (floor_y / floor_x if floor_x > 0 else 0.0)
    found = np.where(scores <= floor_x, under, found)
    return np.asarray(np.where(scores >= form_x.a.size, form_y.a.size, found))
