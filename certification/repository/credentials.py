"""Places of certificates in their organisation's status lists."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from certification.models import Certificate, CertificateState, CredentialEntry, ResultRecord
from kernel.identity.models import Organisation


def find_entry(session: Session, certificate_id: uuid.UUID) -> CredentialEntry | None:
    """Return the place of a certificate, None before its first credential."""
    return session.scalar(select(CredentialEntry).where(CredentialEntry.certificate_id == certificate_id))


def last_number(session: Session, organisation_id: uuid.UUID) -> int:
    """Return the highest place that was given in an organisation's lists, 0 before the first."""
    query = select(func.max(CredentialEntry.number)).where(CredentialEntry.organisation_id == organisation_id)
    return session.scalar(query) or 0


def next_number(session: Session, organisation_id: uuid.UUID) -> int:
    """Return the first free place of an organisation's lists; its row is locked, so that no place has two owners."""
    session.execute(
        select(Organisation.organisation_id).where(Organisation.organisation_id == organisation_id).with_for_update()
    )
    query = select(func.max(CredentialEntry.number)).where(CredentialEntry.organisation_id == organisation_id)
    newest = session.scalar(query)
    return 0 if newest is None else newest + 1


def numbers_in_states(
    session: Session, organisation_id: uuid.UUID, states: Collection[CertificateState], *, first: int, count: int
) -> Sequence[int]:
    """Return the places within one list whose certificates are in some states."""
    query = (
        select(CredentialEntry.number)
        .join(Certificate, Certificate.certificate_id == CredentialEntry.certificate_id)
        .where(
            CredentialEntry.organisation_id == organisation_id,
            CredentialEntry.number >= first,
            CredentialEntry.number < first + count,
            Certificate.state.in_(states),
        )
    )
    return session.scalars(query).all()


def find_organisation(session: Session, organisation_id: uuid.UUID) -> Organisation | None:
    """Return an organisation for the public documents about its keys."""
    return session.get(Organisation, organisation_id)


def holder_of(session: Session, certificate: Certificate) -> uuid.UUID | None:
    """Return the person of exam delivery whose certificate it is."""
    query = select(ResultRecord.candidate_id).where(ResultRecord.result_record_id == certificate.result_record_id)
    return session.scalar(query)
