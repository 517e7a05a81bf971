"""What has happened in the open examination: an incident, a case that two have signed, another machine, another form."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from sqlalchemy import select

from exam_delivery.models import Attempt, AttemptStatus, ExamSession, Registration
from exam_delivery.repository import candidates
from exam_delivery.rules.room import Reason
from exam_delivery.rules.standby import SwitchReason, SwitchState
from exam_delivery.services import admitting, holds, incidents, misconduct, standby
from exam_delivery.services.incidents import IncidentDraft
from exam_delivery.services.misconduct import CaseDraft
from exam_delivery.services.room_acts import Why
from exam_delivery.services.standby import SwitchPlan
from kernel.clock import now
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.uow import UnitOfWork, unit_of_work
from web.demo.people import Staff
from web.demo.rooms import FAILING_SEAT, SPARE

FACTS = "开考约二十分钟时，两名监考员看到该考生从衣袋中取出手机查看，当场制止，手机交由监考员保管。"
STATEMENT = "我承认看了手机，是想看时间，没有查答案。"


ASKING_SEAT = 16
BLURRED = "第 3 题的公式显示模糊，放大后仍看不清（演示）"
HELD = (19, 20)
"""Their places by admission number: none of those whose sign-ins are printed at the start."""
POWER = Why(Reason.POWER, "座位电源松脱，正在处理（演示）")
AWAY = Why(Reason.MISCONDUCT, "多次离开考试页面，等监考员核实（演示）")
DEVICE = (
    "192.0.2.21 Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/109.0.0.0 "
    "Safari/537.36 QIHU 360EE"
)
UNREADABLE = "第 8 题的图显示不全，换浏览器后仍不全（演示）"


def happen(staff: Staff, row: ExamSession) -> None:
    """Let the staff of the first room act on some of its candidates, and two persons give one of them the form in reserve."""
    officer = staff.actor(Role.EXAM_OFFICER)
    entries = candidates.registrations_of_session(db.session(), row.exam_session_id, actor=officer)
    seated = [one for one, _person, _room in entries if one.exam_room_id == entries[0][0].exam_room_id]
    in_order = sorted(seated, key=lambda one: one.seat_number or 0)
    write_down(staff, row, in_order)
    swap_machine(staff, row, next(one for one in in_order if one.seat_number == FAILING_SEAT))
    for form_id in row.standby_form_ids[:1]:
        give_standby(staff, row, in_order[-3], form_id)
        propose_standby(staff, row, next(one for one in in_order if one.seat_number == ASKING_SEAT), form_id, BLURRED)
    hold_two(staff, row)


def hold_two(staff: Staff, row: ExamSession) -> None:
    """Let two candidates have begun and be held, so that the room has something to look at that does not pass by itself."""
    for number, (hold, why) in zip(HELD, ((holds.pause, POWER), (holds.lock, AWAY)), strict=True):
        with unit_of_work(staff.actor(Role.EXAM_OFFICER)) as uow:
            attempt = _begin(uow, row, number)
        if attempt is not None:
            with unit_of_work(staff.actor(Role.INVIGILATOR)) as uow:
                hold(uow, row.exam_session_id, attempt, why=why)


def _begin(uow: UnitOfWork, row: ExamSession, number: int) -> uuid.UUID | None:
    """Let the n-th candidate by admission number begin; return the attempt, None where there are not so many."""
    query = (
        select(Attempt)
        .join(Registration, Registration.registration_id == Attempt.registration_id)
        .where(Attempt.exam_session_id == row.exam_session_id, Attempt.status == AttemptStatus.WAITING)
        .order_by(Registration.admission_number)
    )
    attempt = uow.session.scalars(query.offset(number - 1).limit(1)).first()
    if attempt is None:
        return None
    at = now()
    attempt.status, attempt.holder_generation, attempt.device = AttemptStatus.IN_PROGRESS, 1, DEVICE
    attempt.signed_in_at = attempt.started_at = attempt.last_contact_at = at
    attempt.deadline_at = min(at + dt.timedelta(seconds=attempt.duration_seconds), attempt.ends_at)
    return attempt.attempt_id


def write_down(staff: Staff, row: ExamSession, seated: Sequence[Registration]) -> None:
    """Let the two invigilators write down an incident and sign a case about the last candidate."""
    first, second = (staff.actor(Role.INVIGILATOR, n) for n in (1, 2))
    *_others, neighbour, last = seated
    draft = IncidentDraft("device", "键盘个别按键失灵，已更换键盘，考生继续准备。", people=[neighbour.registration_id])
    with unit_of_work(first) as uow:
        incidents.record(uow, row.exam_session_id, draft)
    with unit_of_work(first) as uow:
        case = misconduct.propose(uow, row.exam_session_id, last.registration_id, CaseDraft("phone", FACTS, STATEMENT))
    for signer in (first, second):
        with unit_of_work(first) as uow:
            misconduct.sign(uow, case.misconduct_case_id, signer=signer)


def swap_machine(staff: Staff, row: ExamSession, who: Registration) -> None:
    """Put the spare machine at the seat whose own cannot keep answers."""
    why = Why(Reason.DEVICE, "本机存不下答案（演示）")
    with unit_of_work(staff.actor(Role.INVIGILATOR)) as uow:
        admitting.swap_device(uow, row.exam_session_id, who.registration_id, code=SPARE, why=why)


def give_standby(staff: Staff, row: ExamSession, who: Registration, form_id: str) -> None:
    """Let the officer propose the form in reserve for one candidate, and the chief invigilator carry it out."""
    key = propose_standby(staff, row, who, form_id, UNREADABLE)
    with unit_of_work(staff.actor(Role.CHIEF_INVIGILATOR)) as uow:
        standby.decide(uow, row.exam_session_id, key, SwitchState.DONE)


def propose_standby(staff: Staff, row: ExamSession, who: Registration, form_id: str, note: str) -> uuid.UUID:
    """Let the officer propose the form in reserve for one candidate; return the proposal, which waits for the chief."""
    plan = SwitchPlan(form_id, SwitchReason.DAMAGED, note, who.admission_number or "")
    with unit_of_work(staff.actor(Role.EXAM_OFFICER)) as uow:
        return standby.propose(uow, row.exam_session_id, plan).form_switch_id
