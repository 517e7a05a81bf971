"""How many forms without common items the bank of a level can carry (题库承载力): bounds by counting, per demand."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints.assembly.blueprint import Blueprint, BlueprintError
from blueprints.assembly.pool import PoolItem
from blueprints.repository import Filters
from blueprints.rules.specs import blueprint_of
from blueprints.rules.states import BlueprintStatus
from blueprints.rules.two_way import supply_table, usable_items
from blueprints.services.bank import load_pool
from blueprints.services.blueprints import default_spec
from kernel.errors import DomainError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from qbank.public_changes import Capacity

MOST = 200
SHOWN_LIMITS = 5
Limit = tuple[int, str, dict[str, Any]]


def list_blueprints(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> Sequence[tuple[uuid.UUID, str]]:
    """Return the blueprints of a level for which the capacity may be asked."""
    filters = Filters(standard_level_id=standard_level_id)
    rows, _total = repository.list_blueprints(session, filters, actor=actor, offset=0, limit=MOST)
    return [(row.exam_blueprint_id, row.name) for row in rows if row.status is not BlueprintStatus.ARCHIVED]


def find_capacity(
    session: Session, actor: Actor, standard_level_id: uuid.UUID, blueprint_id: uuid.UUID | None
) -> Capacity | None:
    """Return an upper bound of how many independent forms a level's bank carries for a blueprint, or its default one."""
    try:
        name, spec = _spec(session, actor, standard_level_id, blueprint_id)
        blueprint = blueprint_of(spec)
    except (BlueprintError, DomainError):
        return None
    pool = load_pool(session, actor, standard_level_id, is_own=True)
    limits = sorted(find_limits(blueprint, usable_items(pool.items, blueprint)), key=lambda limit: limit[0])
    shown = [(template, values) for _n, template, values in limits[:SHOWN_LIMITS]]
    return Capacity(blueprint_id, name, limits[0][0] if limits else 0, shown)


def _spec(
    session: Session, actor: Actor, standard_level_id: uuid.UUID, blueprint_id: uuid.UUID | None
) -> tuple[str, Mapping[str, Any]]:
    if blueprint_id is None:
        return "", default_spec(session, actor, standard_level_id)
    row = repository.get_blueprint(session, blueprint_id, actor=actor)
    return row.name, row.spec


def find_limits(blueprint: Blueprint, items: Sequence[PoolItem]) -> Iterator[Limit]:
    """Yield for each demand of a blueprint how many forms without common items its supply can meet.

    The least of these numbers is an upper bound: demands together may allow less, never more.
    """
    yield _limit(len(items), blueprint.n_items, N_("全部题型：可用 %(supply)s 题，每卷 %(demand)s 题"), {})
    table = supply_table(blueprint, items)
    for name, cell in zip(table.columns, table.totals, strict=True):
        if cell.needed:
            template = N_("题型 %(type)s：可用 %(supply)s 题，每卷 %(demand)s 题")
            yield _limit(cell.available, cell.needed, template, {"type": name})
    for row in table.rows:
        if row.percent and row.total.needed:
            template = N_("范围 %(scope)s：可用 %(supply)s 题，每卷约 %(demand)s 题")
            yield _limit(row.total.available, row.total.needed, template, {"scope": row.scope})
    if blueprint.max_per_point:
        yield _by_points(blueprint, items)


def _by_points(blueprint: Blueprint, items: Sequence[PoolItem]) -> Limit:
    """Return what the cap on items of one point allows in the first form; 0 when not even one fits."""
    n_points = len({item.point for item in items})
    possible = n_points * (blueprint.max_per_point or 0)
    template = N_("有试题的鉴定点 %(points)s 个，每点最多 %(cap)s 题")
    values = {"points": n_points, "cap": blueprint.max_per_point}
    return (len(items) // max(1, blueprint.n_items) if possible >= blueprint.n_items else 0), template, values


def _limit(supply: int, demand: int | Decimal, template: str, values: dict[str, Any]) -> Limit:
    n = int(supply // demand) if demand else supply
    return n, template, values | {"supply": supply, "demand": int(demand)}
