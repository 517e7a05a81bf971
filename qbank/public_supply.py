"""What other components may count and look up in a level's bank while somebody plans a form; no key leaves by this way."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy.orm import Session

from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from qbank.repository import supply as repository
from qbank.repository.supply import FoundRow as FoundRow
from qbank.repository.supply import SupplyRow as SupplyRow
from qbank.repository.supply import WaitingRow as WaitingRow
from qbank.rules.items import ASSUMED_DIFFICULTY

MOST_FOUND = 20


def list_supply(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> list[SupplyRow]:
    """Return the items that forms of a level may take, as plain rows; difficulty 3 where nobody has judged it.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs ITEM_READ or BLUEPRINT_READ; sees the own organisation only.
    standard_level_id : UUID
        The level.
    """
    _require(actor)
    rows = repository.list_supply(session, standard_level_id, organisation_id=actor.organisation)
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


def proportions_correct(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> dict[uuid.UUID, float]:
    """Return the newest known share of correct answers by item, for items of a level that have one.

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
    return repository.proportions_correct(session, standard_level_id, organisation_id=actor.organisation)


def _require(actor: Actor) -> None:
    if not actor.may(Permission.ITEM_READ):
        require(actor, Permission.BLUEPRINT_READ)
