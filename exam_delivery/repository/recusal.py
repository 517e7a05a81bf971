"""People around a session, as the rules of recusal need them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_delivery.models import Attempt, Candidate, ExamSession, Registration, RegistrationStatus, SessionStatus
from kernel.identity.actor import Actor
from kernel.identity.models import User, UserRole
from kernel.identity.permissions import Role

ENDED = (SessionStatus.RELEASED,)
MAX_SESSIONS = 2000


def sessions_using(session: Session, organisation_id: uuid.UUID, form_id: uuid.UUID) -> list[ExamSession]:
    """Return the sessions that use a form, by time, over or not."""
    query = select(ExamSession).where(ExamSession.organisation_id == organisation_id)
    rows = session.scalars(query.order_by(ExamSession.starts_at.desc()).limit(MAX_SESSIONS))
    return sorted((row for row in rows if _counts_on(row, form_id)), key=lambda row: row.starts_at)


def _counts_on(row: ExamSession, form_id: uuid.UUID) -> bool:
    return str(form_id) in row.form_ids or str(form_id) in row.standby_form_ids


def candidates_of_form(session: Session, organisation_id: uuid.UUID, form_id: uuid.UUID) -> Sequence[Candidate]:
    """Return who is registered for a session that uses a form and whose scores are not released."""
    query = select(ExamSession).where(ExamSession.organisation_id == organisation_id, ExamSession.status.not_in(ENDED))
    rows = session.scalars(query.order_by(ExamSession.starts_at.desc()).limit(MAX_SESSIONS))
    using = [row.exam_session_id for row in rows if _counts_on(row, form_id)]
    if not using:
        return []
    people = (
        select(Candidate)
        .join(Registration, Registration.candidate_id == Candidate.candidate_id)
        .where(Registration.exam_session_id.in_(using), Registration.status != RegistrationStatus.VOID)
    )
    return session.scalars(people).unique().all()


def attempts_with_candidates(
    session: Session, exam_session_id: uuid.UUID, *, actor: Actor
) -> list[tuple[uuid.UUID, Candidate]]:
    """Return the attempts of a session with the people who made them."""
    query = (
        select(Attempt.attempt_id, Candidate)
        .join(Registration, Registration.registration_id == Attempt.registration_id)
        .join(Candidate, Candidate.candidate_id == Registration.candidate_id)
        .where(Attempt.exam_session_id == exam_session_id, Attempt.organisation_id == actor.organisation)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def candidate_of_attempt(session: Session, attempt_id: uuid.UUID, *, actor: Actor) -> Candidate | None:
    """Return who made an attempt."""
    query = (
        select(Candidate)
        .join(Registration, Registration.candidate_id == Candidate.candidate_id)
        .join(Attempt, Attempt.registration_id == Registration.registration_id)
        .where(Attempt.attempt_id == attempt_id, Attempt.organisation_id == actor.organisation)
    )
    return session.scalar(query)


def list_markers(session: Session, *, actor: Actor) -> list[tuple[uuid.UUID, str]]:
    """Return the people who may mark, by name."""
    query = (
        select(User.user_id, User.name)
        .join(UserRole, UserRole.user_id == User.user_id)
        .where(User.organisation_id == actor.organisation, User.is_active.is_(True), UserRole.role == Role.MARKER)
        .order_by(User.name)
        .limit(500)
    )
    return [(row[0], row[1]) for row in session.execute(query)]
