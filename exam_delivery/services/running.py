"""Opening and closing sessions, by an officer or by the clock."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    AttemptStatus,
    ExamSession,
    Registration,
    RegistrationStatus,
    SessionStatus,
    SubmitKind,
)
from exam_delivery.repository import attempts_planning, planning
from exam_delivery.repository.scores import load_responses
from exam_delivery.rules.closing import CLOSE_AFTER_MINUTES, may_close
from exam_delivery.rules.receipts import make_receipt
from exam_delivery.rules.states import check_step
from exam_delivery.services import readiness_gate
from exam_delivery.services.scoring import enqueue_scoring
from kernel import audit, profiles
from kernel.clock import now
from kernel.db import db
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import require, system_actor
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork, unit_of_work


def open_session(
    uow: UnitOfWork, exam_session_id: uuid.UUID, *, reason: str = "", folder: Path | None = None
) -> ExamSession:
    """Open a prepared session; before its time sign-in begins now, the start stays where it is.

    Where the readiness gate is not green and the rule profile refuses, a `reason` is needed; `folder` is on the disk to look at.
    """
    require(uow.actor, Permission.SESSION_WRITE)
    row = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    check_step(row.status, SessionStatus.OPEN)
    if row.cancelled_at:
        raise ConflictError(N_("场次已取消，不能开放"))
    readiness_gate.pass_gate(uow, row, reason=reason, folder=folder)
    row.status = SessionStatus.OPEN
    if row.opens_at > now():
        row.opens_at = now()
        attempts_planning.retime_waiting(uow.session, row)
    audit.record(uow, "exam_session.open", "exam_session", exam_session_id)
    return row


def close_session(uow: UnitOfWork, exam_session_id: uuid.UUID) -> ExamSession:
    """Close a session: everything is handed in, who never began is absent, scoring begins."""
    require(uow.actor, Permission.SESSION_WRITE)
    row = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    check_step(row.status, SessionStatus.CLOSED)
    n_forced = _hand_in_all(uow.session, exam_session_id)
    n_absent = _mark_absent(uow.session, exam_session_id)
    row.status = SessionStatus.CLOSED
    after = {"handed_in": n_forced, "absent": n_absent}
    audit.record(uow, "exam_session.close", "exam_session", exam_session_id, after=after)
    enqueue_scoring(uow, row)
    return row


def _hand_in_all(session: Session, exam_session_id: uuid.UUID) -> int:
    query = (
        select(Attempt, Registration.admission_number)
        .join(Registration, Registration.registration_id == Attempt.registration_id)
        .where(Attempt.exam_session_id == exam_session_id, Attempt.status == AttemptStatus.IN_PROGRESS)
        .order_by(Attempt.attempt_id)  # the order in which everybody locks attempts
        .with_for_update(of=Attempt)
    )
    writing = session.execute(query).all()
    stored = load_responses(session, [attempt.attempt_id for attempt, _number in writing])
    moment = now()
    for attempt, number in writing:
        responses = {slot: json.loads(text) for slot, text in stored[attempt.attempt_id].items()}
        attempt.status, attempt.submit_kind, attempt.submitted_at = AttemptStatus.SUBMITTED, SubmitKind.TIMEOUT, moment
        attempt.receipt = make_receipt(responses, number or "", moment)
        attempt.paused_at = attempt.locked_at = None
    session.flush()  # who is absent is found by SQL
    return len(writing)


def _mark_absent(session: Session, exam_session_id: uuid.UUID) -> int:
    """Mark those absent who never began: signed in or not, what counts is the start."""
    began = select(Attempt.attempt_id).where(
        Attempt.registration_id == Registration.registration_id, Attempt.started_at.is_not(None)
    )
    absent = session.scalars(
        select(Registration.registration_id).where(
            Registration.exam_session_id == exam_session_id,
            Registration.status == RegistrationStatus.ADMITTED,
            ~began.exists(),
        )
    ).all()
    if absent:
        rows = [{"registration_id": key, "status": RegistrationStatus.ABSENT} for key in absent]
        session.execute(update(Registration), rows)
    return len(absent)


def _to_close(moment: datetime) -> list[ExamSession]:
    """Return the sessions whose end has come for good: time may be given for a while to whom the clock collected."""
    found = planning.sessions_to_close(db.session(), moment)
    collected = attempts_planning.sessions_with_collected(db.session(), [row.exam_session_id for row in found])
    return [
        row
        for row in found
        if may_close(
            row.ends_at, moment, int(profiles.value(db.session(), row.organisation_id, CLOSE_AFTER_MINUTES)),
            was_collected=row.exam_session_id in collected,
        )
    ]  # fmt: skip


def follow_the_clock() -> int:
    """Open and close the sessions whose time has come; a duty of the worker. Return how many steps were made."""
    moment = now()
    to_open = [(row.organisation_id, row.exam_session_id) for row in planning.sessions_to_open(db.session(), moment)]
    to_close = [(row.organisation_id, row.exam_session_id) for row in _to_close(moment)]
    n_opened = sum(_open_in_time(organisation_id, key) for organisation_id, key in to_open)
    for organisation_id, key in to_close:
        with unit_of_work(system_actor(organisation_id, name="clock")) as uow:
            close_session(uow, key)
    return n_opened + len(to_close)


def _open_in_time(organisation_id: uuid.UUID, key: uuid.UUID) -> bool:
    """Open a session whose time has come, unless its gate asks for a person's reason; return whether it opened."""
    with unit_of_work(system_actor(organisation_id, name="clock")) as uow:
        row = planning.get_session(uow.session, key, actor=uow.actor)
        if readiness_gate.is_held_back(uow.session, uow.actor, row):
            return False
        open_session(uow, key)
    return True
