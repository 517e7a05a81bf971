"""How candidates prove who they are without an account, and for how long that holds.

Name, identity number and one number that only the person should know (of the admission ticket or of a certificate) must
belong together. Both kinds of number are tried each time and the same work is done when neither is known, so that neither
words nor time tell which part was wrong. There is no search: nobody finds anything by a name.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hmac
import json
import re
import uuid
from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from certification.models import CertificateLookup
from certification.repository import candidates as repository
from certification.services.lookup import WINDOW
from certification.services.personal import number_index
from exam_delivery import public_candidates as exams
from exam_delivery.public_candidates import Proof
from kernel import audit, crypto
from kernel.clock import now
from kernel.crypto import SealBrokenError
from kernel.errors import InvalidInputError, TooManyAttemptsError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.national_id import IdKind, normalise_id
from kernel.uow import UnitOfWork

LIFE = dt.timedelta(minutes=20)
PURPOSE, PLACE = "candidate-page", "candidate-page|cookie"
MOST_TRIES = {"number": 5, "person": 5, "address": 30}
"""Failed tries within ten minutes, by the number typed, by the person and by address."""
UNKNOWN = N_("姓名、证件号码与准考证号（或证书编号）不一致，请核对后再试")


def themselves(proof: Proof) -> Actor:
    """Return the actor of what candidates do on their own page: inside one organisation, without any permission."""
    return Actor(user_id=None, organisation_id=proof.organisation_id, name=N_("考生本人"))


def tries_of(*, number: str, id_number: str, address: str) -> list[tuple[str, str]]:
    """Return by what failures are counted; the table keeps keyed indexes alone."""
    key = crypto.purpose_key("candidate-throttle")
    said = {"number": plain_number(number), "person": normalise_id(id_number[:60]), "address": address}
    return [(kind, crypto.blind_index(key, kind, text)) for kind, text in said.items()]


def check_tries(session: Session, tries: Sequence[tuple[str, str]]) -> None:
    """Refuse before anything is compared when too many tries failed.

    Raises
    ------
    TooManyAttemptsError
        After five failures with the same number or person, or thirty from the same address, within ten minutes.
    """
    since = now() - WINDOW
    for kind, subject in tries:
        query = select(func.coalesce(func.sum(CertificateLookup.n_lookups), 0)).where(
            CertificateLookup.subject == subject, CertificateLookup.at >= since
        )
        if (session.scalar(query) or 0) >= MOST_TRIES[kind]:
            raise TooManyAttemptsError(
                N_("尝试次数过多，请 %(minutes)s 分钟后再试"),
                minutes=int(WINDOW.total_seconds()) // 60, retry_after_seconds=int(WINDOW.total_seconds()),
            )  # fmt: skip


def prove(session: Session, *, name: str, id_number: str, number: str) -> Proof | None:
    """Return who somebody is, by an admission number or a certificate number; both are always tried."""
    typed = plain_number(number)
    by_admission = exams.prove(session, admission_number=number, id_number=id_number, name=name)
    by_certificate = _by_certificate(session, typed, id_number[:60], name)
    return by_admission or by_certificate


def plain_number(number: str) -> str:
    """Return a number without blanks, in capitals."""
    return re.sub(r"\s", "", number).upper()[:60] or "-"


def _by_certificate(session: Session, number: str, id_number: str, name: str) -> Proof | None:
    found = repository.find_holder(session, number)
    kind = found[0].id_kind if found else IdKind.RESIDENT_ID.value
    index, holder = (found[0].id_number_index, found[0].name) if found else ("", "")
    is_number = hmac.compare_digest(index, number_index(kind, id_number))
    is_name = hmac.compare_digest(exams.plain_name(holder), exams.plain_name(name))
    return Proof(found[0].organisation_id, found[1]) if found and is_number and is_name else None


def note_entry(uow: UnitOfWork, proof: Proof) -> None:
    """Keep that a candidate came in; the actor of the transaction is the candidate."""
    audit.record(uow, "candidate.sign_in", "candidate", proof.candidate_id)


def note_failure(uow: UnitOfWork, tries: Sequence[tuple[str, str]]) -> None:
    """Count a failed try and audit it without any word of what was typed; old counts go on the way."""
    uow.session.execute(delete(CertificateLookup).where(CertificateLookup.at < now() - WINDOW))
    for _kind, subject in tries:
        uow.add(CertificateLookup(subject=subject, n_lookups=1, at=now()))
    audit.record(uow, "candidate.sign_in_failed", "candidate", tries[0][1][:16])


def refuse() -> InvalidInputError:
    """Return the one answer to everything that does not fit."""
    return InvalidInputError(UNKNOWN, fields={"": [UNKNOWN]})


# --- the cookie ------------------------------------------------------------------------------------------------------


def seal_visit(proof: Proof) -> str:
    """Return what the browser keeps: who proved what, until when; encrypted, so that it tells nothing to anybody else."""
    body = {"o": str(proof.organisation_id), "c": str(proof.candidate_id), "u": (now() + LIFE).timestamp()}
    envelope = crypto.encrypt(crypto.purpose_key(PURPOSE), json.dumps(body).encode(), bound_to=PLACE)
    return base64.urlsafe_b64encode(envelope).decode()


def read_visit(text: str) -> Proof | None:
    """Return who a browser's visit belongs to, None when it is over or was changed."""
    try:
        envelope = base64.b64decode(text[:600], altchars=b"-_", validate=True)
        body = json.loads(crypto.decrypt(crypto.purpose_key(PURPOSE), envelope, bound_to=PLACE))
    except (binascii.Error, SealBrokenError, ValueError):
        return None
    if body["u"] < now().timestamp():
        return None
    return Proof(uuid.UUID(body["o"]), uuid.UUID(body["c"]))
