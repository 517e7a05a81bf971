"""Declarations of relations as JSON: one's own, or all for those who manage the organisation's people."""

from __future__ import annotations

import uuid
from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from kernel.conflicts import RelationKind
from kernel.conflicts.models import ConflictRelation
from kernel.conflicts.repository import RelationFilter, list_relations
from kernel.conflicts.rules import RelationStatus
from kernel.conflicts.services import Declaration, decide_relation, declare_relation, withdraw_relation
from kernel.db import db
from kernel.http import current_actor, requires
from kernel.uow import unit_of_work
from web.pages.declarations import STAFF

bp = Blueprint("api_declarations", __name__, url_prefix="/api/v1", description="Declared relations between people")


class RelationQuerySchema(Schema):
    """What a list of relations may be narrowed by."""

    status = fields.Enum(RelationStatus, by_value=True, load_default=None, allow_none=True)
    kind = fields.Enum(RelationKind, by_value=True, load_default=None, allow_none=True)
    page = fields.Integer(load_default=1, validate=validate.Range(1, 100_000))
    per_page = fields.Integer(load_default=50, validate=validate.Range(1, 200))


class RelationSchema(Schema):
    """One declared relation; an identity number is never given out."""

    conflict_relation_id = fields.UUID()
    person_id = fields.UUID()
    kind = fields.Enum(RelationKind, by_value=True)
    other_user_id = fields.UUID(allow_none=True)
    other_name = fields.String()
    other_employer = fields.String()
    since = fields.Date(allow_none=True)
    until = fields.Date(allow_none=True)
    status = fields.Enum(RelationStatus, by_value=True)
    version = fields.Integer()


class RelationListSchema(Schema):
    """One page of relations."""

    total = fields.Integer()
    relations = fields.List(fields.Nested(RelationSchema))


class RelationCreateSchema(Schema):
    """A declaration; administrators may name another person."""

    kind = fields.Enum(RelationKind, by_value=True, required=True)
    person_id = fields.UUID(load_default=None, allow_none=True)
    other_user_id = fields.UUID(load_default=None, allow_none=True)
    other_number = fields.String(load_default="", validate=validate.Length(max=40))
    other_name = fields.String(load_default="", validate=validate.Length(max=60))
    other_employer = fields.String(load_default="", validate=validate.Length(max=200))
    since = fields.Date(load_default=None, allow_none=True)
    until = fields.Date(load_default=None, allow_none=True)
    note = fields.String(load_default="", validate=validate.Length(max=300))


class RelationActSchema(Schema):
    """A decision on a declaration: confirm, reject (with a reason) or withdraw (with a reason)."""

    act = fields.String(required=True, validate=validate.OneOf(["confirm", "reject", "withdraw"]))
    reason = fields.String(load_default="", validate=validate.Length(max=300))
    version = fields.Integer(load_default=0)


@bp.get("/declarations")
@requires(*STAFF)
@bp.arguments(RelationQuerySchema, location="query")
@bp.response(200, RelationListSchema)
def list_declarations(query: dict[str, Any]) -> dict[str, Any]:
    """List declarations, newest first."""
    wanted = RelationFilter(status=query["status"], kind=query["kind"])
    rows, total = list_relations(
        db.session(), actor=current_actor(), wanted=wanted, page=query["page"], per_page=query["per_page"]
    )
    return {"total": total, "relations": [row.relation for row in rows]}


@bp.post("/declarations")
@requires(*STAFF)
@bp.arguments(RelationCreateSchema)
@bp.response(201, RelationSchema)
def declare(data: dict[str, Any]) -> ConflictRelation:
    """Declare a relation; it counts at once."""
    person_id = data.pop("person_id")
    with unit_of_work(current_actor()) as uow:
        return declare_relation(uow, Declaration(**data), person_id=person_id)


@bp.post("/declarations/<uuid:relation_id>/acts")
@requires(*STAFF)
@bp.arguments(RelationActSchema)
@bp.response(200, RelationSchema)
def act_on_declaration(data: dict[str, Any], relation_id: uuid.UUID) -> ConflictRelation:
    """Confirm, reject or withdraw a declaration; confirming and rejecting need the permission to manage people."""
    with unit_of_work(current_actor()) as uow:
        if data["act"] == "withdraw":
            return withdraw_relation(uow, relation_id, reason=data["reason"])
        is_true = data["act"] == "confirm"
        return decide_relation(uow, relation_id, version=data["version"], is_true=is_true, reason=data["reason"])
