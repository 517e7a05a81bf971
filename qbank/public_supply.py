"""What other components may count and look up in a level's bank while somebody plans a form."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from item_templates.markup import plain_text
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from qbank.repository import supply as repository
from qbank.repository.supply import FoundRow as FoundRow
from qbank.repository.supply import SupplyRow as SupplyRow
from qbank.repository.supply import WaitingRow as WaitingRow
from qbank.rules.items import ASSUMED_DIFFICULTY
from qbank.services import marks, shared_pool, statistics

MOST_FOUND = 20


def list_supply(
    session: Session,
    actor: Actor,
    standard_level_id: uuid.UUID,
    *,
    named: Collection[uuid.UUID] | None = None,
    shares: Collection[uuid.UUID] = (),
) -> list[SupplyRow]:
    """Return the items that forms of a level may take, as plain rows; difficulty 3 where nobody has judged it.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs ITEM_READ or BLUEPRINT_READ; sees the own organisation, and what is shared with it.
    standard_level_id : UUID
        The level.
    named : collection of UUID, optional
        Items to be told apart: all others that are alike then are counted together, which is much faster. None tells
        all items apart.
    shares : collection of UUID
        Agreements under which banks of others count as well, while they are in force.
    """
    _require(actor)
    rows = repository.list_supply(session, standard_level_id, organisation_id=actor.organisation, named=named)
    rows += shared_pool.list_supply(session, actor.organisation, standard_level_id, shares, named)
    return [row if row.difficulty else row._replace(difficulty=ASSUMED_DIFFICULTY) for row in rows]


def count_waiting(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> list[WaitingRow]:
    """Return how many items of each point and type are written but not approved yet.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs ITEM_READ or BLUEPRINT_READ.
    standard_level_id : UUID
        The level.
    """
    _require(actor)
    return repository.count_waiting(session, standard_level_id, organisation_id=actor.organisation)


def find_by_codes(
    session: Session, actor: Actor, standard_level_id: uuid.UUID, codes: Sequence[str]
) -> dict[str, uuid.UUID]:
    """Return the ids of those items in use of a level that some codes name.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs ITEM_READ or BLUEPRINT_READ.
    standard_level_id : UUID
        The level.
    codes : sequence of str
        Item codes as people write them.
    """
    _require(actor)
    return repository.find_by_codes(session, standard_level_id, codes, organisation_id=actor.organisation)


def codes_of(session: Session, actor: Actor, item_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the codes of items of the actor's organisation, out of use or not.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs ITEM_READ or BLUEPRINT_READ.
    item_ids : sequence of UUID
        Items; those of others are left out.
    """
    _require(actor)
    return repository.codes_of(session, item_ids, organisation_id=actor.organisation)


def search_pool(session: Session, actor: Actor, standard_level_id: uuid.UUID, text: str) -> list[FoundRow]:
    """Return some items in use of a level whose code, point or wording holds a text.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs ITEM_READ or BLUEPRINT_READ.
    standard_level_id : UUID
        The level.
    text : str
        A part of a code, of a point's name or of the item's wording; an empty one finds nothing.
    """
    _require(actor)
    if not text.strip():
        return []
    return repository.search_pool(
        session, standard_level_id, text.strip(), organisation_id=actor.organisation, limit=MOST_FOUND
    )


def proportions_correct(
    session: Session, actor: Actor, standard_level_id: uuid.UUID, *, shares: Collection[uuid.UUID] = ()
) -> dict[uuid.UUID, float]:
    """Return the share of correct answers to the version in use, for items of a level with enough answers to it.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs ITEM_READ or BLUEPRINT_READ.
    standard_level_id : UUID
        The level.
    shares : collection of UUID
        Agreements under which banks of others count as well, with their owners' figures.
    """
    _require(actor)
    found = shared_pool.shares_correct(session, actor.organisation, standard_level_id, shares)
    return found | statistics.proportions_correct(session, standard_level_id, organisation_id=actor.organisation)


def _require(actor: Actor) -> None:
    if not actor.may(Permission.ITEM_READ):
        require(actor, Permission.BLUEPRINT_READ)


@dataclass(frozen=True, slots=True)
class Reading:
    """What assembly may know of an item's content: how much there is to read, and which choice is right.

    `key` is a choice's letter, ``T`` or ``F``; empty where there is no single one.
    """

    n_characters: int
    key: str


def load_readings(
    session: Session, actor: Actor, standard_level_id: uuid.UUID, *, shares: Collection[uuid.UUID] = ()
) -> dict[uuid.UUID, Reading]:
    """Return what the items in use of a level are to read and to choose, by item.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs ITEM_READ or FORM_ASSEMBLE.
    standard_level_id : UUID
        The level.
    shares : collection of UUID
        Agreements under which banks of others count as well.
    """
    if not actor.may(Permission.ITEM_READ):
        require(actor, Permission.FORM_ASSEMBLE)
    rows = repository.contents_in_pool(session, standard_level_id, organisation_id=actor.organisation)
    rows += shared_pool.contents(session, actor.organisation, standard_level_id, shares)
    return {item_id: Reading(_n_characters(content), _key(content)) for item_id, content in rows}


def _n_characters(content: Mapping[str, Any]) -> int:
    """Return how many characters there are to read: stem, choices, second column, children."""
    texts = [content.get("stem") or ""]
    texts += [choice["content"] for name in ("choices", "targets") for choice in content.get(name) or ()]
    own = sum(len("".join(plain_text(text).split())) for text in texts)
    return own + sum(_n_characters(child) for child in content.get("items") or ())


def _key(content: Mapping[str, Any]) -> str:
    key = content.get("key")
    if content.get("type") == "single_choice" and isinstance(key, str):
        return key
    if content.get("type") == "true_false" and isinstance(key, bool):
        return "T" if key else "F"
    return ""


def cognitive_levels(session: Session, actor: Actor) -> tuple[str, ...]:
    """Return the cognitive levels that the actor's organisation tells apart, the simplest first.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs ITEM_READ or BLUEPRINT_READ.
    """
    _require(actor)
    return marks.cognitive_levels(session, actor.organisation)
