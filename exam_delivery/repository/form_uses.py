"""Which forms were sat by how many, where and when."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exam_delivery.models import Attempt, ExamRoom, ExamSession, Registration, VoidedAttempt

MOST_SESSIONS = 5000


@dataclass(frozen=True, slots=True)
class FormUse:
    """The attempts at one form in one session at one site."""

    form_id: uuid.UUID
    exam_session_id: uuid.UUID
    site: str
    n_candidates: int
    n_started: int


def count_uses(session: Session, organisation_id: uuid.UUID, form_ids: Collection[uuid.UUID]) -> list[FormUse]:
    """Return the attempts at some forms by session and site; who began anew on another form has seen both."""
    site = func.coalesce(ExamRoom.site, "")
    owner = func.coalesce(Attempt.registration_id, VoidedAttempt.registration_id)
    query = (
        select(Attempt.form_id, Attempt.exam_session_id, site, func.count(), func.count(Attempt.started_at))
        .outerjoin(VoidedAttempt, VoidedAttempt.attempt_id == Attempt.attempt_id)
        .join(Registration, Registration.registration_id == owner)
        .outerjoin(ExamRoom, ExamRoom.exam_room_id == Registration.exam_room_id)
        .where(Attempt.organisation_id == organisation_id, Attempt.form_id.in_(form_ids))
        .group_by(Attempt.form_id, Attempt.exam_session_id, site)
    )
    return [FormUse(*row) for row in session.execute(query)]


def sessions_with_forms(session: Session, organisation_id: uuid.UUID) -> list[ExamSession]:
    """Return the sessions of an organisation, the latest first."""
    query = select(ExamSession).where(ExamSession.organisation_id == organisation_id)
    return list(session.scalars(query.order_by(ExamSession.starts_at.desc()).limit(MOST_SESSIONS)))
