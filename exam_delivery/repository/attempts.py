"""Attempts as the people in the room see and change them."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    AttemptStatus,
    Candidate,
    DeadlineChange,
    ExamBatch,
    ExamRoom,
    ExamSession,
    Incident,
    Registration,
    RegistrationStatus,
    ResponseState,
    SessionRoom,
    SessionStatus,
    SignInTry,
    SubmitKind,
    VoidedAttempt,
)
from exam_delivery.repository.incidents import without_attempt_in
from exam_delivery.repository.seat_seal import is_session_sealed
from kernel.clock import now
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.models import User


@dataclass(frozen=True, slots=True)
class SeatRow:
    """One candidate of a room; what belongs to the attempt is None while there is none."""

    registration_id: uuid.UUID
    exam_session_id: uuid.UUID | None
    exam_room_id: uuid.UUID | None
    room_name: str | None
    seat_number: int | None
    name: str
    admission_number: str | None
    registration_status: RegistrationStatus
    attempt_id: uuid.UUID | None
    attempt_status: AttemptStatus | None
    submit_kind: SubmitKind | None
    signed_in_at: datetime | None
    last_contact_at: datetime | None
    started_at: datetime | None
    submitted_at: datetime | None
    deadline_at: datetime | None
    n_answered: int | None
    n_slots: int | None
    device: str | None
    paused_at: datetime | None
    locked_at: datetime | None
    checked_in_at: datetime | None
    refused_at: datetime | None


SEAT_COLUMNS = (
    Registration.registration_id, Registration.exam_session_id, Registration.exam_room_id, ExamRoom.name,
    Registration.seat_number, Candidate.name, Registration.admission_number, Registration.status, Attempt.attempt_id,
    Attempt.status, Attempt.submit_kind, Attempt.signed_in_at, Attempt.last_contact_at, Attempt.started_at,
    Attempt.submitted_at, Attempt.deadline_at, Attempt.n_answered, Attempt.n_slots, Attempt.device,
    Attempt.paused_at, Attempt.locked_at, Registration.checked_in_at, Registration.refused_at,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AssignedRoom:
    """A room of a session with the people who invigilate in it."""

    exam_room_id: uuid.UUID
    name: str
    site: str
    invigilator_ids: tuple[str, ...]


def rooms_of(session: Session, exam_session_id: uuid.UUID, *, actor: Actor) -> list[AssignedRoom]:
    """Return the rooms of a session by site and name."""
    query = (
        select(SessionRoom, ExamRoom)
        .join(ExamRoom, ExamRoom.exam_room_id == SessionRoom.exam_room_id)
        .where(SessionRoom.exam_session_id == exam_session_id, SessionRoom.organisation_id == actor.organisation)
        .order_by(ExamRoom.site, ExamRoom.name)
    )
    return [
        AssignedRoom(room.exam_room_id, room.name, room.site, tuple(map(str, used.invigilator_ids)))
        for used, room in session.execute(query)
    ]


def list_seats(
    session: Session, exam_session_id: uuid.UUID, *, room_ids: Collection[uuid.UUID], actor: Actor
) -> list[SeatRow]:
    """Return the candidates of some rooms by room and seat."""
    query = _seats(actor).where(
        Registration.exam_session_id == exam_session_id, Registration.exam_room_id.in_(room_ids)
    )
    ordered = query.order_by(ExamRoom.name, Registration.seat_number, Registration.registration_id).limit(5000)
    rows = [SeatRow(*row) for row in session.execute(ordered)]
    if is_session_sealed(session, exam_session_id, now()):
        rows = sorted(map(_without_seat, rows), key=lambda row: (row.room_name or "", row.admission_number or ""))
    return rows


def id_masks_of(session: Session, registration_ids: Collection[uuid.UUID], *, actor: Actor) -> dict[uuid.UUID, str]:
    """Return the masked identity numbers of candidates of the actor's organisation, by registration."""
    query = (
        select(Registration.registration_id, Candidate.id_number_mask)
        .join(Candidate, Candidate.candidate_id == Registration.candidate_id)
        .where(Registration.registration_id.in_(registration_ids), Registration.organisation_id == actor.organisation)
    )
    return {key: mask for key, mask in session.execute(query)}  # noqa: C416 - rows are not pairs to the type checker


def get_seat(session: Session, registration_id: uuid.UUID, *, actor: Actor) -> SeatRow:
    """Return one candidate of the actor's organisation."""
    row = session.execute(_seats(actor).where(Registration.registration_id == registration_id)).first()
    if row is None:
        raise NotFoundError(N_("考生不在本场考试中，请刷新控制台"))
    seat = SeatRow(*row)
    return _without_seat(seat) if is_session_sealed(session, seat.exam_session_id, now()) else seat


def _without_seat(row: SeatRow) -> SeatRow:
    return replace(row, seat_number=None)


def _seats(actor: Actor) -> Any:
    """Columns, not entities: the console asks every three seconds."""
    return (
        select(*SEAT_COLUMNS)
        .join(Candidate, Candidate.candidate_id == Registration.candidate_id)
        .outerjoin(ExamRoom, ExamRoom.exam_room_id == Registration.exam_room_id)
        .outerjoin(Attempt, Attempt.registration_id == Registration.registration_id)
        .where(Registration.organisation_id == actor.organisation)
    )


def count_incidents(session: Session, exam_session_id: uuid.UUID, kind: str) -> dict[uuid.UUID, int]:
    """Return how many incidents of a kind each attempt of a session has."""
    query = (
        select(Incident.attempt_id, func.count())
        .where(Incident.exam_session_id == exam_session_id, Incident.kind == kind, Incident.attempt_id.is_not(None))
        .group_by(Incident.attempt_id)
    )
    return {key: n for key, n in session.execute(query) if key is not None}


def list_current_sessions(
    session: Session, *, since: datetime, until: datetime, actor: Actor
) -> Sequence[tuple[ExamSession, ExamBatch]]:
    """Return the prepared, open or just closed sessions around now, by start."""
    query = (
        select(ExamSession, ExamBatch)
        .join(ExamBatch, ExamBatch.exam_batch_id == ExamSession.exam_batch_id)
        .where(
            ExamSession.organisation_id == actor.organisation,
            ExamSession.status != SessionStatus.PLANNED,
            ExamSession.starts_at < until,
            (ExamSession.ends_at > since) | (ExamSession.status == SessionStatus.OPEN),
        )
    )
    ordered = query.order_by(ExamSession.starts_at, ExamSession.exam_session_id).limit(200)
    return [(sitting, batch) for sitting, batch in session.execute(ordered)]


def names_of(session: Session, user_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the names of users."""
    query = select(User.user_id, User.name).where(User.user_id.in_(user_ids))
    return {key: name for key, name in session.execute(query)}  # noqa: C416 - rows are not pairs to the type checker


def lock_attempt(session: Session, attempt_id: uuid.UUID, *, actor: Actor) -> Attempt:
    """Return an attempt locked against the answering program."""
    query = select(Attempt).where(Attempt.attempt_id == attempt_id, Attempt.organisation_id == actor.organisation)
    row = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if row is None:
        raise NotFoundError(N_("作答不存在，请刷新控制台"))
    return row


def who_may_still_begin(session: Session, exam_session_id: uuid.UUID, at: datetime) -> set[uuid.UUID]:
    """Return the registrations of a session whose attempt waits and may be started for a while yet."""
    query = select(Attempt.registration_id).where(
        Attempt.exam_session_id == exam_session_id,
        Attempt.registration_id.is_not(None),
        Attempt.status == AttemptStatus.WAITING,
        Attempt.latest_start_at >= at,
    )
    return set(session.scalars(query))


def lock_attempts_in(
    session: Session, exam_session_id: uuid.UUID, *, room_ids: Collection[uuid.UUID], actor: Actor
) -> Sequence[Attempt]:
    """Return the attempts of admitted candidates in some rooms, locked in the order of their keys."""
    people = select(Registration.registration_id).where(
        Registration.exam_session_id == exam_session_id,
        Registration.exam_room_id.in_(room_ids),
        Registration.status == "admitted",
    )
    query = select(Attempt).where(Attempt.organisation_id == actor.organisation, Attempt.registration_id.in_(people))
    locked = query.order_by(Attempt.attempt_id).with_for_update().execution_options(populate_existing=True)
    return session.scalars(locked).all()


def lock_begun(session: Session, exam_session_id: uuid.UUID, *, actor: Actor) -> Sequence[Attempt]:
    """Return the attempts of a session that were begun and not voided, locked in the order of their keys."""
    query = select(Attempt).where(
        Attempt.exam_session_id == exam_session_id,
        Attempt.organisation_id == actor.organisation,
        Attempt.started_at.is_not(None),
        Attempt.registration_id.is_not(None),
    )
    locked = query.order_by(Attempt.attempt_id).with_for_update().execution_options(populate_existing=True)
    return session.scalars(locked).all()


def lock_registration(session: Session, registration_id: uuid.UUID, *, actor: Actor) -> Registration:
    """Return a registration locked for a change of its status."""
    query = select(Registration).where(
        Registration.registration_id == registration_id, Registration.organisation_id == actor.organisation
    )
    row = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if row is None:
        raise NotFoundError(N_("考生不在本场考试中，请刷新控制台"))
    return row


def find_attempt(session: Session, registration_id: uuid.UUID) -> Attempt | None:
    """Return the attempt of a registration, locked."""
    query = select(Attempt).where(Attempt.registration_id == registration_id)
    return session.scalar(query.with_for_update().execution_options(populate_existing=True))


def get_registration(session: Session, attempt: Attempt) -> Registration:
    """Return whose attempt it is."""
    query = select(Registration).where(Registration.registration_id == attempt.registration_id)
    return session.scalars(query.execution_options(populate_existing=True)).one()


def organisations_with_overdue(session: Session, before: datetime) -> Sequence[uuid.UUID]:
    """Return the organisations with attempts whose deadline lies before a moment."""
    query = select(Attempt.organisation_id).where(_is_overdue(before)).distinct()
    return session.scalars(query).all()


def lock_overdue(session: Session, before: datetime, *, limit: int, actor: Actor) -> Sequence[Attempt]:
    """Return overdue attempts, locked; those that the answering program holds at the moment are left for the next time."""
    query = (
        select(Attempt)
        .where(_is_overdue(before), Attempt.organisation_id == actor.organisation)
        .order_by(Attempt.attempt_id)
        .limit(limit)
    )
    return session.scalars(query.with_for_update(skip_locked=True).execution_options(populate_existing=True)).all()


def _is_overdue(before: datetime) -> Any:
    """A pause lets the clock stand still: who is paused is never overdue."""
    return (Attempt.status == AttemptStatus.IN_PROGRESS) & (Attempt.deadline_at < before) & Attempt.paused_at.is_(None)


def responses_of(session: Session, attempt_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[int, Any]]:
    """Return the durable answers of attempts: `{attempt: {slot: response}}`, slots in order."""
    found: dict[uuid.UUID, dict[int, Any]] = {attempt_id: {} for attempt_id in attempt_ids}
    query = (
        select(ResponseState.attempt_id, ResponseState.slot, ResponseState.response)
        .where(ResponseState.attempt_id.in_(attempt_ids))
        .order_by(ResponseState.attempt_id, ResponseState.slot)
    )
    for attempt_id, slot, response in session.execute(query):
        found[attempt_id][slot] = msgspec.json.decode(response)
    return found


def admission_numbers(session: Session, attempts: Sequence[Attempt]) -> dict[uuid.UUID, str]:
    """Return the admission number of each registration of some attempts."""
    keys = [attempt.registration_id for attempt in attempts]
    query = select(Registration.registration_id, Registration.admission_number)
    return {key: number or "" for key, number in session.execute(query.where(Registration.registration_id.in_(keys)))}


def forget_failed_sign_ins(session: Session, admission_number: str) -> None:
    """Let a candidate try again at once."""
    session.execute(delete(SignInTry).where(SignInTry.subject == f"number:{admission_number}"))


def delete_old_tries(session: Session, before: datetime) -> None:
    """Delete failed sign-ins that no throttle looks at any more."""
    session.execute(delete(SignInTry).where(SignInTry.tried_at < before))


def list_incidents(
    session: Session,
    exam_session_id: uuid.UUID,
    *,
    actor: Actor,
    attempt_ids: Collection[uuid.UUID],
    room_ids: Collection[uuid.UUID],
    limit: int = 100,
) -> Sequence[Incident]:
    """Return what happened, newest first: to some attempts, in some rooms, in the session as a whole."""
    query = select(Incident).where(
        Incident.exam_session_id == exam_session_id, Incident.organisation_id == actor.organisation
    )
    query = query.where(or_(Incident.attempt_id.in_(attempt_ids), without_attempt_in(room_ids)))
    return session.scalars(query.order_by(Incident.noted_at.desc(), Incident.incident_id.desc()).limit(limit)).all()


def incidents_of(session: Session, attempt_id: uuid.UUID, *, actor: Actor) -> Sequence[Incident]:
    """Return what happened to one candidate, newest first; what happened before a restart belongs to it."""
    owner = select(Attempt.registration_id).where(Attempt.attempt_id == attempt_id).scalar_subquery()
    voided = select(VoidedAttempt.attempt_id).where(VoidedAttempt.registration_id == owner)
    query = select(Incident).where(
        or_(Incident.attempt_id == attempt_id, Incident.attempt_id.in_(voided)),
        Incident.organisation_id == actor.organisation,
    )
    return session.scalars(query.order_by(Incident.noted_at.desc(), Incident.incident_id.desc()).limit(100)).all()


def extra_minutes(session: Session, attempt_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return how many minutes were added to attempts."""
    query = (
        select(DeadlineChange.attempt_id, func.sum(DeadlineChange.minutes))
        .where(DeadlineChange.attempt_id.in_(attempt_ids), DeadlineChange.is_pause.is_(False))
        .group_by(DeadlineChange.attempt_id)
    )
    return {attempt_id: int(minutes) for attempt_id, minutes in session.execute(query)}
