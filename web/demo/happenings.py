"""What has happened in a room of the open examination: an incident, and a misconduct case that two have signed."""

from __future__ import annotations

from exam_delivery.models import ExamSession
from exam_delivery.repository import candidates
from exam_delivery.services import incidents, misconduct
from exam_delivery.services.incidents import IncidentDraft
from exam_delivery.services.misconduct import CaseDraft
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from web.demo.people import Staff

FACTS = "开考约二十分钟时，两名监考员看到该考生从衣袋中取出手机查看，当场制止，手机交由监考员保管。"
STATEMENT = "我承认看了手机，是想看时间，没有查答案。"


def happen(staff: Staff, row: ExamSession) -> None:
    """Let the two invigilators of the first room write down an incident and sign a case about its last candidate."""
    first, second = (staff.actor(Role.INVIGILATOR, n) for n in (1, 2))
    entries = candidates.registrations_of_session(db.session(), row.exam_session_id, actor=first)
    seated = [one for one, _person, _room in entries if one.exam_room_id == entries[0][0].exam_room_id]
    *_others, neighbour, last = sorted(seated, key=lambda one: one.seat_number or 0)
    draft = IncidentDraft("device", "键盘个别按键失灵，已更换键盘，考生继续准备。", people=[neighbour.registration_id])
    with unit_of_work(first) as uow:
        incidents.record(uow, row.exam_session_id, draft)
    with unit_of_work(first) as uow:
        case = misconduct.propose(uow, row.exam_session_id, last.registration_id, CaseDraft("phone", FACTS, STATEMENT))
    for signer in (first, second):
        with unit_of_work(first) as uow:
            misconduct.sign(uow, case.misconduct_case_id, signer=signer)
