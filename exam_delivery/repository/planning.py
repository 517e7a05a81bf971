"""Batches, sessions and rooms."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    AttemptStatus,
    ExamBatch,
    ExamRoom,
    ExamSession,
    Registration,
    RegistrationStatus,
    SessionRoom,
    SessionStatus,
)
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.models import User, UserRole
from kernel.identity.permissions import Role
from kernel.lists import UNORDERED, Order, ordered_by

SESSION_ORDERS: dict[str, Any] = {
    "starts": ExamSession.starts_at, "ends": ExamSession.ends_at, "name": ExamSession.name, "code": ExamBatch.code,
    "batch": ExamBatch.name, "minutes": ExamSession.duration_seconds,
}  # fmt: skip
BATCH_ORDERS: dict[str, Any] = {
    "code": ExamBatch.code, "name": ExamBatch.name, "occupation": ExamBatch.occupation_name,
    "level": ExamBatch.level_code, "status": ExamBatch.status, "created": ExamBatch.created_at,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SessionCounts:
    """How many people and attempts a session has."""

    n_registered: int = 0
    n_numbered: int = 0
    n_seated: int = 0
    n_void: int = 0
    n_absent: int = 0
    n_prepared: int = 0
    n_in_progress: int = 0
    n_submitted: int = 0

    @property
    def n_admitted(self) -> int:
        """People who may sit or have sat."""
        return self.n_registered - self.n_void


def get_batch(session: Session, exam_batch_id: uuid.UUID, *, actor: Actor) -> ExamBatch:
    """Return a batch of the actor's organisation."""
    batch = session.get(ExamBatch, exam_batch_id)
    if batch is None or batch.organisation_id != actor.organisation:
        raise NotFoundError(N_("考试批次不存在，可能已被删除"))
    return batch


def find_batch_by_code(session: Session, code: str, *, actor: Actor) -> ExamBatch | None:
    """Return the batch of a code."""
    return session.scalar(
        select(ExamBatch).where(ExamBatch.organisation_id == actor.organisation, ExamBatch.code == code)
    )


def list_batches(
    session: Session, *, actor: Actor, text: str = "", order: Order = UNORDERED, page: int = 1, per_page: int = 50
) -> tuple[Sequence[ExamBatch], int]:
    """Return one page of batches, newest first unless another order is asked for, and how many there are."""
    query = select(ExamBatch).where(ExamBatch.organisation_id == actor.organisation)
    if text:
        found = f"%{escape_like(text)}%"
        query = query.where(
            or_(
                ExamBatch.code.like(found, escape="\\"),
                ExamBatch.name.like(found, escape="\\"),
                ExamBatch.occupation_name.like(found, escape="\\"),
            )
        )
    total = count_rows(session, query)
    wanted = ordered_by(order, BATCH_ORDERS, [ExamBatch.created_at.desc()], ExamBatch.exam_batch_id)
    return session.scalars(query.order_by(*wanted).limit(per_page).offset((page - 1) * per_page)).all(), total


def escape_like(text: str) -> str:
    """Return the text with LIKE's wildcards escaped."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def count_rows(session: Session, query: Select[Any]) -> int:
    """Return how many rows a query has."""
    return session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0


def get_session(session: Session, exam_session_id: uuid.UUID, *, actor: Actor) -> ExamSession:
    """Return a session of the actor's organisation."""
    row = session.get(ExamSession, exam_session_id)
    if row is None or row.organisation_id != actor.organisation:
        raise NotFoundError(N_("考试场次不存在，可能已被删除"))
    return row


def lock_session(session: Session, exam_session_id: uuid.UUID, *, actor: Actor) -> ExamSession:
    """Return a session locked for a step of its state."""
    query = select(ExamSession).where(
        ExamSession.exam_session_id == exam_session_id, ExamSession.organisation_id == actor.organisation
    )
    row = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if row is None:
        raise NotFoundError(N_("考试场次不存在，可能已被删除"))
    return row


def sessions_of_batch(session: Session, exam_batch_id: uuid.UUID, *, actor: Actor) -> Sequence[ExamSession]:
    """Return a batch's sessions in the order of their start."""
    query = select(ExamSession).where(
        ExamSession.exam_batch_id == exam_batch_id, ExamSession.organisation_id == actor.organisation
    )
    return session.scalars(query.order_by(ExamSession.starts_at, ExamSession.exam_session_id).limit(500)).all()


def sessions_of_batches(
    session: Session, exam_batch_ids: Sequence[uuid.UUID], *, actor: Actor
) -> dict[uuid.UUID, list[ExamSession]]:
    """Return the sessions of several batches in one query."""
    query = select(ExamSession).where(
        ExamSession.exam_batch_id.in_(exam_batch_ids), ExamSession.organisation_id == actor.organisation
    )
    found: dict[uuid.UUID, list[ExamSession]] = {key: [] for key in exam_batch_ids}
    for row in session.scalars(query.order_by(ExamSession.starts_at)):
        found[row.exam_batch_id].append(row)
    return found


def list_sessions(
    session: Session,
    *,
    actor: Actor,
    statuses: Sequence[SessionStatus] = (),
    order: Order = UNORDERED,
    page: int = 1,
    per_page: int = 50,
) -> tuple[Sequence[tuple[ExamSession, ExamBatch]], int]:
    """Return one page of sessions with their batch, latest start first unless another order is asked for."""
    query = (
        select(ExamSession, ExamBatch)
        .join(ExamBatch, ExamBatch.exam_batch_id == ExamSession.exam_batch_id)
        .where(ExamSession.organisation_id == actor.organisation)
    )
    if statuses:
        query = query.where(ExamSession.status.in_(statuses))
    keys = select(ExamSession.exam_session_id).where(ExamSession.organisation_id == actor.organisation)
    if statuses:
        keys = keys.where(ExamSession.status.in_(statuses))
    total = session.scalar(select(func.count()).select_from(keys.subquery())) or 0
    rows = session.execute(
        query.order_by(*ordered_by(order, SESSION_ORDERS, [ExamSession.starts_at.desc()], ExamSession.exam_session_id))
        .limit(per_page)
        .offset((page - 1) * per_page)
    )
    return [(one, batch) for one, batch in rows], total


def sessions_to_open(session: Session, moment: dt.datetime) -> Sequence[ExamSession]:
    """Return prepared sessions of every organisation whose sign-in time has come; for the clock's duty alone."""
    query = select(ExamSession).where(
        ExamSession.status == SessionStatus.PREPARED,
        ExamSession.opens_at <= moment,
        ExamSession.cancelled_at.is_(None),
    )
    return session.scalars(query.limit(200)).all()


def sessions_to_close(session: Session, moment: dt.datetime) -> Sequence[ExamSession]:
    """Return open sessions past their end in which nobody writes any more; for the clock's duty alone."""
    writing = select(Attempt.attempt_id).where(
        Attempt.exam_session_id == ExamSession.exam_session_id, Attempt.status == AttemptStatus.IN_PROGRESS
    )
    waiting = select(Attempt.attempt_id).where(
        Attempt.exam_session_id == ExamSession.exam_session_id,
        Attempt.status == AttemptStatus.WAITING,
        Attempt.latest_start_at > moment,
    )
    query = select(ExamSession).where(
        ExamSession.status == SessionStatus.OPEN,
        ExamSession.ends_at <= moment,
        ~writing.exists(),
        ~waiting.exists(),
    )
    return session.scalars(query.limit(200)).all()


def count_people(session: Session, exam_session_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, SessionCounts]:
    """Return the counts of several sessions in one query."""
    if not exam_session_ids:
        return {}
    status, attempt = Registration.status, Attempt.status
    query = (
        select(
            Registration.exam_session_id,
            func.count(),
            func.count(Registration.admission_number),
            func.count(Registration.seat_number),
            func.count().filter(status == RegistrationStatus.VOID),
            func.count().filter(status == RegistrationStatus.ABSENT),
            func.count(Attempt.attempt_id),
            func.count().filter(attempt == AttemptStatus.IN_PROGRESS),
            func.count().filter(attempt == AttemptStatus.SUBMITTED),
        )
        .outerjoin(Attempt, Attempt.registration_id == Registration.registration_id)
        .where(Registration.exam_session_id.in_(exam_session_ids))
        .group_by(Registration.exam_session_id)
    )
    return {key: SessionCounts(*counts) for key, *counts in session.execute(query) if key is not None}


def list_rooms(session: Session, *, actor: Actor, only_active: bool = False) -> Sequence[ExamRoom]:
    """Return the organisation's rooms by site and name."""
    query = select(ExamRoom).where(ExamRoom.organisation_id == actor.organisation)
    if only_active:
        query = query.where(ExamRoom.is_active.is_(True))
    return session.scalars(query.order_by(ExamRoom.site, ExamRoom.name).limit(1000)).all()


def get_room(session: Session, exam_room_id: uuid.UUID, *, actor: Actor) -> ExamRoom:
    """Return a room of the actor's organisation."""
    room = session.get(ExamRoom, exam_room_id)
    if room is None or room.organisation_id != actor.organisation:
        raise NotFoundError(N_("考场不存在，可能已被删除"))
    return room


def find_room(session: Session, site: str, name: str, *, actor: Actor) -> ExamRoom | None:
    """Return the room of a name at a site."""
    query = select(ExamRoom).where(
        ExamRoom.organisation_id == actor.organisation, ExamRoom.site == site, ExamRoom.name == name
    )
    return session.scalar(query)


def rooms_of_session(
    session: Session, exam_session_id: uuid.UUID, *, actor: Actor
) -> Sequence[tuple[SessionRoom, ExamRoom]]:
    """Return the rooms of a session by site and name, with their invigilators."""
    query = (
        select(SessionRoom, ExamRoom)
        .join(ExamRoom, ExamRoom.exam_room_id == SessionRoom.exam_room_id)
        .where(SessionRoom.exam_session_id == exam_session_id, SessionRoom.organisation_id == actor.organisation)
        .order_by(ExamRoom.site, ExamRoom.name)
    )
    return [(used, room) for used, room in session.execute(query)]


def rooms_taken(
    session: Session, starts_at: dt.datetime, ends_at: dt.datetime, *, except_session: uuid.UUID, actor: Actor
) -> Sequence[tuple[SessionRoom, ExamSession]]:
    """Return rooms of other sessions that overlap in time, with the session that uses them; a cancelled one uses none."""
    query = (
        select(SessionRoom, ExamSession)
        .join(ExamSession, ExamSession.exam_session_id == SessionRoom.exam_session_id)
        .where(
            SessionRoom.organisation_id == actor.organisation,
            SessionRoom.exam_session_id != except_session,
            ExamSession.cancelled_at.is_(None),
            ExamSession.opens_at < ends_at,
            ExamSession.ends_at > starts_at,
        )
    )
    return [(used, other) for used, other in session.execute(query)]


def list_invigilators(session: Session, *, actor: Actor) -> Sequence[User]:
    """Return the people who may invigilate, by name."""
    roles = (Role.INVIGILATOR, Role.CHIEF_INVIGILATOR)
    query = (
        select(User)
        .join(UserRole, UserRole.user_id == User.user_id)
        .where(User.organisation_id == actor.organisation, User.is_active.is_(True), UserRole.role.in_(roles))
        .distinct()
        .order_by(User.name)
        .limit(500)
    )
    return session.scalars(query).unique().all()
