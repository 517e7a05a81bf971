"""Classical item statistics: facility, correlation with the total, discrimination.

Scores are matrices of persons by items with NaN where a person did not reach an item. An omitted item is a zero like
any wrong one. A total is the sum of what was reached, so an item that was not reached adds nothing to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from psychometrics.arrays import NO_VARIANCE, FloatArray, IntArray, ParameterError, ratio, score_matrix


@dataclass(frozen=True, slots=True)
class ItemStatistics:
    """Classical figures of every item; NaN where the data cannot carry one.

    Attributes
    ----------
    n : ndarray of int64, shape (n_items,)
        Persons who reached the item.
    facility, facility_low, facility_high : ndarray of float64, shape (n_items,)
        Mean share of the marks in [0, 1] with its Wilson interval.
    item_total, item_rest : ndarray of float64, shape (n_items,)
        Correlation with the total, and with the total without the item.
    discrimination : ndarray of float64, shape (n_items,)
        Upper-lower index of the 27 % groups.
    """

    n: IntArray
    facility: FloatArray
    facility_low: FloatArray
    facility_high: FloatArray
    item_total: FloatArray
    item_rest: FloatArray
    discrimination: FloatArray


def item_statistics(scores: ArrayLike, max_scores: ArrayLike, *, confidence: float = 0.95) -> ItemStatistics:
    """Return the classical figures of every item.

    Parameters
    ----------
    scores : array_like, shape (n_persons, n_items)
        Marks; NaN where not reached.
    max_scores : array_like, shape (n_items,)
        Highest mark of each item, > 0.
    confidence : float
        Level of the facility intervals.

    Returns
    -------
    ItemStatistics

    Raises
    ------
    ParameterError
        If shapes differ or a highest mark is not positive.

    Notes
    -----
    Each figure has its formula where it is computed: `facility`, `facility_interval`, `item_correlations`,
    `discrimination_index`.

    References
    ----------
    Crocker & Algina (1986), Introduction to Classical and Modern Test Theory, ch. 14.

    Examples
    --------
    >>> found = item_statistics([[1, 1], [1, 0], [0, 0], [1, np.nan]], [1, 1])
    >>> found.n, found.facility.round(3)
    (array([4, 3]), array([0.75 , 0.333]))
    """
    table, top = _table(scores), _maxima(scores, max_scores)
    share = ratio(table.sums, table.n * top)
    low, high = wilson_interval(share, table.n, confidence=confidence)
    total, rest = _correlations(table)
    return ItemStatistics(
        n=table.n.astype(np.int64),
        facility=share,
        facility_low=low,
        facility_high=high,
        item_total=total,
        item_rest=rest,
        discrimination=_discrimination(table, top, 0.27),
    )


@dataclass(frozen=True, slots=True)
class _Table:
    """Marks with zeros where not reached; `seen` None where everything was reached."""

    marks: FloatArray
    seen: FloatArray | None
    n: FloatArray
    sums: FloatArray
    totals: FloatArray

    def among_seen(self, values: FloatArray) -> FloatArray:
        """Return each item's sum of a value over the persons who reached it."""
        if self.seen is None:
            return np.full(self.n.shape, values.sum())
        return np.asarray(values @ self.seen)


def _table(scores: ArrayLike) -> _Table:
    matrix = score_matrix(scores)
    missing = np.isnan(matrix)
    if missing.any():
        marks, seen = np.where(missing, 0.0, matrix), (~missing).astype(np.float64)
        return _Table(marks, seen, seen.sum(axis=0), marks.sum(axis=0), marks.sum(axis=1))
    n = np.full(matrix.shape[1], float(matrix.shape[0]))
    return _Table(matrix, None, n, matrix.sum(axis=0), matrix.sum(axis=1))


def total_scores(scores: ArrayLike) -> FloatArray:
    """Return every person's sum over the items that were reached.

    Notes
    -----
    ``X_p = sum_i x_pi``; what was not reached adds nothing.

    References
    ----------
    Lord & Novick (1968), Statistical Theories of Mental Test Scores, ch. 4.

    Examples
    --------
    >>> total_scores([[1, 2], [1, np.nan]])
    array([3., 1.])
    """
    return np.asarray(np.nansum(score_matrix(scores), axis=1))


def facility(scores: ArrayLike, max_scores: ArrayLike) -> FloatArray:
    r"""Return the mean share of the marks on each item (proportion correct where items are right or wrong).

    Parameters
    ----------
    scores : array_like, shape (n_persons, n_items)
        Marks; NaN where not reached.
    max_scores : array_like, shape (n_items,)
        Highest mark of each item, > 0.

    Returns
    -------
    ndarray of float64, shape (n_items,)
        NaN for an item that nobody reached.

    Notes
    -----
    .. math:: p_j = \bar{x}_j / m_j

    References
    ----------
    Crocker & Algina (1986), Introduction to Classical and Modern Test Theory, ch. 14.

    Examples
    --------
    >>> facility([[2, 0], [1, 1], [0, np.nan]], [2, 1])
    array([0.5, 0.5])
    """
    table = _table(scores)
    return ratio(table.sums, table.n * _maxima(scores, max_scores))


def facility_interval(
    scores: ArrayLike, max_scores: ArrayLike, *, confidence: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Return the Wilson interval of each facility.

    Marks between 0 and the highest vary less than right-or-wrong marks of the same mean, so for items with partial
    credit the interval is on the safe side.

    Notes
    -----
    `wilson_interval` of the share of the marks, with the number of persons who reached the item.

    References
    ----------
    Wilson (1927), J. Am. Stat. Assoc. 22, 209-212.

    Examples
    --------
    >>> low, high = facility_interval([[1], [1], [1], [0]], [1])
    >>> low.round(4), high.round(4)
    (array([0.3006]), array([0.9544]))
    """
    table = _table(scores)
    return wilson_interval(ratio(table.sums, table.n * _maxima(scores, max_scores)), table.n, confidence=confidence)


def wilson_interval(proportion: ArrayLike, n: ArrayLike, *, confidence: float = 0.95) -> tuple[FloatArray, FloatArray]:
    r"""Return the score interval of a binomial proportion.

    Parameters
    ----------
    proportion : array_like of float
        Observed proportions in [0, 1].
    n : array_like of int
        Numbers of observations; the interval is NaN where there are none.
    confidence : float
        Level in (0, 1).

    Returns
    -------
    low, high : ndarray of float64
        Limits inside [0, 1].

    Raises
    ------
    ParameterError
        If the level is not in (0, 1).

    Notes
    -----
    .. math:: \frac{\hat p + z^2/2n \pm z\sqrt{\hat p(1-\hat p)/n + z^2/4n^2}}{1 + z^2/n}

    References
    ----------
    Wilson (1927), J. Am. Stat. Assoc. 22, 209-212. Checked against Newcombe (1998), Statist. Med. 17, table I.

    Examples
    --------
    >>> low, high = wilson_interval(81 / 263, 263)
    >>> round(float(low), 4), round(float(high), 4)
    (0.2553, 0.3662)
    """
    if not 0 < confidence < 1:
        raise ParameterError("confidence must lie between 0 and 1")
    z2 = float(ndtri((1 + confidence) / 2)) ** 2
    p, size = np.asarray(proportion, np.float64), np.asarray(n, np.float64)
    shrink = ratio(z2, size)
    half = np.sqrt(shrink * np.clip(p * (1 - p), 0, None) + shrink**2 / 4)
    low, high = (p + shrink / 2 - half) / (1 + shrink), (p + shrink / 2 + half) / (1 + shrink)
    return np.clip(low, 0, 1), np.clip(high, 0, 1)


def item_correlations(scores: ArrayLike) -> tuple[FloatArray, FloatArray]:
    r"""Return each item's correlation with the total, and with the total without the item.

    Parameters
    ----------
    scores : array_like, shape (n_persons, n_items)
        Marks; a person enters an item's correlations if the item was reached.

    Returns
    -------
    item_total, item_rest : ndarray of float64, shape (n_items,)
        In [-1, 1]; NaN where the item, the total or the rest does not vary. For items that are right or wrong they
        are point-biserial correlations.

    Notes
    -----
    .. math:: r_{j(T-j)} = \frac{s_{jT} - s_j^2}{s_j \sqrt{s_T^2 + s_j^2 - 2 s_{jT}}}

    References
    ----------
    Henrysson (1963), Psychometrika 28, 211-218. LSAT tables: Bock & Lieberman (1970), Psychometrika 35, 179-197.

    Examples
    --------
    >>> total, rest = item_correlations([[1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 0]])
    >>> total.round(4), rest.round(4)
    (array([0.7746, 0.8944, 0.7746]), array([0.5222, 0.7071, 0.5222]))
    """
    return _correlations(_table(scores))


def _correlations(table: _Table) -> tuple[FloatArray, FloatArray]:
    total = table.totals - (table.totals.mean() if table.totals.size else 0.0)
    n = table.n
    mean_x, mean_t = ratio(table.sums, n), ratio(table.among_seen(total), n)
    var_x = ratio(np.einsum("ij,ij->j", table.marks, table.marks), n) - mean_x**2
    var_t = ratio(table.among_seen(total * total), n) - mean_t**2
    cov = ratio(total @ table.marks, n) - mean_x * mean_t
    var_rest = var_t + var_x - 2 * cov
    return _correlation(cov, var_x, var_t), _correlation(cov - var_x, var_x, var_rest, scale=var_t)


def _correlation(cov: FloatArray, first: FloatArray, second: FloatArray, scale: FloatArray | None = None) -> FloatArray:
    """Return a covariance over its deviations, NaN where one of the variances is only rounding."""
    varies = (first > NO_VARIANCE) & (second > NO_VARIANCE * np.maximum(1.0, second if scale is None else scale))
    product = np.where(varies, first * second, 0.0)
    return np.clip(ratio(cov, np.sqrt(product)), -1.0, 1.0)


def point_biserial(indicator: ArrayLike, totals: ArrayLike) -> float:
    r"""Return the correlation of a yes-or-no mark with the totals.

    Parameters
    ----------
    indicator : array_like of bool, shape (n_persons,)
    totals : array_like of float, shape (n_persons,)

    Returns
    -------
    float
        NaN where either does not vary.

    Notes
    -----
    .. math:: r = \frac{\bar T_1 - \bar T}{s_T} \sqrt{\frac{p}{1-p}}

    References
    ----------
    Lord & Novick (1968), Statistical Theories of Mental Test Scores, eq. 15.3.

    Examples
    --------
    >>> round(point_biserial([1, 1, 0, 0], [4, 3, 2, 1]), 4)
    0.8944
    """
    chosen, total = np.asarray(indicator, np.float64), np.asarray(totals, np.float64)
    if chosen.shape != total.shape or chosen.ndim != 1:
        raise ParameterError("indicator and totals must be vectors of one length")
    if not chosen.size:
        return float("nan")
    cov = np.mean((chosen - chosen.mean()) * (total - total.mean()))
    return float(_correlation(np.atleast_1d(cov), np.atleast_1d(chosen.var()), np.atleast_1d(total.var()))[0])


def biserial(point_biserials: ArrayLike, proportions: ArrayLike) -> FloatArray:
    r"""Return the correlation with the normal trait that is assumed to lie behind right and wrong.

    Parameters
    ----------
    point_biserials, proportions : array_like of float
        Point-biserial correlations and proportions correct.

    Returns
    -------
    ndarray of float64
        May leave [-1, 1] where the trait is not normal; NaN at proportions 0 and 1.

    Notes
    -----
    .. math:: r_b = r_{pb} \sqrt{p(1-p)} / \varphi(\Phi^{-1}(p))

    References
    ----------
    Lord & Novick (1968), eq. 15.3.6.

    Examples
    --------
    >>> biserial([0.4, 0.4], [0.5, 1.0]).round(4)
    array([0.5013,    nan])
    """
    r, p = np.asarray(point_biserials, np.float64), np.asarray(proportions, np.float64)
    inside = (p > 0) & (p < 1)
    safe = np.where(inside, p, 0.5)
    density = np.exp(-0.5 * ndtri(safe) ** 2) / np.sqrt(2 * np.pi)
    return np.where(inside, r * np.sqrt(safe * (1 - safe)) / density, np.nan)


def discrimination_index(scores: ArrayLike, max_scores: ArrayLike, *, fraction: float = 0.27) -> FloatArray:
    r"""Return the difference of facility between the highest and the lowest totals.

    Persons who tie at the border of a group share its remaining places in equal parts, so that the figure does not
    depend on the order of rows: it is the mean over all ways to break the tie.

    Parameters
    ----------
    scores : array_like, shape (n_persons, n_items)
        Marks; NaN where not reached.
    max_scores : array_like, shape (n_items,)
        Highest mark of each item.
    fraction : float
        Share of the persons in either group, in (0, 0.5].

    Returns
    -------
    ndarray of float64, shape (n_items,)
        In [-1, 1]; NaN where a group did not reach the item or all totals are equal.

    Raises
    ------
    ParameterError
        If the fraction leaves its range.

    Notes
    -----
    .. math:: D_j = p_j^{upper} - p_j^{lower}

    References
    ----------
    Kelley (1939), J. Educ. Psychol. 30, 17-24; Johnson (1951), same journal 42, 499-504.

    Examples
    --------
    >>> discrimination_index([[1, 1], [1, 0], [1, 0], [0, 0]], [1, 1])
    array([1., 1.])
    """
    if not 0 < fraction <= 0.5:
        raise ParameterError("fraction must lie in (0, 0.5]")
    return _discrimination(_table(scores), _maxima(scores, max_scores), fraction)


def _discrimination(table: _Table, top: FloatArray, fraction: float) -> FloatArray:
    totals = table.totals
    if not totals.size or np.ptp(totals) == 0:
        return np.full(table.n.shape, np.nan)
    size = max(1, round(fraction * totals.size))
    upper, lower = tail_weights(totals, size), tail_weights(-totals, size)
    high, low = ratio(upper @ table.marks, table.among_seen(upper)), ratio(lower @ table.marks, table.among_seen(lower))
    return np.asarray((high - low) / top)


def tail_weights(values: FloatArray, size: int) -> FloatArray:
    """Return membership in [0, 1] of the group with the `size` highest values; ties share what is left.

    Notes
    -----
    Above the border value 1, below it 0, at it ``(size - n_above) / n_at``: the mean over all ways to break the ties.

    References
    ----------
    Kelley (1939), J. Educ. Psychol. 30, 17-24.

    Examples
    --------
    >>> tail_weights(np.array([5.0, 3.0, 3.0, 1.0]), 2)
    array([1. , 0.5, 0.5, 0. ])
    """
    border = np.partition(values, values.size - size)[values.size - size]
    above, ties = values > border, values == border
    return np.asarray(above + ties * (size - above.sum()) / ties.sum())


def _maxima(scores: ArrayLike, max_scores: ArrayLike) -> FloatArray:
    top = np.asarray(max_scores, np.float64)
    if top.shape != np.shape(scores)[1:] or not (top > 0).all():
        raise ParameterError("max_scores must hold one positive mark for each item")
    return top
