"""Checks of seats, codes of rooms, simulated runs and openings against the gate."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    AttemptStatus,
    ExamRoom,
    ExamSession,
    FormSwitch,
    LoadTrial,
    ReadinessOverride,
    Registration,
    RegistrationStatus,
    RoomCheckCode,
    SeatCheck,
    SessionLockdown,
    SignInTry,
)
from kernel.identity.actor import Actor


def find_code(session: Session, code: str) -> tuple[RoomCheckCode, ExamSession, ExamRoom] | None:
    """Return the room and session that a code opens."""
    query = (
        select(RoomCheckCode, ExamSession, ExamRoom)
        .join(ExamSession, ExamSession.exam_session_id == RoomCheckCode.exam_session_id)
        .join(ExamRoom, ExamRoom.exam_room_id == RoomCheckCode.exam_room_id)
        .where(RoomCheckCode.code == code)
    )
    row = session.execute(query).first()
    return (row[0], row[1], row[2]) if row else None


def codes_of_session(session: Session, exam_session_id: uuid.UUID, *, actor: Actor) -> dict[uuid.UUID, RoomCheckCode]:
    """Return the codes of a session's rooms."""
    query = select(RoomCheckCode).where(
        RoomCheckCode.exam_session_id == exam_session_id, RoomCheckCode.organisation_id == actor.organisation
    )
    return {row.exam_room_id: row for row in session.scalars(query)}


def checks_of_session(
    session: Session, exam_session_id: uuid.UUID, *, actor: Actor
) -> dict[tuple[uuid.UUID, int], SeatCheck]:
    """Return the newest check of every seat of a session."""
    query = select(SeatCheck).where(
        SeatCheck.exam_session_id == exam_session_id, SeatCheck.organisation_id == actor.organisation
    )
    return {(row.exam_room_id, row.seat_number): row for row in session.scalars(query)}


def seats_in_use(session: Session, exam_session_id: uuid.UUID, *, actor: Actor) -> dict[uuid.UUID, list[int]]:
    """Return the seats on which somebody is to sit, by room."""
    query = (
        select(Registration.exam_room_id, Registration.seat_number)
        .where(
            Registration.exam_session_id == exam_session_id,
            Registration.organisation_id == actor.organisation,
            Registration.status == RegistrationStatus.ADMITTED,
            Registration.seat_number.is_not(None),
        )
        .order_by(Registration.exam_room_id, Registration.seat_number)
    )
    found: dict[uuid.UUID, list[int]] = defaultdict(list)
    for room_id, seat in session.execute(query):
        if room_id is not None and seat is not None:
            found[room_id].append(seat)
    return found


def count_tries(session: Session, subject: str, since: datetime) -> int:
    """Return how often a subject failed."""
    query = select(func.count()).select_from(SignInTry)
    return session.scalar(query.where(SignInTry.subject == subject, SignInTry.tried_at > since)) or 0


def newest_trial(session: Session, exam_session_id: uuid.UUID, *, actor: Actor) -> LoadTrial | None:
    """Return the newest simulated run of a session."""
    query = (
        select(LoadTrial)
        .where(LoadTrial.exam_session_id == exam_session_id, LoadTrial.organisation_id == actor.organisation)
        .order_by(LoadTrial.requested_at.desc())
        .limit(1)
    )
    return session.scalars(query).first()


def is_anybody_writing(session: Session) -> bool:
    """Say whether a candidate of any organisation is in the middle of an exam: they share the server."""
    query = select(Attempt.attempt_id).where(Attempt.status == AttemptStatus.IN_PROGRESS).limit(1)
    return session.scalars(query).first() is not None


def overrides_of(session: Session, exam_session_id: uuid.UUID, *, actor: Actor) -> Sequence[ReadinessOverride]:
    """Return the openings of a session against the gate, newest first."""
    query = select(ReadinessOverride).where(
        ReadinessOverride.exam_session_id == exam_session_id, ReadinessOverride.organisation_id == actor.organisation
    )
    return session.scalars(query.order_by(ReadinessOverride.made_at.desc())).all()


def forget_session(session: Session, exam_session_id: uuid.UUID) -> None:
    """Remove what hangs on a session that is deleted: only sessions without people are."""
    for model in (FormSwitch, RoomCheckCode, SeatCheck, LoadTrial, ReadinessOverride, SessionLockdown):
        session.execute(delete(model).where(model.exam_session_id == exam_session_id))


def database_time(session: Session) -> datetime | None:
    """Return the clock of the database server; None where the database has no clock of its own."""
    if session.get_bind().dialect.name != "postgresql":
        return None
    return session.scalar(select(func.clock_timestamp()))
