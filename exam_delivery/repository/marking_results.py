"""The marks that count: what the people who marked an answer come to by the item's marking plan."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_delivery.models import Attempt, Mark, MarkingPlan
from exam_delivery.rules.marking import GivenMark, MarkRule, Resolution, resolve

CHUNK = 400


@dataclass(frozen=True, slots=True)
class CountedMark:
    """The mark of an answer that counts, and the records that it comes from."""

    score: Decimal
    mark_ids: tuple[str, ...]


def rule_of(plan: MarkingPlan | None) -> MarkRule:
    """Return how marks are put together; where nothing was ever set, one mark is enough."""
    if plan is None:
        return MarkRule()
    return MarkRule(plan.method, plan.tolerance, plan.final_rule, plan.dispute_rule)


def resolution_of(marks: Iterable[Mark], rule: MarkRule) -> Resolution:
    """Return what the marks of one answer come to."""
    return resolve([GivenMark(one.number, one.marked_by, one.score, one.is_final) for one in marks], rule)


def counted_marks(session: Session, attempt_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[int, CountedMark]]:
    """Return the mark that counts of each slot of some attempts; answers that still wait for somebody have none."""
    found: dict[uuid.UUID, dict[int, CountedMark]] = {attempt_id: {} for attempt_id in attempt_ids}
    for start in range(0, len(attempt_ids), CHUNK):
        some = attempt_ids[start : start + CHUNK]
        plans = _plans(session, some)
        for (attempt_id, slot), marks in _marks(session, some).items():
            resolution = resolution_of(marks, rule_of(plans.get((attempt_id, slot))))
            if resolution.score is not None:
                ids = tuple(str(one.mark_id) for one in marks if one.number in resolution.counting)
                found[attempt_id][slot] = CountedMark(resolution.score, ids)
    return found


def _marks(session: Session, attempt_ids: Sequence[uuid.UUID]) -> dict[tuple[uuid.UUID, int], list[Mark]]:
    found: dict[tuple[uuid.UUID, int], list[Mark]] = defaultdict(list)
    for mark in session.scalars(select(Mark).where(Mark.attempt_id.in_(attempt_ids)).order_by(Mark.number)):
        found[mark.attempt_id, mark.slot].append(mark)
    return found


def _plans(session: Session, attempt_ids: Sequence[uuid.UUID]) -> dict[tuple[uuid.UUID, int], MarkingPlan]:
    query = (
        select(Attempt.attempt_id, MarkingPlan)
        .join(
            MarkingPlan,
            (MarkingPlan.exam_session_id == Attempt.exam_session_id) & (MarkingPlan.form_id == Attempt.form_id),
        )
        .where(Attempt.attempt_id.in_(attempt_ids))
    )
    return {(attempt_id, plan.slot): plan for attempt_id, plan in session.execute(query)}
