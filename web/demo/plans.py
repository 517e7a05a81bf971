"""The demonstration's examination plan: filed, amended once, carried out by the batches of its level."""

from __future__ import annotations

import datetime as dt
import uuid

from exam_delivery.models import ExamPlan
from exam_delivery.repository import planning
from exam_delivery.rules.plans import LineDraft, PlanDraft, month_end
from exam_delivery.services import batches, plan_lines, plans
from exam_delivery.services.batches import BatchPlan
from exam_delivery.services.plans import Filing
from kernel.clock import today
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from web.demo.people import Staff

FILED_BEFORE = dt.timedelta(days=90)


def load_plan(staff: Staff, level_id: uuid.UUID) -> ExamPlan:
    """Write a plan of a year with two lines, file it, amend it, and give it the batches of the level."""
    officer = staff.actor(Role.EXAM_OFFICER)
    first = (today() - FILED_BEFORE).replace(day=1)
    last = month_end(first + dt.timedelta(days=350))
    note = "演示数据：前一行正在执行，后一行还没有批次。"
    with unit_of_work(officer) as uow:
        plan = plans.create_plan(uow, PlanDraft("演示·年度考试计划", first, last, note))
    level = str(level_id)
    present = LineDraft(level, first, month_end(today() + dt.timedelta(days=30)), 400)
    later = LineDraft(level, (today() + dt.timedelta(days=120)).replace(day=1), None, 120, "第二次")
    with unit_of_work(officer) as uow:
        plan_lines.add_line(uow, plan.exam_plan_id, present)
        line = plan_lines.add_line(uow, plan.exam_plan_id, later)
    with unit_of_work(officer) as uow:
        plans.file_plan(uow, plan.exam_plan_id, Filing("演示备案 001", today() - FILED_BEFORE))
    more = LineDraft(level, line.starts_on, line.ends_on, 150, line.note)
    with unit_of_work(officer) as uow:
        plan_lines.change_line(
            uow, plan.exam_plan_id, line.exam_plan_line_id, more, version=line.version, reason="企业增报 30 人（演示）"
        )
    _give_batches(staff, plan, level_id)
    return plan


def _give_batches(staff: Staff, plan: ExamPlan, level_id: uuid.UUID) -> None:
    officer = staff.actor(Role.EXAM_OFFICER)
    rows, _total = planning.list_batches(db.session(), actor=officer, per_page=200)
    for row in rows:
        if row.standard_level_id == level_id and row.exam_plan_id is None:
            wanted = BatchPlan(row.code, row.name, exam_plan_id=str(plan.exam_plan_id))
            with unit_of_work(officer) as uow:
                batches.edit_batch(uow, row.exam_batch_id, wanted, version=row.version)
