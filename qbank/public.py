"""What other components may use of the bank."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from qbank.models.standards import StandardLevel
from qbank.repository import standards as repository
from qbank.rules.outline import Importance, ScopeNode


@dataclass(frozen=True, slots=True)
class LevelInfo:
    """One level of a standard's edition, with what it holds."""

    standard_level_id: uuid.UUID
    standard_code: str
    standard_name: str
    occupation_code: str
    occupation_name: str
    edition_label: str
    level_code: str
    level_name: str
    n_points: int
    n_approved_items: int
    is_published: bool
    national_level_code: str | None

    @property
    def title(self) -> str:
        """Words for lists and choices: occupation, level and edition."""
        return f"{self.occupation_name} {self.level_name}（{self.edition_label}）"


@dataclass(frozen=True, slots=True)
class OutlinePointInfo:
    """An assessment point."""

    point_id: uuid.UUID
    full_code: str
    name: str
    importance: Importance


@dataclass(frozen=True, slots=True)
class OutlineScopeInfo:
    """A scope with its computed figures; `weight_percent` is None when no weight is known."""

    scope_id: uuid.UUID
    full_code: str
    name: str
    depth: int
    weight_percent: Decimal | None
    importance_counts: tuple[int, int, int]
    scopes: tuple[OutlineScopeInfo, ...]
    points: tuple[OutlinePointInfo, ...]

    def walk(self) -> Iterator[OutlineScopeInfo]:
        """Yield this scope and all below it, in order."""
        yield self
        for child in self.scopes:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Outline:
    """A whole content outline: the tree of scopes, and all points in order."""

    standard_level_id: uuid.UUID
    scopes: tuple[OutlineScopeInfo, ...]
    points: tuple[OutlinePointInfo, ...]

    def walk(self) -> Iterator[OutlineScopeInfo]:
        """Yield all scopes, in order."""
        for scope in self.scopes:
            yield from scope.walk()


def list_levels(session: Session, actor: Actor, *, include_drafts: bool = False) -> list[LevelInfo]:
    """Return the levels that work may be based on.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs STANDARD_READ; sees the own organisation only.
    include_drafts : bool, optional
        Also return levels whose outline is not published and levels of retired editions.

    Returns
    -------
    list of LevelInfo
        By standard code, edition and rank.
    """
    require(actor, Permission.STANDARD_READ)
    levels = repository.list_levels(session, actor=actor, include_drafts=include_drafts)
    return _level_infos(session, levels)


def get_level(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> LevelInfo:
    """Return one level, published or not.

    Raises
    ------
    NotFoundError
        If there is none in the actor's organisation.
    """
    require(actor, Permission.STANDARD_READ)
    return _level_infos(session, [repository.get_level(session, standard_level_id, actor=actor)])[0]


def find_level(session: Session, actor: Actor, standard_code: str, level_code: str) -> LevelInfo:
    """Return a level by the codes that people write, in the newest current edition.

    Raises
    ------
    NotFoundError
        If the organisation has no such standard or level.
    """
    require(actor, Permission.STANDARD_READ)
    level = repository.find_level_by_codes(session, standard_code, level_code, actor=actor)
    if level is None:
        raise NotFoundError(
            N_("没有代码为 %(standard)s、等级为 %(level)s 的职业标准，请先建立标准和等级"),
            standard=standard_code,
            level=level_code,
        )
    return _level_infos(session, [level])[0]


def outline(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> Outline:
    """Return a level's content outline with computed codes, weights and ratios.

    Raises
    ------
    NotFoundError
        If the level is not in the actor's organisation.
    """
    require(actor, Permission.STANDARD_READ)
    level = repository.get_level(session, standard_level_id, actor=actor)
    scopes = tuple(_scope_info(node) for node in repository.load_tree(session, level).scopes)
    points = tuple(point for root in scopes for scope in root.walk() for point in scope.points)
    return Outline(standard_level_id, scopes, points)


def _level_infos(session: Session, levels: Sequence[StandardLevel]) -> list[LevelInfo]:
    n_points = repository.count_points(session, [level.standard_level_id for level in levels])
    return [_level_info(level, n_points.get(level.standard_level_id, 0)) for level in levels]


def _level_info(level: StandardLevel, n_points: int) -> LevelInfo:
    edition, standard = level.edition, level.edition.standard
    return LevelInfo(
        standard_level_id=level.standard_level_id,
        standard_code=standard.code,
        standard_name=standard.name,
        occupation_code=standard.occupation_code,
        occupation_name=standard.occupation_name,
        edition_label=edition.label,
        level_code=level.level_code,
        level_name=level.name,
        n_points=n_points,
        n_approved_items=0,
        is_published=level.is_published,
        national_level_code=level.maps_to or (level.level_code if level.rank else None),
    )


def _scope_info(node: ScopeNode) -> OutlineScopeInfo:
    counts = node.importance_counts
    return OutlineScopeInfo(
        scope_id=uuid.UUID(str(node.row.key)),
        full_code=node.full_code,
        name=node.row.name,
        depth=node.row.depth,
        weight_percent=node.weight_percent,
        importance_counts=(counts.core, counts.general, counts.auxiliary),
        scopes=tuple(_scope_info(child) for child in node.scopes),
        points=tuple(
            OutlinePointInfo(uuid.UUID(str(p.row.key)), p.full_code, p.row.name, p.row.importance) for p in node.points
        ),
    )
