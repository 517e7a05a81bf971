"""Versions used in several sessions: answers over time, and which of them became easier when the others did not."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from psychometrics.arrays import FloatArray
from psychometrics.behaviour import facility_drift, multiple_tests
from psychometrics.ctt import wilson_interval
from qbank.public_statistics import HistoryRow

MIN_COMMON = 8
"""Common versions that make the change of all known well enough to see one that stands out."""
MIN_ANSWERS = 30
RATE = 0.01
"""Share of chance findings among the versions that are raised (Benjamini & Hochberg)."""
LIMIT = 1.645
"""Robust z that a version must pass as well: it has to differ from how the others vary, not from sampling alone."""
SOURCE = "exam_session:"


@dataclass(frozen=True, slots=True)
class Sitting:
    """A session as the pages name it."""

    exam_session_id: uuid.UUID
    name: str
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Use:
    """The answers to one version in one session."""

    sitting: Sitting
    n: int
    right: float

    @property
    def proportion(self) -> float:
        """The share of the marks."""
        return self.right / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 percent interval of Wilson."""
        low, high = wilson_interval(np.array([self.proportion]), np.array([float(self.n)]))
        return float(low[0]), float(high[0])


@dataclass(frozen=True, slots=True)
class Anchor:
    """One version with its uses in the order of the sessions."""

    item_version_id: uuid.UUID
    item_id: uuid.UUID
    code: str
    number: int
    uses: tuple[Use, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """How one version did in a session against all sessions before it, when the change of all is taken off."""

    anchor: Anchor
    n_before: int
    p_before: float
    n_now: int
    p_now: float
    shift: float
    robust_z: float
    p_value: float
    is_flagged: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """A session against the earlier ones; `changes` is empty where too few versions are common."""

    sitting: Sitting
    n_common: int
    changes: tuple[Change, ...]


def anchors(history: Sequence[HistoryRow], sittings: Mapping[uuid.UUID, Sitting]) -> list[Anchor]:
    """Return the versions with answers in known sessions; the forms of one session count together."""
    answers: dict[uuid.UUID, dict[uuid.UUID, list[float]]] = {}
    names: dict[uuid.UUID, HistoryRow] = {}
    for row in history:
        sitting = _sitting_of(row.source)
        if sitting is None or sitting not in sittings or row.proportion_correct is None or not row.n:
            continue
        names[row.item_version_id] = row
        cell = answers.setdefault(row.item_version_id, {}).setdefault(sitting, [0.0, 0.0])
        cell[0] += row.n
        cell[1] += row.n * row.proportion_correct
    return [
        Anchor(key, names[key].item_id, names[key].code, names[key].number, _uses(cells, sittings))
        for key, cells in answers.items()
    ]


def _sitting_of(source: str) -> uuid.UUID | None:
    """Return the session that a source names."""
    if not source.startswith(SOURCE):
        return None
    try:
        return uuid.UUID(source[len(SOURCE) :].split(":", maxsplit=1)[0])
    except ValueError:
        return None


def _uses(cells: Mapping[uuid.UUID, Sequence[float]], sittings: Mapping[uuid.UUID, Sitting]) -> tuple[Use, ...]:
    found = [Use(sittings[key], round(n), right) for key, (n, right) in cells.items()]
    return tuple(sorted(found, key=lambda use: (use.sitting.starts_at, use.sitting.exam_session_id)))


def compare_session(found: Sequence[Anchor], sitting: Sitting) -> Comparison:
    """Return how the versions of a session did against all sessions before it."""
    pairs = [pair for anchor in found if (pair := _before_and_now(anchor, sitting)) is not None]
    if len(pairs) < MIN_COMMON:
        return Comparison(sitting, len(pairs), ())
    counts = np.array([(before[1], before[0], now.right, now.n) for _anchor, before, now in pairs])
    drift = facility_drift(*counts.T, limit=LIMIT)
    stands_out = multiple_tests(drift.p_value, rate=RATE) & drift.is_flagged
    middle = float(np.median(drift.change))
    changes = [
        Change(
            anchor, round(before[0]), before[1] / before[0], now.n, now.proportion, float(drift.change[j]) - middle,
            _number(drift.robust_z, j), float(drift.p_value[j]), bool(stands_out[j]),
        )
        for j, (anchor, before, now) in enumerate(pairs)
    ]  # fmt: skip
    return Comparison(sitting, len(pairs), tuple(sorted(changes, key=lambda one: one.p_value)))


def _number(values: FloatArray, place: int) -> float:
    """Return a value, 0 where all versions changed alike."""
    return float(np.nan_to_num(values[place]))


def _before_and_now(anchor: Anchor, sitting: Sitting) -> tuple[Anchor, tuple[float, float], Use] | None:
    """Return earlier answers (number, right) and those of the session, where both are enough."""
    now = next((use for use in anchor.uses if use.sitting == sitting), None)
    if now is None or now.n < MIN_ANSWERS:
        return None
    earlier = [use for use in anchor.uses if _is_before(use.sitting, sitting)]
    n, right = sum(use.n for use in earlier), sum(use.right for use in earlier)
    return (anchor, (float(n), right), now) if n >= MIN_ANSWERS else None


def _is_before(one: Sitting, other: Sitting) -> bool:
    return (one.starts_at, one.exam_session_id) < (other.starts_at, other.exam_session_id)
