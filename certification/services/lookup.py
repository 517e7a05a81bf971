"""What the public may learn of a certificate: masked, throttled, and the same answer for every unknown one."""

from __future__ import annotations

import datetime as dt
import hmac
import re
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from certification.models import Certificate, CertificateLookup, CertificateState
from certification.repository import certificates as repository
from certification.services.personal import read_number
from kernel import crypto
from kernel.clock import now
from kernel.errors import TooManyAttemptsError
from kernel.i18n import N_
from kernel.national_id import mask_id_public, mask_name
from kernel.uow import UnitOfWork

WINDOW = dt.timedelta(minutes=10)
MAX_LOOKUPS = 30
_TOKEN = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class PublicCertificate:
    """A certificate as anybody may see it; `state` is ``unknown`` with empty texts when there is none."""

    state: str
    number: str = ""
    name: str = ""
    id_number: str = ""
    occupation: str = ""
    trade: str = ""
    level: str = ""
    issued_on: dt.date | None = None
    issuer: str = ""
    superseded_by: str = ""

    @property
    def is_known(self) -> bool:
        """Whether there is such a certificate."""
        return self.state != UNKNOWN.state

    @property
    def is_valid(self) -> bool:
        """Whether it may be relied on."""
        return self.state == CertificateState.VALID.value


UNKNOWN = PublicCertificate("unknown")


def note_lookup(uow: UnitOfWork, address: str) -> None:
    """Count a look-up of an address and refuse too many; every look-up counts, whether it finds something or not.

    Raises
    ------
    TooManyAttemptsError
        After thirty look-ups within ten minutes.
    """
    subject = crypto.blind_index(crypto.purpose_key("lookup-throttle"), address)
    since = now() - WINDOW
    uow.session.execute(delete(CertificateLookup).where(CertificateLookup.at < since))
    query = select(func.count()).where(CertificateLookup.subject == subject, CertificateLookup.at >= since)
    if (uow.session.scalar(query) or 0) >= MAX_LOOKUPS:
        raise TooManyAttemptsError(
            N_("查询过于频繁，请 %(minutes)s 分钟后再试"),
            minutes=int(WINDOW.total_seconds()) // 60, retry_after_seconds=int(WINDOW.total_seconds()),
        )  # fmt: skip
    uow.add(CertificateLookup(subject=subject, at=now()))


def verify_token(session: Session, token: str) -> PublicCertificate:
    """Return the certificate that a QR code names."""
    plain = token.strip().lower()
    found = repository.find_by_token(session, plain if _TOKEN.fullmatch(plain) else "0" * 32)
    return _shown(found)


def look_up(session: Session, *, number: str, name: str) -> PublicCertificate:
    """Return the certificate with a number, for those who also know the name on it."""
    found = repository.find_by_number(session, re.sub(r"\s", "", number).upper()[:32] or "-")
    holder = found.name if found else "-"
    is_same = hmac.compare_digest(_plain(holder), _plain(name))
    return _shown(found if is_same else None)


def _plain(name: str) -> bytes:
    return re.sub(r"[\s·•．.]", "", name).casefold().encode()


def _shown(certificate: Certificate | None) -> PublicCertificate:
    """Mask a certificate; for an unknown one the same work is done on a decoy, so that time tells nothing."""
    if certificate is None:
        _decoy()
        return UNKNOWN
    number = read_number(certificate, table="certificates", row_id=certificate.certificate_id)
    return PublicCertificate(
        state=certificate.state.value,
        number=certificate.number,
        name=mask_name(certificate.name),
        id_number=mask_id_public(number),
        occupation=certificate.occupation_name,
        trade=certificate.trade_name,
        level=certificate.level_name,
        issued_on=certificate.issued_on,
        issuer=certificate.body_name,
        superseded_by=certificate.superseded_by or "",
    )


def _decoy() -> None:
    key = crypto.purpose_key("personal-data")
    envelope = crypto.encrypt(key, b"0" * 18, bound_to="decoy")
    mask_id_public(crypto.decrypt(key, envelope, bound_to="decoy").decode())
