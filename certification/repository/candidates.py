"""What certification holds about one person who proved who they are."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from certification.models import (
    CandidateConsent,
    CarriedPart,
    Certificate,
    CertificationBatch,
    ComponentScore,
    ConsentPurpose,
    ResultRecord,
)
from certification.rules.pass_decision import AssessmentMode
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor


def find_holder(session: Session, number: str) -> tuple[Certificate, uuid.UUID] | None:
    """Return an issued certificate with its holder by its number; it looks over the walls, for proving who somebody is."""
    query = (
        select(Certificate, ResultRecord.candidate_id)
        .join(ResultRecord, ResultRecord.result_record_id == Certificate.result_record_id)
        .where(Certificate.number == number, Certificate.issued_at.is_not(None))
    )
    row = session.execute(query).first()
    return (row[0], row[1]) if row else None


def records_of(
    session: Session, candidate_id: uuid.UUID, *, actor: Actor
) -> list[tuple[ResultRecord, CertificationBatch]]:
    """Return the results of a person with their batches, the newest first."""
    query = (
        select(ResultRecord, CertificationBatch)
        .join(CertificationBatch, CertificationBatch.certification_batch_id == ResultRecord.certification_batch_id)
        .where(ResultRecord.candidate_id == candidate_id, ResultRecord.organisation_id == actor.organisation)
        .order_by(CertificationBatch.received_at.desc())
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def scores_of(session: Session, record_id: uuid.UUID) -> dict[AssessmentMode, ComponentScore]:
    """Return the component scores that count for a result: its own, else what was carried over."""
    carried = (
        select(ComponentScore)
        .join(CarriedPart, CarriedPart.component_score_id == ComponentScore.component_score_id)
        .where(CarriedPart.result_record_id == record_id)
    )
    own = select(ComponentScore).where(ComponentScore.result_record_id == record_id).order_by(ComponentScore.number)
    found = {row.mode: row for row in session.scalars(carried)}
    return found | {row.mode: row for row in session.scalars(own) if row.score is not None or row.mode not in found}


def certificates_of(session: Session, record_ids: Sequence[uuid.UUID]) -> Sequence[Certificate]:
    """Return the issued certificates that rest on some results, the newest first."""
    query = select(Certificate).where(Certificate.result_record_id.in_(record_ids), Certificate.issued_at.is_not(None))
    return session.scalars(query.order_by(Certificate.created_at.desc())).all()


def lock_own_certificate(
    session: Session, candidate_id: uuid.UUID, certificate_id: uuid.UUID, *, actor: Actor
) -> Certificate:
    """Return an issued certificate of the person, locked; one of somebody else does not exist."""
    query = (
        select(Certificate)
        .join(ResultRecord, ResultRecord.result_record_id == Certificate.result_record_id)
        .where(
            Certificate.certificate_id == certificate_id, Certificate.organisation_id == actor.organisation,
            Certificate.issued_at.is_not(None), ResultRecord.candidate_id == candidate_id,
        )
    )  # fmt: skip
    found = session.scalar(query.with_for_update(of=Certificate).execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError(N_("证书不存在"))
    return found


def newest_consents(
    session: Session, organisation_id: uuid.UUID, candidate_id: uuid.UUID
) -> dict[ConsentPurpose, CandidateConsent]:
    """Return what a person said last about each purpose."""
    query = select(CandidateConsent).where(
        CandidateConsent.organisation_id == organisation_id, CandidateConsent.candidate_id == candidate_id
    )
    rows = session.scalars(query.order_by(CandidateConsent.at, CandidateConsent.candidate_consent_id))
    return {row.purpose: row for row in rows}


def list_consents(session: Session, candidate_id: uuid.UUID, *, actor: Actor) -> Sequence[CandidateConsent]:
    """Return everything that a person agreed to or took back, the newest first."""
    query = select(CandidateConsent).where(
        CandidateConsent.organisation_id == actor.organisation, CandidateConsent.candidate_id == candidate_id
    )
    return session.scalars(query.order_by(CandidateConsent.at.desc()).limit(50)).all()
