"""Finding pairs of items, and the texts in which near-copies are sought, inside the actor's walls."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, delete, func, or_, select
from sqlalchemy.orm import Session, aliased

from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from qbank.models.curation import ItemPair, ItemSearch
from qbank.models.items import Item, ItemVersion
from qbank.repository.items import chunks, visible
from qbank.rules.items import ItemStatus
from qbank.rules.pairs import SUSPECT_ORIGINS, PairOrigin, PairState

MOST_TEXTS = 150_000


@dataclass(frozen=True, slots=True)
class TextRow:
    """An item's folded text and what tells it apart."""

    item_id: uuid.UUID
    code: str
    current_version_id: uuid.UUID
    search_text: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class PairRow:
    """A pair with its two items."""

    pair: ItemPair
    first: Item
    second: Item


@dataclass(frozen=True, slots=True)
class ChangedText:
    """An item's folded text and when the item was last changed."""

    item_id: uuid.UUID
    search_text: str
    updated_at: datetime


def texts_changed_after(
    session: Session, organisation_id: uuid.UUID, moment: datetime | None, *, limit: int = MOST_TEXTS
) -> list[ChangedText]:
    """Return the texts of an organisation's items that changed after a moment (or all), the oldest change first."""
    query = select(Item.item_id, Item.search_text, Item.updated_at).where(
        Item.organisation_id == organisation_id, Item.removed_at.is_(None)
    )
    if moment is not None:
        query = query.where(Item.updated_at > moment)
    rows = session.execute(query.order_by(Item.updated_at, Item.item_id).limit(limit))
    return [ChangedText(*row) for row in rows]


def texts_of_level(session: Session, standard_level_id: uuid.UUID, *, actor: Actor) -> list[TextRow]:
    """Return the texts of a level's items that are not retired, by code."""
    return _texts(session, actor, Item.standard_level_id == standard_level_id)


def count_changed_after(
    session: Session, standard_level_id: uuid.UUID, moment: datetime | None, *, actor: Actor
) -> int:
    """Return how many items of a level that are not retired were written or changed after a moment, or are there at all."""
    query = (
        select(func.count())
        .select_from(Item)
        .join(ItemVersion, ItemVersion.item_version_id == Item.current_version_id)
        .where(
            Item.organisation_id == actor.organisation,
            Item.standard_level_id == standard_level_id,
            Item.removed_at.is_(None),
            Item.status != ItemStatus.RETIRED,
        )
    )
    if moment is not None:
        query = query.where(ItemVersion.created_at > moment)
    return session.scalar(query) or 0


def texts_of_items(session: Session, item_ids: Sequence[uuid.UUID], *, actor: Actor) -> list[TextRow]:
    """Return the texts of some items of the organisation."""
    found: list[TextRow] = []
    for chunk in chunks(item_ids):
        found += _texts(session, actor, Item.item_id.in_(chunk))
    return found


def _texts(session: Session, actor: Actor, condition: ColumnElement[bool]) -> list[TextRow]:
    query = (
        select(Item.item_id, Item.code, Item.current_version_id, Item.search_text, ItemSearch.fingerprint)
        .outerjoin(ItemSearch, ItemSearch.item_id == Item.item_id)
        .where(
            Item.organisation_id == actor.organisation,
            Item.removed_at.is_(None),
            Item.status != ItemStatus.RETIRED,
            condition,
        )
        .order_by(Item.code)
        .limit(MOST_TEXTS)
    )
    return [TextRow(row[0], row[1], row[2], row[3], row[4] or "") for row in session.execute(query)]


def list_pairs(
    session: Session,
    standard_level_id: uuid.UUID,
    *,
    actor: Actor,
    state: PairState | None = PairState.OPEN,
    origin: PairOrigin | None = None,
    page: int = 1,
    per_page: int = 20,
) -> tuple[list[PairRow], int]:
    """Return one page of a level's pairs whose items both exist, the most alike first, and the total."""
    conditions = [ItemPair.organisation_id == actor.organisation, ItemPair.standard_level_id == standard_level_id]
    if state is not None:
        conditions.append(ItemPair.state == state)
    if origin is not None:
        conditions.append(ItemPair.origin == origin)
    first, second = aliased(Item), aliased(Item)
    query = (
        select(ItemPair, first, second)
        .join(first, and_(first.item_id == ItemPair.first_item_id, first.removed_at.is_(None)))
        .join(second, and_(second.item_id == ItemPair.second_item_id, second.removed_at.is_(None)))
        .where(*conditions)
    )
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    order = [_rank(), ItemPair.similarity.desc(), ItemPair.item_pair_id]
    rows = session.execute(query.order_by(*order).limit(per_page).offset((page - 1) * per_page))
    return [PairRow(row[0], row[1], row[2]) for row in rows], total


def _rank() -> ColumnElement[int]:
    order = [PairOrigin.EXACT, PairOrigin.NEAR, PairOrigin.CLUE, PairOrigin.SAME_POINT, PairOrigin.PERSON]
    return case({origin: n for n, origin in enumerate(order)}, value=ItemPair.origin, else_=9)


def count_by_state(session: Session, standard_level_id: uuid.UUID, *, actor: Actor) -> dict[PairState, int]:
    """Return how many pairs of a level stand in each state."""
    query = (
        select(ItemPair.state, func.count())
        .where(ItemPair.organisation_id == actor.organisation, ItemPair.standard_level_id == standard_level_id)
        .group_by(ItemPair.state)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def count_open(session: Session, *, actor: Actor) -> int:
    """Return how many pairs of the organisation wait for a decision."""
    query = select(func.count()).where(ItemPair.organisation_id == actor.organisation, ItemPair.state == PairState.OPEN)
    return session.scalar(query) or 0


def lock_pair(session: Session, item_pair_id: uuid.UUID, *, actor: Actor) -> ItemPair:
    """Return a pair after locking it; raises NotFoundError for those of others."""
    query = select(ItemPair).where(
        ItemPair.item_pair_id == item_pair_id, ItemPair.organisation_id == actor.organisation
    )
    found = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError(N_("这一对试题不存在，可能已被处理"))
    return found


def find_pair(session: Session, one: uuid.UUID, other: uuid.UUID) -> ItemPair | None:
    """Return the pair of two items, if there is one; the caller has checked the items' walls."""
    first, second = sorted((one, other))
    query = select(ItemPair).where(ItemPair.first_item_id == first, ItemPair.second_item_id == second)
    return session.scalar(query)


def pairs_of_item(session: Session, item_id: uuid.UUID, *, actor: Actor) -> list[tuple[ItemPair, Item]]:
    """Return the pairs of an item that are not found different, each with the other item that the actor sees."""
    query = (
        select(ItemPair, Item)
        .join(Item, Item.item_id.in_([ItemPair.first_item_id, ItemPair.second_item_id]))
        .where(
            or_(ItemPair.first_item_id == item_id, ItemPair.second_item_id == item_id),
            Item.item_id != item_id,
            ItemPair.state != PairState.DIFFERENT,
            *visible(actor),
        )
        .order_by(ItemPair.similarity.desc())
        .limit(50)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def enemies(
    session: Session, organisation_id: uuid.UUID, *, also_suspect: bool = False
) -> list[tuple[uuid.UUID, uuid.UUID, bool]]:
    """Return all pairs of an organisation that must not meet, and whether they pass it on.

    `also_suspect` adds duplicates and what a check suggested and nobody has found to differ.
    """
    wanted = ItemPair.state == PairState.ENEMY
    if also_suspect:
        is_open = and_(ItemPair.state == PairState.OPEN, ItemPair.origin.in_(SUSPECT_ORIGINS))
        wanted = or_(wanted, ItemPair.state == PairState.DUPLICATE, is_open)
    query = select(ItemPair.first_item_id, ItemPair.second_item_id, ItemPair.is_transitive).where(
        ItemPair.organisation_id == organisation_id, wanted
    )
    return [(row[0], row[1], row[2]) for row in session.execute(query)]


def known_pairs(session: Session, standard_level_id: uuid.UUID, *, actor: Actor) -> set[tuple[uuid.UUID, uuid.UUID]]:
    """Return the pairs of a level about which somebody decided."""
    query = select(ItemPair.first_item_id, ItemPair.second_item_id).where(
        ItemPair.organisation_id == actor.organisation,
        ItemPair.standard_level_id == standard_level_id,
        ItemPair.state != PairState.OPEN,
    )
    return {(row[0], row[1]) for row in session.execute(query)}


def remove_open(session: Session, standard_level_id: uuid.UUID, *, actor: Actor) -> None:
    """Take away the suggestions of a level, before those of a new check are kept."""
    session.execute(
        delete(ItemPair).where(
            ItemPair.organisation_id == actor.organisation,
            ItemPair.standard_level_id == standard_level_id,
            ItemPair.state == PairState.OPEN,
        )
    )


def different_from(session: Session, item_id: uuid.UUID) -> set[uuid.UUID]:
    """Return the items that somebody found different from an item."""
    query = select(ItemPair.first_item_id, ItemPair.second_item_id).where(
        or_(ItemPair.first_item_id == item_id, ItemPair.second_item_id == item_id),
        ItemPair.state == PairState.DIFFERENT,
    )
    return {key for row in session.execute(query) for key in row if key != item_id}


def found_different(session: Session, item_ids: Collection[uuid.UUID]) -> set[frozenset[uuid.UUID]]:
    """Return the pairs of some items that somebody found to differ."""
    return _among(session, item_ids, PairState.DIFFERENT)


def open_among(session: Session, item_ids: Collection[uuid.UUID]) -> set[frozenset[uuid.UUID]]:
    """Return the pairs of some items that wait for a decision."""
    return _among(session, item_ids, PairState.OPEN)


def _among(session: Session, item_ids: Collection[uuid.UUID], state: PairState) -> set[frozenset[uuid.UUID]]:
    wanted = set(item_ids)
    found: set[frozenset[uuid.UUID]] = set()
    for chunk in chunks(list(wanted)):
        query = select(ItemPair.first_item_id, ItemPair.second_item_id).where(
            ItemPair.first_item_id.in_(chunk), ItemPair.state == state
        )
        found |= {frozenset((row[0], row[1])) for row in session.execute(query) if row[1] in wanted}
    return found


def own_items(session: Session, item_ids: Collection[uuid.UUID], *, actor: Actor) -> dict[uuid.UUID, uuid.UUID]:
    """Return the level of each of some items that is the actor's organisation's own."""
    found: dict[uuid.UUID, uuid.UUID] = {}
    for chunk in chunks(list(item_ids)):
        query = select(Item.item_id, Item.standard_level_id).where(
            Item.item_id.in_(chunk), Item.organisation_id == actor.organisation, Item.removed_at.is_(None)
        )
        found |= {row[0]: row[1] for row in session.execute(query)}
    return found
