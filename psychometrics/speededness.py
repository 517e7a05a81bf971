"""Whether a test was too long for its time: who reached its end, and how much of what was lost was not reached."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from psychometrics.arrays import ParameterError, score_matrix

MOST = 0.8
"""Share of persons who should reach the last item."""


@dataclass(frozen=True, slots=True)
class Speededness:
    """How much time mattered.

    Attributes
    ----------
    finished : float
        Share of persons who reached the last item.
    three_quarters : float
        Share of persons who reached three quarters of the items.
    spread_ratio : float
        Deviation of the number not reached to that of all that was lost: 0 where only power counts, 1 where only speed
        does; NaN where all lost the same.
    is_speeded : bool
        Whether fewer than 80 percent finished, or somebody did not reach three quarters.
    """

    finished: float
    three_quarters: float
    spread_ratio: float
    is_speeded: bool


def speededness(shares: ArrayLike, *, presented: ArrayLike | None = None) -> Speededness:
    r"""Return how much time mattered on a test.

    Parameters
    ----------
    shares : array_like, shape (n_persons, n_items)
        Marks as shares of the maximum, in [0, 1]; NaN where an item was not reached. Persons may have had their items in
        different orders.
    presented : array_like of bool, shape (n_persons, n_items), optional
        What stood in each person's own form; by default all of it stood in everybody's.

    Returns
    -------
    Speededness

    Raises
    ------
    ParameterError
        If there is nobody or no item, shapes differ, or a share leaves its range.

    Notes
    -----
    With U what was not reached and W what was lost on items that were, each person's loss is X = U + W:

    .. math:: \text{spread ratio} = \sigma_U / \sigma_X

    References
    ----------
    Gulliksen (1950), Theory of Mental Tests, ch. 17; Swineford (1974), ETS SR-74-06 (80 percent finish, practically all
    reach three quarters).

    Examples
    --------
    >>> found = speededness([[1.0, 1.0, 0.0, 1.0], [1.0, 1.0, np.nan, np.nan]])
    >>> found.finished, found.three_quarters, found.is_speeded
    (0.5, 0.5, True)
    """
    marks = score_matrix(shares)
    seen = marks[~np.isnan(marks)]
    if not marks.size or (seen < 0).any() or (seen > 1).any():
        raise ParameterError("shares of at least one person and item are needed, in [0, 1]")
    given = np.ones(marks.shape, bool) if presented is None else np.asarray(presented).astype(bool)
    if given.shape != marks.shape:
        raise ParameterError("every cell must say whether it was given")
    unreached = (np.isnan(marks) & given).sum(axis=1)
    lost = unreached + np.nansum(1 - marks, axis=1)
    finished = float((unreached == 0).mean())
    three_quarters = float((unreached <= given.sum(axis=1) / 4).mean())
    spread = float(lost.std())
    ratio = float(unreached.std()) / spread if spread > 0 else float("nan")
    return Speededness(finished, three_quarters, ratio, finished < MOST or three_quarters < 1)
