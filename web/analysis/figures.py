"""The figures of a marked sheet, in the shape that the report promises."""

from __future__ import annotations

from typing import Any

import numpy as np

from psychometrics import ctt, options, reliability
from psychometrics.arrays import BoolArray, FloatArray
from psychometrics.classification import livingston_lewis
from psychometrics.own_forms import (
    mean_common_items,
    own_form_efficiency,
    own_form_reliability,
    own_form_shares,
    own_form_statistics,
)
from psychometrics.speededness import speededness
from psychometrics.weights import ItemWeights, item_weights
from web.analysis import judging
from web.analysis.bounds import USUAL, Bounds
from web.analysis.judging import MIN_FOR_CORRELATION, is_right_or_wrong
from web.analysis.marking import Answers, Marked
from web.analysis.numbers import plain

JsonObject = dict[str, Any]
PASS_SHARE = 0.6
"""The pass mark that the standards fix, as a share of the full marks."""


def analyse(marked: Marked, bounds: Bounds = USUAL) -> JsonObject:
    """Return the classical report: numbers of candidates and items, figures of the test and of every item, judged by bounds.

    Where candidates had forms of their own, totals are what each earned as a share of the own form, in marks of a usual form.
    """
    totals = total_marks(marked)
    items = item_figures(marked, totals, bounds)
    return {
        "n_candidates": len(marked.candidates),
        "n_items": len(marked.items),
        "test": test_figures(marked, totals, items, bounds),
        "items": items,
        "model": {"name": "ctt"},
    }


def total_marks(marked: Marked) -> FloatArray:
    """Return every candidate's total; on a form of their own what was earned as a share, in marks of a usual form."""
    if marked.presented is None:
        return ctt.total_scores(marked.scores)
    shares = own_form_shares(marked.scores, marked.max_scores, marked.presented)
    return np.nan_to_num(shares) * full_marks(marked)


def full_marks(marked: Marked) -> float:
    """Return the full marks of the form, or those that most candidates' own forms have."""
    if marked.presented is None:
        return float(marked.max_scores.sum())
    values, counts = np.unique((marked.presented @ marked.max_scores).round(6), return_counts=True)
    return float(values[np.argmax(counts)])


def _own_weights(marked: Marked, presented: BoolArray) -> ItemWeights:
    """Return the weights that can be told without a common form: an effective weight needs one."""
    nothing = np.full(len(marked.items), np.nan)
    efficiency = own_form_efficiency(marked.scores, marked.max_scores, presented)
    return ItemWeights(100 * marked.max_scores / full_marks(marked), nothing, nothing, efficiency)


def item_figures(marked: Marked, totals: FloatArray, bounds: Bounds) -> list[JsonObject]:
    """Return the figures of every item with what they mean."""
    if marked.presented is None:
        found = ctt.item_statistics(marked.scores, marked.max_scores)
        removed = reliability.alpha_if_deleted(reliability.item_covariance(marked.scores))
        weights = item_weights(marked.scores, marked.max_scores)
    else:
        found = own_form_statistics(marked.scores, marked.max_scores, marked.presented)
        removed = np.full(len(marked.items), np.nan)
        weights = _own_weights(marked, marked.presented)
    biserial = ctt.biserial(found.item_total, found.facility)
    rows: list[JsonObject] = []
    for place in range(len(marked.items)):
        row = _counts(marked, found, place) | _correlations(found, place) | _weights(weights, place)
        binary = is_right_or_wrong(marked, place) and row["n"] >= MIN_FOR_CORRELATION
        row["biserial"] = plain(biserial[place]) if binary else None
        row["alpha_if_deleted"] = plain(removed[place]) if len(totals) >= MIN_FOR_CORRELATION else None
        answers = marked.answers[place]
        rivals = _add_options(row, answers, totals) if answers else []
        row["flags"] = list(judging.item_flags(row, marked, place, rivals, bounds))
        rows.append(row)
    return rows


def _counts(marked: Marked, found: ctt.ItemStatistics, place: int) -> JsonObject:
    n = int(found.n[place])
    return {
        "item": marked.items[place],
        "n": n,
        "n_omitted": int(marked.n_omitted[place]),
        "n_not_reached": marked.n_given(place) - n,
        "max_score": plain(marked.max_scores[place]),
        "facility": plain(found.facility[place]),
        "facility_interval": [plain(found.facility_low[place]), plain(found.facility_high[place])],
    }


def _correlations(found: ctt.ItemStatistics, place: int) -> JsonObject:
    enough = found.n[place] >= MIN_FOR_CORRELATION
    return {
        "item_rest_correlation": plain(found.item_rest[place]) if enough else None,
        "item_total_correlation": plain(found.item_total[place]) if enough else None,
        "discrimination_27": plain(found.discrimination[place]) if enough else None,
        "options": {},
    }


def _weights(found: ItemWeights, place: int) -> JsonObject:
    """Return the figures in percent that people who come from Moodle know."""
    return {
        "intended_weight": plain(found.intended[place]),
        "effective_weight": plain(found.effective[place]),
        "discriminative_efficiency": plain(found.efficiency[place]),
    }


def _add_options(row: JsonObject, answers: Answers, totals: FloatArray) -> list[str]:
    """Put the options into the row; return those that beat the key."""
    found = options.option_statistics(answers.given, answers.membership, totals)
    enough = row["n"] >= MIN_FOR_CORRELATION
    for place, name in enumerate(answers.options):
        row["options"][name] = {
            "n": int(found.n[place]),
            "share": plain(found.share[place]),
            "point_biserial": plain(found.point_biserial[place]) if enough else None,
            "key": bool(answers.is_key[place]),
        }
    x, share = options.option_curves(answers.given, answers.membership, totals)
    row["option_curves"] = {
        "mean_total": [plain(value) for value in x],
        "share": {name: [plain(value) for value in share[:, place]] for place, name in enumerate(answers.options)},
    }
    if not enough:
        return []
    return [answers.options[place] for place in options.key_rivals(found.point_biserial, found.n, answers.is_key)]


def test_figures(marked: Marked, totals: FloatArray, items: list[JsonObject], bounds: Bounds) -> JsonObject:
    """Return the figures of the whole test."""
    if marked.presented is not None:
        return _own_test_figures(marked, marked.presented, totals, items, bounds)
    n, k = marked.scores.shape
    covariance = reliability.item_covariance(marked.scores)
    enough = n >= MIN_FOR_CORRELATION
    alpha = reliability.coefficient_alpha(covariance) if enough else float("nan")
    sd = float(totals.std(ddof=1)) if n > 1 else float("nan")
    binary = all(is_right_or_wrong(marked, place) for place in range(k))
    weighted = np.nan_to_num(marked.scores) / marked.max_scores
    equal = bool((marked.max_scores == marked.max_scores[0]).all())
    kr20 = reliability.kr20(weighted) if binary and equal and enough else float("nan")
    row: JsonObject = _about_totals(marked, totals, items) | {
        "alpha": plain(alpha),
        "alpha_interval": [plain(limit) for limit in reliability.alpha_interval(alpha, n, k)],
        "kr20": plain(kr20),
        "lambda2": plain(reliability.guttman_lambda2(covariance)) if enough else None,
        "lambda6": plain(reliability.guttman_lambda6(covariance)) if n > k else None,
        "sem": plain(reliability.standard_error_of_measurement(sd, alpha)),
        "decision": _decision(totals, float(marked.max_scores.sum()), alpha) if n >= bounds.few else None,
    }
    if row["decision"] and binary and equal:
        row["decision"]["conditional_sem"] = plain(_sem_at_the_mark(row["decision"]["cut"], marked))
    row["flags"] = list(judging.test_flags(row, n, k, bounds, equal_binary=binary and equal))
    return row


def _about_totals(marked: Marked, totals: FloatArray, items: list[JsonObject]) -> JsonObject:
    """Return what needs no common items: the distribution of the totals, and the means of the items' figures."""
    return {
        "mean": plain(totals.mean()),
        "sd": plain(totals.std(ddof=1) if totals.size > 1 else np.nan),
        "min": plain(totals.min()),
        "max": plain(totals.max()),
        "median": plain(np.median(totals)),
        "skewness": plain(_moment(totals, 3)),
        "kurtosis": plain(_moment(totals, 4) - 3),
        "max_score": plain(full_marks(marked)),
        "mean_facility": plain(_mean([item["facility"] for item in items])),
        "mean_item_rest_correlation": plain(_mean([item["item_rest_correlation"] for item in items])),
        "score_distribution": _distribution(totals),
        "speededness": _speed(marked) if totals.size >= MIN_FOR_CORRELATION else None,
    }


def _own_test_figures(
    marked: Marked, presented: BoolArray, totals: FloatArray, items: list[JsonObject], bounds: Bounds
) -> JsonObject:
    """Return the figures of a test of which everybody had a form of their own: alpha and its kin would need one form."""
    n, full = len(totals), full_marks(marked)
    alike = np.unique(marked.max_scores, return_inverse=True)[1]
    found = own_form_reliability(marked.scores, marked.max_scores, presented, alike)
    value = found.value if n >= MIN_FOR_CORRELATION else float("nan")
    row = _about_totals(marked, totals, items) | {
        "alpha": None, "alpha_interval": [None, None], "kr20": None, "lambda2": None, "lambda6": None,
        "reliability": plain(value),
        "reliability_interval": [plain(one) if not np.isnan(value) else None for one in (found.low, found.high)],
        "sem": plain(found.sem) if not np.isnan(value) else None,
        "n_items_of_form": plain(np.median(presented.sum(axis=1))), "mean_common_items": plain(mean_common_items(presented)),
        "decision": _decision(totals, full, value) if n >= bounds.few else None,
    }  # fmt: skip
    row["flags"] = list(judging.own_test_flags(row, n, bounds))
    return row


def _speed(marked: Marked) -> JsonObject:
    """Return how much time mattered: who reached the end, and how much of what was lost was not reached."""
    found = speededness(np.clip(marked.scores / marked.max_scores, 0, 1), presented=marked.presented)
    return {
        "finished": plain(found.finished), "three_quarters": plain(found.three_quarters),
        "spread_ratio": plain(found.spread_ratio), "is_speeded": found.is_speeded,
    }  # fmt: skip


def _decision(totals: FloatArray, max_score: float, alpha: float) -> JsonObject | None:
    """Return how often pass and fail at 60 percent would come out again, and be right; None where nothing can be said."""
    if not 0 < alpha < 1:
        return None
    cut = PASS_SHARE * max_score
    found = livingston_lewis(np.clip(totals, 0, max_score), cut, alpha, min_score=0, max_score=max_score)
    return {
        "cut": plain(cut), "consistency": plain(found.consistency), "kappa": plain(found.kappa),
        "accuracy": plain(found.accuracy), "false_positive": plain(found.false_positive),
        "false_negative": plain(found.false_negative), "conditional_sem": None,
    }  # fmt: skip


def _sem_at_the_mark(cut: float, marked: Marked) -> float:
    """Return the standard error of measurement of those at the pass mark, in marks of the form."""
    k, each = len(marked.items), float(marked.max_scores[0])
    return float(reliability.conditional_sem([cut / each], k)[0]) * each


def _moment(values: FloatArray, power: int) -> float:
    """Return a standardised central moment, NaN where nothing varies."""
    spread = float(values.std())
    return float(np.mean(((values - values.mean()) / spread) ** power)) if spread > 0 else float("nan")


def _mean(values: list[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else float("nan")


def _distribution(totals: FloatArray, n_bars: int = 20) -> JsonObject:
    """Return how many totals lie in each of up to twenty steps of equal width."""
    low, high = float(np.floor(totals.min())), float(np.floor(totals.max())) + 1
    width = max(1.0, float(np.ceil((high - low) / n_bars)))
    edges = np.arange(low, high + width, width)
    counts, _ = np.histogram(totals, edges)
    return {"from": [plain(edge) for edge in edges[:-1]], "width": width, "n": counts.tolist()}
