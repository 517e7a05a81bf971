"""What is known of one person who asks for their own results."""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    Candidate,
    ExamBatch,
    Registration,
    RenderedForm,
    ScoreRecord,
    ScoreRelease,
    SlotScore,
)


def find_by_admission_number(session: Session, admission_number: str) -> tuple[Registration, Candidate] | None:
    """Return whose admission number it is; numbers are unique in the installation, so this looks over the walls."""
    query = (
        select(Registration, Candidate)
        .join(Candidate, Candidate.candidate_id == Registration.candidate_id)
        .where(Registration.admission_number == admission_number)
    )
    row = session.execute(query).first()
    return (row[0], row[1]) if row else None


def registrations_of(
    session: Session, organisation_id: uuid.UUID, candidate_id: uuid.UUID
) -> list[tuple[Registration, ExamBatch]]:
    """Return the registrations of a person in an organisation with their batches, the newest first."""
    query = (
        select(Registration, ExamBatch)
        .join(ExamBatch, ExamBatch.exam_batch_id == Registration.exam_batch_id)
        .where(Registration.candidate_id == candidate_id, Registration.organisation_id == organisation_id)
        .order_by(Registration.registration_id.desc())
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def newest_releases(session: Session, exam_batch_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, ScoreRelease]:
    """Return the newest release of each of some batches; those never released are left out."""
    query = select(ScoreRelease).where(ScoreRelease.exam_batch_id.in_(exam_batch_ids)).order_by(ScoreRelease.number)
    return {release.exam_batch_id: release for release in session.scalars(query)}


def attempts_of(session: Session, registration_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Attempt]:
    """Return the attempts of some registrations."""
    query = select(Attempt).where(Attempt.registration_id.in_(registration_ids))
    return {attempt.registration_id: attempt for attempt in session.scalars(query)}


def find_record(session: Session, score_record_id: uuid.UUID, organisation_id: uuid.UUID) -> ScoreRecord | None:
    """Return the scoring that a release names."""
    found = session.get(ScoreRecord, score_record_id)
    return found if found is not None and found.organisation_id == organisation_id else None


def slot_scores(session: Session, score_record_id: uuid.UUID) -> Sequence[SlotScore]:
    """Return the scores of the slots of a scoring."""
    return session.scalars(select(SlotScore).where(SlotScore.score_record_id == score_record_id)).all()


def sections_of(session: Session, attempt_id: uuid.UUID) -> list[tuple[str, list[int]]]:
    """Return title and slots of the sections of the form that a candidate had before them."""
    body = session.scalar(select(RenderedForm.body).where(RenderedForm.attempt_id == attempt_id))
    sheet: dict[str, Any] = msgspec.json.decode(gzip.decompress(body)) if body else {}
    return [(str(one["title"]), list(one["slots"])) for one in sheet.get("sections", ())]
