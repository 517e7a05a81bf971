"""Standard setting: what a panel's judgements say about the cut score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from psychometrics.arrays import FloatArray, ParameterError


@dataclass(frozen=True, slots=True)
class PanelCut:
    """The cut score of a panel.

    Attributes
    ----------
    cut : float
        In marks.
    se : float
        Standard error over judges; NaN with one judge.
    by_judge : ndarray of float64, shape (n_judges,)
        Each judge's own cut.
    """

    cut: float
    se: float
    by_judge: FloatArray


def _panel(by_judge: FloatArray) -> PanelCut:
    n = by_judge.size
    se = float(by_judge.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    return PanelCut(float(by_judge.mean()), se, by_judge)


def _shares(values: ArrayLike, name: str) -> FloatArray:
    table = np.asarray(values, np.float64)
    if table.ndim != 2 or not table.size or not ((table >= 0) & (table <= 1)).all():
        raise ParameterError(f"{name} must be a matrix of judges by items with values in [0, 1]")
    return table


def _marks(max_scores: ArrayLike | None, n_items: int) -> FloatArray:
    marks = np.ones(n_items) if max_scores is None else np.asarray(max_scores, np.float64)
    if marks.shape != (n_items,):
        raise ParameterError("max_scores must hold one mark for each item")
    return marks


def angoff(ratings: ArrayLike, max_scores: ArrayLike | None = None) -> PanelCut:
    r"""Return the Angoff cut from the chances that a just qualified person gets each item right.

    Parameters
    ----------
    ratings : array_like, shape (n_judges, n_items)
        Chances in [0, 1]; for items with part marks the expected share of the marks.
    max_scores : array_like, shape (n_items,), optional
        Marks of each item, one by default.

    Returns
    -------
    PanelCut

    Raises
    ------
    ParameterError
        If a rating leaves [0, 1] or the shape is wrong.

    Notes
    -----
    .. math:: \bar c = \frac1J \sum_j \sum_i m_i p_{ij},\; SE = s_J / \sqrt{J}

    References
    ----------
    Angoff (1971) in Thorndike, Educational Measurement, 2nd ed.; Cizek & Bunch (2007), Standard Setting, ch. 6.

    Examples
    --------
    >>> angoff([[0.5, 0.7], [0.7, 0.9]])
    PanelCut(cut=1.4, se=0.2, by_judge=array([1.2, 1.6]))
    """
    table = _shares(ratings, "ratings")
    found = _panel((table * _marks(max_scores, table.shape[1])).sum(axis=1).round(12))
    return PanelCut(round(found.cut, 12), round(found.se, 12), found.by_judge)


def nedelsky(remaining: ArrayLike, max_scores: ArrayLike | None = None) -> PanelCut:
    r"""Return the Nedelsky cut from how many options a just qualified person cannot rule out.

    Parameters
    ----------
    remaining : array_like of int, shape (n_judges, n_items)
        Options left, the key included; at least one.
    max_scores : array_like, shape (n_items,), optional
        Marks of each item, one by default.

    Returns
    -------
    PanelCut

    Notes
    -----
    .. math:: c_j = \sum_i m_i / k_{ij}

    References
    ----------
    Nedelsky (1954), Educ. Psychol. Meas. 14, 3-19.

    Examples
    --------
    >>> nedelsky([[1, 2, 4], [2, 2, 4]]).by_judge
    array([1.75, 1.25])
    """
    left = np.asarray(remaining, np.float64)
    if left.ndim != 2 or not left.size or not (left >= 1).all():
        raise ParameterError("remaining must be a matrix of judges by items with at least one option left")
    return _panel((_marks(max_scores, left.shape[1]) / left).sum(axis=1))


def ebel(chances: ArrayLike, n_items: ArrayLike) -> PanelCut:
    r"""Return the Ebel cut from the expected share of right answers in each cell of relevance and difficulty.

    Parameters
    ----------
    chances : array_like, shape (n_judges, n_cells)
        Share of the items of a cell that a just qualified person gets right, in [0, 1].
    n_items : array_like of int, shape (n_judges, n_cells) or (n_cells,)
        How many items (or marks) a judge puts into each cell.

    Returns
    -------
    PanelCut

    Notes
    -----
    .. math:: c_j = \sum_k n_{jk} p_{jk}

    References
    ----------
    Ebel (1972), Essentials of Educational Measurement, 2nd ed., ch. 18; Cizek & Bunch (2007), ch. 5.

    Examples
    --------
    >>> ebel([[1.0, 0.5]], [10, 20]).cut
    20.0
    """
    table, size = _shares(chances, "chances"), np.asarray(n_items, np.float64)
    if size.shape not in {table.shape, table.shape[1:]} or (size < 0).any():
        raise ParameterError("n_items must be non-negative, one for each cell")
    return _panel((table * size).sum(axis=1))


def beuk(required: ArrayLike, pass_rates: ArrayLike, scores: ArrayLike, max_score: float) -> float:
    r"""Return Beuk's compromise between the score that judges require and the pass rate that they expect.

    Parameters
    ----------
    required, pass_rates : array_like, shape (n_judges,)
        Required score in marks and expected pass rate in [0, 1] of each judge.
    scores : array_like, shape (n_persons,)
        Observed scores.
    max_score : float
        Highest possible mark.

    Returns
    -------
    float
        Where the line through both means, as steep as the judges differ, meets the observed pass-rate curve; NaN if
        they do not meet between 0 and the highest mark.

    Notes
    -----
    The line is ``rate = mean rate + s(rate) / s(required) (x - mean required)``: the opinion on which judges agree
    more moves less.

    References
    ----------
    Beuk (1984), J. Educ. Meas. 21, 147-152.

    Examples
    --------
    >>> beuk([50, 60, 70], [0.5, 0.6, 0.7], np.arange(101.0), 100.0)
    50.25
    """
    score, rate = np.asarray(required, np.float64), np.asarray(pass_rates, np.float64)
    if score.shape != rate.shape or score.size < 2 or ((rate < 0) | (rate > 1)).any():
        raise ParameterError("every judge gives one score and one pass rate in [0, 1]; two judges at least")
    grid, observed = _pass_curve(scores, max_score)
    if score.std() == 0:
        return float(score.mean())
    line = rate.mean() + rate.std() / score.std() * (grid - score.mean())
    return _crossing(grid, line - observed)


def hofstee(
    cut_range: tuple[float, float], fail_range: tuple[float, float], scores: ArrayLike, max_score: float
) -> float:
    r"""Return Hofstee's compromise between the cuts and the fail rates that judges find acceptable.

    Parameters
    ----------
    cut_range : tuple of float
        Lowest and highest acceptable cut, means over judges.
    fail_range : tuple of float
        Lowest and highest acceptable share of fails, in [0, 1].
    scores : array_like, shape (n_persons,)
        Observed scores.
    max_score : float
        Highest possible mark.

    Returns
    -------
    float
        Where the line from (lowest cut, highest fail rate) to (highest cut, lowest fail rate) meets the observed fail
        rates; NaN if they do not meet inside the rectangle, which the panel must then be told.

    References
    ----------
    Hofstee (1983) in Anderson & Helmick, On Educational Testing, 109-127; Cizek & Bunch (2007), ch. 12.

    Examples
    --------
    >>> hofstee((50.0, 70.0), (0.4, 0.8), np.arange(101.0), 100.0)
    60.25
    """
    (low, high), (least, most) = cut_range, fail_range
    if not (low < high and 0 <= least < most <= 1):
        raise ParameterError("ranges must rise, fail rates must lie in [0, 1]")
    grid, observed = _pass_curve(scores, max_score)
    inside = (grid >= low) & (grid <= high)
    line = most + (least - most) * (grid - low) / (high - low)
    return _crossing(grid[inside], ((1 - observed) - line)[inside])


def _pass_curve(scores: ArrayLike, max_score: float) -> tuple[FloatArray, FloatArray]:
    """Return possible cuts in steps of a quarter mark and the share of persons at or above each."""
    marks = np.sort(np.asarray(scores, np.float64))
    if not marks.size or not max_score > 0:
        raise ParameterError("scores must not be empty and the highest mark must be positive")
    grid = np.arange(0, max_score + 0.125, 0.25)
    return grid, 1 - np.searchsorted(marks, grid - 1e-9, side="left") / marks.size


def _crossing(grid: FloatArray, gap: FloatArray) -> float:
    """Return the first point at which a rising gap reaches zero; NaN if it never does or has done so from the start."""
    reached = np.flatnonzero(gap >= -1e-12)
    if not reached.size or (reached[0] == 0 and gap[0] > 1e-12):
        return float("nan")
    return float(grid[reached[0]])


def borderline_group(scores: ArrayLike) -> tuple[float, float]:
    r"""Return the median score of the persons whom judges call borderline, with its standard error.

    Parameters
    ----------
    scores : array_like, shape (n_borderline,)

    Returns
    -------
    cut, se : float
        The error is that of a median of normal scores, NaN with one person.

    Notes
    -----
    .. math:: SE \approx 1.2533\, s / \sqrt{n}

    References
    ----------
    Livingston & Zieky (1982), Passing Scores, ETS; Cizek & Bunch (2007), ch. 8.

    Examples
    --------
    >>> cut, se = borderline_group([58, 60, 61, 63, 70])
    >>> cut, round(se, 3)
    (61.0, 2.587)
    """
    marks = np.asarray(scores, np.float64)
    if marks.ndim != 1 or not marks.size:
        raise ParameterError("scores must be a vector of one borderline person or more")
    se = float(np.sqrt(np.pi / 2) * marks.std(ddof=1) / np.sqrt(marks.size)) if marks.size > 1 else float("nan")
    return float(np.median(marks)), se


def contrasting_groups(passing: ArrayLike, failing: ArrayLike) -> float:
    """Return the cut with the fewest persons on the wrong side, the middle of the best range.

    References
    ----------
    Livingston & Zieky (1982), Passing Scores, ETS.

    Examples
    --------
    >>> contrasting_groups([60, 70, 80], [40, 50, 55])
    57.5
    """
    able, unable = np.sort(np.asarray(passing, np.float64)), np.sort(np.asarray(failing, np.float64))
    if not able.size or not unable.size:
        raise ParameterError("both groups need at least one person")
    every = np.unique(np.concatenate([able, unable]))
    cuts = np.concatenate([[every[0]], (every[1:] + every[:-1]) / 2])
    wrong = np.searchsorted(able, cuts) + unable.size - np.searchsorted(unable, cuts)
    best = cuts[wrong == wrong.min()]
    return float((best[0] + best[-1]) / 2)
