"""Reading what packs of evidence are made of, and the packs."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from certification.models import (
    Certificate,
    CertificateStatement,
    CertificationBatch,
    EvidencePack,
    Publicity,
    ResultRecord,
)
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor

MOST = 200
TABLE = "evidence_packs"


def list_publicities(session: Session, batch_id: uuid.UUID) -> Sequence[Publicity]:
    """Return the periods of a batch in order, withdrawn ones too."""
    query = select(Publicity).where(Publicity.certification_batch_id == batch_id)
    return session.scalars(query.order_by(Publicity.number).limit(MOST)).all()


def list_certificates_of(session: Session, record_id: uuid.UUID) -> Sequence[Certificate]:
    """Return the certificates of one candidate of a batch, in the order they were made."""
    query = select(Certificate).where(Certificate.result_record_id == record_id)
    return session.scalars(query.order_by(Certificate.created_at, Certificate.number).limit(MOST)).all()


def list_statements(session: Session, certificate_id: uuid.UUID) -> Sequence[CertificateStatement]:
    """Return what was signed about a certificate, in order."""
    query = select(CertificateStatement).where(CertificateStatement.certificate_id == certificate_id)
    order = (CertificateStatement.signed_at, CertificateStatement.certificate_statement_id)
    return session.scalars(query.order_by(*order).limit(MOST)).all()


def list_packs(
    session: Session, batch_id: uuid.UUID, *, actor: Actor, record_id: uuid.UUID | None = None
) -> Sequence[EvidencePack]:
    """Return the packs of a batch, or of one candidate of it, the newest first, without their contents."""
    query = select(EvidencePack).where(
        EvidencePack.certification_batch_id == batch_id, EvidencePack.organisation_id == actor.organisation
    )
    if record_id is not None:
        query = query.where(EvidencePack.result_record_id == record_id)
    return session.scalars(query.order_by(EvidencePack.created_at.desc()).limit(MOST)).all()


def get_pack(session: Session, pack_id: uuid.UUID, *, actor: Actor) -> EvidencePack:
    """Return a pack of the own organisation with its content, or raise NotFoundError."""
    query = select(EvidencePack).where(
        EvidencePack.evidence_pack_id == pack_id, EvidencePack.organisation_id == actor.organisation
    )
    found = session.scalar(query.options(undefer(EvidencePack.ciphertext)))
    if found is None:
        raise NotFoundError(N_("文件不存在"))
    return found


def get_batch_by_code(session: Session, code: str, *, actor: Actor) -> CertificationBatch:
    """Return the newest batch of the own organisation with a code, or raise NotFoundError."""
    query = select(CertificationBatch).where(
        CertificationBatch.code == code, CertificationBatch.organisation_id == actor.organisation
    )
    found = session.scalar(query.order_by(CertificationBatch.received_at.desc()).limit(1))
    if found is None:
        raise NotFoundError(N_("没有代码为 %(code)s 的认定批次"), code=code)
    return found


def get_record_by_number(session: Session, batch_id: uuid.UUID, admission_number: str) -> ResultRecord:
    """Return a candidate of a batch by the admission number, or raise NotFoundError."""
    found = session.scalar(
        select(ResultRecord).where(
            ResultRecord.certification_batch_id == batch_id, ResultRecord.admission_number == admission_number
        )
    )
    if found is None:
        raise NotFoundError(N_("批次中没有准考证号为 %(number)s 的考生"), number=admission_number)
    return found
