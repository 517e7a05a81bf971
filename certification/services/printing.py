"""Issuing and printing a whole batch in a job; the file is kept encrypted because it names people."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence

from sqlalchemy.orm import Session

from certification.documents.rendering import MAX_CERTIFICATES
from certification.models import CertificateAct, CertificationBatch, CertificationDocument
from certification.repository import batches as batch_repository
from certification.repository import certificates as repository
from certification.rules.batch_states import BatchState, require_transition
from certification.services import blanks
from certification.services.certificates import note_event, printable
from certification.services.personal import seal, unseal
from kernel import audit
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.jobs import enqueue
from kernel.jobs.models import Job
from kernel.uow import UnitOfWork

JOB = "certification.print"
TABLE = "certification_documents"
PART = min(200, MAX_CERTIFICATES)


def request_issue(uow: UnitOfWork, batch_id: uuid.UUID, *, base_url: str, first_serial: str = "") -> Job:
    """Publish the job that prints a numbered batch and then issues it."""
    require(uow.actor, Permission.CERTIFICATE_ISSUE)
    batch = batch_repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    require_transition(batch.state, BatchState.ISSUED)
    return _enqueue(uow, batch, base_url, first_serial, is_issue=True)


def request_print(uow: UnitOfWork, batch_id: uuid.UUID, *, base_url: str, first_serial: str = "") -> Job:
    """Publish the job that prints an issued batch once more."""
    require(uow.actor, Permission.CERTIFICATE_ISSUE)
    batch = batch_repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    if batch.state not in {BatchState.ISSUED, BatchState.ARCHIVED}:
        raise ConflictError(N_("证书还没有签发，签发后才能打印"))
    return _enqueue(uow, batch, base_url, first_serial, is_issue=False)


def _enqueue(uow: UnitOfWork, batch: CertificationBatch, base_url: str, first_serial: str, *, is_issue: bool) -> Job:
    serials = _serials(uow.session, uow.actor, batch.certification_batch_id, first_serial)
    payload = {
        "batch_id": str(batch.certification_batch_id), "base_url": base_url, "is_issue": is_issue,
        "first_serial": serials[0] if serials else "",
    }  # fmt: skip
    what = "签发证书" if is_issue else "打印证书"
    return enqueue(uow, JOB, payload, title=f"{what}：{batch.name}")


def _serials(session: Session, actor: Actor, batch_id: uuid.UUID, first_serial: str) -> list[str]:
    n_certificates = len(printable(session, batch_id, actor=actor))
    return blanks.free_serials(session, actor.organisation, first_serial, n_certificates)


def keep_documents(
    uow: UnitOfWork, batch_id: uuid.UUID, job_id: uuid.UUID, contents: list[bytes], serials: Sequence[str] = ()
) -> None:
    """Keep the printed parts of a batch and note the printing with every certificate."""
    batch = batch_repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    certificates = printable(uow.session, batch_id, actor=uow.actor)
    for part, content in enumerate(contents, start=1):
        n_pages = min(PART, len(certificates) - (part - 1) * PART)
        uow.add(_document(uow, batch, job_id, part, content, n_pages=n_pages))
    blanks.note_blanks(uow, certificates, serials)
    for certificate in certificates:
        note_event(uow, certificate, CertificateAct.PRINTED)
    audit.record(uow, "certificate.print", "certification_batch", batch_id, after={"n_printed": len(certificates)})


def _document(
    uow: UnitOfWork, batch: CertificationBatch, job_id: uuid.UUID, part: int, content: bytes, *, n_pages: int
) -> CertificationDocument:
    key = new_id()
    return CertificationDocument(
        certification_document_id=key,
        organisation_id=batch.organisation_id,
        certification_batch_id=batch.certification_batch_id,
        job_id=job_id,
        part=part,
        file_name=f"证书_{batch.code}_{part}.pdf",
        n_pages=n_pages,
        ciphertext=seal(content, table=TABLE, column="ciphertext", row_id=key),
        content_digest=hashlib.sha256(content).hexdigest(),
        created_by=uow.actor.name[:100],
        created_at=now(),
    )


def read_document(uow: UnitOfWork, document_id: uuid.UUID) -> tuple[str, bytes]:
    """Return name and content of a printed part; the reading is audited."""
    require(uow.actor, Permission.CERTIFICATE_ISSUE)
    row = repository.get_document(uow.session, document_id, actor=uow.actor)
    audit.record(uow, "personal_data.reveal", TABLE, document_id, after={"n_pages": row.n_pages})
    return row.file_name, unseal(row.ciphertext, table=TABLE, column="ciphertext", row_id=document_id)
