"""The demonstration's batch of two sessions on different forms: common items, a power cut, one scale for both by two persons."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from exam_delivery.models import ExamSession
from exam_delivery.repository import candidates
from exam_delivery.rules.equating_keys import APPLIES
from exam_delivery.rules.reopening import ReopeningState
from exam_delivery.rules.room import Reason
from exam_delivery.services import equating, reopening, running
from exam_delivery.services import equating_decisions as decisions
from exam_delivery.services.equating import Plan
from exam_delivery.services.reopening import ReopeningPlan
from kernel import profiles
from kernel.clock import now, shifted, today
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from web.demo.exams import ExamOutline, plan_batch, prepare_session
from web.demo.people import Staff, read_people
from web.demo.results import release_batch, run_waiting_jobs
from web.demo.sitting import Crowd, go_on, sit

FIRST, SECOND, DECIDED = dt.timedelta(days=-7), dt.timedelta(days=-6), dt.timedelta(days=-5)
POWER_CUT, WENT_ON, CLOSED_AGAIN = dt.timedelta(hours=3), dt.timedelta(hours=3, minutes=5), dt.timedelta(hours=4)
MINUTES_BACK = 30
ABILITIES = 0.3, 0.7
"""The second session's people are a little abler: what is left of the difference after the common items is the forms'."""
CUT_OFF = 5
REASON = "两场考生由不同单位报名，水平不一；共同题的内容比例与试卷相近，没有异常的题（演示）。"
NAME = "演示·电工四级理论考试（两场两卷）"


def load_scales(staff: Staff, level_id: uuid.UUID, form_ids: Sequence[uuid.UUID]) -> uuid.UUID:
    """Hold both sessions, put them on one scale and release; return the batch."""
    people = read_people()["equated_candidates"]
    half = len(people) // 2
    with shifted(FIRST):
        batch_id = plan_batch(staff, level_id, "DEMO-EQUATED", NAME)
        first = prepare_session(staff, batch_id, form_ids[:1], _outline("第一场"), people[:half])
        sit(staff, first, Crowd(ABILITIES[0], has_copier=False))
    with shifted(SECOND):
        _close(staff, first)
        second = prepare_session(staff, batch_id, form_ids[1:], _outline("第二场"), people[half:])
        sit(staff, second, Crowd(ABILITIES[1], has_copier=False, cut_off=CUT_OFF))
    go_on_after_power_cut(staff, second)
    with shifted(DECIDED):
        run_waiting_jobs()
        decide(staff, batch_id)
        release_batch(staff, batch_id)
        _follow_equating(staff, applies=False, note="试行结束，成绩按原始分（演示）")
    return batch_id


def _outline(name: str) -> ExamOutline:
    start = now().replace(minute=0, second=0, microsecond=0) + dt.timedelta(hours=1)
    end = start + dt.timedelta(minutes=90)
    return ExamOutline("", f"{NAME}{name}", ("二考场", "三考场", "四考场", "五考场"), start, end)


def _close(staff: Staff, row: ExamSession) -> None:
    with unit_of_work(staff.actor(Role.EXAM_OFFICER)) as uow:
        running.close_session(uow, row.exam_session_id)


def go_on_after_power_cut(staff: Staff, row: ExamSession) -> None:
    """Close a session while somebody sits in the dark, and let two persons open that one attempt again."""
    with shifted(SECOND + POWER_CUT):
        number = _cut_off(staff, row)
        _close(staff, row)
        plan = ReopeningPlan(str(MINUTES_BACK), Reason.POWER, "考生所在一排断电二十余分钟（演示）", number)
        with unit_of_work(staff.actor(Role.EXAM_OFFICER)) as uow:
            found = reopening.propose(uow, row.exam_session_id, plan)
        with unit_of_work(staff.actor(Role.CHIEF_INVIGILATOR)) as uow:
            reopening.decide(uow, row.exam_session_id, found.session_reopening_id, ReopeningState.DONE)
    with shifted(SECOND + WENT_ON):
        go_on(staff, row)
    with shifted(SECOND + CLOSED_AGAIN):
        _close(staff, row)


def _cut_off(staff: Staff, row: ExamSession) -> str:
    officer = staff.actor(Role.EXAM_OFFICER)
    people = candidates.registrations_of_session(db.session(), row.exam_session_id, actor=officer)
    return sorted(one.admission_number or "" for one, _person, _room in people)[CUT_OFF]


def decide(staff: Staff, batch_id: uuid.UUID) -> None:
    """Let equating count, propose what the page shows, and let another person approve it."""
    _follow_equating(staff, applies=True, note="试行等值（演示）")
    first, second = (staff.actor(Role.EXAM_OFFICER, number) for number in (1, 2))
    study = equating.study(db.session(), first, batch_id, Plan())
    with unit_of_work(first) as uow:
        found = decisions.propose(uow, batch_id, Plan(), confirmed_digest=study.digest, reason=REASON)
    with unit_of_work(second) as uow:
        decisions.approve(uow, found.equating_id, confirmed_digest=study.digest, reason="核对了人数、锚题和换算表。")


def _follow_equating(staff: Staff, *, applies: bool, note: str) -> None:
    """Publish the rules that hold, with or without equating."""
    admin = staff.actor(Role.ORGANISATION_ADMIN)
    with unit_of_work(admin) as uow:
        values = profiles.values(uow.session, admin.organisation) | {APPLIES: applies}
        profiles.publish(uow, values, effective_on=today(), note=note)
