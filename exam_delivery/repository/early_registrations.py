"""Reading batches whose scores are not released, and their people."""

from __future__ import annotations

import uuid

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exam_delivery.models import Candidate, ExamBatch, Registration, ScoreRelease
from kernel.identity.actor import Actor

MOST = 200


def list_unreleased(session: Session, actor: Actor) -> list[tuple[ExamBatch, int]]:
    """Return the own organisation's batches with people and without a release, the newest first, and how many people."""
    released = select(ScoreRelease.exam_batch_id).where(ScoreRelease.organisation_id == actor.organisation)
    people = (
        select(Registration.exam_batch_id, func.count().label("n"))
        .where(Registration.organisation_id == actor.organisation)
        .group_by(Registration.exam_batch_id)
        .subquery()
    )
    query = (
        select(ExamBatch, people.c.n)
        .join(people, people.c.exam_batch_id == ExamBatch.exam_batch_id)
        .where(ExamBatch.organisation_id == actor.organisation, ExamBatch.exam_batch_id.not_in(released))
        .order_by(ExamBatch.created_at.desc(), ExamBatch.exam_batch_id)
        .limit(MOST)
    )
    return [(row, int(n_people)) for row, n_people in session.execute(query)]


def lock_people(session: Session, exam_batch_id: uuid.UUID) -> list[tuple[Registration, Candidate]]:
    """Return everybody of a batch in the order of registration, the registrations locked."""
    query = (
        select(Registration, Candidate)
        .join(Candidate, Candidate.candidate_id == Registration.candidate_id)
        .where(Registration.exam_batch_id == exam_batch_id)
        .order_by(Registration.registration_id)
        .with_for_update(of=Registration)
        .execution_options(populate_existing=True)
    )
    return [(one, candidate) for one, candidate in session.execute(query)]
