"""The array types of this package and the checks that every entry point makes."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]


NO_VARIANCE = 1e-12
"""Variances below this share of the squared scale are rounding, not spread."""


class ParameterError(ValueError):
    """An argument has the wrong shape or leaves its range."""


def score_matrix(scores: ArrayLike) -> FloatArray:
    """Return scores as a float64 matrix; NaN marks an item that a person did not reach.

    Parameters
    ----------
    scores : array_like, shape (n_persons, n_items)
        Marks, each finite or NaN.

    Returns
    -------
    ndarray of float64, shape (n_persons, n_items)

    Raises
    ------
    ParameterError
        If it is not a matrix or holds an infinite mark.

    Examples
    --------
    >>> score_matrix([[1, 0], [1, np.nan]])
    array([[ 1.,  0.],
           [ 1., nan]])
    """
    matrix = np.asarray(scores, dtype=np.float64)
    if matrix.ndim != 2:
        raise ParameterError("scores must be a matrix of persons by items")
    if np.isinf(matrix).any():
        raise ParameterError("scores must be finite, or NaN where not reached")
    return matrix


def ratio(numerator: ArrayLike, denominator: ArrayLike) -> FloatArray:
    """Return a quotient that is NaN where the denominator is not positive.

    Examples
    --------
    >>> ratio([1.0, 2.0], [4.0, 0.0])
    array([0.25,  nan])
    """
    top, bottom = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1.0), np.nan)
