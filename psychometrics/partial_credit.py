"""Calibrate items with several score points by the (generalised) partial credit model.

Abilities are normal with mean 0 and deviation 1, D = 1. The same expectation step as for right-or-wrong items, with one
matrix product for each category; the maximisation step is a damped Newton step of every item on its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from psychometrics.arrays import FloatArray, IntArray, ParameterError, score_matrix
from psychometrics.irt import quadrature

N_STEPS, MAX_STEP = 3, 1.0
MAX_CATEGORIES = 30
RIDGE = 1e-9


@dataclass(frozen=True, slots=True)
class PartialCredit:
    """Parameters of polytomous items.

    Attributes
    ----------
    a : ndarray of float64, shape (n_items,)
        Slopes; one common value in the partial credit model.
    d : tuple of ndarray of float64
        For each item the intercepts of its categories 0 … m, the first 0.
    """

    a: FloatArray
    d: tuple[FloatArray, ...]

    @property
    def steps(self) -> tuple[FloatArray, ...]:
        """Step difficulties of every item: where the curves of two neighbouring categories cross."""
        return tuple(-np.diff(intercepts) / slope for slope, intercepts in zip(self.a, self.d, strict=True))


@dataclass(frozen=True, slots=True)
class PartialCreditFit:
    """The outcome of a calibration: marginal log-likelihood, passes, and whether the last one moved nothing."""

    parameters: PartialCredit
    log_likelihood: float
    n_iterations: int
    converged: bool
    n_parameters: int


def category_probabilities(theta: ArrayLike, a: float, d: ArrayLike) -> FloatArray:
    r"""Return the chance of every category at every ability.

    Parameters
    ----------
    theta : array_like, shape (n_theta,)
        Abilities.
    a : float
        Slope.
    d : array_like, shape (n_categories,)
        Intercepts, the first 0.

    Returns
    -------
    ndarray of float64, shape (n_categories, n_theta)

    Notes
    -----
    .. math:: P_k(\theta) = \frac{\exp(k a \theta + d_k)}{\sum_j \exp(j a \theta + d_j)}

    References
    ----------
    Muraki (1992), Appl. Psychol. Meas. 16, 159-176; Masters (1982), Psychometrika 47, 149-174.

    Examples
    --------
    >>> category_probabilities([0.0], 1.0, [0.0, 0.0]).ravel()
    array([0.5, 0.5])
    """
    intercepts = np.asarray(d, np.float64)
    logit = np.outer(np.arange(intercepts.size), a * np.asarray(theta, np.float64)) + intercepts[:, None]
    logit -= logit.max(axis=0)
    np.exp(logit, out=logit)
    return np.asarray(logit / logit.sum(axis=0))


def information(theta: ArrayLike, items: PartialCredit) -> FloatArray:
    r"""Return the information of every item at every ability, shape (n_items, n_theta).

    Notes
    -----
    .. math:: I_i(\theta) = a_i^2 \operatorname{Var}(k \mid \theta)

    References
    ----------
    Muraki (1993), Appl. Psychol. Meas. 17, 351-363.

    Examples
    --------
    >>> information([0.0], PartialCredit(np.array([2.0]), (np.zeros(2),)))
    array([[1.]])
    """
    rows = []
    for slope, intercepts in zip(items.a, items.d, strict=True):
        p = category_probabilities(theta, float(slope), intercepts)
        k = np.arange(intercepts.size)
        rows.append(slope**2 * (k**2 @ p - (k @ p) ** 2))
    return np.array(rows)


def calibrate_partial_credit(
    scores: ArrayLike,
    *,
    common_slope: bool = False,
    n_points: int = 61,
    tolerance: float = 1e-5,
    max_iterations: int = 2000,
) -> PartialCreditFit:
    """Return the generalised partial credit model of whole marks, or the partial credit model with a common slope.

    Parameters
    ----------
    scores : array_like, shape (n_persons, n_items)
        Whole marks from 0, NaN where not reached; every mark up to the highest must occur.
    common_slope : bool
        Whether all items share one slope.
    n_points : int
        Quadrature points on [-6, 6].
    tolerance : float
        Largest move of a parameter in a pass that counts as none.
    max_iterations : int
        Passes at most.

    Returns
    -------
    PartialCreditFit

    Raises
    ------
    ParameterError
        If marks are not whole, a category is empty, or an item has one category alone.

    References
    ----------
    Muraki (1992); EM after Bock & Aitkin (1981), Psychometrika 46, 443-459.

    Examples
    --------
    >>> marks = [[0, 1], [1, 2], [2, 2], [1, 0], [0, 0], [2, 1]] * 20
    >>> fit = calibrate_partial_credit(marks)
    >>> fit.converged, [len(d) for d in fit.parameters.d]
    (True, [3, 3])
    """
    categories, persons = _categories(scores)
    theta, weight = quadrature(n_points)
    items = PartialCredit(np.ones(len(categories)), tuple(_start(persons @ table) for table in categories))
    log_likelihood, move, iteration = -np.inf, np.inf, 0
    while iteration < max_iterations and move >= tolerance:
        iteration += 1
        counts, log_likelihood = _expectation((categories, persons), items, theta, weight)
        after = _maximise_common(items, counts, theta) if common_slope else _maximise(items, counts, theta)
        move = _distance(items, after)
        items = after
    n_parameters = sum(len(d) - 1 for d in items.d) + (1 if common_slope else len(items.a))
    return PartialCreditFit(items, log_likelihood, iteration, move < tolerance, n_parameters)


def _categories(scores: ArrayLike) -> tuple[list[FloatArray], FloatArray]:
    """Return a table of patterns by categories for each item, with one 1 a row or none, and persons by pattern."""
    marks = score_matrix(scores)
    if not marks.size:
        raise ParameterError("scores must not be empty")
    marks, persons = np.unique(marks, axis=0, return_counts=True)
    found = []
    for place, column in enumerate(marks.T):
        seen = column[~np.isnan(column)]
        if not seen.size or (seen != np.floor(seen)).any() or (seen < 0).any() or seen.max() >= MAX_CATEGORIES:
            raise ParameterError(f"item {place} needs whole marks from 0 to {MAX_CATEGORIES - 1}")
        size = int(seen.max()) + 1
        table = (column[:, None] == np.arange(size)).astype(np.float64)
        if size < 2 or (table.sum(axis=0) == 0).any():
            raise ParameterError(f"item {place} needs at least two categories, each with an answer")
        found.append(table)
    return found, persons.astype(np.float64)


def _start(answers: FloatArray) -> FloatArray:
    """Return intercepts from the logarithms of the categories' shares."""
    share: FloatArray = np.log(answers)
    return np.asarray(share - share[0])


def _expectation(
    data: tuple[list[FloatArray], FloatArray], items: PartialCredit, theta: FloatArray, weight: FloatArray
) -> tuple[list[FloatArray], float]:
    """Return the expected answers by category and ability of every item, and the log-likelihood."""
    categories, persons = data
    logs = [
        np.log(np.maximum(category_probabilities(theta, float(a), d), 1e-300))
        for a, d in zip(items.a, items.d, strict=True)
    ]
    joint = np.log(weight) + sum(table @ log for table, log in zip(categories, logs, strict=True))
    top = joint.max(axis=1)
    posterior = np.exp(joint - top[:, None])
    size = posterior.sum(axis=1)
    posterior *= (persons / size)[:, None]
    return [table.T @ posterior for table in categories], float(persons @ (top + np.log(size)))


def _maximise(items: PartialCredit, counts: list[FloatArray], theta: FloatArray) -> PartialCredit:
    """Return every item's parameters after scoring steps on the expected counts."""
    a, d = items.a.copy(), list(items.d)
    for place, table in enumerate(counts):
        for _ in range(N_STEPS):
            gradient, hessian = _derivatives(float(a[place]), d[place], table, theta)
            step = _limited(np.asarray(np.linalg.solve(hessian + RIDGE * np.eye(len(gradient)), gradient), np.float64))
            a[place] += step[0]
            d[place] = np.concatenate([[0.0], d[place][1:] + step[1:]])
    return PartialCredit(a, tuple(d))


def _maximise_common(items: PartialCredit, counts: list[FloatArray], theta: FloatArray) -> PartialCredit:
    """Return common slope and intercepts after scoring steps; the arrow-shaped system is solved by elimination."""
    a, d = float(items.a[0]), list(items.d)
    for _ in range(N_STEPS):
        pivot, push, parts = RIDGE, 0.0, []
        for intercepts, table in zip(d, counts, strict=True):
            gradient, hessian = _derivatives(a, intercepts, table, theta)
            own = np.linalg.inv(hessian[1:, 1:] + RIDGE * np.eye(len(gradient) - 1))
            parts.append((own, hessian[1:, 0], gradient[1:]))
            pivot += float(hessian[0, 0] - hessian[0, 1:] @ own @ hessian[1:, 0])
            push += float(gradient[0] - hessian[0, 1:] @ own @ gradient[1:])
        move = push / pivot
        steps = [own @ (gradient - cross * move) for own, cross, gradient in parts]
        factor = min(1.0, MAX_STEP / max(abs(move), *(float(np.abs(step).max()) for step in steps), 1e-300))
        a += factor * move
        d = [np.concatenate([[0.0], old[1:] + factor * step]) for old, step in zip(d, steps, strict=True)]
    return PartialCredit(np.full(len(d), a), tuple(d))


def _derivatives(a: float, d: FloatArray, counts: FloatArray, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return gradient and information of slope and free intercepts."""
    p, total = category_probabilities(theta, a, d), counts.sum(axis=0)
    rest = counts - total * p
    k: IntArray = np.arange(d.size)
    design = np.zeros((d.size, d.size, theta.size))  # parameter, category, ability
    design[0] = k[:, None] * theta
    design[1:] = np.eye(d.size)[1:, :, None]
    gradient = np.einsum("pkq,kq->p", design, rest)
    mean = np.einsum("pkq,kq->pq", design, p)
    hessian = np.einsum("pkq,rkq,kq,q->pr", design, design, p, total, optimize=True) - (mean * total) @ mean.T
    return gradient, hessian


def _limited(step: FloatArray) -> FloatArray:
    return np.asarray(step * min(1.0, MAX_STEP / max(float(np.abs(step).max()), 1e-300)))


def _distance(before: PartialCredit, after: PartialCredit) -> float:
    moves = [float(np.abs(before.a - after.a).max())]
    return max(moves + [float(np.abs(old - new).max()) for old, new in zip(before.d, after.d, strict=True)])
