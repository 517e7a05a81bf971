"""What candidates were granted."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_delivery.models import Accommodation, Registration
from kernel.identity.actor import Actor

CHUNK = 500


def list_of_candidate(session: Session, candidate_id: uuid.UUID, *, actor: Actor) -> Sequence[Accommodation]:
    """Return everything a candidate was ever granted, the newest first."""
    query = select(Accommodation).where(
        Accommodation.candidate_id == candidate_id, Accommodation.organisation_id == actor.organisation
    )
    return session.scalars(query.order_by(Accommodation.granted_at.desc(), Accommodation.accommodation_id)).all()


def find_current(session: Session, candidate_id: uuid.UUID, *, actor: Actor) -> Accommodation | None:
    """Return what holds for a candidate."""
    return load_current(session, [candidate_id], actor=actor).get(candidate_id)


def load_current(
    session: Session, candidate_ids: Collection[uuid.UUID], *, actor: Actor
) -> dict[uuid.UUID, Accommodation]:
    """Return what holds, by candidate; who was granted nothing is not in it."""
    found: dict[uuid.UUID, Accommodation] = {}
    wanted = list(candidate_ids)
    for start in range(0, len(wanted), CHUNK):
        query = select(Accommodation).where(
            Accommodation.candidate_id.in_(wanted[start : start + CHUNK]),
            Accommodation.organisation_id == actor.organisation,
            Accommodation.ended_at.is_(None),
        )
        found.update((row.candidate_id, row) for row in session.scalars(query))
    return found


def set_time_factors(session: Session, registrations: Collection[Registration], *, actor: Actor) -> None:
    """Give registrations the time that was granted; a longer one of the roster stays."""
    granted = load_current(session, [one.candidate_id for one in registrations], actor=actor)
    for registration in registrations:
        row = granted.get(registration.candidate_id)
        if row is not None and row.time_factor > registration.time_factor:
            registration.time_factor = row.time_factor
