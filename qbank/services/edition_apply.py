"""Carrying out a migration: items get links to the points of the new edition, the rest becomes tasks for people.

Old links stay, so the bank of the old edition can be drawn from until the cut-over. An item belongs to the newest edition
that it was carried over to; its links in earlier ones follow its versions.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from kernel import audit, profiles
from kernel.clock import now
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.jobs import enqueue
from kernel.jobs.models import Job, JobStatus
from kernel.uow import UnitOfWork
from qbank.models.editions import EditionTask, OutlineMigration
from qbank.models.items import Item, ItemPoint
from qbank.repository import editions as repository
from qbank.repository import items as items_repository
from qbank.repository import standards
from qbank.repository.editions import PointLink
from qbank.rules.edition_states import OLD_EDITION, MigrationState, OldEditionPolicy, StepAct, TaskKind
from qbank.rules.editions import FOLLOWED, Fate, map_scopes
from qbank.services.dependants import Draft, EditionChange, follow_edition
from qbank.services.editions import Board, level_facts, load_board, lock_draft, note_step

JOB = "qbank.apply_migration"
ENDED = frozenset({JobStatus.FAILED, JobStatus.CANCELLED})


@dataclass(slots=True)
class ItemPlan:
    """What happens to the items: rows to add, items that change their edition, and items that people must look at."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    moved: list[uuid.UUID] = field(default_factory=list)
    tasks: list[tuple[TaskKind, uuid.UUID, str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class EditionState:
    """What replaced a level's edition, and what the organisation's profile says about new work on it."""

    new_level_id: uuid.UUID
    effective_on: date
    policy: OldEditionPolicy


def check_ready(board: Board) -> None:
    """Refuse to carry out a migration that is not whole; raises ConflictError that says what is missing."""
    if board.n_undecided:
        raise ConflictError(N_("还有 %(n)s 个鉴定点没有决定去向"), n=board.n_undecided)
    if not board.new_level.is_published:
        raise ConflictError(N_("新版的细目表还没有发布，请先检查并发布"))
    if board.migration.effective_on is None:
        raise ConflictError(N_("请先填写新版的施行日期"))


def start_apply(uow: UnitOfWork, migration_id: uuid.UUID, *, version: int | None = None) -> OutlineMigration:
    """Check that a migration is whole and publish the job that carries it out."""
    migration = lock_draft(uow, migration_id, version)
    check_ready(load_board(uow.session, uow.actor, migration_id))
    job = enqueue(
        uow, JOB, {"outline_migration_id": str(migration_id)}, title="执行版本迁移",
        unique_key=f"{JOB}:{migration_id}:{migration.n_steps}",
    )  # fmt: skip
    migration.state, migration.job_id = MigrationState.APPLYING, job.job_id
    return migration


def apply_migration(uow: UnitOfWork, migration_id: uuid.UUID) -> dict[str, int]:
    """Carry out a migration whose job runs: link items, leave tasks, make drafts of blueprints; return the counts."""
    require(uow.actor, Permission.STANDARD_WRITE)
    migration = repository.get_migration(uow.session, migration_id, actor=uow.actor, lock=True)
    if migration.state is not MigrationState.APPLYING:
        raise ConflictError(N_("迁移已经执行，不能再改"))
    board = load_board(uow.session, uow.actor, migration_id)
    try:
        check_ready(board)
    except ConflictError:
        migration.state = MigrationState.DRAFT  # the outline was changed while the job waited: people go on deciding
        return {"n_items": 0}
    plan = plan_items(board, repository.links_of_level(uow.session, migration.old_level_id))
    _link_items(uow, plan, migration.new_level_id)
    drafts = follow_edition(uow, edition_change(uow.session, board))
    _add_tasks(uow, migration, _tasks(board, plan, drafts))
    counts = _counts(board, plan, drafts)
    migration.state, migration.outcome = MigrationState.APPLIED, counts
    migration.applied_by, migration.applied_at = uow.actor.user_id, now()
    note_step(uow, migration, StepAct.APPLY, [])
    audit.record(uow, "edition.applied", "outline_migration", migration_id, after=counts)
    return counts


def release_failed(uow: UnitOfWork, migration_id: uuid.UUID) -> None:
    """Open a migration again whose job ended without carrying it out."""
    require(uow.actor, Permission.STANDARD_WRITE)
    migration = repository.get_migration(uow.session, migration_id, actor=uow.actor, lock=True)
    job = uow.session.get(Job, migration.job_id) if migration.job_id else None
    if migration.state is not MigrationState.APPLYING or (job is not None and job.status not in ENDED):
        raise ConflictError(N_("迁移正在执行，请等任务结束"))
    migration.state = MigrationState.DRAFT


def plan_items(board: Board, links: Sequence[PointLink]) -> ItemPlan:
    """Return what happens to the items that ask for points of the old edition.

    The first point of a version decides: where it has one clear successor, the version goes along; where it was split or
    dropped, the item stays and becomes a task. Further points go along where they can.
    """
    plan = ItemPlan()
    fates = {row.point.key: row for row in board.rows}
    for item_id, of_item in groupby(links, key=lambda link: link.item_id):
        by_version = [list(group) for _, group in groupby(of_item, key=lambda link: link.item_version_id)]
        by_version.sort(key=lambda version: not version[0].is_current)
        _plan_item(plan, item_id, by_version, fates)
    return plan


def _plan_item(plan: ItemPlan, item_id: uuid.UUID, versions: list[list[PointLink]], fates: Mapping[str, Any]) -> None:
    first = versions[0][0]
    row = fates[str(first.point_id)]
    if row.fate not in FOLLOWED:
        kind = TaskKind.ITEM_SPLIT if row.fate is Fate.SPLIT else TaskKind.ITEM_ORPHANED
        plan.tasks.append((kind, item_id, first.item_code, f"{row.point.code} {row.point.name}"))
        return
    plan.moved.append(item_id)
    for links in versions:
        if fates[str(links[0].point_id)].fate in FOLLOWED:
            plan.rows += _rows(item_id, links, fates)


def _rows(item_id: uuid.UUID, links: Sequence[PointLink], fates: Mapping[str, Any]) -> list[dict[str, Any]]:
    followed = [fates[str(link.point_id)] for link in links if fates[str(link.point_id)].fate in FOLLOWED]
    targets = dict.fromkeys(row.targets[0].key for row in followed)
    return [
        {
            "item_id": item_id,
            "item_version_id": links[0].item_version_id,
            "assessment_point_id": uuid.UUID(key),
            "position": position,
        }
        for position, key in enumerate(targets)
    ]


def _link_items(uow: UnitOfWork, plan: ItemPlan, new_level_id: uuid.UUID) -> None:
    known = {link.item_version_id for link in repository.links_of_level(uow.session, new_level_id)}
    rows = [row for row in plan.rows if row["item_version_id"] not in known]
    for chunk in items_repository.chunks(rows):
        uow.session.execute(insert(ItemPoint), list(chunk))
    move_items(uow, plan.moved, new_level_id)


def move_items(uow: UnitOfWork, item_ids: Sequence[uuid.UUID], level_id: uuid.UUID) -> None:
    """Let items belong to a level; a form that is open on one of them is told that the item changed."""
    for chunk in items_repository.chunks(item_ids):
        uow.session.execute(
            update(Item)
            .where(Item.item_id.in_(chunk), Item.organisation_id == uow.actor.organisation)
            .values(standard_level_id=level_id, version=Item.version + 1)
            .execution_options(synchronize_session=False)
        )


def edition_change(session: Session, board: Board) -> EditionChange:
    """Return what became of ranges and points by their codes, for those who build on the outline."""
    old, new = level_facts(session, board.old_level), level_facts(session, board.new_level)
    targets = {row.point.key: [target.key for target in row.targets] for row in board.rows}
    return EditionChange(
        old_level_id=board.migration.old_level_id,
        new_level_id=board.migration.new_level_id,
        scopes=map_scopes(old, new, targets),
        points={row.point.code: tuple(target.code for target in row.targets) for row in board.rows},
    )


def _tasks(board: Board, plan: ItemPlan, drafts: Iterable[Draft]) -> Iterable[EditionTask]:
    for kind, item_id, code, from_point in plan.tasks:
        yield _task(kind, item_id, f"{code}　{from_point}")
    reached = {row["assessment_point_id"] for row in plan.rows}
    for point in board.new_points:
        if uuid.UUID(point.key) not in reached and not board.n_new_items.get(point.key):
            yield _task(TaskKind.POINT_MISSING, uuid.UUID(point.key), f"{point.code} {point.name}")
    for draft in drafts:
        details = [{"template": template, "values": dict(values)} for template, values in draft.remarks]
        yield _task(TaskKind.BLUEPRINT, draft.subject_id, draft.title, details)


def _task(kind: TaskKind, subject_id: uuid.UUID, title: str, details: Sequence[Any] = ()) -> EditionTask:
    return EditionTask(kind=kind, subject_id=subject_id, title=title[:300], details=list(details), created_at=now())


def _add_tasks(uow: UnitOfWork, migration: OutlineMigration, tasks: Iterable[EditionTask]) -> None:
    for task in tasks:
        task.organisation_id = migration.organisation_id
        task.outline_migration_id = migration.outline_migration_id
        uow.add(task)


def _counts(board: Board, plan: ItemPlan, drafts: Sequence[Draft]) -> dict[str, int]:
    fates = Counter(row.fate for row in board.rows)
    counts = {f"n_{fate.value}": fates[fate] for fate in Fate}
    return counts | {"n_items": len(plan.moved), "n_item_tasks": len(plan.tasks), "n_blueprints": len(drafts)}


# --- after the cut-over ----------------------------------------------------------------------------------------------


def edition_state(session: Session, actor: Actor, level_id: uuid.UUID, *, on: date) -> EditionState | None:
    """Return what holds for new work on a level whose edition was replaced by a day; None while it holds itself."""
    found = repository.find_successor(session, level_id, organisation_id=actor.organisation)
    if found is None or found.effective_on is None or found.effective_on > on:
        return None
    policy = profiles.value(session, actor.organisation, OLD_EDITION.name)
    return EditionState(found.new_level_id, found.effective_on, OldEditionPolicy(policy))


def refuse_old_edition(session: Session, actor: Actor, level_id: uuid.UUID, *, on: date) -> None:
    """Refuse new work on a replaced edition where the profile says so; raises ConflictError."""
    state = edition_state(session, actor, level_id, on=on)
    if state is not None and state.policy is OldEditionPolicy.REFUSE:
        new = standards.get_level(session, state.new_level_id, actor=actor)
        raise ConflictError(
            N_("该等级的旧版细目表已于 %(day)s 由“%(edition)s”代替，请使用新版"),
            day=state.effective_on.isoformat(), edition=new.edition.label,
        )  # fmt: skip
