"""Correction cases, corrections and migrations as JSON."""

from __future__ import annotations

import uuid
from typing import Any

from flask_smorest import Blueprint

from kernel.db import db
from kernel.http import current_actor, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from qbank import public_changes
from qbank.models.corrections import CorrectionCase
from qbank.repository import corrections as repository
from qbank.repository import items as items_repository
from qbank.rules.corrections import ReportSource
from qbank.schemas.changes import (
    CaseListSchema,
    CaseQuerySchema,
    CaseReportSchema,
    CaseSchema,
    CorrectionListSchema,
    CorrectionQuerySchema,
    MigrationSchema,
)
from qbank.services import corrections as services
from qbank.services import editions

bp = Blueprint("api_changes", __name__, url_prefix="/api/v1", description="Wrong items and editions of standards")
CASE = (
    "correction_case_id", "code", "source", "state", "item_id", "item_version_id", "place", "text", "evidence", "outcome",
    "reason", "reported_at",
)  # fmt: skip


@bp.get("/corrections")
@requires(Permission.ITEM_RETIRE)
@bp.arguments(CaseQuerySchema, location="query")
@bp.response(200, CaseListSchema)
def list_cases(query: dict[str, Any]) -> dict[str, Any]:
    """List correction cases, the newest first."""
    wanted = repository.CaseFilter(query["q"], query["state"], query["source"])
    page, per_page = query["page"], query["per_page"]
    rows, total = repository.list_cases(
        db.session(), actor=current_actor(), wanted=wanted, page=page, per_page=per_page
    )
    return {"total": total, "page": page, "per_page": per_page, "items": [_case(case, code) for case, code in rows]}


def _case(case: CorrectionCase, item_code: str) -> dict[str, Any]:
    return {name: getattr(case, name) for name in CASE} | {"item_code": item_code}


@bp.post("/corrections")
@requires(Permission.ITEM_READ, Permission.ITEM_READ_OWN)
@bp.arguments(CaseReportSchema)
@bp.response(201, CaseSchema)
def report(data: dict[str, Any]) -> dict[str, Any]:
    """Open a case for an item."""
    item = items_repository.get_item(db.session(), data["item_id"], actor=current_actor())
    version_id = item.approved_version_id or item.current_version_id
    given = services.Report(
        ReportSource.STAFF, data["text"], item.item_id, version_id, evidence=data["evidence"]
    )  # fmt: skip
    with unit_of_work(current_actor()) as uow:
        case = services.report_error(uow, given)
    return _case(case, item.code)


@bp.get("/item-corrections")
@requires(Permission.ITEM_READ, Permission.SCORE_READ, Permission.SCORE_RELEASE)
@bp.arguments(CorrectionQuerySchema, location="query")
@bp.response(200, CorrectionListSchema)
def list_corrections(query: dict[str, Any]) -> dict[str, Any]:
    """List corrections that took effect, oldest first."""
    return {"items": public_changes.list_corrections(db.session(), current_actor(), query["since"])}


@bp.get("/editions/<uuid:migration_id>")
@requires(Permission.STANDARD_READ)
@bp.response(200, MigrationSchema)
def get_migration(migration_id: uuid.UUID) -> dict[str, Any]:
    """Return a migration between two editions: what became of every point."""
    board = editions.load_board(db.session(), current_actor(), migration_id)
    points = [
        {
            "code": row.point.code, "name": row.point.name, "fate": row.fate.value, "confidence": row.confidence,
            "targets": [target.code for target in row.targets], "is_decided": row.is_decided, "n_items": row.n_items,
        }
        for row in board.rows
    ]  # fmt: skip
    names = ("outline_migration_id", "old_level_id", "new_level_id", "effective_on")
    return {name: getattr(board.migration, name) for name in names} | {
        "state": board.migration.state.value,
        "n_undecided": board.n_undecided,
        "points": points,
        "missing": [point.code for point in board.missing],
    }
