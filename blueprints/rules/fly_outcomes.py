"""The outcome of a draw of one form a candidate as it is kept: each item told once, each form as places in that list."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.columns import build_columns
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.result import ENGINE, AssemblyResult, FormResult
from blueprints.assembly.verify import check_form
from blueprints.assembly.weights import WeightTarget, weight_targets
from blueprints.rules.fly_figures import fly_figures
from blueprints.rules.outcomes import KnownItem, kept_items, outcome_to_json, text_to_json


def fly_outcome_to_json(result: AssemblyResult, blueprint: Blueprint, known: Mapping[str, KnownItem]) -> dict[str, Any]:
    """Return an outcome as JSON; beside what every outcome has, `catalogue`, `dealt`, `exposure`, `figures` and `rules`.

    Parameters
    ----------
    result : AssemblyResult
        What the engine answered.
    blueprint : Blueprint
        Says what items are worth.
    known : mapping
        What the bank says of items, by item id.
    """
    if result.exposure is None or not result.forms:
        return outcome_to_json(result, blueprint, known)
    pool = {item.id: item for item in result.pool}
    used = list(dict.fromkeys(name for form in result.forms for name in form.items))
    place = {name: number for number, name in enumerate(used)}
    everything = FormResult(tuple(used), (), tuple({name for form in result.forms for name in form.pretest}))
    dealt = [[place[name] for name in form.items] for form in result.forms]
    chosen = [pool[name] for name in used]
    targets = weight_targets(blueprint, build_columns(result.pool, blueprint).step)
    return {
        "status": result.status,
        "objective": result.objective,
        "gap": result.gap,
        "seconds": round(result.seconds, 3),
        "engine": ENGINE,
        "forms": [],
        "together": [],
        "conflict": None,
        "catalogue": kept_items(everything, pool, blueprint, known),
        "dealt": dealt,
        "exposure": asdict(result.exposure),
        "figures": fly_figures(dealt, chosen),
        "rules": list(_rules(dealt, chosen, blueprint, targets)),
    }


def _rules(
    dealt: Sequence[Sequence[int]], items: Sequence[PoolItem], blueprint: Blueprint, targets: tuple[WeightTarget, ...]
) -> Iterator[dict[str, Any]]:
    """Yield every rule with the least and greatest value over all forms, each form held against it on its own."""
    held = [check_form([items[place] for place in row], blueprint, targets) for row in dealt]
    for checks in zip(*held, strict=True):
        values = [check.got for check in checks]
        yield {
            "rule": checks[0].constraint, "text": text_to_json(checks[0].text),
            "wanted": [None if side is None else str(side) for side in checks[0].wanted],
            "least": str(min(values)), "most": str(max(values)), "n_broken": sum(not check.met for check in checks),
        }  # fmt: skip


def dealt_items(result: Mapping[str, Any], index: int) -> list[Mapping[str, Any]]:
    """Return the items of one form of a kept outcome, in their order."""
    catalogue = result["catalogue"]
    return [catalogue[place] for place in result["dealt"][index]]


def set_label(number: int) -> str:
    """Return what a form of a set is called, from its number.

    Examples
    --------
    >>> set_label(7)
    '0007'
    """
    return f"{number:04d}"


def outcome_forms(result: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[Mapping[str, Any]]]]:
    """Yield the forms of any kept outcome with what each will be called once it is taken over.

    Examples
    --------
    >>> list(outcome_forms({"forms": [{"items": []}, {"items": []}]})), list(outcome_forms({"forms": [{"items": []}]}))
    ([('A', []), ('B', [])], [('', [])])
    """
    for number in range(1, len(result.get("dealt") or ()) + 1):
        yield set_label(number), dealt_items(result, number - 1)
    forms = result.get("forms") or ()
    labels = string.ascii_uppercase if len(forms) > 1 else ("",)
    for label, form in zip(labels, forms, strict=False):
        yield label, form["items"]
