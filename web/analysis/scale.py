"""Put the calibrations of a level's sessions on one scale, that of the earliest, by the versions that they share."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from psychometrics.arrays import FloatArray
from psychometrics.linking import CommonItems, Link, mean_mean

MIN_COMMON = 5
"""Common items that carry a link; the usual advice of twenty or a fifth of the test is for tests of that length."""
OUTLYING = 2.7
"""Robust z of a common item's shift beyond which it does not carry the link (Huynh & Meyer 2010)."""
ROBUST_SCALE = 0.74
SAME = Link(1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Calibrated:
    """One form's calibration: parameters by item version, on the scale of its own candidates.

    Forms of one `occasion` are given to candidates by chance, so their scales are the same.
    """

    name: str
    occasion: str
    n: int
    items: Mapping[uuid.UUID, tuple[float, float, float | None]]


@dataclass(frozen=True, slots=True)
class Placed:
    """One version on the common scale, its calibrations weighed by precision."""

    a: float
    b: float
    b_error: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Scale:
    """What stands on the scale of the calibration `base`, and the names of those that nothing ties to it."""

    base: str
    items: Mapping[uuid.UUID, Placed]
    left_out: tuple[str, ...]


def read_calibration(name: str, occasion: str, report: Mapping[str, Any]) -> Calibrated | None:
    """Return the calibration that a report holds; None where there is none. Groups of items are left out."""
    model = report.get("model", {})
    if model.get("name") != "rasch" or not model.get("converged"):
        return None
    parts: dict[str, list[Mapping[str, Any]]] = {}
    for item in report["items"]:
        parts.setdefault(item.get("item_version_id") or "", []).append(item)
    items = {
        uuid.UUID(key): (float(own[0]["a"]), float(own[0]["b"]), own[0]["se"]["b"])
        for key, own in parts.items()
        if key and len(own) == 1 and own[0].get("a") is not None and "extreme_parameter" not in own[0]["flags"]
    }
    return Calibrated(name, occasion, int(model["n_candidates"]), items) if items else None


def common_scale(calibrations: Sequence[Calibrated]) -> Scale | None:
    """Return all that can be tied to the first calibration, the strongest tie first; None where there is no calibration."""
    if not calibrations:
        return None
    base, *waiting = calibrations
    placed = [(base, SAME)]
    while waiting:
        best = max(waiting, key=lambda one: len(one.items.keys() & _weighed(placed).keys()))
        link = _tie(best, placed)
        if link is None:
            rest = [(one, _random_groups(one, placed)) for one in waiting]
            found = next(((one, same) for one, same in rest if same is not None), None)
            if found is None:
                break
            best, link = found
        placed.append((best, link))
        waiting.remove(best)
    return Scale(base.name, _weighed(placed), tuple(one.name for one in waiting))


def _tie(one: Calibrated, placed: Sequence[tuple[Calibrated, Link]]) -> Link | None:
    """Return the line to the scale from the common versions that moved alike; None where they are too few."""
    known = _weighed(placed)
    common = sorted(one.items.keys() & known.keys())
    if len(common) < MIN_COMMON:
        return None
    source = np.array([one.items[key][:2] for key in common])
    target = np.array([(known[key].a, known[key].b) for key in common])
    kept = _alike(target[:, 1] - source[:, 1] * (source[:, 0].mean() / target[:, 0].mean()))
    if kept.sum() < MIN_COMMON:
        return None
    return mean_mean(_common(source[kept]), _common(target[kept]))


def _alike(shifts: FloatArray) -> Any:
    """Say which common items moved with the others."""
    low, middle, high = np.quantile(shifts, [0.25, 0.5, 0.75])
    width = ROBUST_SCALE * (high - low)
    return np.abs(shifts - middle) <= (OUTLYING * width if width > 0 else 1e-9)


def _common(values: FloatArray) -> CommonItems:
    return CommonItems(values[:, 0], values[:, 1], np.zeros(len(values)))


def _random_groups(one: Calibrated, placed: Sequence[tuple[Calibrated, Link]]) -> Link | None:
    """Return the line of another form of the same occasion that is on the scale already."""
    return next((link for other, link in placed if other.occasion == one.occasion), None)


def _weighed(placed: Iterable[tuple[Calibrated, Link]]) -> dict[uuid.UUID, Placed]:
    """Return every version's mean over its calibrations; a difficulty without an error counts by its number of persons."""
    found: dict[uuid.UUID, list[tuple[float, float, float | None, int]]] = {}
    for one, link in placed:
        for key, (a, b, error) in one.items.items():
            moved = (a / link.slope, link.slope * b + link.intercept, error * link.slope if error else None, one.n)
            found.setdefault(key, []).append(moved)
    return {key: _mean(values) for key, values in found.items()}


def _mean(values: Sequence[tuple[float, float, float | None, int]]) -> Placed:
    errors = [error for _a, _b, error, _n in values]
    known = all(errors)
    weights = np.array([1 / error**2 if known and error else float(n) for _a, _b, error, n in values])
    a, b = (float(np.average([value[place] for value in values], weights=weights)) for place in (0, 1))
    return Placed(a, b, float(weights.sum() ** -0.5) if known else None, sum(n for *_rest, n in values))
