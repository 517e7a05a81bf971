"""A blueprint on its way to a new edition: ranges get their new codes, and what does not fit is named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from blueprints.rules.profile import json_number
from kernel.i18n import N_

HUNDRED = Decimal(100)
ITEM_KEYS = ("include", "exclude", "include_sets", "exclude_sets", "anchor")
Remark = tuple[str, dict[str, Any]]


@dataclass(slots=True)
class MappedSpec:
    """The blueprint JSON for the new edition, and what people should look at."""

    spec: dict[str, Any]
    remarks: list[Remark] = field(default_factory=list)


def map_spec(
    spec: Mapping[str, Any], scopes: Mapping[str, str], weights: Mapping[str, Decimal], *, keep_items: bool = True
) -> MappedSpec:
    """Return a blueprint JSON with the ranges of another edition, level or occupation.

    Parameters
    ----------
    spec : mapping
        Blueprint JSON of the old outline.
    scopes : mapping
        Code of the range in the new outline by the old code; a code left out has no successor.
    weights : mapping
        Percent by range as the new outline has them.
    keep_items : bool, optional
        Whether named items exist there too; else they are left out, and said so.
    """
    mapped = MappedSpec(deepcopy(dict(spec)))
    percents = _map_weights(mapped, scopes)
    mapped.spec["weights"] = [{"scope": code, "percent": json_number(value)} for code, value in percents.items()]
    for key, field_name in (("cells", "scope"), ("sections", "scopes"), ("coverage", "scope")):
        _map_rows(mapped, key, field_name, scopes)
    if not keep_items:
        _drop_items(mapped)
    mapped.remarks += _compare(percents, weights)
    return mapped


def _map_weights(mapped: MappedSpec, scopes: Mapping[str, str]) -> dict[str, Decimal]:
    percents: dict[str, Decimal] = {}
    for rule in mapped.spec.get("weights", ()):
        code, percent = str(rule["scope"]), Decimal(str(rule["percent"]))
        target = scopes.get(code)
        if target is None:
            template = N_("旧版范围 %(scope)s（比重 %(percent)s）在新版没有对应的范围，已去掉")
            mapped.remarks.append((template, {"scope": code, "percent": str(json_number(percent))}))
            continue
        if target in percents:
            mapped.remarks.append((N_("几个旧版范围合并为新版范围 %(scope)s，比重已相加"), {"scope": target}))
        percents[target] = percents.get(target, Decimal(0)) + percent
    return percents


def _map_rows(mapped: MappedSpec, key: str, field_name: str, scopes: Mapping[str, str]) -> None:
    """Give the rows of a key their new ranges; a row whose ranges are all gone goes with them."""
    rows: Sequence[dict[str, Any]] = mapped.spec.get(key) or ()
    kept = []
    for row in rows:
        codes = row.get(field_name)
        several = [codes] if isinstance(codes, str) else list(codes or ())
        targets = [scopes[code] for code in several if code in scopes]
        for code in several:
            if code not in scopes:
                mapped.remarks.append((_ROW_GONE[key], {"scope": code}))
        if not several:
            kept.append(row)
        elif targets:
            kept.append({**row, field_name: targets[0] if isinstance(codes, str) else targets})
    _put(mapped, key, kept)


def _put(mapped: MappedSpec, key: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        mapped.spec[key] = rows
    elif key in mapped.spec:
        del mapped.spec[key]


def _drop_items(mapped: MappedSpec) -> None:
    """Leave out everything that names items: they belong to the old outline."""
    named = [key for key in ITEM_KEYS if mapped.spec.pop(key, None)]
    forms = (mapped.spec.get("earlier") or {}).pop("forms", None)
    if named or forms:
        mapped.remarks.append((N_("指定、排除的试题和锚题属于原来的题库，没有带过来"), {}))
    for row in mapped.spec.get("coverage") or ():
        row.pop("points", None)


_ROW_GONE = {
    "cells": N_("对旧版范围 %(scope)s 的题数要求在新版没有对应的范围，已去掉"),
    "sections": N_("分部分要求中的范围 %(scope)s 没有对应的范围，已去掉"),
    "coverage": N_("对范围 %(scope)s 的覆盖要求没有对应的范围，已去掉"),
}


def _compare(percents: Mapping[str, Decimal], weights: Mapping[str, Decimal]) -> Iterable[Remark]:
    for code, wanted in weights.items():
        found = percents.get(code)
        values = {"scope": code, "wanted": str(json_number(wanted))}
        if found is None:
            yield N_("新版范围 %(scope)s（细目表比重 %(wanted)s）在蓝图中没有比重"), values
        elif found != wanted:
            template = N_("新版范围 %(scope)s 的细目表比重为 %(wanted)s，蓝图沿用了旧版的 %(found)s")
            yield template, values | {"found": str(json_number(found))}
    total = sum(percents.values(), Decimal(0))
    if percents and total != HUNDRED:
        yield N_("各范围比重合计 %(total)s，应为 100"), {"total": str(json_number(total))}
