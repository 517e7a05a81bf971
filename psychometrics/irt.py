"""Calibrate Rasch, 2PL and 3PL items by marginal maximum likelihood.

Abilities are normal with mean 0 and deviation 1, D = 1. The expectation step is two matrix products for a block of
persons; equal answer patterns are counted once; SQUAREM makes the steps of the EM algorithm longer; what was not
reached is left out of the likelihood.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from psychometrics.arrays import BoolArray, FloatArray, IntArray, ParameterError, score_matrix
from psychometrics.logistic import log_probabilities, score_weights

BLOCK = 8192
MAX_STEP = 1.0
BOUND_A, BOUND_D, BOUND_G = 20.0, 60.0, 12.0
SUBSAMPLE = 8000
MAX_NEWTON, NEWTON_DONE = 8, 1e-7


class Model(enum.StrEnum):
    """The models: a common slope, a slope an item, and a slope and lower asymptote an item."""

    RASCH = "rasch"
    TWO_PL = "2pl"
    THREE_PL = "3pl"


@dataclass(frozen=True, slots=True)
class GuessingPrior:
    """Beta prior of the lower asymptote, by its two exponents; the default has mean 0.2 and weighs 20 answers."""

    alpha: float = 5.0
    beta: float = 17.0

    @property
    def mode(self) -> float:
        """The most likely asymptote before any data."""
        return (self.alpha - 1) / (self.alpha + self.beta - 2)


@dataclass(frozen=True, slots=True)
class Patterns:
    """Distinct rows of a score matrix: `right` and `seen` as 0 and 1, with how many persons gave each."""

    right: FloatArray
    seen: FloatArray | None
    counts: FloatArray
    inverse: IntArray


@dataclass(frozen=True, slots=True)
class Parameters:
    """Slopes, intercepts and lower asymptotes, shape (n_items,) each."""

    a: FloatArray
    d: FloatArray
    c: FloatArray

    @property
    def b(self) -> FloatArray:
        """Difficulties ``-d / a``; infinite for an item without slope."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return -self.d / self.a


@dataclass(frozen=True, slots=True)
class Calibration:
    """The outcome of a calibration.

    Attributes
    ----------
    model : Model
    parameters : Parameters
        For the logistic metric with D = 1.
    log_likelihood : float
        Marginal, of all answers; without the prior.
    n_iterations : int
        Passes over the data.
    converged : bool
        Whether the last EM step moved no parameter by more than the tolerance.
    max_change : float
        That move.
    n_parameters, n_patterns, n_points : int
    """

    model: Model
    parameters: Parameters
    log_likelihood: float
    n_iterations: int
    converged: bool
    max_change: float
    n_parameters: int
    n_patterns: int
    n_points: int


def quadrature(n_points: int = 61, limit: float = 6.0) -> tuple[FloatArray, FloatArray]:
    """Return equally spaced abilities and the weights of the standard normal on them.

    Notes
    -----
    Weights are proportional to ``exp(-theta^2 / 2)`` and sum to 1: the rectangle rule, which is very exact for smooth
    functions that vanish at both ends.

    References
    ----------
    Bock & Aitkin (1981), Psychometrika 46, 443-459.

    Examples
    --------
    >>> theta, weight = quadrature(61)
    >>> float(round(weight.sum(), 12)), float(round(weight @ theta**2, 6))
    (1.0, 1.0)
    """
    theta = np.linspace(-limit, limit, n_points)
    weight = np.exp(-0.5 * theta**2)
    return theta, weight / weight.sum()


def compress(scores: ArrayLike) -> Patterns:
    """Return the distinct answer patterns of a matrix of zeros, ones and NaN.

    Notes
    -----
    The likelihood is ``prod_u L(u)^n_u`` over distinct patterns u with their numbers n, so equal rows are counted once.

    References
    ----------
    Bock & Lieberman (1970), Psychometrika 35, 179-197.

    Examples
    --------
    >>> found = compress([[1, 0], [1, 0], [0, np.nan]])
    >>> found.counts, found.inverse
    (array([1., 2.]), array([1, 1, 0]))
    """
    matrix = score_matrix(scores)
    missing = np.isnan(matrix)
    right = np.where(missing, 0.0, matrix)
    if not ((right == 0) | (right == 1)).all():
        raise ParameterError("scores must be 0, 1 or NaN")
    some = bool(missing.any())
    rows = np.packbits(np.hstack([right > 0, missing]) if some else right > 0, axis=1)
    if _mostly_distinct(rows):
        n = len(rows)
        return Patterns(right, (~missing).astype(np.float64) if some else None, np.ones(n), np.arange(n))
    keys = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1]))).ravel()
    _, first, inverse, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    seen = (~missing[first]).astype(np.float64) if some else None
    return Patterns(right[first], seen, counts.astype(np.float64), inverse.ravel())


def _mostly_distinct(rows: NDArray[np.uint8]) -> bool:
    """Say whether looking for equal patterns is not worth the sorting, judged by the first rows."""
    head = rows[:2000]
    return len(rows) > 2000 and len(np.unique(head, axis=0)) > 0.9 * len(head)


def calibrate(
    scores: ArrayLike,
    model: Model,
    *,
    n_points: int = 61,
    tolerance: float | None = None,
    max_iterations: int = 500,
    prior: GuessingPrior | None = None,
) -> Calibration:
    r"""Estimate item parameters by marginal maximum likelihood.

    Parameters
    ----------
    scores : array_like, shape (n_persons, n_items)
        1 right, 0 wrong, NaN not reached. Every item needs both a 0 and a 1.
    model : Model
        For ``RASCH`` one common slope is estimated; for ``THREE_PL`` the asymptote has a Beta prior, and the estimate
        is the marginal posterior mode.
    n_points : int
        Quadrature points on [-6, 6].
    tolerance : float, optional
        Largest move of a parameter in an EM step that counts as converged. By default 1e-6 for up to 2,000 patterns
        and 1e-4 for more, where the standard errors are hundreds of times as large.
    max_iterations : int
        Most passes over the data.
    prior : GuessingPrior, optional
        For ``THREE_PL``.

    Returns
    -------
    Calibration

    Raises
    ------
    ParameterError
        If the matrix is empty, holds other marks, or an item does not vary.

    Notes
    -----
    .. math:: \ell = \sum_i \log \sum_q w_q \prod_j P_j(\theta_q)^{x_{ij}} (1 - P_j(\theta_q))^{1 - x_{ij}}

    References
    ----------
    Bock & Aitkin (1981), Psychometrika 46, 443-459; Varadhan & Roland (2008), Scand. J. Stat. 35, 335-353 (SQUAREM,
    third step length); Mislevy (1986), Psychometrika 51, 177-195 (priors).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> theta, b = rng.normal(size=(9000, 1)), np.array([-1.0, 0.0, 1.0])
    >>> answers = rng.random((9000, 3)) < 1 / (1 + np.exp(b - theta))
    >>> found = calibrate(answers, Model.RASCH)
    >>> found.converged, bool(abs(found.parameters.b - b).max() < 0.1)
    (True, True)
    """
    patterns = compress(scores)
    _check_variation(patterns)
    limit = tolerance or (1e-6 if len(patterns.counts) <= 2000 else 1e-4)
    engine = _Engine(patterns, model, prior or GuessingPrior(), n_points)
    start = engine.start()
    if len(patterns.counts) > 4 * SUBSAMPLE:
        part = _Engine(_subsample(patterns), model, engine.prior, n_points)
        start = _accelerate(part, start, 1e-2, max_iterations).vector
    fit = _accelerate(engine, start, limit, max_iterations)
    return Calibration(
        model=model,
        parameters=engine.unpack(fit.vector),
        log_likelihood=fit.log_likelihood,
        n_iterations=fit.n_iterations,
        converged=fit.change <= limit,
        max_change=fit.change,
        n_parameters=fit.vector.size,
        n_patterns=len(patterns.counts),
        n_points=n_points,
    )


def _check_variation(patterns: Patterns) -> None:
    seen = patterns.counts @ patterns.seen if patterns.seen is not None else patterns.counts.sum()
    right = patterns.counts @ patterns.right
    if not patterns.right.size or not ((right > 0) & (right < seen)).all():
        raise ParameterError("every item needs a right and a wrong answer")


def _subsample(patterns: Patterns) -> Patterns:
    """Return every so many-th pattern: a start near the solution, for a fraction of the work."""
    step = -(-len(patterns.counts) // SUBSAMPLE)
    seen = patterns.seen[::step] if patterns.seen is not None else None
    return Patterns(patterns.right[::step], seen, patterns.counts[::step], patterns.inverse[:0])


@dataclass(frozen=True, slots=True)
class _Fit:
    vector: FloatArray
    log_likelihood: float
    n_iterations: int
    change: float


def _accelerate(engine: _Engine, start: FloatArray, tolerance: float, max_iterations: int) -> _Fit:
    """Iterate EM with SQUAREM steps that are taken back where they lower the objective."""
    current, n, fallback = start, 0, start
    best = -np.inf
    while True:
        first, objective, log_likelihood = engine.step(current)
        n += 1
        if objective < best - 1e-7 * abs(best) and current is not fallback:
            current = fallback
            continue
        best = objective
        change = float(np.max(np.abs(first - current)))
        if change <= tolerance or n >= max_iterations:
            return _Fit(current, log_likelihood, n, change)
        second, best, log_likelihood = engine.step(first)
        n += 1
        change = float(np.max(np.abs(second - first)))
        if change <= tolerance:
            return _Fit(first, log_likelihood, n, change)
        fallback = second
        current = engine.inside(_extrapolate(current, first, second))


def _extrapolate(start: FloatArray, first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the SQUAREM point of two EM steps; it is the second itself where they are not longer than usual."""
    r = first - start
    v = second - first - r
    size = float(np.linalg.norm(v))
    alpha = -float(np.linalg.norm(r)) / size if size > 0 else -1.0
    if alpha >= -1:
        return second
    return np.asarray(start - 2 * alpha * r + alpha**2 * v)


class _Engine:
    """One EM problem: the data, the model and how its parameters lie in a vector."""

    def __init__(self, patterns: Patterns, model: Model, prior: GuessingPrior, n_points: int) -> None:
        self.patterns, self.model, self.prior = patterns, model, prior
        self.theta, self.weight = quadrature(n_points)
        self.n_items = patterns.right.shape[1]

    def start(self) -> FloatArray:
        """Return slopes of one, intercepts from the proportions correct, and the prior's asymptote."""
        data = self.patterns
        seen = data.counts @ data.seen if data.seen is not None else data.counts.sum()
        share = (data.counts @ data.right) / seen
        if self.model is Model.THREE_PL:
            share = np.clip((share - self.prior.mode) / (1 - self.prior.mode), 0.05, 1)
        d = 1.2 * logit(np.clip(share, 1e-3, 1 - 1e-3))
        if self.model is Model.RASCH:
            return np.concatenate([[1.0], d])
        guess = np.full(self.n_items, logit(self.prior.mode)) if self.model is Model.THREE_PL else np.empty(0)
        return np.concatenate([np.ones(self.n_items), d, guess])

    def unpack(self, vector: FloatArray) -> Parameters:
        """Return the parameters that a vector holds."""
        k = self.n_items
        if self.model is Model.RASCH:
            return Parameters(np.full(k, vector[0]), vector[1:].copy(), np.zeros(k))
        c = expit(vector[2 * k :]) if self.model is Model.THREE_PL else np.zeros(k)
        return Parameters(vector[:k].copy(), vector[k : 2 * k].copy(), c)

    def inside(self, vector: FloatArray) -> FloatArray:
        """Return the vector with every parameter inside wide bounds."""
        k = self.n_items
        n_slopes = 1 if self.model is Model.RASCH else k
        bound = np.repeat([BOUND_A, BOUND_D, BOUND_G], [n_slopes, k, vector.size - n_slopes - k])
        return np.asarray(np.clip(vector, -bound, bound))

    def step(self, vector: FloatArray) -> tuple[FloatArray, float, float]:
        """Return the vector after one EM step, the objective and the log-likelihood before it."""
        now = self.unpack(vector)
        right, total, log_likelihood = expected_counts(self.patterns, now, self.theta, self.weight)
        after = (
            self._maximise_common(vector, right, total)
            if self.model is Model.RASCH
            else self._maximise(vector, right, total)
        )
        return after, log_likelihood + self._log_prior(now.c), log_likelihood

    def _log_prior(self, c: FloatArray) -> float:
        if self.model is not Model.THREE_PL:
            return 0.0
        return float(((self.prior.alpha - 1) * np.log(c) + (self.prior.beta - 1) * np.log1p(-c)).sum())

    def _maximise(self, vector: FloatArray, right: FloatArray, total: FloatArray) -> FloatArray:
        """Return each item's parameters after scoring steps on the expected counts."""
        k, width = self.n_items, 3 if self.model is Model.THREE_PL else 2
        table = vector.reshape(width, k).copy()
        for _ in range(MAX_NEWTON):
            gradient, information = self._derivatives(table, right, total)
            move = np.linalg.solve(information.transpose(2, 0, 1), gradient.T[:, :, None])[:, :, 0].T
            move *= np.minimum(1.0, MAX_STEP / np.maximum(np.abs(move).max(axis=0), 1e-300))
            table = self.inside((table + move).ravel()).reshape(width, k)
            if np.abs(move).max() < NEWTON_DONE:
                break
        return table.ravel()

    def _derivatives(self, table: FloatArray, right: FloatArray, total: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return gradient (width, n_items) and expected information (width, width, n_items) of the counts."""
        width = table.shape[0]
        c = expit(table[2]) if width == 3 else np.zeros(self.n_items)
        p, h = score_weights(self.theta, table[0], table[1], c)
        rest, spread = right - total * p, total * p * (1 - p)
        gradient = np.stack([np.einsum("jq,jq->j", one, rest) for one in h[:width]])
        information = np.empty((width, width, self.n_items))
        for i in range(width):
            for j in range(i + 1):
                information[i, j] = information[j, i] = np.einsum("jq,jq,jq->j", h[i], h[j], spread)
        if width == 3:
            alpha, beta = self.prior.alpha - 1, self.prior.beta - 1
            gradient[2] += alpha * (1 - c) - beta * c
            information[2, 2] += (alpha + beta) * c * (1 - c)
        information += 1e-9 * np.eye(width)[:, :, None]
        return gradient, information

    def _maximise_common(self, vector: FloatArray, right: FloatArray, total: FloatArray) -> FloatArray:
        """Return common slope and intercepts after Newton steps; the arrow-shaped system is solved by elimination."""
        a, d = float(vector[0]), vector[1:].copy()
        for _ in range(MAX_NEWTON):
            p = expit(a * self.theta + d[:, None])
            rest, spread = right - total * p, total * p * (1 - p)
            own, cross = spread.sum(axis=1) + 1e-9, spread @ self.theta
            score_d = rest.sum(axis=1)
            pivot = float((spread @ self.theta**2).sum() - (cross**2 / own).sum()) + 1e-9
            move_a = float((rest @ self.theta).sum() - (cross * score_d / own).sum()) / pivot
            move_d = (score_d - cross * move_a) / own
            factor = min(1.0, MAX_STEP / max(abs(move_a), float(np.abs(move_d).max()), 1e-300))
            a, d = a + factor * move_a, d + factor * move_d
            if max(abs(move_a), float(np.abs(move_d).max())) < NEWTON_DONE:
                break
        return self.inside(np.concatenate([[a], d]))


def expected_counts(
    patterns: Patterns, parameters: Parameters, theta: FloatArray, weight: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    """Return expected right answers and answers at every ability, shape (n_items, n_theta), and the log-likelihood.

    Notes
    -----
    ``N_i(theta) = sum_u n_u s_ui h(theta | u)`` and ``R_i(theta) = sum_u n_u s_ui x_ui h(theta | u)`` with the posterior h
    and s = 1 where the item was reached.

    References
    ----------
    Bock & Aitkin (1981), Psychometrika 46, 443-459.

    Examples
    --------
    >>> theta, weight = quadrature(31)
    >>> one = Parameters(np.ones(1), np.zeros(1), np.zeros(1))
    >>> right, total, log_likelihood = expected_counts(compress([[1], [0]]), one, theta, weight)
    >>> float(right.sum().round(6)), float(total.sum().round(6)), round(log_likelihood, 6)
    (1.0, 2.0, -1.386294)
    """
    n_items, n_points = parameters.a.size, theta.size
    right = np.zeros((n_items, n_points))
    total = np.zeros((n_items, n_points))
    log_likelihood = 0.0
    for begin in range(0, len(patterns.counts), BLOCK):
        rows = slice(begin, begin + BLOCK)
        posterior, logs = posteriors(patterns, rows, parameters, theta, weight)
        counts = patterns.counts[rows]
        log_likelihood += float(counts @ logs)
        posterior *= counts[:, None]
        right += patterns.right[rows].T @ posterior
        total += posterior.sum(axis=0) if patterns.seen is None else patterns.seen[rows].T @ posterior
    return right, total, log_likelihood


def posteriors(
    patterns: Patterns, rows: slice, parameters: Parameters, theta: FloatArray, weight: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the posterior of every pattern over the abilities, and its log-likelihood.

    Notes
    -----
    ``h(theta | u) = L(u | theta) w(theta) / sum L(u | theta) w(theta)``; the sum below is the pattern's likelihood.

    References
    ----------
    Bock & Aitkin (1981), Psychometrika 46, 443-459.

    Examples
    --------
    >>> theta, weight = quadrature(31)
    >>> one = Parameters(np.ones(1), np.zeros(1), np.zeros(1))
    >>> posterior, _ = posteriors(compress([[1]]), slice(None), one, theta, weight)
    >>> float(posterior.sum().round(12)), bool(posterior[0] @ theta > 0)
    (1.0, True)
    """
    log_right, log_wrong = log_probabilities(theta, parameters.a, parameters.d, parameters.c)
    joint = patterns.right[rows] @ (log_right - log_wrong)
    joint += log_wrong.sum(axis=0) if patterns.seen is None else patterns.seen[rows] @ log_wrong
    joint += np.log(weight)
    top = joint.max(axis=1)
    joint -= top[:, None]
    np.exp(joint, out=joint)
    size = joint.sum(axis=1)
    joint /= size[:, None]
    return joint, top + np.log(size)


def usable_items(scores: ArrayLike) -> BoolArray:
    """Say of each item whether it can be calibrated: marks of 0 and 1 alone, and both of them.

    Examples
    --------
    >>> usable_items([[1, 1, 0.5], [0, 1, 0]])
    array([ True, False, False])
    """
    matrix = score_matrix(scores)
    right, wrong = (matrix == 1).any(axis=0), (matrix == 0).any(axis=0)
    return np.asarray(right & wrong & (np.isnan(matrix) | (matrix == 0) | (matrix == 1)).all(axis=0))
