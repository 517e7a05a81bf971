"""双向细目表: scopes by item types, as a blueprint asks, as the pool offers, as a form has it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction

from blueprints.assembly.blueprint import Blueprint, in_scope
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.text import Text
from blueprints.assembly.weights import WeightTarget, score_step, weight_targets
from kernel.i18n import N_

Spot = tuple[str, str]
"""A point and an item type."""
Counted = tuple[PoolItem, int]
"""Items that are alike, and how many there are."""


@dataclass(frozen=True, slots=True)
class SupplyCell:
    """How many items a cell should have by proportion, and what there is for it.

    `available` are the items that the blueprint lets be drawn; `reviewed` all approved ones; `fresh` those of the
    available that were not used lately; `waiting` those that are written, but not approved.
    """

    needed: int
    available: int
    reviewed: int = 0
    fresh: int = 0
    waiting: int = 0

    @property
    def is_short(self) -> bool:
        """Say whether there are fewer items than one form takes by proportion."""
        return self.available < self.needed

    @property
    def is_stale(self) -> bool:
        """Say whether one form must take items that were used lately."""
        return not self.is_short and self.fresh < self.needed


@dataclass(frozen=True, slots=True)
class SupplyRow:
    """One scope: its share, the marks a form must carry there, and its cells by type."""

    scope: str
    percent: Decimal
    marks: str
    is_rounded: bool
    cells: tuple[SupplyCell, ...]
    total: SupplyCell


@dataclass(frozen=True, slots=True)
class SupplyTable:
    """The two-way table of a blueprint against the pool; `columns` are item type names."""

    columns: tuple[str, ...]
    rows: tuple[SupplyRow, ...]
    totals: tuple[SupplyCell, ...]
    total: SupplyCell
    weight_sum: Decimal


@dataclass(frozen=True, slots=True)
class Demand:
    """What one rule on numbers asks for, and how many items there are for it."""

    rule: str
    text: Text
    cell: SupplyCell


@dataclass(slots=True)
class Stock:
    """The bank's items by point and type, counted once."""

    reviewed: Counter[Spot] = field(default_factory=Counter)
    available: Counter[Spot] = field(default_factory=Counter)
    fresh: Counter[Spot] = field(default_factory=Counter)
    waiting: Counter[Spot] = field(default_factory=Counter)

    def cell(self, needed: int, spots: Sequence[Spot]) -> SupplyCell:
        """Return the cell of some spots."""
        counts = [sum(one[spot] for spot in spots) for one in (self.available, self.reviewed, self.fresh, self.waiting)]
        return SupplyCell(needed, *counts)

    def spots(self, name: str) -> list[Spot]:
        """Return the spots of a type."""
        return sorted({spot for spot in (*self.reviewed, *self.waiting) if spot[1] == name})


def leaf_scopes(scopes: Sequence[str]) -> list[str]:
    """Return the scopes that hold no other scope of the list.

    Examples
    --------
    >>> leaf_scopes(["A", "A-A", "A-B", "B"])
    ['A-A', 'A-B', 'B']
    """
    return [scope for scope in scopes if not any(other != scope and in_scope(other, scope) for other in scopes)]


def usable_items(pool: Sequence[PoolItem], blueprint: Blueprint) -> list[PoolItem]:
    """Return the items that the blueprint lets be drawn."""
    return [item for item in pool if is_usable(item, blueprint)]


def is_usable(item: PoolItem, blueprint: Blueprint) -> bool:
    """Say whether the blueprint lets an item be drawn."""
    limit, cool_down = blueprint.max_n_used, blueprint.limits.cool_down
    return (
        item.id not in blueprint.exclude
        and (limit is None or item.n_used <= limit)
        and (item.difficulty is not None or not blueprint.needs_difficulty)
        and (item.p_value is not None or not blueprint.needs_p_value)
        and (cool_down is None or not cool_down.bars(item.last_used))
    )


def usable_counted(pool: Sequence[Counted], blueprint: Blueprint) -> list[Counted]:
    """Return the counted items that the blueprint lets be drawn."""
    return [(item, n) for item, n in pool if is_usable(item, blueprint)]


def count_stock(
    blueprint: Blueprint,
    pool: Sequence[Counted],
    *,
    since: date | None = None,
    waiting: Mapping[Spot, int] | None = None,
) -> Stock:
    """Return how many items there are of each point and type.

    Parameters
    ----------
    blueprint : Blueprint
        Says what may be drawn.
    pool : sequence of Counted
        All approved items.
    since : date, optional
        Items used on this day or later are not fresh; None takes all for fresh.
    waiting : mapping, optional
        Items by point and type that are not approved yet.
    """
    stock = Stock(waiting=Counter(waiting or {}))
    for item, n in pool:
        spot = item.point, item.type
        stock.reviewed[spot] += n
        if is_usable(item, blueprint):
            stock.available[spot] += n
            stock.fresh[spot] += n if is_fresh(item, since) else 0
    return stock


def is_fresh(item: PoolItem, since: date | None) -> bool:
    """Say whether an item was not used since a day."""
    return since is None or item.last_used is None or item.last_used < since


def supply_table(blueprint: Blueprint, pool: Sequence[PoolItem], stock: Stock | None = None) -> SupplyTable:
    """Return what each cell needs, by proportion, beside what the pool offers it; a `stock` has been counted before."""
    stock = count_stock(blueprint, [(item, 1) for item in pool]) if stock is None else stock
    rules = [rule for rule in blueprint.types if rule.count]
    targets = {target.scope: target for target in targets_of(blueprint)}
    leaves = leaf_scopes(list(targets))
    needed = {rule.type: _shares(rule.count, [targets[scope].percent for scope in leaves]) for rule in rules}
    spots = {rule.type: stock.spots(rule.type) for rule in rules}
    rows = []
    for number, scope in enumerate(leaves):
        cells = tuple(
            stock.cell(needed[rule.type][number], [spot for spot in spots[rule.type] if in_scope(spot[0], scope)])
            for rule in rules
        )
        target = targets[scope]
        rows.append(
            SupplyRow(scope, target.percent, marks_text(target), target.is_rounded, cells, _sum(cells))
        )  # fmt: skip
    totals = tuple(stock.cell(rule.count, spots[rule.type]) for rule in rules)
    weight_sum = sum((targets[scope].percent for scope in leaves), Decimal(0))
    return SupplyTable(tuple(rule.type for rule in rules), tuple(rows), totals, _sum(totals), weight_sum)


def demands(blueprint: Blueprint, pool: Sequence[Counted], since: date | None = None) -> Iterator[Demand]:
    """Yield every rule on numbers of items beside its supply: importance, difficulty levels, cells."""
    wanted = {rule.type for rule in blueprint.types if rule.count}
    items = [(item, n) for item, n in usable_counted(pool, blueprint) if item.type in wanted]
    for share in blueprint.importance:
        needed = math.ceil(share.low * blueprint.n_items) if share.low is not None else 0
        text = Text(N_("重要程度 %(letter)s"), {"letter": share.letter})
        found = [pair for pair in items if pair[0].importance == share.letter]
        yield _demand(f"importance[{share.letter}]", text, needed, found, since)
    for level in blueprint.difficulty_counts:
        text = Text(N_("难度 %(level)s"), {"level": level.level})
        found = [pair for pair in items if pair[0].difficulty == level.level]
        yield _demand(f"difficulty[{level.level}]", text, level.low, found, since)
    for cell in blueprint.cells:
        text = Text(N_("单元 %(cell)s"), {"cell": cell.name})
        yield _demand(f"cells[{cell.name}]", text, cell.low, [pair for pair in items if cell.holds(pair[0])], since)


def _demand(rule: str, text: Text, needed: int, items: Sequence[Counted], since: date | None) -> Demand:
    n_items = sum(n for _item, n in items)
    fresh = sum(n for item, n in items if is_fresh(item, since))
    return Demand(rule, text, SupplyCell(needed, n_items, n_items, fresh))


def targets_of(blueprint: Blueprint) -> tuple[WeightTarget, ...]:
    """Return the marks that weighted scopes must carry when every type has its own marks each."""
    scores = [rule.score_each for rule in blueprint.types if rule.score_each is not None and rule.count]
    return weight_targets(blueprint, score_step(scores))


def marks_text(target: WeightTarget) -> str:
    """Return the marks of a weight as people read them."""
    low, high = _plain(target.low), _plain(target.high)
    return low if low == high else f"{low}～{high}"


def _plain(value: Fraction) -> str:
    text = f"{Decimal(value.numerator) / Decimal(value.denominator):.3f}"
    return text.rstrip("0").rstrip(".")


def _of_type(items: Sequence[PoolItem], name: str) -> int:
    return sum(1 for item in items if item.type == name)


def _sum(cells: Sequence[SupplyCell]) -> SupplyCell:
    figures = ((cell.needed, cell.available, cell.reviewed, cell.fresh, cell.waiting) for cell in cells)
    return SupplyCell(*map(sum, zip(*figures, strict=True))) if cells else SupplyCell(0, 0)


def _shares(count: int, percents: Sequence[Decimal]) -> list[int]:
    """Share out whole items by percentages: floors first, the largest remainders get the rest."""
    total = sum(percents, Decimal(0))
    if not total:
        return [0] * len(percents)
    exact = [Decimal(count) * percent / max(total, Decimal(100)) for percent in percents]
    shares = [int(value) for value in exact]
    left = round(sum(exact, Decimal(0))) - sum(shares)
    for index in sorted(range(len(exact)), key=lambda number: (shares[number] - exact[number], number))[:left]:
        shares[index] += 1
    return shares


@dataclass(frozen=True, slots=True)
class FormRow:
    """One scope of a form: items by type, and marks wanted and got."""

    scope: str
    percent: Decimal
    counts: tuple[int, ...]
    n_items: int
    wanted: str
    got: Decimal
    met: bool


def form_table(blueprint: Blueprint, items: Sequence[PoolItem], scores: Mapping[str, Decimal]) -> list[FormRow]:
    """Return the rows of a form's two-way table: every weighted scope, deeper ones after the one that holds them.

    Parameters
    ----------
    blueprint : Blueprint
        Its weights give the rows, its types the columns.
    items : sequence of PoolItem
        The items of the form.
    scores : mapping
        Marks by item id.
    """
    rows = []
    for target in sorted(targets_of(blueprint), key=lambda entry: entry.scope):
        here = [item for item in items if in_scope(item.point, target.scope)]
        got = sum((scores[item.id] for item in here), Decimal(0))
        counts = tuple(_of_type(here, rule.type) for rule in blueprint.types if rule.count)
        met = target.low <= Fraction(got) <= target.high
        rows.append(FormRow(target.scope, target.percent, counts, len(here), marks_text(target), got, met))
    return rows
