"""JSON API of blueprints and forms."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from flask_smorest import Blueprint

from blueprints import repository, repository_versions
from blueprints.models import BlueprintVersion, ExamBlueprint, ExamForm
from blueprints.repository import Filters
from blueprints.schemas import (
    BlueprintCreateSchema,
    BlueprintSchema,
    BlueprintVersionSchema,
    FormSchema,
    PageQuerySchema,
)
from blueprints.services import blueprints as services
from kernel.db import db
from kernel.http import current_actor, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("api_blueprints", __name__, url_prefix="/api/v1", description="Exam blueprints and forms")
BLUEPRINTS = (bp,)


@bp.get("/blueprints")
@requires(Permission.BLUEPRINT_READ)
@bp.arguments(PageQuerySchema, location="query")
@bp.response(200, BlueprintSchema(many=True))
def list_blueprints(query: dict[str, Any]) -> Sequence[ExamBlueprint]:
    """List blueprints, last changed first."""
    offset = (query["page"] - 1) * query["per_page"]
    return repository.list_blueprints(
        db.session(), Filters(), actor=current_actor(), offset=offset, limit=query["per_page"]
    )[0]


@bp.post("/blueprints")
@requires(Permission.BLUEPRINT_WRITE)
@bp.arguments(BlueprintCreateSchema)
@bp.response(201, BlueprintSchema)
def create_blueprint(data: dict[str, Any]) -> ExamBlueprint:
    """Create a blueprint for a level."""
    with unit_of_work(current_actor()) as uow:
        return services.create_blueprint(uow, **data)


@bp.get("/blueprints/<uuid:blueprint_id>")
@requires(Permission.BLUEPRINT_READ)
@bp.response(200, BlueprintSchema)
def get_blueprint(blueprint_id: uuid.UUID) -> ExamBlueprint:
    """Return one blueprint."""
    return repository.get_blueprint(db.session(), blueprint_id, actor=current_actor())


@bp.get("/blueprints/<uuid:blueprint_id>/versions")
@requires(Permission.BLUEPRINT_READ)
@bp.response(200, BlueprintVersionSchema(many=True))
def list_blueprint_versions(blueprint_id: uuid.UUID) -> Sequence[BlueprintVersion]:
    """List the numbered versions of a blueprint, newest first."""
    repository.get_blueprint(db.session(), blueprint_id, actor=current_actor())
    return repository_versions.list_versions(db.session(), blueprint_id)


@bp.get("/forms")
@requires(Permission.FORM_READ)
@bp.arguments(PageQuerySchema, location="query")
@bp.response(200, FormSchema(many=True))
def list_forms(query: dict[str, Any]) -> Sequence[ExamForm]:
    """List forms, newest first, without their items."""
    offset = (query["page"] - 1) * query["per_page"]
    return repository.list_forms(
        db.session(), Filters(), actor=current_actor(), offset=offset, limit=query["per_page"]
    )[0]
