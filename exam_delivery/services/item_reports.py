"""Reports of wrong items from an exam room and from markers; the bank takes them up as correction cases."""

from __future__ import annotations

import uuid

from blueprints import public as blueprints
from exam_delivery.models import Attempt
from exam_delivery.repository import attempts as repository
from exam_delivery.repository import planning
from exam_delivery.services import attempts, marking
from exam_delivery.services.reach import check_attempt_in_reach
from kernel.errors import InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork


def report_from_room(
    uow: UnitOfWork, exam_session_id: uuid.UUID, registration_id: uuid.UUID, *, number: int | None, text: str
) -> str:
    """Report the item that a candidate sees under a number; the room's record names the case. Return its code."""
    require(uow.actor, Permission.SESSION_INVIGILATE)
    seat = repository.get_seat(uow.session, registration_id, actor=uow.actor)
    if seat.attempt_id is None:
        raise NotFoundError(N_("考生还没有备卷，请联系考务管理员"))
    check_attempt_in_reach(uow.session, exam_session_id, seat.attempt_id, actor=uow.actor)
    attempt = uow.session.get_one(Attempt, seat.attempt_id)
    sitting = planning.get_session(uow.session, exam_session_id, actor=uow.actor)
    code = blueprints.report_slot_error(
        uow, attempt.form_id, _slot(attempt, number), source="exam_room", text=text, place=sitting.name
    )  # fmt: skip
    words = f"考生屏幕第 {number} 题有误，更正案 {code}：{text.strip()[:200]}"
    attempts.note_incident(uow, exam_session_id, text=words, attempt_id=attempt.attempt_id)
    return code


def _slot(attempt: Attempt, number: int | None) -> int:
    """Return the form's slot that a candidate sees under a number."""
    order = [slot for section in attempt.layout["sections"] for slot in section]
    if number is None or not 1 <= number <= len(order):
        message = N_("请填写考生屏幕上的题号")
        raise InvalidInputError(message, fields={"number": [message]})
    return int(order[number - 1])


def report_from_marker(uow: UnitOfWork, attempt_id: uuid.UUID, slot: int, *, text: str) -> str:
    """Report the item of an answer that a person marks; return the case's code."""
    shown = marking.get_script(uow.session, uow.actor, attempt_id, slot)
    attempt = uow.session.get_one(Attempt, attempt_id)
    sitting = planning.get_session(uow.session, shown.exam_session_id, actor=uow.actor)
    return blueprints.report_slot_error(
        uow, attempt.form_id, slot, source="marker", text=text, place=f"{sitting.name} {shown.code}"
    )  # fmt: skip
