"""The review desk and the workflow as JSON."""

from __future__ import annotations

import uuid
from typing import Any

from flask_smorest import Blueprint

from kernel.db import db
from kernel.http import current_actor, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from qbank.repository import reviews as repository
from qbank.repository.reviews import QueueRow
from qbank.rules.review import Decision
from qbank.rules.workflow import StageOptions, StageRule
from qbank.schemas.reviews import (
    ReviewDecisionSchema,
    ReviewOutcomeSchema,
    ReviewQuerySchema,
    ReviewQueueSchema,
    WorkflowSchema,
)
from qbank.services import review_desk, reviews, workflows

bp = Blueprint("api_reviews", __name__, url_prefix="/api/v1", description="Review and its workflow")
OPTIONS = ("vote", "days", "escalate_to", "hides_author", "hides_votes", "is_required")


@bp.get("/reviews")
@requires(Permission.ITEM_REVIEW)
@bp.arguments(ReviewQuerySchema, location="query")
@bp.response(200, ReviewQueueSchema)
def list_queue(query: dict[str, Any]) -> dict[str, Any]:
    """List what waits for this reviewer; own items and those of related authors are not among them."""
    session, actor = db.session(), current_actor()
    rows = review_desk.queue(session, actor, standard_level_id=query["level"], limit=query["limit"])
    return {"total": review_desk.count_queue(session, actor), "items": [_waiting(row) for row in rows]}


def _waiting(row: QueueRow) -> dict[str, Any]:
    item = row.item
    return {
        "item_id": item.item_id, "item_version_id": item.current_version_id, "code": item.code, "type": item.type,
        "stage": row.stage.name, "number": row.version_number, "submitted_at": item.submitted_at,
    }  # fmt: skip


@bp.post("/reviews/<uuid:item_id>")
@requires(Permission.ITEM_REVIEW)
@bp.arguments(ReviewDecisionSchema)
@bp.response(200, ReviewOutcomeSchema)
def decide(data: dict[str, Any], item_id: uuid.UUID) -> dict[str, Any]:
    """Decide on an item where it stands."""
    with unit_of_work(current_actor()) as uow:
        item = reviews.decide(uow, item_id, **data)
    return {"item_id": item.item_id, "status": item.status.value}


@bp.get("/workflow")
@requires(Permission.WORKFLOW_MANAGE)
@bp.response(200, WorkflowSchema)
def get_workflow() -> dict[str, Any]:
    """Return the version in force."""
    return _workflow()


def _stage(one: StageRule) -> dict[str, Any]:
    options = {name: getattr(one.options, name) for name in OPTIONS}
    targets = {f"on_{decision.value}": target for decision, target in one.targets.items()}
    named = {"name": one.name, "role": one.role, "quorum": one.quorum, "required": list(one.options.required)}
    return named | options | targets


@bp.put("/workflow")
@requires(Permission.WORKFLOW_MANAGE)
@bp.arguments(WorkflowSchema)
@bp.response(200, WorkflowSchema)
def publish_workflow(data: dict[str, Any]) -> dict[str, Any]:
    """Publish the next version; items under review finish under theirs."""
    stages = [_rule(stage) for stage in data["stages"]]
    with unit_of_work(current_actor()) as uow:
        workflows.publish(uow, stages, base=data["number"], note=data["note"])
    return _workflow()


def _workflow() -> dict[str, Any]:
    session, organisation_id = db.session(), current_actor().organisation
    definition = repository.current_definition(session, organisation_id)
    stages = [_stage(one) for one in workflows.load(session, organisation_id)]
    number, note = (definition.number, definition.note) if definition else (0, "")
    return {"number": number, "note": note, "stages": stages}


def _rule(stage: dict[str, Any]) -> StageRule:
    options = StageOptions(required=tuple(stage["required"]), **{name: stage[name] for name in OPTIONS})
    targets = {decision: stage[f"on_{decision.value}"] for decision in Decision}
    return StageRule(stage["name"], stage["role"], stage["quorum"], options, targets)
