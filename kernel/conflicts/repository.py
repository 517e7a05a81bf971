"""Reading declared relations inside an organisation's walls."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from kernel.conflicts.models import ConflictRelation
from kernel.conflicts.rules import COUNTING, RelationKind, RelationStatus
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.models import User
from kernel.identity.permissions import Permission

CHUNK = 500


@dataclass(frozen=True, slots=True)
class RelationRow:
    """A relation with the names of the two people, as far as they are members of staff."""

    relation: ConflictRelation
    person_name: str
    other_name: str


@dataclass(frozen=True, slots=True)
class RelationFilter:
    """What a list of relations is narrowed by."""

    status: RelationStatus | None = None
    kind: RelationKind | None = None
    person_id: uuid.UUID | None = None


def list_relations(
    session: Session, *, actor: Actor, wanted: RelationFilter, page: int = 1, per_page: int = 50
) -> tuple[list[RelationRow], int]:
    """Return one page of relations, newest first, and the total; who does not manage people sees the own ones."""
    conditions = [ConflictRelation.organisation_id == actor.organisation]
    if not actor.may(Permission.USER_MANAGE):
        conditions.append(ConflictRelation.person_id == actor.user_id)
    equal = {
        ConflictRelation.status: wanted.status,
        ConflictRelation.kind: wanted.kind,
        ConflictRelation.person_id: wanted.person_id,
    }
    conditions += [column == value for column, value in equal.items() if value is not None]
    person, other = aliased(User), aliased(User)
    query = (
        select(ConflictRelation, person.name, other.name)
        .join(person, person.user_id == ConflictRelation.person_id)
        .outerjoin(other, other.user_id == ConflictRelation.other_user_id)
        .where(*conditions)
        .order_by(ConflictRelation.declared_at.desc(), ConflictRelation.conflict_relation_id.desc())
    )
    total = session.scalar(select(func.count()).select_from(ConflictRelation).where(*conditions)) or 0
    rows = session.execute(query.limit(per_page).offset((page - 1) * per_page))
    return [RelationRow(row[0], row[1], row[2] or row[0].other_name) for row in rows], total


def get_relation(session: Session, relation_id: uuid.UUID, *, actor: Actor) -> ConflictRelation:
    """Return a relation of the organisation: one's own, or any for those who manage people; raises NotFoundError."""
    found = session.get(ConflictRelation, relation_id)
    is_mine = found is not None and (found.person_id == actor.user_id or actor.may(Permission.USER_MANAGE))
    if found is None or found.organisation_id != actor.organisation or not is_mine:
        raise NotFoundError(N_("申报不存在"))
    return found


def counting_relations(
    session: Session, organisation_id: uuid.UUID, user_ids: Collection[uuid.UUID]
) -> Sequence[ConflictRelation]:
    """Return the relations that count and name one of some members of staff, on either side."""
    found: dict[uuid.UUID, ConflictRelation] = {}
    wanted = sorted(user_ids)
    for start in range(0, len(wanted), CHUNK):
        chunk = wanted[start : start + CHUNK]
        query = select(ConflictRelation).where(
            ConflictRelation.organisation_id == organisation_id,
            ConflictRelation.status.in_(COUNTING),
            or_(ConflictRelation.person_id.in_(chunk), ConflictRelation.other_user_id.in_(chunk)),
        )
        found.update((row.conflict_relation_id, row) for row in session.scalars(query))
    return list(found.values())


def count_undecided(session: Session, *, actor: Actor) -> int:
    """Return how many declarations wait for an administrator."""
    query = select(func.count()).where(
        ConflictRelation.organisation_id == actor.organisation, ConflictRelation.status == RelationStatus.DECLARED
    )
    return session.scalar(query) or 0


def list_staff(session: Session, *, actor: Actor) -> list[tuple[uuid.UUID, str]]:
    """Return the active members of staff, by name."""
    query = select(User.user_id, User.name).where(User.organisation_id == actor.organisation, User.is_active.is_(True))
    return [(row[0], row[1]) for row in session.execute(query.order_by(User.name).limit(2000))]
