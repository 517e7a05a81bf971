"""What other components may use of pairs of items: which items of a form are copies of each other, and asking about them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.public import load_contents
from qbank.repository import curation as curation_repository
from qbank.repository import pairs as repository
from qbank.rules.pairs import COPY_ORIGINS as COPY_ORIGINS
from qbank.services import duplicates
from qbank.services.duplicates import VersionPair as VersionPair


@dataclass(frozen=True, slots=True)
class CheckState:
    """When a level was last checked for near-copies, if ever, and how many items were written or changed since."""

    checked_at: datetime | None
    n_since: int


def check_state(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> CheckState:
    """Return how far the check of a level for near-copies (查重) goes; without one, all its items count as new.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Whose organisation's items count.
    standard_level_id : UUID
        The level.
    """
    run = curation_repository.find_run(session, standard_level_id, "duplicates", actor=actor)
    moment = run.created_at if run else None
    return CheckState(moment, repository.count_changed_after(session, standard_level_id, moment, actor=actor))


def similar_among(
    session: Session, actor: Actor, item_version_ids: Sequence[uuid.UUID], *, with_clues: bool = True
) -> list[VersionPair]:
    """Return the pairs of some versions, such as those of a form, that are near-copies or give each other away.

    Pairs that somebody found to differ are left out.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs ITEM_READ, FORM_READ or FORM_SEAL.
    item_version_ids : sequence of UUID
        Versions of the organisation.
    with_clues : bool
        Look for stems that hold another item's key, too.

    Returns
    -------
    list of VersionPair
        `origin` says why: the same (exact), near-copies (near), or a stem that holds the other's key (clue).
    """
    contents = load_contents(session, actor, item_version_ids)
    found = duplicates.similar_among({key: one.content for key, one in contents.items()}, with_clues=with_clues)
    items = {key: one.item_id for key, one in contents.items()}
    return _still_suspect(session, found, items)


def copies_of(
    session: Session, actor: Actor, candidates: Sequence[uuid.UUID], present: Sequence[uuid.UUID]
) -> list[VersionPair]:
    """Return the pairs in which a candidate is a near-copy of a version that is present; the candidate comes first.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs ITEM_READ, FORM_READ or FORM_SEAL.
    candidates, present : sequence of UUID
        Versions that may come in, and those that stand there.
    """
    coming = [key for key in candidates if key not in set(present)]
    contents = load_contents(session, actor, [*coming, *present])
    found = duplicates.copies_of(
        {key: contents[key].content for key in coming}, {key: contents[key].content for key in present}
    )
    return _still_suspect(session, found, {key: one.item_id for key, one in contents.items()})


def _still_suspect(
    session: Session, found: Iterable[VersionPair], items: dict[uuid.UUID, uuid.UUID]
) -> list[VersionPair]:
    pairs = list(found)
    if not pairs:
        return []
    named = {items[key] for pair in pairs for key in (pair.first_version_id, pair.second_version_id)}
    differ, waiting = repository.found_different(session, named), repository.open_among(session, named)
    both = [frozenset((items[pair.first_version_id], items[pair.second_version_id])) for pair in pairs]
    return [
        replace(pair, is_waiting=key in waiting) for pair, key in zip(pairs, both, strict=True) if key not in differ
    ]


def ask_about(uow: UnitOfWork, pairs: Sequence[VersionPair]) -> int:
    """Put pairs before those who judge them; return how many were new. Pairs with an item of another's are left out.

    Parameters
    ----------
    uow : UnitOfWork
        The transaction of whoever met them; needs FORM_READ.
    pairs : sequence of VersionPair
        As `similar_among` returns them.
    """
    require(uow.actor, Permission.FORM_READ)
    keys = {key for pair in pairs for key in (pair.first_version_id, pair.second_version_id)}
    items = {key: one.item_id for key, one in load_contents(uow.session, uow.actor, list(keys)).items()}
    suggestions = []
    for pair in pairs:
        first, second = sorted((items[pair.first_version_id], items[pair.second_version_id]))
        suggestions.append(duplicates.Suggestion(first, second, pair.origin, pair.similarity))
    return duplicates.suggest(uow, suggestions)
