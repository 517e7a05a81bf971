"""Requests for score checks and appeals, and the people around the score that they are about."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session, undefer

from exam_delivery.models import (
    Candidate,
    ExamBatch,
    KeyChange,
    Mark,
    Registration,
    ScoreRelease,
    ScoreReviewEvent,
    ScoreReviewFile,
    ScoreReviewRequest,
)
from exam_delivery.repository.planning import escape_like
from exam_delivery.rules.amendments import ChangeState
from exam_delivery.rules.appeals import OPEN_STATES, RequestKind, RequestState
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.models import Organisation, User, UserRole
from kernel.identity.permissions import ROLE_PERMISSIONS, Permission
from kernel.lists import UNORDERED, Order, ordered_by

Entry = tuple[ScoreReviewRequest, Registration, Candidate, ExamBatch]
NOT_FOUND = N_("复核申请不存在")
REVIEWER_PERMISSIONS = frozenset({Permission.RESPONSE_MARK, Permission.SCORE_READ})


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """Which requests are wanted."""

    state: RequestState | None = None
    kind: RequestKind | None = None
    exam_batch_id: uuid.UUID | None = None
    reviewer_id: uuid.UUID | None = None
    is_overdue: bool = False
    is_open: bool = False
    text: str = ""


def get_request(session: Session, request_id: uuid.UUID, *, actor: Actor, lock: bool = False) -> ScoreReviewRequest:
    """Return a request of the actor's organisation, locked for a step where asked."""
    query = select(ScoreReviewRequest).where(
        ScoreReviewRequest.score_review_request_id == request_id,
        ScoreReviewRequest.organisation_id == actor.organisation,
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.scalar(query)
    if found is None:
        raise NotFoundError(NOT_FOUND)
    return found


def read_letter(session: Session, request_id: uuid.UUID, *, actor: Actor) -> tuple[str, bytes | None]:
    """Return name and encrypted bytes of the letter that a request came with."""
    query = select(ScoreReviewRequest).where(
        ScoreReviewRequest.score_review_request_id == request_id,
        ScoreReviewRequest.organisation_id == actor.organisation,
    )
    found = session.scalar(query.options(undefer(ScoreReviewRequest.letter_ciphertext)))
    if found is None:
        raise NotFoundError(NOT_FOUND)
    return found.letter_name, found.letter_ciphertext


def _entries() -> Select[ScoreReviewRequest, Registration, Candidate, ExamBatch]:
    return (
        select(ScoreReviewRequest, Registration, Candidate, ExamBatch)
        .join(Registration, Registration.registration_id == ScoreReviewRequest.registration_id)
        .join(Candidate, Candidate.candidate_id == Registration.candidate_id)
        .join(ExamBatch, ExamBatch.exam_batch_id == ScoreReviewRequest.exam_batch_id)
    )


def get_entry(session: Session, request_id: uuid.UUID, *, actor: Actor) -> Entry:
    """Return a request with the person and the batch."""
    query = _entries().where(
        ScoreReviewRequest.score_review_request_id == request_id,
        ScoreReviewRequest.organisation_id == actor.organisation,
    )
    row = session.execute(query).first()
    if row is None:
        raise NotFoundError(NOT_FOUND)
    return row[0], row[1], row[2], row[3]


def _conditions(wanted: RequestFilter, actor: Actor, today: dt.date) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [ScoreReviewRequest.organisation_id == actor.organisation]
    equal = {
        ScoreReviewRequest.state: wanted.state,
        ScoreReviewRequest.kind: wanted.kind,
        ScoreReviewRequest.exam_batch_id: wanted.exam_batch_id,
        ScoreReviewRequest.reviewer_id: wanted.reviewer_id,
    }
    conditions += [column == value for column, value in equal.items() if value is not None]
    if wanted.is_open or wanted.is_overdue:
        conditions.append(ScoreReviewRequest.state.in_(OPEN_STATES))
    if wanted.is_overdue:
        conditions.append(ScoreReviewRequest.answer_deadline < today)
    if wanted.text:
        found = f"%{escape_like(wanted.text)}%"
        columns = (Candidate.name, Registration.admission_number, ScoreReviewRequest.code)
        conditions.append(or_(*(column.like(found, escape="\\") for column in columns)))
    return conditions


ORDERS: dict[str, Any] = {
    "code": ScoreReviewRequest.code, "kind": ScoreReviewRequest.kind, "name": Candidate.name, "batch": ExamBatch.name,
    "state": ScoreReviewRequest.state, "deadline": ScoreReviewRequest.answer_deadline,
    "reviewer": ScoreReviewRequest.reviewer_name, "outcome": ScoreReviewRequest.outcome,
}  # fmt: skip


def list_requests(
    session: Session,
    wanted: RequestFilter,
    *,
    actor: Actor,
    today: dt.date,
    order: Order = UNORDERED,
    page: int = 1,
    per_page: int = 50,
) -> tuple[list[Entry], int]:
    """Return one page of requests, the open ones by deadline first unless another order is asked for, and how many there are."""
    query = _entries().where(*_conditions(wanted, actor, today))
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    usual = [
        ScoreReviewRequest.state.not_in(OPEN_STATES),
        ScoreReviewRequest.answer_deadline.is_(None).desc(),
        ScoreReviewRequest.answer_deadline,
        ScoreReviewRequest.code.desc(),
    ]
    by = ordered_by(order, ORDERS, usual, ScoreReviewRequest.score_review_request_id)
    rows = session.execute(query.order_by(*by).limit(per_page).offset((page - 1) * per_page))
    return [(row[0], row[1], row[2], row[3]) for row in rows], total


def count_requests(session: Session, wanted: RequestFilter, *, actor: Actor, today: dt.date) -> int:
    """Return how many requests there are of a sort."""
    query = _entries().where(*_conditions(wanted, actor, today))
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def list_files(session: Session, request_ids: Sequence[uuid.UUID], *, actor: Actor) -> Sequence[ScoreReviewFile]:
    """Return the files of some requests in the order they came, without their contents."""
    query = select(ScoreReviewFile).where(
        ScoreReviewFile.request_id.in_(request_ids), ScoreReviewFile.organisation_id == actor.organisation
    )
    return session.scalars(query.order_by(ScoreReviewFile.request_id, ScoreReviewFile.number)).all()


def get_file(session: Session, file_id: uuid.UUID, *, request_id: uuid.UUID, actor: Actor) -> ScoreReviewFile:
    """Return a file of a request with its content, or raise NotFoundError."""
    query = select(ScoreReviewFile).where(
        ScoreReviewFile.score_review_file_id == file_id, ScoreReviewFile.request_id == request_id,
        ScoreReviewFile.organisation_id == actor.organisation,
    )  # fmt: skip
    found = session.scalar(query.options(undefer(ScoreReviewFile.ciphertext)))
    if found is None:
        raise NotFoundError(N_("文件不存在"))
    return found


def requests_of(session: Session, registration_id: uuid.UUID, *, actor: Actor) -> Sequence[ScoreReviewRequest]:
    """Return the requests about a registration, oldest first."""
    query = select(ScoreReviewRequest).where(
        ScoreReviewRequest.registration_id == registration_id,
        ScoreReviewRequest.organisation_id == actor.organisation,
    )
    return session.scalars(query.order_by(ScoreReviewRequest.code)).all()


def count_open(session: Session, organisation_id: uuid.UUID, exam_batch_id: uuid.UUID) -> int:
    """Return how many requests about a batch are not closed."""
    query = select(func.count()).where(
        ScoreReviewRequest.organisation_id == organisation_id,
        ScoreReviewRequest.exam_batch_id == exam_batch_id,
        ScoreReviewRequest.state.in_(OPEN_STATES),
    )
    return session.scalar(query) or 0


def list_events(session: Session, request_id: uuid.UUID) -> Sequence[ScoreReviewEvent]:
    """Return what happened to a request, in order."""
    query = select(ScoreReviewEvent).where(ScoreReviewEvent.request_id == request_id)
    return session.scalars(query.order_by(ScoreReviewEvent.number)).all()


def lock_numbers(session: Session, organisation_id: uuid.UUID) -> int:
    """Lock the organisation's row, so that numbers of requests have no twin, and return how many there are."""
    session.execute(
        select(Organisation.organisation_id).where(Organisation.organisation_id == organisation_id).with_for_update()
    )
    query = select(func.count()).where(ScoreReviewRequest.organisation_id == organisation_id)
    return session.scalar(query) or 0


def marks_of(session: Session, attempt_id: uuid.UUID) -> dict[int, list[Mark]]:
    """Return all marks of an attempt by slot, oldest first."""
    found: dict[int, list[Mark]] = {}
    for mark in session.scalars(select(Mark).where(Mark.attempt_id == attempt_id).order_by(Mark.number)):
        found.setdefault(mark.slot, []).append(mark)
    return found


def markers_of(session: Session, attempt_id: uuid.UUID) -> set[uuid.UUID]:
    """Return who has marked an answer of an attempt."""
    return {key for key in session.scalars(select(Mark.marked_by).where(Mark.attempt_id == attempt_id)) if key}


def changes_of_form(session: Session, form_id: uuid.UUID, *, actor: Actor) -> Sequence[KeyChange]:
    """Return the key-change cases about a form, the newest first."""
    query = select(KeyChange).where(KeyChange.form_id == form_id, KeyChange.organisation_id == actor.organisation)
    return session.scalars(query.order_by(KeyChange.proposed_at.desc())).all()


def applied_since(session: Session, form_id: uuid.UUID, since: dt.datetime, *, actor: Actor) -> Sequence[KeyChange]:
    """Return the key-change cases about a form that were applied after a moment."""
    return [
        change
        for change in changes_of_form(session, form_id, actor=actor)
        if change.state is ChangeState.APPLIED and change.applied_at is not None and change.applied_at >= since
    ]


def releases_of_batch(session: Session, exam_batch_id: uuid.UUID, *, actor: Actor) -> Sequence[ScoreRelease]:
    """Return every release of a batch, the first one first."""
    query = select(ScoreRelease).where(
        ScoreRelease.exam_batch_id == exam_batch_id, ScoreRelease.organisation_id == actor.organisation
    )
    return session.scalars(query.order_by(ScoreRelease.number)).all()


def list_possible_reviewers(session: Session, *, actor: Actor) -> list[tuple[uuid.UUID, str]]:
    """Return the people whose role lets them look into scores, by name."""
    roles = [role for role, held in ROLE_PERMISSIONS.items() if held & REVIEWER_PERMISSIONS]
    query = (
        select(User.user_id, User.name)
        .join(UserRole, UserRole.user_id == User.user_id)
        .where(User.organisation_id == actor.organisation, User.is_active.is_(True), UserRole.role.in_(roles))
        .distinct()
        .order_by(User.name)
        .limit(500)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def count_of_kind(session: Session, registration_id: uuid.UUID, kind: RequestKind) -> int:
    """Return how many requests of a kind about a registration use up a round."""
    query = select(func.count()).where(
        ScoreReviewRequest.registration_id == registration_id,
        ScoreReviewRequest.kind == kind,
        ScoreReviewRequest.state.not_in((RequestState.DECLINED, RequestState.WITHDRAWN)),
    )
    return session.scalar(query) or 0
