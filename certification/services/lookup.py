"""What the public may learn of a certificate: masked, throttled, and the same answer for every unknown one."""

from __future__ import annotations

import datetime as dt
import functools
import hmac
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from certification.models import Certificate, CertificateLookup, CertificateState
from certification.repository import certificates as repository
from certification.rules.levels import DocumentKind, document_kind
from certification.services.personal import read_number
from kernel import crypto
from kernel.clock import now, today
from kernel.errors import TooManyAttemptsError
from kernel.i18n import N_
from kernel.national_id import mask_id_public, mask_name
from kernel.uow import UnitOfWork

WINDOW = dt.timedelta(minutes=10)
MAX_LOOKUPS = 30
STEP = 5
"""How many look-ups of one address in one process are written as one row."""
MAX_ADDRESSES = 10_000
EXPIRED = "expired"
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
    expires_on: dt.date | None = None
    kind: DocumentKind = DocumentKind.SKILL_LEVEL

    @property
    def is_known(self) -> bool:
        """Whether there is such a certificate."""
        return self.state != UNKNOWN.state

    @property
    def is_valid(self) -> bool:
        """Whether it may be relied on."""
        return self.state == CertificateState.VALID.value


UNKNOWN = PublicCertificate("unknown")


class LookupCounter:
    """Look-ups of the last minutes in this process, by address; every few of them become one row that others see.

    Reading stays reading: somebody who checks a certificate now and then writes nothing at all. Several processes together
    may let through a few more than the limit, never more than `STEP - 1` for each.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def count(self, subject: str, at: float) -> int:
        """Return how many look-ups of an address are not written yet."""
        with self._lock:
            return len(self._recent(subject, at))

    def add(self, subject: str, at: float) -> int:
        """Count one more and return how many are not written yet."""
        with self._lock:
            if len(self._waiting) >= MAX_ADDRESSES:
                self._forget(at)
            self._waiting[subject] = [*self._recent(subject, at), at]
            return len(self._waiting[subject])

    def _recent(self, subject: str, at: float) -> list[float]:
        since = at - WINDOW.total_seconds()
        return [one for one in self._waiting.get(subject, []) if one > since]

    def written(self, subject: str) -> None:
        """Take it that the look-ups of an address were written."""
        with self._lock:
            self._waiting.pop(subject, None)

    def _forget(self, at: float) -> None:
        """Drop who was not seen lately; under a flood of addresses the oldest go."""
        since = at - WINDOW.total_seconds()
        kept = sorted((times[-1], key) for key, times in self._waiting.items() if times[-1] > since)
        self._waiting = {key: self._waiting[key] for _at, key in kept[-MAX_ADDRESSES // 2 :]}


_COUNTERS: WeakKeyDictionary[object, LookupCounter] = WeakKeyDictionary()


def note_lookup(session: Session, address: str, write: Callable[[Callable[[UnitOfWork], None]], None]) -> None:
    """Count a look-up of an address and refuse too many; every look-up counts, whether it finds something or not.

    `write` runs something in a transaction of its own; it is called once for every `STEP` look-ups of one address.

    Raises
    ------
    TooManyAttemptsError
        After thirty look-ups within ten minutes.
    """
    subject = crypto.blind_index(crypto.purpose_key("lookup-throttle"), address)
    counter = _COUNTERS.setdefault(session.get_bind(), LookupCounter())
    moment = now()
    query = select(func.coalesce(func.sum(CertificateLookup.n_lookups), 0)).where(
        CertificateLookup.subject == subject, CertificateLookup.at >= moment - WINDOW
    )
    if (session.scalar(query) or 0) + counter.count(subject, moment.timestamp()) >= MAX_LOOKUPS:
        raise TooManyAttemptsError(
            N_("查询过于频繁，请 %(minutes)s 分钟后再试"),
            minutes=int(WINDOW.total_seconds()) // 60, retry_after_seconds=int(WINDOW.total_seconds()),
        )  # fmt: skip
    n_waiting = counter.add(subject, moment.timestamp())
    if n_waiting >= STEP:
        counter.written(subject)
        write(lambda uow: _write(uow, subject, n_waiting))


def _write(uow: UnitOfWork, subject: str, n_lookups: int) -> None:
    uow.session.execute(delete(CertificateLookup).where(CertificateLookup.at < now() - WINDOW))
    uow.add(CertificateLookup(subject=subject, n_lookups=n_lookups, at=now()))


def verify_token(session: Session, token: str) -> PublicCertificate:
    """Return the certificate that a QR code names."""
    plain = token.strip().lower()
    found = repository.find_by_token(session, plain if _TOKEN.fullmatch(plain) else "0" * 32)
    return shown(found)


def look_up(session: Session, *, number: str, name: str) -> PublicCertificate:
    """Return the certificate with a number, for those who also know the name on it."""
    found = repository.find_by_number(session, re.sub(r"\s", "", number).upper()[:32] or "-")
    holder = found.name if found else "-"
    is_same = hmac.compare_digest(_plain(holder), _plain(name))
    return shown(found if is_same else None)


def _plain(name: str) -> bytes:
    return re.sub(r"[\s·•．.]", "", name).casefold().encode()


def shown(certificate: Certificate | None) -> PublicCertificate:
    """Mask a certificate; for an unknown one the same work is done on a decoy, so that time tells nothing."""
    if certificate is None:
        _decoy()
        return UNKNOWN
    number = read_number(certificate, table="certificates", row_id=certificate.certificate_id)
    return PublicCertificate(
        state=state_on(certificate, today()),
        number=certificate.number,
        name=mask_name(certificate.name),
        id_number=mask_id_public(number),
        occupation=certificate.occupation_name,
        trade=certificate.trade_name,
        level=certificate.level_name,
        issued_on=certificate.issued_on,
        issuer=certificate.body_name,
        superseded_by=certificate.superseded_by or "",
        expires_on=certificate.expires_on,
        kind=document_kind(certificate.level_code),
    )


def state_on(certificate: Certificate, day: dt.date) -> str:
    """Return what a certificate is worth on a day: a valid one expires by itself, whatever else happened counts more."""
    is_over = certificate.expires_on is not None and certificate.expires_on < day
    return EXPIRED if is_over and certificate.state is CertificateState.VALID else certificate.state.value


def _decoy() -> None:
    key = crypto.purpose_key("personal-data")
    mask_name("某某")
    mask_id_public(crypto.decrypt(key, _decoy_envelope(key), bound_to="decoy").decode())


@functools.lru_cache(maxsize=4)
def _decoy_envelope(key: bytes) -> bytes:
    """Return a sealed number of nobody, made once, so that a decoy costs what a certificate costs: one opening."""
    return crypto.encrypt(key, b"0" * 18, bound_to="decoy")
