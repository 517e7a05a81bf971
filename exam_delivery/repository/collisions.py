"""Who is planned to be in two places at one time."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from exam_delivery.models import Candidate, ExamSession, Registration, RegistrationStatus
from kernel.identity.actor import Actor

MOST_SHOWN = 20


class Timed(Protocol):
    """A session, or one that stands at another time."""

    @property
    def exam_session_id(self) -> uuid.UUID:
        """Which session."""

    @property
    def opens_at(self) -> dt.datetime:
        """When sign-in begins."""

    @property
    def ends_at(self) -> dt.datetime:
        """When it is over."""


def people_elsewhere(session: Session, row: Timed, *, actor: Actor) -> Sequence[tuple[str, ExamSession]]:
    """Return the first people of a session who sit in another one whose time overlaps, with that one.

    Times are those between sign-in and end; cancelled sessions and void registrations do not count.
    """
    other = aliased(Registration)
    query = (
        select(Candidate.name, ExamSession)
        .select_from(Registration)
        .join(Candidate, Candidate.candidate_id == Registration.candidate_id)
        .join(other, other.candidate_id == Registration.candidate_id)
        .join(ExamSession, ExamSession.exam_session_id == other.exam_session_id)
        .where(
            Registration.exam_session_id == row.exam_session_id,
            Registration.organisation_id == actor.organisation,
            Registration.status == RegistrationStatus.ADMITTED,
            other.status == RegistrationStatus.ADMITTED,
            other.exam_session_id != row.exam_session_id,
            ExamSession.cancelled_at.is_(None),
            ExamSession.opens_at < row.ends_at,
            ExamSession.ends_at > row.opens_at,
        )
        .order_by(Candidate.name, Registration.registration_id)
        .limit(MOST_SHOWN)
    )
    return [(name, elsewhere) for name, elsewhere in session.execute(query)]
