"""Signing with one's own password, also at somebody else's desk: two people sign under the same page."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sqlalchemy.orm import Session

from exam_delivery.repository import attempts as repository
from kernel.db import db
from kernel.errors import ForbiddenError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.identity.services import actor_of_user, check_throttle, find_authentic_user, record_failure
from kernel.uow import unit_of_work


def find_signer(actor: Actor, username: str, password: str, address: str) -> Actor:
    """Return who signs, proved by the password; failures count like failed sign-ins.

    Raises
    ------
    InvalidInputError
        If the name is not one of the organisation's or the password is wrong.
    TooManyAttemptsError
        After too many failures.
    """
    check_throttle(db.session(), username, address)
    user = find_authentic_user(db.session(), username, password)
    if user is None or user.organisation_id != actor.organisation:
        with unit_of_work(actor) as uow:
            record_failure(uow, username, address)
        message = N_("用户名或密码不正确，没有签字")
        raise InvalidInputError(message, fields={"password": [message]})
    return actor_of_user(user, request_id=actor.request_id)


def check_may_sign(
    session: Session, exam_session_id: uuid.UUID, room_ids: Collection[uuid.UUID], *, signer: Actor
) -> None:
    """Refuse a signature of somebody who looks after none of the rooms; a chief looks after all."""
    rooms = repository.rooms_of(session, exam_session_id, actor=signer)
    is_here = any(room.exam_room_id in room_ids and str(signer.user_id) in room.invigilator_ids for room in rooms)
    may_sign = signer.may(Permission.SESSION_INVIGILATE) and is_here
    if not may_sign and not signer.may(Permission.SESSION_CONTROL):
        raise ForbiddenError(N_("只有本考场的监考员或总控可以签字"))
