"""Abilities of persons from calibrated items: EAP, MAP, maximum likelihood and Warm's weighted likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from psychometrics.arrays import FloatArray
from psychometrics.irt import BLOCK, Parameters, Patterns, compress, posteriors, quadrature
from psychometrics.logistic import TINY, log_probabilities

MAX_STEPS = 200
LIMIT = 20.0


@dataclass(frozen=True, slots=True)
class Abilities:
    """Estimates and standard errors, shape (n_persons,) each; NaN where there is no finite estimate."""

    theta: FloatArray
    se: FloatArray


def eap(scores: ArrayLike, items: Parameters, *, n_points: int = 61) -> Abilities:
    r"""Return the mean and deviation of each person's posterior under a standard normal prior.

    Parameters
    ----------
    scores : array_like, shape (n_persons, n_items)
        1, 0 or NaN where not reached.
    items : Parameters
        Logistic metric, D = 1.
    n_points : int
        Quadrature points on [-6, 6].

    Returns
    -------
    Abilities

    Notes
    -----
    .. math:: \hat\theta = \sum_q \theta_q p(\theta_q | x)

    References
    ----------
    Bock & Mislevy (1982), Appl. Psychol. Meas. 6, 431-444.

    Examples
    --------
    >>> items = Parameters(np.ones(2), np.zeros(2), np.zeros(2))
    >>> eap([[1, 1], [1, 0]], items).theta.round(4) + 0.0
    array([0.7043, 0.    ])
    """
    patterns = compress(scores)
    theta, weight = quadrature(n_points)
    mean, spread = np.empty(len(patterns.counts)), np.empty(len(patterns.counts))
    for begin in range(0, len(patterns.counts), BLOCK):
        rows = slice(begin, begin + BLOCK)
        posterior, _ = posteriors(patterns, rows, items, theta, weight)
        mean[rows] = posterior @ theta
        spread[rows] = np.sqrt(np.maximum(posterior @ theta**2 - mean[rows] ** 2, 0))
    return Abilities(mean[patterns.inverse], spread[patterns.inverse])


def maximum_a_posteriori(scores: ArrayLike, items: Parameters) -> Abilities:
    r"""Return the mode of each person's posterior under a standard normal prior.

    Parameters
    ----------
    scores, items
        As for `eap`.

    Returns
    -------
    Abilities
        With standard error ``1 / sqrt(I + 1)``.

    Notes
    -----
    .. math:: \sum_j (x_j - P_j) P_j' / (P_j Q_j) - \theta = 0

    References
    ----------
    Samejima (1969), Psychometrika Monograph 17.

    Examples
    --------
    >>> items = Parameters(np.ones(2), np.zeros(2), np.zeros(2))
    >>> maximum_a_posteriori([[1, 1]], items).theta.round(4)
    array([0.6748])
    """
    return _solve(compress(scores), items, prior=1.0, weighted=False)


def maximum_likelihood(scores: ArrayLike, items: Parameters) -> Abilities:
    """Return the ability that makes each person's answers most likely.

    Parameters
    ----------
    scores, items
        As for `eap`.

    Returns
    -------
    Abilities
        NaN for persons with all right or all wrong, and for those whose likelihood has no maximum inside (-20, 20).

    References
    ----------
    Birnbaum (1968) in Lord & Novick, Statistical Theories of Mental Test Scores, ch. 20.

    Examples
    --------
    >>> items = Parameters(np.ones(3), np.array([1.0, 0.0, -1.0]), np.zeros(3))
    >>> maximum_likelihood([[1, 1, 0], [1, 1, 1]], items).theta.round(4)
    array([0.8029,    nan])
    """
    patterns = compress(scores)
    found = _solve(patterns, items, prior=0.0, weighted=False)
    answered = patterns.seen.sum(axis=1) if patterns.seen is not None else np.full(len(patterns.counts), items.a.size)
    right = patterns.right.sum(axis=1)
    none = ((right == 0) | (right == answered))[patterns.inverse] | (np.abs(found.theta) >= LIMIT)
    return Abilities(np.where(none, np.nan, found.theta), np.where(none, np.nan, found.se))


def weighted_likelihood(scores: ArrayLike, items: Parameters) -> Abilities:
    r"""Return Warm's estimate, which is finite for every pattern and has less bias than maximum likelihood.

    Parameters
    ----------
    scores, items
        As for `eap`.

    Returns
    -------
    Abilities
        With standard error ``1 / sqrt(I)``.

    Notes
    -----
    .. math:: \sum_j (x_j - P_j) \frac{P_j'}{P_j Q_j} + \frac{J}{2 I} = 0,\; J = \sum_j \frac{P_j' P_j''}{P_j Q_j}

    References
    ----------
    Warm (1989), Psychometrika 54, 427-450.

    Examples
    --------
    >>> items = Parameters(np.ones(3), np.array([1.0, 0.0, -1.0]), np.zeros(3))
    >>> weighted_likelihood([[1, 1, 0]], items).theta.round(4)
    array([0.638])
    """
    return _solve(compress(scores), items, prior=0.0, weighted=True)


def _solve(patterns: Patterns, items: Parameters, *, prior: float, weighted: bool) -> Abilities:
    theta, se = np.empty(len(patterns.counts)), np.empty(len(patterns.counts))
    for begin in range(0, len(patterns.counts), BLOCK):
        rows = slice(begin, begin + BLOCK)
        seen = patterns.seen[rows] if patterns.seen is not None else np.ones_like(patterns.right[rows])
        theta[rows], se[rows] = _climb(patterns.right[rows], seen, items, prior=prior, weighted=weighted)
    return Abilities(theta[patterns.inverse], se[patterns.inverse])


def _climb(
    right: FloatArray, seen: FloatArray, items: Parameters, *, prior: float, weighted: bool
) -> tuple[FloatArray, FloatArray]:
    """Return the root of every person's estimating equation by scoring steps.

    They begin at the best of a grid, because the likelihood of a 3PL pattern may have several tops; the longest step
    is halved whenever the direction turns, so that they cannot go to and fro.
    """
    theta = _best_of_grid(right, seen, items, prior)
    longest, before = np.ones(len(right)), np.zeros(len(right))
    active = np.arange(len(right))
    for _ in range(MAX_STEPS):
        move = _move(theta[active], right[active], seen[active], items, prior, weighted=weighted)
        turned = move * before[active] < 0
        longest[active] = np.where(turned, longest[active] / 2, np.minimum(1.0, longest[active] * 1.2))
        move = np.clip(move, -longest[active], longest[active])
        before[active] = move
        theta[active] = np.clip(theta[active] + move, -LIMIT, LIMIT)
        active = active[(np.abs(move) > 1e-9) & (np.abs(theta[active]) < LIMIT)]
        if not active.size:
            break
    information = _slopes(theta, seen, items)[2].sum(axis=1) + prior
    return theta, 1 / np.sqrt(np.maximum(information, TINY))


def _best_of_grid(right: FloatArray, seen: FloatArray, items: Parameters, prior: float) -> FloatArray:
    grid = np.linspace(-4, 4, 33)
    log_right, log_wrong = log_probabilities(grid, items.a, items.d, items.c)
    height = right @ (log_right - log_wrong) + seen @ log_wrong - prior * grid**2 / 2
    return np.asarray(grid[height.argmax(axis=1)])


def _move(
    theta: FloatArray, right: FloatArray, seen: FloatArray, items: Parameters, prior: float, *, weighted: bool
) -> FloatArray:
    p, lever, information, skew = _slopes(theta, seen, items)
    total = np.maximum(information.sum(axis=1), 1e-12)
    gradient = ((right - seen * p) * lever).sum(axis=1) - prior * theta
    if weighted:
        gradient += skew.sum(axis=1) / (2 * total)
    return np.asarray(gradient / (total + prior))


def _slopes(
    theta: FloatArray, seen: FloatArray, items: Parameters
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return P, P' / (P Q), the information and P' P'' / (P Q) of every person and item."""
    logistic = expit(np.outer(theta, items.a) + items.d)
    p = items.c + (1 - items.c) * logistic
    share = np.where(items.c > 0, logistic / np.maximum(p, TINY), 1.0)
    lever = items.a * share
    first = items.a * (1 - items.c) * logistic * (1 - logistic)
    second = first * items.a * (1 - 2 * logistic)
    return p, lever, seen * first * lever, seen * lever * second
