"""What waits for somebody's hand or eye, in one statement each: for the home pages."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exam_delivery.models import ExamPlan, ExamPlanAmendment, LockdownExemption, PlanStatus
from exam_delivery.rules.lockdown import ExemptionState
from kernel.identity.actor import Actor


def exemptions_to_agree(session: Session, *, actor: Actor) -> Sequence[uuid.UUID]:
    """Return the session of each exemption that another person proposed, oldest first."""
    query = select(LockdownExemption.exam_session_id).where(
        LockdownExemption.organisation_id == actor.organisation,
        LockdownExemption.state == ExemptionState.PROPOSED,
        LockdownExemption.proposed_by.is_distinct_from(actor.user_id),
    )
    return session.scalars(query.order_by(LockdownExemption.proposed_at).limit(50)).all()


def count_plans_to_file(session: Session, *, actor: Actor) -> int:
    """Return how many plans are still drafts."""
    query = select(func.count()).where(
        ExamPlan.organisation_id == actor.organisation, ExamPlan.status == PlanStatus.DRAFT
    )
    return session.scalar(query) or 0


def count_plans_to_look_at(session: Session, since: datetime, *, actor: Actor) -> int:
    """Return how many filed plans were amended since a moment."""
    query = select(func.count(ExamPlanAmendment.exam_plan_id.distinct())).where(
        ExamPlanAmendment.organisation_id == actor.organisation, ExamPlanAmendment.amended_at >= since
    )
    return session.scalar(query) or 0
