"""Verifiable credentials of certificates: made and signed for the holder or the office, with lists that tell their state."""

from __future__ import annotations

import datetime as dt
import json
import secrets
import uuid
from typing import Any

from sqlalchemy.orm import Session

from certification.models import Certificate, CertificateAct, CertificateState, ConsentPurpose, CredentialEntry
from certification.repository import certificates as certificate_repository
from certification.repository import credentials as repository
from certification.repository import signing as key_repository
from certification.rules import credentials as rules
from certification.rules.credentials import LIST_BITS, CredentialFacts, IdentityDigest, StatusPurpose
from certification.services import certificates, own_certificates, signing
from certification.services.personal import read_number
from exam_delivery.public_candidates import Proof
from kernel import audit
from kernel.clock import OFFICIAL_ZONE, now
from kernel.errors import ConflictError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

STATES = {
    StatusPurpose.REVOCATION: frozenset({CertificateState.REVOKED, CertificateState.SUPERSEDED}),
    StatusPurpose.SUSPENSION: frozenset({CertificateState.HELD}),
}
SALT_BYTES = 16
UNKNOWN_ISSUER = N_("没有这个发证机构，或它还没有签名密钥")


def take_credential(uow: UnitOfWork, certificate_id: uuid.UUID, *, base_url: str) -> tuple[str, bytes]:
    """Return name and content of a certificate's credential for the office.

    Raises
    ------
    ConflictError
        If it is not issued, or the organisation has no signing key.
    """
    require(uow.actor, Permission.CERTIFICATE_ISSUE)
    row = certificate_repository.lock_certificate(uow.session, certificate_id, actor=uow.actor)
    made = _made(uow, row, base_url=base_url, note=N_("可验证凭证"))
    audit.record(uow, "certificate.credential", "certificate", certificate_id)
    return made


def take_own_credential(
    uow: UnitOfWork, proof: Proof, certificate_id: uuid.UUID, *, base_url: str
) -> tuple[str, bytes]:
    """Return name and content of a holder's own credential; it needs the same agreement as the e-certificate."""
    row = own_certificates.own_certificate(uow, proof, certificate_id)
    made = _made(uow, row, base_url=base_url, note=N_("考生本人下载可验证凭证"))
    audit.record(uow, "candidate.credential", "certificate", certificate_id)
    return made


def _made(uow: UnitOfWork, row: Certificate, *, base_url: str, note: str) -> tuple[str, bytes]:
    if row.issued_at is None:
        raise ConflictError(N_("证书还没有签发，签发后才能打印"))
    key = signing.require_key(uow.session, row.organisation_id)
    facts = _facts(uow.session, row, _entry(uow, row), base_url=base_url)
    token = _signed(uow.session, key_id=key.signing_key_id, did=facts.issuer_did, document=rules.credential(facts))
    certificates.note_event(uow, row, CertificateAct.PRINTED, note)
    return f"可验证凭证_{row.number}.jwt", token.encode()


def _entry(uow: UnitOfWork, row: Certificate) -> CredentialEntry:
    """Return the place of a certificate in the lists, given with its first credential."""
    known = repository.find_entry(uow.session, row.certificate_id)
    if known is not None:
        return known
    entry = CredentialEntry(
        organisation_id=row.organisation_id, certificate_id=row.certificate_id,
        number=repository.next_number(uow.session, row.organisation_id), created_at=now(),
    )  # fmt: skip
    uow.add(entry)
    uow.flush()  # the unique place is proved now
    return entry


def _facts(session: Session, row: Certificate, entry: CredentialEntry, *, base_url: str) -> CredentialFacts:
    base = base_url.rstrip("/")
    last = row.expires_on
    return CredentialFacts(
        issuer_did=rules.issuer_did(base, row.organisation_id), issuer_name=row.body_name,
        issuer_page=f"{base}/certificates", page=f"{base}/verify/{row.public_token}", number=row.number, name=row.name,
        occupation=row.occupation_name, occupation_code=row.occupation_code, trade=row.trade_name,
        level=row.level_name, level_code=row.level_code, valid_from=_moment(row.issued_on, dt.time()),
        valid_until=_moment(last, dt.time(23, 59, 59)) if last else None,
        status_base=_status_base(base, row.organisation_id), status_number=entry.number,
        identity=_identity(session, row),
    )  # fmt: skip


def _moment(day: dt.date, time: dt.time) -> dt.datetime:
    return dt.datetime.combine(day, time, tzinfo=OFFICIAL_ZONE)


def _status_base(base: str, organisation_id: uuid.UUID) -> str:
    return f"{base}/issuers/{organisation_id}/status"


def _identity(session: Session, row: Certificate) -> IdentityDigest | None:
    """Return the salted digest of the holder's number when the holder agreed to it, whoever makes the credential."""
    holder = repository.holder_of(session, row)
    held = own_certificates.held_consents(session, row.organisation_id, holder) if holder else {}
    if ConsentPurpose.CREDENTIAL_IDENTITY not in held:
        return None
    number = read_number(row, table=certificates.TABLE, row_id=row.certificate_id)
    return rules.identity_digest(number, secrets.token_hex(SALT_BYTES))


def _signed(session: Session, *, key_id: uuid.UUID, did: str, document: dict[str, Any]) -> str:
    payload = json.dumps(rules.claims(document), ensure_ascii=False, separators=(",", ":")).encode()
    return signing.sign_credential(session, key_id, payload, did=did)


# --- what everybody may read -----------------------------------------------------------------------------------------


def did_document(session: Session, organisation_id: uuid.UUID, *, base_url: str) -> dict[str, Any]:
    """Return the keys of an organisation under its identifier.

    Raises
    ------
    NotFoundError
        If there is no such organisation, or it has no trusted key.
    """
    keys = [row for row in key_repository.list_keys(session, organisation_id) if row.revoked_at is None]
    organisation = repository.find_organisation(session, organisation_id)
    if organisation is None or not keys:
        raise NotFoundError(UNKNOWN_ISSUER)
    jwks = [signing.credential_jwk(row) for row in keys]
    return rules.did_document(rules.issuer_did(base_url, organisation_id), jwks)


def status_list(session: Session, organisation_id: uuid.UUID, purpose: str, number: int, *, base_url: str) -> str:
    """Return a signed list of states; a list that has no place yet is empty.

    Raises
    ------
    NotFoundError
        If the organisation has no key that signs, or there is no such list.
    """
    key = signing.find_key(session, organisation_id)
    if key is None or purpose not in set(StatusPurpose):
        raise NotFoundError(UNKNOWN_ISSUER)
    wanted, first = StatusPurpose(purpose), number * LIST_BITS
    if first > repository.last_number(session, organisation_id):
        raise NotFoundError(UNKNOWN_ISSUER)
    places = repository.numbers_in_states(session, organisation_id, STATES[wanted], first=first, count=LIST_BITS)
    did = rules.issuer_did(base_url, organisation_id)
    document = rules.status_list(
        did=did, address=f"{_status_base(base_url.rstrip('/'), organisation_id)}/{purpose}/{number}", purpose=wanted,
        numbers=[place - first for place in places], moment=now(),
    )  # fmt: skip
    return _signed(session, key_id=key.signing_key_id, did=did, document=document)
