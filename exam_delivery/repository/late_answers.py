"""Answers that reached the server by the network after the end, and what people decided about them."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from exam_delivery.models import Attempt, AttemptStatus, LateDecision, RescueFile, ResponseEvent
from exam_delivery.rules.late_answers import LateAnswer
from exam_delivery.rules.merging import GivenAnswer
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor

CHUNK = 500
OF_NO_FILE = ~exists().where(
    RescueFile.attempt_id == ResponseEvent.attempt_id, RescueFile.imported_at == ResponseEvent.received_at
)
"""Late answers of a rescue file carry the moment of its import; that file's own decision is about them."""


COLUMNS = (
    ResponseEvent.attempt_id, ResponseEvent.received_at, ResponseEvent.slot, ResponseEvent.seq, ResponseEvent.response,
    ResponseEvent.client_time, ResponseEvent.generation,
)  # fmt: skip
LATE = select(ResponseEvent.attempt_id).where(ResponseEvent.is_late, OF_NO_FILE)


def attempts_with_late(session: Session, exam_session_id: uuid.UUID, *, actor: Actor) -> Sequence[Attempt]:
    """Return the attempts of a session that have late answers; voided ones are evidence alone."""
    query = select(Attempt).where(
        Attempt.attempt_id.in_(LATE),
        Attempt.exam_session_id == exam_session_id,
        Attempt.organisation_id == actor.organisation,
        Attempt.registration_id.is_not(None),
    )
    return session.scalars(query.order_by(Attempt.attempt_id)).all()


def ended_with_late(
    session: Session, exam_session_ids: Collection[uuid.UUID], *, actor: Actor
) -> dict[uuid.UUID, uuid.UUID]:
    """Return the session of each attempt that has ended, was not voided, and has late answers."""
    query = select(Attempt.attempt_id, Attempt.exam_session_id).where(
        Attempt.attempt_id.in_(LATE),
        Attempt.exam_session_id.in_(exam_session_ids),
        Attempt.organisation_id == actor.organisation,
        Attempt.registration_id.is_not(None),
        Attempt.status == AttemptStatus.SUBMITTED,
    )
    return {key: sitting for key, sitting in session.execute(query)}  # noqa: C416 - rows are not pairs to the type checker


def late_answers(session: Session, attempt_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[LateAnswer]]:
    """Return the late answers of attempts in the order of their numbers."""
    found: dict[uuid.UUID, list[LateAnswer]] = defaultdict(list)
    for start in range(0, len(attempt_ids), CHUNK):
        query = select(*COLUMNS).where(
            ResponseEvent.attempt_id.in_(attempt_ids[start : start + CHUNK]), ResponseEvent.is_late, OF_NO_FILE
        )
        ordered = query.order_by(ResponseEvent.attempt_id, ResponseEvent.slot, ResponseEvent.seq)
        for attempt_id, received_at, slot, seq, response, client_time, generation in session.execute(ordered):
            answer = GivenAnswer(slot, seq, response, client_time, None, generation)
            found[attempt_id].append(LateAnswer(answer, received_at))
    return found


def decisions_of(session: Session, attempt_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[LateDecision]]:
    """Return what was proposed and decided about attempts, oldest first."""
    found: dict[uuid.UUID, list[LateDecision]] = defaultdict(list)
    for start in range(0, len(attempt_ids), CHUNK):
        query = select(LateDecision).where(LateDecision.attempt_id.in_(attempt_ids[start : start + CHUNK]))
        for row in session.scalars(query.order_by(LateDecision.late_decision_id)):
            found[row.attempt_id].append(row)
    return found


def get_decision(session: Session, late_decision_id: uuid.UUID, *, actor: Actor, lock: bool = False) -> LateDecision:
    """Return a proposal of the actor's organisation, locked for a decision if asked."""
    query = select(LateDecision).where(
        LateDecision.late_decision_id == late_decision_id, LateDecision.organisation_id == actor.organisation
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = session.scalar(query)
    if row is None:
        raise NotFoundError(N_("裁定不存在，请刷新页面"))
    return row
