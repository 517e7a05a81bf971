"""Person fit: answer patterns that are unlikely for the ability they show. A lead for a person, never a verdict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from psychometrics.ability import maximum_a_posteriori
from psychometrics.arrays import FloatArray, ParameterError, ratio, score_matrix
from psychometrics.irt import Parameters


@dataclass(frozen=True, slots=True)
class PersonFit:
    """Standardised log-likelihoods of the persons: large negative values are unlikely patterns.

    Attributes
    ----------
    lz : ndarray of float64, shape (n_persons,)
        As if the ability were known.
    lz_star : ndarray of float64, shape (n_persons,)
        Corrected for the ability being estimated from the same answers.
    """

    lz: FloatArray
    lz_star: FloatArray


def standardised_log_likelihood(
    scores: ArrayLike, theta: ArrayLike, items: Parameters, *, prior_slope: ArrayLike | float = 0.0
) -> PersonFit:
    r"""Return lz and Snijders' lz*.

    Parameters
    ----------
    scores : array_like, shape (n_persons, n_items)
        1, 0 or NaN where not reached.
    theta : array_like, shape (n_persons,)
        Estimated abilities.
    items : Parameters
        Logistic metric, D = 1.
    prior_slope : array_like or float
        The term r0 of the ability's estimating equation: 0 for maximum likelihood, ``-theta`` for MAP with a standard
        normal prior, J / 2I for Warm's estimate.

    Returns
    -------
    PersonFit
        NaN where nothing was reached or the log-likelihood cannot vary.

    Notes
    -----
    .. math:: l_z = \frac{\sum (x - P) w}{\sqrt{\sum P Q w^2}},\; w = \ln(P / Q)

    and in lz* ``w`` loses its part along the score of the ability, ``w - c_n r`` with ``r = P' / (P Q)`` and
    ``c_n = sum P' w / sum P' r``; the mean becomes ``-c_n r_0``.

    References
    ----------
    Drasgow, Levine & Williams (1985), Br. J. Math. Stat. Psychol. 38, 67-86; Snijders (2001), Psychometrika 66,
    331-342; Magis, Raiche & Beland (2012), J. Educ. Behav. Stat. 37, 57-81.

    Examples
    --------
    >>> items = Parameters(np.ones(4), np.array([2.0, 1.0, -1.0, -2.0]), np.zeros(4))
    >>> found = standardised_log_likelihood([[1, 1, 0, 0], [0, 0, 1, 1]], [0.0, 0.0], items)
    >>> found.lz.round(3)
    array([ 0.914, -4.489])
    """
    marks, place = score_matrix(scores), np.asarray(theta, np.float64)
    if place.shape != (len(marks),) or marks.shape[1] != items.a.size:
        raise ParameterError("scores need one ability for each person and one parameter for each item")
    seen = ~np.isnan(marks)
    logistic = expit(np.outer(place, items.a) + items.d)
    p = np.clip(items.c + (1 - items.c) * logistic, 1e-12, 1 - 1e-12)
    slope = items.a * (1 - items.c) * logistic * (1 - logistic)
    weight = np.log(p / (1 - p))
    spread = seen * p * (1 - p)
    rest = np.where(seen, np.nan_to_num(marks) - p, 0.0)
    lz = ratio((rest * weight).sum(axis=1), np.sqrt((spread * weight**2).sum(axis=1)))
    lever = slope / (p * (1 - p))
    share = ratio((seen * slope * weight).sum(axis=1), (seen * slope * lever).sum(axis=1))
    reduced = weight - share[:, None] * lever
    top = (rest * weight).sum(axis=1) + share * np.asarray(prior_slope, np.float64)
    return PersonFit(lz, ratio(top, np.sqrt((spread * reduced**2).sum(axis=1))))


def simulated_chances(
    fit: ArrayLike, theta: ArrayLike, items: Parameters, *, n_samples: int = 20_000, seed: int = 0
) -> FloatArray:
    """Return the chance of so low an lz* for MAP abilities, by simulation; its tail is heavier than the normal one.

    Parameters
    ----------
    fit : array_like, shape (n_persons,)
        lz* with `prior_slope` ``-theta``, of persons who reached every item.
    theta : array_like, shape (n_persons,)
        MAP abilities under a standard normal prior.
    items : Parameters
        Logistic metric, D = 1.
    n_samples : int
        Answer patterns drawn at each person's ability; abilities are estimated again from each.
    seed : int

    Returns
    -------
    ndarray of float64, shape (n_persons,)
        ``(1 + number as low or lower) / (n_samples + 1)``; NaN where the fit is.

    References
    ----------
    de la Torre & Deng (2008), J. Educ. Meas. 45, 159-177 (resampling for lz with estimated abilities).

    Examples
    --------
    >>> items = Parameters(np.ones(20), np.linspace(-2, 2, 20), np.zeros(20))
    >>> simulated_chances([-9.0, 0.0], [0.0, 0.0], items, n_samples=999).round(2)
    array([0.  , 0.42])
    """
    values, places = np.asarray(fit, np.float64), np.asarray(theta, np.float64)
    rng = np.random.default_rng(seed)
    found = np.full(values.shape, np.nan)
    for row in np.flatnonzero(~np.isnan(values)):
        p = items.c + (1 - items.c) * expit(places[row] * items.a + items.d)
        drawn = (rng.random((n_samples, p.size)) < p).astype(np.float64)
        again = maximum_a_posteriori(drawn, items).theta
        null = standardised_log_likelihood(drawn, again, items, prior_slope=-again).lz_star
        found[row] = (1 + np.sum(null <= values[row])) / (n_samples + 1)
    return found


def _order(scores: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return complete right-or-wrong scores and the items' proportions."""
    marks = score_matrix(scores)
    if not marks.size or not ((marks == 0) | (marks == 1)).all():
        raise ParameterError("scores must be complete zeros and ones")
    return marks, marks.mean(axis=0)


def h_transposed(scores: ArrayLike) -> FloatArray:
    r"""Return Sijtsma and Meijer's coefficient of each person against all others.

    Parameters
    ----------
    scores : array_like, shape (n_persons, n_items)
        Complete zeros and ones.

    Returns
    -------
    ndarray of float64, shape (n_persons,)
        At most 1; near 0 or negative for patterns that do not follow the order of the items; NaN with all right or
        all wrong.

    Notes
    -----
    .. math:: H^T_i = \frac{\sum_{k \ne i} \sigma_{ik}}{\sum_{k \ne i} \sigma_{ik}^{max}}

    References
    ----------
    Sijtsma & Meijer (1992), Appl. Psychol. Meas. 16, 149-157.

    Examples
    --------
    >>> h_transposed([[1, 0, 0], [1, 1, 0], [1, 1, 0]])
    array([1., 1., 1.])
    """
    marks, _ = _order(scores)
    share = marks.mean(axis=1)
    covariance = marks @ marks.sum(axis=0) / marks.shape[1] - share * share.sum()
    own = share * (1 - share)
    sorted_share = np.sort(share)
    below = np.concatenate([[0.0], np.cumsum(sorted_share)])
    place = np.searchsorted(sorted_share, share, side="right")
    smaller, larger = below[place], below[-1] - below[place]
    n_larger = len(share) - place
    largest = smaller * (1 - share) + share * (n_larger - larger)
    return ratio(covariance - own, np.where(own > 0, largest - own, 0.0))


def u3(scores: ArrayLike) -> FloatArray:
    r"""Return van der Flier's U3: 0 for a Guttman pattern, 1 for its reverse.

    Parameters
    ----------
    scores : array_like, shape (n_persons, n_items)
        Complete zeros and ones; items that all or none solved are left out.

    Returns
    -------
    ndarray of float64, shape (n_persons,)
        NaN with all right or all wrong.

    Notes
    -----
    .. math:: U3 = \frac{\sum_{j \le r} l_j - \sum_j x_j l_j}{\sum_{j \le r} l_j - \sum_{j > k - r} l_j}

    with logits l of the proportions in falling order and r the number right.

    References
    ----------
    van der Flier (1982), J. Cross-Cult. Psychol. 13, 267-298.

    Examples
    --------
    >>> u3([[1, 1, 0], [0, 1, 1], [1, 0, 0], [1, 1, 0]]).round(3)
    array([0., 1., 0., 0.])
    """
    marks, share = _order(scores)
    usable = (share > 0) & (share < 1)
    marks, share = marks[:, usable], share[usable]
    line = np.log(share / (1 - share))
    falling = np.sort(line)[::-1]
    best = np.concatenate([[0.0], np.cumsum(falling)])
    worst = np.concatenate([[0.0], np.cumsum(falling[::-1])])
    n_right = marks.sum(axis=1).astype(np.int64)
    return ratio(best[n_right] - marks @ line, best[n_right] - worst[n_right])
