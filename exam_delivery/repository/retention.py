"""What of exam delivery has been kept for long: people whose exams are all over, their photos, printed documents."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists, func, select, update
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    Candidate,
    CandidatePhoto,
    DoorPhoto,
    ExamDocument,
    ExamSession,
    Registration,
    ResultRuling,
    ScoreReviewFile,
    ScoreReviewRequest,
    VoidedAttempt,
)
from exam_delivery.rules.appeals import RequestState

CHUNK = 500
ERASED = "erased:"


def _is_past(before: datetime) -> ColumnElement[bool]:
    """Say that a candidate was entered long ago and that no exam of theirs ended, or was registered for, since."""
    ended = func.coalesce(ExamSession.ends_at, Registration.created_at)
    later = (
        select(Registration.registration_id)
        .outerjoin(ExamSession, ExamSession.exam_session_id == Registration.exam_session_id)
        .where(Registration.candidate_id == Candidate.candidate_id, ended >= before)
    )
    return (Candidate.created_at < before) & ~later.exists()


def _is_wanted(today: date) -> ColumnElement[bool]:
    """Say that somebody is still barred, or waits for an answer to a score check or an appeal."""
    barred = exists().where(ResultRuling.candidate_id == Candidate.candidate_id, ResultRuling.barred_until >= today)
    asked = (
        select(ScoreReviewRequest.score_review_request_id)
        .join(Registration, Registration.registration_id == ScoreReviewRequest.registration_id)
        .where(
            Registration.candidate_id == Candidate.candidate_id,
            ScoreReviewRequest.state != RequestState.CLOSED,
        )
    )
    return barred | asked.exists()


def due_candidates(
    session: Session, organisation_id: uuid.UUID, before: datetime, today: date, *, kept: Select[Any], limit: int
) -> list[uuid.UUID]:
    """Return people to be forgotten, the oldest first; `kept` selects the keys of those who stay."""
    query = select(Candidate.candidate_id).where(
        Candidate.organisation_id == organisation_id,
        ~Candidate.id_number_index.startswith(ERASED),
        Candidate.candidate_id.not_in(kept),
        _is_past(before),
        ~_is_wanted(today),
    )
    return list(session.scalars(query.order_by(Candidate.created_at, Candidate.candidate_id).limit(limit)))


def due_photos(session: Session, organisation_id: uuid.UUID, before: datetime, *, limit: int) -> list[uuid.UUID]:
    """Return the keys of people whose photos are due, of the roster or taken at the door, the oldest first."""
    of_roster = exists().where(CandidatePhoto.candidate_id == Candidate.candidate_id)
    at_door = (
        select(DoorPhoto.registration_id)
        .join(Registration, Registration.registration_id == DoorPhoto.registration_id)
        .where(Registration.candidate_id == Candidate.candidate_id)
    )
    query = select(Candidate.candidate_id).where(
        Candidate.organisation_id == organisation_id, of_roster | at_door.exists(), _is_past(before)
    )
    return list(session.scalars(query.order_by(Candidate.created_at, Candidate.candidate_id).limit(limit)))


def due_documents(session: Session, organisation_id: uuid.UUID, before: datetime, *, limit: int) -> list[uuid.UUID]:
    """Return the keys of printed documents that are due, the oldest first."""
    query = select(ExamDocument.exam_document_id).where(
        ExamDocument.organisation_id == organisation_id, ExamDocument.created_at < before
    )
    return list(session.scalars(query.order_by(ExamDocument.created_at, ExamDocument.exam_document_id).limit(limit)))


def lock_candidates(session: Session, keys: Sequence[uuid.UUID]) -> list[Candidate]:
    """Return some candidates, locked."""
    query = select(Candidate).where(Candidate.candidate_id.in_(keys)).with_for_update()
    return list(session.scalars(query.execution_options(populate_existing=True)))


def forget_places(session: Session, keys: Sequence[uuid.UUID], text: str) -> None:
    """Take what leads from the places of some candidates back to them: sign-in, device, own words, files and letters."""
    own = select(Registration.registration_id).where(Registration.candidate_id.in_(keys))
    asked = select(ScoreReviewRequest.score_review_request_id).where(ScoreReviewRequest.registration_id.in_(own))
    quiet = {"synchronize_session": False}
    session.execute(delete(ScoreReviewFile).where(ScoreReviewFile.request_id.in_(asked)), execution_options=quiet)
    session.execute(
        update(Registration).where(Registration.candidate_id.in_(keys)).values(sign_in_index=None),
        execution_options=quiet,
    )
    voided = select(VoidedAttempt.attempt_id).where(VoidedAttempt.registration_id.in_(own))
    theirs = Attempt.registration_id.in_(own) | Attempt.attempt_id.in_(voided)
    session.execute(update(Attempt).where(theirs).values(device=""), execution_options=quiet)
    session.execute(
        update(ScoreReviewRequest)
        .where(ScoreReviewRequest.registration_id.in_(own))
        .values(statement=text, letter_name="", letter_ciphertext=None),
        execution_options=quiet,
    )


def delete_photos(session: Session, keys: Sequence[uuid.UUID]) -> None:
    """Delete the photos of some candidates, of the roster and taken at the door."""
    own = select(Registration.registration_id).where(Registration.candidate_id.in_(keys))
    quiet = {"synchronize_session": False}
    session.execute(delete(DoorPhoto).where(DoorPhoto.registration_id.in_(own)), execution_options=quiet)
    session.execute(delete(CandidatePhoto).where(CandidatePhoto.candidate_id.in_(keys)))


def delete_documents(session: Session, keys: Sequence[uuid.UUID]) -> None:
    """Delete printed documents."""
    session.execute(delete(ExamDocument).where(ExamDocument.exam_document_id.in_(keys)))
