"""Figures of items and totals where every person was given a form of their own: data that are missing by design.

Scores are matrices of persons by all items that stood in any form. `presented` says which items a person was given: what was
not given is no omission and not unreached either, and counts for nobody. Persons with different items are made comparable by
shares: what a person earned of what the person's own form could give. That is fair where the forms were drawn alike by chance,
so that none is harder but by chance. An item that was given and not reached is NaN, too, and adds nothing to what was earned.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import fdtri

from psychometrics.arrays import NO_VARIANCE, BoolArray, FloatArray, IntArray, ParameterError, ratio, score_matrix
from psychometrics.ctt import ItemStatistics, tail_weights, wilson_interval

TAIL = 0.27


@dataclass(frozen=True, slots=True)
class OwnFormReliability:
    """How far totals on forms of their own tell persons apart; NaN where the data cannot say.

    Attributes
    ----------
    value : float
        Reliability: a lower bound, at most 1, possibly negative.
    low, high : float
        Its interval.
    sem : float
        Standard error of a total, in marks.
    """

    value: float
    low: float
    high: float
    sem: float


@dataclass(frozen=True, slots=True)
class _Given:
    """One item among those who were given it: marks, what else they earned as a share, and their whole share."""

    marks: FloatArray
    is_seen: BoolArray
    rest: FloatArray
    total: FloatArray


def own_form_shares(scores: ArrayLike, max_scores: ArrayLike, presented: ArrayLike) -> FloatArray:
    r"""Return what every person earned as a share of the full marks of the own form.

    Parameters
    ----------
    scores : array_like, shape (n_persons, n_items)
        Marks; NaN where not given or not reached.
    max_scores : array_like, shape (n_items,)
        Highest mark of each item, > 0.
    presented : array_like of bool, shape (n_persons, n_items)
        What stood in each person's form.

    Returns
    -------
    ndarray of float64, shape (n_persons,)
        NaN for a person who was given nothing.

    Raises
    ------
    ParameterError
        If shapes differ, a highest mark is not positive, or a mark stands where nothing was given.

    Notes
    -----
    .. math:: t_p = \sum_{i \in F_p} x_{pi} \Big/ \sum_{i \in F_p} m_i

    References
    ----------
    Lord & Novick (1968), Statistical Theories of Mental Test Scores, sec. 11.1 (item sampling).

    Examples
    --------
    >>> own_form_shares([[1, np.nan, 0], [np.nan, 2, 1]], [1, 2, 1], [[1, 0, 1], [0, 1, 1]])
    array([0.5, 1. ])
    """
    matrix, top, given = _checked(scores, max_scores, presented)
    return ratio(np.nan_to_num(matrix).sum(axis=1), given @ top)


def own_form_statistics(
    scores: ArrayLike, max_scores: ArrayLike, presented: ArrayLike, *, confidence: float = 0.95
) -> ItemStatistics:
    r"""Return the classical figures of every item, each from the persons who were given it.

    Parameters
    ----------
    scores, max_scores, presented
        As for `own_form_shares`.
    confidence : float
        Level of the facility intervals.

    Returns
    -------
    ItemStatistics
        With every item given to everybody, what `ctt.item_statistics` gives.

    Raises
    ------
    ParameterError
        As for `own_form_shares`.

    Notes
    -----
    The rest of a person is what was earned on the other items of the own form, as a share of their full marks:

    .. math:: r_{pj} = \frac{\sum_{i \in F_p} x_{pi} - x_{pj}}{\sum_{i \in F_p} m_i - m_j},\quad
       r_{j(T-j)} = \operatorname{corr}_{p: j \in F_p}(x_{pj}, r_{pj})

    A sum would mix how able a person is with how many marks the form has; for forms of equal full marks the share is the
    mean of the rest and gives the same correlation as the sum. Groups of 27 % are those with the highest and lowest shares
    among the persons who were given the item.

    References
    ----------
    Henrysson (1963), Psychometrika 28, 211-218; Kelley (1939), J. Educ. Psychol. 30, 17-24; for samples of items Lord &
    Novick (1968), ch. 11.

    Examples
    --------
    >>> found = own_form_statistics([[1, np.nan, 1], [0, 1, np.nan], [1, 0, 1]], [1, 1, 1], [[1, 0, 1], [1, 1, 0], [1, 1, 1]])
    >>> found.n, found.facility.round(3)
    (array([3, 2, 2]), array([0.667, 0.5  , 1.   ]))
    """
    matrix, top, given = _checked(scores, max_scores, presented)
    n = (~np.isnan(matrix)).sum(axis=0)
    share = ratio(np.nan_to_num(matrix).sum(axis=0), n * top)
    low, high = wilson_interval(share, n, confidence=confidence)
    found = [_of_item(one, float(most)) for one, most in zip(_columns(matrix, top, given), top, strict=True)]
    total, rest, gap = np.array(found, np.float64).reshape(-1, 3).T
    return ItemStatistics(n.astype(np.int64), share, low, high, total, rest, gap)


def own_form_efficiency(scores: ArrayLike, max_scores: ArrayLike, presented: ArrayLike) -> FloatArray:
    r"""Return the discriminative efficiency of every item in percent, against the rest as a share of the own form.

    Parameters
    ----------
    scores, max_scores, presented
        As for `own_form_shares`.

    Returns
    -------
    ndarray of float64, shape (n_items,)
        NaN where the item or the rest does not vary.

    Notes
    -----
    .. math:: e_j = 100 \operatorname{cov}(x_j, r_j) / \operatorname{cov}_{\max}(x_j, r_j)

    with the rest of `own_form_statistics`; the largest covariance is that of both, each sorted.

    References
    ----------
    Moodle documentation, "Quiz statistics calculations" (discriminative efficiency).

    Examples
    --------
    >>> everybody = np.ones((3, 2), dtype=bool)
    >>> own_form_efficiency([[1, 1], [0, 0], [1, 0]], [1, 1], everybody)
    array([100., 100.])
    """
    matrix, top, given = _checked(scores, max_scores, presented)
    found = []
    for one in _columns(matrix, top, given):
        own, other = _centred(np.nan_to_num(one.marks)), _centred(one.rest)
        best = float((np.sort(own) * np.sort(other)).sum()) if own.size else 0.0
        found.append(100 * float((own * other).sum()) / best if best > NO_VARIANCE else np.nan)
    return np.array(found, dtype=np.float64)


def own_form_reliability(
    scores: ArrayLike, max_scores: ArrayLike, presented: ArrayLike, alike: ArrayLike, *, confidence: float = 0.95
) -> OwnFormReliability:
    r"""Return how far totals tell persons apart when everybody's items are a sample of their own.

    Alpha and its kin need persons by common items. Here the items of a person in a stratum (items alike: one type, one full
    mark) are a sample, and how much a person's own marks vary inside a stratum is the error of the total.

    Parameters
    ----------
    scores, max_scores, presented
        As for `own_form_shares`.
    alike : array_like of int, shape (n_items,)
        Stratum of each item.
    confidence : float
        Level of the interval in (0, 1).

    Returns
    -------
    OwnFormReliability
        A lower bound, since forms balanced beyond the strata differ less than samples. Totals are brought to the mean of the
        forms' full marks. NaN with fewer than two persons, totals that do not vary, or no stratum with two items of a person.

    Raises
    ------
    ParameterError
        As for `own_form_shares`, or if the level is not in (0, 1).

    Notes
    -----
    With ``k`` items of stratum h in a person's form, whose marks have the variance ``s^2`` (divisor k - 1):

    .. math:: \hat\sigma^2_E(p) = \sum_h k_{ph} s^2_{ph},\quad \rho = 1 - \overline{\sigma^2_E} / s^2_T

    For right-or-wrong items of one stratum this is Lord's binomial error, and the reliability is KR-21; with strata it is
    Feldt's compound binomial and the index of dependability of the design "items within persons". A stratum with one item
    in a form shows no variance of its own: there the variance over all persons is taken, which is too large. The interval
    is Feldt's with ``n - 1`` and ``sum (k - 1)`` degrees of freedom.

    References
    ----------
    Lord (1955), Educ. Psychol. Meas. 15, 325-336; Feldt (1984), Educ. Psychol. Meas. 44, 883-891; Rajaratnam, Cronbach &
    Gleser (1965), Psychometrika 30, 39-56; Brennan (2001), Generalizability Theory, sec. 2.2; Feldt (1965), Psychometrika
    30, 357-370.

    Examples
    --------
    >>> everybody = np.ones((4, 3), dtype=bool)
    >>> found = own_form_reliability([[1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 0]], [1, 1, 1], everybody, [0, 0, 0])
    >>> round(found.value, 4), round(found.sem, 4)
    (0.7, 0.7071)
    """
    if not 0 < confidence < 1:
        raise ParameterError("confidence must lie between 0 and 1")
    matrix, top, given = _checked(scores, max_scores, presented)
    stratum = np.asarray(alike)
    if stratum.shape != top.shape:
        raise ParameterError("every item needs its stratum")
    possible = given @ top
    full = float(possible.mean()) if possible.size else float("nan")
    totals = full * ratio(np.nan_to_num(matrix).sum(axis=1), possible)
    error, free = _error_variances(np.nan_to_num(matrix), given, stratum)
    error *= ratio(np.full(possible.shape, full), possible) ** 2
    n, spread = len(totals), float(totals.var(ddof=1)) if len(totals) > 1 else 0.0
    if free == 0 or not spread > NO_VARIANCE * max(1.0, full**2):
        return OwnFormReliability(float("nan"), float("nan"), float("nan"), float("nan"))
    mean = float(error.mean())
    value = 1 - mean / spread
    upper, lower = (float(fdtri(n - 1, free, (1 + sign * confidence) / 2)) for sign in (1, -1))
    return OwnFormReliability(value, 1 - (1 - value) * upper, 1 - (1 - value) * lower, float(np.sqrt(mean)))


def mean_common_items(presented: ArrayLike) -> float:
    r"""Return how many items two persons have in common on the mean.

    Parameters
    ----------
    presented : array_like of bool, shape (n_persons, n_items)

    Returns
    -------
    float
        NaN with fewer than two persons.

    Notes
    -----
    .. math:: \sum_j n_j (n_j - 1) \big/ \big(N (N - 1)\big)

    References
    ----------
    Chen, Ankenmann & Spray (2003), J. Educ. Meas. 40, 129-145 (item exposure and overlap of tests).

    Examples
    --------
    >>> mean_common_items([[1, 1, 0], [0, 1, 1]])
    1.0
    """
    given = np.asarray(presented, dtype=bool)
    n = given.shape[0]
    uses = given.sum(axis=0).astype(np.float64)
    return float((uses * (uses - 1)).sum() / (n * (n - 1))) if n > 1 else float("nan")


def _checked(
    scores: ArrayLike, max_scores: ArrayLike, presented: ArrayLike
) -> tuple[FloatArray, FloatArray, BoolArray]:
    matrix, top = score_matrix(scores), np.asarray(max_scores, np.float64)
    given = np.asarray(presented).astype(bool)
    if given.shape != matrix.shape or top.shape != matrix.shape[1:] or not (top > 0).all():
        raise ParameterError("every cell must say whether it was given, and every item needs a positive highest mark")
    if not np.isnan(matrix[~given]).all():
        raise ParameterError("a mark stands where nothing was given")
    return matrix, top, given


def _columns(matrix: FloatArray, top: FloatArray, given: BoolArray) -> list[_Given]:
    """Return every item among those who were given it; a form of one item has no rest."""
    earned, possible = np.nan_to_num(matrix).sum(axis=1), given @ top
    found = []
    for place in range(len(top)):
        rows: IntArray = np.flatnonzero(given[:, place])
        marks = matrix[rows, place]
        rest = ratio(earned[rows] - np.nan_to_num(marks), possible[rows] - top[place])
        found.append(_Given(marks, ~np.isnan(marks), np.nan_to_num(rest), ratio(earned[rows], possible[rows])))
    return found


def _of_item(one: _Given, most: float) -> tuple[float, float, float]:
    """Return correlation with the total, with the rest, and the difference of the tail groups."""
    marks, seen = one.marks[one.is_seen], one.is_seen
    return _correlation(marks, one.total[seen]), _correlation(marks, one.rest[seen]), _gap(one, most)


def _correlation(first: FloatArray, second: FloatArray) -> float:
    if not first.size:
        return float("nan")
    one, other = _centred(first), _centred(second)
    spread = float((one**2).mean()), float((other**2).mean())
    if min(spread) <= NO_VARIANCE:
        return float("nan")
    return float(np.clip((one * other).mean() / np.sqrt(spread[0] * spread[1]), -1, 1))


def _gap(one: _Given, most: float) -> float:
    """Return the difference of facility between the persons with the highest and the lowest shares."""
    if not one.total.size or np.ptp(one.total) == 0:
        return float("nan")
    size = max(1, round(TAIL * one.total.size))
    marks, seen = np.nan_to_num(one.marks), one.is_seen.astype(np.float64)
    high, low = (
        ratio(weight @ marks, weight @ seen) for weight in (tail_weights(sign * one.total, size) for sign in (1, -1))
    )
    return float((high - low) / most)


def _centred(values: FloatArray) -> FloatArray:
    return values - values.mean() if values.size else values


def _error_variances(marks: FloatArray, given: BoolArray, stratum: IntArray) -> tuple[FloatArray, int]:
    """Return the error variance of every person's total, and the degrees of freedom that it rests on."""
    found, free = np.zeros(len(marks)), 0
    for label in np.unique(stratum):
        columns = stratum == label
        own, mine = marks[:, columns], given[:, columns]
        k = mine.sum(axis=1)
        squares = (own**2).sum(axis=1) - ratio(own.sum(axis=1) ** 2, k)
        alone = own[mine]
        of_one = float(alone.var(ddof=1)) if alone.size > 1 else 0.0
        variance = np.where(k > 1, np.nan_to_num(ratio(np.nan_to_num(squares), k - 1)), of_one)
        found += k * variance
        free += int(np.maximum(k - 1, 0).sum())
    return found, free
