"""What other components may use of the banks that organisations share."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy.orm import Session

from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from qbank.public import PoolEntry
from qbank.public_changes import QuarantineInfo
from qbank.repository import sharing as repository
from qbank.repository.items import PoolRow
from qbank.rules.items import ASSUMED_DIFFICULTY
from qbank.services import shared_pool
from qbank.services.shared_pool import SharedPart


@dataclass(frozen=True, slots=True)
class SharedSource:
    """A bank from which forms of a level may take items, beside the organisation's own."""

    bank_share_id: uuid.UUID
    owner_id: uuid.UUID
    owner_name: str
    purpose: str
    ends_on: date


@dataclass(frozen=True, slots=True)
class Member:
    """A level of an organisation that takes items of a shared bank; `owner_id` names whose items they are."""

    organisation_id: uuid.UUID
    standard_level_id: uuid.UUID
    owner_id: uuid.UUID


def list_sources(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> list[SharedSource]:
    """Return the banks of others from which a level's forms may take items today.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs ITEM_READ or BLUEPRINT_READ.
    standard_level_id : UUID
        A level of the actor's organisation.
    """
    _require(actor)
    shares = repository.list_in_force(session, actor.organisation, standard_level_id, None)
    names = repository.organisation_names(session, {share.organisation_id for share in shares}) if shares else {}
    return [
        SharedSource(
            share.bank_share_id, share.organisation_id, names[share.organisation_id], share.purpose, share.ends_on
        )
        for share in shares
    ]


def load_shared_pool(
    session: Session, actor: Actor, standard_level_id: uuid.UUID, share_ids: Collection[uuid.UUID] | None
) -> dict[uuid.UUID, list[PoolEntry]]:
    """Return the shared items that forms of a level may take, by the organisation that owns them.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs ITEM_READ or BLUEPRINT_READ.
    standard_level_id : UUID
        A level of the actor's organisation.
    share_ids : collection of UUID, optional
        Agreements to draw on, those no longer in force are passed over; None draws on all.
    """
    _require(actor)
    found: dict[uuid.UUID, list[PoolEntry]] = {}
    for part in shared_pool.load_parts(session, actor.organisation, standard_level_id, share_ids):
        entries = [_entry(row, part) for row in part.rows]
        found.setdefault(part.share.organisation_id, []).extend(entries)
    return found


def _entry(row: PoolRow, part: SharedPart) -> PoolEntry:
    return PoolEntry(
        item_id=row.item_id, item_version_id=row.item_version_id, code=row.code, type=row.type, point=row.point,
        importance=row.importance, difficulty=row.difficulty or ASSUMED_DIFFICULTY, score=Decimal(row.score),
        n_used=row.n_used, last_used=row.last_used, enemies=part.enemies.get(row.item_id, ()),
        measure=part.measures.get(row.item_version_id), cognitive=row.cognitive, is_trial=row.is_trial,
    )  # fmt: skip


def list_members(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> list[Member]:
    """Return every level, the given one among them, whose forms may hold items that a level shares or takes.

    Agreements that ended are among them, for what was used stays used.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs ITEM_READ or BLUEPRINT_READ.
    standard_level_id : UUID
        A level of the actor's organisation; without any agreement the result is empty.
    """
    _require(actor)
    found: dict[Member, None] = {}
    shared = repository.list_of_level(session, actor.organisation, standard_level_id)
    for owner_level in dict.fromkeys(share.standard_level_id for share in shared):
        for share in repository.list_of_owner_level(session, owner_level):
            owner_id = share.organisation_id
            found[Member(owner_id, share.standard_level_id, owner_id)] = None
            if share.receiver_level_id is not None:
                found[Member(share.receiver_id, share.receiver_level_id, owner_id)] = None
    return list(found)


def list_receivers(session: Session, actor: Actor) -> list[uuid.UUID]:
    """Return the organisations that ever accepted a bank of the actor's organisation.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Of the owner; needs ITEM_READ or BLUEPRINT_READ.
    """
    _require(actor)
    return repository.receivers_of(session, actor.organisation)


def resting_items(
    session: Session, actor: Actor, standard_level_id: uuid.UUID, since: Mapping[uuid.UUID, date]
) -> set[uuid.UUID]:
    """Return the items shared with a level that were used, by whomever, after the day that their owner names.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs ITEM_READ or BLUEPRINT_READ.
    standard_level_id : UUID
        A level of the actor's organisation.
    since : mapping
        The last day by owner on which a use no longer counts.
    """
    _require(actor)
    return repository.used_since(session, actor.organisation, standard_level_id, since) if since else set()


def owners_of(session: Session, item_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Return which organisation owns some items; nothing else is told of them."""
    return repository.owners_of(session, item_ids)


def organisation_names(session: Session, organisation_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the names of organisations that share a bank with the one that asks."""
    return repository.organisation_names(session, organisation_ids) if organisation_ids else {}


def find_shared_quarantined(
    session: Session, actor: Actor, item_ids: Collection[uuid.UUID] | None = None
) -> dict[uuid.UUID, QuarantineInfo]:
    """Return the items in quarantine that others own and ever shared; callers show those of their own forms only.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Of a receiver.
    item_ids : collection of UUID, optional
        Only those among these items.
    """
    rows = repository.held_by_owners(session, receiver_id=actor.organisation)
    wanted = None if item_ids is None else set(item_ids)
    return {
        held.item_id: QuarantineInfo(held.item_id, code, held.reason, held.set_at)
        for held, code in rows
        if wanted is None or held.item_id in wanted
    }


def _require(actor: Actor) -> None:
    if not actor.may(Permission.ITEM_READ):
        require(actor, Permission.BLUEPRINT_READ)
