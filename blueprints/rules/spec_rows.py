"""Rules that come in rows: parts of a form (sections), cells, coverage, and the balance of keys."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from blueprints.assembly.pool import IMPORTANCE_LETTERS
from blueprints.rules.profile import json_number
from blueprints.rules.spec_form import (
    SpecForm,
    joined,
    mean_values,
    optional,
    range_values,
    share_value,
)
from kernel.i18n import N_

SPARE_ROWS = 2
MOST_ROWS = 60
MOST_MARKS = Decimal(9999)
KEYED_TYPES = ("single_choice", "true_false")
"""Types whose items have one key, so that keys can be balanced."""
_ROW = re.compile(r"(cell|section|information)-(\d+)-")
FARTHEST_THETA = Decimal(6)


def row_count(values: Mapping[str, str], kind: str) -> int:
    """Return how many rows of a kind a form has.

    Examples
    --------
    >>> row_count({"cell-0-low": "1", "cell-3-type": "", "section-1-name": ""}, "cell")
    4
    """
    numbers = [int(match[2]) + 1 for name in values if (match := _ROW.match(name)) and match[1] == kind]
    return min(max(numbers, default=0), MOST_ROWS)


def read_cells(form: SpecForm) -> list[dict[str, Any]]:
    """Return the cells that the rows describe; a row without numbers is left out."""
    return [cell for number in range(row_count(form.values, "cell")) if (cell := _cell(form, f"cell-{number}"))]


def _cell(form: SpecForm, name: str) -> dict[str, Any] | None:
    bounds = form.count_range(f"{name}-low", f"{name}-high")
    levels = form.parts(f"{name}-difficulty")
    where = optional(
        scope=form.parts(f"{name}-scope"), type=form.parts(f"{name}-type"),
        importance=form.parts(f"{name}-importance"), difficulty=_levels(levels),
        cognitive=form.parts(f"{name}-cognitive"),
    )  # fmt: skip
    if bounds is None:
        if where:
            form.complain(f"{name}-low", N_("请填写题数"))
        return None
    if not where:
        form.complain(f"{name}-scope", N_("请选择范围、题型、重要程度或难度"))
        return None
    return where | {"count": bounds}


def _levels(levels: str | list[str] | None) -> int | list[int] | None:
    if levels is None:
        return None
    return int(levels) if isinstance(levels, str) else [int(level) for level in levels]


def cell_values(cells: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fields of cells, with some rows left to fill."""
    values: dict[str, Any] = {}
    for number, cell in enumerate(cells):
        name = f"cell-{number}"
        for key in ("scope", "type", "importance", "difficulty", "cognitive"):
            values[f"{name}-{key}"] = joined(cell.get(key))
        values |= range_values(name, cell["count"])
    return values | {f"cell-{len(cells) + spare}-low": "" for spare in range(SPARE_ROWS)}


def read_sections(form: SpecForm, base: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the parts of a form that the rows describe; rules without a field are kept by the part's name."""
    kept = {
        str(row["name"]): {key: row[key] for key in ("p_value", "minutes") if row.get(key) is not None} for row in base
    }
    sections = []
    for number in range(row_count(form.values, "section")):
        section = _section(form, f"section-{number}")
        if section:
            sections.append(kept.get(section["name"], {}) | section)
    return sections


def _section(form: SpecForm, name: str) -> dict[str, Any] | None:
    title, where = form.text(f"{name}-name"), optional(
        scopes=form.parts(f"{name}-scope"), types=form.parts(f"{name}-type")
    )  # fmt: skip
    score = form.number(f"{name}-score", most=MOST_MARKS)
    mean = form.mean(f"{name}-mean", f"{name}-tolerance", most=Decimal(5))
    rules = optional(
        n_items=form.count_range(f"{name}-low", f"{name}-high"),
        score=None if score is None else json_number(score), difficulty=optional(mean=mean),
    )  # fmt: skip
    if not (title or where or rules):
        return None
    if not title:
        form.complain(f"{name}-name", N_("请填写这一部分的名称"))
    if not where:
        form.complain(f"{name}-scope", N_("请选择这一部分的范围或题型"))
    if not rules:
        form.complain(f"{name}-low", N_("请填写这一部分的题数、分数或难度"))
    return {"name": title, **where, **rules}


def section_values(sections: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fields of the parts, with a row left to fill."""
    values: dict[str, Any] = {}
    for number, section in enumerate(sections):
        name = f"section-{number}"
        score = section.get("score")
        values |= {
            f"{name}-name": section["name"], f"{name}-scope": joined(section.get("scopes")),
            f"{name}-type": joined(section.get("types")),
            f"{name}-score": "" if score is None or isinstance(score, list) else score,
        }  # fmt: skip
        values |= range_values(name, section.get("n_items"))
        values |= mean_values(name, (section.get("difficulty") or {}).get("mean"))
    return values | {f"section-{len(sections)}-name": ""}


def read_information(form: SpecForm, base: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the information targets that the rows describe; those with a tolerance in points stay as they are."""
    found = [dict(row) for row in base if row.get("tolerance") is not None]
    for number in range(row_count(form.values, "information")):
        name = f"information-{number}"
        theta = form.number(f"{name}-theta", least=-FARTHEST_THETA, most=FARTHEST_THETA)
        target = form.number(f"{name}-target", most=MOST_MARKS)
        percent = form.number(f"{name}-percent", most=Decimal(100))
        if (theta is None) != (target is None):
            form.complain(f"{name}-{'theta' if theta is None else 'target'}", N_("能力和信息量须同时填写"))
        elif theta is not None and target is not None:
            rule = {"theta": json_number(theta), "target": json_number(target)}
            found.append(rule | optional(tolerance_percent=None if percent is None else json_number(percent)))
    return found


def information_values(rules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fields of the information targets, with a row left to fill."""
    values: dict[str, Any] = {}
    shown = [row for row in rules if row.get("tolerance") is None]
    for number, row in enumerate(shown):
        name = f"information-{number}"
        values |= {f"{name}-theta": row["theta"], f"{name}-target": row["target"]}
        values[f"{name}-percent"] = row.get("tolerance_percent", "")
    return values | {f"information-{len(shown)}-theta": ""}


def read_coverage(form: SpecForm, base: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rules on points to be covered: one field a letter; rules with a scope or points of their own stay."""
    kept = [dict(row) for row in base if not _is_plain(row)]
    for letter in IMPORTANCE_LETTERS:
        forms = form.count(f"coverage-{letter}", most=100)
        if forms:
            kept.append({"importance": letter, "forms": forms})
    return kept


def _is_plain(row: Mapping[str, Any]) -> bool:
    return row.get("importance") in IMPORTANCE_LETTERS and not (row.keys() - {"importance", "forms"})


def coverage_values(coverage: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fields of the rules on coverage."""
    return {f"coverage-{row['importance']}": row["forms"] for row in coverage if _is_plain(row)}


def read_key_balance(form: SpecForm, base: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the bounds on the share of each key, by type."""
    kept = [dict(row) for row in base if row.get("type") not in KEYED_TYPES]
    for name in KEYED_TYPES:
        rule = optional(min=form.share(f"keys-{name}-min"), max=form.share(f"keys-{name}-max"))
        if rule:
            kept.append({"type": name, **rule})
    return kept


def key_balance_values(rules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fields of the balance of keys."""
    return dict(_key_balance_values(rules))


def _key_balance_values(rules: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    for row in rules:
        if row["type"] in KEYED_TYPES:
            for side in ("min", "max"):
                yield f"keys-{row['type']}-{side}", share_value(row.get(side))
