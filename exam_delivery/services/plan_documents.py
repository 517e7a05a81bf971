"""An examination plan on paper for filing, and as a workbook with what became of it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from exam_delivery.documents.plans import PlanSheet, SheetAmendment, SheetLine, plan_pdf
from exam_delivery.models import ExamPlan, ExamPlanAmendment, ExamPlanLine
from exam_delivery.repository import plans as repository
from exam_delivery.rules.plans import AMENDMENT_LABELS, period_name
from exam_delivery.services.plan_progress import BatchProgress, LineProgress, PlanProgress, find_progress
from exam_delivery.services.plans import require_reader
from kernel import audit
from kernel.clock import OFFICIAL_ZONE
from kernel.identity.repository import get_organisation
from kernel.spreadsheets import Cell, TableSheet, write_table
from kernel.uow import UnitOfWork

UNFILED = "尚未备案"
LINE_HEADINGS = (
    "职业编码", "职业", "等级", "计划开始", "计划结束", "计划人数", "批次", "场次数", "报名人数", "参考人数", "备注",
)  # fmt: skip
BATCH_HEADINGS = ("批次编号", "批次名称", "职业", "等级", "第一场", "场次数", "报名人数", "参考人数", "与计划")
AMENDMENT_HEADINGS = ("序号", "日期", "变更", "变更前", "变更后", "理由", "经办人")
FACT_LABELS = {"level": "", "filing_number": "备案编号", "filed_on": "备案日期", "note": "备注"}


def print_plan(uow: UnitOfWork, exam_plan_id: uuid.UUID) -> tuple[str, bytes]:
    """Return title and PDF of a plan as it is filed; the printing is audited."""
    require_reader(uow.actor)
    plan = repository.get_plan(uow.session, exam_plan_id, actor=uow.actor)
    amendments = repository.amendments_of(uow.session, exam_plan_id, actor=uow.actor)
    sheet = PlanSheet(
        organisation=get_organisation(uow.session, plan.organisation_id).name, title=plan.title, period=_period(plan),
        filing_number=plan.filing_number or UNFILED, filed_on=str(plan.filed_on or UNFILED), note=plan.note,
        lines=tuple(map(_sheet_line, repository.lines_of(uow.session, exam_plan_id, actor=uow.actor))),
        amendments=tuple(SheetAmendment(*_amendment(one)) for one in reversed(amendments)),
    )  # fmt: skip
    audit.record(uow, "exam_plan.print", "exam_plan", exam_plan_id, after={"n_lines": len(sheet.lines)})
    return plan.title, plan_pdf(sheet)


def _period(plan: ExamPlan) -> str:
    template, values = period_name(plan.starts_on, plan.ends_on)
    return template % values


def _sheet_line(line: ExamPlanLine) -> SheetLine:
    return SheetLine(
        line.occupation_code, line.occupation_name, line.level_name, _dates(line.starts_on, line.ends_on),
        line.n_planned, line.note,
    )  # fmt: skip


def _dates(starts_on: dt.date, ends_on: dt.date) -> str:
    template, values = period_name(starts_on, ends_on)
    return template % values if starts_on != ends_on else starts_on.isoformat()


def _amendment(one: ExamPlanAmendment) -> tuple[int, str, str, str, str, str, str]:
    day = one.amended_at.astimezone(OFFICIAL_ZONE).date().isoformat()
    kind = AMENDMENT_LABELS[one.kind]
    return one.number, day, kind, facts_text(one.before), facts_text(one.after), one.reason, one.amended_by_name


def facts_text(facts: Mapping[str, Any]) -> str:
    """Return what an amendment keeps as words.

    >>> facts_text({"level": "电工 三级", "starts_on": "2026-03-01", "ends_on": "2026-03-31", "n_planned": 60, "note": ""})
    '电工 三级，2026-03-01 至 2026-03-31，60 人'
    """
    parts = [str(facts["level"])] if facts.get("level") else []
    if facts.get("starts_on"):
        parts += [f"{facts['starts_on']} 至 {facts['ends_on']}", f"{facts['n_planned']} 人"]
    parts += [f"{label} {facts[key]}" for key, label in FACT_LABELS.items() if label and facts.get(key)]
    return "，".join(parts)


def export_plan(uow: UnitOfWork, exam_plan_id: uuid.UUID) -> tuple[str, bytes]:
    """Return title and workbook of a plan: lines beside what became of them, batches, amendments; audited."""
    require_reader(uow.actor)
    plan = repository.get_plan(uow.session, exam_plan_id, actor=uow.actor)
    progress = find_progress(uow.session, plan, actor=uow.actor)
    amendments = repository.amendments_of(uow.session, exam_plan_id, actor=uow.actor)
    audit.record(uow, "exam_plan.export", "exam_plan", exam_plan_id, after={"n_lines": len(progress.lines)})
    sheets = [
        TableSheet("计划与执行", LINE_HEADINGS, list(map(_line_row, progress.lines)), title=plan.title),
        TableSheet("批次", BATCH_HEADINGS, _batch_rows(progress)),
        TableSheet("变更", AMENDMENT_HEADINGS, [_amendment(one) for one in reversed(amendments)]),
    ]
    return plan.title, write_table(sheets)


def _line_row(one: LineProgress) -> list[Cell]:
    line = one.line
    codes = "、".join(found.batch.code for found in one.batches)
    return [
        line.occupation_code, line.occupation_name, line.level_name, line.starts_on, line.ends_on, line.n_planned, codes,
        one.n_sessions, one.n_registered, one.n_sat, line.note,
    ]  # fmt: skip


def _batch_rows(progress: PlanProgress) -> list[list[Cell]]:
    inside = [
        _batch_row(batch, "不在计划的日期" if batch.is_off_dates else "")
        for one in progress.lines
        for batch in one.batches
    ]
    return inside + [_batch_row(batch, "计划外") for batch in progress.outside]


def _batch_row(one: BatchProgress, remark: str) -> list[Cell]:
    batch, first = one.batch, one.days[0] if one.days else None
    return [
        batch.code, batch.name, batch.occupation_name, batch.level_name, first, one.n_sessions, one.n_registered,
        one.n_sat, remark,
    ]  # fmt: skip
