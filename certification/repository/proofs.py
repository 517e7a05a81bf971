"""Reading the documents behind components, inside the walls."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from certification.models import ComponentProof, ProofStatus, ResultRecord
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor


def of_record(session: Session, record_id: uuid.UUID) -> Sequence[ComponentProof]:
    """Return a candidate's documents that nobody rejected, the newest first."""
    query = select(ComponentProof).where(
        ComponentProof.result_record_id == record_id, ComponentProof.status != ProofStatus.REJECTED
    )
    return session.scalars(query.order_by(ComponentProof.entered_at.desc())).all()


def of_batch(session: Session, batch_id: uuid.UUID) -> list[tuple[ComponentProof, ResultRecord]]:
    """Return the documents of a batch, those that wait for a second person first."""
    query = (
        select(ComponentProof, ResultRecord)
        .join(ResultRecord, ResultRecord.result_record_id == ComponentProof.result_record_id)
        .where(ComponentProof.certification_batch_id == batch_id)
        .order_by(ComponentProof.decided_at.is_not(None), ComponentProof.entered_at.desc())
        .limit(2000)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def get_proof(session: Session, proof_id: uuid.UUID, *, actor: Actor, lock: bool = False) -> ComponentProof:
    """Return a document of the own organisation, locked for the transaction when asked for, or raise NotFoundError."""
    query = select(ComponentProof).where(
        ComponentProof.component_proof_id == proof_id, ComponentProof.organisation_id == actor.organisation_id
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.scalar(query)
    if found is None:
        raise NotFoundError(N_("材料不存在"))
    return found
