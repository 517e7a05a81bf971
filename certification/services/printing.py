"""Printing one certificate at once, and issuing and printing a whole batch in a job, whose files are kept encrypted."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from certification.documents.certificate_word import certificates_docx
from certification.documents.rendering import MAX_CERTIFICATES, certificates_pdf
from certification.models import (
    Certificate,
    CertificateAct,
    CertificateState,
    CertificationBatch,
    CertificationDocument,
)
from certification.repository import batches as batch_repository
from certification.repository import certificates as repository
from certification.rules.batch_states import BatchState, require_transition
from certification.services import blanks
from certification.services.certificates import issue_moment, note_event, printable, sheet_of
from certification.services.lookup import state_on
from certification.services.personal import seal, unseal
from kernel import audit
from kernel.clock import now, today
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.jobs import enqueue
from kernel.jobs.models import Job
from kernel.uow import UnitOfWork

JOB = "certification.print"
TABLE = "certification_documents"
PART = min(200, MAX_CERTIFICATES)
PDF, WORD = "pdf", "docx"
MAKERS: Mapping[str, Callable[..., bytes]] = {PDF: certificates_pdf, WORD: certificates_docx}
NOTES: Mapping[str, str] = {PDF: "", WORD: "Word"}
"""What the life of a certificate says about the kind of file; the usual one goes without saying."""


def print_certificate(
    uow: UnitOfWork, certificate_id: uuid.UUID, *, base_url: str, file_type: str = PDF, serial: str = ""
) -> tuple[str, bytes]:
    """Return name and content of one certificate's file; the printing is kept with it, and the blank it goes on.

    Raises
    ------
    InvalidInputError
        If there is no such kind of file, or the serial cannot be read or is used.
    ConflictError
        If the certificate is not issued, or a blank is wanted for one that is not valid.
    """
    require(uow.actor, Permission.CERTIFICATE_ISSUE)
    require_file_types((file_type,))
    certificate = repository.lock_certificate(uow.session, certificate_id, actor=uow.actor)
    if certificate.issued_at is None:
        raise ConflictError(N_("证书还没有签发，签发后才能打印"))
    if serial and state_on(certificate, today()) != CertificateState.VALID.value:
        raise ConflictError(N_("证书现在不是有效状态，不能印在证书芯上；留空流水号可以下载带水印的文件"))
    serials = blanks.free_serials(uow.session, uow.actor.organisation, serial, 1)
    sheet = replace(sheet_of(uow.session, certificate, base_url=base_url), print_serial="".join(serials))
    content = MAKERS[file_type]([sheet], created_at=issue_moment(certificate))
    blanks.note_blanks(uow, [certificate], serials)
    note_event(uow, certificate, CertificateAct.PRINTED, NOTES[file_type])
    after = {"file_type": file_type} | ({"serial": serials[0]} if serials else {})
    audit.record(uow, "certificate.print", "certificate", certificate_id, after=after)
    return f"证书_{certificate.number}.{file_type}", content


def require_file_types(file_types: Sequence[str]) -> None:
    """Refuse to print to no file, or to a kind that does not exist."""
    if not file_types or not set(file_types) <= set(MAKERS):
        message = N_("请选择文件格式：PDF 或 Word")
        raise InvalidInputError(message, fields={"file_type": [message]})


# --- a whole batch ---------------------------------------------------------------------------------------------------


def request_issue(
    uow: UnitOfWork, batch_id: uuid.UUID, *, base_url: str, first_serial: str = "", file_types: Sequence[str] = (PDF,)
) -> Job:
    """Publish the job that prints a numbered batch and then issues it."""
    require(uow.actor, Permission.CERTIFICATE_ISSUE)
    batch = batch_repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    require_transition(batch.state, BatchState.ISSUED)
    return _enqueue(uow, batch, base_url, first_serial, file_types, is_issue=True)


def request_print(
    uow: UnitOfWork, batch_id: uuid.UUID, *, base_url: str, first_serial: str = "", file_types: Sequence[str] = (PDF,)
) -> Job:
    """Publish the job that prints an issued batch once more."""
    require(uow.actor, Permission.CERTIFICATE_ISSUE)
    batch = batch_repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    if batch.state not in {BatchState.ISSUED, BatchState.ARCHIVED}:
        raise ConflictError(N_("证书还没有签发，签发后才能打印"))
    return _enqueue(uow, batch, base_url, first_serial, file_types, is_issue=False)


def _enqueue(
    uow: UnitOfWork,
    batch: CertificationBatch,
    base_url: str,
    first_serial: str,
    file_types: Sequence[str],
    *,
    is_issue: bool,
) -> Job:
    require_file_types(file_types)
    serials = _serials(uow.session, uow.actor, batch.certification_batch_id, first_serial)
    payload = {
        "batch_id": str(batch.certification_batch_id), "base_url": base_url, "is_issue": is_issue,
        "first_serial": serials[0] if serials else "", "file_types": list(file_types),
    }  # fmt: skip
    what = "签发证书" if is_issue else "打印证书"
    return enqueue(uow, JOB, payload, title=f"{what}：{batch.name}")


def _serials(session: Session, actor: Actor, batch_id: uuid.UUID, first_serial: str) -> list[str]:
    n_certificates = len(printable(session, batch_id, actor=actor))
    return blanks.free_serials(session, actor.organisation, first_serial, n_certificates)


@dataclass(frozen=True, slots=True)
class PrintedPart:
    """A file with some certificates of a batch."""

    file_type: str
    content: bytes
    n_pages: int


def make_parts(
    session: Session,
    rows: Sequence[Certificate],
    payload: Mapping[str, Any],
    serials: Sequence[str],
    progress: Callable[[int], None],
) -> list[PrintedPart]:
    """Print certificates, a few hundred to a file, to each kind of file that a job asks for."""
    made = []
    for start in range(0, len(rows), PART):
        progress(5 + 90 * start // len(rows))
        part = rows[start : start + PART]
        sheets = [sheet_of(session, row, base_url=payload["base_url"]) for row in part]
        if serials:
            sheets = [replace(sheet, print_serial=serials[start + place]) for place, sheet in enumerate(sheets)]
        at = issue_moment(part[0])
        made += [PrintedPart(kind, MAKERS[kind](sheets, created_at=at), len(part)) for kind in file_types_of(payload)]
    return made


def file_types_of(payload: Mapping[str, Any]) -> list[str]:
    """Return the kinds of files that a job asks for."""
    return list(payload.get("file_types") or (PDF,))


def keep_documents(
    uow: UnitOfWork, batch_id: uuid.UUID, job_id: uuid.UUID, parts: Sequence[PrintedPart], serials: Sequence[str] = ()
) -> None:
    """Keep the printed parts of a batch and note the printing with every certificate."""
    batch = batch_repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    certificates = printable(uow.session, batch_id, actor=uow.actor)
    file_types = list(dict.fromkeys(part.file_type for part in parts))
    for place, part in enumerate(parts):
        number = place // len(file_types) + 1
        uow.add(_document(uow, batch, job_id, place + 1, part, name=f"证书_{batch.code}_{number}.{part.file_type}"))
    blanks.note_blanks(uow, certificates, serials)
    note = "、".join(NOTES[kind] for kind in file_types if NOTES[kind])
    for certificate in certificates:
        note_event(uow, certificate, CertificateAct.PRINTED, note)
    after = {"n_printed": len(certificates), "file_types": file_types}
    audit.record(uow, "certificate.print", "certification_batch", batch_id, after=after)


def _document(
    uow: UnitOfWork, batch: CertificationBatch, job_id: uuid.UUID, number: int, part: PrintedPart, *, name: str
) -> CertificationDocument:
    key = new_id()
    return CertificationDocument(
        certification_document_id=key,
        organisation_id=batch.organisation_id,
        certification_batch_id=batch.certification_batch_id,
        job_id=job_id,
        part=number,
        file_name=name,
        n_pages=part.n_pages,
        ciphertext=seal(part.content, table=TABLE, column="ciphertext", row_id=key),
        content_digest=hashlib.sha256(part.content).hexdigest(),
        created_by=uow.actor.name[:100],
        created_at=now(),
    )


def read_document(uow: UnitOfWork, document_id: uuid.UUID) -> tuple[str, bytes]:
    """Return name and content of a printed part; the reading is audited."""
    require(uow.actor, Permission.CERTIFICATE_ISSUE)
    row = repository.get_document(uow.session, document_id, actor=uow.actor)
    audit.record(uow, "personal_data.reveal", TABLE, document_id, after={"n_pages": row.n_pages})
    return row.file_name, unseal(row.ciphertext, table=TABLE, column="ciphertext", row_id=document_id)
