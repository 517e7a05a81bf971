"""What a receiver's assembly learns of the banks that others share with it: the same columns as of its own items."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from qbank.models.sharing import BankShare
from qbank.repository import items as item_repository
from qbank.repository import sharing as repository
from qbank.repository import supply
from qbank.repository.items import PoolRow
from qbank.repository.supply import SupplyRow
from qbank.rules.outline import Importance
from qbank.services import duplicates
from qbank.services.statistics import ItemMeasure, load_measures, proportions_correct


@dataclass(frozen=True, slots=True)
class SharedPart:
    """The items of one agreement, with who must not meet and what is known of them."""

    share: BankShare
    rows: list[PoolRow]
    enemies: Mapping[uuid.UUID, tuple[uuid.UUID, ...]]
    measures: Mapping[uuid.UUID, ItemMeasure]


def shares_in_force(
    session: Session, receiver_id: uuid.UUID, level_id: uuid.UUID, share_ids: Collection[uuid.UUID] | None
) -> Iterator[tuple[BankShare, dict[str, Importance]]]:
    """Yield the agreements under which a level may take items, each with the points both outlines have."""
    if share_ids is not None and not share_ids:
        return
    for share in repository.list_in_force(session, receiver_id, level_id, share_ids):
        yield share, repository.common_points(session, share.standard_level_id, level_id)


def load_parts(
    session: Session, receiver_id: uuid.UUID, level_id: uuid.UUID, share_ids: Collection[uuid.UUID] | None
) -> list[SharedPart]:
    """Return the shared items that forms of a receiver's level may take; an item comes under one agreement only.

    An item comes with the receiver's importance of its point; one whose point the receiver's outline lacks is left out.
    """
    parts, seen = [], set[uuid.UUID]()
    for share, points in shares_in_force(session, receiver_id, level_id, share_ids):
        found = item_repository.load_pool(session, share.standard_level_id, organisation_id=share.organisation_id)
        rows = [
            row if row.importance is points[row.point] else replace(row, importance=points[row.point])
            for row in found
            if row.point in points and row.item_id not in seen and (share.includes_trials or not row.is_trial)
        ]
        ids = [row.item_id for row in rows]
        seen.update(ids)
        enemies = duplicates.kept_apart(session, share.organisation_id, ids)
        measures = load_measures(session, share.standard_level_id, organisation_id=share.organisation_id)
        parts.append(SharedPart(share, rows, enemies, measures))
    return parts


def list_supply(
    session: Session,
    receiver_id: uuid.UUID,
    level_id: uuid.UUID,
    share_ids: Collection[uuid.UUID],
    named: Collection[uuid.UUID] | None,
) -> list[SupplyRow]:
    """Return the counts of shared items as `supply.list_supply` returns those of one's own."""
    found: list[SupplyRow] = []
    for share, points in shares_in_force(session, receiver_id, level_id, share_ids):
        rows = supply.list_supply(
            session, share.standard_level_id, organisation_id=share.organisation_id, named=named,
            with_trials=share.includes_trials,
        )  # fmt: skip
        found += [row._replace(importance=points[row.point].value) for row in rows if row.point in points]
    return found


def contents(
    session: Session, receiver_id: uuid.UUID, level_id: uuid.UUID, share_ids: Collection[uuid.UUID]
) -> list[tuple[uuid.UUID, dict[str, Any]]]:
    """Return the stored contents of shared items, by item, for what is counted of them."""
    found: list[tuple[uuid.UUID, dict[str, Any]]] = []
    for share, _points in shares_in_force(session, receiver_id, level_id, share_ids):
        found += supply.contents_in_pool(
            session, share.standard_level_id, organisation_id=share.organisation_id
        )  # fmt: skip
    return found


def shares_correct(
    session: Session, receiver_id: uuid.UUID, level_id: uuid.UUID, share_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, float]:
    """Return the share of correct answers of shared items with enough answers at their owner."""
    found: dict[uuid.UUID, float] = {}
    for share, _points in shares_in_force(session, receiver_id, level_id, share_ids):
        found |= proportions_correct(session, share.standard_level_id, organisation_id=share.organisation_id)
    return found
