"""The bookmark method, and how the judges of a panel differ from each other and from the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from psychometrics.arrays import FloatArray, IntArray, ParameterError, ratio
from psychometrics.irt import Parameters


@dataclass(frozen=True, slots=True)
class BookmarkCut:
    """The cut of a bookmark panel.

    Attributes
    ----------
    theta : float
        Median of the judges' cuts on the ability scale.
    score : float
        Expected number of right answers there.
    by_judge : ndarray of float64, shape (n_judges,)
        Each judge's ability cut.
    """

    theta: float
    score: float
    by_judge: FloatArray


@dataclass(frozen=True, slots=True)
class RaterStatistics:
    """What each judge's ratings look like, shape (n_judges,) each.

    Attributes
    ----------
    severity : ndarray of float64
        Mean rating less the panel's; positive asks for more.
    distance : ndarray of float64
        Mean absolute distance from the panel's mean rating of an item.
    agreement : ndarray of float64
        Correlation with the mean ratings of the other judges; NaN where ratings do not vary.
    realism : ndarray of float64
        Correlation with the items' facilities; NaN where none are given or ratings do not vary.
    """

    severity: FloatArray
    distance: FloatArray
    agreement: FloatArray
    realism: FloatArray


def item_locations(items: Parameters, *, response_probability: float = 2 / 3) -> FloatArray:
    r"""Return where a person answers each item right with a given chance, guessing set aside.

    Parameters
    ----------
    items : Parameters
        Logistic metric, D = 1, positive slopes.
    response_probability : float
        In (0, 1); two thirds by custom.

    Returns
    -------
    ndarray of float64, shape (n_items,)

    Raises
    ------
    ParameterError
        If the chance leaves (0, 1) or a slope is not positive.

    Notes
    -----
    .. math:: \theta_i = b_i + \frac{1}{a_i} \ln \frac{RP}{1 - RP}

    References
    ----------
    Mitzel, Lewis, Patz & Green (2001) in Cizek, Setting Performance Standards, 249-281; Huynh (1998), J. Educ. Behav.
    Stat. 23, 35-56.

    Examples
    --------
    >>> items = Parameters(np.ones(2), np.array([1.0, -1.0]), np.zeros(2))
    >>> item_locations(items).round(3)
    array([-0.307,  1.693])
    """
    if not 0 < response_probability < 1:
        raise ParameterError("response_probability must lie between 0 and 1")
    if not (items.a > 0).all():
        raise ParameterError("every item needs a positive slope")
    return np.asarray(items.b + logit(response_probability) / items.a)


def bookmark(places: ArrayLike, items: Parameters, *, response_probability: float = 2 / 3) -> BookmarkCut:
    r"""Return the cut from where each judge put the bookmark in the booklet of items ordered by location.

    Parameters
    ----------
    places : array_like of int, shape (n_judges,)
        Number of items before the bookmark, 0 to n_items: those a just qualified person masters.
    items : Parameters
        Logistic metric, D = 1, positive slopes.
    response_probability : float
        The chance that counts as mastery.

    Returns
    -------
    BookmarkCut

    Notes
    -----
    A judge's cut is the location of the last item before the bookmark; with none before it, the first item's.

    References
    ----------
    Cizek & Bunch (2007), Standard Setting, ch. 10.

    Examples
    --------
    >>> items = Parameters(np.ones(3), np.array([1.0, 0.0, -1.0]), np.zeros(3))
    >>> found = bookmark([2, 2, 3], items, response_probability=0.5)
    >>> found.theta, round(found.score, 3), found.by_judge.tolist()
    (0.0, 1.5, [0.0, 0.0, 1.0])
    """
    marks: IntArray = np.asarray(places, np.int64)
    if marks.ndim != 1 or not marks.size or not ((marks >= 0) & (marks <= items.a.size)).all():
        raise ParameterError("places must hold one number from 0 to the number of items for each judge")
    ladder = np.sort(item_locations(items, response_probability=response_probability))
    by_judge = ladder[np.maximum(marks - 1, 0)]
    theta = float(np.median(by_judge))
    score = items.c + (1 - items.c) * expit(items.a * theta + items.d)
    return BookmarkCut(theta, float(score.sum()), by_judge)


def rater_statistics(ratings: ArrayLike, facilities: ArrayLike | None = None) -> RaterStatistics:
    """Return how judges of an Angoff panel differ from the panel and from what candidates did.

    Shown between rounds, so that a judge can see where he or she stands alone. It corrects nobody.

    Parameters
    ----------
    ratings : array_like, shape (n_judges, n_items)
        Chances in [0, 1].
    facilities : array_like, shape (n_items,), optional
        Share of right answers of real candidates.

    Returns
    -------
    RaterStatistics

    References
    ----------
    Cizek & Bunch (2007), ch. 6; van der Linden (1982), J. Educ. Meas. 19, 295-308 (intrajudge consistency).

    Examples
    --------
    >>> found = rater_statistics([[0.4, 0.6, 0.8], [0.5, 0.7, 0.9]], [0.3, 0.5, 0.9])
    >>> found.severity.round(3), found.agreement.round(3), found.realism.round(3)
    (array([-0.05,  0.05]), array([1., 1.]), array([0.982, 0.982]))
    """
    table = np.asarray(ratings, np.float64)
    if table.ndim != 2 or not table.size or not ((table >= 0) & (table <= 1)).all():
        raise ParameterError("ratings must be a matrix of judges by items with values in [0, 1]")
    n_judges, n_items = table.shape
    panel = table.mean(axis=0)
    others = (table.sum(axis=0) - table) / max(n_judges - 1, 1)
    agreement = _row_correlations(table, others) if n_judges > 1 else np.full(n_judges, np.nan)
    realism = np.full(n_judges, np.nan)
    if facilities is not None:
        seen = np.asarray(facilities, np.float64)
        if seen.shape != (n_items,):
            raise ParameterError("facilities must hold one share for each item")
        realism = _row_correlations(table, np.broadcast_to(seen, table.shape))
    return RaterStatistics(table.mean(axis=1) - panel.mean(), np.abs(table - panel).mean(axis=1), agreement, realism)


def _row_correlations(first: FloatArray, second: FloatArray) -> FloatArray:
    left = first - first.mean(axis=1, keepdims=True)
    right = second - second.mean(axis=1, keepdims=True)
    spread = np.sqrt((left**2).sum(axis=1) * (right**2).sum(axis=1))
    return ratio(np.where(spread > 1e-12, (left * right).sum(axis=1), 0.0), np.where(spread > 1e-12, spread, 0.0))
