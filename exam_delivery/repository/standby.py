"""Standby forms of sessions and the switches to them."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    Candidate,
    ExamRoom,
    FormSwitch,
    Registration,
    RegistrationStatus,
    RenderedForm,
    VoidedAttempt,
)
from exam_delivery.rules.standby import SwitchState
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor

CHUNK = 400
Entry = tuple[Attempt, Registration, Candidate, ExamRoom | None]
BegunEntry = tuple[Attempt, str, str | None, str | None, int | None]
"""An attempt with the name and number of its candidate, and where they sit."""


def get_switch(session: Session, form_switch_id: uuid.UUID, *, actor: Actor) -> FormSwitch:
    """Return a switch of the actor's organisation, locked."""
    row = session.get(FormSwitch, form_switch_id, with_for_update=True, populate_existing=True)
    if row is None or row.organisation_id != actor.organisation:
        raise NotFoundError(N_("没有这条换卷记录，请刷新后再看"))
    return row


def list_switches(
    session: Session, exam_session_id: uuid.UUID, *, actor: Actor
) -> list[tuple[FormSwitch, str, str, ExamRoom | None]]:
    """Return the switches of a session, newest first, with name and number of the candidate or the room."""
    query = (
        select(FormSwitch, Candidate.name, Registration.admission_number, ExamRoom)
        .outerjoin(Registration, Registration.registration_id == FormSwitch.registration_id)
        .outerjoin(Candidate, Candidate.candidate_id == Registration.candidate_id)
        .outerjoin(ExamRoom, ExamRoom.exam_room_id == FormSwitch.exam_room_id)
        .where(FormSwitch.exam_session_id == exam_session_id, FormSwitch.organisation_id == actor.organisation)
        .order_by(FormSwitch.proposed_at.desc(), FormSwitch.form_switch_id)
    )
    return [(row, name or "", number or "", room) for row, name, number, room in session.execute(query)]


def given_standbys(session: Session, exam_session_id: uuid.UUID) -> set[str]:
    """Return the standby forms that were given in a session already."""
    query = select(FormSwitch.form_id).where(
        FormSwitch.exam_session_id == exam_session_id, FormSwitch.state == SwitchState.DONE
    )
    return {str(key) for key in session.scalars(query)}


def has_open_switch(session: Session, exam_session_id: uuid.UUID) -> bool:
    """Say whether a switch of a session waits for a second person."""
    query = select(FormSwitch.form_switch_id).where(
        FormSwitch.exam_session_id == exam_session_id, FormSwitch.state == SwitchState.PROPOSED
    )
    return session.scalars(query.limit(1)).first() is not None


def sessions_to_agree(session: Session, *, actor: Actor) -> Sequence[uuid.UUID]:
    """Return the sessions in which something that another person proposed waits for the actor, oldest first."""
    query = select(FormSwitch.exam_session_id).where(
        FormSwitch.organisation_id == actor.organisation,
        FormSwitch.state == SwitchState.PROPOSED,
        FormSwitch.proposed_by.is_distinct_from(actor.user_id),
    )
    return session.scalars(query.order_by(FormSwitch.proposed_at).limit(50)).all()


def count_in_scope(session: Session, row: FormSwitch) -> dict[str, int]:
    """Return how many attempts a switch concerns, by their state."""
    query = select(Attempt.status, func.count()).where(*_scope(row)).group_by(Attempt.status)
    return {status.value: n for status, n in session.execute(query.join(Registration, _own()))}


def lock_scope(session: Session, row: FormSwitch) -> Sequence[Attempt]:
    """Return the attempts that a switch concerns, locked in the order of their keys."""
    people: Select[uuid.UUID] = select(Attempt.attempt_id).join(Registration, _own()).where(*_scope(row))
    query = select(Attempt).where(Attempt.attempt_id.in_(people)).order_by(Attempt.attempt_id)
    return session.scalars(query.with_for_update().execution_options(populate_existing=True)).all()


def begun_in_scope(session: Session, row: FormSwitch) -> list[BegunEntry]:
    """Return who of a switch's scope has begun, by room and seat."""
    query = (
        select(Attempt, Candidate.name, Registration.admission_number, ExamRoom.name, Registration.seat_number)
        .join(Registration, _own())
        .join(Candidate, Candidate.candidate_id == Registration.candidate_id)
        .outerjoin(ExamRoom, ExamRoom.exam_room_id == Registration.exam_room_id)
        .where(*_scope(row), Attempt.started_at.is_not(None), Registration.status != RegistrationStatus.VOID)
        .order_by(ExamRoom.name, Registration.seat_number, Attempt.attempt_id)
    )
    return [(one[0], one[1], one[2], one[3], one[4]) for one in session.execute(query)]


def voided_of(session: Session, registration_ids: Collection[uuid.UUID]) -> list[tuple[VoidedAttempt, Attempt]]:
    """Return the voided attempts of some registrations, oldest first."""
    query = (
        select(VoidedAttempt, Attempt)
        .join(Attempt, Attempt.attempt_id == VoidedAttempt.attempt_id)
        .where(VoidedAttempt.registration_id.in_(registration_ids))
        .order_by(VoidedAttempt.voided_at, VoidedAttempt.attempt_id)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def owner_of(session: Session, attempt: Attempt) -> uuid.UUID:
    """Return the registration that an attempt belongs to, or belonged to before it was voided."""
    if attempt.registration_id is not None:
        return attempt.registration_id
    return session.get_one(VoidedAttempt, attempt.attempt_id).registration_id


def _own() -> ColumnElement[bool]:
    return Registration.registration_id == Attempt.registration_id


def _scope(row: FormSwitch) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [Attempt.exam_session_id == row.exam_session_id, Attempt.form_id != row.form_id]
    if row.registration_id is not None:
        found.append(Registration.registration_id == row.registration_id)
    elif row.exam_room_id is not None:
        found.append(Registration.exam_room_id == row.exam_room_id)
    return found


def load_people(session: Session, attempts: Sequence[Attempt]) -> list[tuple[Entry, RenderedForm]]:
    """Return attempts with whose they are, where these sit, and the form as it was rendered."""
    found: list[tuple[Entry, RenderedForm]] = []
    for start in range(0, len(attempts), CHUNK):
        query = (
            select(Attempt, Registration, Candidate, ExamRoom, RenderedForm)
            .join(Registration, Registration.registration_id == Attempt.registration_id)
            .join(Candidate, Candidate.candidate_id == Registration.candidate_id)
            .join(RenderedForm, RenderedForm.attempt_id == Attempt.attempt_id)
            .outerjoin(ExamRoom, ExamRoom.exam_room_id == Registration.exam_room_id)
            .where(Attempt.attempt_id.in_([one.attempt_id for one in attempts[start : start + CHUNK]]))
            .order_by(Attempt.attempt_id)
        )
        found += [((row[0], row[1], row[2], row[3]), row[4]) for row in session.execute(query)]
    return found
