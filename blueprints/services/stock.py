"""What the bank of a level has for a blueprint that somebody is writing: quick counts, items by code, items to pick."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy.orm import Session

from blueprints.assembly.pool import PoolItem
from blueprints.rules.codes import engine_code
from blueprints.rules.profile import COOLDOWN_DAYS
from blueprints.rules.sources import shared_banks
from blueprints.rules.two_way import Counted, Spot
from kernel import profiles
from kernel.clock import today
from kernel.identity.actor import Actor
from qbank import public_supply as bank
from qbank.public_supply import FoundRow as FoundRow

CODES_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class BankStock:
    """The approved items of a level, those that are alike counted together, and what is still to be approved.

    `since` is the first day on which a use counts as recent.
    """

    items: tuple[Counted, ...]
    waiting: Mapping[Spot, int]
    since: date | None


def load_stock(session: Session, actor: Actor, standard_level_id: uuid.UUID, spec: Mapping[str, Any]) -> BankStock:
    """Return the stock of a level; items are told apart only as far as the blueprint does."""
    by_item = bool(spec.get("p_value"))
    shares = shared_banks(spec)
    known = bank.proportions_correct(session, actor, standard_level_id, shares=shares) if by_item else {}
    named = None if by_item else [key for text in spec.get("exclude") or () if (key := _id_of(text))]
    items = tuple(
        (_prototype(row, known), row.n_items)
        for row in bank.list_supply(session, actor, standard_level_id, named=named, shares=shares)
    )
    waiting = {
        (_code(row.point), row.type): row.n_items for row in bank.count_waiting(session, actor, standard_level_id)
    }
    return BankStock(items, waiting, fresh_since(session, actor))


def _prototype(row: bank.SupplyRow, known: Mapping[uuid.UUID, float]) -> PoolItem:
    return PoolItem(
        id=str(row.item_id or ""), type=row.type, point=_code(row.point), importance=row.importance,
        difficulty=row.difficulty, p_value=known.get(row.item_id) if row.item_id else None, n_used=row.n_used,
        last_used=row.last_used,
    )  # fmt: skip


@lru_cache(maxsize=CODES_KEPT)
def _code(full_code: str) -> str:
    return engine_code(full_code)


def fresh_since(session: Session, actor: Actor) -> date | None:
    """Return the first day on which a use still counts as recent; None when every item is always fresh."""
    days = int(profiles.value(session, actor.organisation, COOLDOWN_DAYS.name))
    return today() - timedelta(days=days) if days else None


def codes_of_items(session: Session, actor: Actor, item_ids: Sequence[str]) -> list[str]:
    """Return the codes of items; what is no item of the organisation keeps its id."""
    keys = {text: key for text in item_ids if (key := _id_of(text)) is not None}
    codes = bank.codes_of(session, actor, list(keys.values())) if keys else {}
    return [codes.get(keys[text], text) if text in keys else text for text in item_ids]


def items_of_codes(
    session: Session, actor: Actor, standard_level_id: uuid.UUID, codes: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return the ids of items in use of a level that people wrote as codes, and the codes that none has.

    An id stays as it is: the item left the pool after somebody had named it.
    """
    found = bank.find_by_codes(session, actor, standard_level_id, codes) if codes else {}
    ids = [str(found[code]) if code in found else code for code in dict.fromkeys(codes)]
    return [one for one in ids if _id_of(one)], [one for one in ids if not _id_of(one)]


def search_items(session: Session, actor: Actor, standard_level_id: uuid.UUID, text: str) -> list[FoundRow]:
    """Return some items of a level that a text finds, to be picked."""
    return bank.search_pool(session, actor, standard_level_id, text)


def _id_of(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
