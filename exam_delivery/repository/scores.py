"""Answers and scores for scoring, marking and lists."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, insert, or_, select
from sqlalchemy.orm import Session, aliased

from exam_delivery.models import (
    Attempt,
    AttemptStatus,
    Candidate,
    ExamRoom,
    Registration,
    RegistrationStatus,
    ResponseState,
    ScoreRecord,
    ScoreStatus,
    SlotScore,
)
from exam_delivery.repository.planning import escape_like
from exam_delivery.rules.amendments import Place
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.lists import UNORDERED, Order, ordered_by

CHUNK = 400
NOT_TAKEN = "not_taken"
"""State of somebody who resits other parts and sits no theory."""


def submitted_attempts(session: Session, exam_session_id: uuid.UUID, *, actor: Actor) -> Sequence[Attempt]:
    """Return the handed-in attempts of a session that count: a voided one is never scored."""
    query = select(Attempt).where(
        Attempt.exam_session_id == exam_session_id,
        Attempt.organisation_id == actor.organisation,
        Attempt.status == AttemptStatus.SUBMITTED,
        Attempt.registration_id.is_not(None),
    )
    return session.scalars(query.order_by(Attempt.attempt_id)).all()


def lock_attempt(session: Session, attempt_id: uuid.UUID, *, actor: Actor) -> Attempt:
    """Return an attempt locked for a new mark or score version."""
    query = select(Attempt).where(Attempt.attempt_id == attempt_id, Attempt.organisation_id == actor.organisation)
    attempt = session.scalar(query.with_for_update())
    if attempt is None:
        raise NotFoundError(N_("作答记录不存在"))
    return attempt


def load_responses(session: Session, attempt_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[int, str]]:
    """Return the counting responses of some attempts, as stored text by slot."""
    found: dict[uuid.UUID, dict[int, str]] = {attempt_id: {} for attempt_id in attempt_ids}
    for some in _chunks(attempt_ids):
        query = select(ResponseState.attempt_id, ResponseState.slot, ResponseState.response)
        for attempt_id, slot, response in session.execute(query.where(ResponseState.attempt_id.in_(some))):
            found[attempt_id][slot] = response
    return found


def _chunks(keys: Sequence[uuid.UUID]) -> Iterable[Sequence[uuid.UUID]]:
    return (keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK))


def load_places(session: Session, attempt_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Place]:
    """Return session and room of some attempts."""
    found: dict[uuid.UUID, Place] = {}
    for some in _chunks(attempt_ids):
        query = (
            select(Attempt.attempt_id, Attempt.exam_session_id, Registration.exam_room_id)
            .join(Registration, Registration.registration_id == Attempt.registration_id)
            .where(Attempt.attempt_id.in_(some))
        )
        found.update((key, Place(str(sitting), str(room or ""))) for key, sitting, room in session.execute(query))
    return found


def newest_records(session: Session, attempt_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, ScoreRecord]:
    """Return the newest score version of some attempts."""
    found: dict[uuid.UUID, ScoreRecord] = {}
    for some in _chunks(attempt_ids):
        query = select(ScoreRecord).where(ScoreRecord.attempt_id.in_(some)).order_by(ScoreRecord.number)
        found.update((record.attempt_id, record) for record in session.scalars(query))
    return found


def attempts_of_run(session: Session, run_id: uuid.UUID) -> set[uuid.UUID]:
    """Return the attempts that a scoring run has scored already."""
    return set(session.scalars(select(ScoreRecord.attempt_id).where(ScoreRecord.run_id == run_id)))


def add_scores(session: Session, records: Sequence[dict[str, Any]], slots: Sequence[dict[str, Any]]) -> None:
    """Insert score versions with their slots in bulk."""
    if records:
        session.execute(insert(ScoreRecord), list(records))
    if slots:
        session.execute(insert(SlotScore), list(slots))


def slot_scores(session: Session, score_record_id: uuid.UUID) -> Sequence[SlotScore]:
    """Return the slots of one score version in order."""
    query = select(SlotScore).where(SlotScore.score_record_id == score_record_id)
    return session.scalars(query.order_by(SlotScore.slot)).all()


def newest_slot_scores(
    session: Session, attempt_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, dict[int, Decimal | None]]:
    """Return the scores by slot of the newest score version of some attempts."""
    owners = {record.score_record_id: key for key, record in newest_records(session, attempt_ids).items()}
    found: dict[uuid.UUID, dict[int, Decimal | None]] = {key: {} for key in owners.values()}
    for some in _chunks(list(owners)):
        query = select(SlotScore.score_record_id, SlotScore.slot, SlotScore.score)
        for record_id, slot, score in session.execute(query.where(SlotScore.score_record_id.in_(some))):
            found[owners[record_id]][slot] = score
    return found


def records_of_attempt(session: Session, attempt_id: uuid.UUID) -> Sequence[ScoreRecord]:
    """Return all score versions of an attempt, newest first."""
    query = select(ScoreRecord).where(ScoreRecord.attempt_id == attempt_id)
    return session.scalars(query.order_by(ScoreRecord.number.desc())).all()


def is_newest() -> ColumnElement[bool]:
    """Return the condition that a joined score version is the newest of its attempt."""
    every = aliased(ScoreRecord)
    highest = select(func.max(every.number)).where(every.attempt_id == Attempt.attempt_id).correlate(Attempt)
    return ScoreRecord.number == highest.scalar_subquery()


@dataclass(frozen=True, slots=True)
class ScoreFilter:
    """Which lines of the score list are wanted."""

    exam_batch_id: uuid.UUID | None = None
    exam_session_id: uuid.UUID | None = None
    exam_room_id: uuid.UUID | None = None
    state: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One line of the score list."""

    registration: Registration
    candidate: Candidate
    room: ExamRoom | None
    attempt: Attempt | None
    record: ScoreRecord | None

    @property
    def state(self) -> str:
        """The line's state: void, absent, the score version's status, or what the attempt is doing."""
        if self.registration.status is not RegistrationStatus.ADMITTED:
            return self.registration.status.value
        if not self.registration.takes_theory:
            return NOT_TAKEN
        if self.record is not None:
            return self.record.status.value
        if self.attempt is None or self.attempt.status is AttemptStatus.WAITING:
            return "not_started"
        return "unscored"

    @property
    def score(self) -> Decimal | None:
        """The score that counts, if there is one."""
        return self.record.score if self.record is not None and self.state == ScoreStatus.COMPLETE else None


def list_scores(
    session: Session,
    wanted: ScoreFilter,
    *,
    actor: Actor,
    order: Order = UNORDERED,
    page: int = 1,
    per_page: int = 50,
) -> tuple[list[ScoreLine], int]:
    """Return one page of the score list by admission number unless another order is asked for, and how many lines there are."""
    query = _score_lines().where(*_conditions(wanted, actor))
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    by = ordered_by(order, _orders(), [Registration.admission_number], Registration.registration_id)
    rows = session.execute(query.order_by(*by).limit(per_page).offset((page - 1) * per_page))
    return [ScoreLine(*row) for row in rows], total


def _orders() -> dict[str, Any]:
    """Return what scores are ordered by; a score that does not count, and is not shown, orders nothing."""
    counts = and_(_state_condition(ScoreStatus.COMPLETE), Registration.takes_theory.is_(True))
    return {
        "admission": Registration.admission_number, "name": Candidate.name, "employer": Candidate.employer,
        "score": case((counts, ScoreRecord.score)), "submitted": Attempt.submitted_at,
    }  # fmt: skip


def _score_lines() -> Select[Registration, Candidate, ExamRoom, Attempt, ScoreRecord]:
    return (
        select(Registration, Candidate, ExamRoom, Attempt, ScoreRecord)
        .join(Candidate, Candidate.candidate_id == Registration.candidate_id)
        .outerjoin(ExamRoom, ExamRoom.exam_room_id == Registration.exam_room_id)
        .outerjoin(Attempt, Attempt.registration_id == Registration.registration_id)
        .outerjoin(
            ScoreRecord,
            and_(ScoreRecord.attempt_id == Attempt.attempt_id, is_newest()),
        )
    )


def _conditions(wanted: ScoreFilter, actor: Actor) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Registration.organisation_id == actor.organisation]
    if wanted.exam_batch_id:
        conditions.append(Registration.exam_batch_id == wanted.exam_batch_id)
    if wanted.exam_session_id:
        conditions.append(Registration.exam_session_id == wanted.exam_session_id)
    if wanted.exam_room_id:
        conditions.append(Registration.exam_room_id == wanted.exam_room_id)
    if wanted.text:
        found = f"%{escape_like(wanted.text)}%"
        conditions.append(
            or_(Candidate.name.like(found, escape="\\"), Registration.admission_number.like(found, escape="\\"))
        )
    if wanted.state:
        conditions.append(_state_condition(wanted.state))
    return conditions


def _state_condition(state: str) -> ColumnElement[bool]:
    if state in {RegistrationStatus.ABSENT, RegistrationStatus.VOID}:
        return Registration.status == state
    admitted = Registration.status == RegistrationStatus.ADMITTED
    if state == NOT_TAKEN:
        return and_(admitted, Registration.takes_theory.is_(False))
    if state in set(ScoreStatus):
        return and_(admitted, ScoreRecord.status == state)
    return and_(admitted, Registration.takes_theory.is_(True), ScoreRecord.score_record_id.is_(None))


def count_states(session: Session, exam_session_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Mapping[str, int]]:
    """Return, by session, how many handed-in attempts that count have which newest score status; `none` has none."""
    query = (
        select(Attempt.exam_session_id, ScoreRecord.status, func.count())
        .outerjoin(ScoreRecord, and_(ScoreRecord.attempt_id == Attempt.attempt_id, is_newest()))
        .join(Registration, Registration.registration_id == Attempt.registration_id)
        .where(
            Attempt.exam_session_id.in_(exam_session_ids),
            Attempt.status == AttemptStatus.SUBMITTED,
            Registration.status == RegistrationStatus.ADMITTED,
        )
        .group_by(Attempt.exam_session_id, ScoreRecord.status)
    )
    found: dict[uuid.UUID, dict[str, int]] = {key: {} for key in exam_session_ids}
    for key, value, n in session.execute(query):
        found[key][value.value if value else "none"] = n
    return dict(found)


def facility(
    session: Session, exam_session_ids: Sequence[uuid.UUID]
) -> Sequence[tuple[uuid.UUID, int, int, Decimal, Decimal]]:
    """Return (form, slot, n, sum of scores, greatest score) over the newest complete versions."""
    query = (
        select(
            Attempt.form_id,
            SlotScore.slot,
            func.count(),
            func.sum(SlotScore.score),
            func.max(SlotScore.max_score),
        )
        .join(ScoreRecord, ScoreRecord.score_record_id == SlotScore.score_record_id)
        .join(Attempt, Attempt.attempt_id == ScoreRecord.attempt_id)
        .join(Registration, Registration.registration_id == Attempt.registration_id)
        .where(
            Attempt.exam_session_id.in_(exam_session_ids),
            is_newest(),
            SlotScore.score.is_not(None),
            Registration.status == RegistrationStatus.ADMITTED,
        )
        .group_by(Attempt.form_id, SlotScore.slot)
        .order_by(Attempt.form_id, SlotScore.slot)
    )
    return [(form_id, slot, n, total or Decimal(0), best) for form_id, slot, n, total, best in session.execute(query)]


def complete_scores(session: Session, exam_session_ids: Sequence[uuid.UUID]) -> list[Decimal]:
    """Return the complete scores of the admitted people of some sessions."""
    query = (
        select(ScoreRecord.score)
        .join(Attempt, Attempt.attempt_id == ScoreRecord.attempt_id)
        .join(Registration, Registration.registration_id == Attempt.registration_id)
        .where(
            Attempt.exam_session_id.in_(exam_session_ids),
            is_newest(),
            ScoreRecord.status == ScoreStatus.COMPLETE,
            Registration.status == RegistrationStatus.ADMITTED,
        )
    )
    return [score for score in session.scalars(query) if score is not None]


def records_of_batch(session: Session, exam_batch_id: uuid.UUID, *, actor: Actor) -> dict[uuid.UUID, ScoreRecord]:
    """Return the newest score version by registration."""
    query = (
        select(Attempt.registration_id, ScoreRecord)
        .join(Attempt, Attempt.attempt_id == ScoreRecord.attempt_id)
        .join(Registration, Registration.registration_id == Attempt.registration_id)
        .where(
            Registration.exam_batch_id == exam_batch_id,
            Registration.organisation_id == actor.organisation,
            is_newest(),
        )
    )
    return dict(session.execute(query).all())
