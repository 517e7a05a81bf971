"""Reliability of the total score: alpha, KR-20, Guttman's bounds, intervals and standard errors.

What was not reached counts as zero here, because the total that a person receives counts it so.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import fdtri

from psychometrics.arrays import FloatArray, ParameterError, ratio, score_matrix

BLOCK = 8192
SINGULAR = 1e-10
"""A correlation matrix whose smallest eigenvalue is below this has no usable inverse."""


def item_covariance(scores: ArrayLike) -> FloatArray:
    """Return the covariance matrix of the items (divisor n - 1), not reached counted as zero.

    Parameters
    ----------
    scores : array_like, shape (n_persons, n_items)

    Returns
    -------
    ndarray of float64, shape (n_items, n_items)
        All NaN with fewer than two persons.

    Notes
    -----
    ``s_ij = sum_p (x_pi - m_i)(x_pj - m_j) / (n - 1)``.

    References
    ----------
    Cronbach (1951), Psychometrika 16, 297-334 (what all coefficients here are made of).

    Examples
    --------
    >>> item_covariance([[1, 1], [0, 0]])
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """
    matrix = score_matrix(scores)
    n, k = matrix.shape
    if n < 2:
        return np.full((k, k), np.nan)
    mean = np.nansum(matrix, axis=0) / n
    found = np.zeros((k, k))
    for begin in range(0, n, BLOCK):
        centred = np.nan_to_num(matrix[begin : begin + BLOCK]) - mean
        found += centred.T @ centred
    return np.asarray(found / (n - 1))


def coefficient_alpha(covariance: FloatArray) -> float:
    r"""Return Cronbach's alpha; for items that are right or wrong it is KR-20.

    Parameters
    ----------
    covariance : ndarray of float64, shape (n_items, n_items)
        As `item_covariance` gives it.

    Returns
    -------
    float
        At most 1, possibly negative; NaN with fewer than two items or totals that do not vary.

    Notes
    -----
    .. math:: \alpha = \frac{k}{k-1}\left(1 - \frac{\sum_j s_j^2}{s_T^2}\right)

    References
    ----------
    Cronbach (1951), Psychometrika 16, 297-334. LSAT6 .295 and LSAT7 .453 in Bock & Lieberman's (1970) data.

    Examples
    --------
    >>> round(coefficient_alpha(np.array([[1.0, 0.5], [0.5, 1.0]])), 4)
    0.6667
    """
    k, total = covariance.shape[0], float(covariance.sum())
    if k < 2 or not total > 0:
        return float("nan")
    return float(k / (k - 1) * (1 - np.trace(covariance) / total))


def kr20(scores: ArrayLike) -> float:
    r"""Return Kuder and Richardson's formula 20 for items that are right (1) or wrong (0).

    Notes
    -----
    .. math:: \frac{k}{k-1}\left(1 - \frac{\sum_j p_j q_j}{\sigma_T^2}\right)

    with the variance of divisor n, so that it equals alpha exactly.

    References
    ----------
    Kuder & Richardson (1937), Psychometrika 2, 151-160.

    Examples
    --------
    >>> round(kr20([[1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 0]]), 4)
    0.75
    """
    marks = np.nan_to_num(score_matrix(scores))
    if not np.isin(marks, (0.0, 1.0)).all():
        raise ParameterError("KR-20 is for items that are right or wrong")
    k, p = marks.shape[1], marks.mean(axis=0) if marks.shape[0] else np.full(marks.shape[1], np.nan)
    variance = float(marks.sum(axis=1).var()) if marks.shape[0] else 0.0
    return float(k / (k - 1) * (1 - (p * (1 - p)).sum() / variance)) if k > 1 and variance > 0 else float("nan")


def alpha_interval(alpha: float, n_persons: int, n_items: int, *, confidence: float = 0.95) -> tuple[float, float]:
    r"""Return Feldt's interval of alpha.

    Parameters
    ----------
    alpha : float
        Estimate.
    n_persons, n_items : int
        At least two each, otherwise the limits are NaN.
    confidence : float
        Level in (0, 1).

    Returns
    -------
    low, high : float

    Notes
    -----
    .. math:: 1 - (1-\hat\alpha) F_{(1+\gamma)/2},\; 1 - (1-\hat\alpha) F_{(1-\gamma)/2}

    with n - 1 and (n - 1)(k - 1) degrees of freedom.

    References
    ----------
    Feldt (1965), Psychometrika 30, 357-370; Feldt, Woodruff & Salih (1987), Appl. Psychol. Meas. 11, 93-103.

    Examples
    --------
    >>> [round(limit, 3) for limit in alpha_interval(0.79, 41, 26)]
    [0.685, 0.873]
    """
    if not 0 < confidence < 1:
        raise ParameterError("confidence must lie between 0 and 1")
    if n_persons < 2 or n_items < 2 or np.isnan(alpha):
        return float("nan"), float("nan")
    first, second = n_persons - 1, (n_persons - 1) * (n_items - 1)
    high, low = (float(fdtri(first, second, (1 + sign * confidence) / 2)) for sign in (1, -1))
    return 1 - (1 - alpha) * high, 1 - (1 - alpha) * low


def guttman_lambda2(covariance: FloatArray) -> float:
    r"""Return Guttman's second lower bound of the reliability, never below alpha.

    Notes
    -----
    .. math:: \lambda_2 = \frac{\sum_{i \ne j} s_{ij} + \sqrt{\frac{k}{k-1}\sum_{i \ne j} s_{ij}^2}}{s_T^2}

    References
    ----------
    Guttman (1945), Psychometrika 10, 255-282.

    Examples
    --------
    >>> round(guttman_lambda2(np.array([[1.0, 0.5], [0.5, 1.0]])), 4)
    0.6667
    """
    k, total = covariance.shape[0], float(covariance.sum())
    if k < 2 or not total > 0:
        return float("nan")
    between = covariance - np.diag(np.diag(covariance))
    return float((between.sum() + np.sqrt(k / (k - 1) * (between**2).sum())) / total)


def guttman_lambda6(covariance: FloatArray) -> float:
    r"""Return Guttman's sixth lower bound, from each item's error in regression on all others.

    Returns
    -------
    float
        NaN where an item does not vary or follows from the others, so that there is no regression.

    Notes
    -----
    .. math:: \lambda_6 = 1 - \sum_j e_j^2 / s_T^2,\; e_j^2 = 1 / (S^{-1})_{jj}

    References
    ----------
    Guttman (1945), Psychometrika 10, 255-282.

    Examples
    --------
    >>> round(guttman_lambda6(np.array([[1.0, 0.5], [0.5, 1.0]])), 4)
    0.5
    """
    total, spread = float(covariance.sum()), np.sqrt(np.diag(covariance))
    if covariance.shape[0] < 2 or not total > 0 or not (spread > 0).all():
        return float("nan")
    correlation = covariance / np.outer(spread, spread)
    if np.linalg.eigvalsh(correlation)[0] < SINGULAR:
        return float("nan")
    error = spread**2 / np.diag(np.linalg.inv(correlation))
    return float(1 - error.sum() / total)


def alpha_if_deleted(covariance: FloatArray) -> FloatArray:
    """Return alpha of the test without each item in turn.

    Parameters
    ----------
    covariance : ndarray of float64, shape (n_items, n_items)

    Returns
    -------
    ndarray of float64, shape (n_items,)
        NaN with fewer than three items, or where the rest does not vary.

    References
    ----------
    Crocker & Algina (1986), Introduction to Classical and Modern Test Theory, ch. 14.

    Examples
    --------
    >>> alpha_if_deleted(np.array([[1.0, 0.5, 0.1], [0.5, 1.0, 0.1], [0.1, 0.1, 1.0]])).round(4)
    array([0.1818, 0.1818, 0.6667])
    """
    k, own = covariance.shape[0], np.diag(covariance)
    if k < 3:
        return np.full(k, np.nan)
    total = covariance.sum() - 2 * covariance.sum(axis=0) + own
    return np.asarray((k - 1) / (k - 2) * (1 - ratio(np.trace(covariance) - own, total)))


def standard_error_of_measurement(sd: float, reliability: float) -> float:
    r"""Return the standard error of an observed total.

    Notes
    -----
    .. math:: s_T \sqrt{1 - \rho}

    References
    ----------
    Lord & Novick (1968), Statistical Theories of Mental Test Scores, sec. 3.4.

    Examples
    --------
    >>> standard_error_of_measurement(10.0, 0.84)
    4.0
    """
    return float(sd * np.sqrt(max(0.0, 1 - reliability)).round(12)) if not np.isnan(reliability) else float("nan")


def conditional_sem(raw_scores: ArrayLike, n_items: int) -> FloatArray:
    r"""Return Lord's binomial standard error at each raw score of a right-or-wrong test.

    Notes
    -----
    .. math:: \sqrt{x(k - x)/(k - 1)}

    References
    ----------
    Lord (1955), Educ. Psychol. Meas. 15, 325-336.

    Examples
    --------
    >>> conditional_sem([0, 50, 100], 100).round(4)
    array([0.    , 5.0252, 0.    ])
    """
    raw = np.asarray(raw_scores, np.float64)
    if n_items < 2 or (raw < 0).any() or (raw > n_items).any():
        raise ParameterError("raw scores must lie between 0 and the number of items, which is at least two")
    return np.asarray(np.sqrt(raw * (n_items - raw) / (n_items - 1)))
