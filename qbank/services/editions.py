"""The board of a migration between two editions: propose, decide, take back."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from kernel import audit
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.models.editions import MigrationStep, OutlineMigration, PointAssignment
from qbank.models.standards import StandardLevel
from qbank.repository import editions as repository
from qbank.repository import standards
from qbank.rules.edition_states import UNDOABLE, MigrationState, StepAct
from qbank.rules.editions import (
    SURE,
    Fate,
    Match,
    MatchReason,
    PointFacts,
    find_fates,
    find_missing,
    match_points,
)
from qbank.rules.outline import OutlineTree, ScopeNode
from qbank.services.standards import check_version

MAX_TARGETS = 8


@dataclass(frozen=True, slots=True)
class BoardRow:
    """A point of the old edition on the board."""

    point: PointFacts
    fate: Fate
    targets: tuple[PointFacts, ...]
    confidence: int
    reason: MatchReason
    is_decided: bool
    n_items: int

    @property
    def is_sure(self) -> bool:
        """Say whether the proposal may be accepted with others."""
        return self.confidence >= SURE


@dataclass(frozen=True, slots=True)
class Board:
    """Everything a migration shows: both outlines, what became of each old point, and the new points without source."""

    migration: OutlineMigration
    old_level: StandardLevel
    new_level: StandardLevel
    rows: tuple[BoardRow, ...]
    new_points: tuple[PointFacts, ...]
    missing: tuple[PointFacts, ...]
    n_new_items: Mapping[str, int]

    @property
    def n_undecided(self) -> int:
        """Old points that nobody has decided."""
        return sum(1 for row in self.rows if not row.is_decided)

    @property
    def n_sure(self) -> int:
        """Undecided points with a sure proposal."""
        return sum(1 for row in self.rows if not row.is_decided and row.is_sure)


def point_facts(tree: OutlineTree) -> list[PointFacts]:
    """Return the points of an outline as matching sees them."""
    return [fact for scope in tree.scopes for fact in _facts_below(scope, (), ())]


def _facts_below(scope: ScopeNode, codes: tuple[str, ...], names: tuple[str, ...]) -> Iterable[PointFacts]:
    codes, names = (*codes, scope.full_code), (*names, scope.row.name)
    for point in scope.points:
        yield PointFacts(str(point.row.key), point.full_code, point.row.name, codes, names)
    for child in scope.scopes:
        yield from _facts_below(child, codes, names)


def level_facts(session: Session, level: StandardLevel) -> list[PointFacts]:
    """Return the points of a level."""
    return point_facts(standards.load_tree(session, level))


def load_board(session: Session, actor: Actor, migration_id: uuid.UUID) -> Board:
    """Return the board of a migration."""
    require(actor, Permission.STANDARD_READ)
    migration = repository.get_migration(session, migration_id, actor=actor)
    old_level = standards.get_level(session, migration.old_level_id, actor=actor)
    new_level = standards.get_level(session, migration.new_level_id, actor=actor)
    old, new = level_facts(session, old_level), level_facts(session, new_level)
    kept = {str(key): row for key, row in repository.assignments(session, migration_id).items()}
    targets = known_targets(kept, new)
    fates, by_key = find_fates(old, new, targets), {point.key: point for point in new}
    n_items = _by_text(repository.count_items_by_point(session, migration.old_level_id))
    rows = tuple(
        BoardRow(
            point, fates[point.key], tuple(by_key[key] for key in targets.get(point.key, ())),
            kept[point.key].confidence if point.key in kept else 0,
            kept[point.key].reason if point.key in kept else MatchReason.NONE,
            point.key in kept and kept[point.key].is_decided and not _is_dangling(kept[point.key], by_key),
            n_items.get(point.key, 0),
        )
        for point in old
    )  # fmt: skip
    n_new = _by_text(repository.count_items_by_point(session, migration.new_level_id))
    return Board(migration, old_level, new_level, rows, tuple(new), tuple(find_missing(new, targets)), n_new)


def _by_text(counts: Mapping[uuid.UUID, int]) -> dict[str, int]:
    return {str(key): n for key, n in counts.items()}


def _is_dangling(row: PointAssignment, new: Mapping[str, PointFacts]) -> bool:
    return any(key not in new for key in row.targets)


def known_targets(kept: Mapping[str, PointAssignment], new: Sequence[PointFacts]) -> dict[str, tuple[str, ...]]:
    """Return the assigned points that still exist in the new edition, by old point."""
    known = {point.key for point in new}
    return {key: tuple(target for target in row.targets if target in known) for key, row in kept.items()}


# --- acts ------------------------------------------------------------------------------------------------------------


def create_migration(
    uow: UnitOfWork, *, old_level_id: uuid.UUID, new_level_id: uuid.UUID, effective_on: date | None = None
) -> OutlineMigration:
    """Open the board between a level's outline in two editions of one standard and fill in the proposals."""
    require(uow.actor, Permission.STANDARD_WRITE)
    old = standards.get_level(uow.session, old_level_id, actor=uow.actor)
    new = standards.get_level(uow.session, new_level_id, actor=uow.actor)
    _check_pair(uow, old, new)
    migration = OutlineMigration(
        outline_migration_id=new_id(), organisation_id=uow.actor.organisation, old_level_id=old_level_id,
        new_level_id=new_level_id, effective_on=effective_on or new.edition.effective_on, n_steps=0, outcome={},
        created_by=uow.actor.user_id, created_at=now(),
    )  # fmt: skip
    uow.add(migration)
    uow.flush()  # assignments name the migration
    changes = _propose(uow, migration, old, new)
    note_step(uow, migration, StepAct.PROPOSE, changes)
    return migration


def _check_pair(uow: UnitOfWork, old: StandardLevel, new: StandardLevel) -> None:
    if old.edition.occupational_standard_id != new.edition.occupational_standard_id or old is new:
        raise ConflictError(N_("请选择同一标准的两个不同版本"))
    if not old.is_published:
        raise ConflictError(N_("旧版的细目表还没有发布，没有可以迁移的内容"))
    if not standards.list_points(uow.session, new):
        raise ConflictError(N_("新版的细目表还是空的，请先导入或复制"))
    known = repository.migrations_of_level(uow.session, old.standard_level_id, actor=uow.actor)
    if any(one.new_level_id == new.standard_level_id for one in known):
        raise ConflictError(N_("这两个版本的迁移已经建立，请在列表中打开"))


def _propose(uow: UnitOfWork, migration: OutlineMigration, old: StandardLevel, new: StandardLevel) -> list[Any]:
    """Match all points that nobody has decided, and keep what was found; return the changes."""
    kept = repository.assignments(uow.session, migration.outline_migration_id)
    news = level_facts(uow.session, new)
    known = {point.key for point in news}
    decided = {str(k): row for k, row in kept.items() if row.is_decided and set(row.targets) <= known}
    taken = {key for row in decided.values() for key in row.targets}
    open_old = [point for point in level_facts(uow.session, old) if point.key not in decided]
    changes = []
    for match in match_points(open_old, [point for point in news if point.key not in taken]):
        row = kept.get(uuid.UUID(match.key)) or _fresh(uow, migration, match.key)
        changes.append(_put(row, match, is_decided=False))
    return changes


def _fresh(uow: UnitOfWork, migration: OutlineMigration, key: str) -> PointAssignment:
    row = PointAssignment(
        outline_migration_id=migration.outline_migration_id, old_point_id=uuid.UUID(key), targets=[], confidence=0,
        reason=MatchReason.NONE, is_decided=False,
    )  # fmt: skip
    uow.add(row)
    return row


def _put(row: PointAssignment, match: Match, *, is_decided: bool) -> dict[str, Any]:
    """Change an assignment and return the change."""
    before = _state(row)
    row.targets, row.confidence = list(match.targets), match.confidence
    row.reason, row.is_decided = match.reason, is_decided
    return {"point": str(row.old_point_id), "before": before, "after": _state(row)}


def _state(row: PointAssignment) -> dict[str, Any]:
    return {
        "targets": list(row.targets), "confidence": row.confidence, "reason": row.reason.value,
        "is_decided": row.is_decided,
    }  # fmt: skip


def note_step(
    uow: UnitOfWork, migration: OutlineMigration, act: StepAct, changes: list[Any], *, undoes: int | None = None
) -> None:
    """Add a step to the board's history and to the audit."""
    migration.n_steps += 1
    uow.add(
        MigrationStep(
            outline_migration_id=migration.outline_migration_id, number=migration.n_steps, act=act, changes=changes,
            undoes=undoes, made_by=uow.actor.user_id, made_by_name=uow.actor.name[:100], made_at=now(),
        )
    )  # fmt: skip
    uow.flush()  # the next step of the same act reads the board by SQL
    after = {"number": migration.n_steps, "n_points": len(changes)}
    audit.record(uow, f"edition.{act.value}", "outline_migration", migration.outline_migration_id, after=after)


def lock_draft(uow: UnitOfWork, migration_id: uuid.UUID, version: int | None = None) -> OutlineMigration:
    """Return a migration that may still be changed, after locking its row."""
    require(uow.actor, Permission.STANDARD_WRITE)
    migration = repository.get_migration(uow.session, migration_id, actor=uow.actor, lock=True)
    check_version(migration.version, version)
    if migration.state is not MigrationState.DRAFT:
        raise ConflictError(N_("迁移已经执行，不能再改"))
    return migration


def propose_again(uow: UnitOfWork, migration_id: uuid.UUID) -> int:
    """Match the undecided points anew, after the new outline was changed; return how many there are."""
    migration = lock_draft(uow, migration_id)
    old = standards.get_level(uow.session, migration.old_level_id, actor=uow.actor)
    new = standards.get_level(uow.session, migration.new_level_id, actor=uow.actor)
    changes = _propose(uow, migration, old, new)
    note_step(uow, migration, StepAct.PROPOSE, changes)
    return len(changes)


def accept(uow: UnitOfWork, migration_id: uuid.UUID, point_ids: Iterable[uuid.UUID] | None = None) -> int:
    """Take proposals over as decided: those of some points, or all sure ones; return how many."""
    migration = lock_draft(uow, migration_id)
    kept = repository.assignments(uow.session, migration_id)
    chosen = set(point_ids) if point_ids is not None else None
    changes = []
    for key, row in kept.items():
        is_wanted = key in chosen if chosen is not None else row.confidence >= SURE
        if is_wanted and not row.is_decided:
            match = Match(str(key), tuple(row.targets), row.confidence, row.reason)
            changes.append(_put(row, match, is_decided=True))
    if changes:
        note_step(uow, migration, StepAct.ACCEPT, changes)
    return len(changes)


def decide(
    uow: UnitOfWork, migration_id: uuid.UUID, point_ids: Sequence[uuid.UUID], targets: Sequence[uuid.UUID]
) -> None:
    """Say which points of the new edition some old points became; no target means that they were dropped."""
    migration = lock_draft(uow, migration_id)
    new = standards.get_level(uow.session, migration.new_level_id, actor=uow.actor)
    wanted = [str(key) for key in dict.fromkeys(targets)]
    if len(wanted) > MAX_TARGETS or set(wanted) - {point.key for point in level_facts(uow.session, new)}:
        raise InvalidInputError(N_("去向应为新版细目表中的鉴定点，最多 %(n)s 个"), n=MAX_TARGETS)
    kept = repository.assignments(uow.session, migration_id)
    match = Match("", tuple(wanted), 100, MatchReason.BY_HAND)
    changes = [_put(kept[key], match, is_decided=True) for key in dict.fromkeys(point_ids) if key in kept]
    if not changes:
        raise InvalidInputError(N_("请先选择旧版的鉴定点"))
    note_step(uow, migration, StepAct.DECIDE, changes)


def reopen(uow: UnitOfWork, migration_id: uuid.UUID, point_ids: Iterable[uuid.UUID]) -> int:
    """Take decisions back, so that the points stand as undecided again; return how many."""
    migration = lock_draft(uow, migration_id)
    kept = repository.assignments(uow.session, migration_id)
    rows = [kept[key] for key in point_ids if key in kept and kept[key].is_decided]
    changes = [_put(row, Match("", tuple(row.targets), row.confidence, row.reason), is_decided=False) for row in rows]
    if changes:
        note_step(uow, migration, StepAct.REOPEN, changes)
    return len(changes)


def undo(uow: UnitOfWork, migration_id: uuid.UUID) -> MigrationStep:
    """Take back the last decision that was not taken back yet; raises ConflictError when there is none."""
    migration = lock_draft(uow, migration_id)
    step = undoable_step(repository.list_steps(uow.session, migration_id))
    if step is None:
        raise ConflictError(N_("没有可以撤销的操作"))
    kept = repository.assignments(uow.session, migration_id)
    changes = []
    for change in step.changes:
        row, before = kept[uuid.UUID(change["point"])], change["before"]
        reason = MatchReason(before["reason"])
        match = Match("", tuple(before["targets"]), before["confidence"], reason)
        changes.append(_put(row, match, is_decided=before["is_decided"]))
    note_step(uow, migration, StepAct.UNDO, changes, undoes=step.number)
    return step


def undoable_step(steps: Sequence[MigrationStep]) -> MigrationStep | None:
    """Return the newest step that can be taken back, given the newest steps first."""
    undone = {step.undoes for step in steps if step.undoes}
    for step in steps:
        if step.act is StepAct.PROPOSE:
            return None
        if step.act in UNDOABLE and step.number not in undone:
            return step
    return None


def set_effective_date(uow: UnitOfWork, migration_id: uuid.UUID, day: date | None, *, version: int | None) -> None:
    """Set the day from which the new edition holds."""
    migration = lock_draft(uow, migration_id, version)
    before = {"effective_on": migration.effective_on.isoformat() if migration.effective_on else None}
    migration.effective_on = day
    after = {"effective_on": day.isoformat() if day else None}
    audit.record(uow, "edition.set_date", "outline_migration", migration_id, before=before, after=after)
