"""Commands over a session that two persons decide: whom they concern (all, one room, one candidate), and who may decide."""

from __future__ import annotations

import uuid

from exam_delivery.models import ExamSession
from exam_delivery.repository import lockdown
from kernel.errors import ForbiddenError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork


def find_person(uow: UnitOfWork, exam_session_id: uuid.UUID, admission_number: str) -> uuid.UUID | None:
    """Return the registration of the one candidate concerned, none when nobody is named.

    Raises
    ------
    InvalidInputError
        If the session has nobody with this number.
    """
    if not admission_number:
        return None
    found = lockdown.find_registration(uow.session, exam_session_id, admission_number, actor=uow.actor)
    if found is None:
        text = N_("本场次没有这个准考证号")
        raise InvalidInputError(text, fields={"admission_number": [text]})
    return found.registration_id


def check_room(uow: UnitOfWork, row: ExamSession, exam_room_id: uuid.UUID | None) -> uuid.UUID | None:
    """Return the one room concerned, none for all of them.

    Raises
    ------
    InvalidInputError
        If the session does not use the room.
    """
    if exam_room_id and not lockdown.uses_room(uow.session, row.exam_session_id, exam_room_id):
        text = N_("考场不在本场考试中，请刷新后再选")
        raise InvalidInputError(text, fields={"room": [text]})
    return exam_room_id


def require_decider(actor: Actor, proposed_by: uuid.UUID | None, *, withdraws: bool, refusal: str) -> None:
    """Let only the proposer take a proposal back, and only another person with command over the session decide it.

    Raises
    ------
    ForbiddenError
        With `refusal` when the proposer would approve the own proposal.
    """
    is_own = proposed_by is not None and proposed_by == actor.user_id
    if withdraws:
        if not is_own:
            raise ForbiddenError(N_("只有提出的人可以收回"))
        return
    require(actor, Permission.SESSION_CONTROL)
    if is_own:
        raise ForbiddenError(refusal)
