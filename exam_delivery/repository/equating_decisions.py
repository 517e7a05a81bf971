"""Decisions about equating."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exam_delivery.models.equating import Equating
from exam_delivery.rules.equating_states import EquatingState
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.models import Organisation


def get_equating(session: Session, equating_id: uuid.UUID, *, actor: Actor, lock: bool = False) -> Equating:
    """Return a decision of the actor's organisation, locked where asked."""
    query = select(Equating).where(Equating.equating_id == equating_id, Equating.organisation_id == actor.organisation)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.scalar(query)
    if found is None:
        raise NotFoundError(N_("等值决定不存在"))
    return found


def equatings_of_batch(session: Session, exam_batch_id: uuid.UUID, *, actor: Actor) -> Sequence[Equating]:
    """Return the decisions of a batch, the newest first."""
    query = select(Equating).where(
        Equating.exam_batch_id == exam_batch_id, Equating.organisation_id == actor.organisation
    )
    return session.scalars(query.order_by(Equating.proposed_at.desc(), Equating.code.desc())).all()


def find_in_force(session: Session, exam_batch_id: uuid.UUID, *, actor: Actor) -> Equating | None:
    """Return the decision of a batch that was approved last."""
    query = select(Equating).where(
        Equating.exam_batch_id == exam_batch_id,
        Equating.organisation_id == actor.organisation,
        Equating.state == EquatingState.APPROVED,
    )
    return session.scalar(query.order_by(Equating.decided_at.desc(), Equating.code.desc()).limit(1))


def pending(session: Session, *, actor: Actor, exam_batch_id: uuid.UUID | None = None) -> Sequence[Equating]:
    """Return the proposals that wait for a second person, the oldest first."""
    query = select(Equating).where(
        Equating.organisation_id == actor.organisation, Equating.state == EquatingState.PROPOSED
    )
    if exam_batch_id is not None:
        query = query.where(Equating.exam_batch_id == exam_batch_id)
    return session.scalars(query.order_by(Equating.proposed_at)).all()


def lock_numbers(session: Session, organisation_id: uuid.UUID) -> int:
    """Hold the organisation's numbering of decisions until the transaction ends; return how many there are."""
    session.execute(
        select(Organisation.organisation_id).where(Organisation.organisation_id == organisation_id).with_for_update()
    )
    return session.scalar(select(func.count()).where(Equating.organisation_id == organisation_id)) or 0
