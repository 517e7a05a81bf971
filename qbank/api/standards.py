"""Standards and outlines as JSON."""

from __future__ import annotations

import uuid
from typing import Any

from flask_smorest import Blueprint

from kernel.db import db
from kernel.http import current_actor, requires
from kernel.identity.permissions import Permission
from qbank import public
from qbank.repository import standards as repository
from qbank.schemas.standards import OutlineSchema, StandardListSchema, StandardQuerySchema

bp = Blueprint("api_standards", __name__, url_prefix="/api/v1", description="Standards, levels, content outlines")


@bp.get("/standards")
@requires(Permission.STANDARD_READ)
@bp.arguments(StandardQuerySchema, location="query")
@bp.response(200, StandardListSchema)
def list_standards(query: dict[str, Any]) -> dict[str, Any]:
    """List the organisation's standards with editions and levels."""
    wanted = repository.StandardFilter(search=query["q"].strip())
    rows, total = repository.list_standards(
        db.session(), actor=current_actor(), wanted=wanted, page=query["page"], per_page=query["per_page"]
    )
    return {"total": total, "page": query["page"], "per_page": query["per_page"], "standards": rows}


@bp.get("/levels/<uuid:standard_level_id>/outline")
@requires(Permission.STANDARD_READ)
@bp.response(200, OutlineSchema)
def get_outline(standard_level_id: uuid.UUID) -> public.Outline:
    """Return a level's content outline with computed codes, weights and ratios."""
    return public.outline(db.session(), current_actor(), standard_level_id)
