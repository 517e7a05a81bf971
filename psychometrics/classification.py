"""Decision consistency and accuracy: how often the same pass or fail would come out again, and be right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtrc, betainc, gammaln

from psychometrics.arrays import BoolArray, FloatArray, ParameterError

N_POINTS = 2000


@dataclass(frozen=True, slots=True)
class Classification:
    """Agreement of pass and fail.

    Attributes
    ----------
    consistency : float
        Chance that two parallel forms give a person the same decision.
    kappa : float
        Consistency beyond chance.
    accuracy : float
        Chance that the decision is that of the true score.
    false_positive, false_negative : float
        Passed though the true score fails, failed though it passes.
    effective_length : int
        Number of right-or-wrong items that would give the same reliability.
    """

    consistency: float
    kappa: float
    accuracy: float
    false_positive: float
    false_negative: float
    effective_length: int


def livingston_lewis(
    scores: ArrayLike, cut: float, reliability: float, *, min_score: float, max_score: float
) -> Classification:
    r"""Return the consistency and accuracy of a cut on one form.

    Parameters
    ----------
    scores : array_like, shape (n_persons,)
        Observed totals.
    cut : float
        Lowest passing total.
    reliability : float
        Of the totals, in (0, 1).
    min_score, max_score : float
        Range that totals can take.

    Returns
    -------
    Classification

    Raises
    ------
    ParameterError
        If a value leaves its range or the totals do not vary.

    Notes
    -----
    .. math:: n = \frac{(\mu - min)(max - \mu) - r \sigma^2}{\sigma^2 (1 - r)}

    True shares follow a beta distribution with the mean of the totals and the true variance ``r sigma^2``; errors
    are binomial with n items. Two parameters are used, because four often leave [0, 1].

    References
    ----------
    Livingston & Lewis (1995), J. Educ. Meas. 32, 179-197; Hanson (1991), ACT RR 91-5.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = livingston_lewis(rng.binomial(100, rng.beta(12, 6, 3000)), 60, 0.85, min_score=0, max_score=100)
    >>> 0.8 < found.consistency < found.accuracy < 1
    True
    """
    totals = np.asarray(scores, np.float64)
    if not 0 < reliability < 1 or not max_score > min_score or not min_score <= cut <= max_score or totals.size < 2:
        raise ParameterError("reliability must lie in (0, 1), the cut in the range of scores, and there must be totals")
    share = (totals - min_score) / (max_score - min_score)
    mean, variance = float(share.mean()), float(share.var())
    if variance == 0 or not 0 < mean < 1:
        raise ParameterError("the totals do not vary")
    length = max(1, round((mean * (1 - mean) - reliability * variance) / (variance * (1 - reliability))))
    level = (cut - min_score) / (max_score - min_score)
    needed = int(np.ceil(length * level - 1e-9))
    true, weight = _beta(mean, reliability * variance)
    passing = bdtrc(needed - 1, length, true) if needed > 0 else np.ones_like(true)
    return _agreement(passing, weight, true >= level, length)


def _beta(mean: float, variance: float) -> tuple[FloatArray, FloatArray]:
    """Return points of a beta distribution and the share of it around each."""
    total = mean * (1 - mean) / variance - 1
    edges = np.linspace(0, 1, N_POINTS + 1)
    weight = np.diff(betainc(mean * total, (1 - mean) * total, edges))
    return (edges[1:] + edges[:-1]) / 2, weight


def _agreement(passing: FloatArray, weight: FloatArray, is_able: BoolArray, length: int) -> Classification:
    rate = float(weight @ passing)
    consistency = float(weight @ (passing**2 + (1 - passing) ** 2))
    chance = rate**2 + (1 - rate) ** 2
    false_positive = float(weight @ (passing * ~is_able))
    false_negative = float(weight @ ((1 - passing) * is_able))
    kappa = (consistency - chance) / (1 - chance) if chance < 1 else float("nan")
    accuracy = 1 - false_positive - false_negative
    return Classification(consistency, kappa, accuracy, false_positive, false_negative, length)


def beta_binomial(n_items: int, alpha: float, beta: float) -> FloatArray:
    """Return the chances of 0 … n right answers when true shares follow a beta distribution.

    References
    ----------
    Keats & Lord (1962), Psychometrika 27, 59-72.

    Examples
    --------
    >>> beta_binomial(2, 1.0, 1.0).round(4)
    array([0.3333, 0.3333, 0.3333])
    """
    x = np.arange(n_items + 1)
    ways = gammaln(n_items + 1) - gammaln(x + 1) - gammaln(n_items - x + 1)
    top = gammaln(x + alpha) + gammaln(n_items - x + beta) - gammaln(n_items + alpha + beta)
    return np.asarray(np.exp(ways + top - gammaln(alpha) - gammaln(beta) + gammaln(alpha + beta)))
