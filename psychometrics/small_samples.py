"""Facility of items that few persons answered: borrow from items alike, and say when even that is not enough.

Tens of candidates are normal in vocational certification. An item's own share of right answers is then noisy; items of
the same point, type and expert difficulty together say where such items lie. Empirical Bayes puts both together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, betaln, expit, logit

from psychometrics.arrays import BoolArray, FloatArray, ParameterError

MIN_PERSONS = 5
"""Fewer answers than these move no estimate enough to be shown."""
GRID_MEAN = np.linspace(-3.0, 3.0, 21)
"""Places of a group's mean on the logit scale, in deviations around all items' mean."""
GRID_WEIGHT = np.linspace(0.0, 5.5, 15)
"""Logarithms of the weight of a group's prior in answers: 1 to 245."""
TYPICAL_WEIGHT, WEIGHT_SPREAD, MEAN_SPREAD = np.log(10.0), 1.0, 0.8
"""Before any data: facilities of items alike spread as 10 answers would, give or take a factor of e; groups differ by
0.8 on the logit scale."""


@dataclass(frozen=True, slots=True)
class GroupPrior:
    """What a group of items alike says of the next of its items, on a grid of possible beta distributions.

    Attributes
    ----------
    alpha, beta : ndarray of float64, shape (n_grid,)
        Exponents of the beta distributions.
    chance : ndarray of float64, shape (n_grid,)
        Their posterior chances; they sum to 1.
    """

    alpha: FloatArray
    beta: FloatArray
    chance: FloatArray

    @property
    def mean(self) -> float:
        """Facility to expect of an item without answers."""
        return float(self.chance @ (self.alpha / (self.alpha + self.beta)))

    @property
    def weight(self) -> float:
        """How many answers the group is worth (median of the grid)."""
        size = self.alpha + self.beta
        order = np.argsort(size)
        return float(size[order][np.searchsorted(np.cumsum(self.chance[order]), 0.5)])


@dataclass(frozen=True, slots=True)
class PooledFacility:
    """Facilities that borrow from items alike, shape (n_items,) each.

    Attributes
    ----------
    estimate, low, high : ndarray of float64
        Posterior mean and central interval.
    own_share : ndarray of float64
        How much of the estimate is the item's own data, 0 to 1.
    is_enough : ndarray of bool
        Whether the item has at least `MIN_PERSONS` answers; otherwise the figures speak of its group alone.
    """

    estimate: FloatArray
    low: FloatArray
    high: FloatArray
    own_share: FloatArray
    is_enough: BoolArray


def group_prior(right: ArrayLike, n: ArrayLike, *, centre: float | None = None) -> GroupPrior:
    r"""Return how the facilities of a group of items lie, with the uncertainty of having seen few of them.

    Parameters
    ----------
    right, n : array_like, shape (n_items,)
        Right answers (or marks as a share of the maximum, summed) and answers; 0 answers are allowed.
    centre : float, optional
        Facility around which groups lie; by default the share of right answers of these items.

    Returns
    -------
    GroupPrior

    Raises
    ------
    ParameterError
        If there is no answer and no centre, or counts leave their range.

    Notes
    -----
    .. math:: p(\mu, w \mid x) \propto p(\mu, w) \prod_i \frac{B(\mu w + x_i, (1-\mu) w + n_i - x_i)}{B(\mu w, (1-\mu) w)}

    References
    ----------
    Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., sec. 5.3; Carlin & Louis (2000), ch. 3.

    Examples
    --------
    >>> prior = group_prior([12, 14, 9, 16], [20, 20, 20, 20])
    >>> round(prior.mean, 2), prior.weight > 5
    (0.63, True)
    """
    x, size = _counts(right, n)
    if centre is None:
        if not size.sum() > 0:
            raise ParameterError("there is no answer to learn from")
        centre = x.sum() / size.sum()
    place = float(logit(np.clip(centre, 0.02, 0.98)))
    mean, log_weight = (one.ravel() for one in np.meshgrid(place + MEAN_SPREAD * GRID_MEAN, GRID_WEIGHT))
    alpha, beta = expit(mean) * np.exp(log_weight), expit(-mean) * np.exp(log_weight)
    log = -(((mean - place) / MEAN_SPREAD) ** 2 + ((log_weight - TYPICAL_WEIGHT) / WEIGHT_SPREAD) ** 2) / 2
    shape = (alpha[:, None] + x, beta[:, None] + size - x)
    log = log + (betaln(*shape) - betaln(alpha, beta)[:, None]).sum(axis=1)
    chance = np.exp(log - log.max())
    return GroupPrior(alpha, beta, chance / chance.sum())


def pooled_facility(right: ArrayLike, n: ArrayLike, groups: ArrayLike, *, confidence: float = 0.95) -> PooledFacility:
    r"""Return each item's facility, pulled towards items alike as far as its own answers are few.

    Parameters
    ----------
    right, n : array_like, shape (n_items,)
        Right answers and answers; 0 answers are allowed.
    groups : array_like, shape (n_items,)
        Which items are alike, for instance "point|type|difficulty".
    confidence : float
        Level of the interval in (0, 1).

    Returns
    -------
    PooledFacility

    Notes
    -----
    .. math:: p_i \mid x \sim \sum_g c_{ig} \,\mathrm{Beta}(\alpha_g + x_i, \beta_g + n_i - x_i)

    over the grid of the group's prior; the interval is that of the beta distribution with the mixture's mean and
    variance.

    References
    ----------
    Efron & Morris (1975), J. Am. Stat. Assoc. 70, 311-319; Morris (1983), J. Am. Stat. Assoc. 78, 47-55.

    Examples
    --------
    >>> found = pooled_facility([9, 8, 7, 10, 2], [10, 10, 10, 10, 10], ["a"] * 5)
    >>> bool(0.2 < found.estimate[4] < 0.5), bool(found.low[4] < 0.2)
    (True, True)
    """
    if not 0 < confidence < 1:
        raise ParameterError("confidence must lie between 0 and 1")
    x, size = _counts(right, n)
    labels, member = np.unique(np.asarray(groups), return_inverse=True)
    if member.shape != x.shape:
        raise ParameterError("every item needs a group")
    centre = group_prior(x, size).mean
    a, b, weight = np.empty(x.size), np.empty(x.size), np.empty(x.size)
    for group in range(len(labels)):
        own = np.flatnonzero(member == group)
        prior = group_prior(x[own], size[own], centre=centre)
        a[own], b[own] = _mixture(prior, x[own], size[own])
        weight[own] = prior.weight
    tail = (1 - confidence) / 2
    low, high = betaincinv(a, b, tail), betaincinv(a, b, 1 - tail)
    return PooledFacility(a / (a + b), low, high, size / (size + weight), size >= MIN_PERSONS)


def _mixture(prior: GroupPrior, x: FloatArray, size: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the exponents of the beta distributions with the mean and variance of the items' posteriors."""
    a, b = prior.alpha[:, None] + x, prior.beta[:, None] + size - x
    total = a + b
    each = a / total
    mean = prior.chance @ each
    variance = prior.chance @ (each * (1 - each) / (total + 1) + each**2) - mean**2
    weight = mean * (1 - mean) / variance - 1
    return mean * weight, (1 - mean) * weight


def _counts(right: ArrayLike, n: ArrayLike) -> tuple[FloatArray, FloatArray]:
    x, size = np.asarray(right, np.float64), np.asarray(n, np.float64)
    if x.ndim != 1 or x.shape != size.shape or not x.size:
        raise ParameterError("right and n need one value for each item")
    if (x < 0).any() or (x > size).any():
        raise ParameterError("right must lie between 0 and n")
    return x, size
