"""What is due by the rules of retention, and the orders to erase it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists, select, update
from sqlalchemy.orm import Session, undefer

from certification.models import (
    Certificate,
    CertificationBatch,
    CertificationDocument,
    ComponentProof,
    ErasureOrder,
    EvidencePack,
    Objection,
    ProofStatus,
    ResultRecord,
    SeniorApplication,
    SeniorEvent,
    SeniorMaterial,
    SeniorObjection,
    SeniorPanelMember,
)
from certification.rules.batch_states import BatchState
from certification.rules.retention import RetentionKind
from certification.rules.seniors import SeniorState
from exam_delivery import public_retention as exam_delivery
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor

MOST_OF_AN_ORDER = 5_000
CHUNK = 500
ERASED = "erased:"
NEVER_APPOINTED = (SeniorState.DRAFT, SeniorState.REFUSED, SeniorState.WITHDRAWN)


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
    if kind is RetentionKind.PROOFS:
        return _due_proofs(organisation_id, before)
    if kind is RetentionKind.SENIORS:
        return _due_seniors(organisation_id, before)
    return (
        select(EvidencePack.evidence_pack_id)
        .where(EvidencePack.organisation_id == organisation_id, EvidencePack.created_at < before)
        .order_by(EvidencePack.created_at, EvidencePack.evidence_pack_id)
    )


def _due_proofs(organisation_id: uuid.UUID, before: dt.datetime) -> Select[Any]:
    """Return the decided documents of archived batches whose files are still there."""
    return (
        select(ComponentProof.component_proof_id)
        .join(CertificationBatch, CertificationBatch.certification_batch_id == ComponentProof.certification_batch_id)
        .where(
            ComponentProof.organisation_id == organisation_id,
            ComponentProof.file_kind != "",
            ComponentProof.status != ProofStatus.SUBMITTED,
            CertificationBatch.state == BatchState.ARCHIVED,
            CertificationBatch.state_since < before,
        )
        .order_by(CertificationBatch.state_since, ComponentProof.component_proof_id)
    )


def _due_seniors(organisation_id: uuid.UUID, before: dt.datetime) -> Select[Any]:
    """Return the applications that led to no appointment and in which nothing happened since."""
    later = exists().where(
        SeniorEvent.senior_application_id == SeniorApplication.senior_application_id, SeniorEvent.at >= before
    )
    return (
        select(SeniorApplication.senior_application_id)
        .where(
            SeniorApplication.organisation_id == organisation_id,
            SeniorApplication.state.in_(NEVER_APPOINTED),
            SeniorApplication.created_at < before,
            SeniorApplication.id_number_index.not_like(f"{ERASED}%"),
            ~later,
        )
        .order_by(SeniorApplication.created_at, SeniorApplication.senior_application_id)
    )


def _of_exams(
    session: Session, kind: RetentionKind, organisation_id: uuid.UUID, before: dt.datetime
) -> list[uuid.UUID] | None:
    """Return what is due in exam delivery, none when the kind is of the ledger."""
    if kind is RetentionKind.CANDIDATES:
        holders = (
            select(ResultRecord.candidate_id)
            .join(Certificate, Certificate.result_record_id == ResultRecord.result_record_id)
            .where(ResultRecord.organisation_id == organisation_id)
        )
        return exam_delivery.due_candidates(session, organisation_id, before, kept=holders, limit=MOST_OF_AN_ORDER)
    if kind is RetentionKind.EXAM_PHOTOS:
        return exam_delivery.due_photos(session, organisation_id, before, limit=MOST_OF_AN_ORDER)
    if kind is RetentionKind.EXAM_DOCUMENTS:
        return exam_delivery.due_documents(session, organisation_id, before, limit=MOST_OF_AN_ORDER)
    return None


def due_keys(session: Session, kind: RetentionKind, organisation_id: uuid.UUID, before: dt.datetime) -> list[uuid.UUID]:
    """Return the keys of what one order may take: the oldest that are due."""
    elsewhere = _of_exams(session, kind, organisation_id, before)
    if elsewhere is not None:
        return elsewhere
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


def proofs(session: Session, keys: Sequence[uuid.UUID]) -> list[ComponentProof]:
    """Return documents behind components, locked."""
    found: list[ComponentProof] = []
    for start in range(0, len(keys), CHUNK):
        query = select(ComponentProof).where(ComponentProof.component_proof_id.in_(keys[start : start + CHUNK]))
        found += session.scalars(query.with_for_update())
    return found


def applications(session: Session, keys: Sequence[uuid.UUID]) -> list[SeniorApplication]:
    """Return applications of seniors, locked."""
    found: list[SeniorApplication] = []
    for start in range(0, len(keys), CHUNK):
        query = select(SeniorApplication).where(
            SeniorApplication.senior_application_id.in_(keys[start : start + CHUNK])
        )
        found += session.scalars(query.with_for_update())
    return found


def forget_applications(session: Session, keys: Sequence[uuid.UUID], text: str) -> None:
    """Delete the materials of some applications; take what was said about the applicants."""
    for start in range(0, len(keys), CHUNK):
        some, quiet = keys[start : start + CHUNK], {"synchronize_session": False}
        session.execute(delete(SeniorMaterial).where(SeniorMaterial.senior_application_id.in_(some)))
        session.execute(
            update(SeniorObjection)
            .where(SeniorObjection.senior_application_id.in_(some))
            .values(raised_by=text, content=text),
            execution_options=quiet,
        )
        session.execute(
            update(SeniorPanelMember).where(SeniorPanelMember.senior_application_id.in_(some)).values(comment=""),
            execution_options=quiet,
        )


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
