"""Lockdowns of sessions and exemptions from them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Candidate,
    ExamRoom,
    FormSwitch,
    LockdownExemption,
    Registration,
    SessionLockdown,
    SessionRoom,
)
from exam_delivery.rules.lockdown import ExemptionState, LockdownMode
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor

LIVE = (ExemptionState.PROPOSED, ExemptionState.APPROVED)


def find_lockdown(session: Session, exam_session_id: uuid.UUID, *, actor: Actor) -> SessionLockdown | None:
    """Return the lockdown of a session of the actor's organisation."""
    row = session.get(SessionLockdown, exam_session_id)
    return row if row is not None and row.organisation_id == actor.organisation else None


def is_locked_down(session: Session, exam_session_id: uuid.UUID, *, actor: Actor) -> bool:
    """Say whether a session asks for a certain browser."""
    row = find_lockdown(session, exam_session_id, actor=actor)
    return row is not None and row.mode is not LockdownMode.NONE


def get_exemption(session: Session, exemption_id: uuid.UUID, *, actor: Actor) -> LockdownExemption:
    """Return an exemption of the actor's organisation."""
    row = session.get(LockdownExemption, exemption_id, with_for_update=True)
    if row is None or row.organisation_id != actor.organisation:
        raise NotFoundError(N_("没有这条豁免，请刷新后再看"))
    return row


def list_exemptions(
    session: Session, exam_session_id: uuid.UUID, *, actor: Actor
) -> list[tuple[LockdownExemption, str, ExamRoom | None]]:
    """Return the exemptions of a session, newest first: each with the candidate's name (or none) and the room."""
    query = (
        select(LockdownExemption, Candidate.name, ExamRoom)
        .outerjoin(Registration, Registration.registration_id == LockdownExemption.registration_id)
        .outerjoin(Candidate, Candidate.candidate_id == Registration.candidate_id)
        .outerjoin(
            ExamRoom,
            (ExamRoom.exam_room_id == LockdownExemption.exam_room_id)
            | (ExamRoom.exam_room_id == Registration.exam_room_id),
        )
        .where(
            LockdownExemption.exam_session_id == exam_session_id,
            LockdownExemption.organisation_id == actor.organisation,
        )
        .order_by(LockdownExemption.proposed_at.desc(), LockdownExemption.lockdown_exemption_id)
    )
    return [(row, name or "", room) for row, name, room in session.execute(query)]


def has_live_exemption(
    session: Session, exam_session_id: uuid.UUID, registration_id: uuid.UUID | None, exam_room_id: uuid.UUID | None
) -> bool:
    """Say whether an exemption of the same candidate or room is waiting or holds."""
    query = select(LockdownExemption.lockdown_exemption_id).where(
        LockdownExemption.exam_session_id == exam_session_id,
        LockdownExemption.registration_id.is_(None)
        if registration_id is None
        else LockdownExemption.registration_id == registration_id,
        LockdownExemption.exam_room_id.is_(None)
        if exam_room_id is None
        else LockdownExemption.exam_room_id == exam_room_id,
        LockdownExemption.state.in_(LIVE),
    )
    return session.scalars(query).first() is not None


def find_registration(
    session: Session, exam_session_id: uuid.UUID, number: str, *, actor: Actor
) -> Registration | None:
    """Return the candidate of an admission number in a session."""
    query = select(Registration).where(
        Registration.admission_number == number,
        Registration.exam_session_id == exam_session_id,
        Registration.organisation_id == actor.organisation,
    )
    return session.scalars(query).first()


def uses_room(session: Session, exam_session_id: uuid.UUID, exam_room_id: uuid.UUID) -> bool:
    """Say whether a session uses a room."""
    return session.get(SessionRoom, (exam_session_id, exam_room_id)) is not None


def exempt_seats(
    session: Session, exam_session_id: uuid.UUID, *, actor: Actor
) -> tuple[frozenset[uuid.UUID], frozenset[uuid.UUID]]:
    """Return the registrations and the rooms of a session whose exemption holds."""
    query = select(LockdownExemption.registration_id, LockdownExemption.exam_room_id).where(
        LockdownExemption.exam_session_id == exam_session_id,
        LockdownExemption.organisation_id == actor.organisation,
        LockdownExemption.state == ExemptionState.APPROVED,
    )
    rows: Sequence[tuple[uuid.UUID | None, uuid.UUID | None]] = [(one, room) for one, room in session.execute(query)]
    return frozenset(one for one, _room in rows if one), frozenset(room for _one, room in rows if room)


def forget_registration(session: Session, registration_id: uuid.UUID) -> None:
    """Remove exemptions and refused switches of a registration that is deleted; the audit keeps who asked for them."""
    session.execute(delete(FormSwitch).where(FormSwitch.registration_id == registration_id))
    session.execute(delete(LockdownExemption).where(LockdownExemption.registration_id == registration_id))
