"""Finding migrations between editions, their assignments, steps and tasks, and the items behind points."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from qbank.models.editions import EditionTask, MigrationStep, OccupationAlias, OutlineMigration, PointAssignment
from qbank.models.items import Item, ItemPoint, ItemVersion
from qbank.models.standards import AssessmentPoint, StandardEdition, StandardLevel
from qbank.rules.edition_states import MigrationState, TaskKind, TaskState
from qbank.rules.items import ItemStatus

MAX_ROWS = 5000


@dataclass(frozen=True, slots=True)
class PointLink:
    """A point that a version which counts asks for: the current version of an item, or the approved one."""

    item_id: uuid.UUID
    item_code: str
    item_version_id: uuid.UUID
    is_current: bool
    point_id: uuid.UUID
    position: int


def get_migration(session: Session, migration_id: uuid.UUID, *, actor: Actor, lock: bool = False) -> OutlineMigration:
    """Return a migration, after locking its row if asked; raises NotFoundError."""
    query = select(OutlineMigration).where(
        OutlineMigration.outline_migration_id == migration_id, OutlineMigration.organisation_id == actor.organisation
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.scalar(query)
    if found is None:
        raise NotFoundError(N_("版本迁移不存在，可能已被删除"))
    return found


def list_migrations(session: Session, *, actor: Actor) -> Sequence[OutlineMigration]:
    """Return the migrations of the organisation, newest first."""
    query = select(OutlineMigration).where(OutlineMigration.organisation_id == actor.organisation)
    return session.scalars(query.order_by(OutlineMigration.created_at.desc()).limit(500)).all()


def migrations_of_level(session: Session, level_id: uuid.UUID, *, actor: Actor) -> Sequence[OutlineMigration]:
    """Return the migrations from or to a level."""
    query = select(OutlineMigration).where(
        OutlineMigration.organisation_id == actor.organisation,
        or_(OutlineMigration.old_level_id == level_id, OutlineMigration.new_level_id == level_id),
    )
    return session.scalars(query.order_by(OutlineMigration.created_at)).all()


def find_successor(session: Session, level_id: uuid.UUID, *, organisation_id: uuid.UUID) -> OutlineMigration | None:
    """Return the applied migration away from a level with the earliest date, if any."""
    query = select(OutlineMigration).where(
        OutlineMigration.organisation_id == organisation_id,
        OutlineMigration.old_level_id == level_id,
        OutlineMigration.state == MigrationState.APPLIED,
    )
    return session.scalar(query.order_by(OutlineMigration.effective_on).limit(1))


def replaced_levels(session: Session, level_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, date]:
    """Return those of some levels from which a migration was applied, with its date."""
    query = select(OutlineMigration.old_level_id, func.min(OutlineMigration.effective_on)).where(
        OutlineMigration.old_level_id.in_(level_ids), OutlineMigration.state == MigrationState.APPLIED
    )
    return {row[0]: row[1] for row in session.execute(query.group_by(OutlineMigration.old_level_id)) if row[1]}


def earlier_levels(session: Session, level: StandardLevel) -> Sequence[StandardLevel]:
    """Return the levels with the same code in other editions of the same standard, the newest edition first."""
    query = (
        select(StandardLevel)
        .join(StandardLevel.edition)
        .where(
            StandardEdition.occupational_standard_id == level.edition.occupational_standard_id,
            StandardLevel.level_code == level.level_code,
            StandardLevel.standard_level_id != level.standard_level_id,
        )
        .order_by(StandardEdition.created_at.desc())
    )
    return session.scalars(query).all()


def assignments(session: Session, migration_id: uuid.UUID) -> dict[uuid.UUID, PointAssignment]:
    """Return what the old points were assigned to, by old point."""
    query = select(PointAssignment).where(PointAssignment.outline_migration_id == migration_id).limit(MAX_ROWS)
    return {row.old_point_id: row for row in session.scalars(query)}


def list_steps(session: Session, migration_id: uuid.UUID, *, limit: int = 200) -> Sequence[MigrationStep]:
    """Return the steps on a board, newest first."""
    query = select(MigrationStep).where(MigrationStep.outline_migration_id == migration_id)
    return session.scalars(query.order_by(MigrationStep.number.desc()).limit(limit)).all()


def links_of_level(session: Session, level_id: uuid.UUID) -> list[PointLink]:
    """Return every link between points of a level and versions that count, by item, version and position."""
    query = (
        select(
            Item.item_id, Item.code, ItemPoint.item_version_id, Item.current_version_id,
            ItemPoint.assessment_point_id, ItemPoint.position,
        )
        .join(ItemPoint, ItemPoint.item_id == Item.item_id)
        .join(AssessmentPoint, AssessmentPoint.assessment_point_id == ItemPoint.assessment_point_id)
        .where(AssessmentPoint.standard_level_id == level_id, *_counting())
        .order_by(Item.code, ItemPoint.item_version_id, ItemPoint.position)
    )  # fmt: skip
    return [PointLink(row[0], row[1], row[2], row[2] == row[3], row[4], row[5]) for row in session.execute(query)]


def _counting() -> tuple[Any, ...]:
    """Return the conditions of a version that counts: current, approved, or in use until the approved one's day."""
    return (
        ItemPoint.item_version_id.in_([Item.current_version_id, Item.approved_version_id, Item.superseded_version_id]),
        Item.removed_at.is_(None),
    )


def count_items_by_point(session: Session, level_id: uuid.UUID) -> dict[uuid.UUID, int]:
    """Return how many items ask for each point of a level in a version that counts."""
    query = (
        select(ItemPoint.assessment_point_id, func.count(ItemPoint.item_id.distinct()))
        .join(Item, Item.item_id == ItemPoint.item_id)
        .join(AssessmentPoint, AssessmentPoint.assessment_point_id == ItemPoint.assessment_point_id)
        .where(AssessmentPoint.standard_level_id == level_id, *_counting())
        .group_by(ItemPoint.assessment_point_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}


# --- tasks -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """What a list of tasks is narrowed by."""

    migration_id: uuid.UUID | None = None
    kind: TaskKind | None = None
    state: TaskState | None = TaskState.OPEN


def list_tasks(
    session: Session, *, actor: Actor, wanted: TaskFilter, page: int = 1, per_page: int = 50
) -> tuple[Sequence[EditionTask], int]:
    """Return one page of tasks, the oldest first, and the total."""
    query = _tasks(actor, wanted)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    ordered = query.order_by(EditionTask.kind, EditionTask.title).limit(per_page).offset((page - 1) * per_page)
    return session.scalars(ordered).all(), total


def _tasks(actor: Actor, wanted: TaskFilter) -> Select[EditionTask]:
    query = select(EditionTask).where(EditionTask.organisation_id == actor.organisation)
    if wanted.migration_id:
        query = query.where(EditionTask.outline_migration_id == wanted.migration_id)
    if wanted.kind:
        query = query.where(EditionTask.kind == wanted.kind)
    return query.where(EditionTask.state == wanted.state) if wanted.state else query


def count_open_tasks(session: Session, *, actor: Actor) -> int:
    """Return how many follow-up tasks wait."""
    return session.scalar(select(func.count()).select_from(_tasks(actor, TaskFilter()).subquery())) or 0


def get_task(session: Session, task_id: uuid.UUID, *, actor: Actor, lock: bool = False) -> EditionTask:
    """Return a task, after locking its row if asked; raises NotFoundError."""
    query = select(EditionTask).where(
        EditionTask.edition_task_id == task_id, EditionTask.organisation_id == actor.organisation
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.scalar(query)
    if found is None:
        raise NotFoundError(N_("后续任务不存在"))
    return found


# --- occupation aliases ----------------------------------------------------------------------------------------------


def list_aliases(session: Session, *, actor: Actor) -> Sequence[OccupationAlias]:
    """Return the aliases of the organisation, by alias."""
    query = select(OccupationAlias).where(OccupationAlias.organisation_id == actor.organisation_id)
    return session.scalars(query.order_by(OccupationAlias.alias).limit(MAX_ROWS)).all()


def get_alias(session: Session, alias_id: uuid.UUID, *, actor: Actor) -> OccupationAlias:
    """Return one alias; raises NotFoundError."""
    found = session.get(OccupationAlias, alias_id)
    if found is None or found.organisation_id != actor.organisation:
        raise NotFoundError(N_("别名不存在，可能已被删除"))
    return found


def codes_outside(
    session: Session, level_id: uuid.UUID, version_ids: Sequence[uuid.UUID], *, actor: Actor
) -> list[str]:
    """Return the codes of items of which a version has no point of a level."""
    inside = (
        select(ItemPoint.item_version_id)
        .join(AssessmentPoint, AssessmentPoint.assessment_point_id == ItemPoint.assessment_point_id)
        .where(AssessmentPoint.standard_level_id == level_id, ItemPoint.item_version_id == ItemVersion.item_version_id)
    )
    found: list[str] = []
    for start in range(0, len(version_ids), 500):
        query = (
            select(Item.code)
            .join(ItemVersion, ItemVersion.item_id == Item.item_id)
            .where(
                ItemVersion.item_version_id.in_(version_ids[start : start + 500]),
                Item.organisation_id == actor.organisation,
                ~inside.exists(),
            )
        )
        found += session.scalars(query)
    return sorted(found)


def count_pools(session: Session, level_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return the items that replaced levels still can be drawn from: their items belong to the next edition now."""
    replaced = list(replaced_levels(session, level_ids))
    if not replaced:
        return {}
    query = (
        select(AssessmentPoint.standard_level_id, func.count(Item.item_id.distinct()))
        .join(ItemPoint, ItemPoint.assessment_point_id == AssessmentPoint.assessment_point_id)
        .join(Item, Item.approved_version_id == ItemPoint.item_version_id)
        .where(
            AssessmentPoint.standard_level_id.in_(replaced),
            Item.status != ItemStatus.RETIRED,
            Item.removed_at.is_(None),
        )
        .group_by(AssessmentPoint.standard_level_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}
