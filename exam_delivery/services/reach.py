"""Who may look at and act on which room: invigilators on theirs, the chief on all."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from exam_delivery.models import Attempt
from exam_delivery.repository import attempts as repository
from exam_delivery.repository.attempts import AssignedRoom
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission


def rooms_in_reach(session: Session, exam_session_id: uuid.UUID, *, actor: Actor) -> list[AssignedRoom]:
    """Return the rooms of a session that the actor may look after."""
    rooms = repository.rooms_of(session, exam_session_id, actor=actor)
    if actor.may(Permission.SESSION_CONTROL):
        return rooms
    return [room for room in rooms if str(actor.user_id) in room.invigilator_ids]


def check_seat_in_reach(
    session: Session, exam_session_id: uuid.UUID, registration_id: uuid.UUID, *, actor: Actor
) -> None:
    """Refuse a candidate who sits in none of the actor's rooms; it looks like one who does not exist."""
    seat = repository.get_seat(session, registration_id, actor=actor)
    reach = {room.exam_room_id for room in rooms_in_reach(session, exam_session_id, actor=actor)}
    if seat.exam_session_id != exam_session_id or seat.exam_room_id not in reach:
        raise NotFoundError(N_("考生不在本场考试中，请刷新控制台"))


def check_attempt_in_reach(
    session: Session, exam_session_id: uuid.UUID, attempt_id: uuid.UUID, *, actor: Actor
) -> None:
    """Refuse an attempt of a room that is not the actor's."""
    attempt = session.get(Attempt, attempt_id)
    if attempt is None or attempt.exam_session_id != exam_session_id:
        raise NotFoundError(N_("作答不存在，请刷新控制台"))
    check_seat_in_reach(session, exam_session_id, attempt.registration_id, actor=actor)
