"""What is due by the rules of retention, and the orders to erase it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, select
from sqlalchemy.orm import Session, undefer

from certification.models import (
    Certificate,
    CertificationBatch,
    CertificationDocument,
    ErasureOrder,
    EvidencePack,
    Objection,
    ResultRecord,
)
from certification.rules.batch_states import BatchState
from certification.rules.retention import RetentionKind
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor

MOST_OF_AN_ORDER = 5_000
CHUNK = 500


def _of_archived(*conditions: ColumnElement[bool], organisation_id: uuid.UUID, before: dt.datetime) -> Select[Any]:
    """Return people of archived batches, not erased yet, the oldest batches first."""
    return (
        select(ResultRecord.result_record_id)
        .join(CertificationBatch, CertificationBatch.certification_batch_id == ResultRecord.certification_batch_id)
        .where(
            ResultRecord.organisation_id == organisation_id,
            CertificationBatch.state == BatchState.ARCHIVED,
            CertificationBatch.state_since < before,
            ResultRecord.erased_at.is_(None),
            *conditions,
        )
        .order_by(CertificationBatch.state_since, ResultRecord.result_record_id)
    )


def due_query(kind: RetentionKind, organisation_id: uuid.UUID, before: dt.datetime) -> Select[Any]:
    """Return the query of the keys of what is due, the oldest first."""
    if kind is RetentionKind.PEOPLE:
        has_none = ~exists().where(Certificate.result_record_id == ResultRecord.result_record_id)
        return _of_archived(has_none, organisation_id=organisation_id, before=before)
    if kind is RetentionKind.PHOTOS:
        return _of_archived(ResultRecord.has_photo.is_(True), organisation_id=organisation_id, before=before)
    if kind is RetentionKind.DOCUMENTS:
        return (
            select(CertificationDocument.certification_document_id)
            .where(
                CertificationDocument.organisation_id == organisation_id,
                CertificationDocument.created_at < before,
            )
            .order_by(CertificationDocument.created_at, CertificationDocument.certification_document_id)
        )
    return (
        select(EvidencePack.evidence_pack_id)
        .where(EvidencePack.organisation_id == organisation_id, EvidencePack.created_at < before)
        .order_by(EvidencePack.created_at, EvidencePack.evidence_pack_id)
    )


def due_keys(session: Session, kind: RetentionKind, organisation_id: uuid.UUID, before: dt.datetime) -> list[uuid.UUID]:
    """Return the keys of what one order may take: the oldest that are due."""
    return list(session.scalars(due_query(kind, organisation_id, before).limit(MOST_OF_AN_ORDER)))


def people(session: Session, keys: Sequence[uuid.UUID]) -> list[ResultRecord]:
    """Return people with their photos, locked."""
    found: list[ResultRecord] = []
    for start in range(0, len(keys), CHUNK):
        query = select(ResultRecord).where(ResultRecord.result_record_id.in_(keys[start : start + CHUNK]))
        found += session.scalars(query.options(undefer(ResultRecord.photo_ciphertext)).with_for_update())
    return found


def objections_of(session: Session, keys: Sequence[uuid.UUID]) -> list[Objection]:
    """Return the objections about some people."""
    found: list[Objection] = []
    for start in range(0, len(keys), CHUNK):
        query = select(Objection).where(Objection.result_record_id.in_(keys[start : start + CHUNK]))
        found += session.scalars(query)
    return found


def list_orders(session: Session, organisation_id: uuid.UUID) -> Sequence[ErasureOrder]:
    """Return the orders of an organisation, the newest first."""
    query = select(ErasureOrder).where(ErasureOrder.organisation_id == organisation_id)
    return session.scalars(query.order_by(ErasureOrder.proposed_at.desc()).limit(200)).all()


def lock_order(session: Session, order_id: uuid.UUID, *, actor: Actor) -> ErasureOrder:
    """Return an order of the actor's own organisation, locked, or raise NotFoundError."""
    query = select(ErasureOrder).where(
        ErasureOrder.erasure_order_id == order_id, ErasureOrder.organisation_id == actor.organisation_id
    )
    found = session.scalar(query.with_for_update())
    if found is None:
        raise NotFoundError(N_("删除申请不存在"))
    return found
