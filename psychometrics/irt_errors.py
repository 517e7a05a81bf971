"""Standard errors of calibrated items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from psychometrics.arrays import FloatArray
from psychometrics.irt import (
    BLOCK,
    Calibration,
    GuessingPrior,
    Model,
    Parameters,
    Patterns,
    compress,
    expected_counts,
    posteriors,
    quadrature,
)
from psychometrics.logistic import score_weight_slopes, score_weights

Method = Literal["observed", "cross_product"]
OBSERVED_COST = 4e9
"""Multiplications up to which the exact information is computed; beyond it cross-products, equal in large samples."""


@dataclass(frozen=True, slots=True)
class StandardErrors:
    """Standard errors of every item, NaN where there is none; `c` is NaN unless the model is 3PL."""

    a: FloatArray
    b: FloatArray
    c: FloatArray
    method: Method


def standard_errors(
    scores: ArrayLike, found: Calibration, *, method: Method | None = None, prior: GuessingPrior | None = None
) -> StandardErrors:
    r"""Return the standard errors of the parameters of a calibration.

    Parameters
    ----------
    scores : array_like, shape (n_persons, n_items)
        The marks that were calibrated.
    found : Calibration
    method : {"observed", "cross_product"}, optional
        By default the observed information unless the data are too large for it.
    prior : GuessingPrior, optional
        The one of the calibration.

    Returns
    -------
    StandardErrors
        For difficulty and asymptote by the delta method; all NaN if the information is singular.

    Notes
    -----
    .. math:: I = E[B | x] - \sum_i \left( E[s_i s_i' | x] - E[s_i | x] E[s_i | x]' \right)

    with the score s and information B of the complete data.

    References
    ----------
    Louis (1982), J. R. Stat. Soc. B 44, 226-233; Yuan, Cheng & Patton (2014), Psychometrika 79, 232-254.

    Examples
    --------
    >>> from psychometrics.irt import calibrate
    >>> rng = np.random.default_rng(1)
    >>> answers = rng.random((3000, 4)) < 1 / (1 + np.exp(-rng.normal(size=(3000, 1))))
    >>> errors = standard_errors(answers, calibrate(answers, Model.RASCH))
    >>> errors.method, bool((errors.b < 0.1).all())
    ('observed', True)
    """
    patterns = compress(scores)
    n_items = patterns.right.shape[1]
    cost = len(patterns.counts) * found.n_points * float(n_items) ** 2
    chosen = method or ("observed" if cost <= OBSERVED_COST else "cross_product")
    information = _information(patterns, found, chosen, prior or GuessingPrior())
    return _transformed(found, _inverse(information), chosen)


def _information(patterns: Patterns, found: Calibration, method: Method, prior: GuessingPrior) -> FloatArray:
    """Return the information of the model's own parameters."""
    now = found.parameters
    theta, weight = quadrature(found.n_points)
    p, h = score_weights(theta, now.a, now.d, now.c)
    width = 3 if found.model is Model.THREE_PL else 2
    mean_part, spread_part = _score_moments(patterns, now, (theta, weight), (p, h[:width]), exact=method == "observed")
    information = mean_part
    if method == "observed":
        information = mean_part - spread_part + _complete(patterns, now, (theta, weight), (p, h[:width]))
    if width == 3:
        own = np.arange(2 * now.a.size, 3 * now.a.size)
        information[own, own] += (prior.alpha + prior.beta - 2) * now.c * (1 - now.c)
    return _common_slope(information) if found.model is Model.RASCH else information


def _score_moments(
    patterns: Patterns,
    now: Parameters,
    points: tuple[FloatArray, FloatArray],
    weights: tuple[FloatArray, FloatArray],
    *,
    exact: bool,
) -> tuple[FloatArray, FloatArray]:
    """Return the sums of products of mean scores, and (if exact) of the means of products of scores."""
    (p, h), n_items = weights, now.a.size
    size = len(h) * n_items
    of_means, of_products = np.zeros((size, size)), np.zeros((size, size))
    for begin in range(0, len(patterns.counts), BLOCK):
        rows = slice(begin, begin + BLOCK)
        posterior, _ = posteriors(patterns, rows, now, *points)
        right, counts = patterns.right[rows], patterns.counts[rows]
        seen = patterns.seen[rows] if patterns.seen is not None else np.ones_like(right)
        means = np.hstack([right * (posterior @ one.T) - seen * (posterior @ (one * p).T) for one in h])
        of_means += means.T @ (means * counts[:, None])
        if exact:
            weighted = posterior * counts[:, None]
            for q in range(p.shape[1]):
                rest = right - seen * p[:, q]
                product = rest.T @ (rest * weighted[:, q : q + 1])
                lever = h[:, :, q].ravel()
                of_products += np.outer(lever, lever) * np.tile(product, (len(h), len(h)))
    return of_means, of_products


def _complete(
    patterns: Patterns,
    now: Parameters,
    points: tuple[FloatArray, FloatArray],
    weights: tuple[FloatArray, FloatArray],
) -> FloatArray:
    """Return the expected information of the complete data, block by item."""
    (p, h), theta, n_items = weights, points[0], now.a.size
    right, total, _ = expected_counts(patterns, now, *points)
    slopes = score_weight_slopes(theta, now.a, now.d, now.c)
    found = np.zeros((len(h) * n_items, len(h) * n_items))
    place = np.arange(n_items)
    for i in range(len(h)):
        for j in range(len(h)):
            cell = total * p * (1 - p) * h[i] * h[j] - (right - total * p) * slopes[i, j]
            found[i * n_items + place, j * n_items + place] = cell.sum(axis=1)
    return found


def _common_slope(information: FloatArray) -> FloatArray:
    """Return the information where all slopes are one parameter."""
    n_items = len(information) // 2
    gather = np.zeros((n_items + 1, 2 * n_items))
    gather[0, :n_items] = 1
    gather[1:, n_items:] = np.eye(n_items)
    return np.asarray(gather @ information @ gather.T)


def _inverse(information: FloatArray) -> FloatArray:
    """Return the covariance of the estimates, all NaN where the information is not positive definite."""
    values, vectors = np.linalg.eigh((information + information.T) / 2)
    if values[0] <= 1e-10 * values[-1]:
        return np.full_like(information, np.nan)
    return np.asarray((vectors / values) @ vectors.T)


def _transformed(found: Calibration, covariance: FloatArray, method: Method) -> StandardErrors:
    now, k = found.parameters, found.parameters.a.size
    slope = np.zeros(k, np.int64) if found.model is Model.RASCH else np.arange(k)
    first = 1 if found.model is Model.RASCH else k
    intercept = np.arange(first, first + k)
    var_a, var_d, cov = covariance[slope, slope], covariance[intercept, intercept], covariance[slope, intercept]
    with np.errstate(divide="ignore", invalid="ignore"):
        var_b = (var_d + now.b**2 * var_a + 2 * now.b * cov) / now.a**2
    se_c = np.full(k, np.nan)
    if found.model is Model.THREE_PL:
        own = np.arange(2 * k, 3 * k)
        se_c = np.sqrt(covariance[own, own]) * now.c * (1 - now.c)
    return StandardErrors(np.sqrt(var_a), np.sqrt(np.maximum(var_b, 0)), se_c, method)
