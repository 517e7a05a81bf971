"""Reopenings of closed sessions and the attempts that they concern."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    AttemptStatus,
    Candidate,
    ExamRoom,
    Mark,
    Registration,
    RegistrationStatus,
    SessionReopening,
    SubmitKind,
)
from exam_delivery.rules.reopening import ReopeningState
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor

COLLECTED = (SubmitKind.FORCED, SubmitKind.TIMEOUT)


def get_reopening(session: Session, session_reopening_id: uuid.UUID, *, actor: Actor) -> SessionReopening:
    """Return a reopening of the actor's organisation, locked."""
    row = session.get(SessionReopening, session_reopening_id, with_for_update=True, populate_existing=True)
    if row is None or row.organisation_id != actor.organisation:
        raise NotFoundError(N_("没有这条重新开放的记录，请刷新后再看"))
    return row


def list_reopenings(
    session: Session, exam_session_id: uuid.UUID, *, actor: Actor
) -> list[tuple[SessionReopening, str, str, ExamRoom | None]]:
    """Return the reopenings of a session, newest first, with name and number of the candidate or the room."""
    query = (
        select(SessionReopening, Candidate.name, Registration.admission_number, ExamRoom)
        .outerjoin(Registration, Registration.registration_id == SessionReopening.registration_id)
        .outerjoin(Candidate, Candidate.candidate_id == Registration.candidate_id)
        .outerjoin(ExamRoom, ExamRoom.exam_room_id == SessionReopening.exam_room_id)
        .where(
            SessionReopening.exam_session_id == exam_session_id, SessionReopening.organisation_id == actor.organisation
        )
        .order_by(SessionReopening.proposed_at.desc(), SessionReopening.session_reopening_id)
    )
    return [(row, name or "", number or "", room) for row, name, number, room in session.execute(query)]


def has_open(session: Session, exam_session_id: uuid.UUID) -> bool:
    """Say whether a reopening of a session waits for a second person."""
    query = select(SessionReopening.session_reopening_id).where(
        SessionReopening.exam_session_id == exam_session_id, SessionReopening.state == ReopeningState.PROPOSED
    )
    return session.scalars(query.limit(1)).first() is not None


def sessions_to_agree(session: Session, *, actor: Actor) -> Sequence[uuid.UUID]:
    """Return the sessions in which something that another person proposed waits for the actor, oldest first."""
    query = select(SessionReopening.exam_session_id).where(
        SessionReopening.organisation_id == actor.organisation,
        SessionReopening.state == ReopeningState.PROPOSED,
        SessionReopening.proposed_by.is_distinct_from(actor.user_id),
    )
    return session.scalars(query.order_by(SessionReopening.proposed_at).limit(50)).all()


def count_in_scope(session: Session, row: SessionReopening) -> Counter[str]:
    """Return how many a reopening concerns: to be opened, marked by a person already, handed in by themselves."""
    marked = _marked()
    found: Counter[str] = Counter()
    query = (
        select(Attempt.submit_kind, marked.exists(), func.count())
        .join(Registration, Registration.registration_id == Attempt.registration_id)
        .where(*_scope(row))
        .group_by(Attempt.submit_kind, marked.exists())
    )
    for kind, is_marked, n in session.execute(query):
        found["own" if kind not in COLLECTED else "marked" if is_marked else "open"] += n
    return found


def lock_collected(session: Session, row: SessionReopening) -> Sequence[Attempt]:
    """Return the collected attempts that nobody has marked, locked in the order of their keys."""
    people = (
        select(Attempt.attempt_id)
        .join(Registration, Registration.registration_id == Attempt.registration_id)
        .where(*_scope(row), Attempt.submit_kind.in_(COLLECTED), ~_marked().exists())
    )
    query = select(Attempt).where(Attempt.attempt_id.in_(people)).order_by(Attempt.attempt_id)
    return session.scalars(query.with_for_update().execution_options(populate_existing=True)).all()


def _marked() -> Select[uuid.UUID]:
    return select(Mark.mark_id).where(Mark.attempt_id == Attempt.attempt_id).correlate(Attempt)


def _scope(row: SessionReopening) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [
        Registration.exam_session_id == row.exam_session_id,
        Registration.status == RegistrationStatus.ADMITTED,
        Attempt.status == AttemptStatus.SUBMITTED,
    ]
    if row.registration_id is not None:
        found.append(Registration.registration_id == row.registration_id)
    elif row.exam_room_id is not None:
        found.append(Registration.exam_room_id == row.exam_room_id)
    return found
