"""Finding standards, editions, levels, weight rows and outlines."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session, lazyload, selectinload

from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from qbank.models.items import Item
from qbank.models.standards import (
    AssessmentPoint,
    AssessmentScope,
    OccupationalStandard,
    StandardEdition,
    StandardLevel,
    WeightRow,
)
from qbank.rules.outline import OutlineTree, PointRow, ScopeRow, build_tree
from qbank.rules.standards import EditionStatus, OutlineStatus, StandardKind

MAX_LEVELS = 2000
MAX_POINTS = 5000

# Downwards only: joining the parent again would load it anew, without the collection that is being filled.
_WITH_LEVELS = (selectinload(StandardEdition.levels).lazyload(StandardLevel.edition),)
_WITH_EDITIONS = (
    selectinload(OccupationalStandard.editions).options(lazyload(StandardEdition.standard), *_WITH_LEVELS),
)


@dataclass(frozen=True, slots=True)
class StandardFilter:
    """What a list of standards is narrowed by."""

    search: str = ""
    kind: StandardKind | None = None


def like_pattern(search: str) -> str:
    """Return a LIKE pattern in which the reader's own % and _ mean themselves (escape character: backslash)."""
    escaped = search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def list_standards(
    session: Session, *, actor: Actor, wanted: StandardFilter, page: int = 1, per_page: int = 50
) -> tuple[Sequence[OccupationalStandard], int]:
    """Return one page of standards with editions and levels, and the total."""
    query = select(OccupationalStandard).where(*_standard_conditions(actor, wanted))
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = session.scalars(
        query.options(*_WITH_EDITIONS).order_by(OccupationalStandard.code).limit(per_page).offset((page - 1) * per_page)
    )
    return rows.all(), total


def _standard_conditions(actor: Actor, wanted: StandardFilter) -> list[ColumnElement[bool]]:
    conditions = [OccupationalStandard.organisation_id == actor.organisation]
    if wanted.kind:
        conditions.append(OccupationalStandard.kind == wanted.kind)
    if wanted.search:
        pattern = like_pattern(wanted.search)
        columns = (OccupationalStandard.code, OccupationalStandard.name, OccupationalStandard.occupation_name,
                   OccupationalStandard.occupation_code)  # fmt: skip
        conditions.append(or_(*(column.ilike(pattern, escape="\\") for column in columns)))
    return conditions


def get_standard(session: Session, standard_id: uuid.UUID, *, actor: Actor) -> OccupationalStandard:
    """Return a standard with its editions and levels; raises NotFoundError."""
    query = (
        select(OccupationalStandard)
        .where(
            OccupationalStandard.occupational_standard_id == standard_id,
            OccupationalStandard.organisation_id == actor.organisation,
        )
        .options(*_WITH_EDITIONS)
    )
    found = session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError(N_("职业标准不存在，可能已被删除"))
    return found


def find_standard_by_code(session: Session, code: str, *, actor: Actor) -> OccupationalStandard | None:
    """Return the standard with a code, if any."""
    return session.scalar(
        select(OccupationalStandard).where(
            OccupationalStandard.organisation_id == actor.organisation, OccupationalStandard.code == code
        )
    )


def get_edition(session: Session, edition_id: uuid.UUID, *, actor: Actor) -> StandardEdition:
    """Return an edition with its levels; raises NotFoundError."""
    query = (
        select(StandardEdition)
        .where(StandardEdition.standard_edition_id == edition_id, StandardEdition.organisation_id == actor.organisation)
        .options(*_WITH_LEVELS)
    )
    found = session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError(N_("标准版本不存在，可能已被删除"))
    return found


def get_level(session: Session, level_id: uuid.UUID, *, actor: Actor) -> StandardLevel:
    """Return a level with its edition and standard; raises NotFoundError."""
    found = session.scalar(_level_query(level_id, actor))
    if found is None:
        raise NotFoundError(N_("标准的等级不存在，可能已被删除"))
    return found


def lock_level(session: Session, level_id: uuid.UUID, *, actor: Actor) -> StandardLevel:
    """Return a level after locking its row, so that nobody publishes what is being changed; raises NotFoundError."""
    query = _level_query(level_id, actor).with_for_update(of=StandardLevel)
    found = session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError(N_("标准的等级不存在，可能已被删除"))
    return found


def _level_query(level_id: uuid.UUID, actor: Actor) -> Select[StandardLevel]:
    return select(StandardLevel).where(
        StandardLevel.standard_level_id == level_id, StandardLevel.organisation_id == actor.organisation
    )


def list_levels(session: Session, *, actor: Actor, include_drafts: bool = False) -> Sequence[StandardLevel]:
    """Return the levels of current editions with a published outline (or all), by standard, highest level last."""
    query = (
        select(StandardLevel)
        .join(StandardLevel.edition)
        .join(StandardEdition.standard)
        .where(StandardLevel.organisation_id == actor.organisation)
        .order_by(OccupationalStandard.code, StandardEdition.label, StandardLevel.rank, StandardLevel.level_code)
        .limit(MAX_LEVELS)
    )
    if not include_drafts:
        query = query.where(
            StandardLevel.status == OutlineStatus.PUBLISHED, StandardEdition.status == EditionStatus.CURRENT
        )
    return session.scalars(query).all()


def find_level_by_codes(session: Session, standard_code: str, level_code: str, *, actor: Actor) -> StandardLevel | None:
    """Return the level of a standard's newest current edition that has such a level, if any."""
    query = (
        select(StandardLevel)
        .join(StandardLevel.edition)
        .join(StandardEdition.standard)
        .where(
            StandardLevel.organisation_id == actor.organisation,
            OccupationalStandard.code == standard_code,
            StandardLevel.level_code == level_code,
            StandardEdition.status == EditionStatus.CURRENT,
        )
        .order_by(StandardEdition.effective_on.desc().nulls_last(), StandardEdition.label.desc())
        .limit(1)
    )
    return session.scalar(query)


def count_points(session: Session, level_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return the number of points of some levels; levels without points are left out."""
    query = (
        select(AssessmentPoint.standard_level_id, func.count())
        .where(AssessmentPoint.standard_level_id.in_(level_ids))
        .group_by(AssessmentPoint.standard_level_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def count_items_of_level(session: Session, level_id: uuid.UUID) -> int:
    """Return how many items, in any state, belong to a level."""
    return session.scalar(select(func.count()).where(Item.standard_level_id == level_id)) or 0


def count_drafts_with_points(session: Session, *, actor: Actor) -> int:
    """Return how many draft outlines hold points and so wait to be published."""
    has_points = select(AssessmentPoint.assessment_point_id).where(
        AssessmentPoint.standard_level_id == StandardLevel.standard_level_id
    )
    query = select(func.count()).where(
        StandardLevel.organisation_id == actor.organisation,
        StandardLevel.status == OutlineStatus.DRAFT,
        has_points.exists(),
    )
    return session.scalar(query) or 0


def list_weight_rows(session: Session, level_ids: Sequence[uuid.UUID]) -> Sequence[WeightRow]:
    """Return the weight rows of some levels, in order."""
    query = select(WeightRow).where(WeightRow.standard_level_id.in_(level_ids))
    return session.scalars(query.order_by(WeightRow.standard_level_id, WeightRow.position).limit(MAX_POINTS)).all()


def list_scopes(session: Session, level: StandardLevel) -> Sequence[AssessmentScope]:
    """Return the scopes of a level."""
    query = select(AssessmentScope).where(AssessmentScope.standard_level_id == level.standard_level_id)
    return session.scalars(query.order_by(AssessmentScope.depth, AssessmentScope.position).limit(MAX_POINTS)).all()


def list_points(session: Session, level: StandardLevel) -> Sequence[AssessmentPoint]:
    """Return the points of a level."""
    query = select(AssessmentPoint).where(AssessmentPoint.standard_level_id == level.standard_level_id)
    return session.scalars(query.order_by(AssessmentPoint.position).limit(MAX_POINTS)).all()


def get_scope(session: Session, scope_id: uuid.UUID, *, actor: Actor) -> AssessmentScope:
    """Return a scope; raises NotFoundError."""
    found = session.get(AssessmentScope, scope_id)
    if found is None or found.organisation_id != actor.organisation:
        raise NotFoundError(N_("鉴定范围不存在，可能已被删除"))
    return found


def get_point(session: Session, point_id: uuid.UUID, *, actor: Actor) -> AssessmentPoint:
    """Return a point; raises NotFoundError."""
    found = session.get(AssessmentPoint, point_id)
    if found is None or found.organisation_id != actor.organisation:
        raise NotFoundError(N_("鉴定点不存在，可能已被删除"))
    return found


def load_tree(session: Session, level: StandardLevel) -> OutlineTree:
    """Return a level's outline with everything computed; two statements."""
    scopes = [
        ScopeRow(s.assessment_scope_id, s.parent_id, s.depth, s.code, s.name, s.weight_percent, s.position)
        for s in list_scopes(session, level)
    ]
    points = [
        PointRow(p.assessment_point_id, p.assessment_scope_id, p.code, p.name, p.importance, p.score, p.position)
        for p in list_points(session, level)
    ]
    return build_tree(level.layout, scopes, points)
