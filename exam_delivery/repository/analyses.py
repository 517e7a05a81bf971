"""Analyses of sessions."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session, aliased

from exam_delivery.models import (
    Attempt,
    Candidate,
    ExamBatch,
    ExamRoom,
    ExamSession,
    Registration,
    RegistrationStatus,
)
from exam_delivery.models.analyses import SessionAnalysis
from exam_delivery.models.attempts import AttemptStatus
from exam_delivery.rules.groups import group_labels
from kernel.identity.actor import Actor

CHUNK = 500


def counted_attempts(session: Session, exam_session_id: uuid.UUID, *, actor: Actor) -> Sequence[Attempt]:
    """Return the handed-in attempts whose results count, in the order of the attempts."""
    query = (
        select(Attempt)
        .join(Registration, Registration.registration_id == Attempt.registration_id)
        .where(
            Attempt.exam_session_id == exam_session_id,
            Attempt.organisation_id == actor.organisation,
            Attempt.status == AttemptStatus.SUBMITTED,
            Registration.status == RegistrationStatus.ADMITTED,
        )
    )
    return session.scalars(query.order_by(Attempt.form_id, Attempt.attempt_id)).all()


def load_groups(session: Session, attempt_ids: Sequence[uuid.UUID], *, actor: Actor) -> dict[uuid.UUID, dict[str, str]]:
    """Return the labels of the groups of some attempts' candidates, by attempt."""
    found: dict[uuid.UUID, dict[str, str]] = {}
    for start in range(0, len(attempt_ids), CHUNK):
        query = (
            select(
                Attempt.attempt_id, Attempt.device, ExamRoom.site, Candidate.sex, Candidate.employer, Candidate.extra
            )
            .join(Registration, Registration.registration_id == Attempt.registration_id)
            .join(Candidate, Candidate.candidate_id == Registration.candidate_id)
            .outerjoin(ExamRoom, ExamRoom.exam_room_id == Registration.exam_room_id)
            .where(
                Attempt.attempt_id.in_(attempt_ids[start : start + CHUNK]), Attempt.organisation_id == actor.organisation
            )
        )  # fmt: skip
        for key, device, site, sex, employer, extra in session.execute(query):
            found[key] = group_labels(site=site or "", sex=sex, employer=employer, extra=extra or {}, device=device)
    return found


def next_number(session: Session, exam_session_id: uuid.UUID) -> int:
    """Return the number of the next analysis of a session."""
    query = select(func.max(SessionAnalysis.number)).where(SessionAnalysis.exam_session_id == exam_session_id)
    return (session.scalar(query) or 0) + 1


def _is_newest() -> ColumnElement[bool]:
    """Say that no later analysis of the session is there: the newest takes the place of all its parts."""
    other = aliased(SessionAnalysis)
    newer = select(other.session_analysis_id).where(
        and_(
            other.exam_session_id == SessionAnalysis.exam_session_id,
            other.number > SessionAnalysis.number,
        )
    )
    return ~newer.exists()


def newest_of_session(session: Session, exam_session_id: uuid.UUID, *, actor: Actor) -> Sequence[SessionAnalysis]:
    """Return the newest analysis of a session: every form, or set of forms."""
    query = select(SessionAnalysis).where(
        SessionAnalysis.exam_session_id == exam_session_id,
        SessionAnalysis.organisation_id == actor.organisation,
        _is_newest(),
    )
    return session.scalars(query.order_by(SessionAnalysis.form_id)).all()


@dataclass(frozen=True, slots=True)
class FormTrend:
    """What the newest analysis of a form in a session says of the whole form."""

    exam_session_id: uuid.UUID
    session_name: str
    starts_at: datetime
    form_id: uuid.UUID
    title: str
    n_candidates: int
    mean_facility: float | None
    alpha: float | None


@dataclass(frozen=True, slots=True)
class AnalysedLevel:
    """A level of which sessions have been analysed."""

    standard_level_id: uuid.UUID
    occupation_name: str
    level_name: str
    n_sessions: int
    latest: datetime


def analysed_levels(session: Session, *, actor: Actor) -> list[AnalysedLevel]:
    """Return the levels of which sessions have been analysed, by occupation."""
    query = (
        select(
            ExamBatch.standard_level_id, func.max(ExamBatch.occupation_name), func.max(ExamBatch.level_name),
            func.count(ExamSession.exam_session_id.distinct()), func.max(ExamSession.starts_at),
        )
        .join(ExamSession, ExamSession.exam_batch_id == ExamBatch.exam_batch_id)
        .join(SessionAnalysis, SessionAnalysis.exam_session_id == ExamSession.exam_session_id)
        .where(SessionAnalysis.organisation_id == actor.organisation)
        .group_by(ExamBatch.standard_level_id)
        .order_by(func.max(ExamBatch.occupation_name), func.max(ExamBatch.level_code))
    )  # fmt: skip
    return [AnalysedLevel(*row) for row in session.execute(query)]


def trends_of_level(session: Session, standard_level_id: uuid.UUID, *, actor: Actor, limit: int) -> list[FormTrend]:
    """Return the newest analyses of a level's sessions without their items, the latest session first."""
    test = SessionAnalysis.report["test"]
    query = (
        select(
            ExamSession.exam_session_id, ExamSession.name, ExamSession.starts_at, SessionAnalysis.form_id,
            SessionAnalysis.report["title"].as_string(), SessionAnalysis.n_candidates, test["mean_facility"].as_float(),
            func.coalesce(test["alpha"].as_float(), test["reliability"].as_float()),
        )
        .join(SessionAnalysis, SessionAnalysis.exam_session_id == ExamSession.exam_session_id)
        .join(ExamBatch, ExamBatch.exam_batch_id == ExamSession.exam_batch_id)
        .where(
            SessionAnalysis.organisation_id == actor.organisation, ExamBatch.standard_level_id == standard_level_id,
            _is_newest(),
        )
        .order_by(ExamSession.starts_at.desc(), ExamSession.exam_session_id, SessionAnalysis.form_id)
    )  # fmt: skip
    return [FormTrend(*row) for row in session.execute(query.limit(limit))]


def newest_of_level(
    session: Session, standard_level_id: uuid.UUID, *, actor: Actor, limit: int
) -> list[tuple[ExamSession, SessionAnalysis]]:
    """Return the newest analyses of a level's sessions with their items, the earliest session first."""
    query = (
        select(ExamSession, SessionAnalysis)
        .join(SessionAnalysis, SessionAnalysis.exam_session_id == ExamSession.exam_session_id)
        .join(ExamBatch, ExamBatch.exam_batch_id == ExamSession.exam_batch_id)
        .where(
            SessionAnalysis.organisation_id == actor.organisation,
            ExamBatch.standard_level_id == standard_level_id,
            _is_newest(),
        )
        .order_by(ExamSession.starts_at, ExamSession.exam_session_id, SessionAnalysis.form_id)
    )
    return [(row[0], row[1]) for row in session.execute(query.limit(limit))]


def list_newest(
    session: Session, *, actor: Actor, page: int, per_page: int
) -> tuple[list[tuple[ExamSession, SessionAnalysis]], int]:
    """Return one page of the newest analyses with their sessions, the latest first, and how many there are."""
    query = (
        select(ExamSession, SessionAnalysis)
        .join(SessionAnalysis, SessionAnalysis.exam_session_id == ExamSession.exam_session_id)
        .where(SessionAnalysis.organisation_id == actor.organisation, _is_newest())
    )
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    ordered = query.order_by(SessionAnalysis.computed_at.desc(), SessionAnalysis.session_analysis_id)
    return [(row[0], row[1]) for row in session.execute(ordered.limit(per_page).offset((page - 1) * per_page))], total
