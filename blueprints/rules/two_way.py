"""双向细目表: scopes by item types, as a blueprint asks, as the pool offers, as a form has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from blueprints.assembly.blueprint import Blueprint, in_scope
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.weights import WeightTarget, score_step, weight_targets


@dataclass(frozen=True, slots=True)
class SupplyCell:
    """How many items a cell should have by proportion, and how many the pool offers it."""

    needed: int
    available: int

    @property
    def is_short(self) -> bool:
        """Say whether the pool offers fewer than one form takes by proportion."""
        return self.available < self.needed


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
    limit = blueprint.max_n_used
    return [
        item
        for item in pool
        if item.id not in blueprint.exclude
        and (limit is None or item.n_used <= limit)
        and (item.difficulty is not None or not blueprint.needs_difficulty)
    ]


def supply_table(blueprint: Blueprint, pool: Sequence[PoolItem]) -> SupplyTable:
    """Return what each cell needs, by proportion, beside what the pool offers it."""
    items = usable_items(pool, blueprint)
    rules = [rule for rule in blueprint.types if rule.count]
    targets = {target.scope: target for target in targets_of(blueprint)}
    leaves = leaf_scopes(list(targets))
    needed = {rule.type: _shares(rule.count, [targets[scope].percent for scope in leaves]) for rule in rules}
    rows = []
    for number, scope in enumerate(leaves):
        here = [item for item in items if in_scope(item.point, scope)]
        cells = tuple(SupplyCell(needed[rule.type][number], _of_type(here, rule.type)) for rule in rules)
        target = targets[scope]
        rows.append(
            SupplyRow(scope, target.percent, marks_text(target), target.is_rounded, cells, _sum(cells))
        )  # fmt: skip
    totals = tuple(SupplyCell(rule.count, _of_type(items, rule.type)) for rule in rules)
    weight_sum = sum((targets[scope].percent for scope in leaves), Decimal(0))
    return SupplyTable(tuple(rule.type for rule in rules), tuple(rows), totals, _sum(totals), weight_sum)


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
    return SupplyCell(sum(cell.needed for cell in cells), sum(cell.available for cell in cells))


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
