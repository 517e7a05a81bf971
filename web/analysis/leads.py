"""What is strange about attempts of a form: leads for a person, each with its evidence; chance findings are controlled."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy.special import ndtr

from exam_delivery.public import FormTable, FoundLead, LeadKind, Trace
from psychometrics import ability
from psychometrics.arrays import BoolArray, FloatArray
from psychometrics.behaviour import answer_changes, multiple_tests, response_time_effort, response_times
from psychometrics.copying import omega, wrong_matches
from psychometrics.irt import Model, Parameters, calibrate, usable_items
from psychometrics.person_fit import simulated_chances, standardised_log_likelihood

MIN_PERSONS, MIN_ITEMS = 30, 20
"""Fewer candidates or right-or-wrong items carry no index of this kind."""
RATE = 0.01
"""Share of chance findings among the leads of one kind and form (Benjamini & Hochberg)."""
SUPPORT = 0.05
"""A pair is a lead only where wrong answers match beyond chance as well (K2)."""
MIN_CHANGES = 5
LOW_EFFORT = 0.9


@dataclass(frozen=True, slots=True)
class _Sitting:
    """The right-or-wrong part of a form's answers, ready for the indices."""

    scores: FloatArray
    slots: tuple[int, ...]
    options: Any
    items: Parameters
    theta: FloatArray
    keys: tuple[uuid.UUID, ...]


def find_leads(table: FormTable, traces: Mapping[uuid.UUID, Trace]) -> list[FoundLead]:
    """Return the leads of a form; none where there are too few candidates or items."""
    sitting = _prepare(table)
    if sitting is None:
        return []
    return [
        *_copying(sitting, traces),
        *_patterns(sitting),
        *_changes(sitting, traces),
        *_times(sitting, traces),
    ]


def _prepare(table: FormTable) -> _Sitting | None:
    most = np.array([float(slot.max_score) for slot in table.slots])
    marks = np.array([[np.nan if s is None else float(s) for s in row] for row in table.scores], dtype=np.float64)
    if len(table.scores) < MIN_PERSONS or not table.attempt_ids:
        return None
    marks = marks / most
    usable = usable_items(marks)
    if usable.sum() < MIN_ITEMS:
        return None
    scores = marks[:, usable]
    found = calibrate(scores, Model.RASCH).parameters
    slots = tuple(slot.slot for slot, used in zip(table.slots, usable, strict=True) if used)
    options = [[row[j] for j in np.flatnonzero(usable)] for row in table.chosen]
    return _Sitting(scores, slots, options, found, ability.maximum_a_posteriori(scores, found).theta, table.attempt_ids)


def _copying(sitting: _Sitting, traces: Mapping[uuid.UUID, Trace]) -> list[FoundLead]:
    """Compare all pairs of a room in both directions; a lead needs omega after correction, and K2."""
    rooms: dict[str, list[int]] = {}
    for row, key in enumerate(sitting.keys):
        if key in traces:
            rooms.setdefault(traces[key].room, []).append(row)
    pairs = [pair for rows in rooms.values() for pair in combinations(rows, 2)]
    indices = [
        max(
            (omega(sitting.scores, sitting.theta, sitting.items, a, b) for a, b in (pair, pair[::-1])),
            key=lambda one: -np.inf if np.isnan(one.omega) else one.omega,
        )
        for pair in pairs
    ]
    chances = np.array([min(1.0, 2 * one.omega_p) for one in indices])
    codes = _codes(sitting)
    complete = np.nan_to_num(sitting.scores)
    found = []
    for place in np.flatnonzero(multiple_tests(chances, rate=RATE)):
        first, second = pairs[place]
        wrong = min(
            (wrong_matches(complete, a, b, options=codes) for a, b in ((first, second), (second, first))),
            key=lambda one: one.k2,
        )
        if not wrong.k2 < SUPPORT:
            continue
        same = (complete[first] == 0) & (complete[second] == 0) & (codes[first] == codes[second]) & (codes[first] > 0)
        index = indices[place]
        evidence = {
            "matches": index.matches, "expected": round(index.expected, 2), "omega": round(index.omega, 2),
            "n_items": len(sitting.slots), "same_wrong": int(same.sum()), "k2": float(f"{wrong.k2:.3g}"),
            "slots": [sitting.slots[j] for j in np.flatnonzero(same)], "n_pairs": len(pairs),
        }  # fmt: skip
        keys = (sitting.keys[first], sitting.keys[second])
        found.append(FoundLead(LeadKind.COPYING, keys, float(chances[place]), evidence))
    return found


def _codes(sitting: _Sitting) -> Any:
    """Return a number for every answer, 0 where there is none, so that equal answers have equal numbers."""
    known: dict[Any, int] = {}
    rows = [[known.setdefault(answer, len(known) + 1) if answer else 0 for answer in row] for row in sitting.options]
    return np.array(rows, dtype=np.int64)


def _patterns(sitting: _Sitting) -> list[FoundLead]:
    """Look for persons who fail on easy and succeed on hard items far beyond chance."""
    fit = standardised_log_likelihood(sitting.scores, sitting.theta, sitting.items, prior_slope=-sitting.theta).lz_star
    chances = np.asarray(ndtr(fit))
    suspects = _standing_out(chances)
    chances[suspects] = _resampled(sitting, fit, suspects)
    return [
        FoundLead(
            LeadKind.PATTERN,
            (sitting.keys[row],),
            float(chances[row]),
            {"lz_star": round(float(fit[row]), 2), "n_persons": len(sitting.keys)},
        )
        for row in _standing_out(chances)
    ]


def _resampled(sitting: _Sitting, fit: FloatArray, rows: list[int]) -> list[float]:
    """Return the chances of those who stand out by simulation: far out, the normal distribution is too quick to accuse."""
    found = []
    for row in rows:
        seen = ~np.isnan(sitting.scores[row])
        items = Parameters(*(getattr(sitting.items, name)[seen] for name in ("a", "d", "c")))
        found += simulated_chances(fit[[row]], sitting.theta[[row]], items, seed=row).tolist()
    return found


def _changes(sitting: _Sitting, traces: Mapping[uuid.UUID, Trace]) -> list[FoundLead]:
    """Look for persons whose changes mend answers far more often than the others' changes."""
    seen = [traces.get(key) for key in sitting.keys]
    mended = np.array([one.n_mended if one else 0 for one in seen])
    total = np.array([one.n_changes if one else 0 for one in seen])
    chances = np.where(total >= MIN_CHANGES, answer_changes(mended, total), np.nan)
    return [
        FoundLead(
            LeadKind.CHANGES,
            (sitting.keys[row],),
            float(chances[row]),
            {"n_changes": int(total[row]), "n_mended": int(mended[row]), "n_persons": len(sitting.keys)},
        )
        for row in _standing_out(chances)
    ]


def _times(sitting: _Sitting, traces: Mapping[uuid.UUID, Trace]) -> list[FoundLead]:
    """Look for persons of irregular pace who hardly read many items."""
    seconds = np.array(
        [[traces[key].seconds.get(slot, np.nan) if key in traces else np.nan for slot in sitting.slots]
         for key in sitting.keys]
    )  # fmt: skip
    if (~np.isnan(seconds)).sum(axis=0).min() < 3:
        return []
    model, effort = response_times(seconds), response_time_effort(seconds)
    right = np.nan_to_num(sitting.scores).mean(axis=1)
    return [
        FoundLead(
            LeadKind.TIMES,
            (sitting.keys[row],),
            float(model.p_value[row]),
            {
                "effort": round(float(effort[row]), 3), "right": round(float(right[row]), 3),
                "minutes": round(float(np.nansum(seconds[row])) / 60, 1), "n_persons": len(sitting.keys),
            },
        )
        for row in _standing_out(model.p_value)
        if effort[row] < LOW_EFFORT
    ]  # fmt: skip


def _standing_out(chances: FloatArray) -> list[int]:
    found: BoolArray = multiple_tests(chances, rate=RATE)
    return np.flatnonzero(found).tolist()
