"""Answers that wait for a person, and the marks that people gave."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exam_delivery.models import Attempt, Mark
from exam_delivery.repository.scores import unmarked_slots
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor

MAX_QUEUE = 20_000


def get_attempt(session: Session, attempt_id: uuid.UUID, *, actor: Actor) -> Attempt:
    """Return an attempt of the actor's organisation."""
    attempt = session.get(Attempt, attempt_id)
    if attempt is None or attempt.organisation_id != actor.organisation:
        raise NotFoundError(N_("作答记录不存在"))
    return attempt


def list_unmarked(
    session: Session, exam_session_id: uuid.UUID, *, organisation_id: uuid.UUID
) -> Sequence[tuple[uuid.UUID, int, uuid.UUID]]:
    """Return (attempt, slot, form) of the answers of a session that wait for a mark."""
    query = unmarked_slots(organisation_id, exam_session_id).limit(MAX_QUEUE)
    return [(attempt_id, slot, form_id) for _session, attempt_id, slot, form_id in session.execute(query)]


def is_unmarked(session: Session, attempt: Attempt, slot: int) -> bool:
    """Say whether an answer waits for a mark."""
    waiting = unmarked_slots(attempt.organisation_id, attempt.exam_session_id).where(
        Attempt.attempt_id == attempt.attempt_id
    )
    return any(found == slot for _session, _attempt, found, _form in session.execute(waiting))


def marks_of_slot(session: Session, attempt_id: uuid.UUID, slot: int) -> Sequence[Mark]:
    """Return all marks of an answer, oldest first."""
    query = select(Mark).where(Mark.attempt_id == attempt_id, Mark.slot == slot)
    return session.scalars(query.order_by(Mark.number)).all()


def count_marks(session: Session, *, actor: Actor) -> dict[uuid.UUID, tuple[int, int]]:
    """Return, by session, how many answers are marked and how many of them by the actor."""
    query = (
        select(Attempt.exam_session_id, func.count(), func.count().filter(Mark.marked_by == actor.user_id))
        .join(Attempt, Attempt.attempt_id == Mark.attempt_id)
        .where(Mark.organisation_id == actor.organisation, Mark.number == 1)
        .group_by(Attempt.exam_session_id)
    )
    return {key: (n_all, n_own) for key, n_all, n_own in session.execute(query)}


def own_marks(session: Session, exam_session_id: uuid.UUID, *, actor: Actor, limit: int = 20) -> Sequence[Mark]:
    """Return the actor's latest marks in a session, newest first, for a second look."""
    query = (
        select(Mark)
        .join(Attempt, Attempt.attempt_id == Mark.attempt_id)
        .where(
            Attempt.exam_session_id == exam_session_id,
            Mark.organisation_id == actor.organisation,
            Mark.marked_by == actor.user_id,
        )
    )
    return session.scalars(query.order_by(Mark.marked_at.desc()).limit(limit)).all()
