"""Rescue files, and which answers the server keeps already."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    Candidate,
    Registration,
    RescueFile,
    ResponseEvent,
    VoidedAttempt,
)
from exam_delivery.rules.rescue import RescueState
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor


def get_file(session: Session, rescue_file_id: uuid.UUID, *, actor: Actor, lock: bool = False) -> RescueFile:
    """Return a rescue file of the actor's organisation, locked for a decision if asked."""
    query = select(RescueFile).where(
        RescueFile.rescue_file_id == rescue_file_id, RescueFile.organisation_id == actor.organisation
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = session.scalar(query)
    if row is None:
        raise NotFoundError(N_("应急文件不存在，请刷新页面"))
    return row


def find_file(session: Session, attempt_id: uuid.UUID, digest: str) -> RescueFile | None:
    """Return the file with these bytes, if it was uploaded before."""
    return session.scalar(select(RescueFile).where(RescueFile.attempt_id == attempt_id, RescueFile.digest == digest))


def files_of(session: Session, attempt_id: uuid.UUID, *, actor: Actor) -> Sequence[RescueFile]:
    """Return the files of one attempt, newest first."""
    query = select(RescueFile).where(
        RescueFile.attempt_id == attempt_id, RescueFile.organisation_id == actor.organisation
    )
    return session.scalars(query.order_by(RescueFile.uploaded_at.desc(), RescueFile.rescue_file_id.desc())).all()


def count_held(session: Session, *, actor: Actor) -> int:
    """Return how many files hold late answers that wait for a decision."""
    query = select(RescueFile.rescue_file_id).where(
        RescueFile.organisation_id == actor.organisation, RescueFile.state == RescueState.HELD
    )
    return len(session.scalars(query).all())


def count_held_by_session(session: Session, exam_session_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return how many files of each session hold late answers that wait for a decision."""
    query = (
        select(RescueFile.exam_session_id, func.count())
        .where(RescueFile.exam_session_id.in_(exam_session_ids), RescueFile.state == RescueState.HELD)
        .group_by(RescueFile.exam_session_id)
    )
    return {key: n for key, n in session.execute(query)}  # noqa: C416 - rows are not pairs to the type checker


def list_files(session: Session, *, actor: Actor, limit: int = 200) -> list[tuple[RescueFile, Registration, str]]:
    """Return the files of the organisation with whose they are, those that wait first, then the newest."""
    owner = func.coalesce(Attempt.registration_id, VoidedAttempt.registration_id)
    query = (
        select(RescueFile, Registration, Candidate.name)
        .join(Attempt, Attempt.attempt_id == RescueFile.attempt_id)
        .outerjoin(VoidedAttempt, VoidedAttempt.attempt_id == Attempt.attempt_id)
        .join(Registration, Registration.registration_id == owner)
        .join(Candidate, Candidate.candidate_id == Registration.candidate_id)
        .where(RescueFile.organisation_id == actor.organisation)
        .order_by((RescueFile.state == RescueState.HELD).desc(), RescueFile.uploaded_at.desc())
        .limit(limit)
    )
    return [(file, registration, name) for file, registration, name in session.execute(query)]


def stored_events(session: Session, attempt_id: uuid.UUID) -> set[tuple[int, int]]:
    """Return slot and sequence number of every event that is kept."""
    query = select(ResponseEvent.slot, ResponseEvent.seq).where(ResponseEvent.attempt_id == attempt_id)
    return {(slot, seq) for slot, seq in session.execute(query)}
