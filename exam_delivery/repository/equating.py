"""Whose scores are equated, what they earned on common items, and the decisions about it."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    Candidate,
    ExamSession,
    Registration,
    RegistrationStatus,
    ScoreRecord,
    ScoreStatus,
    SessionStatus,
    SlotScore,
)
from exam_delivery.models.attempts import AttemptStatus
from exam_delivery.repository.scores import is_newest
from kernel.identity.actor import Actor

CHUNK = 400
SCORED = (SessionStatus.SCORED, SessionStatus.RELEASED)


@dataclass(frozen=True, slots=True)
class Sitter:
    """One counted attempt with its newest complete score."""

    attempt_id: uuid.UUID
    registration_id: uuid.UUID
    exam_session_id: uuid.UUID
    form_id: uuid.UUID
    score: Decimal
    scored_at: datetime


def sitters(session: Session, exam_batch_id: uuid.UUID, *, actor: Actor) -> list[Sitter]:
    """Return the counted attempts of a batch's scored sessions; candidates with a form of their own are left out."""
    query = _counted(
        select(
            Attempt.attempt_id, Attempt.registration_id, Attempt.exam_session_id, Attempt.form_id, ScoreRecord.score,
            ScoreRecord.created_at,
        ).select_from(ScoreRecord)
    )  # fmt: skip
    rows = session.execute(query.where(*_of_batch(exam_batch_id, actor)).order_by(Attempt.attempt_id))
    return [Sitter(*row) for row in rows]


def _counted(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    return (
        query.join(Attempt, Attempt.attempt_id == ScoreRecord.attempt_id)
        .join(Registration, Registration.registration_id == Attempt.registration_id)
        .join(ExamSession, ExamSession.exam_session_id == Attempt.exam_session_id)
    )


def _of_batch(exam_batch_id: uuid.UUID, actor: Actor) -> list[ColumnElement[bool]]:
    return [
        ExamSession.exam_batch_id == exam_batch_id,
        ExamSession.organisation_id == actor.organisation,
        ExamSession.status.in_(SCORED),
        ExamSession.cancelled_at.is_(None),
        ExamSession.form_set_id.is_(None),
        Attempt.status == AttemptStatus.SUBMITTED,
        Registration.status == RegistrationStatus.ADMITTED,
        ScoreRecord.status == ScoreStatus.COMPLETE,
        ScoreRecord.score.is_not(None),
        is_newest(),
    ]


def earned_by_slot(
    session: Session, exam_batch_id: uuid.UUID, *, actor: Actor
) -> dict[uuid.UUID, dict[int, tuple[int, Decimal]]]:
    """Return, by form and slot, how many counted scores there are and their sum."""
    query = _counted(
        select(Attempt.form_id, SlotScore.slot, func.count(), func.sum(SlotScore.score))
        .select_from(SlotScore)
        .join(ScoreRecord, ScoreRecord.score_record_id == SlotScore.score_record_id)
    )
    found: dict[uuid.UUID, dict[int, tuple[int, Decimal]]] = {}
    conditions = [*_of_batch(exam_batch_id, actor), SlotScore.score.is_not(None)]
    for form_id, slot, n, total in session.execute(query.where(*conditions).group_by(Attempt.form_id, SlotScore.slot)):
        found.setdefault(form_id, {})[slot] = (n, total or Decimal(0))
    return found


def earned_on(
    session: Session, exam_batch_id: uuid.UUID, form_id: uuid.UUID, slots: Collection[int], *, actor: Actor
) -> dict[uuid.UUID, Decimal]:
    """Return what everybody who sat a form earned on some of its slots together, by attempt."""
    query = _counted(
        select(Attempt.attempt_id, func.sum(SlotScore.score))
        .select_from(SlotScore)
        .join(ScoreRecord, ScoreRecord.score_record_id == SlotScore.score_record_id)
    )
    conditions = [*_of_batch(exam_batch_id, actor), Attempt.form_id == form_id, SlotScore.slot.in_(sorted(slots))]
    rows = session.execute(query.where(*conditions).group_by(Attempt.attempt_id))
    return {key: total or Decimal(0) for key, total in rows}


def people(
    session: Session, registration_ids: Sequence[uuid.UUID], *, actor: Actor
) -> dict[uuid.UUID, tuple[str, str]]:
    """Return admission number and name of some people by registration."""
    found: dict[uuid.UUID, tuple[str, str]] = {}
    for start in range(0, len(registration_ids), CHUNK):
        query = (
            select(Registration.registration_id, Registration.admission_number, Candidate.name)
            .join(Candidate, Candidate.candidate_id == Registration.candidate_id)
            .where(
                Registration.registration_id.in_(registration_ids[start : start + CHUNK]),
                Registration.organisation_id == actor.organisation,
            )
        )
        found.update((key, (number or "", name)) for key, number, name in session.execute(query))
    return found
