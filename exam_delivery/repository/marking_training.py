"""Answers with an agreed mark, what markers gave to them, and paused queues."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exam_delivery.models import MarkingPause, MarkingPlan, MarkingStandard, MarkingTrial
from exam_delivery.repository.marking import Place
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor


def standards_of_session(session: Session, exam_session_id: uuid.UUID) -> dict[Place, list[MarkingStandard]]:
    """Return the answers with an agreed mark of a session by item, oldest first."""
    query = select(MarkingStandard).where(MarkingStandard.exam_session_id == exam_session_id)
    found: dict[Place, list[MarkingStandard]] = defaultdict(list)
    for one in session.scalars(query.order_by(MarkingStandard.set_at, MarkingStandard.marking_standard_id)):
        found[one.form_id, one.slot].append(one)
    return found


def find_standard(session: Session, attempt_id: uuid.UUID, slot: int, *, actor: Actor) -> MarkingStandard | None:
    """Return the agreed mark of an answer."""
    return session.scalar(
        select(MarkingStandard).where(
            MarkingStandard.attempt_id == attempt_id,
            MarkingStandard.slot == slot,
            MarkingStandard.organisation_id == actor.organisation,
        )
    )


def trials(session: Session, standards: Sequence[MarkingStandard]) -> Mapping[uuid.UUID, list[MarkingTrial]]:
    """Return what markers gave to some answers, by marker, oldest first."""
    keys = [one.marking_standard_id for one in standards]
    query = select(MarkingTrial).where(MarkingTrial.marking_standard_id.in_(keys))
    found: dict[uuid.UUID, list[MarkingTrial]] = defaultdict(list)
    for one in session.scalars(query.order_by(MarkingTrial.marked_at, MarkingTrial.marking_trial_id)):
        found[one.marked_by].append(one)
    return found


def pauses_of_session(session: Session, exam_session_id: uuid.UUID) -> Sequence[MarkingPause]:
    """Return the pauses of a session, newest first, lifted or not."""
    query = select(MarkingPause).where(MarkingPause.exam_session_id == exam_session_id)
    return session.scalars(query.order_by(MarkingPause.paused_at.desc()).limit(500)).all()


def paused_markers(session: Session, exam_session_id: uuid.UUID) -> set[tuple[Place, uuid.UUID]]:
    """Return whose queue of which item stands still."""
    query = select(MarkingPause.form_id, MarkingPause.slot, MarkingPause.marked_by).where(
        MarkingPause.exam_session_id == exam_session_id, MarkingPause.lifted_at.is_(None)
    )
    return {((form_id, slot), user_id) for form_id, slot, user_id in session.execute(query)}


def open_pauses(session: Session, *, actor: Actor, leads_only: bool) -> dict[uuid.UUID, int]:
    """Return how many queues stand still, by session; of a leader, those of the items that he leads."""
    query = (
        select(MarkingPause.exam_session_id, func.count())
        .where(MarkingPause.organisation_id == actor.organisation, MarkingPause.lifted_at.is_(None))
        .group_by(MarkingPause.exam_session_id)
    )
    if leads_only:
        led = select(MarkingPlan.marking_plan_id).where(
            MarkingPlan.exam_session_id == MarkingPause.exam_session_id,
            MarkingPlan.form_id == MarkingPause.form_id,
            MarkingPlan.slot == MarkingPause.slot,
            MarkingPlan.leader_id == actor.user_id,
        )
        query = query.where(led.exists())
    return dict(session.execute(query).all())


def get_pause(session: Session, pause_id: uuid.UUID, *, actor: Actor) -> MarkingPause:
    """Return a pause of the actor's organisation."""
    pause = session.get(MarkingPause, pause_id)
    if pause is None or pause.organisation_id != actor.organisation:
        raise NotFoundError(N_("没有这次暂停"))
    return pause
