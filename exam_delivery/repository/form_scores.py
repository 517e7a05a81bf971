"""Marks of a form over all its sittings, without names."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from exam_delivery.models import Attempt, Registration, RegistrationStatus, ScoreRecord, ScoreStatus
from exam_delivery.models.attempts import AttemptStatus


def scores_of_form(session: Session, organisation_id: uuid.UUID, form_id: uuid.UUID) -> list[float]:
    """Return the newest whole scores of handed-in attempts of admitted candidates at a form."""
    newer = aliased(ScoreRecord)
    is_older = select(newer.score_record_id).where(
        newer.attempt_id == ScoreRecord.attempt_id, newer.number > ScoreRecord.number
    )
    query = (
        select(ScoreRecord.score)
        .join(Attempt, Attempt.attempt_id == ScoreRecord.attempt_id)
        .join(Registration, Registration.registration_id == Attempt.registration_id)
        .where(
            Attempt.form_id == form_id,
            Attempt.organisation_id == organisation_id,
            Attempt.status == AttemptStatus.SUBMITTED,
            Registration.status == RegistrationStatus.ADMITTED,
            ScoreRecord.status == ScoreStatus.COMPLETE,
            ~is_older.exists(),
        )
    )
    return [float(score) for score in session.scalars(query) if score is not None]
