"""Batches, sessions and scores as JSON."""

from __future__ import annotations

import uuid
from typing import Any

from flask_smorest import Blueprint

from exam_delivery.models import ExamBatch, ExamSession, SessionStatus
from exam_delivery.repository import planning, scores
from exam_delivery.repository.planning import SessionCounts
from exam_delivery.repository.scores import ScoreFilter, ScoreLine
from exam_delivery.schemas import (
    ExamBatchCreateSchema,
    ExamBatchListSchema,
    ExamBatchQuerySchema,
    ExamBatchSchema,
    ExamSessionListSchema,
    ExamSessionQuerySchema,
    ExamSessionSchema,
    ScoreListSchema,
    ScoreQuerySchema,
    SessionConflictsSchema,
)
from exam_delivery.services import batches, recusal, results
from exam_delivery.services.batches import BatchPlan
from kernel.conflicts import Severity
from kernel.db import db
from kernel.http import current_actor, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("api_exams", __name__, url_prefix="/api/v1", description="Batches, sessions and scores")
SESSION_FIELDS = (
    "exam_session_id", "exam_batch_id", "name", "status", "form_ids", "opens_at", "starts_at", "ends_at",
    "duration_seconds", "late_cutoff_minutes", "earliest_submit_minutes",
)  # fmt: skip


@bp.get("/exam-batches")
@requires(Permission.SESSION_READ)
@bp.arguments(ExamBatchQuerySchema, location="query")
@bp.response(200, ExamBatchListSchema)
def list_batches(query: dict[str, Any]) -> dict[str, Any]:
    """List batches, newest first."""
    page, per_page = query["page"], query["per_page"]
    rows, total = planning.list_batches(
        db.session(), actor=current_actor(), text=query["q"], page=page, per_page=per_page
    )
    return {"total": total, "page": page, "per_page": per_page, "batches": rows}


@bp.post("/exam-batches")
@requires(Permission.SESSION_WRITE)
@bp.arguments(ExamBatchCreateSchema)
@bp.response(201, ExamBatchSchema)
def create_batch(data: dict[str, Any]) -> ExamBatch:
    """Create a batch for a level; its forms may be chosen later."""
    with unit_of_work(current_actor()) as uow:
        return batches.create_batch(uow, BatchPlan(data["code"], data["name"], str(data["standard_level_id"])))


@bp.get("/exam-batches/<uuid:exam_batch_id>")
@requires(Permission.SESSION_READ)
@bp.response(200, ExamBatchSchema)
def get_batch(exam_batch_id: uuid.UUID) -> ExamBatch:
    """Return one batch."""
    return planning.get_batch(db.session(), exam_batch_id, actor=current_actor())


@bp.get("/exam-sessions")
@requires(Permission.SESSION_READ)
@bp.arguments(ExamSessionQuerySchema, location="query")
@bp.response(200, ExamSessionListSchema)
def list_sessions(query: dict[str, Any]) -> dict[str, Any]:
    """List sessions, latest start first."""
    page, per_page = query["page"], query["per_page"]
    statuses = [SessionStatus(query["status"])] if query["status"] else []
    rows, total = planning.list_sessions(
        db.session(), actor=current_actor(), statuses=statuses, page=page, per_page=per_page
    )
    counts = planning.count_people(db.session(), [row.exam_session_id for row, _batch in rows])
    found = [_session(row, counts.get(row.exam_session_id)) for row, _batch in rows]
    return {"total": total, "page": page, "per_page": per_page, "sessions": found}


@bp.get("/exam-sessions/<uuid:exam_session_id>")
@requires(Permission.SESSION_READ)
@bp.response(200, ExamSessionSchema)
def get_session(exam_session_id: uuid.UUID) -> dict[str, Any]:
    """Return one session."""
    row = planning.get_session(db.session(), exam_session_id, actor=current_actor())
    return _session(row, planning.count_people(db.session(), [exam_session_id]).get(exam_session_id))


def _session(row: ExamSession, counts: SessionCounts | None) -> dict[str, Any]:
    return {name: getattr(row, name) for name in SESSION_FIELDS} | {"counts": counts or SessionCounts()}


@bp.get("/exam-batches/<uuid:exam_batch_id>/scores")
@requires(Permission.SCORE_READ)
@bp.arguments(ScoreQuerySchema, location="query")
@bp.response(200, ScoreListSchema)
def list_scores(query: dict[str, Any], exam_batch_id: uuid.UUID) -> dict[str, Any]:
    """List the scores of a batch by admission number."""
    actor, page, per_page = current_actor(), query["page"], query["per_page"]
    results.batch_of(db.session(), actor, exam_batch_id)
    state = query["state"] if query["state"] in results.STATE_LABELS else ""
    wanted = ScoreFilter(exam_batch_id=exam_batch_id, exam_session_id=query["session"], state=state)
    lines, total = scores.list_scores(db.session(), wanted, actor=actor, page=page, per_page=per_page)
    return {"total": total, "page": page, "per_page": per_page, "scores": [_score(line) for line in lines]}


def _score(line: ScoreLine) -> dict[str, Any]:
    return {
        "registration_id": line.registration.registration_id,
        "admission_number": line.registration.admission_number,
        "name": line.candidate.name,
        "state": line.state,
        "score": line.score,
        "max_score": line.record.max_score if line.record else None,
        "version": line.record.number if line.record else None,
    }


BLUEPRINTS = (bp,)


@bp.get("/exam-sessions/<uuid:exam_session_id>/conflicts")
@requires(Permission.SESSION_WRITE, Permission.SESSION_CONTROL, Permission.SUPERVISE)
@bp.response(200, SessionConflictsSchema)
def list_conflicts(exam_session_id: uuid.UUID) -> dict[str, Any]:
    """Return what the rules of recusal say about a session, refusals first."""
    session, actor = db.session(), current_actor()
    row = planning.get_session(session, exam_session_id, actor=actor)
    found = recusal.session_conflicts(session, actor, row)
    conflicts = [
        {
            "rule": one.conflict.rule.rule_id, "is_refused": one.conflict.severity is Severity.REFUSE,
            "role": one.conflict.first.role.value, "user_id": one.conflict.first.user_id,
            "candidate_id": one.conflict.second.reference or None,
            "exam_room_id": one.room.exam_room_id if one.room else None, "text": one.conflict.text,
        }
        for one in found
    ]  # fmt: skip
    return {"total": len(conflicts), "conflicts": sorted(conflicts, key=lambda one: not one["is_refused"])}
