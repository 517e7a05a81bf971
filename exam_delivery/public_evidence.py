"""What a pack of evidence may say of a sitting: the form as rendered, every answer, marks, scores, changes of keys, release."""

from __future__ import annotations

import gzip
import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    DeadlineChange,
    Equating,
    ExamRoom,
    ExamSession,
    Incident,
    KeyChange,
    Mark,
    Registration,
    RegistrationStatus,
    RenderedForm,
    ResponseEvent,
    ResponseState,
    ScoreRecord,
    ScoreRelease,
    SlotScore,
    VoidedAttempt,
)
from exam_delivery.repository import key_changes as key_change_repository
from exam_delivery.repository import standby
from exam_delivery.rules.room import INCIDENT_LABELS
from kernel.canonical import facts_of

ATTEMPT = (
    "attempt_id", "exam_session_id", "form_id", "seed", "layout", "n_slots", "status", "opens_at", "starts_at", "ends_at",
    "duration_seconds", "started_at", "deadline_at", "submitted_at", "submit_kind", "receipt", "signed_in_at", "device",
)  # fmt: skip
SEAT = ("registration_id", "exam_room_id", "seat_number", "time_factor", "status", "void_reason", "checked_in_at")
SESSION = (
    "exam_session_id", "exam_batch_id", "name", "form_ids", "opens_at", "starts_at", "ends_at", "duration_seconds",
    "late_cutoff_minutes", "earliest_submit_minutes", "shuffle_items", "shuffle_choices", "seat_seed", "status",
)  # fmt: skip
EVENT = ("slot", "seq", "response", "client_time", "received_at", "generation", "is_late")
ANSWER = ("slot", "seq", "response", "received_at")
DEADLINE = ("minutes", "reason", "changed_by", "changed_at")
INCIDENT = ("kind", "text", "noted_by", "noted_at")
SCORE = (
    "score_record_id", "number", "key_version", "rule_version", "score", "max_score", "status", "reason",
    "responses_digest", "run_id", "created_by", "created_at",
)  # fmt: skip
SLOT = ("slot", "score", "max_score", "outcome", "source")
MARK = ("mark_id", "slot", "number", "score", "max_score", "comment", "marked_by", "marked_at")
CHANGE = (
    "code", "slot", "number", "source", "policy", "is_harmless", "sessions", "rooms", "reason", "effects_digest",
    "proposed_by_name", "proposed_at", "decided_by_name", "decided_at", "decision_reason", "applied_at",
)  # fmt: skip
EQUATING = (
    "code", "reference_form_id", "plan", "figures", "figures_digest", "seed", "reason", "proposed_by_name", "proposed_at",
    "decided_by_name", "decided_at", "decision_reason",
)  # fmt: skip
RELEASE = (
    "score_release_id", "exam_batch_id", "number", "exam_session_ids", "package_digest", "released_by", "released_at",
)  # fmt: skip
STATUS_LABELS = {
    RegistrationStatus.ADMITTED: "正常", RegistrationStatus.ABSENT: "缺考", RegistrationStatus.VOID: "成绩无效",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class AttemptEvidence:
    """One sitting as JSON values. `rendered` is the text that the candidate's page received: no key, but a name."""

    attempt: dict[str, Any]
    seat: dict[str, Any]
    form_id: uuid.UUID
    exam_session_id: uuid.UUID
    rendered: str
    rendered_digest: str
    events: list[dict[str, Any]]
    answers: list[dict[str, Any]]
    deadline_changes: list[dict[str, Any]]
    incidents: list[dict[str, Any]]
    marks: list[dict[str, Any]]
    scores: list[dict[str, Any]]
    voided: list[dict[str, Any]]


def load_attempt_evidence(
    session: Session, organisation_id: uuid.UUID, attempt_id: uuid.UUID
) -> AttemptEvidence | None:
    """Return everything that is kept of one sitting, None when the organisation has no such attempt.

    Parameters
    ----------
    session : Session
        For reading.
    organisation_id : UUID
        Whose walls hold.
    attempt_id : UUID
    """
    attempt = session.get(Attempt, attempt_id)
    if attempt is None or attempt.organisation_id != organisation_id:
        return None
    rendered = session.get_one(RenderedForm, attempt_id)
    seat = session.get_one(Registration, standby.owner_of(session, attempt))
    voided = standby.voided_of(session, [seat.registration_id])
    incidents = select(Incident).where(Incident.attempt_id.in_([attempt_id, *(one.attempt_id for one, _old in voided)]))
    return AttemptEvidence(
        attempt=facts_of(attempt, *ATTEMPT),
        seat=facts_of(seat, *SEAT),
        form_id=attempt.form_id,
        exam_session_id=attempt.exam_session_id,
        rendered=gzip.decompress(rendered.body).decode(),
        rendered_digest=rendered.digest,
        events=_rows(session, ResponseEvent, attempt_id, EVENT, ResponseEvent.slot, ResponseEvent.seq),
        answers=_rows(session, ResponseState, attempt_id, ANSWER, ResponseState.slot),
        deadline_changes=_rows(session, DeadlineChange, attempt_id, DEADLINE, DeadlineChange.changed_at),
        incidents=[facts_of(one, *INCIDENT) for one in session.scalars(incidents.order_by(Incident.noted_at))],
        marks=_rows(session, Mark, attempt_id, MARK, Mark.slot, Mark.number),
        scores=_scores(session, attempt_id),
        voided=[_voided(session, one, old) for one, old in voided],
    )


def _voided(session: Session, voided: VoidedAttempt, attempt: Attempt) -> dict[str, Any]:
    """Return an attempt that was voided, with all of its answers: kept as evidence, counted by nobody."""
    key = attempt.attempt_id
    return {
        **facts_of(voided, "next_attempt_id", "form_switch_id", "had_handed_in", "voided_by", "voided_at"),
        "attempt": facts_of(attempt, *ATTEMPT),
        "rendered_digest": session.get_one(RenderedForm, key).digest,
        "events": _rows(session, ResponseEvent, key, EVENT, ResponseEvent.slot, ResponseEvent.seq),
        "answers": _rows(session, ResponseState, key, ANSWER, ResponseState.slot),
    }


def _rows(
    session: Session, model: Any, attempt_id: uuid.UUID, names: tuple[str, ...], *order: Any
) -> list[dict[str, Any]]:
    query = select(model).where(model.attempt_id == attempt_id).order_by(*order)
    return [facts_of(row, *names) for row in session.scalars(query)]


def _scores(session: Session, attempt_id: uuid.UUID) -> list[dict[str, Any]]:
    records = session.scalars(
        select(ScoreRecord).where(ScoreRecord.attempt_id == attempt_id).order_by(ScoreRecord.number)
    ).all()
    keys = [record.score_record_id for record in records]
    slots: dict[uuid.UUID, list[dict[str, Any]]] = {key: [] for key in keys}
    for row in session.scalars(select(SlotScore).where(SlotScore.score_record_id.in_(keys)).order_by(SlotScore.slot)):
        slots[row.score_record_id].append(facts_of(row, *SLOT))
    return [{**facts_of(record, *SCORE), "slots": slots[record.score_record_id]} for record in records]


def load_session_evidence(session: Session, organisation_id: uuid.UUID, exam_session_id: uuid.UUID) -> dict[str, Any]:
    """Return a session's plan and rules as JSON values with its incidents; empty when the organisation has none."""
    row = session.get(ExamSession, exam_session_id)
    if row is None or row.organisation_id != organisation_id:
        return {}
    incidents = select(Incident).where(Incident.exam_session_id == exam_session_id, Incident.attempt_id.is_(None))
    return {
        **facts_of(row, *SESSION),
        "incidents": [facts_of(one, *INCIDENT) for one in session.scalars(incidents.order_by(Incident.noted_at))],
    }


def load_key_changes(session: Session, organisation_id: uuid.UUID, form_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return the applied changes of a form's key in their order, without the new keys."""
    rows: list[KeyChange] = list(
        key_change_repository.applied_changes(session, form_id, organisation_id=organisation_id)
    )
    return [facts_of(row, *CHANGE) for row in rows]


def load_release_evidence(session: Session, organisation_id: uuid.UUID, release_id: uuid.UUID) -> dict[str, Any]:
    """Return a release as JSON values with all its results, by registration; empty when the organisation has none."""
    row = session.get(ScoreRelease, release_id)
    if row is None or row.organisation_id != organisation_id:
        return {}
    return {**facts_of(row, *RELEASE), "results": row.results, **_equating(session, row)}


def _equating(session: Session, release: ScoreRelease) -> dict[str, Any]:
    """Return the decision that turned raw scores into those of a release; nothing where scores are raw."""
    found = session.get(Equating, release.equating_id) if release.equating_id else None
    return {"equating": facts_of(found, *EQUATING)} if found else {}


def load_sign_in(session: Session, organisation_id: uuid.UUID, exam_batch_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return who sat where and when in a batch, by admission number, as JSON values without names."""
    query = (
        select(Registration, Attempt, ExamRoom, ExamSession.name)
        .outerjoin(Attempt, Attempt.registration_id == Registration.registration_id)
        .outerjoin(ExamRoom, ExamRoom.exam_room_id == Registration.exam_room_id)
        .outerjoin(ExamSession, ExamSession.exam_session_id == Registration.exam_session_id)
        .where(Registration.exam_batch_id == exam_batch_id, Registration.organisation_id == organisation_id)
        .order_by(Registration.admission_number)
    )
    names = ("signed_in_at", "started_at", "submitted_at", "submit_kind", "n_answered")
    return [
        {
            "admission_number": seat.admission_number,
            "session": session_name or "",
            "room": f"{room.site} {room.name}" if room else "",
            **facts_of(seat, "seat_number", "status"),
            "status_label": STATUS_LABELS[seat.status],
            **(facts_of(attempt, *names) if attempt else dict.fromkeys(names)),
        }
        for seat, attempt, room, session_name in session.execute(query)
    ]


def load_sessions_of_batch(
    session: Session, organisation_id: uuid.UUID, exam_batch_id: uuid.UUID
) -> list[dict[str, Any]]:
    """Return the sessions of a batch with all their incidents, in the order of their start, as JSON values."""
    query = select(ExamSession).where(
        ExamSession.exam_batch_id == exam_batch_id, ExamSession.organisation_id == organisation_id
    )
    rows = session.scalars(query.order_by(ExamSession.starts_at)).all()
    found = []
    for row in rows:
        incidents = select(Incident).where(Incident.exam_session_id == row.exam_session_id).order_by(Incident.noted_at)
        noted = [
            {**facts_of(one, *INCIDENT, "attempt_id"), "kind_label": INCIDENT_LABELS.get(one.kind, one.kind)}
            for one in session.scalars(incidents)
        ]
        found.append({**facts_of(row, *SESSION), "incidents": noted})
    return found
