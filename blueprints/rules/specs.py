"""The blueprint form: its fields to the blueprint JSON and back, with complaints by field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from blueprints.assembly.blueprint import Blueprint, BlueprintError, parse_blueprint
from blueprints.assembly.consistency import contradictions
from blueprints.assembly.pool import DIFFICULTY_LEVELS, IMPORTANCE_LETTERS
from blueprints.assembly.text import Text
from blueprints.rules.profile import json_number
from item_templates import registry
from kernel.i18n import N_

MOST_ITEMS = 1000
MOST_MARKS = Decimal(9999)
HUNDRED = Decimal(100)
_TYPE_PATH = re.compile(r"types\[(\d+)\]\.(count|score_each|type)")
_WEIGHT_PATH = re.compile(r"weights\[(\d+)\]")
_FIELD_OF_KEY = {
    "n_items": "types", "total_score": "types", "types": "types", "weight_tolerance_percent": "weight_tolerance",
    "max_per_point": "max_per_point", "max_overlap": "max_overlap", "exclude": "exclude",
}  # fmt: skip


@dataclass(slots=True)
class SpecForm:
    """What a person typed, what it means, and what is wrong with it."""

    values: dict[str, str]
    spec: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, list[Text]] = field(default_factory=dict)

    def complain(self, name: str, template: str, **params: Any) -> None:
        """Add a complaint about a field."""
        self.errors.setdefault(name, []).append(Text(template, params))

    def number(self, name: str, *, most: Decimal | None = None, whole: bool = False) -> Decimal | None:
        """Return a field's number, None when it is empty or wrong; what is wrong is complained about."""
        text = self.values.get(name, "").strip().replace("，", ",").replace("％", "%").rstrip("%")
        if not text:
            return None
        try:
            value = Decimal(text)
        except InvalidOperation:
            self.complain(name, N_("“%(text)s”不是数字"), text=text[:20])
            return None
        if not value.is_finite() or value < 0 or (most is not None and value > most):
            limit = f"{most:f}" if most is not None else "∞"
            self.complain(name, N_("应在 0 与 %(limit)s 之间"), limit=limit)
            return None
        if whole and value != value.to_integral_value():
            self.complain(name, N_("应为整数"))
            return None
        return value

    def count(self, name: str, *, most: int = MOST_ITEMS) -> int | None:
        """Return a field's whole number."""
        value = self.number(name, most=Decimal(most), whole=True)
        return None if value is None else int(value)


def read_form(
    values: Mapping[str, str], scopes: Sequence[str], base: Mapping[str, Any], excluded: Sequence[str]
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
    excluded : sequence of str
        Ids of the items that the field of excluded items names.
    """
    form = SpecForm(dict(values))
    spec = {key: base[key] for key in ("cells", "information", "p_value") if base.get(key)}
    spec |= _types(form)
    spec |= {"weights": _weights(form, scopes), "max_overlap": form.count("max_overlap") or 0}
    tolerance = form.number("weight_tolerance", most=HUNDRED)
    spec["weight_tolerance_percent"] = json_number(tolerance or Decimal(0))
    spec |= _optional(
        importance=_importance(form, base.get("importance") or {}),
        difficulty=_difficulty(form),
        max_per_point=form.count("max_per_point") or None,
        exposure=_exposure(form),
        exclude=list(excluded),
    )
    form.spec = spec
    if not form.errors:
        _check(form)
    return form


def _optional(**parts: Any) -> dict[str, Any]:
    return {key: value for key, value in parts.items() if value not in (None, [], {})}


def _types(form: SpecForm) -> dict[str, Any]:
    rules = []
    for item_type in registry.all_types():
        count = form.count(f"type-{item_type.name}-count")
        each = form.number(f"type-{item_type.name}-score", most=MOST_MARKS)
        if not count:
            continue
        if not each and f"type-{item_type.name}-score" not in form.errors:
            form.complain(f"type-{item_type.name}-score", N_("请填写每题分值"))
        rules.append((item_type.name, count, each or Decimal(0)))
    if not rules and not form.errors:
        form.complain("types", N_("至少要有一种题型，请填写题数和分值"))
    return {
        "n_items": sum(count for _, count, _ in rules),
        "total_score": json_number(sum((count * each for _, count, each in rules), Decimal(0))),
        "types": [{"type": name, "count": count, "score_each": json_number(each)} for name, count, each in rules],
    }


def _weights(form: SpecForm, scopes: Sequence[str]) -> list[dict[str, Any]]:
    weights = {scope: form.number(f"weight-{scope}", most=HUNDRED) for scope in scopes}
    return [{"scope": scope, "percent": json_number(p)} for scope, p in weights.items() if p is not None]


def _importance(form: SpecForm, base: Mapping[str, Any]) -> dict[str, Any]:
    rules: dict[str, Any] = {}
    for letter in IMPORTANCE_LETTERS:
        percent = form.number(f"importance-{letter}-min", most=HUNDRED)
        bounds = {"max": base[letter]["max"]} if (base.get(letter) or {}).get("max") is not None else {}
        if percent:
            bounds["min"] = json_number(percent / HUNDRED)
        if bounds:
            rules[letter] = bounds
    return rules


def _difficulty(form: SpecForm) -> dict[str, Any]:
    counts = {}
    for level in DIFFICULTY_LEVELS:
        low, high = form.count(f"difficulty-{level}-low"), form.count(f"difficulty-{level}-high")
        if low is None and high is None:
            continue
        low, high = low or 0, MOST_ITEMS if high is None else high
        if low > high:
            form.complain(f"difficulty-{level}-low", N_("最少题数不能大于最多题数"))
        counts[str(level)] = [low, high]
    target, tolerance = (
        form.number("difficulty-mean", most=Decimal(5)),
        form.number("difficulty-tolerance", most=Decimal(4)),
    )
    mean = (
        None if target is None else {"target": json_number(target), "tolerance": json_number(tolerance or Decimal(0))}
    )
    return _optional(counts=counts, mean=mean)


def _exposure(form: SpecForm) -> dict[str, Any]:
    limit = form.count("max_n_used")
    return {} if limit is None else {"max_n_used": limit}


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
    return _FIELD_OF_KEY.get(path.partition(".")[0].partition("[")[0], "")


def _field_of_rule(rule: str) -> str:
    kind, _, name = rule.rstrip("]").partition("[")
    return f"weight-{name}" if kind == "weights" else _FIELD_OF_KEY.get(kind, "")


def form_values(spec: Mapping[str, Any]) -> dict[str, str]:
    """Return the field texts that show a blueprint JSON.

    Examples
    --------
    >>> form_values({"types": [{"type": "single_choice", "count": 80, "score_each": 0.5}]})["type-single_choice-score"]
    '0.5'
    """
    values: dict[str, Any] = {}
    for rule in spec.get("types", ()):
        values |= {
            f"type-{rule['type']}-count": rule["count"],
            f"type-{rule['type']}-score": rule.get("score_each", ""),
        }
    values |= {f"weight-{rule['scope']}": rule["percent"] for rule in spec.get("weights", ())}
    for letter, bounds in (spec.get("importance") or {}).items():
        low = bounds.get("min")
        values[f"importance-{letter}-min"] = "" if low is None else json_number(Decimal(str(low)) * HUNDRED)
    values |= _difficulty_values(spec.get("difficulty") or {})
    for name, key in (("weight_tolerance", "weight_tolerance_percent"), ("max_per_point", "max_per_point")):
        values[name] = spec.get(key, "")
    values["max_overlap"] = spec.get("max_overlap", 0)
    values["max_n_used"] = (spec.get("exposure") or {}).get("max_n_used", "")
    return {name: "" if value is None else str(value) for name, value in values.items()}


def _difficulty_values(difficulty: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for level, bounds in (difficulty.get("counts") or {}).items():
        low, high = bounds if isinstance(bounds, list) else (bounds, bounds)
        values |= {f"difficulty-{level}-low": low, f"difficulty-{level}-high": "" if high >= MOST_ITEMS else high}
    mean = difficulty.get("mean") or {}
    return values | {"difficulty-mean": mean.get("target", ""), "difficulty-tolerance": mean.get("tolerance", "")}


def blueprint_of(spec: Mapping[str, Any]) -> Blueprint:
    """Return the engine's blueprint of a stored blueprint JSON."""
    return parse_blueprint(spec)
