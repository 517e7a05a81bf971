"""Scoring runs: each makes a new version of every handed-in attempt; one bad answer holds up nobody else."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    ExamSession,
    ScoreRecord,
    ScoreSource,
    ScoreStatus,
    SessionStatus,
)
from exam_delivery.repository import planning
from exam_delivery.repository import scores as repository
from exam_delivery.repository.marking_results import CountedMark, counted_marks
from exam_delivery.rules import scoring as rules
from exam_delivery.rules.amendments import Place
from exam_delivery.rules.scoring import AttemptResult, ScoringKey, score_attempt, stored_digest
from exam_delivery.rules.states import check_step
from exam_delivery.services import scoring_keys
from exam_delivery.services.analyses import enqueue_analysis
from kernel import audit
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import DomainError, IllegalTransitionError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.jobs.models import Job
from kernel.jobs.services import enqueue
from kernel.uow import UnitOfWork

SCORE_JOB = "exam_delivery.score"
SCORABLE = frozenset({SessionStatus.CLOSED, SessionStatus.SCORED})
REASON_LENGTH = 300


def request_scoring(uow: UnitOfWork, exam_session_id: uuid.UUID) -> Job:
    """Publish a scoring run of a closed session; again makes new versions."""
    require(uow.actor, Permission.SESSION_WRITE)
    row = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    if row.status not in SCORABLE:
        raise IllegalTransitionError(N_("场次结束后、成绩发布前才能评分"))
    audit.record(uow, "exam_session.request_scoring", "exam_session", exam_session_id)
    return enqueue_scoring(uow, row)


def enqueue_scoring(uow: UnitOfWork, row: ExamSession) -> Job:
    """Publish a scoring run; closing a session does so by itself."""
    payload = {"exam_session_id": str(row.exam_session_id), "run_id": str(new_id())}
    return enqueue(uow, SCORE_JOB, payload, title=f"自动评分：{row.name}")


@dataclass(frozen=True, slots=True)
class Answers:
    """What an attempt's score depends on beside the key: stored responses and marks by slot, and where it was sat."""

    responses: Mapping[int, str]
    marks: Mapping[int, CountedMark]
    place: Place


@dataclass(slots=True)
class Keys:
    """The scoring parts of a run, opened once; a part that cannot be opened blocks its own attempts alone."""

    organisation_id: uuid.UUID
    found: dict[uuid.UUID, ScoringKey | str] = field(default_factory=dict)

    def get(self, session: Session, form_id: uuid.UUID) -> ScoringKey | str:
        """Return the key of a form, or why there is none."""
        if form_id not in self.found:
            self.found[form_id] = self._open(session, form_id)
        return self.found[form_id]

    def _open(self, session: Session, form_id: uuid.UUID) -> ScoringKey | str:
        try:
            return scoring_keys.load_key(session, self.organisation_id, form_id)
        except DomainError as exc:
            return exc.message
        except (KeyError, ValueError, LookupError) as exc:
            return f"{type(exc).__name__}: {exc}"


def attempts_to_score(session: Session, actor: Actor, exam_session_id: uuid.UUID, run_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the handed-in attempts that this run has not scored yet."""
    row = planning.get_session(session, exam_session_id, actor=actor)
    if row.status not in SCORABLE:
        raise IllegalTransitionError(N_("场次结束后、成绩发布前才能评分"))
    done = repository.attempts_of_run(session, run_id)
    attempts = repository.submitted_attempts(session, exam_session_id, actor=actor)
    return [attempt.attempt_id for attempt in attempts if attempt.attempt_id not in done]


def score_attempts(uow: UnitOfWork, attempt_ids: Sequence[uuid.UUID], keys: Keys, run_id: uuid.UUID | None) -> None:
    """Add a new score version to each of some attempts."""
    attempts = [repository.lock_attempt(uow.session, key, actor=uow.actor) for key in sorted(attempt_ids)]
    ids = [attempt.attempt_id for attempt in attempts]
    responses = repository.load_responses(uow.session, ids)
    marks = counted_marks(uow.session, ids)
    places = repository.load_places(uow.session, ids)
    present = repository.newest_records(uow.session, ids)
    records: list[dict[str, Any]] = []
    slots: list[dict[str, Any]] = []
    for attempt in attempts:
        key = attempt.attempt_id
        before = present.get(key)
        record, rows = _version(
            uow, attempt, keys.get(uow.session, attempt.form_id), Answers(responses[key], marks[key], places[key]),
            number=before.number + 1 if before else 1, run_id=run_id,
        )  # fmt: skip
        records.append(record)
        slots += rows
    repository.add_scores(uow.session, records, slots)


def _version(
    uow: UnitOfWork,
    attempt: Attempt,
    key: ScoringKey | str,
    answers: Answers,
    *,
    number: int,
    run_id: uuid.UUID | None,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    stored = stored_digest(answers.responses)
    reason = key if isinstance(key, str) else _alarm(attempt, answers.responses, stored)
    result = None if reason or isinstance(key, str) else score_answers(key, answers)
    if result is not None:
        reason = _unreadable_reason(result)
    record_id = new_id()
    record = {
        "score_record_id": record_id, "organisation_id": attempt.organisation_id, "attempt_id": attempt.attempt_id,
        "number": number, "key_version": key.key_version if isinstance(key, ScoringKey) else 0,
        "rule_version": rules.RULE_VERSION, "score": result.score if result and not reason else None,
        "max_score": key.max_score if isinstance(key, ScoringKey) else 0, "status": _status(result, reason),
        "reason": reason[:REASON_LENGTH], "responses_digest": stored, "run_id": run_id,
        "created_by": uow.actor.user_id, "created_at": now(),
    }  # fmt: skip
    return record, _slot_rows(record_id, result, answers.marks) if result else []


def score_answers(key: ScoringKey, answers: Answers) -> AttemptResult:
    """Score one attempt."""
    marks = {slot: mark.score for slot, mark in answers.marks.items()}
    return score_attempt(key, answers.responses, marks, answers.place)


def _alarm(attempt: Attempt, responses: Mapping[int, str], stored: str) -> str:
    """Return why these responses must not be scored: they are not those that the candidate's receipt counts."""
    receipt = attempt.receipt or {}
    if receipt.get("n_answers") and not responses:
        return f"交卷回执记有 {receipt['n_answers']} 题作答，系统中没有作答记录"
    if receipt.get("digest") and receipt["digest"] != stored:
        return "作答记录与交卷回执的校验值不符"
    return ""


def _unreadable_reason(result: AttemptResult) -> str:
    if not result.unreadable:
        return ""
    return "第 " + "、".join(map(str, result.unreadable)) + " 题的作答格式无法识别，请到阅卷台人工评分"


def _status(result: AttemptResult | None, reason: str) -> ScoreStatus:
    if result is None or reason:
        return ScoreStatus.BLOCKED
    return ScoreStatus.NEEDS_MARKING if result.score is None else ScoreStatus.COMPLETE


def _slot_rows(record_id: uuid.UUID, result: AttemptResult, marks: Mapping[int, CountedMark]) -> list[dict[str, Any]]:
    return [
        {
            "score_record_id": record_id, "slot": slot.slot, "score": slot.score, "max_score": slot.max_score,
            "outcome": slot.outcome, "source": ScoreSource(slot.source.value),
            "mark_ids": list(marks[slot.slot].mark_ids) if slot.source is rules.Source.HUMAN else None,
        }
        for slot in result.slots
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ScoringState:
    """How far the scoring of a session is."""

    n_complete: int
    n_needs_marking: int
    n_blocked: int
    n_unscored: int

    @property
    def is_whole(self) -> bool:
        """Whether every handed-in attempt has a complete score."""
        return not (self.n_needs_marking or self.n_blocked or self.n_unscored)


def scoring_state(session: Session, exam_session_id: uuid.UUID) -> ScoringState:
    """Return how far the scoring of a session is."""
    counts = repository.count_states(session, [exam_session_id])[exam_session_id]
    return ScoringState(
        counts.get("complete", 0), counts.get("needs_marking", 0), counts.get("blocked", 0), counts.get("none", 0)
    )


def settle(uow: UnitOfWork, exam_session_id: uuid.UUID) -> ScoringState:
    """Move a session to scored when every attempt is complete, and back to closed when one is not."""
    row = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    state = scoring_state(uow.session, exam_session_id)
    wanted = SessionStatus.SCORED if state.is_whole else SessionStatus.CLOSED
    if row.status is not wanted and row.status in SCORABLE:
        check_step(row.status, wanted)
        row.status = wanted
        audit.record(uow, "exam_session.scoring", "exam_session", exam_session_id, after={"status": wanted.value})
        if state.is_whole:
            enqueue_analysis(uow, row)
    return state


def record_of(session: Session, attempt_id: uuid.UUID) -> ScoreRecord | None:
    """Return the newest score version of an attempt."""
    return repository.newest_records(session, [attempt_id]).get(attempt_id)
