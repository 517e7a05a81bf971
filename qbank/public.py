"""What other components may use of the bank."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from item_templates.contract import ItemContent
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.skill_levels import NATIONAL_CODES
from kernel.uow import UnitOfWork
from qbank.interchange.model import ConversionReport
from qbank.models.standards import StandardLevel
from qbank.public_occupations import OccupationInfo as OccupationInfo
from qbank.public_occupations import find_occupation_info as find_occupation_info
from qbank.repository import curation as curation_repository
from qbank.repository import editions as edition_repository
from qbank.repository import items as item_repository
from qbank.repository import standards as repository
from qbank.rules.items import ASSUMED_DIFFICULTY
from qbank.rules.outline import Importance, ScopeNode
from qbank.services import curation as curation_services
from qbank.services import duplicates as duplicate_services
from qbank.services import imports as import_services
from qbank.services import items as item_services
from qbank.services import media as media_services
from qbank.services import reviews as review_services
from qbank.services import sharing as sharing_services
from qbank.services import workflows as workflow_services
from qbank.services.curation import StatisticsRow as StatisticsRow
from qbank.services.references import ReferenceSource as ReferenceSource
from qbank.services.references import register_reference_source as register_reference_source
from qbank.services.statistics import ItemMeasure as ItemMeasure
from qbank.services.statistics import load_measures


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
    level_ids = [level.standard_level_id for level in levels]
    n_points = repository.count_points(session, level_ids)
    n_items = item_repository.count_approved(session, level_ids) | edition_repository.count_pools(session, level_ids)
    return [
        _level_info(one, n_points.get(one.standard_level_id, 0), n_items.get(one.standard_level_id, 0))
        for one in levels
    ]


def _level_info(level: StandardLevel, n_points: int, n_approved_items: int) -> LevelInfo:
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
        n_approved_items=n_approved_items,
        is_published=level.is_published,
        national_level_code=level.maps_to or (level.level_code if level.level_code in NATIONAL_CODES else None),
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


@dataclass(frozen=True, slots=True)
class PoolEntry:
    """An item that a form may take: its approved version and what assembly asks for; `measure` is of that version alone.

    `cognitive` is empty where nobody has said it; an item on trial stands in forms without marks.
    `difficulty` is 3 (medium) where nobody has judged it; `point` and `importance` are those of the first point. `enemies` are items of
    the same pool that must not stand in one form with it; near-copies are among them until somebody has found them to differ.
    """

    item_id: uuid.UUID
    item_version_id: uuid.UUID
    code: str
    type: str
    point: str
    importance: Importance
    difficulty: int
    score: Decimal
    n_used: int
    last_used: date | None
    enemies: tuple[uuid.UUID, ...] = ()
    measure: ItemMeasure | None = None
    cognitive: str = ""
    is_trial: bool = False


@dataclass(frozen=True, slots=True)
class FrozenItem:
    """One version of an item as forms and seals need it, key included."""

    item_id: uuid.UUID
    item_version_id: uuid.UUID
    code: str
    content: ItemContent
    points: tuple[str, ...]
    author_id: uuid.UUID | None


def load_pool(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> list[PoolEntry]:
    """Return the items in use of a level, by code.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs ITEM_READ or BLUEPRINT_READ.
    standard_level_id : UUID
        The level; one of another organisation holds no items for this actor.

    Returns
    -------
    list of PoolEntry
        Items without any assessment point are left out: they fit no blueprint.
    """
    _require_any(actor, Permission.ITEM_READ, Permission.BLUEPRINT_READ)
    rows = item_repository.load_pool(session, standard_level_id, organisation_id=actor.organisation)
    enemies = duplicate_services.kept_apart(session, actor.organisation, [row.item_id for row in rows])
    measures = load_measures(session, standard_level_id, organisation_id=actor.organisation)
    return [
        PoolEntry(
            item_id=row.item_id,
            item_version_id=row.item_version_id,
            code=row.code,
            type=row.type,
            point=row.point,
            importance=row.importance,
            difficulty=row.difficulty or ASSUMED_DIFFICULTY,
            score=Decimal(row.score),
            n_used=row.n_used,
            last_used=row.last_used,
            enemies=enemies.get(row.item_id, ()),
            measure=measures.get(row.item_version_id),
            cognitive=row.cognitive,
            is_trial=row.is_trial,
        )
        for row in rows
    ]


def load_contents(session: Session, actor: Actor, item_version_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, FrozenItem]:
    """Return versions of items by id, with keys.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs ITEM_READ, FORM_READ or FORM_SEAL.
    item_version_ids : sequence of UUID
        Any versions of the organisation, old ones too, and those that another one shares with it.

    Raises
    ------
    NotFoundError
        If one of them is neither the organisation's nor shared with it.
    """
    _require_any(actor, Permission.ITEM_READ, Permission.FORM_READ, Permission.FORM_SEAL)
    rows = sharing_services.versions_with_items(session, item_version_ids, organisation_id=actor.organisation)
    points = item_repository.points_of_versions(session, [version.item_version_id for version, _ in rows])
    return {
        version.item_version_id: FrozenItem(
            item_id=item.item_id,
            item_version_id=version.item_version_id,
            code=item.code,
            content=item_services.content_of(version),
            points=tuple(point.full_code for point in points[version.item_version_id]),
            author_id=item.author_id,
        )
        for version, item in rows
    }


def read_media(session: Session, organisation_id: uuid.UUID, media_id: str) -> tuple[bytes, str]:
    """Return the bytes and media type of a picture that an item of the organisation names.

    Raises
    ------
    NotFoundError
        If the organisation has no such picture.
    """
    return media_services.read_media(session, organisation_id, media_id)


def record_use(uow: UnitOfWork, item_ids: Sequence[uuid.UUID], *, used_at: datetime | date) -> int:
    """Count one more use of items in a form; return how many items there were.

    Parameters
    ----------
    uow : UnitOfWork
        The transaction of the act that uses them, such as sealing a form.
    item_ids : sequence of UUID
        Items of the actor's organisation, and those that others share with it.
    used_at : datetime or date
        When.
    """
    return item_services.record_use(uow, item_ids, used_at=used_at)


def record_statistics(uow: UnitOfWork, rows: Sequence[StatisticsRow]) -> int:
    """Keep what an analysis found about versions of items; return how many versions were the organisation's.

    Parameters
    ----------
    uow : UnitOfWork
        The transaction of the act that found it, such as the release of scores.
    rows : sequence of StatisticsRow
        One a version, source and carrier, and one of all carriers together; what an earlier analysis of the same source
        said of a version is replaced.
    """
    return curation_services.record_statistics(uow, rows)


def load_statistics(session: Session, actor: Actor, item_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, StatisticsRow]:
    """Return the newest figures of those items that have any, of all carriers together.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs ITEM_READ or BLUEPRINT_READ.
    item_ids : sequence of UUID
        Items of the actor's organisation; others are left out.
    """
    _require_any(actor, Permission.ITEM_READ, Permission.BLUEPRINT_READ)
    found = curation_repository.latest_statistics(session, item_ids)
    return {
        item_id: StatisticsRow(
            one.item_version_id, one.source, one.n, one.computed_on, one.proportion_correct, one.item_total_r
        )
        for item_id, one in found.items()
        if one.organisation_id == actor.organisation
    }


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What became of a file: found = imported + duplicates + skipped."""

    item_ids: tuple[uuid.UUID, ...]
    n_found: int
    n_imported: int
    n_duplicates: int
    n_skipped: int


def import_items(
    uow: UnitOfWork, report: ConversionReport, *, standard_level_id: uuid.UUID, default_point: str | None = None
) -> ImportSummary:
    """Bring what `qbank.interchange.convert.read_items` understood into the bank, as drafts of the actor.

    Parameters
    ----------
    uow : UnitOfWork
        The actor needs ITEM_IMPORT.
    report : ConversionReport
        What was read; the caller looks at its `error` first.
    standard_level_id : UUID
        The level whose points the items name.
    default_point : str, optional
        Full code of the point for items that name none.
    """
    outcome = import_services.import_items(
        uow, report, standard_level_id=standard_level_id, default_point=default_point
    )
    return ImportSummary(
        tuple(outcome.item_ids), report.found, outcome.n_imported, len(outcome.duplicates), len(report.skipped)
    )


def ensure_default_workflow(uow: UnitOfWork) -> list[str]:
    """Give the actor's organisation the usual review stages when it has none; return the names of its stages."""
    return [stage.name for stage in workflow_services.ensure_default_workflow(uow)]


def submit_items(uow: UnitOfWork, item_ids: Sequence[uuid.UUID]) -> dict[str, str]:
    """Send drafts into review; return the codes of those that could not go, with the reasons.

    Parameters
    ----------
    uow : UnitOfWork
        The actor needs ITEM_WRITE.
    item_ids : sequence of UUID
        Drafts that the actor may see.
    """
    return {one.code: one.message for one in review_services.submit_items(uow, item_ids).refused}


def approve_review_stage(uow: UnitOfWork, item_ids: Sequence[uuid.UUID]) -> None:
    """Approve items in the stage in which each stands, as one reviewer; the demonstration is loaded with it.

    Parameters
    ----------
    uow : UnitOfWork
        The actor is a reviewer (a person): the rules of review hold as they do on the desk.
    item_ids : sequence of UUID
        Items in review.
    """
    review_services.decide_items(uow, item_ids)


def approve_by_system(uow: UnitOfWork, item_ids: Sequence[uuid.UUID], *, reason: str) -> None:
    """Put drafts into use without review, for simulated sessions; only the system itself may, and the audit says so.

    Raises
    ------
    ForbiddenError
        If the actor is a person.
    """
    review_services.approve_by_system(uow, item_ids, reason=reason)


def _require_any(actor: Actor, *permissions: Permission) -> None:
    if not any(actor.may(permission) for permission in permissions):
        require(actor, permissions[0])
