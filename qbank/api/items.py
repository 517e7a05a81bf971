"""Items as JSON."""

from __future__ import annotations

import uuid
from typing import Any

from flask_smorest import Blueprint

from item_templates.canonical import InvalidItemError, content_from_json, content_to_json
from item_templates.contract import ItemContent
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import current_actor, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from qbank.models.items import Item
from qbank.models.standards import AssessmentPoint
from qbank.repository import items as repository
from qbank.repository.items import ItemFilter
from qbank.schemas.items import ItemCreateSchema, ItemListSchema, ItemQuerySchema, ItemSchema
from qbank.services import disclosures, media
from qbank.services import items as services

bp = Blueprint("api_items", __name__, url_prefix="/api/v1", description="Items of the bank")
SUMMARY = (
    "item_id", "code", "type", "status", "standard_level_id", "difficulty", "n_versions", "n_used", "updated_at",
)  # fmt: skip
CONTENT = (
    "type",
    "stem",
    "choices",
    "targets",
    "key",
    "explanation",
    "rubric",
    "score",
    "scoring",
    "parameters",
    "items",
)
SHOWN = ("stem", "choices", "targets", "score", "scoring")
KEY_FIELDS = ("key", "explanation", "rubric", "parameters", "items")


@bp.get("/items")
@requires(Permission.ITEM_READ, Permission.ITEM_READ_OWN)
@bp.arguments(ItemQuerySchema, location="query")
@bp.response(200, ItemListSchema)
def list_items(query: dict[str, Any]) -> dict[str, Any]:
    """List items; authors see their own."""
    wanted = ItemFilter(
        standard_level_id=query["level"], scope=query["scope"], type=query["type"], status=query["status"],
        difficulty=query["difficulty"], search=query["q"], sort=repository.ItemSort.CODE, is_descending=False,
    )  # fmt: skip
    page, per_page = query["page"], query["per_page"]
    rows, total = repository.list_items(
        db.session(), actor=current_actor(), wanted=wanted, page=page, per_page=per_page
    )
    points = repository.points_of_versions(db.session(), [row.item.current_version_id for row in rows])
    items = [_summary(row.item, points[row.item.current_version_id]) for row in rows]
    return {"total": total, "page": page, "per_page": per_page, "items": items}


@bp.post("/items")
@requires(Permission.ITEM_WRITE)
@bp.arguments(ItemCreateSchema)
@bp.response(201, ItemSchema)
def create_item(data: dict[str, Any]) -> dict[str, Any]:
    """Create a draft."""
    content = _content(data)
    with unit_of_work(current_actor()) as uow:
        points = _points(data["standard_level_id"], data["points"])
        item = services.create_item(
            uow, standard_level_id=data["standard_level_id"], content=content, point_ids=points,
            difficulty=data["difficulty"], source=data["source"],
        )  # fmt: skip
    return _whole(item)


def _content(data: dict[str, Any]) -> ItemContent:
    try:
        content = content_from_json({name: data[name] for name in CONTENT} | {"score": str(data["score"])})
    except InvalidItemError as exc:
        name = exc.path.removeprefix("$.").split(".")[0].split("[")[0]
        raise InvalidInputError(str(exc), fields={name: [exc.reason]}) from exc
    return media.with_known_media(db.session(), content, organisation_id=current_actor().organisation)


def _points(standard_level_id: uuid.UUID, codes: list[str]) -> list[uuid.UUID]:
    known = {point.full_code: point for point in repository.points_of_level(db.session(), standard_level_id)}
    unknown = [code for code in codes if code not in known]
    if unknown:
        message = N_("细目表没有鉴定点 %(codes)s")
        words = "、".join(unknown)
        raise InvalidInputError(message, fields={"points": [message % {"codes": words}]}, codes=words)
    return [known[code].assessment_point_id for code in codes]


@bp.get("/items/<uuid:item_id>")
@requires(Permission.ITEM_READ, Permission.ITEM_READ_OWN)
@bp.response(200, ItemSchema)
def get_item(item_id: uuid.UUID) -> dict[str, Any]:
    """Return an item with its current version."""
    item = repository.get_item(db.session(), item_id, actor=current_actor())
    if services.may_see_key(current_actor(), item):
        disclosures.disclose(db.session(), current_actor(), item, item.current_version_id, way="api")
    return _whole(item)


def _summary(item: Item, points: list[AssessmentPoint]) -> dict[str, Any]:
    return {name: getattr(item, name) for name in SUMMARY} | {"points": [point.full_code for point in points]}


def _whole(item: Item) -> dict[str, Any]:
    session = db.session()
    version = repository.get_versions(session, [item.current_version_id])[item.current_version_id]
    points = repository.points_of_versions(session, [version.item_version_id])[version.item_version_id]
    body = content_to_json(services.content_of(version))
    wanted = (*SHOWN, *KEY_FIELDS) if services.may_see_key(current_actor(), item) else SHOWN
    return _summary(item, points) | {
        "items": [],  # without it, the schema would take the method of the dictionary
        **{name: body[name] for name in wanted if name in body},
        "version": item.version,
        "item_version_id": version.item_version_id,
        "number": version.number,
        "content_digest": version.content_digest,
        "source": item.source,
    }
