"""The lines of an examination plan: free in a draft, by amendments with a reason once the plan is filed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy.orm import Session

from blueprints.public_levels import LevelInfo, list_levels
from exam_delivery.models import ExamPlan, ExamPlanLine, PlanStatus
from exam_delivery.repository import plans as repository
from exam_delivery.rules.plans import AmendmentKind, LineDraft, check_line
from exam_delivery.services.forms import LevelChoice, levels_with_forms
from exam_delivery.services.plans import MEND, WHY, Facts, amend, line_facts, refuse_closed
from exam_delivery.services.versions import check_version
from kernel import audit
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require, system_actor
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class PlannedLevel:
    """An occupation and level that can be planned; its forms may not exist yet."""

    standard_level_id: uuid.UUID
    occupation_code: str
    occupation_name: str
    level_code: str
    level_name: str


def plannable_levels(session: Session, actor: Actor) -> list[PlannedLevel]:
    """Return the levels of the bank's standards and of sealed forms, each occupation and level once, by name."""
    reader = system_actor(actor.organisation, name="plans")  # who plans need not be a reader of standards
    levels: list[LevelInfo | LevelChoice] = [*list_levels(session, reader), *levels_with_forms(session, actor)]
    found = {
        (one.occupation_code, one.level_code): PlannedLevel(
            one.standard_level_id, one.occupation_code, one.occupation_name, one.level_code, one.level_name
        )
        for one in levels
    }
    return sorted(found.values(), key=lambda one: (one.occupation_name, one.occupation_code, one.level_code))


def add_line(uow: UnitOfWork, exam_plan_id: uuid.UUID, draft: LineDraft, *, reason: str = "") -> ExamPlanLine:
    """Add a line to a plan."""
    plan = _plan_to_change(uow, exam_plan_id)
    levels = {str(one.standard_level_id): one for one in plannable_levels(uow.session, uow.actor)}
    level = levels.get(draft.standard_level_id)
    problems = _problems(plan, draft, reason)
    if level is None:
        problems["standard_level_id"] = [N_("请选择职业和等级；没有可选项时，请先由题库管理员建立职业标准")]
    if problems or level is None:
        raise InvalidInputError(MEND, fields=problems)
    line = ExamPlanLine(
        exam_plan_line_id=new_id(), organisation_id=plan.organisation_id, exam_plan_id=exam_plan_id,
        standard_level_id=level.standard_level_id, occupation_code=level.occupation_code,
        occupation_name=level.occupation_name, level_code=level.level_code, level_name=level.level_name,
        starts_on=draft.begin, ends_on=draft.end, n_planned=draft.n_planned, note=draft.note,
    )  # fmt: skip
    uow.add(line)
    _keep(uow, plan, AmendmentKind.ADD, before={}, after=line_facts(line), reason=reason)
    return line


def change_line(
    uow: UnitOfWork, exam_plan_id: uuid.UUID, line_id: uuid.UUID, draft: LineDraft, *, version: int, reason: str = ""
) -> ExamPlanLine:
    """Change when a line is and how many it plans; its occupation and level are fixed."""
    plan = _plan_to_change(uow, exam_plan_id)
    line = repository.get_line(uow.session, exam_plan_id, line_id, actor=uow.actor)
    check_version(line.version, version)
    if problems := _problems(plan, draft, reason):
        raise InvalidInputError(MEND, fields=problems)
    before = line_facts(line)
    line.starts_on, line.ends_on, line.note = draft.begin, draft.end, draft.note
    line.n_planned = draft.n_planned or line.n_planned
    if line_facts(line) != before:
        _keep(uow, plan, AmendmentKind.CHANGE, before=before, after=line_facts(line), reason=reason)
    return line


def remove_line(uow: UnitOfWork, exam_plan_id: uuid.UUID, line_id: uuid.UUID, *, reason: str = "") -> None:
    """Take a line out of a plan; batches that carried it out are then shown as outside the plan."""
    plan = _plan_to_change(uow, exam_plan_id)
    line = repository.get_line(uow.session, exam_plan_id, line_id, actor=uow.actor)
    if plan.status is PlanStatus.FILED:
        if not 1 <= len(reason) <= 300:
            raise InvalidInputError(WHY)
        if len(repository.lines_of(uow.session, exam_plan_id, actor=uow.actor)) == 1:
            raise ConflictError(N_("已备案的计划至少保留一行；整个计划不再执行时，请结束计划"))
    uow.session.delete(line)
    _keep(uow, plan, AmendmentKind.REMOVE, before=line_facts(line), after={}, reason=reason)


def _plan_to_change(uow: UnitOfWork, exam_plan_id: uuid.UUID) -> ExamPlan:
    require(uow.actor, Permission.SESSION_WRITE)
    plan = repository.lock_plan(uow.session, exam_plan_id, actor=uow.actor)
    refuse_closed(plan)
    return plan


def _problems(plan: ExamPlan, draft: LineDraft, reason: str) -> dict[str, list[str]]:
    problems = check_line(draft, plan.starts_on, plan.ends_on)
    if plan.status is PlanStatus.FILED and not 1 <= len(reason) <= 300:
        problems["reason"] = [WHY]
    return problems


def _keep(uow: UnitOfWork, plan: ExamPlan, kind: AmendmentKind, *, before: Facts, after: Facts, reason: str) -> None:
    """Audit a change of the lines; that of a filed plan is an amendment too."""
    if plan.status is PlanStatus.FILED:
        amend(uow, plan, kind, before=before, after=after, reason=reason)
    told = {**after, "reason": reason}
    audit.record(uow, f"exam_plan.{kind.value}_line", "exam_plan", plan.exam_plan_id, before=dict(before), after=told)
