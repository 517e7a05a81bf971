"""Supply held against each rule on its own: what all forms of a draw need at least, and what the pool has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

from blueprints.assembly.blueprint import Blueprint, in_scope
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.text import Text, plain
from blueprints.assembly.verify import marks
from blueprints.rules.outcomes import text_to_json
from blueprints.rules.two_way import targets_of, usable_items
from kernel.i18n import N_


@dataclass(frozen=True, slots=True)
class SupplyCheck:
    """One rule: the least that all forms together need, and all that there is; marks where `in_marks`, else items."""

    rule: str
    text: Text
    needed: Decimal
    available: Decimal
    in_marks: bool = False

    @property
    def is_short(self) -> bool:
        """Say whether this rule alone makes the draw impossible."""
        return self.available < self.needed


def supply_checks(blueprint: Blueprint, pool: Sequence[PoolItem], n_forms: int) -> list[SupplyCheck]:
    """Return every rule's need beside its supply; forms that may share no item need everything once each."""
    items = usable_items(pool, blueprint)
    times = 1 if blueprint.max_overlap else n_forms
    return [
        *_sizes(blueprint, items, times), *_weights(blueprint, items, times), *_kinds(blueprint, items, times),
        *_points(blueprint, items, times),
    ]  # fmt: skip


def _check(rule: str, text: Text, needed: int, available: int) -> SupplyCheck:
    return SupplyCheck(rule, text, Decimal(needed), Decimal(available))


def _sizes(blueprint: Blueprint, items: Sequence[PoolItem], times: int) -> Iterator[SupplyCheck]:
    yield _check("n_items", Text(N_("总题数")), blueprint.n_items * times, len(items))
    count = Counter(item.type for item in items)
    for rule in blueprint.types:
        if rule.count:
            text = Text(N_("题型 %(type)s 的题数"), {"type": rule.type})
            yield _check(f"types[{rule.type}]", text, rule.count * times, count[rule.type])


def _weights(blueprint: Blueprint, items: Sequence[PoolItem], times: int) -> Iterator[SupplyCheck]:
    for target in targets_of(blueprint):
        here = sum((marks(item, blueprint) for item in items if in_scope(item.point, target.scope)), Decimal(0))
        least = Decimal(target.low.numerator) / Decimal(target.low.denominator)
        text = Text(N_("范围 %(scope)s 的分数"), {"scope": target.scope})
        yield SupplyCheck(f"weights[{target.scope}]", text, least * times, here, in_marks=True)


def _kinds(blueprint: Blueprint, items: Sequence[PoolItem], times: int) -> Iterator[SupplyCheck]:
    letters = Counter(item.importance for item in items)
    for share in blueprint.importance:
        if share.low:
            least = int((share.low * blueprint.n_items).to_integral_value(ROUND_CEILING))
            text = Text(N_("重要程度 %(letter)s 的题数"), {"letter": share.letter})
            yield _check(f"importance[{share.letter}]", text, least * times, letters[share.letter])
    levels = Counter(item.difficulty for item in items)
    for count in blueprint.difficulty_counts:
        if count.low:
            text = Text(N_("难度 %(level)s 的题数"), {"level": count.level})
            yield _check(f"difficulty[{count.level}]", text, count.low * times, levels[count.level])
    for cell in blueprint.cells:
        if cell.low:
            text = Text(N_("单元 %(cell)s 的题数"), {"cell": cell.name})
            n_here = sum(1 for item in items if cell.holds(item))
            yield _check(f"cells[{cell.name}]", text, cell.low * times, n_here)


def _points(blueprint: Blueprint, items: Sequence[PoolItem], times: int) -> Iterator[SupplyCheck]:
    if blueprint.max_per_point is not None:
        per_point = Counter(item.point for item in items)
        most = sum(min(n, blueprint.max_per_point * times) for n in per_point.values())
        text = Text(N_("每个鉴定点最多 %(count)s 题时可用的题数"), {"count": blueprint.max_per_point})
        yield _check("max_per_point", text, blueprint.n_items * times, most)


def supply_to_json(checks: Sequence[SupplyCheck]) -> list[dict[str, Any]]:
    """Return the checks as a kept outcome holds them."""
    return [
        {
            "rule": check.rule, "text": text_to_json(check.text), "needed": plain(check.needed),
            "available": plain(check.available), "in_marks": check.in_marks, "is_short": check.is_short,
        }
        for check in checks
    ]  # fmt: skip
