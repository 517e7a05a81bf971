"""Reading publicity periods and objections."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from certification.models import Objection, ObjectionStatus, Publicity
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor


def find_publicity(session: Session, batch_id: uuid.UUID) -> Publicity | None:
    """Return the period that holds for a batch, or None before it and after a withdrawal."""
    query = select(Publicity).where(Publicity.certification_batch_id == batch_id, Publicity.is_withdrawn.is_(False))
    return session.scalar(query.order_by(Publicity.number.desc()).limit(1))


def count_publicities(session: Session, batch_id: uuid.UUID) -> int:
    """Return how many periods a batch has had."""
    query = select(func.count()).where(Publicity.certification_batch_id == batch_id)
    return session.scalar(query) or 0


def list_objections(session: Session, batch_id: uuid.UUID) -> Sequence[Objection]:
    """Return the objections of a batch, the newest first."""
    query = select(Objection).where(Objection.certification_batch_id == batch_id)
    return session.scalars(query.order_by(Objection.noted_at.desc()).limit(500)).all()


def count_open_objections(session: Session, batch_id: uuid.UUID) -> int:
    """Return how many objections of a batch are not settled."""
    query = select(func.count()).where(
        Objection.certification_batch_id == batch_id, Objection.status == ObjectionStatus.OPEN
    )
    return session.scalar(query) or 0


def get_objection(session: Session, objection_id: uuid.UUID, *, actor: Actor) -> Objection:
    """Return an objection of the actor's own organisation, or raise NotFoundError."""
    found = session.get(Objection, objection_id)
    if found is None or found.organisation_id != actor.organisation_id:
        raise NotFoundError(N_("异议记录不存在"))
    return found
