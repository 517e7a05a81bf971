"""How the options of an item work: counts, shares, point-biserials, curves, and whether the key is in doubt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from psychometrics.arrays import NO_VARIANCE, BoolArray, FloatArray, IntArray, ParameterError, ratio

NOT_REACHED = -1


@dataclass(frozen=True, slots=True)
class OptionStatistics:
    """Figures of every option of one item.

    Attributes
    ----------
    n : ndarray of int64, shape (n_options,)
        Persons who chose it.
    share : ndarray of float64, shape (n_options,)
        Among those who reached the item.
    point_biserial : ndarray of float64, shape (n_options,)
        Correlation of choosing it with the total; NaN where nobody or everybody chose it or totals are equal.
    """

    n: IntArray
    share: FloatArray
    point_biserial: FloatArray


def option_statistics(answers: IntArray, membership: BoolArray, totals: FloatArray) -> OptionStatistics:
    r"""Return counts, shares and point-biserials of the options of one item.

    Parameters
    ----------
    answers : ndarray of int64, shape (n_persons,)
        Which of the distinct answers a person gave; -1 where the item was not reached.
    membership : ndarray of bool, shape (n_answers, n_options)
        Whether an answer contains an option: ``A;C`` contains A and C, an omission none.
    totals : ndarray of float64, shape (n_persons,)
        Total scores, the item included.

    Returns
    -------
    OptionStatistics

    Notes
    -----
    .. math:: r_o = \frac{\bar T_o - \bar T}{s_T} \sqrt{\frac{p_o}{1-p_o}}

    References
    ----------
    Lord & Novick (1968), Statistical Theories of Mental Test Scores, eq. 15.3.

    Examples
    --------
    >>> found = option_statistics(np.array([0, 0, 1, 1]), np.eye(2, dtype=bool), np.array([4.0, 3.0, 2.0, 1.0]))
    >>> found.n, found.share, found.point_biserial.round(4)
    (array([2, 2]), array([0.5, 0.5]), array([ 0.8944, -0.8944]))
    """
    if answers.shape != totals.shape or (answers.size and answers.max() >= membership.shape[0]):
        raise ParameterError("answers must name rows of membership, one for each total")
    reached = answers != NOT_REACHED
    given, total = answers[reached], totals[reached]
    counts = np.bincount(given, minlength=membership.shape[0])
    centred = total - total.mean() if total.size else total
    sums = np.bincount(given, weights=centred, minlength=membership.shape[0])
    n, above = counts @ membership, sums @ membership
    size, variance = total.size, float(np.mean(centred**2)) if total.size else 0.0
    spread = n * (size - n) * (variance if variance > NO_VARIANCE else 0.0)
    r = np.clip(ratio(above, np.sqrt(spread)), -1, 1)
    return OptionStatistics(n=n.astype(np.int64), share=ratio(n, float(size)), point_biserial=r)


def option_curves(
    answers: IntArray, membership: BoolArray, totals: FloatArray, *, n_groups: int = 5
) -> tuple[FloatArray, FloatArray]:
    """Return the share of each option in groups of rising total: a key rises, a working distractor falls.

    Parameters
    ----------
    answers, membership, totals
        As for `option_statistics`.
    n_groups : int
        Groups of nearly equal size; persons of one total stay together.

    Returns
    -------
    mean_total : ndarray of float64, shape (n_used_groups,)
        Mean total of each group.
    share : ndarray of float64, shape (n_used_groups, n_options)

    References
    ----------
    Wainer (1989), J. Educ. Meas. 26, 191-208 (trace lines of options).

    Examples
    --------
    >>> x, y = option_curves(np.array([0, 0, 1, 1]), np.eye(2, dtype=bool), np.array([4.0, 3, 2, 1]), n_groups=2)
    >>> x, y[:, 0]
    (array([1.5, 3.5]), array([0., 1.]))
    """
    reached = answers != NOT_REACHED
    given, total = answers[reached], totals[reached]
    if not total.size:
        return np.empty(0), np.empty((0, membership.shape[1]))
    borders = np.quantile(total, np.arange(1, n_groups) / n_groups, method="closest_observation")
    group = np.searchsorted(np.unique(borders), total, side="left")
    n_rows = int(group.max()) + 1
    size = np.bincount(group, minlength=n_rows)
    table = np.bincount(group * membership.shape[0] + given, minlength=n_rows * membership.shape[0])
    chosen = table.reshape(n_rows, -1) @ membership
    used = size > 0
    mean = ratio(np.bincount(group, weights=total, minlength=n_rows), size)
    return mean[used], ratio(chosen, size[:, None])[used]


def key_rivals(point_biserials: FloatArray, counts: IntArray, is_key: BoolArray, *, min_count: int = 2) -> IntArray:
    """Return the options outside the key that go with high totals more than the key does, strongest first.

    An item with a wrong key adds to the total for its wrong option, so a rival that still wins deserves a look.

    Parameters
    ----------
    point_biserials : ndarray of float64, shape (n_options,)
    counts : ndarray of int64, shape (n_options,)
    is_key : ndarray of bool, shape (n_options,)
    min_count : int
        Options chosen by fewer are left out.

    Returns
    -------
    ndarray of int64
        Positions of the rivals; empty when the key stands, or when no option is the key.

    References
    ----------
    Haladyna & Rodriguez (2013), Developing and Validating Test Items, ch. 18.

    Examples
    --------
    >>> key_rivals(np.array([-0.1, 0.4, -0.3]), np.array([9, 20, 8]), np.array([True, False, False]))
    array([1])
    """
    if not is_key.any():
        return np.empty(0, np.int64)
    own = point_biserials[is_key]
    best = float(np.nanmin(own)) if not np.isnan(own).all() else -np.inf
    value = np.where(np.isnan(point_biserials), -np.inf, point_biserials)
    rivals = np.flatnonzero(~is_key & (value > max(best, 0.0)) & (counts >= min_count))
    return rivals[np.argsort(-value[rivals], kind="stable")]


def count_unreached(answered: BoolArray) -> IntArray:
    """Return how many persons did not reach each item: nothing answered there or later, in the order of the test.

    Parameters
    ----------
    answered : ndarray of bool, shape (n_persons, n_items)

    Returns
    -------
    ndarray of int64, shape (n_items,)
        Persons whose last answer stands before the item. The first item after the last answer is an omission, as is
        usual, because it was probably looked at.

    References
    ----------
    Lord (1974), Psychometrika 39, 247-264; Mislevy & Wu (1996), ETS RR-96-30.

    Examples
    --------
    >>> count_unreached(np.array([[1, 1, 0, 0], [1, 0, 1, 1]], dtype=bool))
    array([0, 0, 0, 1])
    """
    n_items = answered.shape[1]
    last = n_items - 1 - np.argmax(answered[:, ::-1], axis=1)
    last = np.where(answered.any(axis=1), last, -1)
    return np.asarray((np.arange(n_items) > last[:, None] + 1).sum(axis=0), np.int64)
