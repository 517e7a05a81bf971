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
Remark = tuple[str, dict[str, Any]]


@dataclass(slots=True)
class MappedSpec:
    """The blueprint JSON for the new edition, and what people should look at."""

    spec: dict[str, Any]
    remarks: list[Remark] = field(default_factory=list)


def map_spec(spec: Mapping[str, Any], scopes: Mapping[str, str], weights: Mapping[str, Decimal]) -> MappedSpec:
    """Return a blueprint JSON with the ranges of another edition.

    Parameters
    ----------
    spec : mapping
        Blueprint JSON of the old edition.
    scopes : mapping
        Code of the range in the new edition by the old code; a code left out has no successor.
    weights : mapping
        Percent by range as the new outline has them.
    """
    mapped = MappedSpec(deepcopy(dict(spec)))
    percents = _map_weights(mapped, scopes)
    mapped.spec["weights"] = [{"scope": code, "percent": json_number(value)} for code, value in percents.items()]
    _map_cells(mapped, scopes)
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


def _map_cells(mapped: MappedSpec, scopes: Mapping[str, str]) -> None:
    cells: Sequence[dict[str, Any]] = mapped.spec.get("cells") or ()
    kept = []
    for cell in cells:
        code = cell.get("scope")
        if code is None or code in scopes:
            kept.append(cell if code is None else {**cell, "scope": scopes[code]})
        else:
            template = N_("对旧版范围 %(scope)s 的题数要求在新版没有对应的范围，已去掉")
            mapped.remarks.append((template, {"scope": code}))
    if cells:
        mapped.spec["cells"] = kept


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
