"""Whether items are equally hard for equally able candidates of different groups: what `kaoku analyse` and sessions report.

Only labels of groups and figures of groups leave this module; groups too small to hide a person are not even named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import chdtrc

from psychometrics.arrays import BoolArray, FloatArray, ratio
from psychometrics.behaviour import multiple_tests
from psychometrics.dif import PurifiedDif, purified_dif
from web.analysis.judging import is_right_or_wrong
from web.analysis.marking import Marked
from web.analysis.numbers import plain

MIN_GROUP = 50
"""Persons on either side below which no figure is given: with fewer, Mantel-Haenszel finds next to nothing (Fidalgo et al. 2004)."""
FEW_GROUP = 200
"""Persons on either side below which only large differences can be seen: the usual requirement (Zwick 2012, ETS RR-12-08)."""
MIN_ITEMS = 10
"""A total of fewer items says too little about ability to compare equals by it."""
NAMED = 10
"""Groups of fewer persons are counted, not named."""
MOST_GROUPS = 12
"""The largest groups of a grouping are compared; with two groups there is one comparison."""
RATE = 0.05
"""Share of chance findings among the findings of a grouping (Benjamini & Hochberg)."""
DIGITS = 4
FIGURES = ("delta", "delta_se", "p", "difference", "uniform_p", "non_uniform_p", "effect")

JsonObject = dict[str, Any]


def fairness_report(marked: Marked, groupings: Mapping[str, Sequence[str]]) -> JsonObject:
    """Return the comparison of groups for every grouping: a label for each candidate, empty where unknown."""
    usable = np.array(
        [is_right_or_wrong(marked, place) and _varies(marked, place) for place in range(len(marked.items))]
    )
    scores = marked.scores[:, usable] / marked.max_scores[usable]
    presented = None if marked.presented is None else marked.presented[:, usable]
    items = [item for item, used in zip(marked.items, usable, strict=True) if used]
    return {
        "items": items,
        "left_out": [item for item, used in zip(marked.items, usable, strict=True) if not used],
        "min_group": MIN_GROUP, "few_group": FEW_GROUP, "rate": RATE,
        "groupings": [_grouping(name, _Sheet(scores, presented), labels) for name, labels in groupings.items()],
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Shares of the marks, and what stood in each candidate's own form; None where one form was everybody's."""

    scores: FloatArray
    presented: BoolArray | None

    def enough(self, focal: BoolArray, others: BoolArray) -> BoolArray:
        """Say which items enough candidates of both sides answered; all of one common form, whose sides are large enough."""
        if self.presented is None:
            return np.ones(self.scores.shape[1], bool)
        seen = ~np.isnan(self.scores)
        return np.asarray(np.minimum(seen[focal].sum(axis=0), seen[others].sum(axis=0)) >= MIN_GROUP)


def _varies(marked: Marked, place: int) -> bool:
    marks = marked.scores[:, place]
    seen = marks[~np.isnan(marks)]
    return bool(seen.size and seen.min() < seen.max())


def _grouping(name: str, sheet: _Sheet, labels: Sequence[str]) -> JsonObject:
    names = np.array([label.strip() for label in labels], dtype=object)
    sizes = Counter(label for label in names.tolist() if label)
    known = names != ""
    report: JsonObject = {
        "grouping": name, "n_known": int(known.sum()), "n_unknown": int((~known).sum()), "flags": [],
        "groups": [{"group": label, "n": n} for label, n in sizes.most_common() if n >= NAMED],
        "n_unnamed_groups": sum(n < NAMED for n in sizes.values()),
        "n_in_unnamed_groups": sum(n for n in sizes.values() if n < NAMED), "n_tests": 0, "comparisons": [],
    }  # fmt: skip
    pairs = _pairs(names, sizes)
    report["flags"] = _reasons(sheet.scores, sizes, pairs)
    if report["flags"]:
        return report
    seen = ~np.isnan(sheet.scores)
    shares = ratio(np.nansum(sheet.scores, axis=1), seen.sum(axis=1))
    sides = [(pair, *_sides(pair, names)) for pair in pairs]
    known = [(pair, focal, others) for pair, focal, others in sides if sheet.enough(focal, others).any()]
    report["flags"] = [] if known else ["too_few_per_item"]
    report["comparisons"] = [_comparison(pair, sheet, focal, others, shares) for pair, focal, others in known]
    if known:
        _judge(report)
    return report


def _sides(pair: tuple[str, str], names: Any) -> tuple[BoolArray, BoolArray]:
    """Return who is in the focal group, and who in the reference."""
    focal_name, reference_name = pair
    others = names == reference_name if reference_name else (names != "") & (names != focal_name)
    return names == focal_name, others


def _pairs(names: Any, sizes: Counter[str]) -> list[tuple[str, str]]:
    """Return focal and reference groups that are large enough; an empty reference is everybody else."""
    n_known = int((names != "").sum())
    ordered = [label for label, _n in sizes.most_common()]
    if len(ordered) == 2:
        focal, reference = ordered[1], ordered[0]
        return [(focal, reference)] if sizes[focal] >= MIN_GROUP else []
    large = [label for label in ordered if min(sizes[label], n_known - sizes[label]) >= MIN_GROUP]
    return [(label, "") for label in large[:MOST_GROUPS]]


def _reasons(scores: FloatArray, sizes: Counter[str], pairs: Sequence[tuple[str, str]]) -> list[str]:
    if not sizes:
        return ["group_unknown"]
    if len(sizes) == 1:
        return ["one_group"]
    if scores.shape[1] < MIN_ITEMS:
        return ["too_few_items_for_groups"]
    return [] if pairs else ["too_few_in_groups"]


def _comparison(
    pair: tuple[str, str], sheet: _Sheet, focal: BoolArray, chosen: BoolArray, shares: FloatArray
) -> JsonObject:
    """Return the figures of one focal group against its reference, column by column; none of items that few answered."""
    focal_name, reference_name = pair
    inside = focal | chosen
    presented = None if sheet.presented is None else sheet.presented[inside]
    found = purified_dif(sheet.scores[inside], focal[inside], presented=presented)
    enough = sheet.enough(focal, chosen)
    sides = int(focal.sum()), int(chosen.sum())
    return {
        "focal": focal_name, "reference": reference_name, "n_focal": sides[0], "n_reference": sides[1],
        "mean_focal": plain(np.nanmean(shares[focal])), "mean_reference": plain(np.nanmean(shares[chosen])),
        "flags": _cautions(min(sides), enough),
        "class": np.where(enough, found.mantel_haenszel.ets_class, "").tolist(),
        "is_suspect": (found.is_suspect & enough).tolist(),
        "figures": _figures(found, enough),
    }  # fmt: skip


def _cautions(smaller_side: int, enough: BoolArray) -> list[str]:
    flags = ["few_in_group"] if smaller_side < FEW_GROUP else []
    return flags if enough.all() else [*flags, "items_left_out"]


def _figures(found: PurifiedDif, enough: BoolArray) -> dict[str, list[float | None]]:
    table, tests = found.mantel_haenszel, found.logistic
    columns = (
        table.delta, table.delta_se, table.p_value, found.difference, chdtrc(1, tests.uniform),
        chdtrc(1, tests.non_uniform), tests.group_effect,
    )  # fmt: skip
    return {
        name: [plain(value, DIGITS) if known else None for value, known in zip(column, enough.tolist(), strict=True)]
        for name, column in zip(FIGURES, columns, strict=True)
    }


def _judge(report: JsonObject) -> None:
    """Say which items stand out when all tests of the grouping are counted, and what each of them asks for."""
    comparisons = report["comparisons"]
    uniform = _chances(comparisons, "p")
    crossing = _chances(comparisons, "non_uniform_p")
    stands_out, crosses = multiple_tests(uniform, rate=RATE), multiple_tests(crossing, rate=RATE)
    report["n_tests"] = int((~np.isnan(uniform)).sum() + (~np.isnan(crossing)).sum())
    width = len(uniform) // len(comparisons)
    for place, one in enumerate(comparisons):
        here = slice(place * width, (place + 1) * width)
        one["verdict"] = _verdicts(one["class"], stands_out[here], crosses[here])


def _chances(comparisons: Sequence[JsonObject], name: str) -> FloatArray:
    values = [np.nan if p is None else p for one in comparisons for p in one["figures"][name]]
    return np.array(values, dtype=np.float64)


def _verdicts(classes: Sequence[str], stands_out: BoolArray, crosses: BoolArray) -> list[str]:
    """Return ``large``, ``moderate``, ``crossing`` or nothing for each item."""
    return [
        {"C": "large", "B": "moderate"}.get(letter, "") if one else ("crossing" if other else "")
        for letter, one, other in zip(classes, stands_out, crosses, strict=True)
    ]


def findings_of(report: JsonObject) -> list[JsonObject]:
    """Return the items of a report that stand out, the largest differences first, each with its comparison and figures."""
    rows = []
    for grouping in report["groupings"]:
        for one in grouping["comparisons"]:
            for place, verdict in enumerate(one["verdict"]):
                if verdict:
                    values = {name: one["figures"][name][place] for name in FIGURES}
                    rows.append(
                        {"grouping": grouping["grouping"], "item": report["items"][place], "verdict": verdict, "place": place,
                         "comparison": one} | values
                    )  # fmt: skip
    weight = {"large": 0, "moderate": 1, "crossing": 2}
    return sorted(rows, key=lambda row: (weight[row["verdict"]], -abs(row["delta"] or 0.0)))
