"""Reading the numbered blanks of certificates."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from certification.models import Certificate, CertificateBlank, CertificationBatch

CHUNK = 400
MOST = 2000


def taken_serials(session: Session, organisation_id: uuid.UUID, serials: Sequence[str]) -> list[str]:
    """Return those of some serials that stand in the ledger already."""
    found: list[str] = []
    for start in range(0, len(serials), CHUNK):
        query = select(CertificateBlank.serial).where(
            CertificateBlank.organisation_id == organisation_id,
            CertificateBlank.serial.in_(serials[start : start + CHUNK]),
        )
        found.extend(session.scalars(query))
    return sorted(found)


def lock_blank(session: Session, organisation_id: uuid.UUID, serial: str) -> CertificateBlank | None:
    """Return the blank of a serial, locked for the rest of the transaction."""
    query = select(CertificateBlank).filter_by(organisation_id=organisation_id, serial=serial)
    return session.scalar(query.with_for_update())


def good_blanks(session: Session, certificate_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, CertificateBlank]:
    """Return the blank that each of some certificates stands on."""
    found: dict[uuid.UUID, CertificateBlank] = {}
    for start in range(0, len(certificate_ids), CHUNK):
        query = select(CertificateBlank).where(
            CertificateBlank.certificate_id.in_(certificate_ids[start : start + CHUNK]),
            CertificateBlank.spoiled_at.is_(None),
        )
        found.update((row.certificate_id, row) for row in session.scalars(query) if row.certificate_id)
    return found


def list_batch_blanks(session: Session, batch: CertificationBatch) -> Sequence[tuple[CertificateBlank, str]]:
    """Return the blanks of a batch's certificates by serial with the certificates' numbers, and those spoiled before print."""
    spoiled_empty = CertificateBlank.certificate_id.is_(None) & (
        CertificateBlank.organisation_id == batch.organisation_id
    )
    query = (
        select(CertificateBlank, Certificate.number)
        .outerjoin(Certificate, Certificate.certificate_id == CertificateBlank.certificate_id)
        .where((Certificate.certification_batch_id == batch.certification_batch_id) | spoiled_empty)
        .order_by(CertificateBlank.serial)
        .limit(MOST)
    )
    return [(row[0], row[1] or "") for row in session.execute(query)]
