"""Whether forms of one session are equally hard: scores of one on the scale of another, for groups formed by chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from psychometrics.arrays import FloatArray
from psychometrics.equating import (
    bootstrap_errors,
    equipercentile_equating,
    linear_equating,
    loglinear_smoothing,
    moments,
)
from web.analysis.figures import PASS_SHARE

MIN_PERSONS = 30
"""Below this many on either form nothing is said: chance alone moves a mean by a fifth of its deviation."""
ENOUGH_FOR_CURVE = 200
"""From here the equipercentile curve is used; below it only the straight line, which needs far fewer persons."""
DEGREE = 3


@dataclass(frozen=True, slots=True)
class Comparison:
    """One form against the first.

    Attributes
    ----------
    title : str
    n : int
        Candidates.
    mean, sd : float
    pass_mark : float
        60 percent of the full marks, on this form's own scale.
    equivalent : float or None
        What that mark is worth on the first form; None where there are too few candidates.
    error : float or None
        Its standard error by bootstrap.
    is_smoothed : bool
        Whether the curve was used, not the line.
    """

    title: str
    n: int
    mean: float
    sd: float
    pass_mark: float
    equivalent: float | None
    error: float | None
    is_smoothed: bool

    @property
    def is_different(self) -> bool:
        """Whether the forms differ at the pass mark by more than chance and by a mark that matters."""
        if self.equivalent is None or self.error is None:
            return False
        gap = abs(self.equivalent - self.pass_mark)
        return gap > 1.96 * self.error and gap >= 1


def compare_forms(reports: list[dict[str, Any]]) -> list[Comparison]:
    """Return every form of a session against the first; forms must have the same full marks to be compared."""
    counts = [np.array(report["score_counts"], np.float64) for report in reports]
    return [_compare(report, own, counts[0]) for report, own in zip(reports, counts, strict=True)]


def _compare(report: dict[str, Any], own: FloatArray, first: FloatArray) -> Comparison:
    (mean, sd), n = moments(own), int(own.sum())
    mark = round(PASS_SHARE * (own.size - 1))
    same = own is first
    if same or own.size != first.size or min(n, first.sum()) < MIN_PERSONS or not sd > 0:
        return Comparison(
            report["title"], n, mean, sd, float(mark), float(mark) if same else None, None, is_smoothed=False
        )
    smooth = bool(min(n, first.sum()) >= ENOUGH_FOR_CURVE)
    if smooth:
        found = equipercentile_equating(loglinear_smoothing(own, DEGREE), loglinear_smoothing(first, DEGREE))
        error = float(bootstrap_errors(own, first, n_samples=200)[mark])
    else:
        found, error = linear_equating(own, first), _line_error(own, first, mark)
    return Comparison(report["title"], n, mean, sd, float(mark), float(found[mark]), error, is_smoothed=smooth)


def _line_error(own: FloatArray, first: FloatArray, mark: int) -> float:
    """Return the standard error of the linear equivalent of a mark for normal scores and random groups.

    References
    ----------
    Kolen & Brennan (2014), Test Equating, Scaling, and Linking, 3rd ed., equation 7.11 without skewness and kurtosis.
    """
    (mean, sd), (_other_mean, other_sd) = moments(own), moments(first)
    z = (mark - mean) / sd
    return float(other_sd * np.sqrt((1 / own.sum() + 1 / first.sum()) * (1 + z**2 / 2)))
