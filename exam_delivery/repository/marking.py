"""Answers that wait for a person, the marks that people gave, and what lies on their desks."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    Mark,
    MarkingDesk,
    MarkingFlag,
    MarkingPlan,
    Registration,
    RegistrationStatus,
    ScoreRecord,
    ScoreStatus,
    SlotScore,
)
from exam_delivery.repository.scores import is_newest
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor

MAX_QUEUE = 20_000
Place = tuple[uuid.UUID, int]
"""An answer by attempt and slot, or an item by form and slot."""


@dataclass(frozen=True, slots=True)
class Pending:
    """An answer whose attempt has no whole score yet because of this slot."""

    exam_session_id: uuid.UUID
    attempt_id: uuid.UUID
    slot: int
    form_id: uuid.UUID
    max_score: Decimal

    @property
    def item(self) -> Place:
        """The item that it answers."""
        return self.form_id, self.slot


def get_attempt(session: Session, attempt_id: uuid.UUID, *, actor: Actor) -> Attempt:
    """Return an attempt of the actor's organisation."""
    attempt = session.get(Attempt, attempt_id)
    if attempt is None or attempt.organisation_id != actor.organisation:
        raise NotFoundError(N_("作答记录不存在"))
    return attempt


def _pending() -> Select[uuid.UUID, uuid.UUID, int, uuid.UUID, Decimal]:
    return (
        select(Attempt.exam_session_id, Attempt.attempt_id, SlotScore.slot, Attempt.form_id, SlotScore.max_score)
        .join(ScoreRecord, ScoreRecord.score_record_id == SlotScore.score_record_id)
        .join(Attempt, Attempt.attempt_id == ScoreRecord.attempt_id)
        .join(Registration, Registration.registration_id == Attempt.registration_id)
        .where(
            Registration.status == RegistrationStatus.ADMITTED,
            ScoreRecord.status != ScoreStatus.COMPLETE,
            SlotScore.score.is_(None),
            is_newest(),
        )
    )


def list_pending(session: Session, exam_session_id: uuid.UUID, attempt_id: uuid.UUID | None = None) -> list[Pending]:
    """Return the answers of a session (or of one attempt) that a person must mark, marked meanwhile or not."""
    query = _pending().where(Attempt.exam_session_id == exam_session_id)
    if attempt_id is not None:
        query = query.where(Attempt.attempt_id == attempt_id)
    return [Pending(*row) for row in session.execute(query.limit(MAX_QUEUE))]


def pending_sessions(session: Session, *, actor: Actor) -> set[uuid.UUID]:
    """Return the sessions in which an answer has no score yet."""
    waiting = _pending().where(ScoreRecord.organisation_id == actor.organisation).subquery()
    return set(session.scalars(select(waiting.c.exam_session_id).distinct()))


def list_unmarked(
    session: Session, exam_session_id: uuid.UUID, *, organisation_id: uuid.UUID
) -> Sequence[tuple[uuid.UUID, int, uuid.UUID]]:
    """Return (attempt, slot, form) of the answers of a session that nobody has marked."""
    marked = select(Mark.mark_id).where(Mark.attempt_id == Attempt.attempt_id, Mark.slot == SlotScore.slot)
    query = _pending().where(
        Attempt.exam_session_id == exam_session_id, Attempt.organisation_id == organisation_id, ~marked.exists()
    )
    rows = session.execute(query.limit(MAX_QUEUE))
    return [(attempt_id, slot, form_id) for _session, attempt_id, slot, form_id, _max in rows]


def marks_by_answer(
    session: Session, exam_session_id: uuid.UUID, attempt_id: uuid.UUID | None = None
) -> Mapping[Place, list[Mark]]:
    """Return all marks of a session (or of one attempt) by answer, oldest first."""
    query = select(Mark).join(Attempt, Attempt.attempt_id == Mark.attempt_id)
    query = query.where(Attempt.exam_session_id == exam_session_id)
    if attempt_id is not None:
        query = query.where(Mark.attempt_id == attempt_id)
    found: dict[Place, list[Mark]] = defaultdict(list)
    for mark in session.scalars(query.order_by(Mark.number)):
        found[mark.attempt_id, mark.slot].append(mark)
    return found


def marks_with_forms(session: Session, exam_session_id: uuid.UUID) -> list[tuple[uuid.UUID, Mark]]:
    """Return all marks of a session with the form that they belong to, oldest first."""
    query = select(Attempt.form_id, Mark).join(Attempt, Attempt.attempt_id == Mark.attempt_id)
    rows = session.execute(query.where(Attempt.exam_session_id == exam_session_id).order_by(Mark.number))
    return [(form_id, mark) for form_id, mark in rows]


def flags_by_answer(
    session: Session, exam_session_id: uuid.UUID, attempt_id: uuid.UUID | None = None
) -> Mapping[Place, list[MarkingFlag]]:
    """Return what was handed to the leader, by answer."""
    query = select(MarkingFlag).join(Attempt, Attempt.attempt_id == MarkingFlag.attempt_id)
    query = query.where(Attempt.exam_session_id == exam_session_id)
    if attempt_id is not None:
        query = query.where(MarkingFlag.attempt_id == attempt_id)
    found: dict[Place, list[MarkingFlag]] = defaultdict(list)
    for flag in session.scalars(query.order_by(MarkingFlag.flagged_at)):
        found[flag.attempt_id, flag.slot].append(flag)
    return found


def desks_by_answer(
    session: Session, exam_session_id: uuid.UUID, at: datetime, attempt_id: uuid.UUID | None = None
) -> Mapping[Place, set[uuid.UUID]]:
    """Return who has taken an answer and may still mark it, by answer."""
    query = (
        select(MarkingDesk.attempt_id, MarkingDesk.slot, MarkingDesk.marked_by)
        .join(Attempt, Attempt.attempt_id == MarkingDesk.attempt_id)
        .where(Attempt.exam_session_id == exam_session_id, MarkingDesk.expires_at > at)
    )
    if attempt_id is not None:
        query = query.where(MarkingDesk.attempt_id == attempt_id)
    found: dict[Place, set[uuid.UUID]] = defaultdict(set)
    for key, slot, user_id in session.execute(query):
        found[key, slot].add(user_id)
    return found


def plans_of_session(session: Session, exam_session_id: uuid.UUID) -> dict[Place, MarkingPlan]:
    """Return the plans of a session by item."""
    query = select(MarkingPlan).where(MarkingPlan.exam_session_id == exam_session_id)
    return {(plan.form_id, plan.slot): plan for plan in session.scalars(query)}


def n_marked_by(session: Session, exam_session_id: uuid.UUID) -> dict[Place, dict[uuid.UUID | None, int]]:
    """Return, by item and marker, how many answers somebody has marked independently."""
    query = (
        select(Attempt.form_id, Mark.slot, Mark.marked_by, func.count(Mark.attempt_id.distinct()))
        .join(Attempt, Attempt.attempt_id == Mark.attempt_id)
        .where(Attempt.exam_session_id == exam_session_id, Mark.is_final.is_(False))
        .group_by(Attempt.form_id, Mark.slot, Mark.marked_by)
    )
    found: dict[Place, dict[uuid.UUID | None, int]] = defaultdict(dict)
    for form_id, slot, user_id, n in session.execute(query):
        found[form_id, slot][user_id] = n
    return found


def marked_answers(session: Session, exam_session_id: uuid.UUID) -> dict[Place, tuple[set[uuid.UUID], Decimal]]:
    """Return, by item, which attempts have a mark of it and what it is worth, whole scores included."""
    query = (
        select(Attempt.form_id, Mark.slot, Mark.attempt_id, func.max(Mark.max_score))
        .join(Attempt, Attempt.attempt_id == Mark.attempt_id)
        .where(Attempt.exam_session_id == exam_session_id)
        .group_by(Attempt.form_id, Mark.slot, Mark.attempt_id)
    )
    found: dict[Place, tuple[set[uuid.UUID], Decimal]] = {}
    for form_id, slot, attempt_id, worth in session.execute(query):
        found.setdefault((form_id, slot), (set(), worth))[0].add(attempt_id)
    return found


def count_marks(session: Session, *, actor: Actor) -> dict[uuid.UUID, tuple[int, int]]:
    """Return, by session, how many answers have a mark and how many of them one by the actor."""
    answers = (
        select(
            Attempt.exam_session_id, Mark.attempt_id, Mark.slot,
            func.count().filter(Mark.marked_by == actor.user_id).label("own"),
        )
        .join(Attempt, Attempt.attempt_id == Mark.attempt_id)
        .where(Mark.organisation_id == actor.organisation)
        .group_by(Attempt.exam_session_id, Mark.attempt_id, Mark.slot)
        .subquery()
    )  # fmt: skip
    query = select(
        answers.c.exam_session_id, func.count(), func.count().filter(answers.c.own > 0)
    ).group_by(answers.c.exam_session_id)  # fmt: skip
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


def own_desks(session: Session, *, actor: Actor) -> Sequence[MarkingDesk]:
    """Return what the actor has taken up, newest first."""
    query = select(MarkingDesk).where(
        MarkingDesk.marked_by == actor.user_id, MarkingDesk.organisation_id == actor.organisation
    )
    return session.scalars(query.order_by(MarkingDesk.claimed_at.desc()).limit(100)).all()


def find_desk(session: Session, attempt_id: uuid.UUID, slot: int, user_id: uuid.UUID) -> MarkingDesk | None:
    """Return a marker's desk for an answer."""
    return session.get(MarkingDesk, (attempt_id, slot, user_id))
