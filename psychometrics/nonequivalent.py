"""Linear equating of two forms that different groups took, by a set of common items (an anchor).

Give population scores of both forms and of the anchor; `weight` is the share of the new group in the synthetic group.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from psychometrics.arrays import FloatArray, ParameterError


@dataclass(frozen=True, slots=True)
class GroupMoments:
    """What one group did on its form and on the anchor.

    Attributes
    ----------
    mean, sd : float
        Of the form's total.
    anchor_mean, anchor_sd : float
    covariance : float
        Of total and anchor.
    """

    mean: float
    sd: float
    anchor_mean: float
    anchor_sd: float
    covariance: float


@dataclass(frozen=True, slots=True)
class LinearLink:
    """``y = slope * x + intercept``."""

    slope: float
    intercept: float

    def __call__(self, scores: ArrayLike) -> FloatArray:
        """Return the Y equivalents of X scores."""
        return np.asarray(self.slope * np.asarray(scores, np.float64) + self.intercept)


def group_moments(totals: ArrayLike, anchors: ArrayLike) -> GroupMoments:
    """Return the moments (divisor n) of a group.

    Raises
    ------
    ParameterError
        If there are fewer than two persons, or form or anchor do not vary.

    Notes
    -----
    Means, ``sigma^2 = sum (x - mu)^2 / n`` and ``sigma(X, V) = sum (x - mu_X)(v - mu_V) / n``.

    References
    ----------
    Kolen & Brennan (2014), Test Equating, Scaling, and Linking, 3rd ed., ch. 4.

    Examples
    --------
    >>> group_moments([1, 2, 3], [0, 1, 2]).covariance.__round__(4)
    0.6667
    """
    x, v = np.asarray(totals, np.float64), np.asarray(anchors, np.float64)
    if x.ndim != 1 or x.shape != v.shape or x.size < 2:
        raise ParameterError("totals and anchors need one value for each of two persons or more")
    covariance = float(((x - x.mean()) * (v - v.mean())).mean())
    return _varied(GroupMoments(float(x.mean()), float(x.std()), float(v.mean()), float(v.std()), covariance))


def tucker(new: GroupMoments, old: GroupMoments, *, weight: float = 1.0) -> LinearLink:
    r"""Return Tucker's linear link: the regression of form on anchor is taken to be the same in both groups.

    Parameters
    ----------
    new, old : GroupMoments
        The group of form X and that of form Y.
    weight : float
        Weight of the new group in the synthetic group, 0 to 1.

    Notes
    -----
    .. math:: \gamma = \sigma(X, V) / \sigma^2(V)

    References
    ----------
    Kolen & Brennan (2014), Test Equating, Scaling, and Linking, 3rd ed., sec. 4.2; Gulliksen (1950).

    Examples
    --------
    >>> same = GroupMoments(10.0, 4.0, 5.0, 2.0, 6.0)
    >>> tucker(same, same)
    LinearLink(slope=1.0, intercept=0.0)
    """
    _varied(new), _varied(old)
    gamma_new = new.covariance / new.anchor_sd**2
    gamma_old = old.covariance / old.anchor_sd**2
    return _synthetic_link(new, old, (gamma_new, gamma_old), weight)


def levine(new: GroupMoments, old: GroupMoments, *, weight: float = 1.0, internal: bool = True) -> LinearLink:
    r"""Return Levine's observed score link: true scores of form and anchor are taken to be perfectly correlated.

    Better than Tucker where the groups differ much.

    Parameters
    ----------
    new, old : GroupMoments
        The group of form X and that of form Y.
    weight : float
        Weight of the new group in the synthetic group, 0 to 1.
    internal : bool
        Whether the anchor counts in the total.

    Notes
    -----
    .. math:: \gamma = \frac{\sigma^2(X)}{\sigma(X, V)} \text{ (internal)},\;
       \gamma = \frac{\sigma^2(X) + \sigma(X, V)}{\sigma^2(V) + \sigma(X, V)} \text{ (external)}

    References
    ----------
    Kolen & Brennan (2014), sec. 4.3, classical congeneric model; Levine (1955).

    Examples
    --------
    >>> same = GroupMoments(10.0, 4.0, 5.0, 2.0, 6.0)
    >>> levine(same, same)
    LinearLink(slope=1.0, intercept=0.0)
    """
    return _synthetic_link(
        new, old, (_levine_gamma(new, internal=internal), _levine_gamma(old, internal=internal)), weight
    )


def bootstrap_link_errors(
    new: tuple[ArrayLike, ArrayLike],
    old: tuple[ArrayLike, ArrayLike],
    scores: ArrayLike,
    *,
    method: Callable[[GroupMoments, GroupMoments], LinearLink] = tucker,
    n_samples: int = 500,
    seed: int = 0,
) -> FloatArray:
    r"""Return the bootstrap standard errors of the Y equivalents of some X scores.

    Parameters
    ----------
    new, old : tuple of array_like
        Totals and anchors of the persons of form X and of form Y.
    scores : array_like
        X scores.
    method : callable
        `tucker` or `levine`, with their arguments bound.
    n_samples : int
        Draws with replacement of as many persons as each group has.
    seed : int

    Returns
    -------
    ndarray of float64, shape of `scores`

    Notes
    -----
    .. math:: se(x)^2 = \frac{1}{R - 1} \sum_r \left(\hat e_r(x) - \bar e(x)\right)^2

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap; Kolen & Brennan (2014), sec. 7.2.

    Examples
    --------
    >>> group = (np.arange(200) % 21, np.arange(200) % 21 // 2)
    >>> bool((bootstrap_link_errors(group, group, [5, 10], n_samples=50) > 0).all())
    True
    """
    groups = [(np.asarray(totals, np.float64), np.asarray(anchors, np.float64)) for totals, anchors in (new, old)]
    rng, found = np.random.default_rng(seed), []
    for _ in range(n_samples):
        moments = []
        for totals, anchors in groups:
            drawn = rng.integers(0, totals.size, totals.size)
            moments.append(group_moments(totals[drawn], anchors[drawn]))
        found.append(method(*moments)(scores))
    return np.asarray(np.std(found, axis=0, ddof=1))


def _levine_gamma(group: GroupMoments, *, internal: bool) -> float:
    _varied(group)
    if not group.covariance > 0:
        raise ParameterError("form and anchor must go together")
    if internal:
        return group.sd**2 / group.covariance
    return (group.sd**2 + group.covariance) / (group.anchor_sd**2 + group.covariance)


def _synthetic_link(new: GroupMoments, old: GroupMoments, gammas: tuple[float, float], weight: float) -> LinearLink:
    """Return the line through equal standardised scores of the synthetic group."""
    if not 0 <= weight <= 1:
        raise ParameterError("weight must lie between 0 and 1")
    gamma_new, gamma_old = gammas
    gap = new.anchor_mean - old.anchor_mean
    spread = new.anchor_sd**2 - old.anchor_sd**2
    rest = 1 - weight
    mean_x = new.mean - rest * gamma_new * gap
    mean_y = old.mean + weight * gamma_old * gap
    shared = weight * rest * gap**2
    variance_x = new.sd**2 - rest * gamma_new**2 * spread + shared * gamma_new**2
    variance_y = old.sd**2 + weight * gamma_old**2 * spread + shared * gamma_old**2
    if variance_x <= 0 or variance_y <= 0:
        raise ParameterError("the groups differ too much for a synthetic group: its variance is not positive")
    slope = float(np.sqrt(variance_y / variance_x))
    return LinearLink(slope, mean_y - slope * mean_x)


def _varied(group: GroupMoments) -> GroupMoments:
    if not (group.sd > 0 and group.anchor_sd > 0):
        raise ParameterError("form and anchor must vary")
    return group
