"""Counts of rooms and sessions in one statement, for the chief's overview."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from exam_delivery.models import Attempt, AttemptStatus, Candidate, ExamRoom, Registration, RegistrationStatus
from exam_delivery.rules.room import OFFLINE_AFTER
from kernel.identity.actor import Actor


@dataclass(frozen=True, slots=True)
class RoomCounts:
    """How a room of a session stands."""

    exam_session_id: uuid.UUID
    exam_room_id: uuid.UUID | None
    site: str
    name: str
    n_expected: int
    n_unprepared: int
    n_arrived: int
    n_working: int
    n_offline: int
    n_locked: int
    n_paused: int
    n_submitted: int
    n_absent: int
    n_at_door: int


def count_rooms(session: Session, session_ids: Sequence[uuid.UUID], *, at: datetime, actor: Actor) -> list[RoomCounts]:
    """Return the counts of every room of some sessions by site and name."""
    working = Attempt.status == AttemptStatus.IN_PROGRESS
    is_free = and_(working, Attempt.paused_at.is_(None), Attempt.locked_at.is_(None))
    is_silent = Attempt.last_contact_at.is_(None) | (Attempt.last_contact_at < at - OFFLINE_AFTER)
    admitted = Registration.status == RegistrationStatus.ADMITTED
    has_knocked = and_(Attempt.status == AttemptStatus.WAITING, Attempt.last_contact_at.is_not(None))
    has_not_passed = and_(
        Attempt.signed_in_at.is_(None), Registration.checked_in_at.is_(None), Registration.refused_at.is_(None)
    )
    is_at_door = and_(has_knocked, has_not_passed)
    query = (
        select(
            Registration.exam_session_id, Registration.exam_room_id, func.coalesce(ExamRoom.site, ""),
            func.coalesce(ExamRoom.name, ""), _count(Registration.status != RegistrationStatus.VOID),
            _count(Attempt.attempt_id.is_(None), admitted),
            _count(Attempt.signed_in_at.is_not(None) | Registration.checked_in_at.is_not(None), admitted),
            _count(working), _count(is_free, is_silent), _count(working, Attempt.locked_at.is_not(None)),
            _count(working, Attempt.paused_at.is_not(None)), _count(Attempt.status == AttemptStatus.SUBMITTED),
            _count(Registration.status == RegistrationStatus.ABSENT), _count(is_at_door, admitted),
        )
        .outerjoin(Attempt, Attempt.registration_id == Registration.registration_id)
        .outerjoin(ExamRoom, ExamRoom.exam_room_id == Registration.exam_room_id)
        .where(Registration.exam_session_id.in_(session_ids), Registration.organisation_id == actor.organisation)
        .group_by(Registration.exam_session_id, Registration.exam_room_id, ExamRoom.site, ExamRoom.name)
        .order_by(ExamRoom.site, ExamRoom.name)
    )  # fmt: skip
    return [RoomCounts(*row) for row in session.execute(query)]


def _count(*conditions: Any) -> Any:
    return func.count().filter(and_(*conditions))


def seen_forms(session: Session, exam_session_id: uuid.UUID) -> dict[uuid.UUID, int]:
    """Return how many candidates of a session have seen each form."""
    query = (
        select(Attempt.form_id, func.count())
        .where(Attempt.exam_session_id == exam_session_id, Attempt.started_at.is_not(None))
        .group_by(Attempt.form_id)
    )
    return {key: n for key, n in session.execute(query)}  # noqa: C416 - rows are not pairs to the type checker


def count_reachable(session: Session, exam_session_id: uuid.UUID) -> tuple[int, int, int]:
    """Return how many candidates a session has, how many left a telephone number, how many have signed in."""
    query = (
        select(
            func.count(), _count(Candidate.phone != ""),
            _count(Attempt.signed_in_at.is_not(None)),
        )
        .select_from(Registration)
        .join(Candidate, Candidate.candidate_id == Registration.candidate_id)
        .outerjoin(Attempt, Attempt.registration_id == Registration.registration_id)
        .where(Registration.exam_session_id == exam_session_id, Registration.status != RegistrationStatus.VOID)
    )  # fmt: skip
    n_people, n_phones, n_signed_in = session.execute(query).one()
    return n_people, n_phones, n_signed_in
