"""Figures that people who come from Moodle look for: discriminative efficiency, intended and effective weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from psychometrics.arrays import FloatArray, ParameterError, ratio, score_matrix

NOISE = 1e-12
"""A correlation below this is what rounding leaves of none; its sign would follow the order of the rows."""


@dataclass(frozen=True, slots=True)
class ItemWeights:
    """Figures in percent, shape (n_items,) each.

    Attributes
    ----------
    intended : ndarray of float64
        Share of the form's marks.
    effective : ndarray of float64
        Share of the spread of totals; NaN where an item goes against the total.
    discrimination : ndarray of float64
        100 times the correlation of item and rest.
    efficiency : ndarray of float64
        Covariance of item and rest in percent of the largest that their distributions allow.
    """

    intended: FloatArray
    effective: FloatArray
    discrimination: FloatArray
    efficiency: FloatArray


def item_weights(scores: ArrayLike, max_scores: ArrayLike) -> ItemWeights:
    r"""Return how much each item was meant to count and how much it did.

    Parameters
    ----------
    scores : array_like, shape (n_persons, n_items)
        Marks; what was not reached counts 0, as Moodle counts it.
    max_scores : array_like, shape (n_items,)
        Positive.

    Returns
    -------
    ItemWeights
        NaN where marks do not vary.

    Notes
    -----
    .. math:: w_i = \frac{\sqrt{\operatorname{cov}(x_i, t)}}{\sum_j \sqrt{\operatorname{cov}(x_j, t)}},\;
       e_i = \frac{\operatorname{cov}(x_i, r_i)}{\operatorname{cov}_{\max}(x_i, r_i)}

    where the largest covariance is that of both, each sorted.

    References
    ----------
    Moodle documentation, "Quiz statistics calculations" (discriminative efficiency, effective question weight).

    Examples
    --------
    >>> found = item_weights([[1, 1], [0, 0], [1, 0], [0, 1]], [1, 1])
    >>> found.intended.tolist(), found.effective.tolist(), found.efficiency.tolist()
    ([50.0, 50.0], [50.0, 50.0], [0.0, 0.0])
    """
    marks, most = np.nan_to_num(score_matrix(scores)), np.asarray(max_scores, np.float64)
    if most.shape != (marks.shape[1],) or not (most > 0).all():
        raise ParameterError("every item needs a positive maximum")
    if len(marks) < 2:
        nothing = np.full(most.size, np.nan)
        return ItemWeights(100 * most / most.sum(), nothing, nothing, nothing)
    total = marks.sum(axis=1)
    rest = total[:, None] - marks
    own, other = marks - marks.mean(axis=0), rest - rest.mean(axis=0)
    covariance = (own * other).mean(axis=0)
    best = (np.sort(own, axis=0) * np.sort(other, axis=0)).mean(axis=0)
    root = np.sqrt(_without_noise(own, total - total.mean()))
    spread = np.sqrt((own**2).mean(axis=0) * (other**2).mean(axis=0))
    return ItemWeights(
        100 * most / most.sum(),
        100 * ratio(root, np.full(most.size, np.nansum(root))),
        100 * ratio(covariance, spread),
        100 * ratio(covariance, best),
    )


def _without_noise(own: FloatArray, total: FloatArray) -> FloatArray:
    """Return the covariances with the total, NaN where negative; one that rounding alone tells from zero is zero."""
    covariance: FloatArray = (own * total[:, None]).mean(axis=0)
    scale = np.sqrt((own**2).mean(axis=0) * (total**2).mean())
    covariance[np.abs(covariance) <= NOISE * scale] = 0
    return np.where(covariance >= 0, covariance, np.nan)
