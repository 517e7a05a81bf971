"""What a level's bank holds, in plain columns: fast enough to be counted while somebody types."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, TypeVarTuple

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from qbank.models.corrections import ItemQuarantine
from qbank.models.items import Item, ItemPoint, ItemVersion
from qbank.models.standards import AssessmentPoint
from qbank.repository.items import chunks, in_use, version_in_use
from qbank.repository.standards import like_pattern
from qbank.rules.items import ItemStatus

Ts = TypeVarTuple("Ts")


class SupplyRow(NamedTuple):
    """Items that forms may take and that are alike: `n_items` of them, or one with its id; `point` counts in blueprints."""

    item_id: uuid.UUID | None
    point: str
    type: str
    importance: str
    difficulty: int | None
    n_used: int
    last_used: date | None
    n_items: int


class WaitingRow(NamedTuple):
    """How many items of a point and type are written, but not approved yet."""

    point: str
    type: str
    n_items: int


class FoundRow(NamedTuple):
    """One item of a search: what tells it from others."""

    item_id: uuid.UUID
    item_version_id: uuid.UUID
    code: str
    type: str
    point: str
    point_name: str


def list_supply(
    session: Session,
    standard_level_id: uuid.UUID,
    *,
    organisation_id: uuid.UUID,
    named: Collection[uuid.UUID] | None,
    with_trials: bool = True,
) -> list[SupplyRow]:
    """Return the items in use of a level, those of `items.load_pool`: `named` ones, or all, one by one, the rest counted."""
    alike = (
        AssessmentPoint.assessment_point_id, ItemVersion.type, ItemVersion.difficulty, Item.n_used, Item.last_used_on
    )  # fmt: skip
    points = _points(session, standard_level_id)
    which = [] if with_trials else [~Item.is_trial]
    rows: list[SupplyRow] = []
    if named is None or named:
        single = _in_pool(select(Item.item_id, *alike), standard_level_id, organisation_id).where(*which)
        single = single if named is None else single.where(Item.item_id.in_(named))
        rows += [_row(points, row[0], row[1:], 1) for row in session.execute(single)]
    if named is not None:
        many = _in_pool(select(func.count(), *alike), standard_level_id, organisation_id).where(*which)
        grouped = (many.where(Item.item_id.not_in(named)) if named else many).group_by(*alike)
        rows += [_row(points, None, row[1:], row[0]) for row in session.execute(grouped)]
    return rows


def _row(
    points: Mapping[uuid.UUID, tuple[str, str]], item_id: uuid.UUID | None, alike: Sequence[Any], n_items: int
) -> SupplyRow:
    point_id, kind, difficulty, n_used, last_used = alike
    full_code, importance = points[point_id]
    return SupplyRow(item_id, full_code, kind, importance, difficulty, n_used, last_used, n_items)


def _points(session: Session, standard_level_id: uuid.UUID) -> dict[uuid.UUID, tuple[str, str]]:
    query = select(AssessmentPoint.assessment_point_id, AssessmentPoint.full_code, AssessmentPoint.importance)
    rows = session.execute(query.where(AssessmentPoint.standard_level_id == standard_level_id))
    return {point_id: (full_code, importance.value) for point_id, full_code, importance in rows}


def _in_pool(query: Select[*Ts], standard_level_id: uuid.UUID, organisation_id: uuid.UUID) -> Select[*Ts]:
    """Narrow a query of items to those that forms of a level may take."""
    of_item = and_(ItemPoint.item_id == Item.item_id, ItemPoint.item_version_id == version_in_use())
    return (
        query.join(ItemVersion, ItemVersion.item_version_id == version_in_use())
        .join(ItemPoint, and_(of_item, ItemPoint.position == 0))
        .join(AssessmentPoint, AssessmentPoint.assessment_point_id == ItemPoint.assessment_point_id)
        .where(
            Item.organisation_id == organisation_id,
            AssessmentPoint.standard_level_id == standard_level_id,
            Item.item_id.not_in(select(ItemQuarantine.item_id)),
            *in_use(),
        )
    )


def count_waiting(session: Session, standard_level_id: uuid.UUID, *, organisation_id: uuid.UUID) -> list[WaitingRow]:
    """Return how many items of each point and type are on their way: drafts and items in review, never approved before."""
    of_item = and_(ItemPoint.item_id == Item.item_id, ItemPoint.item_version_id == Item.current_version_id)
    query = (
        select(AssessmentPoint.full_code, Item.type, func.count())
        .join(ItemPoint, and_(of_item, ItemPoint.position == 0))
        .join(AssessmentPoint, AssessmentPoint.assessment_point_id == ItemPoint.assessment_point_id)
        .where(
            Item.organisation_id == organisation_id,
            AssessmentPoint.standard_level_id == standard_level_id,
            Item.status.in_([ItemStatus.DRAFT, ItemStatus.IN_REVIEW]),
            Item.approved_version_id.is_(None),
            Item.removed_at.is_(None),
        )
        .group_by(AssessmentPoint.full_code, Item.type)
    )
    return [WaitingRow(*row) for row in session.execute(query)]


def find_by_codes(
    session: Session, standard_level_id: uuid.UUID, codes: Sequence[str], *, organisation_id: uuid.UUID
) -> dict[str, uuid.UUID]:
    """Return the ids of those items in use of a level that some codes name."""
    found: dict[str, uuid.UUID] = {}
    for chunk in chunks(codes):
        query = _in_pool(select(Item.code, Item.item_id), standard_level_id, organisation_id)
        found.update((row[0], row[1]) for row in session.execute(query.where(Item.code.in_(chunk))))
    return found


def codes_of(session: Session, item_ids: Sequence[uuid.UUID], *, organisation_id: uuid.UUID) -> dict[uuid.UUID, str]:
    """Return the codes of those items that are the organisation's."""
    found: dict[uuid.UUID, str] = {}
    for chunk in chunks(item_ids):
        query = select(Item.item_id, Item.code).where(Item.item_id.in_(chunk), Item.organisation_id == organisation_id)
        found.update((row[0], row[1]) for row in session.execute(query))
    return found


def search_pool(
    session: Session, standard_level_id: uuid.UUID, text: str, *, organisation_id: uuid.UUID, limit: int
) -> list[FoundRow]:
    """Return the items in use of a level whose code, point or wording holds a text, by code."""
    query = _in_pool(
        select(
            Item.item_id, ItemVersion.item_version_id, Item.code, ItemVersion.type, AssessmentPoint.full_code,
            AssessmentPoint.name,
        ),
        standard_level_id,
        organisation_id,
    )  # fmt: skip
    columns = (Item.code, AssessmentPoint.full_code, AssessmentPoint.name, Item.search_text)
    matches = [column.like(like_pattern(text), escape="\\") for column in columns]
    return [FoundRow(*row) for row in session.execute(query.where(or_(*matches)).order_by(Item.code).limit(limit))]


def contents_in_pool(
    session: Session, standard_level_id: uuid.UUID, *, organisation_id: uuid.UUID
) -> list[tuple[uuid.UUID, dict[str, Any]]]:
    """Return the stored contents of the items in use of a level, by item."""
    query = _in_pool(select(Item.item_id, ItemVersion.content), standard_level_id, organisation_id)
    return [(row[0], row[1]) for row in session.execute(query)]
