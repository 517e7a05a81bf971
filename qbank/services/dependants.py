"""What builds on an outline outside the bank: components announce themselves, and the bank asks them.

The bank knows no blueprint, form or session. Who does registers here, as `qbank.services.references` has it for counts.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class Affected:
    """Something that builds on a level: in words, where it is shown (a Flask endpoint with its arguments), and who may look."""

    label: str
    title: str
    state: str
    endpoint: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    permission: Permission | None = None


@dataclass(frozen=True, slots=True)
class EditionChange:
    """What became of the ranges and points of a level, by full code; a code left out has no one successor."""

    old_level_id: uuid.UUID
    new_level_id: uuid.UUID
    scopes: Mapping[str, str]
    points: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft that follows from an edition change; `remarks` are messages with their values: what needs work."""

    subject_id: uuid.UUID
    title: str
    remarks: Sequence[tuple[str, Mapping[str, Any]]] = ()


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many forms without common items a bank can carry, and which demand is the narrowest."""

    blueprint_id: uuid.UUID | None
    blueprint_name: str
    n_forms: int
    limits: Sequence[tuple[str, Mapping[str, Any]]] = ()


@dataclass(frozen=True, slots=True)
class Dependant:
    """A kind of thing that builds on outlines; leave out what does not apply.

    `find` lists it for a level; `follow` makes drafts for the new edition; `capacity` says how many forms a level's bank
    can carry for a blueprint (None: the default one); `blueprints` lists what may be chosen there; `draft_endpoint` is the
    Flask endpoint of a draft, with the name of its argument.
    """

    name: str
    find: Callable[[Session, Actor, uuid.UUID], Sequence[Affected]] | None = None
    follow: Callable[[UnitOfWork, EditionChange], Sequence[Draft]] | None = None
    capacity: Callable[[Session, Actor, uuid.UUID, uuid.UUID | None], Capacity | None] | None = None
    blueprints: Callable[[Session, Actor, uuid.UUID], Sequence[tuple[uuid.UUID, str]]] | None = None
    draft_endpoint: tuple[str, str] | None = None


_DEPENDANTS: dict[str, Dependant] = {}


def register_dependant(dependant: Dependant) -> None:
    """Announce a kind of thing that builds on outlines; a second one of the same name replaces the first."""
    _DEPENDANTS[dependant.name] = dependant


def find_affected(session: Session, actor: Actor, level_id: uuid.UUID) -> list[Affected]:
    """Return everything outside the bank that builds on a level."""
    return [one for d in _DEPENDANTS.values() if d.find for one in d.find(session, actor, level_id)]


def follow_edition(uow: UnitOfWork, change: EditionChange) -> list[Draft]:
    """Let everything that can follow to the new edition as a draft; return the drafts."""
    return [draft for d in _DEPENDANTS.values() if d.follow for draft in d.follow(uow, change)]


def draft_endpoint() -> tuple[str, str] | None:
    """Return where drafts for a new edition are shown: an endpoint and the name of its argument."""
    return next((d.draft_endpoint for d in _DEPENDANTS.values() if d.draft_endpoint), None)


def find_capacity(
    session: Session, actor: Actor, level_id: uuid.UUID, blueprint_id: uuid.UUID | None
) -> Capacity | None:
    """Return how many independent forms a level's bank can carry, None where nobody can say."""
    answers = (d.capacity(session, actor, level_id, blueprint_id) for d in _DEPENDANTS.values() if d.capacity)
    return next((answer for answer in answers if answer is not None), None)


def list_blueprints(session: Session, actor: Actor, level_id: uuid.UUID) -> list[tuple[uuid.UUID, str]]:
    """Return the blueprints for which the capacity may be asked."""
    return [one for d in _DEPENDANTS.values() if d.blueprints for one in d.blueprints(session, actor, level_id)]
