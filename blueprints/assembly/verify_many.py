"""Hold very many forms against a blueprint at once: sums over table columns, sharing nothing with the code that finds them.

Every rule is read off the blueprint anew and judged in whole numbers; `check_form` says the same of single forms.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import partial
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blueprints.assembly.blueprint import Blueprint, CellRule
from blueprints.assembly.limits import MeanRule, PBandRule, SectionRule
from blueprints.assembly.pool import PoolItem, in_scope
from blueprints.assembly.verify import information, marks
from blueprints.assembly.verify_further import anchor_ids
from blueprints.assembly.weights import WeightTarget

MICRO = 10**6
SLACK = 1e-9
Numbers = NDArray[np.int64]
Mask = NDArray[np.bool_]
Side = Fraction | Decimal | float | int | None


@dataclass(frozen=True, slots=True)
class Held:
    """One rule over all forms: the least and greatest value reached, and in how many forms it is broken."""

    rule: str
    least: float
    most: float
    n_broken: int


@dataclass(frozen=True)
class Table:
    """The pool by attributes, and who counts for the forms themselves."""

    items: Sequence[PoolItem]
    own: Mask
    trial: Mask
    drawn: Mask
    codes: dict[str, tuple[list[Any], Numbers]] = field(default_factory=dict)

    def mask(self, test: Callable[[PoolItem], bool]) -> Numbers:
        """Return 1 for the items that pass a test."""
        return np.fromiter((test(item) for item in self.items), dtype=np.int64, count=len(self.items))

    def by(self, attribute: str, test: Callable[[object], bool]) -> Numbers:
        """Return 1 for the items whose attribute passes a test, asked once for each value."""
        if attribute not in self.codes:
            self.codes[attribute] = _numbered(map(attrgetter(attribute), self.items), len(self.items))
        known, codes = self.codes[attribute]
        return np.array([test(value) for value in known], dtype=np.int64)[codes]

    def part(self, scopes: Sequence[str], types: Sequence[str]) -> Numbers:
        """Return 1 for the items in one of the scopes and of one of the types; none named matches all."""
        mask = np.ones(len(self.items), dtype=np.int64)
        if scopes:
            mask *= self.by("point", lambda point: any(in_scope(str(point), scope) for scope in scopes))
        return mask * self.by("type", types.__contains__) if types else mask

    def micro(self, attribute: str) -> Numbers:
        """Return an attribute in millionths."""
        values = (round((getattr(item, attribute) or 0) * MICRO) for item in self.items)
        return np.fromiter(values, dtype=np.int64, count=len(self.items))


def check_many(
    forms: NDArray[np.int64], pool: Sequence[PoolItem], blueprint: Blueprint, targets: Sequence[WeightTarget]
) -> list[Held]:
    """Return every rule held against all forms.

    Parameters
    ----------
    forms : int array
        Positions in the pool, a row for each form; -1 stands for no item.
    pool : sequence of PoolItem
        The items that the positions name.
    blueprint : Blueprint
        The rules.
    targets : sequence of WeightTarget
        The marks that weighted scopes must carry.
    """
    table = _table(pool, blueprint)
    held = [
        _held(name, values, (low, high), forms)
        for name, values, low, high in (
            *_plain(table, blueprint, targets), *_further(table, blueprint), *_sections(table, blueprint),
        )
    ]  # fmt: skip
    points = _codes([item.point for item in pool])
    if blueprint.max_per_point is not None:
        held.append(_most_alike("max_per_point", np.where(table.own, points, -1), blueprint.max_per_point, forms))
    pretest = blueprint.limits.pretest
    if pretest and pretest.max_per_point is not None:
        held.append(
            _most_alike("pretest_max_per_point", np.where(table.trial, points, -1), pretest.max_per_point, forms)
        )
    held.append(_most_alike("repeated_item", np.arange(len(pool)), 1, forms))
    return [*held, *_together(forms, pool)]


def _table(pool: Sequence[PoolItem], blueprint: Blueprint) -> Table:
    anchor, fixed = blueprint.limits.anchor, anchor_ids(blueprint)
    is_fixed = np.array([item.id in fixed for item in pool], dtype=bool)
    trial = np.array([item.pretest for item in pool], dtype=bool) & ~is_fixed
    own = ~trial & ~is_fixed if anchor and not anchor.scored else ~trial
    return Table(pool, own, trial, ~is_fixed)


def _held(
    name: str, values: NDArray[np.int64] | NDArray[np.float64], bounds: tuple[Side, Side], forms: Numbers
) -> Held:
    sums = np.append(values, 0)[forms].sum(axis=1)
    low, high = bounds
    broken = np.zeros(len(sums), dtype=bool)
    if low is not None:
        broken |= sums < (low - SLACK if isinstance(low, float) else -(-Fraction(low) // 1))
    if high is not None:
        broken |= sums > (high + SLACK if isinstance(high, float) else Fraction(high) // 1)
    return Held(name, float(sums.min()), float(sums.max()), int(broken.sum()))


def _numbered(values: Iterable[object], n_values: int) -> tuple[list[Any], Numbers]:
    """Return the different values in the order in which they come, and which of them each value is."""
    number: defaultdict[object, int] = defaultdict()
    number.default_factory = number.__len__
    codes = np.fromiter(map(number.__getitem__, values), dtype=np.int64, count=n_values)
    return list(number), codes


def _codes(values: Sequence[object]) -> Numbers:
    return _numbered(values, len(values))[1]


def _most_alike(name: str, codes: Numbers, limit: int, forms: Numbers) -> Held:
    """Hold a cap on how many items of a form may share a code; a code below zero is nobody's."""
    ordered = np.sort(np.append(codes, -1)[forms], axis=1)
    run = np.ones(len(forms), dtype=np.int64)
    most = np.ones(len(forms), dtype=np.int64)
    for place in range(1, ordered.shape[1]):
        same = (ordered[:, place] == ordered[:, place - 1]) & (ordered[:, place] >= 0)
        run = np.where(same, run + 1, 1)
        most = np.maximum(most, run)
    return Held(name, float(most.min()), float(most.max()), int((most > limit).sum()))


def _lies_in(point: object, scope: str) -> bool:
    return in_scope(str(point), scope)


def _holds_p(band: PBandRule, p_value: object) -> bool:
    return band.holds(p_value if isinstance(p_value, int | float) else None)


Line = tuple[str, Numbers | NDArray[np.float64], Side, Side]


def _plain(table: Table, blueprint: Blueprint, targets: Sequence[WeightTarget]) -> Iterator[Line]:
    own, n_items = table.own.astype(np.int64), blueprint.n_items
    worth = _marks(table, blueprint)
    yield "n_items", own, n_items, n_items
    for rule in blueprint.types:
        yield f"types[{rule.type}]", own * table.by("type", rule.type.__eq__), rule.count, rule.high
    if blueprint.total_score is not None:
        total = Fraction(blueprint.total_score) * MICRO
        yield "total_score", own * worth, total, total
    for target in targets:
        inside = table.by("point", partial(_lies_in, scope=target.scope))
        yield f"weights[{target.scope}]", own * inside * worth, target.low * MICRO, target.high * MICRO
    yield from _kinds(table, blueprint)


def _kinds(table: Table, blueprint: Blueprint) -> Iterator[Line]:
    own, n_items = table.own.astype(np.int64), blueprint.n_items
    for attribute, shares in (("importance", blueprint.importance), ("cognitive", blueprint.cognitive)):
        for share in shares:
            low, high = (None if side is None else side * n_items for side in (share.low, share.high))
            yield f"{attribute}[{share.letter}]", own * table.by(attribute, share.letter.__eq__), low, high
    for count in blueprint.difficulty_counts:
        yield f"difficulty[{count.level}]", own * table.by("difficulty", count.level.__eq__), count.low, count.high
    for cell in blueprint.cells:
        yield f"cells[{cell.name}]", own * _cell_mask(table, cell), cell.low, cell.high
    yield from _sums(table, blueprint)


def _cell_mask(table: Table, cell: CellRule) -> Numbers:
    mask = table.part(cell.scopes, cell.types)
    parts = {"importance": cell.importance, "difficulty": cell.difficulty, "cognitive": cell.cognitive}
    for attribute, wanted in parts.items():
        if wanted:
            mask *= table.by(attribute, wanted.__contains__)
    return mask


def _sums(table: Table, blueprint: Blueprint) -> Iterator[Line]:
    own = table.own.astype(np.int64)
    for attribute, mean in (("difficulty", blueprint.difficulty_mean), ("p_value", blueprint.p_value_mean)):
        if mean is not None:
            yield from _mean(f"{attribute}[mean]", own, own * table.micro(attribute), mean)
    for theta in blueprint.information:
        values = np.array([information(item, theta.theta) for item in table.items]) * own
        slack = theta.tolerance
        low, high = (theta.target, None) if slack is None else (theta.target - slack, theta.target + slack)
        yield f"information[{theta.theta:g}]", values, low, high


def _marks(table: Table, blueprint: Blueprint) -> Numbers:
    known: dict[tuple[str, Decimal | None], int] = {}
    out = np.empty(len(table.items), dtype=np.int64)
    for index, item in enumerate(table.items):
        key = (item.type, item.score)
        if key not in known:
            known[key] = int(marks(item, blueprint) * MICRO)
        out[index] = known[key]
    return out


def _mean(name: str, mask: Numbers, values: Numbers, rule: MeanRule) -> Iterator[Line]:
    """Yield a mean as two sums of distances, so that nothing is divided."""
    low, high = ((rule.target - rule.tolerance) * MICRO, (rule.target + rule.tolerance) * MICRO)
    scale = 10 ** max(0, -int(low.normalize().as_tuple().exponent), -int(high.normalize().as_tuple().exponent))
    yield name, values * scale - mask * int(low * scale), 0, None
    yield name, values * scale - mask * int(high * scale), None, 0


def _further(table: Table, blueprint: Blueprint) -> Iterator[Line]:
    own, limits = table.own.astype(np.int64), blueprint.limits
    drawn = own * table.drawn
    rule = limits.earlier
    if rule is not None:
        stood = [_stood(table, number, rule.forms) * drawn for number in range(1, rule.last + 1)]
        groups = {"earlier": np.max(stood, axis=0)} if rule.together else {}
        groups = groups or {f"earlier[{number}]": one for number, one in enumerate(stood, 1)}
        for name, values in groups.items():
            yield name, values, None, rule.limit(blueprint.n_items)
    counts = {entry.type: entry.count for entry in blueprint.types}
    for keys in limits.keys:
        of_type = own * table.by("type", keys.type.__eq__)
        low, high = (None if side is None else side * counts.get(keys.type, 0) for side in (keys.low, keys.high))
        for key in sorted(
            {item.key for item in table.items if item.type == keys.type and item.key and not item.pretest}
        ):
            yield f"key_balance[{keys.type}/{key}]", of_type * table.by("key", key.__eq__), low, high
    for name, attribute, band in (
        ("answer_time", "seconds", limits.seconds), ("reading", "characters", limits.characters),
    ):  # fmt: skip
        if band is not None:
            yield name, own * table.micro(attribute), band.low * MICRO, band.high * MICRO
    for part in limits.p_bands:
        yield (
            f"p_bands[{part.name}]",
            own * table.by("p_value", partial(_holds_p, part)),
            part.low,
            part.high,
        )
    yield from _blocks(table, blueprint)
    yield from _bars(table, blueprint)


def _stood(table: Table, number: int, forms: Sequence[frozenset[str]]) -> Numbers:
    given = forms[number - 1] if number <= len(forms) else frozenset()
    return table.mask(lambda item: number in item.earlier_forms or item.id in given)


def _blocks(table: Table, blueprint: Blueprint) -> Iterator[Line]:
    trial, pretest = table.trial.astype(np.int64), blueprint.limits.pretest
    wanted = pretest.n_items if pretest else 0
    yield "pretest", trial, wanted, wanted
    for name, count in pretest.types if pretest else ():
        yield f"pretest[{name}]", trial * table.by("type", name.__eq__), count, count
    fixed = (~table.drawn).astype(np.int64)
    n_fixed = len(anchor_ids(blueprint))
    yield "anchor", fixed, n_fixed, n_fixed


def _bars(table: Table, blueprint: Blueprint) -> Iterator[Line]:
    drawn, limits = table.drawn.astype(np.int64), blueprint.limits
    if blueprint.exclude or limits.exclude_sets:
        barred = table.mask(lambda item: item.id in blueprint.exclude or item.item_set in limits.exclude_sets)
        yield "exclude", drawn * barred, 0, 0
    most, rest = blueprint.max_n_used, limits.cool_down
    if most is not None:
        yield "exposure", drawn * table.by("n_used", lambda used: int(str(used)) > most), 0, 0
    if rest is not None:
        yield "cool_down", drawn * table.mask(lambda item: rest.bars(item.last_used)), 0, 0
    if limits.p_range is not None:
        low, high = limits.p_range
        outside = table.mask(lambda item: not low <= Decimal(str(item.p_value or 0.0)) <= high)
        yield "p_value_items", drawn * table.own * outside, 0, 0


def _sections(table: Table, blueprint: Blueprint) -> Iterator[Line]:
    worth = _marks(table, blueprint) if any(section.score for section in blueprint.limits.sections) else None
    for section in blueprint.limits.sections:
        mask = table.own.astype(np.int64) * table.part(section.scopes, section.types)
        yield from _section(section, mask, table, worth)


def _section(section: SectionRule, mask: Numbers, table: Table, worth: Numbers | None) -> Iterator[Line]:
    name = section.name
    if section.count is not None:
        yield f"sections[{name}]", mask, *section.count
    if section.score is not None and worth is not None:
        yield f"section_score[{name}]", mask * worth, section.score[0] * MICRO, section.score[1] * MICRO
    if section.seconds is not None:
        band = section.seconds
        yield f"section_time[{name}]", mask * table.micro("seconds"), band.low * MICRO, band.high * MICRO
    if section.difficulty is not None:
        yield from _mean(f"section_difficulty[{name}]", mask, mask * table.micro("difficulty"), section.difficulty)
    if section.p_value is not None:
        yield from _mean(f"section_p_value[{name}]", mask, mask * table.micro("p_value"), section.p_value)


def _together(forms: Numbers, pool: Sequence[PoolItem]) -> Iterator[Held]:
    """Yield enemies that meet and sets that are torn, form by form."""
    where = {item.id: index for index, item in enumerate(pool)}
    hostile: dict[int, set[int]] = {}
    for index, item in enumerate(pool):
        for name in item.enemies:
            if name in where:
                hostile.setdefault(index, set()).add(where[name])
                hostile.setdefault(where[name], set()).add(index)
    has_enemies = np.zeros(len(pool) + 1, dtype=bool)
    has_enemies[list(hostile)] = True
    here = has_enemies[forms]
    n_meeting = 0
    for number in np.nonzero(here.sum(axis=1) > 1)[0].tolist():
        held = set(forms[number][here[number]].tolist())
        n_meeting += any(not hostile[index].isdisjoint(held) for index in held)
    yield Held("enemies", 0.0, float(n_meeting > 0), n_meeting)
    sets = _codes([item.item_set or "" for item in pool])
    named = np.array([bool(item.item_set) for item in pool], dtype=bool)
    size = np.bincount(sets)
    shared = np.append(np.where(named, sets, -1), -1)[forms]
    n_torn = 0
    for row in shared[(shared >= 0).any(axis=1)]:
        held_sets, counts = np.unique(row[row >= 0], return_counts=True)
        n_torn += bool((counts != size[held_sets]).any())
    yield Held("sets", 0.0, float(n_torn > 0), n_torn)
