"""Reading and deleting the pools kept with draws, always inside one organisation."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from blueprints.models import AssemblyPool, AssemblyRun
from kernel.identity.actor import Actor


def find_pool(session: Session, digest: str, *, actor: Actor) -> AssemblyPool | None:
    """Return the kept pool with a digest."""
    return session.scalar(select(AssemblyPool).filter_by(organisation_id=actor.organisation, digest=digest))


def is_kept(session: Session, digest: str, *, actor: Actor) -> bool:
    """Say whether the pool with a digest is kept, without reading it."""
    query = select(AssemblyPool.assembly_pool_id).filter_by(organisation_id=actor.organisation, digest=digest)
    return session.scalar(query) is not None


def owners_of_pools(session: Session) -> Sequence[uuid.UUID]:
    """Return the organisations that keep pools."""
    return session.scalars(select(AssemblyPool.organisation_id).distinct()).all()


def find_unneeded(session: Session, organisation_id: uuid.UUID, *, before: datetime) -> Sequence[uuid.UUID]:
    """Return the pools of which no form was taken over and from which nothing was drawn since a moment."""
    needed = select(AssemblyRun.assembly_run_id).where(
        AssemblyRun.organisation_id == AssemblyPool.organisation_id,
        AssemblyRun.pool_digest == AssemblyPool.digest,
        AssemblyRun.accepted_at.is_not(None) | (AssemblyRun.created_at >= before),
    )
    query = select(AssemblyPool.assembly_pool_id).where(
        AssemblyPool.organisation_id == organisation_id, AssemblyPool.kept_at < before, ~needed.exists()
    )
    return session.scalars(query).all()


def delete_pools(session: Session, keys: Sequence[uuid.UUID]) -> None:
    """Delete kept pools."""
    session.execute(delete(AssemblyPool).where(AssemblyPool.assembly_pool_id.in_(keys)))
