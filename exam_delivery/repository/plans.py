"""Examination plans, their lines and amendments, and what the batches of a plan have come to."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, distinct, func, or_, select
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    ExamBatch,
    ExamPlan,
    ExamPlanAmendment,
    ExamPlanLine,
    PlanStatus,
    Registration,
    RegistrationStatus,
)
from exam_delivery.repository.planning import count_rows, escape_like
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.lists import UNORDERED, Order, ordered_by

NOT_FOUND = N_("考试计划不存在，可能已被删除")


ORDERS: dict[str, Any] = {
    "title": ExamPlan.title, "starts": ExamPlan.starts_on, "ends": ExamPlan.ends_on, "status": ExamPlan.status,
    "filed": ExamPlan.filed_on, "filing": ExamPlan.filing_number,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlanCounts:
    """What a plan has at a glance."""

    n_lines: int = 0
    n_planned: int = 0
    n_batches: int = 0


def get_plan(session: Session, exam_plan_id: uuid.UUID, *, actor: Actor) -> ExamPlan:
    """Return a plan of the actor's organisation."""
    plan = session.get(ExamPlan, exam_plan_id)
    if plan is None or plan.organisation_id != actor.organisation:
        raise NotFoundError(NOT_FOUND)
    return plan


def lock_plan(session: Session, exam_plan_id: uuid.UUID, *, actor: Actor) -> ExamPlan:
    """Return a plan locked for a change of what it holds."""
    query = select(ExamPlan).where(
        ExamPlan.exam_plan_id == exam_plan_id, ExamPlan.organisation_id == actor.organisation
    )
    plan = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if plan is None:
        raise NotFoundError(NOT_FOUND)
    return plan


def find_plan_by_title(session: Session, title: str, *, actor: Actor) -> ExamPlan | None:
    """Return the plan of a title."""
    return session.scalar(
        select(ExamPlan).where(ExamPlan.organisation_id == actor.organisation, ExamPlan.title == title)
    )


def list_plans(
    session: Session,
    *,
    actor: Actor,
    text: str = "",
    status: PlanStatus | None = None,
    order: Order = UNORDERED,
    page: int = 1,
    per_page: int = 50,
) -> tuple[Sequence[ExamPlan], int]:
    """Return one page of plans, latest period first unless another order is asked for; the text is looked for in the lines too."""
    query = select(ExamPlan).where(ExamPlan.organisation_id == actor.organisation)
    if status:
        query = query.where(ExamPlan.status == status)
    if text:
        found = f"%{escape_like(text)}%"
        named = select(ExamPlanLine.exam_plan_id).where(ExamPlanLine.occupation_name.like(found, escape="\\"))
        query = query.where(
            or_(
                ExamPlan.title.like(found, escape="\\"),
                ExamPlan.filing_number.like(found, escape="\\"),
                ExamPlan.exam_plan_id.in_(named),
            )
        )
    total = count_rows(session, query)
    by = ordered_by(order, ORDERS, [ExamPlan.starts_on.desc(), ExamPlan.title], ExamPlan.exam_plan_id)
    return session.scalars(query.order_by(*by).limit(per_page).offset((page - 1) * per_page)).all(), total


def choosable_plans(session: Session, *, actor: Actor) -> Sequence[ExamPlan]:
    """Return the plans that a batch may be given to, latest period first."""
    query = select(ExamPlan).where(ExamPlan.organisation_id == actor.organisation, ExamPlan.status != PlanStatus.CLOSED)
    return session.scalars(query.order_by(ExamPlan.starts_on.desc(), ExamPlan.title).limit(200)).all()


def titles_of(session: Session, plan_ids: Collection[uuid.UUID], *, actor: Actor) -> dict[uuid.UUID, str]:
    """Return the titles of some plans by key."""
    query = select(ExamPlan.exam_plan_id, ExamPlan.title).where(
        ExamPlan.exam_plan_id.in_(plan_ids), ExamPlan.organisation_id == actor.organisation
    )
    return {row[0]: row[1] for row in session.execute(query)}


def count_plans(session: Session, plan_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, PlanCounts]:
    """Return lines, planned candidates and batches of several plans in two queries."""
    lines = select(ExamPlanLine.exam_plan_id, func.count(), func.coalesce(func.sum(ExamPlanLine.n_planned), 0)).where(
        ExamPlanLine.exam_plan_id.in_(plan_ids)
    )
    by_line = {key: (n, planned) for key, n, planned in session.execute(lines.group_by(ExamPlanLine.exam_plan_id))}
    batches = select(ExamBatch.exam_plan_id, func.count()).where(ExamBatch.exam_plan_id.in_(plan_ids))
    by_batch = {row[0]: row[1] for row in session.execute(batches.group_by(ExamBatch.exam_plan_id))}
    return {key: PlanCounts(*by_line.get(key, (0, 0)), by_batch.get(key, 0)) for key in plan_ids}


def lines_of(session: Session, exam_plan_id: uuid.UUID, *, actor: Actor) -> Sequence[ExamPlanLine]:
    """Return a plan's lines by date, occupation and level."""
    query = select(ExamPlanLine).where(
        ExamPlanLine.exam_plan_id == exam_plan_id, ExamPlanLine.organisation_id == actor.organisation
    )
    order = (
        ExamPlanLine.starts_on,
        ExamPlanLine.occupation_name,
        ExamPlanLine.level_code,
        ExamPlanLine.exam_plan_line_id,
    )
    return session.scalars(query.order_by(*order)).all()


def get_line(session: Session, exam_plan_id: uuid.UUID, line_id: uuid.UUID, *, actor: Actor) -> ExamPlanLine:
    """Return a line of a plan of the actor's organisation."""
    line = session.get(ExamPlanLine, line_id)
    if line is None or (line.exam_plan_id, line.organisation_id) != (exam_plan_id, actor.organisation):
        raise NotFoundError(N_("计划中没有这一行，可能已被取消"))
    return line


def amendments_of(session: Session, exam_plan_id: uuid.UUID, *, actor: Actor) -> Sequence[ExamPlanAmendment]:
    """Return a plan's amendments, latest first."""
    query = select(ExamPlanAmendment).where(
        ExamPlanAmendment.exam_plan_id == exam_plan_id, ExamPlanAmendment.organisation_id == actor.organisation
    )
    return session.scalars(query.order_by(ExamPlanAmendment.number.desc())).all()


def batches_of(session: Session, exam_plan_id: uuid.UUID, *, actor: Actor) -> Sequence[ExamBatch]:
    """Return the batches that were given to a plan, by code."""
    query = select(ExamBatch).where(
        ExamBatch.exam_plan_id == exam_plan_id, ExamBatch.organisation_id == actor.organisation
    )
    return session.scalars(query.order_by(ExamBatch.code)).all()


def count_people(session: Session, batch_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[int, int]]:
    """Return how many candidates of each batch are registered, without voided ones, and how many began."""
    began = case((Attempt.started_at.is_not(None), Registration.registration_id))
    query = (
        select(
            Registration.exam_batch_id, func.count(distinct(Registration.registration_id)), func.count(distinct(began))
        )
        .outerjoin(Attempt, Attempt.registration_id == Registration.registration_id)
        .where(Registration.exam_batch_id.in_(batch_ids), Registration.status != RegistrationStatus.VOID)
        .group_by(Registration.exam_batch_id)
    )
    return {key: (n, sat) for key, n, sat in session.execute(query)}
