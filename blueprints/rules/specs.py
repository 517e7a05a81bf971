"""The blueprint form: its fields to the blueprint JSON and back, with complaints by field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from blueprints.assembly.blueprint import Blueprint, BlueprintError, parse_blueprint
from blueprints.assembly.consistency import contradictions
from blueprints.assembly.pool import DIFFICULTY_LEVELS, IMPORTANCE_LETTERS
from blueprints.rules.profile import json_number
from blueprints.rules.spec_form import HUNDRED, SpecForm, mean_values, optional, range_values, share_value
from blueprints.rules.spec_limits import limit_values, read_limits
from item_templates import registry
from kernel.i18n import N_

MOST_MARKS = Decimal(9999)
MOST_PLACES = 99
_TYPE_PATH = re.compile(r"types\[(\d+)\]\.(count|score_each|type)")
_WEIGHT_PATH = re.compile(r"weights\[(\d+)\]")
_ROW_PATH = re.compile(r"(cells|sections|information)\[(\d+)\]\.?(\w*)")
_COGNITIVE_FIELD = re.compile(r"cognitive-.+-min")
_ROW_FIELDS = {"cells": ("cell", "scope"), "sections": ("section", "name"), "information": ("information", "theta")}
_FIELD_OF_KEY = {
    "n_items": "types", "total_score": "types", "types": "types", "weight_tolerance_percent": "weight_tolerance",
    "max_per_point": "max_per_point", "max_overlap": "max_overlap", "exclude": "exclude", "include": "include",
    "anchor": "anchor", "earlier": "earlier-last", "cool_down": "cool-days", "exposure": "max_n_used", "p_value": "p-mean",
    "reading": "reading-low", "answer_time": "minutes-low", "coverage": "coverage-X",
    "key_balance": "keys-single_choice-min", "difficulty": "difficulty-mean", "importance": "importance-X-min",
    "pretest": "pretest-count",
}  # fmt: skip


def read_form(
    values: Mapping[str, str], scopes: Sequence[str], base: Mapping[str, Any], items: Mapping[str, Sequence[str]]
) -> SpecForm:
    """Return the blueprint that the fields describe.

    Parameters
    ----------
    values : mapping
        Field name to text.
    scopes : sequence of str
        Codes of the outline's scopes, each with a field ``weight-<code>``.
    base : mapping
        The blueprint JSON that was opened: keys without a field are kept.
    items : mapping
        Ids of the items that a field names, by the field's name.
    """
    form = SpecForm(dict(values))
    spec = _types(form, base)
    spec |= {"weights": _weights(form, scopes), "max_overlap": form.count("max_overlap") or 0}
    tolerance = form.number("weight_tolerance", most=HUNDRED)
    spec["weight_tolerance_percent"] = json_number(tolerance or Decimal(0))
    spec |= optional(
        importance=_shares(form, "importance", IMPORTANCE_LETTERS),
        cognitive=_shares(form, "cognitive", cognitive_names(form.values, base)),
        difficulty=_difficulty(form),
        max_per_point=form.count("max_per_point") or None,
    )
    form.spec = spec | read_limits(form, base, items) | optional(shared_banks=base.get("shared_banks"))
    if not form.errors:
        _check(form)
    return form


def _types(form: SpecForm, base: Mapping[str, Any]) -> dict[str, Any]:
    names = [one.name for one in registry.all_types()]
    rules = [rule for number, name in enumerate(names) if (rule := _type(form, name, number))]
    types = [rule for _order, rule in sorted(rules, key=lambda entry: entry[0])]
    if not types and not form.errors:
        form.complain("types", N_("至少要有一种题型，请填写题数和分值"))
    open_counts = {rule["type"]: rule["count"] for rule in base.get("types", ()) if isinstance(rule["count"], list)}
    kept = [rule for rule in types if rule["count"] == open_counts.get(rule["type"], [None])[0]]
    if kept:
        return _open_types(types, open_counts, base)
    marks = [rule["count"] * Decimal(str(rule["score_each"])) for rule in types]
    return {
        "n_items": sum(rule["count"] for rule in types), "total_score": json_number(sum(marks, Decimal(0))), "types": types
    }  # fmt: skip


def _open_types(
    types: Sequence[dict[str, Any]], open_counts: Mapping[str, list[int]], base: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the types where a file brought in ranges of counts: those stay, and so do the totals they add up to."""
    kept = [
        rule | {"count": found} if (found := open_counts.get(rule["type"])) and found[0] == rule["count"] else rule
        for rule in types
    ]
    return {"types": kept, "n_items": base["n_items"]} | optional(total_score=base.get("total_score"))


def _type(form: SpecForm, name: str, number: int) -> tuple[tuple[int, int], dict[str, Any]] | None:
    """Return a type's rule with its place in the form; types without a place of their own follow in the usual order."""
    count = form.count(f"type-{name}-count")
    each = form.number(f"type-{name}-score", most=MOST_MARKS)
    place = form.count(f"type-{name}-order", most=MOST_PLACES)
    if not count:
        return None
    if not each and f"type-{name}-score" not in form.errors:
        form.complain(f"type-{name}-score", N_("请填写每题分值"))
    rule = {"type": name, "count": count, "score_each": json_number(each or Decimal(0))}
    return (place or MOST_PLACES, number), rule


def _weights(form: SpecForm, scopes: Sequence[str]) -> list[dict[str, Any]]:
    weights = {scope: form.number(f"weight-{scope}", most=HUNDRED) for scope in scopes}
    return [{"scope": scope, "percent": json_number(p)} for scope, p in weights.items() if p is not None]


def cognitive_names(values: Mapping[str, str], spec: Mapping[str, Any]) -> list[str]:
    """Return the cognitive levels that fields or a blueprint name.

    Examples
    --------
    >>> cognitive_names({"cognitive-理解-min": "30", "name": "x"}, {"cognitive": {"应用": {"max": 0.5}}})
    ['应用', '理解']
    """
    typed = [name[len("cognitive-") : -len("-min")] for name in values if _COGNITIVE_FIELD.fullmatch(name)]
    return list(dict.fromkeys([*(spec.get("cognitive") or {}), *typed]))


def _shares(form: SpecForm, kind: str, names: Sequence[str]) -> dict[str, Any]:
    rules = {}
    for name in names:
        low, high = form.share(f"{kind}-{name}-min"), form.share(f"{kind}-{name}-max")
        if low is not None and high is not None and low > high:
            form.complain(f"{kind}-{name}-min", N_("下限不能大于上限"))
        rules[name] = optional(min=low or None, max=high)
    return {name: bounds for name, bounds in rules.items() if bounds}


def _difficulty(form: SpecForm) -> dict[str, Any]:
    counts = {
        str(level): form.count_range(f"difficulty-{level}-low", f"difficulty-{level}-high")
        for level in DIFFICULTY_LEVELS
    }
    mean = form.mean("difficulty-mean", "difficulty-tolerance", most=Decimal(5))
    return optional(counts=optional(**counts), mean=mean)


def _check(form: SpecForm) -> None:
    """Let the engine's own parser and its look for contradictions judge the whole."""
    try:
        blueprint = parse_blueprint(form.spec)
    except BlueprintError as exc:
        form.complain(_field_of(str(exc.context.get("key", "")), form.spec), exc.template, **exc.context)
        return
    for rule in contradictions(blueprint):
        form.errors.setdefault(_field_of_rule(rule.rule), []).append(rule.text)


def _field_of(path: str, spec: Mapping[str, Any]) -> str:
    if match := _TYPE_PATH.match(path):
        name = spec["types"][int(match[1])]["type"]
        return f"type-{name}-{'score' if match[2] == 'score_each' else 'count'}"
    if match := _WEIGHT_PATH.match(path):
        return f"weight-{spec['weights'][int(match[1])]['scope']}"
    if match := _ROW_PATH.match(path):
        kind, part = _ROW_FIELDS[match[1]]
        return f"{kind}-{match[2]}-{part}"
    return _FIELD_OF_KEY.get(path.partition(".")[0].partition("[")[0], "")


def _field_of_rule(rule: str) -> str:
    kind, _, name = rule.rstrip("]").partition("[")
    if kind in {"importance", "cognitive"}:
        return f"{kind}-{name}-min"
    return f"weight-{name}" if kind == "weights" else _FIELD_OF_KEY.get(kind, "")


def form_values(spec: Mapping[str, Any]) -> dict[str, str]:
    """Return the field texts that show a blueprint JSON.

    Examples
    --------
    >>> form_values({"types": [{"type": "single_choice", "count": 80, "score_each": 0.5}]})["type-single_choice-score"]
    '0.5'
    """
    values: dict[str, Any] = {}
    rules = spec.get("types", ())
    usual = [one.name for one in registry.all_types()]
    places = [usual.index(rule["type"]) for rule in rules if rule["type"] in usual]
    for place, rule in enumerate(rules, 1):
        values |= {
            f"type-{rule['type']}-count": rule["count"][0] if isinstance(rule["count"], list) else rule["count"],
            f"type-{rule['type']}-score": rule.get("score_each", ""),
            f"type-{rule['type']}-order": "" if places == sorted(places) else place,
        }
    values |= {f"weight-{rule['scope']}": rule["percent"] for rule in spec.get("weights", ())}
    for kind in ("importance", "cognitive"):
        for name, bounds in (spec.get(kind) or {}).items():
            values |= {f"{kind}-{name}-{side}": share_value(bounds.get(side)) for side in ("min", "max")}
    difficulty = spec.get("difficulty") or {}
    for level, bounds in (difficulty.get("counts") or {}).items():
        values |= range_values(f"difficulty-{level}", bounds)
    values |= mean_values("difficulty", difficulty.get("mean"))
    for name, key in (("weight_tolerance", "weight_tolerance_percent"), ("max_per_point", "max_per_point")):
        values[name] = spec.get(key, "")
    values |= {"max_overlap": spec.get("max_overlap", 0)} | limit_values(spec)
    return {name: "" if value is None else str(value) for name, value in values.items()}


def blueprint_of(spec: Mapping[str, Any]) -> Blueprint:
    """Return the engine's blueprint of a stored blueprint JSON."""
    return parse_blueprint(spec)
