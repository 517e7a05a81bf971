"""Who may look at and act on which room: invigilators on theirs, the chief on all."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sqlalchemy.orm import Session

from exam_delivery.models import Attempt
from exam_delivery.repository import attempts as repository
from exam_delivery.repository import planning, sign_offs, standby
from exam_delivery.repository.attempts import AssignedRoom
from exam_delivery.services import recusal
from kernel.errors import ConflictError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission

SEE_ALL = (Permission.SESSION_WRITE, Permission.SESSION_CONTROL, Permission.SUPERVISE)
"""Who plans, leads or supervises examinations sees the people of every session of the house."""
N_SIGNATURES = 2
"""So many people sign the report of a room."""


def rooms_in_reach(session: Session, exam_session_id: uuid.UUID, *, actor: Actor) -> list[AssignedRoom]:
    """Return the rooms of a session that the actor may look after."""
    rooms = repository.rooms_of(session, exam_session_id, actor=actor)
    if actor.may(Permission.SESSION_CONTROL):
        return rooms
    return [room for room in rooms if str(actor.user_id) in room.invigilator_ids]


def check_session_in_reach(session: Session, exam_session_id: uuid.UUID, *, actor: Actor) -> None:
    """Refuse the people and papers of a session to an invigilator who looks after none of its rooms."""
    sees_all = any(actor.may(one) for one in SEE_ALL)
    if not sees_all and not rooms_in_reach(session, exam_session_id, actor=actor):
        raise NotFoundError(N_("您没有被安排在这场考试监考，请联系考务管理员"))


def check_seat_in_reach(
    session: Session, exam_session_id: uuid.UUID, registration_id: uuid.UUID, *, actor: Actor
) -> None:
    """Refuse a candidate who sits in none of the actor's rooms: it looks like one who does not exist.

    A room in which somebody related to the actor sits is refused by the rule of recusal.
    """
    seat = repository.get_seat(session, registration_id, actor=actor)
    reach = {room.exam_room_id for room in rooms_in_reach(session, exam_session_id, actor=actor)}
    if seat.exam_session_id != exam_session_id or seat.exam_room_id not in reach:
        raise NotFoundError(N_("考生不在本场考试中，请刷新控制台"))
    check_unrelated(session, exam_session_id, {seat.exam_room_id} - {None}, actor=actor)


def check_unrelated(
    session: Session, exam_session_id: uuid.UUID, room_ids: Collection[uuid.UUID], *, actor: Actor
) -> None:
    """Refuse rooms in which somebody related to the actor sits."""
    sitting = planning.get_session(session, exam_session_id, actor=actor)
    recusal.check_console(session, actor, sitting, set(room_ids))


def check_may_look(session: Session, exam_session_id: uuid.UUID, registration_id: uuid.UUID, *, actor: Actor) -> None:
    """Refuse a face to who does not look after the candidate's room, or is related to somebody in it."""
    require(actor, Permission.SESSION_INVIGILATE)
    check_seat_in_reach(session, exam_session_id, registration_id, actor=actor)


def check_attempt_in_reach(
    session: Session, exam_session_id: uuid.UUID, attempt_id: uuid.UUID, *, actor: Actor
) -> None:
    """Refuse an attempt of a room that is not the actor's."""
    attempt = session.get(Attempt, attempt_id)
    if attempt is None or attempt.exam_session_id != exam_session_id:
        raise NotFoundError(N_("作答不存在，请刷新控制台"))
    check_seat_in_reach(session, exam_session_id, standby.owner_of(session, attempt), actor=actor)


def check_room_open(session: Session, exam_session_id: uuid.UUID, registration_id: uuid.UUID, *, actor: Actor) -> None:
    """Refuse acts on a candidate whose room two people have signed off, to all but the chief."""
    seat = repository.get_seat(session, registration_id, actor=actor)
    if seat.exam_room_id in closed_rooms(session, exam_session_id, actor=actor):
        raise ConflictError(N_("考场已由两人签字，再改动请联系总控"))


def closed_rooms(session: Session, exam_session_id: uuid.UUID, *, actor: Actor) -> set[uuid.UUID]:
    """Return the rooms of a session in which the actor can no longer act."""
    if actor.may(Permission.SESSION_CONTROL):
        return set()
    return {key for key, n in sign_offs.count_by_room(session, exam_session_id).items() if n >= N_SIGNATURES}
