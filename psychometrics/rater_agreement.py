"""How two raters of the same answers agree: exactly, nearly, beyond chance, and whether one is more severe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from psychometrics.arrays import ParameterError

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class RaterAgreement:
    """Agreement of two raters.

    Attributes
    ----------
    n_pairs : int
        Answers that both rated.
    exact : float
        Share with the same rating.
    adjacent : float
        Share with ratings no further apart than the tolerance; exact ones are among them.
    kappa : float
        Quadratically weighted kappa; NaN where both raters always gave one and the same rating.
    difference : float
        Mean of first minus second rating: negative where the first is more severe.
    low, high : float
        95 % interval of the difference; NaN with fewer than two pairs.
    """

    n_pairs: int
    exact: float
    adjacent: float
    kappa: float
    difference: float
    low: float
    high: float


def rater_agreement(first: ArrayLike, second: ArrayLike, *, tolerance: float = 0.0) -> RaterAgreement:
    """Return the agreement of two raters of the same answers.

    Parameters
    ----------
    first, second : array_like, shape (n_pairs,)
        Ratings of the same answers, on one scale.
    tolerance : float
        Greatest distance of ratings that count as near.

    Returns
    -------
    RaterAgreement

    Raises
    ------
    ParameterError
        If there is no pair, or the ratings have different lengths.

    References
    ----------
    Cohen (1968), Psychological Bulletin 70, 213–220. With quadratic weights kappa needs no categories: it is one minus
    the mean squared difference of the pairs by that of all first with all second ratings (Fleiss & Cohen, 1973,
    Educational and Psychological Measurement 33, 613–619).

    Examples
    --------
    >>> found = rater_agreement([1, 2, 3, 4], [1, 2, 4, 4], tolerance=1)
    >>> found.exact, found.adjacent, round(found.kappa, 4), found.difference
    (0.75, 1.0, 0.9167, -0.25)
    """
    one, two = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if one.ndim != 1 or one.shape != two.shape or not one.size:
        raise ParameterError("both raters need ratings of the same answers, at least one")
    gap = one - two
    by_chance = float(np.mean((one[:, None] - two[None, :]) ** 2))
    kappa = 1 - float(np.mean(gap**2)) / by_chance if by_chance > 0 else float("nan")
    mean = float(np.mean(gap))
    half = _half_width(gap.size, float(np.std(gap, ddof=1))) if gap.size > 1 else float("nan")
    near = np.abs(gap) <= tolerance + 1e-9
    return RaterAgreement(
        int(gap.size), float(np.mean(np.abs(gap) < 1e-9)), float(np.mean(near)), kappa, mean, mean - half, mean + half
    )


def _half_width(n: int, deviation: float) -> float:
    return float(stdtrit(n - 1, (1 + CONFIDENCE) / 2)) * deviation / float(np.sqrt(n))
