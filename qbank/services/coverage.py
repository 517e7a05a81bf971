"""What a bank has and wants, point by point, and how far each expert is with what they were asked to write."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from item_templates import registry
from kernel import audit, profiles
from kernel.clock import today
from kernel.errors import InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.identity.repository import user_names
from kernel.uow import UnitOfWork
from qbank.models.standards import AssessmentPoint
from qbank.models.writing import WritingTarget
from qbank.repository import items as items_repository
from qbank.repository import standards
from qbank.repository import writing as repository
from qbank.rules.writing import (
    MAX_COUNT,
    SHARES_KEY,
    WANTED_KEY,
    Counts,
    TaskStatus,
    WantedLine,
    read_shares,
    read_wanted,
    spread,
)
from qbank.services.writing import TaskProgress, progress_of


@dataclass(frozen=True, slots=True)
class Cell:
    """Items of one type under one point: in use, on their way, already asked for, wanted."""

    type: str
    n_available: int
    n_pending: int
    n_commissioned: int
    n_wanted: int
    is_own_target: bool

    @property
    def n_missing(self) -> int:
        """How many items nobody has written or been asked to write yet."""
        return max(0, self.n_wanted - self.n_available - max(self.n_pending, self.n_commissioned))


@dataclass(frozen=True, slots=True)
class PointCoverage:
    """One point with its cells, one for each type in question, and its items in use by difficulty."""

    point: AssessmentPoint
    cells: tuple[Cell, ...]
    by_difficulty: Mapping[int, int] = field(default_factory=dict)

    @property
    def n_missing(self) -> int:
        """How many items the point lacks."""
        return sum(cell.n_missing for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Coverage:
    """A level's points, each with what it has and wants."""

    types: tuple[str, ...]
    points: tuple[PointCoverage, ...]
    shares: tuple[int, ...]

    @property
    def n_missing(self) -> int:
        """How many items the level lacks."""
        return sum(point.n_missing for point in self.points)

    def gaps(self, point_ids: set[uuid.UUID] | None = None) -> list[WantedLine]:
        """Return what is missing as lines of a task; each gap is spread over the difficulties."""
        return [
            WantedLine(row.point.full_code, cell.type, count, level)
            for row in self.points
            if point_ids is None or row.point.assessment_point_id in point_ids
            for cell in row.cells
            if cell.n_missing
            for level, count in spread(cell.n_missing, row.by_difficulty, self.shares).items()
        ]


def coverage(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> Coverage:
    """Return what a level's bank has and wants; four statements and the outline."""
    require(actor, Permission.ITEM_COMMISSION)
    level = standards.get_level(session, standard_level_id, actor=actor)
    usual = read_wanted(profiles.value(session, actor.organisation, WANTED_KEY))
    shares = read_shares(profiles.value(session, actor.organisation, SHARES_KEY))
    own = repository.targets(session, standard_level_id, actor=actor)
    in_use = repository.stock(session, standard_level_id, actor=actor)
    pending = _by_cell(repository.stock(session, standard_level_id, actor=actor, is_pending=True))
    asked = repository.commissioned(session, standard_level_id, actor=actor)
    available = _by_cell(in_use)
    named = {*usual, *(kind for _point, kind in own), *(row.type for row in in_use)}
    types = tuple(one.name for one in registry.all_types() if one.name in named)
    levels: defaultdict[uuid.UUID, dict[int, int]] = defaultdict(dict)
    for row in in_use:
        if row.difficulty:
            levels[row.point_id][row.difficulty] = levels[row.point_id].get(row.difficulty, 0) + row.n
    points = []
    for point in items_repository.points_of_level(session, level.standard_level_id):
        key = point.assessment_point_id
        cells = tuple(
            Cell(
                kind, available.get((key, kind), 0), pending.get((key, kind), 0), asked.get((key, kind), 0),
                own.get((key, kind), usual.get(kind, 0)), (key, kind) in own,
            )
            for kind in types
        )  # fmt: skip
        points.append(PointCoverage(point, cells, levels[key]))
    return Coverage(types, tuple(points), shares)


def _by_cell(rows: Sequence[repository.StockRow]) -> dict[tuple[uuid.UUID, str], int]:
    found: dict[tuple[uuid.UUID, str], int] = {}
    for row in rows:
        found[row.point_id, row.type] = found.get((row.point_id, row.type), 0) + row.n
    return found


def set_targets(
    uow: UnitOfWork, standard_level_id: uuid.UUID, wanted: Mapping[tuple[uuid.UUID, str], int | None]
) -> int:
    """Keep the numbers that an editor enters for points (None: as the rule profile says); return how many changed."""
    require(uow.actor, Permission.ITEM_COMMISSION)
    level = standards.get_level(uow.session, standard_level_id, actor=uow.actor)
    known = {point.assessment_point_id for point in items_repository.points_of_level(uow.session, standard_level_id)}
    if any(point_id not in known for point_id, _type in wanted):
        raise NotFoundError(N_("所选鉴定点不属于本等级的细目表，请重新选择"))
    if any(n is not None and not 0 <= n <= MAX_COUNT for n in wanted.values()):
        message = N_("应有题数为 0 到 500")
        raise InvalidInputError(message, fields={"wanted": [message]})
    own = repository.targets(uow.session, standard_level_id, actor=uow.actor)
    changed = {place: n for place, n in wanted.items() if own.get(place) != n}
    for (point_id, kind), n in changed.items():
        _set_target(uow, level.standard_level_id, point_id, kind, n)
    if changed:
        audit.record(uow, "writing.target", "standard_level", standard_level_id, after={"n": len(changed)})
    return len(changed)


def _set_target(uow: UnitOfWork, level_id: uuid.UUID, point_id: uuid.UUID, kind: str, n: int | None) -> None:
    row = uow.session.get(WritingTarget, (point_id, kind))
    if row is None and n is not None:
        uow.add(
            WritingTarget(
                assessment_point_id=point_id, type=kind, organisation_id=uow.actor.organisation,
                standard_level_id=level_id, n_wanted=n,
            )
        )  # fmt: skip
    elif row is not None and n is None:
        uow.session.delete(row)
    elif row is not None and n is not None:
        row.n_wanted = n


@dataclass(frozen=True, slots=True)
class ExpertFigures:
    """One expert's tasks in sum."""

    expert_id: uuid.UUID
    name: str
    n_tasks: int
    n_overdue: int
    n_wanted: int
    counts: Counts


def expert_figures(session: Session, actor: Actor) -> list[ExpertFigures]:
    """Return, for every expert with a task, progress and acceptance, by name."""
    require(actor, Permission.ITEM_COMMISSION)
    wanted = repository.TaskFilter()
    tasks, _total = repository.list_tasks(session, actor=actor, wanted=wanted, per_page=repository.MAX_TASKS)
    by_expert: defaultdict[uuid.UUID, list[TaskProgress]] = defaultdict(list)
    for one in progress_of(session, tasks):
        if one.task.expert_id is not None and one.task.status is not TaskStatus.CANCELLED:
            by_expert[one.task.expert_id].append(one)
    names = user_names(session, list(by_expert))
    return sorted((_figures(key, names.get(key, ""), own) for key, own in by_expert.items()), key=lambda one: one.name)


def _figures(expert_id: uuid.UUID, name: str, own: Sequence[TaskProgress]) -> ExpertFigures:
    day = today()
    return ExpertFigures(
        expert_id=expert_id, name=name, n_tasks=len(own), n_overdue=sum(one.is_overdue(day) for one in own),
        n_wanted=sum(one.n_wanted for one in own), counts=sum((one.counts for one in own), Counts()),
    )  # fmt: skip
