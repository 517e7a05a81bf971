"""Releases of scores."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_delivery.models import Attempt, Candidate, ExamBatch, ExamSession, Registration, ScoreRelease
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor


def get_release(session: Session, release_id: uuid.UUID) -> ScoreRelease:
    """Return a release for the message that announces it; the walls are the receiver's."""
    release = session.get(ScoreRelease, release_id)
    if release is None:
        raise NotFoundError(N_("成绩发布记录不存在"))
    return release


def find_release_of_batch(session: Session, exam_batch_id: uuid.UUID, *, actor: Actor) -> ScoreRelease | None:
    """Return the newest release of a batch, if it was released."""
    query = select(ScoreRelease).where(
        ScoreRelease.exam_batch_id == exam_batch_id, ScoreRelease.organisation_id == actor.organisation
    )
    return session.scalar(query.order_by(ScoreRelease.number.desc()).limit(1))


def list_releases(session: Session, *, actor: Actor, limit: int = 200) -> Sequence[tuple[ScoreRelease, ExamBatch]]:
    """Return releases with their batch, newest first."""
    query = (
        select(ScoreRelease, ExamBatch)
        .join(ExamBatch, ExamBatch.exam_batch_id == ScoreRelease.exam_batch_id)
        .where(ScoreRelease.organisation_id == actor.organisation)
        .order_by(ScoreRelease.released_at.desc())
        .limit(limit)
    )
    return [(release, batch) for release, batch in session.execute(query)]


def get_batch_of_release(session: Session, release: ScoreRelease) -> ExamBatch:
    """Return the batch of a release."""
    return session.get_one(ExamBatch, release.exam_batch_id)


def session_names(session: Session, release: ScoreRelease) -> tuple[str, ...]:
    """Return the names of the released sessions in the order of their start."""
    ids = [uuid.UUID(one) for one in release.exam_session_ids]
    query = select(ExamSession.name).where(ExamSession.exam_session_id.in_(ids)).order_by(ExamSession.starts_at)
    return tuple(session.scalars(query))


def load_people(session: Session, release: ScoreRelease) -> dict[uuid.UUID, tuple[Registration, Candidate]]:
    """Return registration and candidate of everybody in a release."""
    query = (
        select(Registration, Candidate)
        .join(Candidate, Candidate.candidate_id == Registration.candidate_id)
        .where(Registration.exam_batch_id == release.exam_batch_id)
    )
    return {
        registration.registration_id: (registration, candidate) for registration, candidate in session.execute(query)
    }


def attempt_ids(session: Session, release: ScoreRelease) -> dict[uuid.UUID, uuid.UUID]:
    """Return the attempts of a release's registrations."""
    query = (
        select(Attempt.registration_id, Attempt.attempt_id)
        .join(Registration, Registration.registration_id == Attempt.registration_id)
        .where(Registration.exam_batch_id == release.exam_batch_id)
    )
    return dict(session.execute(query).all())
