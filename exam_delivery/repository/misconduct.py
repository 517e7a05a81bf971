"""Misconduct cases with their signatures."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from exam_delivery.models import Candidate, ExamSession, MisconductCase, MisconductSignature, Registration
from exam_delivery.rules.misconduct import CaseState
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor

CaseRow = tuple[MisconductCase, Registration, Candidate, ExamSession]


def list_cases(
    session: Session,
    *,
    actor: Actor,
    state: CaseState | None = None,
    session_ids: Collection[uuid.UUID] | None = None,
) -> list[CaseRow]:
    """Return cases of the organisation, newest first; of some sessions alone when these are given."""
    query = _rows(actor)
    if state:
        query = query.where(MisconductCase.state == state)
    if session_ids is not None:
        query = query.where(MisconductCase.exam_session_id.in_(session_ids))
    ordered = query.order_by(MisconductCase.proposed_at.desc(), MisconductCase.code.desc()).limit(5000)
    return [(case, person, candidate, sitting) for case, person, candidate, sitting in session.execute(ordered)]


def get_case(session: Session, misconduct_case_id: uuid.UUID, *, actor: Actor) -> CaseRow:
    """Return a case of the actor's organisation."""
    row = session.execute(_rows(actor).where(MisconductCase.misconduct_case_id == misconduct_case_id)).first()
    if row is None:
        raise NotFoundError(N_("违纪案不存在"))
    case, registration, candidate, sitting = row
    return case, registration, candidate, sitting


def _rows(actor: Actor) -> Select[MisconductCase, Registration, Candidate, ExamSession]:
    return (
        select(MisconductCase, Registration, Candidate, ExamSession)
        .join(Registration, Registration.registration_id == MisconductCase.registration_id)
        .join(Candidate, Candidate.candidate_id == Registration.candidate_id)
        .join(ExamSession, ExamSession.exam_session_id == MisconductCase.exam_session_id)
        .where(MisconductCase.organisation_id == actor.organisation)
    )


def lock_case(session: Session, misconduct_case_id: uuid.UUID, *, actor: Actor) -> MisconductCase:
    """Return a case locked for a step."""
    query = select(MisconductCase).where(
        MisconductCase.misconduct_case_id == misconduct_case_id, MisconductCase.organisation_id == actor.organisation
    )
    row = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if row is None:
        raise NotFoundError(N_("违纪案不存在"))
    return row


def signatures_of(session: Session, case_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[MisconductSignature]]:
    """Return the signatures of cases, in their order."""
    found: dict[uuid.UUID, list[MisconductSignature]] = defaultdict(list)
    query = select(MisconductSignature).where(MisconductSignature.misconduct_case_id.in_(case_ids))
    for one in session.scalars(query.order_by(MisconductSignature.signed_at)):
        found[one.misconduct_case_id].append(one)
    return found


def count_since(session: Session, since: datetime, *, actor: Actor) -> int:
    """Return how many cases the organisation opened since a moment."""
    query = select(func.count()).where(
        MisconductCase.organisation_id == actor.organisation, MisconductCase.proposed_at >= since
    )
    return session.scalar(query) or 0


def open_case_of(session: Session, registration_id: uuid.UUID) -> MisconductCase | None:
    """Return the case of a candidate that is neither withdrawn nor dismissed."""
    query = select(MisconductCase).where(
        MisconductCase.registration_id == registration_id,
        MisconductCase.state.in_((CaseState.PROPOSED, CaseState.CONFIRMED, CaseState.DECIDED)),
    )
    return session.scalars(query.limit(1)).first()


def decided_of_session(session: Session, exam_session_id: uuid.UUID) -> Sequence[MisconductCase]:
    """Return the decided cases of a session, in the order of decision."""
    query = select(MisconductCase).where(
        MisconductCase.exam_session_id == exam_session_id, MisconductCase.state == CaseState.DECIDED
    )
    return session.scalars(query.order_by(MisconductCase.decided_at, MisconductCase.code)).all()


def count_waiting(session: Session, *, actor: Actor) -> int:
    """Return how many cases wait for a decision."""
    query = select(func.count()).where(
        MisconductCase.organisation_id == actor.organisation, MisconductCase.state == CaseState.CONFIRMED
    )
    return session.scalar(query) or 0
