"""Key-change cases and the attempts that they reach."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    AttemptStatus,
    Candidate,
    ExamRoom,
    ExamSession,
    KeyChange,
    Registration,
    RegistrationStatus,
)
from exam_delivery.rules.amendments import PENDING, ChangeState
from exam_delivery.rules.states import FINISHED
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.models import Organisation

CHUNK = 400


def applied_changes(session: Session, form_id: uuid.UUID, *, organisation_id: uuid.UUID) -> Sequence[KeyChange]:
    """Return the applied cases of a form in the order in which they count."""
    query = select(KeyChange).where(
        KeyChange.form_id == form_id,
        KeyChange.organisation_id == organisation_id,
        KeyChange.state == ChangeState.APPLIED,
    )
    return session.scalars(query.order_by(KeyChange.number)).all()


def applied_to_forms(
    session: Session, form_ids: Sequence[uuid.UUID], *, organisation_id: uuid.UUID
) -> dict[uuid.UUID, list[KeyChange]]:
    """Return the applied cases of many forms, by form, each form's in the order in which they count."""
    found: dict[uuid.UUID, list[KeyChange]] = {}
    for start in range(0, len(form_ids), CHUNK):
        query = select(KeyChange).where(
            KeyChange.form_id.in_(form_ids[start : start + CHUNK]),
            KeyChange.organisation_id == organisation_id,
            KeyChange.state == ChangeState.APPLIED,
        )
        for change in session.scalars(query.order_by(KeyChange.number)):
            found.setdefault(change.form_id, []).append(change)
    return found


def get_change(session: Session, key_change_id: uuid.UUID, *, actor: Actor, lock: bool = False) -> KeyChange:
    """Return a case of the actor's organisation, locked for a decision where asked."""
    query = select(KeyChange).where(
        KeyChange.key_change_id == key_change_id, KeyChange.organisation_id == actor.organisation
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    change = session.scalar(query)
    if change is None:
        raise NotFoundError(N_("答案变更案不存在"))
    return change


def case_of(session: Session, change: KeyChange) -> list[KeyChange]:
    """Return all rows of a case that a row leads, itself first."""
    query = select(KeyChange).where(KeyChange.lead_id == change.key_change_id).order_by(KeyChange.code)
    return [change, *session.scalars(query)]


def count_forms(session: Session, changes: Sequence[KeyChange]) -> dict[uuid.UUID, int]:
    """Return how many forms each of some cases is about, where there are several."""
    query = (
        select(KeyChange.lead_id, func.count())
        .where(KeyChange.lead_id.in_([change.key_change_id for change in changes]))
        .group_by(KeyChange.lead_id)
    )
    return {row[0]: row[1] + 1 for row in session.execute(query) if row[0] is not None}


def list_changes(
    session: Session, *, actor: Actor, state: ChangeState | None = None, page: int = 1, per_page: int = 50
) -> tuple[Sequence[KeyChange], int]:
    """Return one page of cases, newest first, and how many there are."""
    query = select(KeyChange).where(KeyChange.organisation_id == actor.organisation, KeyChange.lead_id.is_(None))
    if state is not None:
        query = query.where(KeyChange.state == state)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    ordered = query.order_by(KeyChange.proposed_at.desc(), KeyChange.key_change_id)
    return session.scalars(ordered.limit(per_page).offset((page - 1) * per_page)).all(), total


def pending_of_forms(session: Session, form_ids: Sequence[uuid.UUID], *, actor: Actor) -> Sequence[KeyChange]:
    """Return the cases of some forms that nobody has decided or that are not applied yet; a row for each form."""
    found: list[KeyChange] = []
    for start in range(0, len(form_ids), CHUNK):
        query = select(KeyChange).where(
            KeyChange.form_id.in_(form_ids[start : start + CHUNK]),
            KeyChange.organisation_id == actor.organisation,
            KeyChange.state.in_(PENDING),
        )
        found += session.scalars(query)
    return sorted(found, key=lambda change: change.code)


def count_pending(session: Session, *, actor: Actor) -> int:
    """Return how many cases wait for a second person, other than this one."""
    query = select(func.count()).where(
        KeyChange.organisation_id == actor.organisation,
        KeyChange.state == ChangeState.PROPOSED,
        KeyChange.lead_id.is_(None),
        KeyChange.proposed_by.is_distinct_from(actor.user_id),
    )
    return session.scalar(query) or 0


def lock_numbers(session: Session, organisation_id: uuid.UUID) -> int:
    """Hold the organisation's numbering of cases until the transaction ends; return how many cases there are."""
    session.execute(
        select(Organisation.organisation_id).where(Organisation.organisation_id == organisation_id).with_for_update()
    )
    query = select(func.count()).where(KeyChange.organisation_id == organisation_id, KeyChange.lead_id.is_(None))
    return session.scalar(query) or 0


def next_number(session: Session, form_id: uuid.UUID) -> int:
    """Return the number of a form's next amendment."""
    return (session.scalar(select(func.max(KeyChange.number)).where(KeyChange.form_id == form_id)) or 0) + 1


def finished_sessions_with_forms(session: Session, *, actor: Actor) -> Sequence[ExamSession]:
    """Return the sessions that are over, latest first: their forms may need another key."""
    query = select(ExamSession).where(
        ExamSession.organisation_id == actor.organisation, ExamSession.status.in_(FINISHED)
    )
    return session.scalars(query.order_by(ExamSession.starts_at.desc()).limit(500)).all()


@dataclass(frozen=True, slots=True)
class Sitting:
    """One handed-in attempt with its person and session."""

    attempt: Attempt
    registration: Registration
    candidate: Candidate
    exam_session: ExamSession


def sittings(session: Session, form_ids: Sequence[uuid.UUID], *, actor: Actor) -> list[Sitting]:
    """Return the handed-in attempts of some forms in sessions that are over, by admission number."""
    found: list[Sitting] = []
    for start in range(0, len(form_ids), CHUNK):
        found += _sittings(session, form_ids[start : start + CHUNK], actor)
    return sorted(found, key=lambda one: (one.registration.admission_number or "", one.attempt.attempt_id))


def _sittings(session: Session, form_ids: Sequence[uuid.UUID], actor: Actor) -> list[Sitting]:
    query = (
        select(Attempt, Registration, Candidate, ExamSession)
        .join(Registration, Registration.registration_id == Attempt.registration_id)
        .join(Candidate, Candidate.candidate_id == Registration.candidate_id)
        .join(ExamSession, ExamSession.exam_session_id == Attempt.exam_session_id)
        .where(
            Attempt.form_id.in_(form_ids),
            Attempt.organisation_id == actor.organisation,
            Attempt.status == AttemptStatus.SUBMITTED,
            Registration.status == RegistrationStatus.ADMITTED,
            ExamSession.status.in_(FINISHED),
        )
    )
    return [Sitting(*row) for row in session.execute(query)]


def rooms_of_forms(session: Session, form_ids: Sequence[uuid.UUID], *, actor: Actor) -> Sequence[ExamRoom]:
    """Return the rooms in which any of some forms was sat."""
    found: dict[uuid.UUID, ExamRoom] = {}
    for start in range(0, len(form_ids), CHUNK):
        found |= {room.exam_room_id: room for room in _rooms(session, form_ids[start : start + CHUNK], actor)}
    return sorted(found.values(), key=lambda room: (room.site, room.name))


def _rooms(session: Session, form_ids: Sequence[uuid.UUID], actor: Actor) -> Sequence[ExamRoom]:
    query = (
        select(ExamRoom)
        .join(Registration, Registration.exam_room_id == ExamRoom.exam_room_id)
        .join(Attempt, Attempt.registration_id == Registration.registration_id)
        .where(Attempt.form_id.in_(form_ids), Attempt.organisation_id == actor.organisation)
        .distinct()
    )
    return session.scalars(query).all()
