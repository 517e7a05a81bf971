"""Attempts as planning touches them: made before the doors open, re-timed while they wait, taken away again."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    AttemptStatus,
    DeadlineChange,
    ExamSession,
    Incident,
    Registration,
    RenderedForm,
    ResponseEvent,
    SubmitKind,
)

CHUNK = 400


def timing(row: ExamSession, time_factor: Decimal) -> dict[str, Any]:
    """Return the times of an attempt in a session for a candidate with a time factor."""
    seconds = int((row.duration_seconds * time_factor).to_integral_value())
    return {
        "opens_at": row.opens_at,
        "starts_at": row.starts_at,
        "latest_start_at": row.starts_at + dt.timedelta(minutes=row.late_cutoff_minutes),
        "duration_seconds": seconds,
        "ends_at": row.ends_at + dt.timedelta(seconds=seconds - row.duration_seconds),
        "earliest_submit_seconds": row.earliest_submit_minutes * 60,
    }


def retime_waiting(session: Session, row: ExamSession) -> None:
    """Give all waiting attempts of a session its times; the few time factors make few statements."""
    factors = session.scalars(
        select(Registration.time_factor)
        .join(Attempt, Attempt.registration_id == Registration.registration_id)
        .where(Attempt.exam_session_id == row.exam_session_id)
        .distinct()
    ).all()
    for factor in factors:
        people = select(Registration.registration_id).where(
            Registration.exam_session_id == row.exam_session_id, Registration.time_factor == factor
        )
        session.execute(
            update(Attempt)
            .where(
                Attempt.exam_session_id == row.exam_session_id,
                Attempt.status == AttemptStatus.WAITING,
                Attempt.registration_id.in_(people),
            )
            .values(**timing(row, factor))
            .execution_options(synchronize_session=False)
        )


def add_attempts(session: Session, attempts: Sequence[dict[str, Any]], forms: Sequence[dict[str, Any]]) -> None:
    """Insert attempts with their rendered forms in bulk; who came with an attempt from a cancelled session keeps it."""
    if not attempts:
        return
    kept = _without_form(session, attempts[0]["exam_session_id"])
    owners = {one["attempt_id"]: kept.get(one["registration_id"], one["attempt_id"]) for one in attempts}
    if fresh := [one for one in attempts if one["registration_id"] not in kept]:
        session.execute(insert(Attempt), fresh)
    if again := [one for one in attempts if one["registration_id"] in kept]:
        session.execute(update(Attempt), [_renewed(one, owners[one["attempt_id"]]) for one in again])
    session.execute(insert(RenderedForm), [one | {"attempt_id": owners[one["attempt_id"]]} for one in forms])


def _without_form(session: Session, exam_session_id: uuid.UUID) -> dict[uuid.UUID, uuid.UUID]:
    """Return the attempts of a session that have no form, by registration."""
    query = (
        select(Attempt.registration_id, Attempt.attempt_id)
        .outerjoin(RenderedForm, RenderedForm.attempt_id == Attempt.attempt_id)
        .where(Attempt.exam_session_id == exam_session_id, RenderedForm.attempt_id.is_(None))
    )
    return {row.registration_id: row.attempt_id for row in session.execute(query)}


def _renewed(made: dict[str, Any], attempt_id: uuid.UUID) -> dict[str, Any]:
    """Return what of a new attempt goes into one that is there; its generation goes on, so that old pages stay read-only."""
    kept = {name: value for name, value in made.items() if name not in {"attempt_id", "holder_generation"}}
    return kept | {"attempt_id": attempt_id, "locked_at": None, "hold_reason": ""}


def registration_ids_with_attempt(session: Session, exam_session_id: uuid.UUID) -> set[uuid.UUID]:
    """Return whose attempts exist, with their forms."""
    query = (
        select(Attempt.registration_id)
        .join(RenderedForm, RenderedForm.attempt_id == Attempt.attempt_id)
        .where(Attempt.exam_session_id == exam_session_id)
    )
    return set(session.scalars(query))


def forms_given(session: Session, form_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of some forms that any attempt of any session holds."""
    found: set[uuid.UUID] = set()
    for start in range(0, len(form_ids), CHUNK):
        query = select(Attempt.form_id).where(Attempt.form_id.in_(form_ids[start : start + CHUNK]))
        found |= set(session.scalars(query.distinct()))
    return found


def count_touched(session: Session, exam_session_id: uuid.UUID) -> int:
    """Return how many attempts were signed in to, started or spoken of: these cannot be made anew."""
    spoken = select(Incident.attempt_id).where(
        Incident.attempt_id == Attempt.attempt_id, Incident.exam_session_id == exam_session_id
    )
    extended = select(DeadlineChange.attempt_id).where(DeadlineChange.attempt_id == Attempt.attempt_id)
    query = select(func.count()).where(
        Attempt.exam_session_id == exam_session_id,
        (Attempt.status != AttemptStatus.WAITING)
        | (Attempt.signed_in_at.is_not(None))
        | spoken.exists()
        | extended.exists(),
    )
    return session.scalar(query) or 0


def delete_untouched(session: Session, exam_session_id: uuid.UUID) -> int:
    """Delete the attempts of a session that nobody has touched, with their forms; return how many.

    On an attempt that came from a cancelled session things may hang that happened there: it stays, without a form.
    """
    keys = session.scalars(select(Attempt.attempt_id).where(Attempt.exam_session_id == exam_session_id)).all()
    for start in range(0, len(keys), CHUNK):
        some = keys[start : start + CHUNK]
        session.execute(delete(RenderedForm).where(RenderedForm.attempt_id.in_(some)))
        session.execute(delete(Attempt).where(Attempt.attempt_id.in_(set(some) - _spoken_of(session, some))))
    return len(keys)


def _spoken_of(session: Session, attempt_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    query = select(Incident.attempt_id).where(Incident.attempt_id.in_(attempt_ids))
    return {key for key in session.scalars(query) if key is not None}


def sessions_with_collected(session: Session, session_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Return the sessions in which somebody was handed in by the clock or by an invigilator."""
    query = select(Attempt.exam_session_id).where(
        Attempt.exam_session_id.in_(session_ids),
        Attempt.submit_kind.in_((SubmitKind.TIMEOUT, SubmitKind.FORCED)),
        Attempt.registration_id.is_not(None),
    )
    return set(session.scalars(query.distinct()))


def find_attempt_of(session: Session, registration_id: uuid.UUID) -> Attempt | None:
    """Return the attempt of a registration."""
    return session.scalar(select(Attempt).where(Attempt.registration_id == registration_id))


def has_answers(session: Session, attempt_id: uuid.UUID) -> bool:
    """Say whether anything was ever answered in an attempt."""
    query = select(ResponseEvent.attempt_id).where(ResponseEvent.attempt_id == attempt_id).limit(1)
    return session.scalar(query) is not None
