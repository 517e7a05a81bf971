"""Item fit and local dependence: whether the model predicts what persons of equal score or ability did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, expit

from psychometrics.arrays import FloatArray, IntArray, ParameterError, ratio, score_matrix
from psychometrics.irt import Model, Parameters, quadrature

N_FREE = {Model.RASCH: 1, Model.TWO_PL: 2, Model.THREE_PL: 3}
"""Parameters of an item that its S-X2 loses a degree of freedom for each."""


@dataclass(frozen=True, slots=True)
class ScoreFit:
    """S-X2 of every item, shape (n_items,) each; NaN and 0 where no degree of freedom is left."""

    statistic: FloatArray
    df: IntArray
    p_value: FloatArray


@dataclass(frozen=True, slots=True)
class ResidualFit:
    """Mean squares of every item, shape (n_items,) each; 1 is expected, above 1.3 noisy, below 0.7 too regular.

    Attributes
    ----------
    infit, outfit : ndarray of float64
        Weighted by information, and not.
    infit_t, outfit_t : ndarray of float64
        The same as roughly normal deviates (Wilson-Hilferty).
    """

    infit: FloatArray
    outfit: FloatArray
    infit_t: FloatArray
    outfit_t: FloatArray


def summed_score_likelihoods(p: FloatArray) -> FloatArray:
    r"""Return the chance of every summed score at every ability.

    Parameters
    ----------
    p : ndarray of float64, shape (n_items, n_theta)
        Chances of a right answer.

    Returns
    -------
    ndarray of float64, shape (n_items + 1, n_theta)

    Notes
    -----
    .. math:: S_k(\theta) = S_{k}(\theta) (1 - P_i) + S_{k-1}(\theta) P_i, \text{ item after item}

    References
    ----------
    Lord & Wingersky (1984), Appl. Psychol. Meas. 8, 453-461.

    Examples
    --------
    >>> summed_score_likelihoods(np.array([[0.5], [0.5]])).ravel()
    array([0.25, 0.5 , 0.25])
    """
    n_items, n_theta = p.shape
    table = np.zeros((n_items + 1, n_theta))
    table[0] = 1.0
    for place, chance in enumerate(p):
        table[1 : place + 2] = table[1 : place + 2] * (1 - chance) + table[: place + 1] * chance
        table[0] *= 1 - chance
    return table


def score_fit(scores: ArrayLike, items: Parameters, model: Model, *, min_expected: float = 1.0) -> ScoreFit:
    r"""Return S-X2: observed and expected right answers in groups of equal summed score.

    Parameters
    ----------
    scores : array_like, shape (n_persons, n_items)
        1, 0 or NaN; persons who did not reach every item are left out, because they have no comparable sum.
    items : Parameters
        Logistic metric, D = 1.
    model : Model
        Says how many parameters of each item were estimated.
    min_expected : float
        Neighbouring score groups are joined, from both ends inwards, until right and wrong answers expect this many.

    Returns
    -------
    ScoreFit

    Raises
    ------
    ParameterError
        If scores are not 0 and 1, or nobody answered every item.

    Notes
    -----
    .. math:: S\text{-}X^2_i = \sum_{k=1}^{n-1} N_k \frac{(O_{ik} - E_{ik})^2}{E_{ik} (1 - E_{ik})},\;
       E_{ik} = \frac{\int P_i S^{*i}_{k-1} \phi}{\int S_k \phi}

    References
    ----------
    Orlando & Thissen (2000), Appl. Psychol. Meas. 24, 50-64.

    Examples
    --------
    >>> items = Parameters(np.ones(3), np.zeros(3), np.zeros(3))
    >>> rng = np.random.default_rng(1)
    >>> answers = rng.random((600, 3)) < 1 / (1 + np.exp(-rng.normal(size=(600, 1))))
    >>> score_fit(answers, items, Model.RASCH).df
    array([1, 1, 1])
    """
    marks = _complete(scores, items)
    theta, weight = quadrature()
    p = _chances(theta, items)
    n_items = marks.shape[1]
    total = marks.sum(axis=1).astype(np.int64)
    size = np.bincount(total, minlength=n_items + 1)[1:n_items].astype(np.float64)
    right = np.stack([np.bincount(total, weights=column, minlength=n_items + 1)[1:n_items] for column in marks.T])
    everybody = (summed_score_likelihoods(p) @ weight)[1:n_items]
    statistic, df = np.full(n_items, np.nan), np.zeros(n_items, np.int64)
    for item in range(n_items):
        others = summed_score_likelihoods(np.delete(p, item, axis=0))[: n_items - 1]
        expected = (others * p[item]) @ weight / everybody
        table = _joined(np.stack([size, right[item], size * expected]), min_expected)
        df[item] = max(table.shape[1] - N_FREE[model], 0)
        if df[item]:
            n, seen, meant = table
            statistic[item] = ((seen - meant) ** 2 / (meant * (1 - meant / n))).sum()
    return ScoreFit(statistic, df, np.where(df > 0, chdtrc(np.maximum(df, 1), np.nan_to_num(statistic)), np.nan))


def _joined(table: FloatArray, least: float) -> FloatArray:
    """Return the groups (persons, right, expected right), thin ones joined to the neighbour towards the middle."""
    groups = [column for column in table.T if column[0] > 0]
    for is_low in (True, False):
        while len(groups) > 1 and _is_thin(groups[0 if is_low else -1], least):
            place = 0 if is_low else len(groups) - 2
            groups[place : place + 2] = [groups[place] + groups[place + 1]]
    place = 0
    while place < len(groups) - 1:
        if _is_thin(groups[place], least):
            groups[place : place + 2] = [groups[place] + groups[place + 1]]
        else:
            place += 1
    return np.stack(groups, axis=1) if groups else np.zeros((3, 0))


def _is_thin(group: FloatArray, least: float) -> bool:
    return bool(min(group[2], group[0] - group[2]) < least)


def residual_fit(scores: ArrayLike, theta: ArrayLike, items: Parameters) -> ResidualFit:
    r"""Return infit and outfit of every item.

    Parameters
    ----------
    scores : array_like, shape (n_persons, n_items)
        1, 0 or NaN where not reached.
    theta : array_like, shape (n_persons,)
        Abilities; persons without a finite one are left out.
    items : Parameters
        Logistic metric, D = 1.

    Returns
    -------
    ResidualFit
        NaN for items that nobody answered.

    Notes
    -----
    With ``z = (x - P) / sqrt(PQ)``: outfit is the mean of ``z**2``, infit is

    .. math:: \sum (x - P)^2 / \sum P Q

    References
    ----------
    Wright & Masters (1982), Rating Scale Analysis, chapter 5.

    Examples
    --------
    >>> items = Parameters(np.ones(1), np.zeros(1), np.zeros(1))
    >>> found = residual_fit([[1], [0]], [0.0, 0.0], items)
    >>> found.infit.tolist(), found.outfit.tolist()
    ([1.0], [1.0])
    """
    rest, spread, seen = _residuals(scores, theta, items)
    n = seen.sum(axis=0).astype(np.float64)
    kurtosis = np.where(seen, spread * (1 - 3 * spread), 0.0)  # fourth central moment of a right-or-wrong answer
    total = np.where(seen, spread, 0.0).sum(axis=0)
    squared = np.where(seen, rest**2, 0.0)
    infit = ratio(squared.sum(axis=0), total)
    outfit = ratio(np.where(seen, squared / np.where(seen, spread, 1.0), 0.0).sum(axis=0), n)
    infit_variance = ratio((kurtosis - np.where(seen, spread**2, 0.0)).sum(axis=0), total**2)
    inverse = np.where(seen, kurtosis / np.where(seen, spread, 1.0) ** 2, 0.0)
    outfit_variance = ratio(inverse.sum(axis=0) - n, n**2)
    return ResidualFit(infit, outfit, _deviate(infit, infit_variance), _deviate(outfit, outfit_variance))


def _deviate(mean_square: FloatArray, variance: FloatArray) -> FloatArray:
    """Return the cube-root transformation to a normal deviate."""
    q = np.sqrt(np.maximum(variance, 0))
    return np.asarray((np.cbrt(mean_square) - 1) * ratio(np.full_like(q, 3.0), q) + q / 3)


def residual_correlations(scores: ArrayLike, theta: ArrayLike, items: Parameters) -> FloatArray:
    r"""Return Yen's Q3: how the residuals of each pair of items go together.

    Two items whose Q3 lies more than about 0.2 above the mean of all pairs share something beside the ability: one
    gives the other away, or they belong to one stimulus.

    Parameters
    ----------
    scores : array_like, shape (n_persons, n_items)
        1, 0 or NaN where not reached.
    theta : array_like, shape (n_persons,)
        Abilities; persons without a finite one are left out.
    items : Parameters
        Logistic metric, D = 1.

    Returns
    -------
    ndarray of float64, shape (n_items, n_items)
        1 on the diagonal; NaN where fewer than three persons answered both or residuals do not vary.

    Notes
    -----
    .. math:: Q_{3,ij} = \operatorname{corr}(x_i - P_i(\hat\theta), x_j - P_j(\hat\theta))

    expected near ``-1 / (n - 1)``.

    References
    ----------
    Yen (1984), Appl. Psychol. Meas. 8, 125-145; Christensen, Makransky & Horton (2017), Appl. Psychol. Meas. 41,
    178-194.

    Examples
    --------
    >>> items = Parameters(np.ones(2), np.zeros(2), np.zeros(2))
    >>> residual_correlations([[1, 1], [0, 0], [1, 1]], [0.0, 0.0, 0.0], items).round(3)
    array([[1., 1.],
           [1., 1.]])
    """
    rest, _, seen = _residuals(scores, theta, items)
    value, both = np.where(seen, rest, 0.0), seen.astype(np.float64)
    n = both.T @ both
    first, square, product = value.T @ both, (value**2).T @ both, value.T @ value
    cov = product - ratio(first * first.T, n)
    spread = square - ratio(first**2, n)
    usable = (n >= 3) & (spread > 0) & (spread.T > 0)
    scale = np.sqrt(np.where(usable, spread * spread.T, 1.0))
    return np.where(usable, np.clip(cov / scale, -1, 1), np.nan)


def _residuals(
    scores: ArrayLike, theta: ArrayLike, items: Parameters
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Return residuals, variances of the answers, and what was answered by a person of known ability."""
    marks, place = score_matrix(scores), np.asarray(theta, np.float64)
    if place.shape != (len(marks),) or marks.shape[1] != items.a.size:
        raise ParameterError("scores need one ability for each person and one parameter for each item")
    seen = ~np.isnan(marks) & np.isfinite(place)[:, None]
    p = np.clip(_chances(np.where(np.isfinite(place), place, 0.0), items).T, 1e-12, 1 - 1e-12)
    return np.where(seen, np.nan_to_num(marks) - p, 0.0), p * (1 - p), seen


def _chances(theta: FloatArray, items: Parameters) -> FloatArray:
    """Return the chances of a right answer, shape (n_items, n_theta)."""
    c = items.c[:, None]
    return np.asarray(c + (1 - c) * expit(np.outer(items.a, theta) + items.d[:, None]))


def _complete(scores: ArrayLike, items: Parameters) -> FloatArray:
    marks = score_matrix(scores)
    if marks.shape[1] != items.a.size:
        raise ParameterError("scores need one parameter for each item")
    marks = marks[~np.isnan(marks).any(axis=1)]
    if not marks.size or not ((marks == 0) | (marks == 1)).all():
        raise ParameterError("scores must hold persons with a 0 or 1 on every item")
    return marks
