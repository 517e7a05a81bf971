"""Making, filing, amending and closing examination plans, and which plan a batch may carry out."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exam_delivery.models import ExamPlan, ExamPlanAmendment, ExamPlanLine, PlanStatus
from exam_delivery.repository import plans as repository
from exam_delivery.rules.plans import AmendmentKind, PlanDraft, check_plan
from exam_delivery.services.versions import check_version
from kernel import audit
from kernel.clock import now, today
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

MEND = N_("请改正标出的内容后重新保存")
CLOSED = N_("计划已结束，不能再改；确需修改，请先恢复执行")
READERS = (Permission.SESSION_WRITE, Permission.SUPERVISE, Permission.CERTIFICATION_READ)
"""Who reads plans: officers who make them, supervisors who review them, certification officers who report by them."""
Facts = Mapping[str, Any]
WHY = N_("计划已备案，请写明变更的理由，不超过 300 字")


@dataclass(frozen=True, slots=True)
class Filing:
    """How a plan was filed, as an officer notes it."""

    number: str
    filed_on: dt.date | None
    reason: str = ""


def require_reader(actor: Actor) -> None:
    """Refuse those who have nothing to do with plans."""
    if not any(actor.may(one) for one in READERS):
        require(actor, READERS[0])


def create_plan(uow: UnitOfWork, draft: PlanDraft) -> ExamPlan:
    """Create a plan without lines."""
    require(uow.actor, Permission.SESSION_WRITE)
    _refuse_bad_head(uow, draft, except_plan=None)
    plan = ExamPlan(
        exam_plan_id=new_id(), organisation_id=uow.actor.organisation, title=draft.title, starts_on=draft.starts_on,
        ends_on=draft.ends_on, note=draft.note, status=PlanStatus.DRAFT, created_by=uow.actor.user_id, created_at=now(),
    )  # fmt: skip
    uow.add(plan)
    audit.record(uow, "exam_plan.create", "exam_plan", plan.exam_plan_id, after=_head(plan))
    return plan


def edit_plan(uow: UnitOfWork, exam_plan_id: uuid.UUID, draft: PlanDraft, *, version: int) -> ExamPlan:
    """Change the head of a plan that is not filed yet; its lines have to stay inside the period."""
    require(uow.actor, Permission.SESSION_WRITE)
    plan = repository.lock_plan(uow.session, exam_plan_id, actor=uow.actor)
    check_version(plan.version, version)
    if plan.status is not PlanStatus.DRAFT:
        raise ConflictError(N_("计划已备案，名称和周期不能再改；计划行可以写明理由变更"))
    _refuse_bad_head(uow, draft, except_plan=exam_plan_id)
    _refuse_lines_outside(uow, plan, draft)
    before = _head(plan)
    plan.title, plan.note = draft.title, draft.note
    plan.starts_on, plan.ends_on = draft.starts_on or plan.starts_on, draft.ends_on or plan.ends_on
    audit.record(uow, "exam_plan.edit", "exam_plan", exam_plan_id, before=before, after=_head(plan))
    return plan


def _refuse_bad_head(uow: UnitOfWork, draft: PlanDraft, *, except_plan: uuid.UUID | None) -> None:
    problems = check_plan(draft)
    same = repository.find_plan_by_title(uow.session, draft.title, actor=uow.actor)
    if "title" not in problems and same is not None and same.exam_plan_id != except_plan:
        problems["title"] = [N_("已有同名的考试计划，请换一个名称")]
    if problems:
        raise InvalidInputError(MEND, fields=problems)


def _refuse_lines_outside(uow: UnitOfWork, plan: ExamPlan, draft: PlanDraft) -> None:
    lines = repository.lines_of(uow.session, plan.exam_plan_id, actor=uow.actor)
    first, last = draft.starts_on or plan.starts_on, draft.ends_on or plan.ends_on
    if any(line.starts_on < first or line.ends_on > last for line in lines):
        raise InvalidInputError(MEND, fields={"ends_on": [N_("有计划行的日期落在周期以外，请先改计划行")]})


def _head(plan: ExamPlan) -> dict[str, str]:
    return {"title": plan.title, "starts_on": str(plan.starts_on), "ends_on": str(plan.ends_on)}


def delete_plan(uow: UnitOfWork, exam_plan_id: uuid.UUID) -> None:
    """Delete a draft that no batch was given to, with its lines."""
    require(uow.actor, Permission.SESSION_WRITE)
    plan = repository.lock_plan(uow.session, exam_plan_id, actor=uow.actor)
    if plan.status is not PlanStatus.DRAFT or repository.batches_of(uow.session, exam_plan_id, actor=uow.actor):
        raise ConflictError(N_("计划已备案或已有批次，不能删除"))
    for line in repository.lines_of(uow.session, exam_plan_id, actor=uow.actor):
        uow.session.delete(line)
    uow.flush()  # the lines name the plan
    uow.session.delete(plan)
    audit.record(uow, "exam_plan.delete", "exam_plan", exam_plan_id, before=_head(plan))


def file_plan(uow: UnitOfWork, exam_plan_id: uuid.UUID, filing: Filing) -> ExamPlan:
    """Note that a plan was filed; a second time this mends number and day, with a reason."""
    require(uow.actor, Permission.SESSION_WRITE)
    plan = repository.lock_plan(uow.session, exam_plan_id, actor=uow.actor)
    refuse_closed(plan)
    _refuse_bad_filing(uow, plan, filing)
    before = _filing_of(plan)
    was_filed = plan.status is PlanStatus.FILED
    plan.filing_number, plan.filed_on, plan.status = filing.number, filing.filed_on, PlanStatus.FILED
    if was_filed:
        amend(uow, plan, AmendmentKind.FILING, before=before, after=_filing_of(plan), reason=filing.reason)
    audit.record(uow, "exam_plan.file", "exam_plan", exam_plan_id, before=before, after=_filing_of(plan))
    return plan


def _filing_of(plan: ExamPlan) -> dict[str, str]:
    return {"filing_number": plan.filing_number, "filed_on": str(plan.filed_on or "")}


def _refuse_bad_filing(uow: UnitOfWork, plan: ExamPlan, filing: Filing) -> None:
    problems: dict[str, list[str]] = {}
    if not repository.lines_of(uow.session, plan.exam_plan_id, actor=uow.actor):
        raise ConflictError(N_("计划还没有计划行，不能备案"))
    if not 1 <= len(filing.number) <= 80:
        problems["filing_number"] = [N_("请填写备案编号，不超过 80 字")]
    if filing.filed_on is None or filing.filed_on > today():
        problems["filed_on"] = [N_("请填写备案日期，不能晚于今天")]
    if plan.status is PlanStatus.FILED and not 1 <= len(filing.reason) <= 300:
        problems["reason"] = [WHY]
    if problems:
        raise InvalidInputError(MEND, fields=problems)


def close_plan(uow: UnitOfWork, exam_plan_id: uuid.UUID) -> None:
    """Close a filed plan: it is carried out or given up, takes no further batch and no amendment."""
    require(uow.actor, Permission.SESSION_WRITE)
    plan = repository.lock_plan(uow.session, exam_plan_id, actor=uow.actor)
    if plan.status is not PlanStatus.FILED:
        raise ConflictError(N_("只有已备案的计划可以结束"))
    plan.status = PlanStatus.CLOSED
    audit.record(uow, "exam_plan.close", "exam_plan", exam_plan_id)


def reopen_plan(uow: UnitOfWork, exam_plan_id: uuid.UUID, reason: str) -> None:
    """Take the closing of a plan back, with a reason."""
    require(uow.actor, Permission.SESSION_WRITE)
    plan = repository.lock_plan(uow.session, exam_plan_id, actor=uow.actor)
    if plan.status is not PlanStatus.CLOSED:
        raise ConflictError(N_("计划没有结束，不用恢复"))
    if not 1 <= len(reason) <= 300:
        raise InvalidInputError(N_("请写明恢复执行的理由，不超过 300 字"))
    plan.status = PlanStatus.FILED
    amend(uow, plan, AmendmentKind.REOPEN, before={}, after={}, reason=reason)
    audit.record(uow, "exam_plan.reopen", "exam_plan", exam_plan_id, after={"reason": reason})


def refuse_closed(plan: ExamPlan) -> None:
    """Refuse any change of a plan that was closed."""
    if plan.status is PlanStatus.CLOSED:
        raise ConflictError(CLOSED)


def amend(uow: UnitOfWork, plan: ExamPlan, kind: AmendmentKind, *, before: Facts, after: Facts, reason: str) -> None:
    """Keep an amendment of a filed plan whose row is locked."""
    number = len(repository.amendments_of(uow.session, plan.exam_plan_id, actor=uow.actor)) + 1
    amendment = ExamPlanAmendment(
        exam_plan_id=plan.exam_plan_id, organisation_id=plan.organisation_id, number=number, kind=kind,
        before=dict(before), after=dict(after), reason=reason, amended_by=uow.actor.user_id,
        amended_by_name=uow.actor.name, amended_at=now(),
    )  # fmt: skip
    uow.add(amendment)


def line_facts(line: ExamPlanLine) -> dict[str, Any]:
    """Return what an amendment keeps of a line."""
    return {
        "level": f"{line.occupation_name} {line.level_name}", "starts_on": str(line.starts_on),
        "ends_on": str(line.ends_on), "n_planned": line.n_planned, "note": line.note,
    }  # fmt: skip
