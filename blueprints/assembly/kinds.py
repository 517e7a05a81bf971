"""Kinds of items that a writing order may ask for: type with cognitive level, key, time and length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import median

from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.columns import Columns
from blueprints.assembly.further_rows import key_names
from blueprints.assembly.limits import BandRule

USUAL_KEYS = ("A", "B", "C", "D")
TRUE_FALSE, TRUE_FALSE_KEYS = "true_false", ("T", "F")
SHORT, LONG = 0.5, 1.5


@dataclass(frozen=True, slots=True)
class Kind:
    """What an item to be written is like, beyond its point, importance and difficulty."""

    type: str
    cognitive: str = ""
    key: str = ""
    seconds: float | None = None
    characters: int | None = None
    pretest: bool = False


def further_kinds(blueprint: Blueprint, columns: Columns, types: Sequence[str]) -> Iterator[Kind]:
    """Yield the kinds of items of the form itself that rules can tell apart."""
    limits = blueprint.limits
    levels = dict.fromkeys(
        [rule.letter for rule in blueprint.cognitive] + [name for cell in blueprint.cells for name in cell.cognitive]
    )
    keyed = {rule.type for rule in limits.keys}
    seconds = _sizes(columns, "seconds", limits.seconds, blueprint.n_items) if limits.needs_seconds else [None]
    characters = _sizes(columns, "characters", limits.characters, blueprint.n_items) if limits.characters else [None]
    for name in types:
        keys = _keys(columns, name) if name in keyed else [""]
        for cognitive, key, duration, length in product(["", *levels], keys, seconds, characters):
            yield Kind(name, cognitive, key, duration, None if length is None else round(length))


def trial_kinds(blueprint: Blueprint, columns: Columns) -> Iterator[Kind]:
    """Yield the kinds of items of the trial block."""
    rule = blueprint.limits.pretest
    if rule is not None:
        names = [name for name, count in rule.types if count] or list(columns.type_names) or [blueprint.types[0].type]
        for name in names:
            yield Kind(name, pretest=True)


def _keys(columns: Columns, kind: str) -> list[str]:
    usual = TRUE_FALSE_KEYS if kind == TRUE_FALSE else USUAL_KEYS
    return sorted({*key_names(columns, kind), *usual})


def _sizes(columns: Columns, attribute: str, band: BandRule | None, n_items: int) -> list[float | None]:
    """Return sizes to write towards: what a form needs on average, and what the pool usually has."""
    known = [float(value) for value in (getattr(item, attribute) for item in columns.items) if value]
    usual = [round(median(known), 1)] if known else []
    if band is None:
        return [*usual] or [60.0]
    middle = float(band.low + band.high) / 2 / max(1, n_items)
    return list(dict.fromkeys([round(middle, 1), round(middle * SHORT, 1), round(middle * LONG, 1), *usual]))
