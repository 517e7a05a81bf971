"""The answers of a session as the figures of a report, form by form."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from exam_delivery.public import CARRIERS, GROUPINGS, FormTable, SlotOfForm
from kernel.i18n import N_
from kernel.profiles import RuleKey, declare
from psychometrics.arrays import BoolArray
from qbank.public import StatisticsRow
from qbank.public_changes import Report, ReportSource
from qbank.public_statistics import Carrier
from web.analysis.bounds import USUAL, Bounds
from web.analysis.calibration import add_calibration
from web.analysis.carriers import UNKNOWN, by_carrier
from web.analysis.fairness import fairness_report
from web.analysis.figures import analyse, full_marks, total_marks
from web.analysis.findings import explain_item
from web.analysis.marking import MAX_OPTIONS, Answers, Marked
from web.analysis.numbers import shown

CASE_MINIMUM = "analysis.case_minimum"
declare(
    RuleKey(
        CASE_MINIMUM,
        30,
        N_("作答满多少人后，统计认为有误的题目自动立案更正（0 为不自动立案）"),
        "30",
        minimum=0,
        maximum=100000,
    )
)
ENOUGH_FOR_MODEL = 100
"""Candidates from which a Rasch model is worth its standard errors: Linacre (1994)."""


def analyse_form(
    table: FormTable, groups: Mapping[uuid.UUID, Mapping[str, str]], bounds: Bounds = USUAL
) -> dict[str, Any]:
    """Return the report of one form, or of one set of forms: what `kaoku analyse` gives, with the item version of every column.

    `groups` gives the labels of each attempt's candidate; only figures of groups enter the report. The bounds that judged are
    kept in it, and the figures of every carrier beside those of all together.
    """
    marked = mark_table(table)
    report = analyse(marked, bounds) | {"bounds": bounds.as_json()}
    add_calibration(report, marked, "rasch" if len(table.scores) >= ENOUGH_FOR_MODEL else "ctt")
    carriers = [CARRIERS.get(groups.get(key, {}).get("carrier", ""), UNKNOWN) for key in table.attempt_ids]
    report["by_carrier"] = by_carrier(marked, carriers, bounds)
    for items in (report["items"], *(part["items"] for part in report["by_carrier"])):
        for item, slot in zip(items, table.slots, strict=True):
            item.update(_place(slot))
    labels = {name: [groups.get(key, {}).get(name, "") for key in table.attempt_ids] for name in GROUPINGS}
    report["fairness"] = fairness_report(marked, labels)
    return report | {
        "form_id": str(table.form_id), "title": table.title, "score_counts": _score_counts(marked),
        "is_form_set": table.given is not None, "n_forms": table.n_forms,
    }  # fmt: skip


def _place(slot: SlotOfForm) -> dict[str, Any]:
    """Return which item stands in a column, and where."""
    return {
        "slot": slot.slot, "part": slot.part, "point": slot.point, "type": slot.type,
        "item_version_id": slot.item_version_id, "origin": slot.origin, "max_score": float(slot.max_score),
    }  # fmt: skip


def _score_counts(marked: Marked) -> list[int]:
    """Return how many candidates have each whole score from 0 to the full marks; on own forms, on those of a usual one."""
    totals = np.clip(np.rint(total_marks(marked)), 0, None).astype(np.int64)
    counts = np.bincount(totals, minlength=round(full_marks(marked)) + 1)
    return [int(n) for n in counts]


def mark_table(table: FormTable) -> Marked:
    """Return the marks and options of a form's candidates."""
    shape = (len(table.scores), len(table.slots))
    scores = np.array(
        [[np.nan if score is None else float(score) for score in row] for row in table.scores], dtype=np.float64
    ).reshape(shape)
    omitted = np.array([[answer == () for answer in row] for row in table.chosen], dtype=bool).reshape(shape)
    return Marked(
        candidates=tuple(str(number) for number in range(1, shape[0] + 1)),
        items=tuple(str(slot.slot) for slot in table.slots),
        scores=scores,
        max_scores=np.array([float(slot.max_score) for slot in table.slots]),
        n_omitted=omitted.sum(axis=0),
        answers=tuple(_answers(slot, [row[place] for row in table.chosen]) for place, slot in enumerate(table.slots)),
        maximum_is_observed=(False,) * shape[1],
        is_omitted=omitted,
        presented=_presented(table, shape),
    )


def _presented(table: FormTable, shape: tuple[int, int]) -> BoolArray | None:
    """Return what stood in each candidate's form; None where it is one form."""
    if table.given is None:
        return None
    found = np.zeros(shape, dtype=bool)
    for row, columns in enumerate(table.given):
        found[row, list(columns)] = True
    return found


def _answers(slot: SlotOfForm, column: list[tuple[str, ...] | None]) -> Answers | None:
    """Return what was chosen on an item with options; None for every other item."""
    if not slot.keys or len(slot.options) > MAX_OPTIONS:
        return None
    distinct = list(dict.fromkeys(answer for answer in column if answer is not None))
    places = {answer: number for number, answer in enumerate(distinct)}
    membership = np.array([[option in answer for option in slot.options] for answer in distinct], dtype=bool)
    return Answers(
        options=slot.options,
        is_key=np.array([option in slot.keys for option in slot.options]),
        given=np.array([-1 if answer is None else places[answer] for answer in column], dtype=np.int64),
        membership=membership.reshape(len(distinct), len(slot.options)),
        truncated=False,
    )


def statistics_rows(report: dict[str, Any], source: str, computed_on: date) -> list[StatisticsRow]:
    """Return what a report says of each item version: of all answers together, and of those on each carrier.

    The parts of a group of items become one row without a correlation.
    """
    rows = _rows(report["items"], source, computed_on, Carrier.ALL)
    for part in report.get("by_carrier", ()):
        rows += _rows(part["items"], source, computed_on, Carrier(part["carrier"]))
    return rows


def _rows(items: list[dict[str, Any]], source: str, computed_on: date, carrier: Carrier) -> list[StatisticsRow]:
    by_version: dict[str, list[dict[str, Any]]] = {}
    for item in items:
        if item["item_version_id"] and item["n"]:
            by_version.setdefault(item["item_version_id"], []).append(item)
    return [
        StatisticsRow(
            item_version_id=uuid.UUID(version),
            source=source,
            n=min(part["n"] for part in parts),
            computed_on=computed_on,
            proportion_correct=_facility(parts),
            item_total_r=parts[0].get("item_rest_correlation") if len(parts) == 1 else None,
            carrier=carrier,
        )
        for version, parts in by_version.items()
    ]


def _facility(parts: list[dict[str, Any]]) -> float:
    """Return the share of all parts' marks that was earned."""
    marks = sum(part["max_score"] for part in parts)
    return float(sum(part["facility"] * part["max_score"] for part in parts) / marks)


def alarm_reports(report: dict[str, Any], place: str, minimum: int) -> list[Report]:
    """Return what to look at in the bank: items of at least `minimum` answers that statistics hold to be wrong.

    In a set of forms an item has no number that people know, so that the place is the set.
    """
    is_set = report.get("is_form_set", False)
    found = []
    for item in report["items"]:
        alarms = [one.text for one in explain_item(item["flags"]) if one.weight == "alarm"]
        if not alarms or not item["item_version_id"] or not minimum or item["n"] < minimum:
            continue
        found.append(
            Report(
                ReportSource.STAFF,
                "".join(alarms),
                item_version_id=uuid.UUID(item["item_version_id"]),
                place=place if is_set else f"{place}，第 {item['slot']} 题",
                evidence=f"N = {item['n']}，得分率 {shown(item['facility'])}，"
                f"题总相关 {shown(item['item_rest_correlation'])}",
            )
        )
    return found
