"""Nobody and nothing is planned for two sessions at one time: rooms, invigilators, candidates."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exam_delivery.models import ExamSession
from exam_delivery.repository import attempts, collisions, planning
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.uow import UnitOfWork

MOST_NAMED = 5
Rooms = Mapping[uuid.UUID, Sequence[uuid.UUID]]


@dataclass(frozen=True, slots=True)
class Span:
    """A session at another time than its own."""

    exam_session_id: uuid.UUID
    opens_at: dt.datetime
    starts_at: dt.datetime
    ends_at: dt.datetime
    duration_seconds: int


def moved(row: ExamSession, starts_at: dt.datetime) -> Span:
    """Return a session as it would stand with another start: sign-in and end move with it."""
    shift = starts_at - row.starts_at
    return Span(row.exam_session_id, row.opens_at + shift, starts_at, row.ends_at + shift, row.duration_seconds)


def check_rooms(uow: UnitOfWork, row: ExamSession, rooms: Rooms) -> None:
    """Refuse rooms and invigilators that another session has at the time of this one; a cancelled session holds nothing.

    Raises
    ------
    ConflictError
        Which names the room or the person, and the other session.
    """
    for found in _rooms_elsewhere(uow.session, uow.actor, row, rooms):
        raise found


def check_time(uow: UnitOfWork, row: ExamSession, *, with_people: bool) -> None:
    """Refuse the time of a session at which its rooms or invigilators are elsewhere, or its candidates where these are fixed.

    Raises
    ------
    ConflictError
        Which names what is taken, and by which session.
    """
    for found in find_collisions(uow.session, uow.actor, row, with_people=with_people):
        raise found


def find_collisions(
    session: Session, actor: Actor, row: ExamSession | Span, *, with_people: bool
) -> Iterator[ConflictError]:
    """Yield what stands against the time of a session as refusals that name it: rooms, invigilators, fixed candidates."""
    used = planning.rooms_of_session(session, row.exam_session_id, actor=actor)
    rooms = {one.exam_room_id: [uuid.UUID(person) for person in one.invigilator_ids] for one, _r in used}
    yield from _rooms_elsewhere(session, actor, row, rooms)
    if not with_people:
        return
    named = [(name, other.name) for name, other, is_hint in people_elsewhere(session, actor, row) if not is_hint]
    if named:
        names = "、".join(f"{name}（{other}）" for name, other in named[:MOST_NAMED])
        yield ConflictError(N_("这段时间有考生另有考试，请换时间：%(names)s"), names=names)


def _rooms_elsewhere(session: Session, actor: Actor, row: ExamSession | Span, rooms: Rooms) -> Iterator[ConflictError]:
    chosen = {str(person) for people in rooms.values() for person in people}
    taken = planning.rooms_taken(session, row.opens_at, row.ends_at, except_session=row.exam_session_id, actor=actor)
    for used, other in taken:
        if used.exam_room_id in rooms:
            room = planning.get_room(session, used.exam_room_id, actor=actor)
            message = N_("%(room)s 在这段时间已用于“%(session)s”，请换考场或改时间")
            yield ConflictError(message, room=f"{room.site} {room.name}", session=other.name)
        for person in sorted(chosen.intersection(used.invigilator_ids)):
            name = attempts.names_of(session, [uuid.UUID(person)])[uuid.UUID(person)]
            message = N_("%(name)s 在这段时间已安排在“%(session)s”监考，请换人或改时间")
            yield ConflictError(message, name=name, session=other.name)


def people_elsewhere(
    session: Session, actor: Actor, row: ExamSession | Span
) -> Iterator[tuple[str, ExamSession, bool]]:
    """Yield who would have to sit in two sessions at one time, the other one, and whether one of them leaves time for both."""
    for name, other in collisions.people_elsewhere(session, row, actor=actor):
        yield name, other, _is_open_long(row) or _is_open_long(other)


def _is_open_long(row: ExamSession | Span) -> bool:
    """Say whether candidates choose their time, as in a practice examination that stays open for days."""
    return (row.ends_at - row.starts_at).total_seconds() >= 2 * row.duration_seconds
