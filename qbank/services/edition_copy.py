"""A new edition begins with the old one's outline: copy levels, ranges, points and weight tables."""

from __future__ import annotations

import uuid
from datetime import date

from kernel import audit
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.models.standards import AssessmentPoint, AssessmentScope, StandardEdition, StandardLevel, WeightRow
from qbank.repository import standards as repository
from qbank.rules.standards import OutlineStatus
from qbank.services.standards import create_edition, require_draft


def copy_edition(
    uow: UnitOfWork, edition_id: uuid.UUID, *, label: str, effective_on: date | None = None
) -> StandardEdition:
    """Create an edition whose levels begin with the outlines and weight tables of an earlier one, all as drafts."""
    require(uow.actor, Permission.STANDARD_WRITE)
    source = repository.get_edition(uow.session, edition_id, actor=uow.actor)
    edition = create_edition(uow, source.occupational_standard_id, label=label, effective_on=effective_on)
    for level in source.levels:
        fresh = StandardLevel(
            organisation_id=uow.actor.organisation, standard_edition_id=edition.standard_edition_id,
            level_code=level.level_code, name=level.name, maps_to=level.maps_to, rank=level.rank, layout=level.layout,
            status=OutlineStatus.DRAFT, created_at=now(),
        )  # fmt: skip
        fresh.edition = edition
        uow.add(fresh)
        uow.flush()  # ranges and points name the level
        _copy_rows(uow, level, fresh)
    after = {"label": edition.label, "from": source.label, "n_levels": len(source.levels)}
    audit.record(uow, "edition.copy", "edition", edition.standard_edition_id, after=after)
    return edition


def copy_outline(uow: UnitOfWork, level_id: uuid.UUID, *, source_level_id: uuid.UUID) -> int:
    """Fill a level's empty draft with the outline and weight table of another; return the number of points."""
    require(uow.actor, Permission.STANDARD_WRITE)
    level = repository.lock_level(uow.session, level_id, actor=uow.actor)
    require_draft(level)
    source = repository.get_level(uow.session, source_level_id, actor=uow.actor)
    if repository.list_scopes(uow.session, level):
        raise ConflictError(N_("细目表不是空的，不能再复制"))
    level.layout = source.layout
    n_points = _copy_rows(uow, source, level)
    after = {"from": str(source_level_id), "n_points": n_points}
    audit.record(uow, "outline.copy", "level", level_id, after=after)
    return n_points


def _copy_rows(uow: UnitOfWork, source: StandardLevel, level: StandardLevel) -> int:
    _copy_weights(uow, source, level)
    keys: dict[uuid.UUID | None, uuid.UUID | None] = {None: None}
    for scope in repository.list_scopes(uow.session, source):
        fresh = new_id()
        keys[scope.assessment_scope_id] = fresh
        uow.add(
            AssessmentScope(
                assessment_scope_id=fresh, organisation_id=level.organisation_id,
                standard_level_id=level.standard_level_id, parent_id=keys[scope.parent_id], depth=scope.depth,
                code=scope.code, name=scope.name, weight_percent=scope.weight_percent, position=scope.position,
            )
        )  # fmt: skip
        uow.flush()  # parents must stand before their children
    points = repository.list_points(uow.session, source)
    uow.session.add_all(_point(point, level, keys[point.assessment_scope_id]) for point in points)
    return len(points)


def _point(point: AssessmentPoint, level: StandardLevel, scope_id: uuid.UUID | None) -> AssessmentPoint:
    return AssessmentPoint(
        organisation_id=level.organisation_id, standard_level_id=level.standard_level_id,
        assessment_scope_id=scope_id, code=point.code, name=point.name, importance=point.importance,
        score=point.score, full_code=point.full_code, position=point.position,
    )  # fmt: skip


def _copy_weights(uow: UnitOfWork, source: StandardLevel, level: StandardLevel) -> None:
    if repository.list_weight_rows(uow.session, [level.standard_level_id]):
        return
    uow.session.add_all(
        WeightRow(
            organisation_id=level.organisation_id, standard_level_id=level.standard_level_id, position=row.position,
            scope_code=row.scope_code, function_name=row.function_name, name=row.name,
            theory_percent=row.theory_percent, skill_percent=row.skill_percent,
        )
        for row in repository.list_weight_rows(uow.session, [source.standard_level_id])
    )  # fmt: skip
