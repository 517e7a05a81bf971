"""Exemptions from a lockdown: one person proposes with a reason, another approves; both stand in the audit."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exam_delivery.models import ExamRoom, ExamSession, LockdownExemption, Registration
from exam_delivery.repository import lockdown as repository
from exam_delivery.repository import planning
from exam_delivery.rules.lockdown import EXEMPTION_STEPS, ExemptionReason, ExemptionState
from exam_delivery.rules.states import FINISHED
from exam_delivery.services.reach import rooms_in_reach
from kernel import audit
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

PROPOSERS = (Permission.SESSION_INVIGILATE, Permission.SESSION_WRITE)


@dataclass(frozen=True, slots=True)
class ExemptionView:
    """What one person sees of a session's exemptions."""

    session: ExamSession
    is_locked_down: bool
    rooms: list[tuple[uuid.UUID, str]]
    rows: list[tuple[LockdownExemption, str, ExamRoom | None]]


def view_exemptions(session: Session, actor: Actor, exam_session_id: uuid.UUID) -> ExemptionView:
    """Return the exemptions of a session in the rooms that the actor looks after; none of these: no such session."""
    found = planning.get_session(session, exam_session_id, actor=actor)
    rooms = _rooms(session, actor, exam_session_id)
    reach = {key for key, _name in rooms}
    rows = [
        entry
        for entry in repository.list_exemptions(session, exam_session_id, actor=actor)
        if entry[2] is None or entry[2].exam_room_id in reach
    ]
    is_locked = repository.is_locked_down(session, exam_session_id, actor=actor)
    return ExemptionView(found, is_locked, rooms, rows)


def _rooms(session: Session, actor: Actor, exam_session_id: uuid.UUID) -> list[tuple[uuid.UUID, str]]:
    """Return the rooms for which the actor may propose; raises NotFoundError where there is none."""
    if not any(actor.may(one) for one in PROPOSERS):
        raise ForbiddenError(N_("没有权限进行此操作，请联系本机构管理员"))
    if actor.may(Permission.SESSION_WRITE):
        used = planning.rooms_of_session(session, exam_session_id, actor=actor)
        return [(room.exam_room_id, f"{room.site} {room.name}") for _used, room in used]
    rooms = rooms_in_reach(session, exam_session_id, actor=actor)
    if not rooms:
        raise NotFoundError(N_("您没有被安排在这场考试监考，请联系考务管理员"))
    return [(room.exam_room_id, f"{room.site} {room.name}") for room in rooms]


def propose(
    uow: UnitOfWork, exam_session_id: uuid.UUID, *, reason: str, note: str, admission_number: str = "",
    exam_room_id: uuid.UUID | None = None,
) -> LockdownExemption:  # fmt: skip
    """Propose to let one candidate (by admission number), or else a whole room, sit without the lockdown.

    Raises
    ------
    InvalidInputError
        With what to mend, by field.
    ConflictError
        If the session needs no browser, is over, or the same is waiting or allowed already.
    """
    found = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    reach = {key for key, _name in _rooms(uow.session, uow.actor, exam_session_id)}
    if found.status in FINISHED:
        raise ConflictError(N_("考试已经结束，不需要豁免"))
    if not repository.is_locked_down(uow.session, exam_session_id, actor=uow.actor):
        raise ConflictError(N_("本场次不限浏览器，不需要豁免"))
    _check(reason, note, admission_number, exam_room_id)
    person = _person(uow, exam_session_id, admission_number, reach) if admission_number else None
    room_id = None if person else exam_room_id
    if room_id is not None and room_id not in reach:
        raise NotFoundError(N_("考场不在本场考试中，请刷新后再选"))
    key = person.registration_id if person else None
    if repository.has_live_exemption(uow.session, exam_session_id, key, room_id):
        raise ConflictError(N_("同一考生或考场的豁免已经提出，请看下面的列表"))
    row = LockdownExemption(
        lockdown_exemption_id=new_id(), organisation_id=uow.actor.organisation, exam_session_id=exam_session_id,
        registration_id=key, exam_room_id=room_id, reason=ExemptionReason(reason), note=note.strip()[:300],
        proposed_by=uow.actor.user_id, proposed_by_name=uow.actor.name, proposed_at=now(),
    )  # fmt: skip
    uow.add(row)
    _record(uow, "ask", row)
    return row


def _check(reason: str, note: str, admission_number: str, exam_room_id: uuid.UUID | None) -> None:
    problems: dict[str, list[str]] = {}
    if reason not in set(ExemptionReason):
        problems["reason"] = [N_("请选择原因")]
    elif reason == ExemptionReason.OTHER and not note.strip():
        problems["note"] = [N_("请写明原因")]
    if not admission_number and exam_room_id is None:
        problems["admission_number"] = [N_("请填写准考证号，或选择整个考场")]
    if problems:
        raise InvalidInputError(N_("请改正标出的内容"), fields=problems)


def _person(uow: UnitOfWork, exam_session_id: uuid.UUID, number: str, reach: set[uuid.UUID]) -> Registration:
    found = repository.find_registration(uow.session, exam_session_id, number, actor=uow.actor)
    if found is None or found.exam_room_id not in reach:
        text = N_("您负责的考场里没有这个准考证号")
        raise InvalidInputError(text, fields={"admission_number": [text]})
    return found


def decide(uow: UnitOfWork, exemption_id: uuid.UUID, wanted: ExemptionState) -> LockdownExemption:
    """Approve or refuse what another person proposed, or take back what was proposed or allowed.

    Raises
    ------
    ForbiddenError
        If the actor proposed it, or has no command over the session.
    ConflictError
        If it is decided already.
    """
    row = repository.get_exemption(uow.session, exemption_id, actor=uow.actor)
    is_own = row.proposed_by is not None and row.proposed_by == uow.actor.user_id
    is_taken_back = wanted is ExemptionState.WITHDRAWN
    if not uow.actor.may(Permission.SESSION_CONTROL) and not (is_taken_back and is_own):
        raise ForbiddenError(N_("豁免由总控批准"))
    if is_own and not is_taken_back:
        raise ForbiddenError(N_("自己提出的豁免须由另一人批准"))
    if wanted not in EXEMPTION_STEPS[row.state]:
        raise ConflictError(N_("这条豁免已经处理过，请刷新后再看"))
    row.state = wanted
    row.decided_by, row.decided_by_name, row.decided_at = uow.actor.user_id, uow.actor.name, now()
    _record(uow, wanted.value, row)
    return row


def _record(uow: UnitOfWork, act: str, row: LockdownExemption) -> None:
    after = {
        "exam_session_id": str(row.exam_session_id),
        "registration_id": str(row.registration_id) if row.registration_id else None,
        "exam_room_id": str(row.exam_room_id) if row.exam_room_id else None,
    }
    verb = f"lockdown_exemption.{act}"
    audit.record(uow, verb, "lockdown_exemption", row.lockdown_exemption_id, after=after, reason=row.reason.value)
