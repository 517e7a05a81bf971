"""What certification may use: the results that were released; and what statistics are made of."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from exam_delivery.models import ExamSession, ForensicLead, SessionAnalysis
from exam_delivery.repository import analyses as analyses_repository
from exam_delivery.repository import forensics as forensics_repository
from exam_delivery.repository import planning
from exam_delivery.repository.forensics import LeadFilter, Person
from exam_delivery.rules.forensics import KIND_LABELS, STATE_LABELS, LeadKind, LeadState
from exam_delivery.rules.groups import CARRIERS, GROUPINGS
from exam_delivery.rules.readiness import percentile
from exam_delivery.services import analyses, forensics, form_sets, packages, photos
from exam_delivery.services.analyses import ANALYSE_JOB, FormTable, SlotOfForm
from exam_delivery.services.consequences import Consequences as Consequences
from exam_delivery.services.consequences import HeldCertificate as HeldCertificate
from exam_delivery.services.consequences import register_consequences as register_consequences
from exam_delivery.services.doubts import register_doubts as register_doubts
from exam_delivery.services.forensics import FoundLead, Trace
from exam_delivery.services.load_trials import TRIAL_JOB, keep_trial
from exam_delivery.services.packages import BatchInfo, CandidateResult, ResultOutcome, ResultPackage
from kernel.identity.actor import Actor
from kernel.jobs.models import Job
from kernel.uow import UnitOfWork

__all__ = [
    "ANALYSE_JOB",
    "CARRIERS",
    "GROUPINGS",
    "KIND_LABELS",
    "STATE_LABELS",
    "TRIAL_JOB",
    "BatchInfo",
    "CandidateResult",
    "FormTable",
    "FoundLead",
    "LeadFilter",
    "LeadKind",
    "LeadState",
    "Person",
    "ResultOutcome",
    "ResultPackage",
    "SlotOfForm",
    "Trace",
    "count_open_leads",
    "decide_lead",
    "find_analyses",
    "get_lead",
    "get_result_package",
    "keep_trial",
    "list_analyses",
    "list_leads",
    "load_earlier_shares",
    "load_form_sets",
    "load_form_tables",
    "load_groups",
    "load_people",
    "load_traces",
    "percentile",
    "read_photos",
    "request_analysis",
    "store_analyses",
    "store_leads",
]


def get_result_package(session: Session, release_id: uuid.UUID) -> ResultPackage:
    """Return the results of a release as they were when it was made.

    Parameters
    ----------
    session : Session
        For reading; the caller is the handler of the release's message, not a person.
    release_id : UUID
        Key of the release.

    Returns
    -------
    ResultPackage

    Raises
    ------
    NotFoundError
        If there is no such release.
    SealBrokenError
        If the stored results do not match the digest that was released.
    """
    return packages.build_package(session, release_id)


def read_photos(session: Session, actor: Actor, candidate_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, bytes]:
    """Return the photos of some candidates of the actor's organisation, for their certificates.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Whose organisation's walls hold.
    candidate_ids : sequence of UUID
        Keys of candidates.

    Returns
    -------
    dict of UUID to bytes
        JPEG or PNG by candidate; those without a photo are left out.
    """
    return photos.read_photos(session, actor, candidate_ids)


def load_form_tables(
    session: Session, actor: Actor, exam_session_id: uuid.UUID, attempt_ids: Collection[uuid.UUID] | None = None
) -> list[FormTable]:
    """Return the answers of a session form by form, without names, for statistics.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Whose organisation's walls hold.
    exam_session_id : UUID
    attempt_ids : collection of UUID, optional
        Only these attempts.

    Returns
    -------
    list of FormTable
        Handed-in attempts of admitted candidates only.
    """
    return analyses.load_tables(session, actor, exam_session_id, attempt_ids)


def load_groups(session: Session, actor: Actor, attempt_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[str, str]]:
    """Return the labels of candidates' groups (`GROUPINGS`) by attempt, for statistics about groups.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Whose organisation's walls hold.
    attempt_ids : sequence of UUID

    Returns
    -------
    dict of UUID to dict of str to str
        Empty text where registration does not say; no names, numbers or dates of persons.
    """
    return analyses_repository.load_groups(session, attempt_ids, actor=actor)


def request_analysis(uow: UnitOfWork, exam_session_id: uuid.UUID) -> Job:
    """Publish an analysis of a scored session.

    Raises
    ------
    ConflictError
        If the session is not wholly scored yet.
    NotFoundError
        If there is no such session in the actor's organisation.
    """
    return analyses.request_analysis(uow, exam_session_id)


def store_analyses(uow: UnitOfWork, exam_session_id: uuid.UUID, reports: Mapping[uuid.UUID, Mapping[str, Any]]) -> None:
    """Keep the figures of a session's forms, by form, as a new version."""
    analyses.store(uow, exam_session_id, reports)


def find_analyses(
    session: Session, actor: Actor, exam_session_id: uuid.UUID
) -> tuple[ExamSession, Sequence[SessionAnalysis]]:
    """Return a session with the newest analysis of each of its forms.

    Raises
    ------
    NotFoundError
        If there is no such session in the actor's organisation.
    """
    row = planning.get_session(session, exam_session_id, actor=actor)
    return row, analyses_repository.newest_of_session(session, exam_session_id, actor=actor)


def list_analyses(
    session: Session, actor: Actor, *, page: int, per_page: int
) -> tuple[list[tuple[ExamSession, SessionAnalysis]], int]:
    """Return one page of the newest analyses of the actor's organisation, and how many there are."""
    return analyses_repository.list_newest(session, actor=actor, page=page, per_page=per_page)


def load_traces(
    session: Session, actor: Actor, attempts: Mapping[uuid.UUID, Sequence[uuid.UUID]]
) -> dict[uuid.UUID, Trace]:
    """Return room, times and answer changes of some attempts, given by form, for statistics."""
    return forensics.load_traces(session, actor, attempts)


def load_form_sets(
    session: Session, actor: Actor, form_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, tuple[uuid.UUID, str]]:
    """Return key and name of the set that gave each candidate a form of their own, by form; ordinary forms are left out.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Whose organisation's walls hold.
    form_ids : sequence of UUID
    """
    return form_sets.sets_of_forms(session, actor.organisation, form_ids)


def load_earlier_shares(
    session: Session, actor: Actor, exam_session_id: uuid.UUID, attempt_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, float]:
    """Return what candidates earned the last time before a session in the same trade and level, for statistics.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Whose organisation's walls hold.
    exam_session_id : UUID
    attempt_ids : sequence of UUID
        Attempts of the session.

    Returns
    -------
    dict of UUID to float
        Share of the full marks by attempt; left out where there is no earlier complete score.
    """
    return forensics.load_earlier_shares(session, actor, exam_session_id, attempt_ids)


def store_leads(uow: UnitOfWork, exam_session_id: uuid.UUID, form_id: uuid.UUID, leads: Sequence[FoundLead]) -> int:
    """Keep leads that are not known yet; return how many are new."""
    return forensics.store_leads(uow, exam_session_id, form_id, leads)


def list_leads(
    session: Session, actor: Actor, wanted: LeadFilter, *, page: int, per_page: int
) -> tuple[list[tuple[ForensicLead, ExamSession]], int]:
    """Return one page of leads of the actor's organisation, the least likely by chance first, and how many there are."""
    return forensics_repository.list_leads(session, wanted, actor=actor, page=page, per_page=per_page)


def count_open_leads(session: Session, actor: Actor) -> int:
    """Return how many leads wait for a person."""
    return forensics_repository.count_open(session, actor=actor)


def get_lead(session: Session, actor: Actor, forensic_lead_id: uuid.UUID) -> ForensicLead:
    """Return a lead.

    Raises
    ------
    NotFoundError
        If there is no such lead in the actor's organisation.
    """
    return forensics_repository.get_lead(session, forensic_lead_id, actor=actor)


def load_people(session: Session, actor: Actor, attempt_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Person]:
    """Return names, admission numbers and seats by attempt, for those who look into a lead."""
    return forensics_repository.load_people(session, attempt_ids, actor=actor)


def decide_lead(
    uow: UnitOfWork, forensic_lead_id: uuid.UUID, state: LeadState, reason: str, *, version: int
) -> ForensicLead:
    """Say what a lead is worth, or open it again.

    Raises
    ------
    InvalidInputError
        If the reason is missing.
    ConflictError
        If somebody else decided meanwhile.
    """
    return forensics.decide(uow, forensic_lead_id, state, reason, version=version)
