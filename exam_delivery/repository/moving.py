"""People of a cancelled session who may go to another one, and where they were moved before."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, aliased

from exam_delivery.models import (
    Attempt,
    Candidate,
    ExamRoom,
    ExamSession,
    Registration,
    RegistrationStatus,
    RenderedForm,
    SessionChange,
    SessionRoom,
)
from kernel.identity.actor import Actor

MOVED, MOVED_BACK = "people_moved", "people_moved_back"
CHUNK = 400


def people_of(
    session: Session, exam_session_id: uuid.UUID, *, actor: Actor
) -> list[tuple[Registration, Candidate, Attempt | None]]:
    """Return the admitted people of a session with their attempts, by admission number."""
    query = (
        select(Registration, Candidate, Attempt)
        .join(Candidate, Candidate.candidate_id == Registration.candidate_id)
        .outerjoin(Attempt, Attempt.registration_id == Registration.registration_id)
        .where(
            Registration.exam_session_id == exam_session_id,
            Registration.organisation_id == actor.organisation,
            Registration.status == RegistrationStatus.ADMITTED,
            Registration.takes_theory.is_(True),
        )
        .order_by(Registration.admission_number, Registration.registration_id)
    )
    return [(row[0], row[1], row[2]) for row in session.execute(query)]


def busy_then(session: Session, candidate_ids: Collection[uuid.UUID], row: ExamSession) -> dict[uuid.UUID, str]:
    """Return those of some candidates who sit in another session while this one lasts, with its name."""
    found: dict[uuid.UUID, str] = {}
    keys = list(candidate_ids)
    other = aliased(Registration)
    for start in range(0, len(keys), CHUNK):
        query = (
            select(other.candidate_id, ExamSession.name)
            .join(ExamSession, ExamSession.exam_session_id == other.exam_session_id)
            .where(
                other.candidate_id.in_(keys[start : start + CHUNK]),
                other.status == RegistrationStatus.ADMITTED,
                ExamSession.exam_session_id != row.exam_session_id,
                ExamSession.cancelled_at.is_(None),
                ExamSession.opens_at < row.ends_at,
                ExamSession.ends_at > row.opens_at,
            )
        )
        found.update((key, name) for key, name in session.execute(query))
    return found


def count_seats(session: Session, exam_session_id: uuid.UUID) -> int:
    """Return how many seats the rooms of a session have."""
    query = (
        select(ExamRoom.capacity)
        .join(SessionRoom, SessionRoom.exam_room_id == ExamRoom.exam_room_id)
        .where(SessionRoom.exam_session_id == exam_session_id)
    )
    return sum(session.scalars(query))


def attempts_of(session: Session, registration_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Attempt]:
    """Return the attempts that some people already have, by registration: those of a cancelled session."""
    found: dict[uuid.UUID, Attempt] = {}
    for start in range(0, len(registration_ids), CHUNK):
        query = select(Attempt).where(Attempt.registration_id.in_(registration_ids[start : start + CHUNK]))
        found.update((one.registration_id, one) for one in session.scalars(query))
    return found


def forget_forms(session: Session, attempt_ids: Sequence[uuid.UUID]) -> None:
    """Delete the rendered forms of attempts that will get another one."""
    for start in range(0, len(attempt_ids), CHUNK):
        some = attempt_ids[start : start + CHUNK]
        session.execute(delete(RenderedForm).where(RenderedForm.attempt_id.in_(some)))


def moves_from(session: Session, exam_session_id: uuid.UUID, *, actor: Actor) -> Sequence[SessionChange]:
    """Return the moves of people out of a session and back, newest first."""
    query = select(SessionChange).where(
        SessionChange.exam_session_id == exam_session_id,
        SessionChange.organisation_id == actor.organisation,
        SessionChange.kind.in_((MOVED, MOVED_BACK)),
    )
    return session.scalars(query.order_by(SessionChange.changed_at.desc())).all()
