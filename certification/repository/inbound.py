"""Reading systems that send results in, and what they sent."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from certification.models import CertificationBatch, ScoreDelivery, ScoreDeliveryState, SendingSystem
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor

MOST = 200


def list_systems(session: Session, organisation_id: uuid.UUID) -> Sequence[SendingSystem]:
    """Return the sending systems of an organisation, by name."""
    query = select(SendingSystem).where(SendingSystem.organisation_id == organisation_id)
    return session.scalars(query.order_by(SendingSystem.name, SendingSystem.created_at).limit(MOST)).all()


def lock_system(session: Session, system_id: uuid.UUID, *, actor: Actor) -> SendingSystem:
    """Return a sending system of the own organisation, locked, or raise NotFoundError."""
    query = select(SendingSystem).where(
        SendingSystem.sending_system_id == system_id, SendingSystem.organisation_id == actor.organisation
    )
    found = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError(N_("来源系统不存在"))
    return found


def find_delivery(session: Session, system_id: uuid.UUID, webhook_id: str) -> ScoreDelivery | None:
    """Return what a system sent under an id."""
    query = select(ScoreDelivery).where(
        ScoreDelivery.sending_system_id == system_id, ScoreDelivery.webhook_id == webhook_id
    )
    return session.scalar(query)


def find_system(session: Session, organisation_id: uuid.UUID, name: str) -> SendingSystem | None:
    """Return the oldest sending system of an organisation with a name."""
    query = select(SendingSystem).where(SendingSystem.organisation_id == organisation_id, SendingSystem.name == name)
    return session.scalar(query.order_by(SendingSystem.created_at).limit(1))


def find_file(session: Session, batch_id: uuid.UUID, digest: str) -> ScoreDelivery | None:
    """Return the newest delivery of a batch that came as this very file."""
    query = select(ScoreDelivery).where(
        ScoreDelivery.certification_batch_id == batch_id,
        ScoreDelivery.body_digest == digest,
        ScoreDelivery.file_name != "",
    )
    return session.scalar(query.order_by(ScoreDelivery.received_at.desc()).limit(1))


def count_files(session: Session, system_id: uuid.UUID, digest: str) -> int:
    """Return how often a system's deliveries came as this very file."""
    query = select(func.count()).where(
        ScoreDelivery.sending_system_id == system_id, ScoreDelivery.body_digest == digest
    )
    return session.scalar(query) or 0


def delivery_ids(session: Session, system_id: uuid.UUID, batch_id: uuid.UUID) -> set[uuid.UUID]:
    """Return the keys of what a system sent for a batch."""
    query = select(ScoreDelivery.score_delivery_id).where(
        ScoreDelivery.sending_system_id == system_id, ScoreDelivery.certification_batch_id == batch_id
    )
    return set(session.scalars(query))


def deliveries_of(
    session: Session, delivery_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, tuple[ScoreDelivery, SendingSystem]]:
    """Return some deliveries with who sent them, by key."""
    query = (
        select(ScoreDelivery, SendingSystem)
        .join(SendingSystem, SendingSystem.sending_system_id == ScoreDelivery.sending_system_id)
        .where(ScoreDelivery.score_delivery_id.in_(delivery_ids))
    )
    return {row.score_delivery_id: (row, system) for row, system in session.execute(query)}


def list_deliveries(
    session: Session, organisation_id: uuid.UUID, batch_id: uuid.UUID | None = None
) -> list[tuple[ScoreDelivery, SendingSystem, CertificationBatch]]:
    """Return the newest deliveries, or those of one batch, with sender and batch."""
    query = (
        select(ScoreDelivery, SendingSystem, CertificationBatch)
        .join(SendingSystem, SendingSystem.sending_system_id == ScoreDelivery.sending_system_id)
        .join(
            CertificationBatch,
            CertificationBatch.certification_batch_id == ScoreDelivery.certification_batch_id,
        )
        .where(ScoreDelivery.organisation_id == organisation_id)
        .order_by(ScoreDelivery.received_at.desc(), ScoreDelivery.score_delivery_id.desc())
        .limit(MOST)
    )
    if batch_id is not None:
        query = query.where(ScoreDelivery.certification_batch_id == batch_id)
    return [(delivery, system, batch) for delivery, system, batch in session.execute(query)]


def lock_delivery(session: Session, delivery_id: uuid.UUID, *, actor: Actor) -> ScoreDelivery:
    """Return a delivery to the own organisation, locked, or raise NotFoundError."""
    query = select(ScoreDelivery).where(
        ScoreDelivery.score_delivery_id == delivery_id, ScoreDelivery.organisation_id == actor.organisation
    )
    found = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError(N_("送来的成绩不存在"))
    return found


def count_waiting(session: Session, organisation_id: uuid.UUID) -> int:
    """Return how many deliveries nobody has looked at."""
    query = select(func.count()).where(
        ScoreDelivery.organisation_id == organisation_id, ScoreDelivery.state == ScoreDeliveryState.WAITING
    )
    return session.scalar(query) or 0
