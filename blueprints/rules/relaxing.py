"""Put a relaxation that the engine proposed into the blueprint JSON, so that it can be tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from blueprints.rules.profile import json_number

SHARE_STEP = Decimal("0.000001")
Bounds = tuple[Decimal | None, Decimal | None]


def relaxed_spec(spec: Mapping[str, Any], changes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the blueprint JSON with every change in it.

    A weight is widened through the tolerance of all weights, so that shares inside a scope still add up. The number
    of forms is no part of a blueprint: see `relaxed_n_forms`.

    Parameters
    ----------
    spec : mapping
        Blueprint JSON.
    changes : sequence of mappings
        ``{"rule", "from", "to"}`` with bounds as pairs of decimal strings or None.
    """
    relaxed = deepcopy(dict(spec))
    for change in changes:
        kind, _, name = change["rule"].rstrip("]").partition("[")
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(relaxed, name, _bounds(change["from"]), _bounds(change["to"]))
    if not any(isinstance(rule["count"], list) for rule in relaxed["types"]):
        relaxed["n_items"] = sum(rule["count"] for rule in relaxed["types"])
        _retotal(relaxed)
    return relaxed


def relaxed_n_forms(changes: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the number of forms that a relaxation asks for, None when it leaves it alone."""
    for change in changes:
        if change["rule"] == "n_forms":
            return int(_bounds(change["to"])[1] or 1)
    return None


def _bounds(pair: Sequence[str | None]) -> Bounds:
    low, high = (None if side is None else Decimal(side) for side in pair)
    return low, high


def _retotal(spec: dict[str, Any]) -> None:
    scores = [rule.get("score_each") for rule in spec["types"]]
    if spec.get("total_score") is None or None in scores:
        return
    total = sum((rule["count"] * Decimal(str(rule["score_each"])) for rule in spec["types"]), Decimal(0))
    spec["total_score"] = json_number(total)


def _types(spec: dict[str, Any], name: str, before: Bounds, after: Bounds) -> None:
    count = after[0] if after[0] != before[0] else after[1]
    for rule in spec["types"]:
        if rule["type"] == name and count is not None:
            is_open = isinstance(rule["count"], list)
            rule["count"] = [max(0, int(after[0] or 0)), int(after[1] or 0)] if is_open else int(count)


def _weights(spec: dict[str, Any], name: str, _before: Bounds, after: Bounds) -> None:
    total = Decimal(str(spec.get("total_score") or 0))
    percents = {rule["scope"]: Decimal(str(rule["percent"])) for rule in spec["weights"]}
    if not total or name not in percents:
        return
    reach = max((abs(side * 100 / total - percents[name]) for side in after if side is not None), default=Decimal(0))
    wider = max(reach, Decimal(str(spec.get("weight_tolerance_percent", 0))))
    spec["weight_tolerance_percent"] = json_number(wider.quantize(Decimal("0.001"), ROUND_CEILING))


def _importance(spec: dict[str, Any], name: str, _before: Bounds, after: Bounds) -> None:
    bounds: dict[str, Any] = {}
    if after[0] is not None and after[0] > 0:
        bounds["min"] = json_number((after[0] / spec["n_items"]).quantize(SHARE_STEP, ROUND_FLOOR))
    if after[1] is not None:
        share = (after[1] / spec["n_items"]).quantize(SHARE_STEP, ROUND_CEILING)
        bounds["max"] = json_number(min(Decimal(1), share))
    spec.setdefault("importance", {})[name] = bounds


def _difficulty(spec: dict[str, Any], name: str, before: Bounds, after: Bounds) -> None:
    difficulty = spec.setdefault("difficulty", {})
    if name == "mean":
        difficulty["mean"] = _mean(before, after)
        return
    low, high = after
    difficulty.setdefault("counts", {})[name] = [
        max(0, int(low or 0)),
        int(high if high is not None else spec["n_items"]),
    ]


def _p_value(spec: dict[str, Any], _name: str, before: Bounds, after: Bounds) -> None:
    spec["p_value"] = {"mean": _mean(before, after)}


def _mean(before: Bounds, after: Bounds) -> dict[str, Any]:
    """Keep the target and widen the tolerance to the farther side."""
    low, high = (side if side is not None else Decimal(0) for side in before)
    target = (low + high) / 2
    reach = max(abs(side - target) for side in after if side is not None)
    return {"target": json_number(target), "tolerance": json_number(reach.quantize(SHARE_STEP, ROUND_CEILING))}


def _cells(spec: dict[str, Any], name: str, _before: Bounds, after: Bounds) -> None:
    for cell in spec.get("cells", ()):
        if _cell_name(cell) == name:
            cell["count"] = [max(0, int(after[0] or 0)), int(after[1] or 0)]


def _cell_name(cell: Mapping[str, Any]) -> str:
    parts = (cell.get(key) for key in ("scope", "type", "importance", "difficulty", "cognitive"))
    lists = (part if isinstance(part, list) else [part] for part in parts if part is not None)
    return "/".join("+".join(map(str, part)) for part in lists)


def _max_per_point(spec: dict[str, Any], _name: str, _before: Bounds, after: Bounds) -> None:
    if after[1] is not None:
        spec["max_per_point"] = int(after[1])


def _information(spec: dict[str, Any], name: str, _before: Bounds, after: Bounds) -> None:
    for rule in spec.get("information", ()):
        if Decimal(str(rule["theta"])) == Decimal(name) and after[0] is not None:
            rule["target"] = json_number(max(Decimal(0), after[0]))


def _exclude(spec: dict[str, Any], _name: str, _before: Bounds, _after: Bounds) -> None:
    spec.pop("exclude", None)


def _exposure(spec: dict[str, Any], _name: str, _before: Bounds, after: Bounds) -> None:
    spec["exposure"] = {"max_n_used": int(after[1] or 0)}


def _cognitive(spec: dict[str, Any], name: str, before: Bounds, after: Bounds) -> None:
    scratch = {"n_items": spec["n_items"]}
    _importance(scratch, name, before, after)
    spec.setdefault("cognitive", {})[name] = scratch["importance"][name]


def _key_balance(spec: dict[str, Any], name: str, _before: Bounds, after: Bounds) -> None:
    kind = name.partition("/")[0]
    n_items = next((rule["count"] for rule in spec["types"] if rule["type"] == kind), 0)
    least = n_items[0] if isinstance(n_items, list) else n_items
    for rule in spec.get("key_balance", ()):
        if rule["type"] == kind and least:
            low, high = (None if side is None else side / least for side in after)
            if low is not None and low < Decimal(str(rule.get("min", 0))):
                rule["min"] = json_number(low.quantize(SHARE_STEP, ROUND_FLOOR))
            if high is not None and high > Decimal(str(rule.get("max", 1))):
                rule["max"] = json_number(min(Decimal(1), high.quantize(SHARE_STEP, ROUND_CEILING)))


def _outward(after: Bounds) -> list[int | float]:
    """Return a band, rounded outwards so that nothing is lost."""
    step = Decimal("0.001")
    low, high = after
    return [
        json_number(max(Decimal(0), low or Decimal(0)).quantize(step, ROUND_FLOOR)),
        json_number((high or Decimal(0)).quantize(step, ROUND_CEILING)),
    ]


def _answer_time(spec: dict[str, Any], _name: str, _before: Bounds, after: Bounds) -> None:
    spec["answer_time"] = {"minutes": _outward(after)}


def _reading(spec: dict[str, Any], _name: str, _before: Bounds, after: Bounds) -> None:
    spec["reading"] = {"characters": _outward(after)}


def _section(key: str) -> Callable[[dict[str, Any], str, Bounds, Bounds], None]:
    def widen(spec: dict[str, Any], name: str, _before: Bounds, after: Bounds) -> None:
        for section in spec.get("sections", ()):
            if section["name"] == name:
                section[key] = [max(0, int(side or 0)) for side in after] if key == "n_items" else _outward(after)

    return widen


def _p_bands(spec: dict[str, Any], name: str, _before: Bounds, after: Bounds) -> None:
    for rule in (spec.get("p_value") or {}).get("counts", ()):
        if f"{Decimal(str(rule['from']))}-{Decimal(str(rule['to']))}" == name:
            rule["count"] = [max(0, int(after[0] or 0)), int(after[1] or 0)]


def _earlier(spec: dict[str, Any], _name: str, _before: Bounds, after: Bounds) -> None:
    spec["earlier"] = {**spec.get("earlier", {}), "max_count": int(after[1] or 0)}
    spec["earlier"].pop("max_share", None)


def _pretest(spec: dict[str, Any], name: str, _before: Bounds, after: Bounds) -> None:
    block = spec.get("pretest")
    if not block:
        return
    if name:
        for rule in block.get("types", ()):
            if rule["type"] == name:
                rule["count"] = max(0, int(after[0] or 0))
        block["n_items"] = sum(rule["count"] for rule in block["types"])
    elif not block.get("types"):
        block["n_items"] = max(0, int(after[0] or 0))
    if not block["n_items"]:
        spec.pop("pretest")


def _drop(key: str) -> Callable[[dict[str, Any], str, Bounds, Bounds], None]:
    def drop(spec: dict[str, Any], name: str, _before: Bounds, _after: Bounds) -> None:
        spec[key] = [one for one in spec.get(key, ()) if one != name]

    return drop


def _coverage(spec: dict[str, Any], name: str, _before: Bounds, _after: Bounds) -> None:
    kept = []
    for rule in spec.get("coverage", ()):
        letters = rule.get("importance")
        letters = [letters] if isinstance(letters, str) or letters is None else list(letters)
        scope = rule.get("scope")
        left = [one for one in letters if ("/".join(part for part in (scope, one) if part) or "*") != name]
        if left:
            kept.append(rule if left == [None] else {**rule, "importance": left})
    spec["coverage"] = kept


def _p_value_items(spec: dict[str, Any], _name: str, _before: Bounds, _after: Bounds) -> None:
    (spec.get("p_value") or {}).pop("items", None)


def _cool_down(spec: dict[str, Any], _name: str, _before: Bounds, after: Bounds) -> None:
    days = int(after[0] or 0)
    if days:
        spec["cool_down"] = {**spec.get("cool_down", {}), "days": days}
    else:
        spec.pop("cool_down", None)


_HANDLERS: Mapping[str, Callable[[dict[str, Any], str, Bounds, Bounds], None]] = {
    "types": _types, "weights": _weights, "importance": _importance, "difficulty": _difficulty, "p_value": _p_value,
    "cells": _cells, "max_per_point": _max_per_point, "information": _information, "exclude": _exclude,
    "exposure": _exposure, "cognitive": _cognitive, "key_balance": _key_balance, "answer_time": _answer_time,
    "reading": _reading, "sections": _section("n_items"), "section_score": _section("score"),
    "section_time": _section("minutes"), "p_bands": _p_bands, "earlier": _earlier, "pretest": _pretest,
    "include": _drop("include"), "include_sets": _drop("include_sets"), "coverage": _coverage,
    "p_value_items": _p_value_items, "cool_down": _cool_down,
}  # fmt: skip
