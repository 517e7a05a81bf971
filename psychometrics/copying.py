"""Answer copying: whether two persons share more answers than their abilities explain. A lead, never a verdict.

`source` is the person who may have been copied from, `copier` the one who may have copied. Right-or-wrong scores use
the item model; where the chosen options are known, matches of wrong options say most, and `matching_chances` may be
given any chances of a match.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtrc, expit, ndtr

from psychometrics.arrays import BoolArray, FloatArray, IntArray, ParameterError, ratio, score_matrix
from psychometrics.irt import Parameters

BLOCK = 2048


@dataclass(frozen=True, slots=True)
class PairIndices:
    """Omega and GBT of one ordered pair.

    Attributes
    ----------
    matches : int
        Items with the same score.
    expected, deviation : float
        What the copier's ability lets expect.
    omega, omega_p : float
        Standardised excess of matches and its one-sided normal chance.
    gbt_p : float
        Exact chance of so many matches when each item matches on its own.
    """

    matches: int
    expected: float
    deviation: float
    omega: float
    omega_p: float
    gbt_p: float


@dataclass(frozen=True, slots=True)
class WrongMatches:
    """K index and its refinements of one ordered pair: matching wrong answers.

    Attributes
    ----------
    wrong_source, wrong_copier, matches : int
        Wrong answers of either and how many both have wrong (with the same option, where options are given).
    k, k1, k2 : float
        One-sided chances: binomial by the copier's own score group, by a linear and by a quadratic trend over groups.
    """

    wrong_source: int
    wrong_copier: int
    matches: int
    k: float
    k1: float
    k2: float


def omega(scores: ArrayLike, theta: ArrayLike, items: Parameters, source: int, copier: int) -> PairIndices:
    r"""Return omega and GBT of one ordered pair.

    Parameters
    ----------
    scores : array_like, shape (n_persons, n_items)
        1, 0 or NaN where not reached; items that one of the two did not reach are left out.
    theta : array_like, shape (n_persons,)
        Abilities.
    items : Parameters
        Logistic metric, D = 1.
    source, copier : int
        Rows.

    Returns
    -------
    PairIndices
        NaN where nothing can vary.

    Notes
    -----
    .. math:: \omega = \frac{M - \sum_i \pi_i}{\sqrt{\sum_i \pi_i (1 - \pi_i)}}

    where `pi` is the chance that the copier gives the source's answer. GBT takes the chance that both give the same,
    ``P_s P_c + Q_s Q_c``, and the exact distribution of the sum.

    References
    ----------
    Wollack (1997), Appl. Psychol. Meas. 21, 307-320; van der Linden & Sotaridona (2006), J. Educ. Behav. Stat. 31,
    283-304.

    Examples
    --------
    >>> items = Parameters(np.ones(20), np.full(20, -1.0), np.zeros(20))
    >>> answers = np.tile([1.0, 0.0], (2, 10))
    >>> found = omega(answers, [0.0, 0.0], items, 0, 1)
    >>> found.matches, bool(found.omega > 1.9), bool(found.gbt_p < 0.01)
    (20, True, True)
    """
    marks, chance = _checked(scores, theta, items, (source, copier))
    both = ~np.isnan(marks).any(axis=0)
    first, second = marks[0, both], marks[1, both]
    p_source, p_copier = chance[0, both], chance[1, both]
    same = np.where(first == 1, p_copier, 1 - p_copier)
    matches, expected = int((first == second).sum()), float(same.sum())
    deviation = float(np.sqrt((same * (1 - same)).sum()))
    value = (matches - expected) / deviation if deviation > 0 else float("nan")
    either = p_source * p_copier + (1 - p_source) * (1 - p_copier)
    return PairIndices(matches, expected, deviation, value, float(ndtr(-value)), poisson_binomial_tail(either, matches))


def poisson_binomial_tail(chances: ArrayLike, at_least: int) -> float:
    """Return the chance of at least so many successes in independent trials of unequal chances.

    References
    ----------
    The convolution of Lord & Wingersky (1984), Appl. Psychol. Meas. 8, 453-461.

    Examples
    --------
    >>> poisson_binomial_tail([0.5, 0.5], 1)
    0.75
    """
    table = np.array([1.0])
    for chance in np.asarray(chances, np.float64):
        table = np.convolve(table, [1 - chance, chance])
    return float(min(table[max(at_least, 0) :].sum(), 1.0))


def omega_matrix(scores: ArrayLike, theta: ArrayLike, items: Parameters) -> FloatArray:
    """Return omega of all ordered pairs by four matrix products a block.

    Parameters
    ----------
    scores : array_like, shape (n_persons, n_items)
        1, 0 or NaN where not reached.
    theta : array_like, shape (n_persons,)
        Abilities.
    items : Parameters
        Logistic metric, D = 1.

    Returns
    -------
    ndarray of float64, shape (n_persons, n_persons)
        Row: source, column: copier; NaN on the diagonal and where nothing can vary.

    References
    ----------
    Wollack (1997), Appl. Psychol. Meas. 21, 307-320.

    Examples
    --------
    >>> items = Parameters(np.ones(20), np.full(20, -1.0), np.zeros(20))
    >>> omega_matrix(np.tile([1.0, 0.0], (2, 10)), [0.0, 0.0], items).round(3)
    array([[  nan, 5.043],
           [5.043,   nan]])
    """
    marks, chance = _checked(scores, theta, items, range(np.shape(scores)[0]))
    seen = ~np.isnan(marks)
    right, wrong = (seen & (marks == 1)).astype(np.float64), (seen & (marks == 0)).astype(np.float64)
    good, bad, variance = seen * chance, seen * (1 - chance), seen * chance * (1 - chance)
    found = np.empty((len(marks), len(marks)))
    for begin in range(0, len(marks), BLOCK):
        rows = slice(begin, begin + BLOCK)
        spread = seen[rows].astype(np.float64) @ variance.T
        excess = right[rows] @ (right - good).T + wrong[rows] @ (wrong - bad).T
        found[rows] = ratio(excess, np.sqrt(spread))
    np.fill_diagonal(found, np.nan)
    return found


def wrong_matches(scores: ArrayLike, source: int, copier: int, *, options: ArrayLike | None = None) -> WrongMatches:
    r"""Return the K index, K1 and K2 of one ordered pair.

    Parameters
    ----------
    scores : array_like, shape (n_persons, n_items)
        Complete zeros and ones.
    source, copier : int
        Rows.
    options : array_like of int, shape (n_persons, n_items), optional
        The option chosen; then two wrong answers match only where the options are the same.

    Returns
    -------
    WrongMatches
        1 where the source has nothing wrong.

    Notes
    -----
    Persons are grouped by their number wrong. The expected share of the source's wrong answers that a group has too is
    taken from the copier's group (K), or from a regression of the shares on the groups' share wrong, linear (K1) or
    quadratic (K2); the chance is that of a binomial with the number wrong of the source.

    References
    ----------
    Holland (1996), ETS Research Report 96-7; Sotaridona & Meijer (2002), J. Educ. Meas. 39, 115-132.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> answers = (rng.random((200, 30)) < 0.6).astype(int)
    >>> answers[1] = answers[0]
    >>> bool(wrong_matches(answers, 0, 1).k2 < 0.001)
    True
    """
    marks = score_matrix(scores)
    if not marks.size or not ((marks == 0) | (marks == 1)).all():
        raise ParameterError("scores must be complete zeros and ones")
    _check_rows((source, copier), len(marks))
    if source == copier:
        raise ParameterError("source and copier must be two persons")
    wrong = marks == 0
    same = wrong[:, wrong[source]]
    if options is not None:
        chosen = np.asarray(options)
        if chosen.shape != marks.shape:
            raise ParameterError("options need one entry for each score")
        same = same & (chosen[:, wrong[source]] == chosen[source, wrong[source]])
    n_wrong, n_same = wrong.sum(axis=1), same.sum(axis=1)
    n_source = int(n_wrong[source])
    trends = _group_shares(n_wrong, n_same, source, marks.shape[1], n_source)
    own = int(n_wrong[copier])
    k, k1, k2 = (_tail(int(n_same[copier]), n_source, trend, own) for trend in trends)
    return WrongMatches(n_source, own, int(n_same[copier]), k, k1, k2)


def _group_shares(n_wrong: IntArray, n_same: IntArray, source: int, n_items: int, n_source: int) -> list[FloatArray]:
    """Return the expected share of matches by number wrong: observed, linear and quadratic."""
    others = np.arange(len(n_wrong)) != source
    size = np.bincount(n_wrong[others], minlength=n_items + 1).astype(np.float64)
    total = np.bincount(n_wrong[others], weights=n_same[others], minlength=n_items + 1)
    observed = ratio(total, size) / max(n_source, 1)
    place = np.arange(n_items + 1) / n_items
    filled = size > 0
    fitted = [observed]
    for degree in (1, 2):
        possible = min(degree, int(filled.sum()) - 1)
        line = np.polynomial.Polynomial.fit(place[filled], observed[filled], possible)
        fitted.append(np.clip(line(place), 0.0, 0.999))
    return fitted


def _tail(matches: int, n: int, shares: FloatArray, group: int) -> float:
    """Return the binomial chance of at least so many matches."""
    if not n or matches == 0:
        return 1.0
    share = float(shares[group])
    return float("nan") if np.isnan(share) else float(bdtrc(matches - 1, n, share))


def similarity_clusters(is_flagged: BoolArray) -> list[list[int]]:
    """Return the groups of persons that flagged pairs connect, largest first; single persons are left out.

    Parameters
    ----------
    is_flagged : ndarray of bool, shape (n_persons, n_persons)
        Pairs in either direction.

    Notes
    -----
    Connected parts of the graph whose edges are flagged pairs, that is, clusters by the nearest neighbour.

    References
    ----------
    Wollack & Maynes (2017) in Cizek & Wollack, Handbook of Quantitative Methods for Detecting Cheating on Tests, ch. 6.

    Examples
    --------
    >>> flagged = np.zeros((4, 4), bool)
    >>> flagged[0, 2] = flagged[3, 2] = True
    >>> similarity_clusters(flagged)
    [[0, 2, 3]]
    """
    linked = np.asarray(is_flagged, bool)
    if linked.ndim != 2 or linked.shape[0] != linked.shape[1]:
        raise ParameterError("is_flagged must be square")
    linked = linked | linked.T
    left = set(np.flatnonzero(linked.any(axis=1)).tolist())
    groups = []
    while left:
        group, border = set(), {min(left)}
        while border:
            group |= border
            border = {int(other) for one in border for other in np.flatnonzero(linked[one])} - group
        left -= group
        groups.append(sorted(group))
    return sorted((group for group in groups if len(group) > 1), key=lambda group: (-len(group), group))


def _checked(
    scores: ArrayLike, theta: ArrayLike, items: Parameters, rows: range | tuple[int, ...]
) -> tuple[FloatArray, FloatArray]:
    """Return scores and chances of a right answer of some persons."""
    marks, place = score_matrix(scores), np.asarray(theta, np.float64)
    if place.shape != (len(marks),) or marks.shape[1] != items.a.size:
        raise ParameterError("scores need one ability for each person and one parameter for each item")
    _check_rows(rows, len(marks))
    chosen = list(rows)
    p = items.c + (1 - items.c) * expit(np.outer(place[chosen], items.a) + items.d)
    return marks[chosen], np.asarray(p)


def _check_rows(rows: range | tuple[int, ...], n_persons: int) -> None:
    if any(not 0 <= row < n_persons for row in rows):
        raise ParameterError(f"persons are numbered from 0 to {n_persons - 1}")
