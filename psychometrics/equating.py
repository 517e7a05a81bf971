"""Put the scores of one form on the scale of another: mean, linear, equipercentile, log-linear presmoothing.

Scores are whole numbers from 0 to the number of points; a form is given by its frequencies.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from psychometrics.arrays import FloatArray, ParameterError

TIE = 1e-12
MAX_NEWTON = 200


def _frequencies(counts: ArrayLike) -> FloatArray:
    table = np.asarray(counts, np.float64)
    if table.ndim != 1 or table.size < 2 or (table < 0).any() or not table.sum() > 0:
        raise ParameterError("frequencies must be a vector of non-negative counts, not all zero")
    return table


def moments(counts: ArrayLike) -> tuple[float, float]:
    """Return mean and standard deviation (divisor n) of the scores 0, 1, … with these frequencies.

    Notes
    -----
    ``mu = sum f_x x / n`` and ``sigma^2 = sum f_x (x - mu)^2 / n``.

    References
    ----------
    Kolen & Brennan (2014), Test Equating, Scaling, and Linking, 3rd ed., ch. 2.

    Examples
    --------
    >>> moments([1, 2, 1])
    (1.0, 0.7071067811865476)
    """
    table = _frequencies(counts)
    score = np.arange(table.size)
    mean = float(table @ score / table.sum())
    return mean, float(np.sqrt(table @ (score - mean) ** 2 / table.sum()))


def identity_equating(counts_x: ArrayLike) -> FloatArray:
    r"""Return every X score as its own Y equivalent: what small samples and forms built alike leave nothing better than.

    Notes
    -----
    .. math:: i_Y(x) = x

    References
    ----------
    Kolen & Brennan (2014), Test Equating, Scaling, and Linking, 3rd ed., ch. 2.

    Examples
    --------
    >>> identity_equating([3, 1, 2])
    array([0., 1., 2.])
    """
    return np.arange(_frequencies(counts_x).size, dtype=np.float64)


def mean_equating(counts_x: ArrayLike, counts_y: ArrayLike) -> FloatArray:
    r"""Return the Y equivalent of every X score where forms differ by a constant.

    Notes
    -----
    .. math:: m_Y(x) = x - \mu_X + \mu_Y

    References
    ----------
    Kolen & Brennan (2014), Test Equating, Scaling, and Linking, 3rd ed., sec. 2.2.

    Examples
    --------
    >>> mean_equating([0, 1, 1], [1, 1, 0])
    array([-1.,  0.,  1.])
    """
    (mean_x, _), (mean_y, _) = moments(counts_x), moments(counts_y)
    return np.asarray(np.arange(_frequencies(counts_x).size) - mean_x + mean_y, np.float64)


def linear_equating(counts_x: ArrayLike, counts_y: ArrayLike) -> FloatArray:
    r"""Return the Y equivalent of every X score with equal standardised scores.

    Raises
    ------
    ParameterError
        If the scores of X do not vary.

    Notes
    -----
    .. math:: l_Y(x) = \frac{\sigma_Y}{\sigma_X} (x - \mu_X) + \mu_Y

    References
    ----------
    Kolen & Brennan (2014), sec. 2.3.

    Examples
    --------
    >>> linear_equating([1, 0, 1], [0, 1, 0, 1, 0])
    array([1., 2., 3.])
    """
    (mean_x, sd_x), (mean_y, sd_y) = moments(counts_x), moments(counts_y)
    if sd_x == 0:
        raise ParameterError("the scores of X do not vary")
    return np.asarray(sd_y / sd_x * (np.arange(_frequencies(counts_x).size) - mean_x) + mean_y, np.float64)


def percentile_ranks(counts: ArrayLike) -> FloatArray:
    """Return the share below each score, counting half of those who have it.

    References
    ----------
    Kolen & Brennan (2014), sec. 2.5.1.

    Examples
    --------
    >>> percentile_ranks([1, 2, 1])
    array([0.125, 0.5  , 0.875])
    """
    share = _frequencies(counts) / np.sum(counts)
    return np.asarray(np.cumsum(share) - share / 2)


def equipercentile_equating(counts_x: ArrayLike, counts_y: ArrayLike) -> FloatArray:
    r"""Return the Y score of equal percentile rank for every X score.

    Scores are taken as spread evenly over half a point to either side.

    Parameters
    ----------
    counts_x, counts_y : array_like
        Frequencies of the scores 0, 1, …; smoothed ones may be given.

    Returns
    -------
    ndarray of float64, shape (n_scores_x,)
        Between -0.5 and the highest score of Y plus 0.5. Where nobody in Y lies between two scores, the middle of
        the gap; -0.5 below all of X and half a point above the highest score of Y over all of X.

    Notes
    -----
    .. math:: e_Y(x) = G^{-1}[F(x)]

    References
    ----------
    Kolen & Brennan (2014), sec. 2.5.2, equation 2.18 and, for gaps, the mean of both percentile points.

    Examples
    --------
    >>> equipercentile_equating([1, 2, 1], [1, 2, 1])
    array([0., 1., 2.])
    """
    rank, share = percentile_ranks(counts_x), _frequencies(counts_y) / np.sum(counts_y)
    above = np.cumsum(share)
    above[-1] = 1.0
    below = np.concatenate([[0.0], above[:-1]])
    last = share.size - 1
    high = _inside(rank, np.minimum(np.searchsorted(above, rank + TIE, side="left"), last), below, share)
    low = _inside(rank, np.minimum(np.searchsorted(above, rank - TIE, side="left"), last), below, share)
    found = (high + low) / 2
    found = np.where(rank <= TIE, -0.5, found)
    return np.where(rank >= 1 - TIE, last + 0.5, found)


def _inside(rank: FloatArray, place: FloatArray, below: FloatArray, share: FloatArray) -> FloatArray:
    """Return the point of a rank inside the step of a score."""
    width = share[place]
    part = np.where(width > 0, (rank - below[place]) / np.where(width > 0, width, 1), 0.5)
    return np.asarray(place - 0.5 + np.clip(part, 0, 1))


def loglinear_smoothing(counts: ArrayLike, degree: int) -> FloatArray:
    r"""Return frequencies of a polynomial log-linear model, which keeps the first moments of the scores.

    Parameters
    ----------
    counts : array_like, shape (n_scores,)
        Observed frequencies.
    degree : int
        Moments that are kept exactly, at least one and below the number of scores.

    Returns
    -------
    ndarray of float64, shape (n_scores,)
        Positive, with the same sum.

    Raises
    ------
    ParameterError
        If the degree leaves its range.

    Notes
    -----
    .. math:: \log m_x = \beta_0 + \sum_{k=1}^{C} \beta_k x^k

    References
    ----------
    Holland & Thayer (1987), ETS RR-87-31; Kolen & Brennan (2014), sec. 3.3.

    Examples
    --------
    >>> smooth = loglinear_smoothing([2, 5, 9, 4, 3], 2)
    >>> bool(np.allclose(moments(smooth), moments([2, 5, 9, 4, 3])))
    True
    """
    table = _frequencies(counts)
    if not 1 <= degree < table.size:
        raise ParameterError("degree must lie between 1 and the number of scores less one")
    basis, _ = np.linalg.qr(np.vander(np.linspace(-1, 1, table.size), degree + 1, increasing=True))
    beta = np.linalg.lstsq(basis, np.log(table + 0.5), rcond=None)[0]
    height = _poisson_likelihood(basis, beta, table)
    for _ in range(MAX_NEWTON):
        fitted = np.exp(basis @ beta)
        move = np.linalg.lstsq(basis.T @ (basis * fitted[:, None]), basis.T @ (table - fitted), rcond=None)[0]
        while _poisson_likelihood(basis, beta + move, table) < height and np.abs(move).max() > 1e-12:
            move = move / 2
        beta = beta + move
        height = _poisson_likelihood(basis, beta, table)
        if np.abs(move).max() < 1e-10:
            break
    return np.asarray(np.exp(basis @ beta))


def _poisson_likelihood(basis: FloatArray, beta: FloatArray, table: FloatArray) -> float:
    line = np.minimum(basis @ beta, 500.0)
    return float(table @ line - np.exp(line).sum())


def bootstrap_errors(
    counts_x: ArrayLike,
    counts_y: ArrayLike,
    *,
    method: Callable[[FloatArray, FloatArray], FloatArray] = equipercentile_equating,
    n_samples: int = 500,
    seed: int = 0,
) -> FloatArray:
    r"""Return the bootstrap standard errors of equivalents, shape (n_scores_x,).

    Parameters
    ----------
    counts_x, counts_y : array_like
        Frequencies of both forms.
    method : callable
        Any of the methods of this module for two forms; smoothing goes into it.
    n_samples : int
        Draws with replacement of as many persons as there are.
    seed : int

    Notes
    -----
    .. math:: se(x)^2 = \frac{1}{R - 1} \sum_r \left(\hat e_r(x) - \bar e(x)\right)^2

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap; Kolen & Brennan (2014), sec. 7.2.

    Examples
    --------
    >>> bootstrap_errors([50, 100, 50], [50, 100, 50], n_samples=200).round(1)
    array([0.1, 0.1, 0.1])
    """
    x, y = _frequencies(counts_x), _frequencies(counts_y)
    rng = np.random.default_rng(seed)
    draws_x = rng.multinomial(round(x.sum()), x / x.sum(), n_samples).astype(np.float64)
    draws_y = rng.multinomial(round(y.sum()), y / y.sum(), n_samples).astype(np.float64)
    found = [method(one, other) for one, other in zip(draws_x, draws_y, strict=True)]
    return np.asarray(np.std(found, axis=0, ddof=1))
