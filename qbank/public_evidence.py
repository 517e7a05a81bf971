"""What a pack of evidence may say of the bank: the standard, the points, versions of items and how they were reviewed."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.canonical import facts_of
from qbank.models.items import ReviewDecision
from qbank.models.standards import StandardLevel
from qbank.repository import items as item_repository

CHUNK = 400
LEVEL = ("standard_level_id", "level_code", "name", "rank", "published_at")
POINT = ("assessment_point_id", "full_code", "name", "importance", "score")
VERSION = (
    "item_version_id", "item_id", "number", "type", "content_digest", "difficulty", "change_kind", "created_by",
    "created_at",
)  # fmt: skip
REVIEW = ("review_round", "stage_name", "reviewer_id", "decision", "created_at")


@dataclass(frozen=True, slots=True)
class ItemEvidence:
    """One version of an item as JSON values: facts, content with its key, points (the first counts), decisions."""

    facts: dict[str, Any]
    content: dict[str, Any]
    points: list[dict[str, Any]]
    reviews: list[dict[str, Any]]


def load_standard_evidence(
    session: Session, organisation_id: uuid.UUID, standard_level_id: uuid.UUID
) -> dict[str, Any]:
    """Return standard, edition and level as JSON values; empty when the organisation has no such level.

    Parameters
    ----------
    session : Session
        For reading.
    organisation_id : UUID
        Whose walls hold.
    standard_level_id : UUID
    """
    level = session.get(StandardLevel, standard_level_id)
    if level is None or level.organisation_id != organisation_id:
        return {}
    standard = level.edition.standard
    return {
        "standard": facts_of(standard, "code", "name", "occupation_code", "occupation_name"),
        "edition": facts_of(level.edition, "label"),
        "level": facts_of(level, *LEVEL),
    }


def load_item_evidence(
    session: Session, organisation_id: uuid.UUID, item_version_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, ItemEvidence]:
    """Return versions of items with their points and review decisions; those of other organisations are left out.

    Parameters
    ----------
    session : Session
        For reading.
    organisation_id : UUID
        Whose walls hold.
    item_version_ids : sequence of UUID
        Any versions, old ones too.
    """
    rows = item_repository.versions_with_items(session, item_version_ids, organisation_id=organisation_id)
    points = item_repository.points_of_versions(session, [version.item_version_id for version, _item in rows])
    reviews = _reviews(session, [version.item_version_id for version, _item in rows])
    return {
        version.item_version_id: ItemEvidence(
            facts={"code": item.code, **facts_of(version, *VERSION)},
            content=version.content,
            points=[facts_of(point, *POINT) for point in points[version.item_version_id]],
            reviews=reviews[version.item_version_id],
        )
        for version, item in rows
    }


def _reviews(session: Session, version_ids: Sequence[uuid.UUID]) -> defaultdict[uuid.UUID, list[dict[str, Any]]]:
    found: defaultdict[uuid.UUID, list[dict[str, Any]]] = defaultdict(list)
    for start in range(0, len(version_ids), CHUNK):
        query = select(ReviewDecision).where(ReviewDecision.item_version_id.in_(version_ids[start : start + CHUNK]))
        order = (ReviewDecision.created_at, ReviewDecision.review_decision_id)
        for row in session.scalars(query.order_by(*order)):
            found[row.item_version_id].append(facts_of(row, *REVIEW))
    return found
