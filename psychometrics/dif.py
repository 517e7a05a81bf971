"""Differential item functioning: whether two groups of equal total score do equally well on an item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.special import chdtrc, expit

from psychometrics.arrays import BoolArray, FloatArray, IntArray, ParameterError, ratio, score_matrix

ETS_FACTOR = -2.35
"""From log odds to the delta scale of ETS: 4 / 1.7."""
N_LEVELS = 10
"""Levels of ability where persons had forms of their own."""


@dataclass(frozen=True, slots=True)
class MantelHaenszel:
    """Mantel-Haenszel figures of every item; NaN where a group or an answer is missing.

    Attributes
    ----------
    odds_ratio : ndarray of float64, shape (n_items,)
        Common odds of the reference group over those of the focal group.
    delta, delta_se : ndarray of float64, shape (n_items,)
        On the ETS scale; negative where the item is harder for the focal group.
    chi_square, p_value : ndarray of float64, shape (n_items,)
        With continuity correction, one degree of freedom.
    ets_class : ndarray of str, shape (n_items,)
        ``A`` negligible, ``B`` moderate, ``C`` large, empty where there is no figure.
    """

    odds_ratio: FloatArray
    delta: FloatArray
    delta_se: FloatArray
    chi_square: FloatArray
    p_value: FloatArray
    ets_class: NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class LogisticDif:
    """Likelihood-ratio tests of logistic regression on total, group and their product, shape (n_items,) each.

    `uniform` and `non_uniform` have one degree of freedom, `both` has two.
    """

    uniform: FloatArray
    non_uniform: FloatArray
    both: FloatArray
    p_value: FloatArray
    group_effect: FloatArray


@dataclass(frozen=True, slots=True)
class PurifiedDif:
    """All figures of a comparison against one and the same anchor, shape (n_items,) each.

    Attributes
    ----------
    mantel_haenszel : MantelHaenszel
    difference : ndarray of float64
        STD P-DIF.
    logistic : LogisticDif
    is_suspect : ndarray of bool
        Items taken out of the total that makes persons comparable.
    """

    mantel_haenszel: MantelHaenszel
    difference: FloatArray
    logistic: LogisticDif
    is_suspect: BoolArray


@dataclass(frozen=True, slots=True)
class _Cells:
    """Right answers and answers by item, stratum and group: shape (n_items, n_strata, 2), focal last."""

    right: FloatArray
    seen: FloatArray
    level: FloatArray


_Piece: TypeAlias = tuple[IntArray, FloatArray]
_Figures = TypeVar("_Figures", MantelHaenszel, LogisticDif)


def mantel_haenszel(scores: ArrayLike, is_focal: ArrayLike, *, matching: ArrayLike | None = None) -> MantelHaenszel:
    r"""Return the Mantel-Haenszel comparison of two groups on every item.

    Parameters
    ----------
    scores : array_like, shape (n_persons, n_items)
        1, 0 or NaN.
    is_focal : array_like of bool, shape (n_persons,)
        Who belongs to the focal group.
    matching : array_like of float, shape (n_persons,), optional
        What makes persons comparable; the total by default, with the item itself in it.

    Returns
    -------
    MantelHaenszel

    Notes
    -----
    .. math:: \hat\alpha = \frac{\sum_s A_s D_s / T_s}{\sum_s B_s C_s / T_s},\; \Delta = -2.35 \ln \hat\alpha

    Class A where delta is below 1 or not different from 0, C where it is at least 1.5 and beyond 1 by more than chance
    (one-sided, 5 %), B otherwise.

    References
    ----------
    Holland & Thayer (1988) in Wainer & Braun, Test Validity, 129-145; standard error of Robins, Breslow & Greenland
    (1986), Biometrics 42, 311-323; classes of Zieky (1993) in Holland & Wainer, Differential Item Functioning.

    Examples
    --------
    >>> scores = np.repeat([[1, 0], [0, 1], [1, 0], [0, 1]], [60, 20, 20, 60], axis=0)
    >>> found = mantel_haenszel(scores, np.repeat([0, 0, 1, 1], [60, 20, 20, 60]))
    >>> found.odds_ratio.round(3), found.delta.round(3), found.ets_class.tolist()
    (array([9.   , 0.111]), array([-5.163,  5.163]), ['C', 'C'])
    """
    matrix, focal = _checked(scores, is_focal)
    level = np.nansum(matrix, axis=1) if matching is None else np.asarray(matching, np.float64)
    return _mantel_haenszel(_cells(matrix, focal, level))


def standardised_difference(scores: ArrayLike, is_focal: ArrayLike, *, matching: ArrayLike | None = None) -> FloatArray:
    r"""Return STD P-DIF: how much less often the focal group is right than equals of the reference group.

    Parameters
    ----------
    scores : array_like, shape (n_persons, n_items)
        1, 0 or NaN.
    is_focal : array_like of bool, shape (n_persons,)
        Who belongs to the focal group.
    matching : array_like of float, shape (n_persons,), optional
        What makes persons comparable; the total by default.

    Returns
    -------
    ndarray of float64, shape (n_items,)
        In [-1, 1], negative where the item is harder for the focal group; beyond 0.05 worth a look, beyond 0.10
        unusual. NaN where no level has persons of both groups.

    Notes
    -----
    .. math:: D = \frac{\sum_s n_{Fs} (P_{Fs} - P_{Rs})}{\sum_s n_{Fs}}

    References
    ----------
    Dorans & Kulick (1986), J. Educ. Meas. 23, 355-368.

    Examples
    --------
    >>> scores = np.repeat([[1, 0], [0, 1], [1, 0], [0, 1]], [60, 20, 20, 60], axis=0)
    >>> standardised_difference(scores, np.repeat([0, 0, 1, 1], [60, 20, 20, 60]))
    array([-0.5,  0.5])
    """
    matrix, focal = _checked(scores, is_focal)
    level = np.nansum(matrix, axis=1) if matching is None else np.asarray(matching, np.float64)
    cells = _cells(matrix, focal, level)
    share = ratio(cells.right, cells.seen)
    both = (cells.seen > 0).all(axis=2)
    weight = np.where(both, cells.seen[:, :, 1], 0.0)
    gap = np.where(both, np.nan_to_num(share[:, :, 1]) - np.nan_to_num(share[:, :, 0]), 0.0)
    return ratio((weight * gap).sum(axis=1), weight.sum(axis=1))


def purified_mantel_haenszel(
    scores: ArrayLike,
    is_focal: ArrayLike,
    *,
    significance: float = 0.05,
    max_rounds: int = 10,
    presented: ArrayLike | None = None,
) -> tuple[MantelHaenszel, BoolArray]:
    """Return the Mantel-Haenszel figures with flagged items taken out of the matching total, and who was flagged.

    Parameters
    ----------
    scores, is_focal
        As for `mantel_haenszel`.
    significance : float
        Items whose p-value is below are flagged.
    max_rounds : int
        Rounds until the flagged set stays the same.
    presented : array_like of bool, shape (n_persons, n_items), optional
        What stood in each person's own form, where forms differ: persons are then matched by the share of the own form
        that was right, in ten levels of nearly equal size, since equal totals of different forms are no equals and exact
        shares leave too few in a level ("thick matching").

    Returns
    -------
    MantelHaenszel, ndarray of bool

    References
    ----------
    Clauser, Mazor & Hambleton (1993), Appl. Meas. Educ. 6, 269-279. The studied item stays in its own total. Thick
    matching: Donoghue & Allen (1993), J. Educ. Stat. 18, 131-154.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> focal, theta = np.arange(1200) % 2 == 1, rng.normal(size=(1200, 1))
    >>> shift = np.where(np.arange(10) == 3, 1.5, 0.0) * focal[:, None]
    >>> _, flagged = purified_mantel_haenszel(rng.random((1200, 10)) < 1 / (1 + np.exp(shift - theta)), focal)
    >>> bool(flagged[3])
    True
    """
    matrix, focal = _checked(scores, is_focal)
    given = _given(matrix, presented)
    everything = np.ones(matrix.shape[1], bool)
    found = _against_anchor(matrix, focal, everything, given)
    flagged = found.p_value < significance
    for _ in range(max_rounds):
        if flagged.all():
            break
        found = _against_anchor(matrix, focal, ~flagged, given)
        now = found.p_value < significance
        if (now == flagged).all():
            break
        flagged = now
    return found, flagged


def purified_dif(
    scores: ArrayLike,
    is_focal: ArrayLike,
    *,
    significance: float = 0.05,
    max_rounds: int = 10,
    presented: ArrayLike | None = None,
) -> PurifiedDif:
    """Return Mantel-Haenszel, standardised difference and logistic tests against the items that purification leaves.

    Parameters
    ----------
    scores, is_focal, significance, max_rounds, presented
        As for `purified_mantel_haenszel`, which finds the anchor.

    Returns
    -------
    PurifiedDif
        A suspect item's own mark stays in the total that it is matched by. Where every item is suspect, all stay in.

    References
    ----------
    Clauser, Mazor & Hambleton (1993), Appl. Meas. Educ. 6, 269-279; French & Maller (2007), Educ. Psychol. Meas. 67,
    373-393, for logistic regression.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> focal, theta = np.arange(1200) % 2 == 1, rng.normal(size=(1200, 1))
    >>> shift = np.where(np.arange(10) == 3, 1.5, 0.0) * focal[:, None]
    >>> found = purified_dif(rng.random((1200, 10)) < 1 / (1 + np.exp(shift - theta)), focal)
    >>> str(found.mantel_haenszel.ets_class[3]), bool(found.difference[3] < -0.1), bool(found.logistic.p_value[3] < 0.01)
    ('C', True, True)
    """
    found, suspect = purified_mantel_haenszel(
        scores, is_focal, significance=significance, max_rounds=max_rounds, presented=presented
    )
    matrix, focal = _checked(scores, is_focal)
    pieces = _pieces(matrix, np.ones_like(suspect) if suspect.all() else ~suspect, _given(matrix, presented))
    gaps = [standardised_difference(matrix[:, columns], focal, matching=level) for columns, level in pieces]
    tests = [logistic_dif(matrix[:, columns], focal, matching=level) for columns, level in pieces]
    return PurifiedDif(found, np.concatenate(gaps)[_order(pieces)], _joined(tests, pieces), suspect)


def _given(matrix: FloatArray, presented: ArrayLike | None) -> BoolArray | None:
    """Return what stood in each person's own form; None where one form was everybody's."""
    if presented is None:
        return None
    given = np.asarray(presented).astype(bool)
    if given.shape != matrix.shape:
        raise ParameterError("every cell must say whether it was given")
    return given


def _pieces(matrix: FloatArray, anchor: BoolArray, given: BoolArray | None) -> list[_Piece]:
    """Return columns with the level they are matched by: the anchor together, every other item with its own mark added."""
    marks = np.nan_to_num(matrix)
    total = marks[:, anchor].sum(axis=1)
    size = None if given is None else given[:, anchor].sum(axis=1)
    others = [
        (np.array([j]), _level(total + marks[:, j], None if size is None or given is None else size + given[:, j]))
        for j in np.flatnonzero(~anchor)
    ]
    return [(np.flatnonzero(anchor), _level(total, size)), *others]


def _level(total: FloatArray, size: IntArray | None) -> FloatArray:
    """Return the total itself, or which tenth of the persons a share of the own items belongs to."""
    if size is None:
        return total
    share = np.nan_to_num(ratio(total, size))
    borders = np.quantile(share, np.arange(1, N_LEVELS) / N_LEVELS)
    return np.searchsorted(np.unique(borders), share, side="right").astype(np.float64)


def _order(pieces: Sequence[_Piece]) -> IntArray:
    return np.argsort(np.concatenate([columns for columns, _level in pieces]))


def _joined(parts: Sequence[_Figures], pieces: Sequence[_Piece]) -> _Figures:
    back = _order(pieces)
    names = [one.name for one in fields(parts[0])]
    return type(parts[0])(**{name: np.concatenate([getattr(part, name) for part in parts])[back] for name in names})


def _against_anchor(matrix: FloatArray, focal: BoolArray, anchor: BoolArray, given: BoolArray | None) -> MantelHaenszel:
    """Return the figures with the total of the anchor items, the studied item added where it is none."""
    pieces = _pieces(matrix, anchor, given)
    parts = [_mantel_haenszel(_cells(matrix[:, columns], focal, level)) for columns, level in pieces]
    return _joined(parts, pieces)


def logistic_dif(scores: ArrayLike, is_focal: ArrayLike, *, matching: ArrayLike | None = None) -> LogisticDif:
    r"""Return likelihood-ratio tests for uniform and non-uniform differences.

    Parameters
    ----------
    scores, is_focal, matching
        As for `mantel_haenszel`.

    Returns
    -------
    LogisticDif
        `group_effect` is the log odds of the focal group in the uniform model; negative where the item is harder for
        it. Items on which somebody's group never varies are NaN.

    Notes
    -----
    .. math:: \operatorname{logit} P = \beta_0 + \beta_1 T + \beta_2 G + \beta_3 T G

    References
    ----------
    Swaminathan & Rogers (1990), J. Educ. Meas. 27, 361-370.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> focal, theta = np.arange(1200) % 2 == 1, rng.normal(size=(1200, 1))
    >>> shift = np.where(np.arange(10) == 3, 1.0, 0.0) * focal[:, None]
    >>> found = logistic_dif(rng.random((1200, 10)) < 1 / (1 + np.exp(shift - theta)), focal)
    >>> int(found.uniform.argmax()), bool(found.group_effect[3] < 0)
    (3, True)
    """
    matrix, focal = _checked(scores, is_focal)
    level = np.nansum(matrix, axis=1) if matching is None else np.asarray(matching, np.float64)
    cells = _cells(matrix, focal, level)
    scale = float(cells.level.std()) or 1.0
    total = np.repeat((cells.level - cells.level.mean()) / scale, 2)
    group = np.tile([0.0, 1.0], len(cells.level))
    design = np.column_stack([np.ones_like(total), total, group, total * group])
    right, seen = (one.reshape(len(one), -1) for one in (cells.right, cells.seen))
    base, uniform, full = (_logistic_fit(design[:, :width], right, seen) for width in (2, 3, 4))
    both = np.maximum(full[0] - base[0], 0) * 2
    single = np.maximum(uniform[0] - base[0], 0) * 2
    usable = _usable(cells)
    return LogisticDif(
        uniform=np.where(usable, single, np.nan),
        non_uniform=np.where(usable, np.maximum(both - single, 0), np.nan),
        both=np.where(usable, both, np.nan),
        p_value=np.where(usable, chdtrc(2, both), np.nan),
        group_effect=np.where(usable, uniform[1][:, 2], np.nan),
    )


def _logistic_fit(design: FloatArray, right: FloatArray, seen: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the largest log-likelihood and the coefficients of every item, by Newton's method with short steps."""
    beta = np.zeros((len(right), design.shape[1]))
    for _ in range(60):
        p = expit(beta @ design.T)
        gradient = (right - seen * p) @ design
        curvature = np.einsum("jc,cu,cv->juv", seen * p * (1 - p), design, design) + 1e-9 * np.eye(design.shape[1])
        move = np.linalg.solve(curvature, gradient[:, :, None])[:, :, 0]
        move *= np.minimum(1.0, 2.0 / np.maximum(np.abs(move).max(axis=1, keepdims=True), 1e-300))
        beta += move
        if np.abs(move).max(initial=0.0) < 1e-9:
            break
    logit = beta @ design.T
    log_right, log_wrong = -np.logaddexp(0, -logit), -np.logaddexp(0, logit)
    return (right * log_right + (seen - right) * log_wrong).sum(axis=1), beta


def _usable(cells: _Cells) -> BoolArray:
    right, seen = cells.right.sum(axis=1), cells.seen.sum(axis=1)
    return np.asarray(((seen > 0).all(axis=1)) & (right.sum(axis=1) > 0) & (right.sum(axis=1) < seen.sum(axis=1)))


def _checked(scores: ArrayLike, is_focal: ArrayLike) -> tuple[FloatArray, BoolArray]:
    matrix, focal = score_matrix(scores), np.asarray(is_focal).astype(bool)
    if focal.shape != (len(matrix),):
        raise ParameterError("is_focal must say of every person whether he or she is in the focal group")
    if not (np.isnan(matrix) | (matrix == 0) | (matrix == 1)).all():
        raise ParameterError("scores must be 0, 1 or NaN")
    return matrix, focal


def _cells(matrix: FloatArray, focal: BoolArray, level: FloatArray) -> _Cells:
    """Return the counts by stratum and group."""
    levels, stratum = np.unique(level, return_inverse=True)
    n_places = 2 * len(levels)
    place: IntArray = stratum.ravel() * 2 + focal
    member = csr_array((np.ones(len(place)), (place, np.arange(len(place)))), shape=(n_places, len(place)))
    missing = np.isnan(matrix)
    some = bool(missing.any())
    right = member @ (np.where(missing, 0.0, matrix) if some else matrix)
    size = np.bincount(place, minlength=n_places).astype(np.float64)
    seen = size[:, None] - (member @ missing.astype(np.float64) if some else np.zeros(matrix.shape[1]))
    shape = (matrix.shape[1], len(levels), 2)
    return _Cells(right.T.reshape(shape), seen.T.reshape(shape), levels)


def _mantel_haenszel(cells: _Cells) -> MantelHaenszel:
    a, c = cells.right[:, :, 0], cells.right[:, :, 1]
    b, d = cells.seen[:, :, 0] - a, cells.seen[:, :, 1] - c
    n = a + b + c + d
    with np.errstate(divide="ignore", invalid="ignore"):
        own, cross = ratio(a * d, n), ratio(b * c, n)
        own, cross = np.nan_to_num(own), np.nan_to_num(cross)
        r, s = own.sum(axis=1), cross.sum(axis=1)
        odds = np.where((r > 0) & (s > 0), r / s, np.nan)
        variance = _log_odds_variance((a, b, c, d, n), own, cross)
        n_right, n_reference = a + c, a + b
        expected = np.nan_to_num(ratio(n_reference * n_right, n)).sum(axis=1)
        spread = ratio(n_reference * (c + d) * n_right * (b + d), n**2 * np.maximum(n - 1, 1))
        spread = np.nan_to_num(np.where(n > 1, spread, 0)).sum(axis=1)
        chi = ratio(np.maximum(np.abs(a.sum(axis=1) - expected) - 0.5, 0) ** 2, spread)
        delta = ETS_FACTOR * np.log(odds)
    se = -ETS_FACTOR * np.sqrt(np.where(np.isnan(odds), np.nan, variance))
    return MantelHaenszel(odds, delta, se, chi, chdtrc(1, chi), _ets_class(delta, se, chi))


def _log_odds_variance(table: tuple[FloatArray, ...], own: FloatArray, cross: FloatArray) -> FloatArray:
    a, b, c, d, n = table
    same, other = np.nan_to_num(ratio(a + d, n)), np.nan_to_num(ratio(b + c, n))
    r, s = own.sum(axis=1), cross.sum(axis=1)
    first = ratio((same * own).sum(axis=1), 2 * r**2)
    middle = ratio((same * cross + other * own).sum(axis=1), 2 * r * s)
    return first + middle + ratio((other * cross).sum(axis=1), 2 * s**2)


def _ets_class(delta: FloatArray, se: FloatArray, chi_square: FloatArray) -> NDArray[np.str_]:
    size = np.abs(delta)
    small = (size < 1) | (chi_square < 3.841458820694124)
    large = (size >= 1.5) & (size - 1.6448536269514722 * se > 1)
    return np.where(np.isnan(delta), "", np.where(small, "A", np.where(large, "C", "B")))
