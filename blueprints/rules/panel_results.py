"""What the judgements of one round give: the cut with its error, items, raters, agreement, impact. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blueprints.rules.panels import COMPROMISE, Judgements, PanelMethod, PanelSpec, chance_of, contradictions, missing
from psychometrics.bookmark import bookmark, panel_agreement, rasch_from_facilities, rater_statistics
from psychometrics.cut_score import PanelCut, angoff, beuk, hofstee

DIGITS = 6
ENOUGH_OBSERVED = 30
"""Candidates from whom on an item's own facility orders a booklet."""
ASSUMED = {1: 0.9, 2: 0.8, 3: 0.65, 4: 0.5, 5: 0.35}
"""Facilities that stand for the experts' five difficulties until there are statistics."""
UNRATED = 3
LEAST_FOR_REALISM = 3

Table = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Voices:
    """The raters whose judgements are whole, in order, and why others are left out."""

    numbers: tuple[int, ...]
    judgements: tuple[Judgements, ...]
    left_out: dict[int, int]


def assumed_facility(difficulty: int | None, facility: float | None, n_observed: int) -> float:
    """Return the share of right answers by which an item finds its place in a booklet.

    Observed shares are drawn in by half an answer, so that nobody's or everybody's right answer has a place as well.

    Examples
    --------
    >>> assumed_facility(2, None, 0), assumed_facility(2, 1.0, 49), assumed_facility(None, 0.2, 5)
    (0.8, 0.99, 0.65)
    """
    if facility is not None and n_observed >= ENOUGH_OBSERVED:
        return (facility * n_observed + 0.5) / (n_observed + 1)
    return ASSUMED[difficulty or UNRATED]


def voices(spec: PanelSpec, judgements: Mapping[int, Judgements]) -> Voices:
    """Return whose judgements count: those who judged everything and do not contradict themselves."""
    gaps = {number: len(missing(spec, mine)) + len(contradictions(mine)) for number, mine in judgements.items()}
    whole = tuple(sorted(number for number, n in gaps.items() if not n))
    return Voices(whole, tuple(judgements[n] for n in whole), {k: n for k, n in sorted(gaps.items()) if n})


def round_result(
    spec: PanelSpec, judgements: Mapping[int, Judgements], scores: Sequence[float], *, marks: Sequence[float] = ()
) -> dict[str, Any]:
    """Return the result of a round as JSON.

    Parameters
    ----------
    spec : PanelSpec
        What was rated.
    judgements : mapping
        The newest judgements of each rater by the rater's number.
    scores : sequence of float
        Marks of candidates who sat the form; empty while nobody has.
    marks : sequence of float
        Further cuts whose pass rate is asked for, such as the mark that the regulation sets.
    """
    heard = voices(spec, judgements)
    base: dict[str, Any] = {
        "n_raters": len(heard.numbers),
        "left_out": {str(k): n for k, n in heard.left_out.items()},
        "cut": None,
    }
    if not heard.numbers:
        return base
    is_bookmark = spec.method is PanelMethod.BOOKMARK
    found = base | (_bookmark_result(spec, heard) if is_bookmark else _chance_result(spec, heard))
    cuts = [value for value in (found["cut"], *marks) if value is not None]
    return found | {
        "percent": _number(100 * found["cut"] / spec.total if spec.total else math.nan),
        "impact": impact(scores, cuts),
        "compromise": _compromise(spec, heard, scores),
    }


def impact(scores: Sequence[float], cuts: Sequence[float]) -> dict[str, Any] | None:
    """Return which share of the candidates reaches each cut, or None while nobody sat the form.

    Examples
    --------
    >>> impact([50.0, 60.0, 70.0, 80.0], [60.0])
    {'n': 4, 'mean': 65.0, 'shares': [{'cut': 60.0, 'share': 0.75}]}
    """
    if not scores:
        return None
    values = np.asarray(scores, np.float64)
    shares = [{"cut": _number(cut), "share": _number(float(np.mean(values >= cut - 1e-9)))} for cut in cuts]
    return {"n": len(values), "mean": _number(float(values.mean())), "shares": shares}


def _chance_result(spec: PanelSpec, heard: Voices) -> dict[str, Any]:
    chances = [[chance_of(item, mine) for item in spec.items] for mine in heard.judgements]
    table: Table = np.asarray(chances, np.float64)
    found = angoff(table, [item.score for item in spec.items])
    return _cut(found) | {
        "raters": _raters(spec, heard, table, found.by_judge),
        "items": [_item(item.place, table[:, column]) for column, item in enumerate(spec.items)],
        "agreement": _agreement(table),
    }


def _bookmark_result(spec: PanelSpec, heard: Voices) -> dict[str, Any]:
    ladder = rasch_from_facilities([item.assumed for item in spec.items])
    before = [mine["bookmark"]["before"] for mine in heard.judgements]
    found = bookmark(before, ladder, max_scores=[item.score for item in spec.items])
    median = float(np.median(found.score_by_judge))
    raters = [
        {"number": number, "cut": _number(cut), "before": place, "severity": _number(cut - median)}
        for number, cut, place in zip(heard.numbers, found.score_by_judge, before, strict=True)
    ]
    return {
        "cut": _number(found.score), "se": _number(found.se), "theta": _number(found.theta), "raters": raters,
        "median": _number(median), "places": sorted(before),
        "spread": _number(_spread(found.score_by_judge)), "items": [],
    }  # fmt: skip


def _cut(found: PanelCut) -> dict[str, Any]:
    return {
        "cut": _number(found.cut), "se": _number(found.se), "median": _number(np.median(found.by_judge)),
        "spread": _number(_spread(found.by_judge)),
    }  # fmt: skip


def _spread(values: Table) -> float:
    return float(values.std(ddof=1)) if values.size > 1 else math.nan


def _raters(spec: PanelSpec, heard: Voices, table: Table, cuts: Table) -> list[dict[str, Any]]:
    found = rater_statistics(table)
    known = [column for column, item in enumerate(spec.items) if item.facility is not None]
    realism = np.full(len(heard.numbers), np.nan)
    if len(known) >= LEAST_FOR_REALISM:
        facilities = [spec.items[column].facility for column in known]
        realism = rater_statistics(table[:, known], np.asarray(facilities, np.float64)).realism
    return [
        {
            "number": number, "cut": _number(cuts[row]), "severity": _number(found.severity[row]),
            "distance": _number(found.distance[row]), "agreement": _number(found.agreement[row]),
            "realism": _number(realism[row]),
        }
        for row, number in enumerate(heard.numbers)
    ]  # fmt: skip


def _item(place: int, ratings: Table) -> dict[str, Any]:
    low, high = np.quantile(ratings, [0.25, 0.75])
    return {
        "place": place, "mean": _number(ratings.mean()), "median": _number(np.median(ratings)),
        "spread": _number(_spread(ratings)), "low": _number(ratings.min()), "high": _number(ratings.max()),
        "quarter": _number(low), "three_quarters": _number(high),
    }  # fmt: skip


def _agreement(table: Table) -> dict[str, float | None]:
    found = panel_agreement(table)
    return {"one": _number(found.absolute), "panel": _number(found.absolute_mean)}


def _compromise(spec: PanelSpec, heard: Voices, scores: Sequence[float]) -> dict[str, Any] | None:
    """Return Beuk's and Hofstee's cuts with what the raters gave for them; None where they were not asked."""
    if not spec.asks_compromise:
        return None
    given = {name: [mine[name]["percent"] / 100 for mine in heard.judgements] for name in COMPROMISE}
    means = {name: _number(np.mean(values)) for name, values in given.items()}
    total = spec.total
    found: dict[str, Any] = {"means": means, "beuk": None, "hofstee": None, "has_scores": bool(scores)}
    if not scores:
        return found
    required = [share * total for share in given["required"]]
    if len(required) > 1:
        found["beuk"] = _number(beuk(required, given["pass_rate"], scores, total))
    cuts = (float(np.mean(given["cut_low"])) * total, float(np.mean(given["cut_high"])) * total)
    fails = (float(np.mean(given["fail_low"])), float(np.mean(given["fail_high"])))
    found["hofstee"] = _number(hofstee(cuts, fails, scores, total))
    return found


def _number(value: float) -> float | None:
    """Return a figure as JSON keeps it: rounded, None where there is none."""
    return round(float(value), DIGITS) if math.isfinite(value) else None
