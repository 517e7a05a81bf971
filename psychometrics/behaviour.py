"""Times, answer changes, gains and drift: leads for a person who looks into a case, never verdicts.

Every statistic here has a stated false-alarm rate under its model; with many persons, pairs or items give the chances to
`multiple_tests` and read what remains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, expit, ndtr

from psychometrics.arrays import BoolArray, FloatArray, IntArray, ParameterError, ratio, score_matrix
from psychometrics.irt import Parameters

MAX_ROUNDS, SETTLED = 200, 1e-10
ROBUST_SCALE = 0.74
"""Interquartile range of a normal distribution to its deviation."""


@dataclass(frozen=True, slots=True)
class TimeModel:
    """The lognormal model of response times.

    Attributes
    ----------
    speed : ndarray of float64, shape (n_persons,)
        Mean 0; large is fast.
    intensity, spread : ndarray of float64, shape (n_items,)
        Mean and deviation of the logarithm of an item's time in seconds.
    residuals : ndarray of float64, shape (n_persons, n_items)
        Standardised; large negative values are much faster than the person's own pace.
    p_value : ndarray of float64, shape (n_persons,)
        Chance of so irregular a pace, by chi-square of the squared residuals.
    """

    speed: FloatArray
    intensity: FloatArray
    spread: FloatArray
    residuals: FloatArray
    p_value: FloatArray


@dataclass(frozen=True, slots=True)
class Drift:
    """Change of an item between two occasions, shape (n_items,) each.

    Attributes
    ----------
    change : ndarray of float64
        Of the log odds of a right answer; positive is easier than before.
    robust_z : ndarray of float64
        Against the other items' change.
    is_flagged : ndarray of bool
        Whether the item became easier beyond the limit.
    error : ndarray of float64
        Standard error of the change against the middle of all, from sampling alone.
    p_value : ndarray of float64
        One-sided chance of becoming so much easier than the middle by sampling alone.
    """

    change: FloatArray
    robust_z: FloatArray
    is_flagged: BoolArray
    error: FloatArray
    p_value: FloatArray


def response_times(seconds: ArrayLike) -> TimeModel:
    r"""Return the lognormal model of response times, fitted by alternating means.

    Parameters
    ----------
    seconds : array_like, shape (n_persons, n_items)
        Positive times; NaN where an item was not seen.

    Returns
    -------
    TimeModel

    Raises
    ------
    ParameterError
        If a time is not positive, or fewer than three persons or two items are given.

    Notes
    -----
    .. math:: \ln t_{pi} = \beta_i - \tau_p + \varepsilon_{pi},\; \varepsilon_{pi} \sim N(0, \sigma_i^2)

    References
    ----------
    van der Linden (2006), J. Educ. Behav. Stat. 31, 181-204; van der Linden & Guo (2008), Psychometrika 73, 365-384.

    Examples
    --------
    >>> found = response_times([[10.0, 20.0], [20.0, 40.0], [40.0, 80.0]])
    >>> found.speed.round(3) + 0.0, np.exp(found.intensity).round(1)
    (array([ 0.693,  0.   , -0.693]), array([20., 40.]))
    """
    times = score_matrix(seconds)
    if times.shape[0] < 3 or times.shape[1] < 2:
        raise ParameterError("times of at least three persons on two items are needed")
    seen = ~np.isnan(times)
    if not (times[seen] > 0).all():
        raise ParameterError("times must be positive, or NaN where an item was not seen")
    log = np.where(seen, np.log(np.where(seen, times, 1.0)), 0.0)
    speed, intensity = np.zeros(len(times)), np.zeros(times.shape[1])
    n_rounds, move = 0, np.inf
    while n_rounds < MAX_ROUNDS and move >= SETTLED:
        before = intensity
        intensity = _mean(np.where(seen, log + speed[:, None], 0.0), seen, axis=0)
        speed = _mean(np.where(seen, intensity - log, 0.0), seen, axis=1)
        speed = np.where(seen.any(axis=1), speed - speed[seen.any(axis=1)].mean(), 0.0)
        n_rounds, move = n_rounds + 1, float(np.abs(intensity - before).max())
    rest = np.where(seen, log - intensity + speed[:, None], 0.0)
    n = seen.sum(axis=0)
    free = n * (1 - (len(times) + times.shape[1] - 1) / max(int(seen.sum()), 1))  # each item's share of what is left
    spread = np.sqrt(ratio((rest**2).sum(axis=0), free))
    usable = seen & (spread > 1e-9)
    residuals = np.where(usable, rest / np.where(usable, spread, 1.0), np.nan)
    df = np.maximum(usable.sum(axis=1) - 1, 1)
    chance = np.where(usable.sum(axis=1) > 1, chdtrc(df, np.nansum(residuals**2, axis=1)), np.nan)
    return TimeModel(speed, intensity, spread, residuals, chance)


def _mean(values: FloatArray, seen: BoolArray, *, axis: int) -> FloatArray:
    return np.nan_to_num(ratio(values.sum(axis=axis), seen.sum(axis=axis)))


def response_time_effort(seconds: ArrayLike, *, share: float = 0.1, most: float = 10.0) -> FloatArray:
    r"""Return the share of a person's answers that took long enough to have been read.

    Parameters
    ----------
    seconds : array_like, shape (n_persons, n_items)
        Times; NaN where an item was not seen.
    share : float
        An answer counts as a guess below this share of the item's mean time.
    most : float
        The threshold is never above this many seconds.

    Returns
    -------
    ndarray of float64, shape (n_persons,)
        In [0, 1]; NaN where nothing was seen. Below 0.9 is commonly looked at.

    References
    ----------
    Wise & Kong (2005), Appl. Meas. Educ. 18, 163-183; Wise & Ma (2012), NCME (normative threshold of 10 percent).

    Examples
    --------
    >>> response_time_effort([[30.0, 60.0], [31.0, 58.0], [1.0, 2.0]])
    array([1., 1., 0.])
    """
    times = score_matrix(seconds)
    seen = ~np.isnan(times)
    threshold = np.minimum(share * ratio(np.nansum(times, axis=0), seen.sum(axis=0)), most)
    real = seen & (np.nan_to_num(times) >= np.nan_to_num(threshold))
    return ratio(real.sum(axis=1), seen.sum(axis=1))


def answer_changes(wrong_to_right: ArrayLike, changes: ArrayLike) -> FloatArray:
    r"""Return the chance of so many changes from wrong to right among a person's changes.

    Parameters
    ----------
    wrong_to_right, changes : array_like of int, shape (n_persons,)
        Changes that mended an answer, and all changes.

    Returns
    -------
    ndarray of float64, shape (n_persons,)
        One-sided; 1 without a change.

    Notes
    -----
    The share of the other persons is the model, with its own uncertainty: a beta-binomial with the others' counts.

    .. math:: x_p \mid n_p \sim \mathrm{BetaBinomial}(n_p, X_{-p} + \tfrac12, N_{-p} - X_{-p} + \tfrac12)

    References
    ----------
    Qualls (2001), J. Educ. Meas. 38, 339-360; van der Linden & Jeon (2012), J. Educ. Behav. Stat. 37, 180-199.

    Examples
    --------
    >>> answer_changes([3, 2, 4, 20], [8, 6, 10, 20]).round(4)
    array([0.9845, 0.9844, 0.9864, 0.    ])
    """
    mended, total = np.asarray(wrong_to_right, np.int64), np.asarray(changes, np.int64)
    if mended.ndim != 1 or mended.shape != total.shape or (mended < 0).any() or (mended > total).any():
        raise ParameterError("wrong_to_right must lie between 0 and changes for each person")
    return np.array([_beta_binomial_tail(int(x), int(n), mended, total) for x, n in zip(mended, total, strict=True)])


def _beta_binomial_tail(x: int, n: int, mended: IntArray, total: IntArray) -> float:
    """Return the chance of at least x of n, by what all others did."""
    if x == 0:
        return 1.0
    a, b = mended.sum() - x + 0.5, (total.sum() - n) - (mended.sum() - x) + 0.5
    chance = np.empty(n + 1)
    chance[0] = np.exp(np.log((b + np.arange(n)) / (a + b + np.arange(n))).sum())
    for k in range(n):
        chance[k + 1] = chance[k] * (n - k) / (k + 1) * (a + k) / (b + n - k - 1)
    return float(min(chance[x:].sum(), 1.0))


def score_gains(before: ArrayLike, after: ArrayLike) -> FloatArray:
    r"""Return each person's second score against what the first lets expect, as a standardised residual.

    Parameters
    ----------
    before, after : array_like, shape (n_persons,)
        Scores of the same persons on two occasions.

    Returns
    -------
    ndarray of float64, shape (n_persons,)
        Left-out-one (externally studentised) residuals; NaN where nothing varies.

    Notes
    -----
    .. math:: t_p = \frac{e_p}{s_{(p)} \sqrt{1 - h_p}}

    References
    ----------
    Cook & Weisberg (1982), Residuals and Influence in Regression, sec. 2.2.

    Examples
    --------
    >>> bool(score_gains([40, 50, 60, 70, 45], [42, 53, 61, 72, 95])[4] > 5)
    True
    """
    x, y = np.asarray(before, np.float64), np.asarray(after, np.float64)
    if x.ndim != 1 or x.shape != y.shape or x.size < 4:
        raise ParameterError("before and after need the scores of at least four persons")
    own = x - x.mean()
    total = float(own @ own)
    if total <= 0:
        return np.full(x.size, np.nan)
    rest = (y - y.mean()) - own * float(own @ y) / total
    lever = 1 / x.size + own**2 / total
    squares = float(rest @ rest)
    without = ratio(np.maximum(squares - ratio(rest**2, 1 - lever), 0.0), np.full(x.size, x.size - 3.0))
    return ratio(rest, np.sqrt(without * (1 - lever)))


def facility_drift(
    right_before: ArrayLike, n_before: ArrayLike, right_after: ArrayLike, n_after: ArrayLike, *, limit: float = 1.645
) -> Drift:
    r"""Return how items changed between two groups, against the change that all items share.

    A group that is better on all items moves the middle, not the z; an item known beforehand stands out.

    Parameters
    ----------
    right_before, n_before, right_after, n_after : array_like, shape (n_items,)
        Right answers and answers on both occasions.
    limit : float
        Robust z beyond which an easier item is flagged; 1.645 is a one-sided 5 percent of normal changes.

    Returns
    -------
    Drift
        NaN where an item was not answered on both occasions, or no item differs from another.

    Notes
    -----
    .. math:: z_i = \frac{d_i - \operatorname{median}(d)}{0.74\, IQR(d)},\;
        SE_i^2 = \sum \frac{1}{x + \tfrac12} + \frac{1}{n - x + \tfrac12} + \frac{\pi}{2k} \overline{SE^2}

    The last part is the error of the median of k items.

    References
    ----------
    Huynh & Meyer (2010), Appl. Psychol. Meas. 34, 590-608 (robust z); Agresti (2013), Categorical Data Analysis, 3rd ed.,
    sec. 3.1 (error of log odds).

    Examples
    --------
    >>> found = facility_drift([50, 60, 70, 40, 45], [100] * 5, [52, 61, 74, 43, 90], [100] * 5)
    >>> found.is_flagged.tolist()
    [False, False, False, False, True]
    """
    first, second = _log_odds(right_before, n_before), _log_odds(right_after, n_after)
    if first.shape != second.shape:
        raise ParameterError("both occasions need the same items")
    change = second - first
    known = change[~np.isnan(change)]
    if not known.size:
        return Drift(change, change, np.zeros(change.shape, bool), change, change)
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
    z = ratio(change - middle, np.full(change.shape, ROBUST_SCALE * (high - low)))
    variance = _log_odds_variance(right_before, n_before) + _log_odds_variance(right_after, n_after)
    error = np.sqrt(variance + np.pi / 2 * np.nanmean(variance) / known.size)
    return Drift(change, z, np.nan_to_num(z) > limit, error, np.asarray(ndtr(-(change - middle) / error)))


def _log_odds(right: ArrayLike, n: ArrayLike) -> FloatArray:
    """Return log odds with half an answer added to either side; NaN without answers."""
    x, size = np.asarray(right, np.float64), np.asarray(n, np.float64)
    if x.ndim != 1 or x.shape != size.shape or (x < 0).any() or (x > size).any():
        raise ParameterError("right must lie between 0 and n for each item")
    return np.where(size > 0, np.log((x + 0.5) / (size - x + 0.5)), np.nan)


def _log_odds_variance(right: ArrayLike, n: ArrayLike) -> FloatArray:
    x, size = np.asarray(right, np.float64), np.asarray(n, np.float64)
    return np.where(size > 0, 1 / (x + 0.5) + 1 / (size - x + 0.5), np.nan)


def easier_than_expected(scores: ArrayLike, theta: ArrayLike, items: Parameters) -> tuple[FloatArray, FloatArray]:
    r"""Return how much easier each item was than persons of these abilities should find it.

    Parameters
    ----------
    scores : array_like, shape (n_persons, n_items)
        1, 0 or NaN of the persons of one window, say the last day.
    theta : array_like, shape (n_persons,)
        Abilities, best from the other items.
    items : Parameters
        From before the window; logistic metric, D = 1.

    Returns
    -------
    z, p_value : ndarray of float64, shape (n_items,)
        One-sided; NaN where nobody answered.

    Notes
    -----
    .. math:: z_i = \frac{\sum_p (x_{pi} - P_i(\theta_p))}{\sqrt{\sum_p P_i Q_i}}

    References
    ----------
    Veerkamp & Glas (2000), J. Educ. Behav. Stat. 25, 373-389.

    Examples
    --------
    >>> items = Parameters(np.ones(1), np.zeros(1), np.zeros(1))
    >>> z, chance = easier_than_expected(np.ones((9, 1)), np.zeros(9), items)
    >>> z.tolist(), chance.round(5).tolist()
    ([3.0], [0.00135])
    """
    marks, place = score_matrix(scores), np.asarray(theta, np.float64)
    if place.shape != (len(marks),) or marks.shape[1] != items.a.size:
        raise ParameterError("scores need one ability for each person and one parameter for each item")
    seen = ~np.isnan(marks)
    p = items.c + (1 - items.c) * expit(np.outer(place, items.a) + items.d)
    excess = np.where(seen, np.nan_to_num(marks) - p, 0.0).sum(axis=0)
    z = ratio(excess, np.sqrt((seen * p * (1 - p)).sum(axis=0)))
    return z, np.asarray(ndtr(-z))


def multiple_tests(p_values: ArrayLike, *, rate: float = 0.05, method: str = "bh") -> BoolArray:
    """Say which of many tests stand out when their number is taken into account.

    Parameters
    ----------
    p_values : array_like, shape (n_tests,)
        NaN counts as not tested.
    rate : float
        Share of false leads among the leads (``bh``), or chance of any false lead (``holm``).
    method : str
        ``bh`` or ``holm``.

    Returns
    -------
    ndarray of bool, shape (n_tests,)

    Raises
    ------
    ParameterError
        For another method or rate.

    References
    ----------
    Benjamini & Hochberg (1995), J. R. Stat. Soc. B 57, 289-300; Holm (1979), Scand. J. Stat. 6, 65-70.

    Examples
    --------
    >>> multiple_tests([0.01, 0.04, 0.03, 0.5]).tolist()
    [True, False, False, False]
    >>> multiple_tests([0.01, 0.02, 0.03, 0.04]).tolist()
    [True, True, True, True]
    """
    if method not in {"bh", "holm"} or not 0 < rate < 1:
        raise ParameterError("method must be bh or holm, rate between 0 and 1")
    chances = np.asarray(p_values, np.float64).ravel()
    tested = np.flatnonzero(~np.isnan(chances))
    order = tested[np.argsort(chances[tested], kind="stable")]
    rank = np.arange(1, order.size + 1)
    found = np.zeros(chances.size, bool)
    if method == "bh":
        passed = np.flatnonzero(chances[order] <= rate * rank / max(order.size, 1))
        found[order[: passed[-1] + 1 if passed.size else 0]] = True
    else:
        failed = np.flatnonzero(chances[order] > rate / (order.size + 1 - rank))
        found[order[: failed[0] if failed.size else order.size]] = True
    return found
