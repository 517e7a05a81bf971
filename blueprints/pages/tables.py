"""The two-way table of a blueprint against the pool, as the pages show it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from blueprints.assembly.blueprint import Blueprint, BlueprintError
from blueprints.pages.wording import say_text, type_label
from blueprints.rules.packages import score_text
from blueprints.rules.specs import blueprint_of
from blueprints.rules.two_way import (
    Counted,
    SupplyCell,
    SupplyTable,
    count_stock,
    demands,
    supply_table,
    usable_counted,
)
from blueprints.services.bank import ScopeLine, scope_lines
from blueprints.services.stock import load_stock
from blueprints.services.versions import drawn_spec
from kernel.clock import today
from kernel.identity.actor import Actor

HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class TableRow:
    """One scope with its share, its marks and its cells."""

    label: str
    percent: str
    marks: str
    is_rounded: bool
    cells: Sequence[SupplyCell]


@dataclass(frozen=True, slots=True)
class SupplyView:
    """What a blueprint asks of the pool; `problems` are sentences."""

    columns: list[str]
    rows: list[TableRow]
    totals: Sequence[SupplyCell]
    n_items: int
    total_score: str
    weight_sum: str
    n_pool: int
    n_fresh: int
    demands: list[tuple[str, SupplyCell]]
    problems: list[str]

    @property
    def is_whole(self) -> bool:
        """Say whether the weights add up to a hundred."""
        return self.weight_sum == "100"


def supply_view(
    session: Session, actor: Actor, standard_level_id: uuid.UUID, spec: Mapping[str, Any]
) -> SupplyView | None:
    """Return the table of a blueprint, or None while it cannot be read."""
    try:
        blueprint = blueprint_of(drawn_spec(spec, max_overlap=spec.get("max_overlap", 0), on=today()))
    except BlueprintError:
        return None
    stock = load_stock(session, actor, standard_level_id, spec)
    names = {line.code: line for line in scope_lines(session, actor, standard_level_id)}
    counted = count_stock(blueprint, stock.items, since=stock.since, waiting=stock.waiting)
    table = supply_table(blueprint, (), counted)
    total = blueprint.full_score
    return SupplyView(
        columns=[type_label(name) for name in table.columns],
        rows=[_row(row.scope, row, names) for row in table.rows],
        totals=[*table.totals, table.total], n_items=blueprint.n_items,
        total_score="" if total is None else score_text(total), weight_sum=score_text(table.weight_sum),
        n_pool=sum(counted.reviewed.values()), n_fresh=sum(counted.fresh.values()),
        demands=[
            (say_text(one.text, names, one.rule), one.cell) for one in demands(blueprint, stock.items, stock.since)
        ],
        problems=[*_problems(table, names), *_crowded(blueprint, usable_counted(stock.items, blueprint))],
    )  # fmt: skip


def _row(scope: str, row: Any, names: Mapping[str, ScopeLine]) -> TableRow:
    line = names.get(scope)
    label = line.title if line else scope
    return TableRow(label, score_text(row.percent), row.marks, row.is_rounded, [*row.cells, row.total])


def _problems(table: SupplyTable, names: Mapping[str, ScopeLine]) -> list[str]:
    """Return what is certain to fail: a type with fewer items than one form takes, a weighted scope without items."""
    found = [
        str(_("%(type)s：一份试卷需要 %(needed)s 题，可用 %(available)s 题", type=type_label(name),
              needed=cell.needed, available=cell.available))
        for name, cell in zip(table.columns, table.totals, strict=True)
        if cell.is_short
    ]  # fmt: skip
    found += [
        str(
            _(
                "范围 %(scope)s 有比重，但没有可用的试题",
                scope=names[row.scope].title if row.scope in names else row.scope,
            )
        )
        for row in table.rows
        if row.percent and not row.total.available
    ]
    if table.rows and table.weight_sum > HUNDRED:
        found.append(str(_("比重合计 %(sum)s%%，超过 100%%", sum=score_text(table.weight_sum))))
    return found


def _crowded(blueprint: Blueprint, items: Sequence[Counted]) -> list[str]:
    """Return that the points are too few for the cap on items of one point."""
    limit, n_points = blueprint.max_per_point, len({item.point for item, _n in items})
    if limit is None or limit * n_points >= blueprint.n_items:
        return []
    template = _(
        "有试题的鉴定点共 %(points)s 个，每点最多 %(limit)s 题，不足 %(n)s 题",
        points=n_points,
        limit=limit,
        n=blueprint.n_items,
    )
    return [str(template)]
