"""Surveys of batches: reading them, their answers, and whether somebody has answered."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from certification.models import (
    BatchSurvey,
    CertificationBatch,
    ResultRecord,
    SurveyAnswer,
    SurveyHandCount,
    SurveyParticipation,
)
from certification.repository.batches import MAX_RECORDS
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor

UNKNOWN = N_("满意度调查不存在")


def find_survey(session: Session, batch_id: uuid.UUID) -> BatchSurvey | None:
    """Return the survey of a batch that the caller may read, if one was opened."""
    return session.scalar(select(BatchSurvey).where(BatchSurvey.certification_batch_id == batch_id))


def lock_survey(session: Session, batch_id: uuid.UUID, *, actor: Actor) -> BatchSurvey:
    """Return the survey of a batch of the actor's own organisation, locked for the rest of the transaction."""
    query = select(BatchSurvey).where(
        BatchSurvey.certification_batch_id == batch_id, BatchSurvey.organisation_id == actor.organisation_id
    )
    found = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError(UNKNOWN)
    return found


def surveys_of(
    session: Session, candidate_id: uuid.UUID, *, actor: Actor
) -> list[tuple[BatchSurvey, CertificationBatch]]:
    """Return the surveys of the batches in which a person is, the newest first."""
    query = (
        select(BatchSurvey, CertificationBatch)
        .join(CertificationBatch, CertificationBatch.certification_batch_id == BatchSurvey.certification_batch_id)
        .join(ResultRecord, ResultRecord.certification_batch_id == BatchSurvey.certification_batch_id)
        .where(ResultRecord.candidate_id == candidate_id, ResultRecord.organisation_id == actor.organisation)
        .order_by(BatchSurvey.opened_at.desc())
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def has_answered(session: Session, digest: str) -> bool:
    """Say whether the person of a digest has answered."""
    return session.get(SurveyParticipation, digest) is not None


def count_answers(session: Session, survey_id: uuid.UUID) -> int:
    """Return how many have answered on line."""
    query = select(func.count()).select_from(SurveyAnswer).where(SurveyAnswer.batch_survey_id == survey_id)
    return session.scalar(query) or 0


def list_answers(session: Session, survey_id: uuid.UUID) -> Sequence[SurveyAnswer]:
    """Return the answers in the order of their keys, which is no order."""
    query = select(SurveyAnswer).where(SurveyAnswer.batch_survey_id == survey_id)
    return session.scalars(query.order_by(SurveyAnswer.survey_answer_id).limit(MAX_RECORDS)).all()


def list_hand_counts(session: Session, survey_id: uuid.UUID) -> Sequence[SurveyHandCount]:
    """Return the counts of paper forms, the one that holds first."""
    query = select(SurveyHandCount).where(SurveyHandCount.batch_survey_id == survey_id)
    return session.scalars(query.order_by(SurveyHandCount.number.desc()).limit(100)).all()
