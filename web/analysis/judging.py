"""Flags: why a figure is missing, and which figures deserve a look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from web.analysis.bounds import Bounds
from web.analysis.marking import Marked

MIN_FOR_CORRELATION = 3
"""Two points always lie on a line."""


def is_right_or_wrong(marked: Marked, place: int) -> bool:
    """Say whether an item gives nothing or full marks only."""
    marks = marked.scores[:, place]
    return bool(np.isin(marks[~np.isnan(marks)], (0.0, marked.max_scores[place])).all())


def item_flags(row: dict[str, Any], marked: Marked, place: int, rivals: Sequence[str], bounds: Bounds) -> Iterator[str]:
    """Yield the flags of an item, alarms about the key first."""
    yield from (f"possible_wrong_key:{name}" for name in rivals)
    if not row["n"]:
        yield "nobody_reached"
        return
    yield from _missing(row, marked, place, bounds)
    if row["n"] >= bounds.few:
        yield from _about_facility(row, bounds)
    yield from _about_discrimination(row, bounds)
    yield from _about_answers(row, marked, place, bounds)


def test_flags(row: dict[str, Any], n: int, k: int, bounds: Bounds, *, equal_binary: bool) -> Iterator[str]:
    """Yield the flags of the test."""
    if n < MIN_FOR_CORRELATION:
        yield "too_few_candidates"
    elif k < 2:
        yield "too_few_items"
    elif row["alpha"] is None:
        yield "no_spread_in_totals"
    elif row["lambda6"] is None:
        yield "redundant_items"
    if not equal_binary:
        yield "not_dichotomous"
    if MIN_FOR_CORRELATION <= n < bounds.few:
        yield "few_candidates"
    yield from _about_the_whole(row, n, bounds)


def own_test_flags(row: dict[str, Any], n: int, bounds: Bounds) -> Iterator[str]:
    """Yield the flags of a test of which every candidate had a form of their own."""
    yield "own_forms"
    if n < MIN_FOR_CORRELATION:
        yield "too_few_candidates"
    elif row["reliability"] is None:
        yield "no_own_reliability"
    if MIN_FOR_CORRELATION <= n < bounds.few:
        yield "few_candidates"
    if row["speededness"] and row["speededness"]["is_speeded"] and n >= bounds.few:
        yield "speeded"
    if row["reliability"] is not None and row["reliability"] < bounds.low_reliability:
        yield "low_reliability"


def _about_the_whole(row: dict[str, Any], n: int, bounds: Bounds) -> Iterator[str]:
    if row["speededness"] and row["speededness"]["is_speeded"] and n >= bounds.few:
        yield "speeded"
    if row["alpha"] is not None and row["alpha"] < bounds.low_reliability:
        yield "low_reliability"


test_flags.__test__ = False  # type: ignore[attr-defined]  # pytest would collect the name


def _missing(row: dict[str, Any], marked: Marked, place: int, bounds: Bounds) -> Iterator[str]:
    marks = marked.scores[:, place]
    if np.nanmin(marks) == np.nanmax(marks):
        yield {1.0: "all_correct", 0.0: "all_wrong"}.get(row["facility"], "no_variance")
    if row["n"] < MIN_FOR_CORRELATION:
        yield "too_few_candidates"
    elif np.nanmin(marks) != np.nanmax(marks) and None in (row["item_rest_correlation"], row["discrimination_27"]):
        yield "no_spread_in_totals"
    if MIN_FOR_CORRELATION <= row["n"] < bounds.few:
        yield "few_candidates"
    if not is_right_or_wrong(marked, place):
        yield "not_dichotomous"
    if len(marked.items) < 3:
        yield "too_few_items"
    if marked.maximum_is_observed[place]:
        yield "maximum_observed"


def _about_facility(row: dict[str, Any], bounds: Bounds) -> Iterator[str]:
    if bounds.very_easy <= row["facility"] < 1:
        yield "very_easy"
    if 0 < row["facility"] <= bounds.very_hard:
        yield "very_hard"


def _about_discrimination(row: dict[str, Any], bounds: Bounds) -> Iterator[str]:
    r = row["item_rest_correlation"]
    if r is not None and r < 0:
        yield "negative_discrimination"
    elif r is not None and r < bounds.low_discrimination and row["n"] >= bounds.few:
        yield "low_discrimination"


def _about_answers(row: dict[str, Any], marked: Marked, place: int, bounds: Bounds) -> Iterator[str]:
    if row["n_omitted"] > bounds.many * row["n"]:
        yield "many_omitted"
    if row["n_not_reached"] > bounds.many * marked.n_given(place):
        yield "many_not_reached"
    answers = marked.answers[place]
    if answers is None:
        return
    if answers.truncated:
        yield "options_truncated"
    key = [one["n"] for one in row["options"].values() if one["key"]]
    for name, one in row["options"].items():
        if not one["key"] and one["n"] > max(key, default=0) and row["n"] >= bounds.few:
            yield f"attractive_distractor:{name}"
