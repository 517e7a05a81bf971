"""Reading the levels that enterprises set themselves."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from certification.models import CertificationBatch, EnterpriseLevel
from certification.repository.access import visible_organisations
from certification.rules.batch_states import BatchState
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor

MISSING = N_("企业等级不存在")


def list_levels(session: Session, organisation_id: uuid.UUID) -> Sequence[EnterpriseLevel]:
    """Return all own levels of an organisation, past ones too."""
    query = select(EnterpriseLevel).where(EnterpriseLevel.organisation_id == organisation_id)
    return session.scalars(
        query.order_by(EnterpriseLevel.occupation_code, EnterpriseLevel.code, EnterpriseLevel.valid_from).limit(2000)
    ).all()


def list_visible(session: Session, *, actor: Actor) -> Sequence[EnterpriseLevel]:
    """Return the own levels that an actor may read: the own organisation's and those of supervised ones."""
    query = select(EnterpriseLevel).where(EnterpriseLevel.organisation_id.in_(visible_organisations(session, actor)))
    return session.scalars(
        query.order_by(EnterpriseLevel.occupation_code, EnterpriseLevel.code, EnterpriseLevel.valid_from).limit(2000)
    ).all()


def lock_level(session: Session, level_id: uuid.UUID, *, actor: Actor) -> EnterpriseLevel:
    """Return a level of the own organisation, locked for the rest of the transaction."""
    query = select(EnterpriseLevel).where(
        EnterpriseLevel.enterprise_level_id == level_id, EnterpriseLevel.organisation_id == actor.organisation_id
    )
    found = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError(MISSING)
    return found


def get_with_file(session: Session, level_id: uuid.UUID, *, actor: Actor) -> EnterpriseLevel:
    """Return a level that the actor may read, with its document, or raise NotFoundError."""
    query = select(EnterpriseLevel).where(
        EnterpriseLevel.enterprise_level_id == level_id,
        EnterpriseLevel.organisation_id.in_(visible_organisations(session, actor)),
    )
    found = session.scalar(query.options(undefer(EnterpriseLevel.file_ciphertext)))
    if found is None:
        raise NotFoundError(MISSING)
    return found


def open_batches_at(session: Session, organisation_id: uuid.UUID, code: str) -> Sequence[CertificationBatch]:
    """Return the batches of a level that are not decided yet, locked."""
    query = select(CertificationBatch).where(
        CertificationBatch.organisation_id == organisation_id,
        CertificationBatch.level_code == code,
        CertificationBatch.state.in_((BatchState.RECEIVED, BatchState.CHECKED)),
    )
    return session.scalars(query.with_for_update()).all()
