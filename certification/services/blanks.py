"""Which numbered blank every printed certificate stands on, and which blanks were spoiled."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy.orm import Session

from certification.models import Certificate, CertificateBlank
from certification.repository import batches as batch_repository
from certification.repository import blanks as repository
from certification.rules.blank_serials import MAX_SERIAL, plain_serial, serial_run
from kernel import audit
from kernel.clock import now
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

PRINTED_AGAIN = "重新打印，原印件作废"


def free_serials(session: Session, organisation_id: uuid.UUID, first: str, count: int) -> list[str]:
    """Return the serials for a print, one a certificate; none where no first one is given.

    Raises
    ------
    InvalidInputError
        If the first one cannot be read, or one of them stands in the ledger already.
    """
    if not first:
        return []
    wanted = serial_run(first, count)
    if taken := repository.taken_serials(session, organisation_id, wanted):
        message = N_("流水号 %(serials)s 已经使用或作废，请核对起始流水号")
        raise InvalidInputError(message, serials="、".join(taken[:5]))
    return wanted


def note_blanks(uow: UnitOfWork, certificates: Sequence[Certificate], serials: Sequence[str]) -> None:
    """Keep which blank each certificate was printed on; the one it stood on before is spoiled by that."""
    if not serials:
        return
    if taken := repository.taken_serials(uow.session, certificates[0].organisation_id, serials):
        raise ConflictError(N_("流水号 %(serials)s 已经使用或作废，请核对起始流水号"), serials="、".join(taken[:5]))
    for old in repository.good_blanks(uow.session, [one.certificate_id for one in certificates]).values():
        _spoil(uow, old, PRINTED_AGAIN)
    uow.session.add_all(
        CertificateBlank(
            organisation_id=one.organisation_id, certificate_id=one.certificate_id, serial=serial,
            used_by=uow.actor.name[:100], used_at=now(),
        )
        for one, serial in zip(certificates, serials, strict=True)
    )  # fmt: skip


def spoil_blank(uow: UnitOfWork, batch_id: uuid.UUID, serial: str, *, reason: str) -> CertificateBlank:
    """Note that a blank is spoiled while a batch of the own organisation was printed, printed on or not.

    Raises
    ------
    InvalidInputError
        Without serial or reason.
    ConflictError
        If it is noted already.
    """
    require(uow.actor, Permission.CERTIFICATE_ISSUE)
    batch_repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    plain, words = plain_serial(serial)[:MAX_SERIAL], reason.strip()
    if not plain or not words:
        raise InvalidInputError(N_("请填写作废的流水号和原因"))
    row = repository.lock_blank(uow.session, uow.actor.organisation, plain)
    if row is None:
        row = CertificateBlank(
            organisation_id=uow.actor.organisation, serial=plain, used_by=uow.actor.name[:100], used_at=now()
        )
        uow.add(row)
    elif row.spoiled_at is not None:
        raise ConflictError(N_("流水号 %(serial)s 已经作废"), serial=plain)
    _spoil(uow, row, words)
    audit.record(uow, "certificate.spoil_blank", "certificate_blank", plain, reason=words[:300])
    return row


def _spoil(uow: UnitOfWork, row: CertificateBlank, reason: str) -> None:
    row.spoiled_reason, row.spoiled_by, row.spoiled_at = reason[:300], uow.actor.name[:100], now()
