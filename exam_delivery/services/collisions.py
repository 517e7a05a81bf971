"""Nobody and nothing is planned for two sessions at one time: rooms, invigilators, candidates."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy.orm import Session

from exam_delivery.models import ExamSession
from exam_delivery.repository import attempts, collisions, planning
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.uow import UnitOfWork

MOST_NAMED = 5


def check_rooms(uow: UnitOfWork, row: ExamSession, rooms: Mapping[uuid.UUID, Sequence[uuid.UUID]]) -> None:
    """Refuse rooms and invigilators that another session has at the time of this one; a cancelled session holds nothing.

    Raises
    ------
    ConflictError
        Which names the room or the person, and the other session.
    """
    chosen = {str(person) for people in rooms.values() for person in people}
    taken = planning.rooms_taken(
        uow.session, row.opens_at, row.ends_at, except_session=row.exam_session_id, actor=uow.actor
    )
    for used, other in taken:
        if used.exam_room_id in rooms:
            room = planning.get_room(uow.session, used.exam_room_id, actor=uow.actor)
            message = N_("%(room)s 在这段时间已用于“%(session)s”，请换考场或改时间")
            raise ConflictError(message, room=f"{room.site} {room.name}", session=other.name)
        for person in chosen.intersection(used.invigilator_ids):
            name = attempts.names_of(uow.session, [uuid.UUID(person)])[uuid.UUID(person)]
            message = N_("%(name)s 在这段时间已安排在“%(session)s”监考，请换人或改时间")
            raise ConflictError(message, name=name, session=other.name)


def check_time(uow: UnitOfWork, row: ExamSession, *, with_people: bool) -> None:
    """Refuse the time of a session at which its rooms or invigilators are elsewhere, or its candidates where these are fixed.

    Raises
    ------
    ConflictError
        Which names what is taken, and by which session.
    """
    used = planning.rooms_of_session(uow.session, row.exam_session_id, actor=uow.actor)
    check_rooms(uow, row, {one.exam_room_id: [uuid.UUID(person) for person in one.invigilator_ids] for one, _r in used})
    if not with_people:
        return
    named = [
        (name, other.name) for name, other, is_hint in people_elsewhere(uow.session, uow.actor, row) if not is_hint
    ]
    if named:
        names = "、".join(f"{name}（{other}）" for name, other in named[:MOST_NAMED])
        raise ConflictError(N_("这段时间有考生另有考试，请换时间：%(names)s"), names=names)


def people_elsewhere(session: Session, actor: Actor, row: ExamSession) -> Iterator[tuple[str, ExamSession, bool]]:
    """Yield who would have to sit in two sessions at one time, the other one, and whether one of them leaves time for both."""
    for name, other in collisions.people_elsewhere(session, row, actor=actor):
        yield name, other, _is_open_long(row) or _is_open_long(other)


def _is_open_long(row: ExamSession) -> bool:
    """Say whether candidates choose their time, as in a practice examination that stays open for days."""
    return (row.ends_at - row.starts_at).total_seconds() >= 2 * row.duration_seconds
