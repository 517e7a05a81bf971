"""Which examination plan a batch carries out."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from exam_delivery.models import ExamBatch, ExamPlan, PlanStatus
from exam_delivery.repository import plans
from exam_delivery.rules.plans import line_of
from exam_delivery.services.forms import LevelChoice
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class PlanChoice:
    """The plan that a batch is given to, or why it cannot be."""

    exam_plan_id: uuid.UUID | None = None
    is_outside: bool = False
    problems: Mapping[str, list[str]] = field(default_factory=dict)


def choose_plan(
    uow: UnitOfWork,
    chosen: str,
    level: LevelChoice | ExamBatch | None,
    *,
    present: uuid.UUID | None = None,
    accepts_outside: bool = False,
) -> PlanChoice:
    """Look whether a batch of a level may be given to a plan; one that it has already stays, whatever became of it."""
    if not chosen:
        return PlanChoice()
    if present is not None and chosen == str(present):
        return PlanChoice(present)
    plan = _find(uow, chosen)
    if plan is None:
        return _refused(N_("请从列表中选择考试计划"))
    if plan.status is PlanStatus.CLOSED:
        return _refused(N_("这个考试计划已结束，不能再挂批次"))
    return _beside_lines(uow, plan, level, accepts_outside=accepts_outside)


def _find(uow: UnitOfWork, chosen: str) -> ExamPlan | None:
    try:
        return plans.lock_plan(uow.session, uuid.UUID(chosen), actor=uow.actor)
    except (NotFoundError, ValueError):
        return None


def _beside_lines(
    uow: UnitOfWork, plan: ExamPlan, level: LevelChoice | ExamBatch | None, *, accepts_outside: bool
) -> PlanChoice:
    if level is None:
        return PlanChoice(plan.exam_plan_id)
    lines = plans.lines_of(uow.session, plan.exam_plan_id, actor=uow.actor)
    is_outside = line_of(lines, level.occupation_code, level.level_code, None) is None
    if is_outside and not accepts_outside:
        return _refused(N_("这个考试计划中没有本批次的职业和等级；请换一个计划、先变更计划，或勾选“作为计划外批次”"))
    return PlanChoice(plan.exam_plan_id, is_outside)


def _refused(message: str) -> PlanChoice:
    return PlanChoice(problems={"exam_plan_id": [message]})
