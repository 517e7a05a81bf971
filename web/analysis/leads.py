"""What is strange about attempts of a form: leads for a person, each with its evidence; chance findings are controlled."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy.special import ndtr, stdtr

from exam_delivery.public import FormTable, FoundLead, LeadKind, Trace
from psychometrics import ability
from psychometrics.arrays import BoolArray, FloatArray
from psychometrics.behaviour import (
    answer_changes,
    multiple_tests,
    response_time_effort,
    response_times,
    score_gains,
)
from psychometrics.copying import omega, omega_matrix, similarity_clusters, wrong_matches
from psychometrics.irt import Model, Parameters, calibrate, usable_items
from psychometrics.person_fit import simulated_chances, standardised_log_likelihood

MIN_PERSONS, MIN_ITEMS = 30, 20
"""Fewer candidates or right-or-wrong items carry no index of this kind."""
RATE = 0.01
"""Share of chance findings among the leads of one kind and form (Benjamini & Hochberg); pairs are two families of half each."""
SUPPORT = 0.05
"""A pair is a lead only where wrong answers match beyond chance as well (K2)."""
MIN_GAINS = 20
"""Candidates with an earlier score from whose course a score is expected."""
MIN_CHANGES = 5
MIN_TIMES = 3
"""Times on an item from which the model of times holds it."""
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
    is_set: bool


def find_leads(table: FormTable, traces: Mapping[uuid.UUID, Trace]) -> list[FoundLead]:
    """Return the leads of a form; none where there are too few candidates or items.

    Candidates who had forms of their own share too few items for an index of copying: there nobody is compared with anybody,
    and what is looked at in one person rests on the items that enough others answered as well.
    """
    sitting = _prepare(table)
    if sitting is None:
        return []
    return [
        *(() if sitting.is_set else _copying(sitting, traces)),
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
    if table.given is not None:
        usable &= (~np.isnan(marks)).sum(axis=0) >= MIN_PERSONS
    if usable.sum() < MIN_ITEMS:
        return None
    scores = marks[:, usable]
    found = calibrate(scores, Model.RASCH).parameters
    slots = tuple(slot.slot for slot, used in zip(table.slots, usable, strict=True) if used)
    options = [[row[j] for j in np.flatnonzero(usable)] for row in table.chosen]
    theta = ability.maximum_a_posteriori(scores, found).theta
    return _Sitting(scores, slots, options, found, theta, table.attempt_ids, table.given is not None)


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two rows with their chance of so many equal answers, and whether they sat beside each other."""

    first: int
    second: int
    chance: float
    are_neighbours: bool


def _copying(sitting: _Sitting, traces: Mapping[uuid.UUID, Trace]) -> list[FoundLead]:
    """Compare all pairs of a room, and again those in a neighbourhood; what hangs together is one lead."""
    pairs = _pairs(sitting, traces)
    beside = [pair for pair in pairs if pair.are_neighbours]
    flagged = {(pair.first, pair.second): pair for family in (pairs, beside) for pair in _beyond_chance(family)}
    codes, complete = _codes(sitting), np.nan_to_num(sitting.scores)
    links = [
        evidence
        for pair in flagged.values()
        if (evidence := _pair_evidence(sitting, pair, complete, codes))["k2"] < SUPPORT
    ]
    tests = {"n_pairs": len(pairs), "n_neighbours": len(beside), "n_items": len(sitting.slots)}
    return [_copying_lead(sitting, group, links, tests) for group in _groups(len(sitting.keys), links)]


def _pairs(sitting: _Sitting, traces: Mapping[uuid.UUID, Trace]) -> list[_Pair]:
    """Return all pairs of every room; the larger omega of both directions counts, its chance doubled."""
    rooms: dict[str, list[int]] = {}
    for row, key in enumerate(sitting.keys):
        if key in traces:
            rooms.setdefault(traces[key].room, []).append(row)
    found = []
    for rows in rooms.values():
        both = omega_matrix(sitting.scores[rows], sitting.theta[rows], sitting.items)
        larger = np.fmax(both, both.T)
        chances = np.where(np.isnan(larger), np.nan, np.minimum(1.0, 2 * ndtr(-larger)))
        places = [traces[sitting.keys[row]].place for row in rows]
        found += [
            _Pair(rows[a], rows[b], float(chances[a, b]), _are_neighbours(places[a], places[b]))
            for a, b in combinations(range(len(rows)), 2)
        ]
    return found


def _are_neighbours(one: tuple[int, int] | None, other: tuple[int, int] | None) -> bool:
    """Say whether two seats touch: beside, before, behind or across a corner."""
    return one is not None and other is not None and max(abs(one[0] - other[0]), abs(one[1] - other[1])) == 1


def _beyond_chance(family: Sequence[_Pair]) -> list[_Pair]:
    """Return the pairs of a family that stand out; both families together keep the rate."""
    chances = np.array([pair.chance for pair in family])
    return [family[place] for place in np.flatnonzero(multiple_tests(chances, rate=RATE / 2)).tolist()]


def _pair_evidence(sitting: _Sitting, pair: _Pair, complete: FloatArray, codes: Any) -> dict[str, Any]:
    """Return what speaks for a pair: matches by omega, and equal wrong answers by K2 in both directions."""
    first, second = pair.first, pair.second
    index = max(
        (omega(sitting.scores, sitting.theta, sitting.items, a, b) for a, b in ((first, second), (second, first))),
        key=lambda one: -np.inf if np.isnan(one.omega) else one.omega,
    )
    wrong = min(
        (wrong_matches(complete, a, b, options=codes) for a, b in ((first, second), (second, first))),
        key=lambda one: one.k2,
    )
    same = (complete[first] == 0) & (complete[second] == 0) & (codes[first] == codes[second]) & (codes[first] > 0)
    return {
        "rows": (first, second), "chance": pair.chance, "are_neighbours": pair.are_neighbours,
        "matches": index.matches, "expected": round(index.expected, 2), "omega": round(index.omega, 2),
        "same_wrong": int(same.sum()), "k2": float(f"{wrong.k2:.3g}"),
        "slots": [sitting.slots[j] for j in np.flatnonzero(same)],
    }  # fmt: skip


def _groups(n: int, links: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """Return the rows that links hold together."""
    is_linked = np.zeros((n, n), dtype=bool)
    for link in links:
        is_linked[link["rows"]] = True
    return similarity_clusters(is_linked)


def _copying_lead(
    sitting: _Sitting, group: Sequence[int], links: Sequence[Mapping[str, Any]], tests: Mapping[str, int]
) -> FoundLead:
    """Return one lead about two persons, or about a group with the links in it."""
    own = [link for link in links if link["rows"][0] in group]
    keys = tuple(sitting.keys[row] for row in group)
    chance = min(link["chance"] for link in own)
    if len(group) == 2:
        return FoundLead(LeadKind.COPYING, keys, chance, {**_shown(own[0]), **tests})
    named = [
        {"attempts": [str(sitting.keys[row]) for row in link["rows"]], "chance": link["chance"], **_shown(link)}
        for link in sorted(own, key=lambda link: link["chance"])
    ]
    common = Counter(slot for link in own for slot in link["slots"])
    slots = sorted(slot for slot, n in common.items() if n > 1)
    return FoundLead(LeadKind.CLUSTER, keys, chance, {"n_persons": len(group), "links": named, "slots": slots, **tests})


def _shown(link: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in link.items() if name not in {"rows", "chance"}}


def _codes(sitting: _Sitting) -> Any:
    """Return a number for every answer, 0 where there is none, so that equal answers have equal numbers."""
    known: dict[Any, int] = {}
    rows = [[known.setdefault(answer, len(known) + 1) if answer else 0 for answer in row] for row in sitting.options]
    return np.array(rows, dtype=np.int64)


def _patterns(sitting: _Sitting) -> list[FoundLead]:
    """Look for persons who fail on easy and succeed on hard items far beyond chance."""
    fit = standardised_log_likelihood(sitting.scores, sitting.theta, sitting.items, prior_slope=-sitting.theta).lz_star
    if sitting.is_set:
        fit = np.where((~np.isnan(sitting.scores)).sum(axis=1) >= MIN_ITEMS, fit, np.nan)
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
    timed = (~np.isnan(seconds)).sum(axis=0) >= MIN_TIMES
    if not (timed.sum() >= MIN_ITEMS if sitting.is_set else timed.all()):
        return []
    seconds = seconds[:, timed]
    model, effort = response_times(seconds), response_time_effort(seconds)
    seen = ~np.isnan(sitting.scores) if sitting.is_set else np.ones(sitting.scores.shape, bool)
    right = np.nan_to_num(sitting.scores).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
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


def find_gains(tables: Sequence[FormTable], earlier: Mapping[uuid.UUID, float]) -> dict[uuid.UUID, list[FoundLead]]:
    """Return by form the candidates of a session whose score rose far beyond what their last one lets expect.

    Forms are given by chance, so all candidates with an earlier score are compared together; too few carry no lead.
    """
    rows = [
        (table.form_id, key, earlier[key], sum(float(score or 0) for score in marks) / most)
        for table in tables
        if (most := sum(float(slot.max_score) for slot in table.slots))
        for key, marks in zip(table.attempt_ids, table.scores, strict=True)
        if key in earlier
    ]
    if len(rows) < MIN_GAINS:
        return {}
    before, after = (np.array([row[place] for row in rows], dtype=np.float64) for place in (2, 3))
    gains = score_gains(before, after)
    chances = np.where(np.isnan(gains), np.nan, stdtr(len(rows) - 3, -gains))
    found: dict[uuid.UUID, list[FoundLead]] = {}
    for place in _standing_out(chances):
        evidence = {
            "before": round(before[place], 3), "after": round(after[place], 3), "gain": round(float(gains[place]), 2),
            "expected": round(_expected(before, after, place), 3), "n_persons": len(rows),
        }  # fmt: skip
        lead = FoundLead(LeadKind.GAINS, (rows[place][1],), float(chances[place]), evidence)
        found.setdefault(rows[place][0], []).append(lead)
    return found


def _expected(before: FloatArray, after: FloatArray, place: int) -> float:
    """Return the score that the others' course lets expect of one person."""
    others = np.arange(before.size) != place
    x, y = before[others], after[others]
    spread = float(((x - x.mean()) ** 2).sum())
    slope = float((x - x.mean()) @ (y - y.mean())) / spread if spread > 0 else 0.0
    return float(np.clip(y.mean() + slope * (before[place] - x.mean()), 0, 1))


def _standing_out(chances: FloatArray) -> list[int]:
    found: BoolArray = multiple_tests(chances, rate=RATE)
    return np.flatnonzero(found).tolist()
