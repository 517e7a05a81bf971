"""Signed statements about certificates: made when a certificate is issued, read back by anybody."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

from sqlalchemy.orm import Session

from certification.models import Certificate, CertificateStatement
from certification.repository import certificates as certificate_repository
from certification.repository import signing as repository
from certification.rules.ecertificate import (
    MAX_STATEMENT,
    NOT_A_STATEMENT,
    TYPE,
    Statement,
    read_statement,
    statement_bytes,
)
from certification.services import signing
from certification.services.lookup import UNKNOWN, PublicCertificate, shown
from certification.services.personal import read_number
from kernel import audit
from kernel.clock import now
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.national_id import mask_id_public
from kernel.uow import UnitOfWork

ATTACHMENT = "certificate.jws"
_JWS = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class CheckedStatement:
    """A statement whose signature holds, and what the ledger says of the certificate today."""

    statement: Statement
    kid: str
    issuer: str
    today: PublicCertificate

    @property
    def is_consistent(self) -> bool:
        """Whether the ledger knows the certificate with the same number, name and day."""
        return self.today.is_known


def statement_of(certificate: Certificate) -> Statement:
    """Return what is stated about a certificate; of the identity number two characters."""
    number = read_number(certificate, table="certificates", row_id=certificate.certificate_id)
    return Statement(
        number=certificate.number, name=certificate.name, id_number=mask_id_public(number),
        occupation=certificate.occupation_name, trade=certificate.trade_name, level=certificate.level_name,
        issuer=certificate.body_name, issued_on=certificate.issued_on, expires_on=certificate.expires_on,
    )  # fmt: skip


def sign_when_possible(uow: UnitOfWork, certificate: Certificate) -> CertificateStatement | None:
    """Sign the statement of a certificate that is being issued, when the organisation has a key."""
    key = repository.find_signing_key(uow.session, certificate.organisation_id)
    if key is None:
        return None
    row = CertificateStatement(
        organisation_id=certificate.organisation_id, certificate_id=certificate.certificate_id, kid=key.kid,
        statement=signing.sign(key, statement_bytes(statement_of(certificate)), kind=TYPE), signed_at=now(),
    )  # fmt: skip
    uow.add(row)
    return row


def current_statement(uow: UnitOfWork, certificate: Certificate) -> str:
    """Return the signed statement of an issued certificate: the newest whose key is trusted, else a fresh one.

    Raises
    ------
    ConflictError
        If the certificate is not issued, or the organisation has no key.
    """
    if certificate.issued_at is None:
        raise ConflictError(N_("证书还没有签发，签发后才能打印"))
    newest = repository.newest_statement(uow.session, certificate.certificate_id)
    known = repository.find_key(uow.session, newest.kid) if newest else None
    if newest and known and known[0].revoked_at is None:
        return newest.statement
    row = sign_when_possible(uow, certificate)
    if row is None:
        raise ConflictError(signing.NO_KEY)
    audit.record(uow, "certificate.sign", "certificate", certificate.certificate_id, after={"kid": row.kid})
    return row.statement


def check_statement(session: Session, text: str) -> CheckedStatement:
    """Check a pasted statement: its signature, and what became of the certificate since.

    Raises
    ------
    InvalidInputError
        If it is no statement, or its signature does not hold.
    """
    found = _JWS.search("".join(text.split())[: MAX_STATEMENT * 2])
    if found is None or len(found[0]) > MAX_STATEMENT:
        raise InvalidInputError(NOT_A_STATEMENT)
    signed = signing.verify(session, found[0], kind=TYPE)
    statement = read_statement(signed.payload)
    row = certificate_repository.find_by_number(session, statement.number)
    is_same = row is not None and _is_same(statement, row, signed)
    return CheckedStatement(statement, signed.kid, signed.issuer, shown(row) if is_same else UNKNOWN)


def _is_same(statement: Statement, row: Certificate, signed: signing.Signed) -> bool:
    said = (statement.name, statement.issued_on, signed.organisation_id)
    return said == (row.name, row.issued_on, row.organisation_id)


def text_of_upload(data: bytes) -> str:
    """Return the statement in an uploaded file: an e-certificate's PDF, or the text itself.

    Raises
    ------
    InvalidInputError
        If there is none.
    """
    if data.startswith(b"%PDF"):
        return _attached(data)
    if len(data) > MAX_STATEMENT * 4:
        raise InvalidInputError(NOT_A_STATEMENT)
    return data.decode("utf-8", errors="replace")


def _attached(data: bytes) -> str:
    import pypdf
    from pypdf.errors import PyPdfError

    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        contents = reader.attachments.get(ATTACHMENT, [])
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as exc:
        raise InvalidInputError(N_("这个 PDF 无法读取，请改为粘贴二维码中的文字")) from exc
    if not contents or len(contents[0]) > MAX_STATEMENT:
        raise InvalidInputError(N_("这个 PDF 中没有电子证书的签名内容，请改为粘贴二维码中的文字"))
    return bytes(contents[0]).decode("ascii", errors="replace")
