"""The bookmark method, and how the judges of a panel differ from each other and from the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from psychometrics.arrays import NO_VARIANCE, FloatArray, IntArray, ParameterError, ratio
from psychometrics.irt import Parameters

PROX_SCALE = 2.89
"""1.7 squared: what turns a logistic scale into a normal one."""


@dataclass(frozen=True, slots=True)
class BookmarkCut:
    """The cut of a bookmark panel.

    Attributes
    ----------
    theta : float
        Median of the judges' cuts on the ability scale.
    score : float
        Expected marks there.
    by_judge : ndarray of float64, shape (n_judges,)
        Each judge's ability cut.
    score_by_judge : ndarray of float64, shape (n_judges,)
        Expected marks at each judge's ability cut.
    se : float
        Standard error of the median of these marks; NaN with one judge.
    """

    theta: float
    score: float
    by_judge: FloatArray
    score_by_judge: FloatArray
    se: float


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


def rasch_from_facilities(facilities: ArrayLike, *, spread: float = 1.0) -> Parameters:
    r"""Return Rasch difficulties that give normal persons these shares of right answers, for a booklet without calibration.

    Parameters
    ----------
    facilities : array_like, shape (n_items,)
        Shares in (0, 1), observed or judged.
    spread : float
        Standard deviation of the persons' ability; its mean is zero.

    Returns
    -------
    irt.Parameters
        Slopes of one, no guessing.

    Raises
    ------
    ParameterError
        If a share is not inside (0, 1).

    Notes
    -----
    The normal approximation (PROX) read backwards: a logistic curve averaged over normal abilities is a flatter logistic
    curve.

    .. math:: b_i = \sqrt{1 + \sigma^2 / 2.89}\; \ln \frac{1 - p_i}{p_i}

    References
    ----------
    Cohen (1979), Brit. J. Math. Stat. Psychol. 32, 113-120; Wright & Stone (1979), Best Test Design, ch. 2.

    Examples
    --------
    >>> rasch_from_facilities([0.5, 0.8]).b.round(3)
    array([-0.   , -1.608])
    """
    share = np.asarray(facilities, np.float64)
    if share.ndim != 1 or not share.size or not ((share > 0) & (share < 1)).all():
        raise ParameterError("facilities must be a vector of shares between 0 and 1")
    location = -logit(share) * np.sqrt(1 + spread**2 / PROX_SCALE)
    return Parameters(np.ones(share.size), -location, np.zeros(share.size))


def bookmark(
    places: ArrayLike,
    items: Parameters,
    *,
    response_probability: float = 2 / 3,
    max_scores: ArrayLike | None = None,
) -> BookmarkCut:
    r"""Return the cut from where each judge put the bookmark in the booklet of items ordered by location.

    Parameters
    ----------
    places : array_like of int, shape (n_judges,)
        Number of items before the bookmark, 0 to n_items: those a just qualified person masters.
    items : Parameters
        Logistic metric, D = 1, positive slopes.
    response_probability : float
        The chance that counts as mastery.
    max_scores : array_like, shape (n_items,), optional
        Marks of each item, one by default.

    Returns
    -------
    BookmarkCut

    Notes
    -----
    A judge's cut is the location of the last item before the bookmark; with none before it, the first item's. The error
    is that of a median of normal values.

    .. math:: SE \approx \sqrt{\pi / 2}\; s_J / \sqrt{J}

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
    before: IntArray = np.asarray(places, np.int64)
    if before.ndim != 1 or not before.size or not ((before >= 0) & (before <= items.a.size)).all():
        raise ParameterError("places must hold one number from 0 to the number of items for each judge")
    ladder = np.sort(item_locations(items, response_probability=response_probability))
    by_judge = ladder[np.maximum(before - 1, 0)]
    theta = float(np.median(by_judge))
    marks = np.ones(items.a.size) if max_scores is None else np.asarray(max_scores, np.float64)
    if marks.shape != items.a.shape:
        raise ParameterError("max_scores must hold one mark for each item")
    by_score = _expected_marks(by_judge, items, marks)
    n = by_score.size
    se = float(np.sqrt(np.pi / 2) * by_score.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    return BookmarkCut(theta, float(_expected_marks(np.array([theta]), items, marks)[0]), by_judge, by_score, se)


def _expected_marks(theta: FloatArray, items: Parameters, marks: FloatArray) -> FloatArray:
    chance = items.c + (1 - items.c) * expit(np.outer(theta, items.a) + items.d)
    return np.asarray(chance @ marks)


@dataclass(frozen=True, slots=True)
class PanelAgreement:
    """Intraclass correlations of a panel; NaN where nothing varies or fewer than two judges or items are given.

    Attributes
    ----------
    absolute, absolute_mean : float
        Of one judge and of the panel's mean, differences in level counted: ICC(2, 1) and ICC(2, k).
    consistent, consistent_mean : float
        The same with each judge's own level set aside: ICC(3, 1) and ICC(3, k).
    """

    absolute: float
    absolute_mean: float
    consistent: float
    consistent_mean: float


def panel_agreement(ratings: ArrayLike) -> PanelAgreement:
    r"""Return how far the judges of a panel order and value items alike.

    Parameters
    ----------
    ratings : array_like, shape (n_judges, n_items)
        On any scale, none missing.

    Returns
    -------
    PanelAgreement

    Raises
    ------
    ParameterError
        If it is not a matrix of finite values.

    Notes
    -----
    With mean squares of items B, judges J and residual E, k judges and n items:

    .. math::

       ICC(2,1) = \frac{B - E}{B + (k-1)E + k(J-E)/n},\quad ICC(2,k) = \frac{B - E}{B + (J-E)/n}

       ICC(3,1) = \frac{B - E}{B + (k-1)E},\quad ICC(3,k) = \frac{B - E}{B}

    References
    ----------
    Shrout & Fleiss (1979), Psychol. Bull. 86, 420-428.

    Examples
    --------
    >>> found = panel_agreement([[0.4, 0.6, 0.8], [0.5, 0.7, 0.9]])
    >>> round(found.absolute, 3), round(found.consistent, 3)
    (0.889, 1.0)
    """
    table = np.asarray(ratings, np.float64)
    if table.ndim != 2 or not table.size or not np.isfinite(table).all():
        raise ParameterError("ratings must be a matrix of judges by items without gaps")
    k, n = table.shape
    if k < 2 or n < 2:
        return PanelAgreement(*[float("nan")] * 4)
    items = k * float(table.mean(axis=0).var(ddof=1))
    judges = n * float(table.mean(axis=1).var(ddof=1))
    rest = float(((table - table.mean()) ** 2).sum()) - (n - 1) * items - (k - 1) * judges
    error = max(rest, 0.0) / ((n - 1) * (k - 1))
    top, shift = items - error, (judges - error) / n
    below = np.array([items + (k - 1) * error + k * shift, items + shift, items + (k - 1) * error, items])
    return PanelAgreement(*ratio(np.full(4, top), np.where(below > NO_VARIANCE, below, 0.0)).tolist())


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
