"""Incidents of a session with whom they concern and the photos that prove them."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, undefer

from exam_delivery.models import (
    Attempt,
    Candidate,
    Incident,
    IncidentEvidence,
    IncidentPerson,
    IncidentRoom,
    Registration,
    VoidedAttempt,
)
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor


@dataclass(frozen=True, slots=True)
class Concerned:
    """A candidate whom an incident concerns."""

    registration_id: uuid.UUID
    exam_room_id: uuid.UUID | None
    seat_number: int | None
    name: str
    admission_number: str | None


def list_of_session(
    session: Session, exam_session_id: uuid.UUID, *, kinds: Collection[str] = (), actor: Actor
) -> Sequence[Incident]:
    """Return what happened in a session, oldest first."""
    query = select(Incident).where(
        Incident.exam_session_id == exam_session_id, Incident.organisation_id == actor.organisation
    )
    if kinds:
        query = query.where(Incident.kind.in_(kinds))
    return session.scalars(query.order_by(Incident.noted_at, Incident.incident_id).limit(2000)).all()


def rooms_named(session: Session, incident_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, set[uuid.UUID]]:
    """Return the rooms that incidents without candidates belong to; those of the whole session name none."""
    found: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    query = select(IncidentRoom.incident_id, IncidentRoom.exam_room_id)
    for incident_id, room_id in session.execute(query.where(IncidentRoom.incident_id.in_(incident_ids))):
        found[incident_id].add(room_id)
    return found


def without_attempt_in(room_ids: Collection[uuid.UUID]) -> Any:
    """Return the condition that an incident of no single attempt concerns one of some rooms, or the whole session."""
    people = select(Registration.exam_room_id).join(
        IncidentPerson, IncidentPerson.registration_id == Registration.registration_id
    )
    people = people.where(IncidentPerson.incident_id == Incident.incident_id)
    rooms = select(IncidentRoom.exam_room_id).where(IncidentRoom.incident_id == Incident.incident_id)
    return Incident.attempt_id.is_(None) & or_(
        people.where(Registration.exam_room_id.in_(room_ids)).exists(),
        rooms.where(IncidentRoom.exam_room_id.in_(room_ids)).exists(),
        ~people.exists() & ~rooms.exists(),
    )


def concerned(session: Session, incidents: Sequence[Incident]) -> dict[uuid.UUID, list[Concerned]]:
    """Return whom each incident concerns, by its list or by its attempt."""
    keys = [one.incident_id for one in incidents]
    attempts = {one.attempt_id for one in incidents if one.attempt_id}
    if not keys:
        return {}
    people = (
        select(IncidentPerson.incident_id, Registration.registration_id, Registration.exam_room_id)
        .add_columns(Registration.seat_number, Candidate.name, Registration.admission_number)
        .join(Registration, Registration.registration_id == IncidentPerson.registration_id)
        .join(Candidate, Candidate.candidate_id == Registration.candidate_id)
        .where(IncidentPerson.incident_id.in_(keys))
    )
    found: dict[uuid.UUID, list[Concerned]] = defaultdict(list)
    for key, *rest in session.execute(people):
        found[key].append(Concerned(*rest))
    by_attempt = _by_attempt(session, attempts)
    for one in incidents:
        if one.attempt_id in by_attempt and not found[one.incident_id]:
            found[one.incident_id].append(by_attempt[one.attempt_id])
    return found


def _by_attempt(session: Session, attempt_ids: Collection[uuid.UUID]) -> dict[uuid.UUID | None, Concerned]:
    owner = func.coalesce(Attempt.registration_id, VoidedAttempt.registration_id)
    query = (
        select(Attempt.attempt_id, Registration.registration_id, Registration.exam_room_id, Registration.seat_number)
        .add_columns(Candidate.name, Registration.admission_number)
        .outerjoin(VoidedAttempt, VoidedAttempt.attempt_id == Attempt.attempt_id)
        .join(Registration, Registration.registration_id == owner)
        .join(Candidate, Candidate.candidate_id == Registration.candidate_id)
        .where(Attempt.attempt_id.in_(attempt_ids))
    )
    return {key: Concerned(*rest) for key, *rest in session.execute(query)}


def evidence_of(session: Session, incident_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[IncidentEvidence]]:
    """Return the photos of incidents, without their bytes."""
    found: dict[uuid.UUID, list[IncidentEvidence]] = defaultdict(list)
    query = select(IncidentEvidence).where(IncidentEvidence.incident_id.in_(incident_ids))
    for one in session.scalars(query.order_by(IncidentEvidence.incident_evidence_id)):
        found[one.incident_id].append(one)
    return found


def get_evidence(
    session: Session, incident_evidence_id: uuid.UUID, *, exam_session_id: uuid.UUID, actor: Actor
) -> IncidentEvidence:
    """Return one photo of a session with its bytes."""
    query = (
        select(IncidentEvidence)
        .join(Incident, Incident.incident_id == IncidentEvidence.incident_id)
        .where(
            IncidentEvidence.incident_evidence_id == incident_evidence_id,
            IncidentEvidence.organisation_id == actor.organisation,
            Incident.exam_session_id == exam_session_id,
        )
    )
    row = session.scalar(query.options(undefer(IncidentEvidence.ciphertext)))
    if row is None:
        raise NotFoundError(N_("照片不存在"))
    return row


def photos_of(session: Session, registration_id: uuid.UUID) -> Sequence[IncidentEvidence]:
    """Return the photos of the incidents that name a candidate, oldest first, without their bytes."""
    query = (
        select(IncidentEvidence)
        .join(IncidentPerson, IncidentPerson.incident_id == IncidentEvidence.incident_id)
        .where(IncidentPerson.registration_id == registration_id)
    )
    return session.scalars(query.order_by(IncidentEvidence.added_at, IncidentEvidence.incident_evidence_id)).all()
