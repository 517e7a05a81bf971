"""Leads and the traces that they come from."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session, aliased

from exam_delivery.models import (
    Attempt,
    Candidate,
    ExamBatch,
    ExamRoom,
    ExamSession,
    Registration,
    RegistrationStatus,
    ResponseEvent,
    ScoreRecord,
)
from exam_delivery.models.forensics import ForensicLead
from exam_delivery.models.scores import ScoreStatus
from exam_delivery.rules.forensics import LeadKind, LeadState
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor

CHUNK = 200


@dataclass(frozen=True, slots=True)
class LeadFilter:
    """Which leads are wanted."""

    exam_session_id: uuid.UUID | None = None
    state: LeadState | None = None
    kind: LeadKind | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Who sat an attempt, and where."""

    attempt_id: uuid.UUID
    name: str
    admission_number: str
    room: str
    seat_number: int | None


def list_leads(
    session: Session, wanted: LeadFilter, *, actor: Actor, page: int = 1, per_page: int = 50
) -> tuple[list[tuple[ForensicLead, ExamSession]], int]:
    """Return one page of leads with their sessions, the least likely by chance first, and how many there are."""
    query = _leads(wanted, actor)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    ordered = query.order_by(ForensicLead.p_value, ForensicLead.forensic_lead_id)
    return [(row[0], row[1]) for row in session.execute(ordered.limit(per_page).offset((page - 1) * per_page))], total


def _leads(wanted: LeadFilter, actor: Actor) -> Select[ForensicLead, ExamSession]:
    query = (
        select(ForensicLead, ExamSession)
        .join(ExamSession, ExamSession.exam_session_id == ForensicLead.exam_session_id)
        .where(ForensicLead.organisation_id == actor.organisation)
    )
    equal = {
        ForensicLead.exam_session_id: wanted.exam_session_id,
        ForensicLead.state: wanted.state,
        ForensicLead.kind: wanted.kind,
    }
    return query.where(*(column == value for column, value in equal.items() if value is not None))


def count_open(session: Session, *, actor: Actor) -> int:
    """Return how many leads wait for a person."""
    return (
        session.scalar(select(func.count()).select_from(_leads(LeadFilter(state=LeadState.OPEN), actor).subquery()))
        or 0
    )


def get_lead(session: Session, forensic_lead_id: uuid.UUID, *, actor: Actor, lock: bool = False) -> ForensicLead:
    """Return a lead of the actor's organisation."""
    query = select(ForensicLead).where(
        ForensicLead.forensic_lead_id == forensic_lead_id, ForensicLead.organisation_id == actor.organisation
    )
    found = session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotFoundError(N_("线索不存在"))
    return found


def known_subjects(session: Session, exam_session_id: uuid.UUID) -> set[tuple[LeadKind, str]]:
    """Return what the leads of a session are about already."""
    query = select(ForensicLead.kind, ForensicLead.subjects).where(ForensicLead.exam_session_id == exam_session_id)
    return {(kind, subjects) for kind, subjects in session.execute(query)}


def load_events(session: Session, attempt_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[tuple[int, str, datetime]]]:
    """Return (slot, response, time of arrival) of every change of some attempts, in the order of arrival."""
    found: dict[uuid.UUID, list[tuple[int, str, datetime]]] = {key: [] for key in attempt_ids}
    for start in range(0, len(attempt_ids), CHUNK):
        query = select(
            ResponseEvent.attempt_id, ResponseEvent.slot, ResponseEvent.response, ResponseEvent.received_at
        ).where(ResponseEvent.attempt_id.in_(attempt_ids[start : start + CHUNK]))
        for attempt_id, slot, response, moment in session.execute(
            query.order_by(ResponseEvent.received_at, ResponseEvent.seq)
        ):
            found[attempt_id].append((slot, response, moment))
    return found


def load_people(session: Session, attempt_ids: Sequence[uuid.UUID], *, actor: Actor) -> dict[uuid.UUID, Person]:
    """Return who sat some attempts, and where."""
    found: dict[uuid.UUID, Person] = {}
    for start in range(0, len(attempt_ids), CHUNK):
        query = (
            select(Attempt.attempt_id, Candidate.name, Registration.admission_number, ExamRoom.name, Registration.seat_number)
            .join(Registration, Registration.registration_id == Attempt.registration_id)
            .join(Candidate, Candidate.candidate_id == Registration.candidate_id)
            .outerjoin(ExamRoom, ExamRoom.exam_room_id == Registration.exam_room_id)
            .where(
                Attempt.attempt_id.in_(attempt_ids[start : start + CHUNK]), Attempt.organisation_id == actor.organisation
            )
        )  # fmt: skip
        for key, name, number, room, seat in session.execute(query):
            found[key] = Person(key, name, number or "", room or "", seat)
    return found


def earlier_shares(
    session: Session, row: ExamSession, attempt_ids: Sequence[uuid.UUID], *, actor: Actor
) -> dict[uuid.UUID, float]:
    """Return what the candidates of some attempts earned the last time before a session, in the same trade and level."""
    batch, before = aliased(ExamBatch), aliased(Registration)
    earlier, sat = aliased(Attempt), aliased(ExamSession)
    highest = aliased(ScoreRecord)
    newest = select(func.max(highest.number)).where(highest.attempt_id == earlier.attempt_id).scalar_subquery()
    found: dict[uuid.UUID, float] = {}
    for start in range(0, len(attempt_ids), CHUNK):
        query = (
            select(Attempt.attempt_id, ScoreRecord.score, ScoreRecord.max_score)
            .join(Registration, Registration.registration_id == Attempt.registration_id)
            .join(before, before.candidate_id == Registration.candidate_id)
            .join(earlier, earlier.registration_id == before.registration_id)
            .join(sat, sat.exam_session_id == earlier.exam_session_id)
            .join(ExamBatch, ExamBatch.exam_batch_id == sat.exam_batch_id)
            .join(batch, batch.exam_batch_id == row.exam_batch_id)
            .join(ScoreRecord, and_(ScoreRecord.attempt_id == earlier.attempt_id, ScoreRecord.number == newest))
            .where(
                Attempt.attempt_id.in_(attempt_ids[start : start + CHUNK]), Attempt.organisation_id == actor.organisation,
                before.status == RegistrationStatus.ADMITTED, sat.starts_at < row.starts_at,
                ExamBatch.occupation_code == batch.occupation_code, ExamBatch.level_code == batch.level_code,
                ScoreRecord.status == ScoreStatus.COMPLETE, ScoreRecord.max_score > 0,
            )
            .order_by(sat.starts_at)
        )  # fmt: skip
        found.update({key: float(score / most) for key, score, most in session.execute(query) if score is not None})
    return found
