"""The logistic item models on the metric of slope and intercept: probabilities, information, derivatives.

The probability of a right answer is ``c + (1 - c) / (1 + exp(-D (a theta + d)))`` with ``d = -a b``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from psychometrics.arrays import FloatArray, ParameterError


def checked_parameters(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return item parameters as vectors of one length; raises ParameterError outside their range."""
    slope, place, floor = (np.atleast_1d(np.asarray(one, np.float64)) for one in (a, b, c))
    if not slope.shape == place.shape == floor.shape or slope.ndim != 1:
        raise ParameterError("a, b and c must be vectors of one length")
    if not (np.isfinite(slope) & np.isfinite(place)).all() or not ((floor >= 0) & (floor < 1)).all():
        raise ParameterError("a and b must be finite and c must lie in [0, 1)")
    return slope, place, floor


def probability(theta: ArrayLike, a: ArrayLike, b: ArrayLike, c: ArrayLike, *, scale: float) -> FloatArray:
    r"""Return the probability of a right answer under the 3PL model; with c = 0 it is 2PL, with equal a Rasch.

    Parameters
    ----------
    theta : array_like, shape (n_theta,)
        Ability.
    a, b, c : array_like, shape (n_items,)
        Discrimination, difficulty, lower asymptote in [0, 1).
    scale : float
        Scaling constant D, 1.0 or 1.702; required, because banks differ.

    Returns
    -------
    ndarray of float64, shape (n_theta, n_items)

    Raises
    ------
    ParameterError
        If a, b and c differ in shape or leave their range.

    Notes
    -----
    .. math:: P_j(\theta) = c_j + \frac{1 - c_j}{1 + \exp(-D a_j (\theta - b_j))}

    References
    ----------
    Birnbaum (1968) in Lord & Novick, Statistical Theories of Mental Test Scores, ch. 17.

    Examples
    --------
    >>> probability([0.0, 1.0], [1.0], [0.0], [0.2], scale=1.0).round(4)
    array([[0.6   ],
           [0.7848]])
    """
    slope, place, floor = checked_parameters(a, b, c)
    logit = scale * slope * (np.atleast_1d(np.asarray(theta, np.float64))[:, None] - place)
    return np.asarray(floor + (1 - floor) * expit(logit))


def item_information(theta: ArrayLike, a: ArrayLike, b: ArrayLike, c: ArrayLike, *, scale: float) -> FloatArray:
    r"""Return the Fisher information of 3PL items at given abilities.

    Parameters
    ----------
    theta : array_like, shape (n_theta,)
        Ability.
    a, b, c : array_like, shape (n_items,)
        Discrimination, difficulty, lower asymptote in [0, 1).
    scale : float
        Scaling constant D, 1.0 or 1.702; required, because banks differ.

    Returns
    -------
    ndarray of float64, shape (n_theta, n_items)
        Information per squared unit of theta; never negative.

    Raises
    ------
    ParameterError
        If a, b and c differ in shape or leave their range.

    Notes
    -----
    .. math:: I_j = D^2 a_j^2 (Q_j / P_j) ((P_j - c_j) / (1 - c_j))^2

    References
    ----------
    van der Linden (2005), Linear Models for Optimal Test Design, Springer.

    Examples
    --------
    >>> item_information([0.0], [1.0], [0.0], [0.0], scale=1.7).round(4)
    array([[0.7225]])
    """
    slope, place, floor = checked_parameters(a, b, c)
    logit = scale * slope * (np.atleast_1d(np.asarray(theta, np.float64))[:, None] - place)
    right, wrong = expit(logit), expit(-logit)
    return np.asarray((scale * slope) ** 2 * (1 - floor) * right**2 * wrong / (floor + (1 - floor) * right + TINY))


TINY = np.finfo(np.float64).tiny


def log_probabilities(theta: FloatArray, a: FloatArray, d: FloatArray, c: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return log P and log (1 - P), shape (n_items, n_theta), without loss at the ends.

    Notes
    -----
    ``P = c + (1 - c) / (1 + exp(-(a theta + d)))`` in logarithms by ``log(1 + exp(x))``, which neither over- nor underflows.

    References
    ----------
    Birnbaum (1968) in Lord & Novick, Statistical Theories of Mental Test Scores, ch. 17.

    Examples
    --------
    >>> right, wrong = log_probabilities(np.array([-800.0, 800.0]), np.ones(1), np.zeros(1), np.zeros(1))
    >>> right, wrong
    (array([[-800.,    0.]]), array([[   0., -800.]]))
    """
    logit = np.outer(a, theta) + d[:, None]
    wrong = np.minimum(-logit, 0) - np.log1p(np.exp(-np.abs(logit)))
    if not c.any():
        return wrong + logit, wrong
    floor = c[:, None]
    return np.log(floor + (1 - floor) * np.exp(wrong + logit) + TINY), np.log1p(-floor) + wrong


def score_weights(theta: FloatArray, a: FloatArray, d: FloatArray, c: FloatArray) -> tuple[FloatArray, FloatArray]:
    r"""Return P and the weights h with which ``x - P`` enters the derivative of the log-likelihood of one answer.

    Parameters
    ----------
    theta : ndarray of float64, shape (n_theta,)
    a, d, c : ndarray of float64, shape (n_items,)

    Returns
    -------
    probability : ndarray of float64, shape (n_items, n_theta)
    weights : ndarray of float64, shape (3, n_items, n_theta)
        For slope, intercept and logit of the asymptote; the last is zero where c is zero.

    Notes
    -----
    With L the logistic part, ``h = (theta L / P, L / P, c / P)``.

    References
    ----------
    Baker & Kim (2004), Item Response Theory: Parameter Estimation Techniques, ch. 2.

    Examples
    --------
    >>> p, h = score_weights(np.array([1.0]), np.ones(1), np.zeros(1), np.full(1, 0.2))
    >>> h[:, 0, 0].round(4)
    array([0.9315, 0.9315, 0.2548])
    """
    right = expit(np.outer(a, theta) + d[:, None])
    floor = c[:, None]
    p = floor + (1 - floor) * right
    share = np.where(floor > 0, right / (p + TINY), 1.0)
    return p, np.stack([theta * share, share, floor / (p + TINY)])


def score_weight_slopes(theta: FloatArray, a: FloatArray, d: FloatArray, c: FloatArray) -> FloatArray:
    """Return the derivatives of `score_weights`, shape (3, 3, n_items, n_theta); zero for 2PL.

    Notes
    -----
    ``dh_j / dw_k`` for the weights ``h = (theta L / P, L / P, c / P)`` and the parameters w = slope, intercept, logit of
    the asymptote.

    References
    ----------
    Baker & Kim (2004), Item Response Theory: Parameter Estimation Techniques, ch. 2.

    Examples
    --------
    >>> float(abs(score_weight_slopes(np.array([1.0]), np.ones(1), np.zeros(1), np.zeros(1))).max())
    0.0
    """
    right = expit(np.outer(a, theta) + d[:, None])
    floor = c[:, None]
    p = floor + (1 - floor) * right + TINY
    both = floor * right * (1 - right) / p**2
    cross = -(1 - floor) * both
    last = floor * (1 - floor) * right / p**2
    return np.stack(
        [
            np.stack([theta**2 * both, theta * both, theta * cross]),
            np.stack([theta * both, both, cross]),
            np.stack([theta * cross, cross, last]),
        ]
    )
