"""Silences and changes of deadlines, as the proposal of added time needs them."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_delivery.models import Attempt, ContactGap, DeadlineChange


def gaps_of(session: Session, attempt_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[ContactGap]]:
    """Return the noted silences of attempts, in their order."""
    found: dict[uuid.UUID, list[ContactGap]] = defaultdict(list)
    query = select(ContactGap).where(ContactGap.attempt_id.in_(attempt_ids)).order_by(ContactGap.started_at)
    for gap in session.scalars(query):
        found[gap.attempt_id].append(gap)
    return found


def changes_of(session: Session, attempt_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[DeadlineChange]]:
    """Return the recorded changes of deadlines of attempts, in their order."""
    found: dict[uuid.UUID, list[DeadlineChange]] = defaultdict(list)
    query = select(DeadlineChange).where(DeadlineChange.attempt_id.in_(attempt_ids)).order_by(DeadlineChange.changed_at)
    for change in session.scalars(query):
        found[change.attempt_id].append(change)
    return found


def durations_of(session: Session, attempt_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return how many seconds attempts have from their start, as arranged, by attempt."""
    query = select(Attempt.attempt_id, Attempt.duration_seconds).where(Attempt.attempt_id.in_(attempt_ids))
    return {attempt_id: seconds for attempt_id, seconds in session.execute(query)}  # noqa: C416 - rows are not pairs to the type checker


def given_since(
    session: Session, attempt_ids: Sequence[uuid.UUID], since: datetime, *, not_by: uuid.UUID | None
) -> Sequence[DeadlineChange]:
    """Return the minutes that other people gave since a moment, newest first; the ends of pauses are not among them."""
    query = (
        select(DeadlineChange)
        .where(DeadlineChange.attempt_id.in_(attempt_ids), DeadlineChange.changed_at > since)
        .where(DeadlineChange.is_pause.is_(False), DeadlineChange.changed_by != not_by)
        .order_by(DeadlineChange.changed_at.desc())
    )
    return session.scalars(query).all()
