"""Finding items and their versions inside the actor's walls."""

from __future__ import annotations

import enum
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session

from kernel.clock import today
from kernel.errors import ForbiddenError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.models import User
from kernel.identity.permissions import Permission
from qbank.models.corrections import ItemQuarantine
from qbank.models.items import Item, ItemCounter, ItemPoint, ItemVersion
from qbank.models.standards import AssessmentPoint
from qbank.repository import item_flags, item_search
from qbank.repository.standards import like_pattern
from qbank.rules.item_flags import ItemFlag
from qbank.rules.items import ItemStatus
from qbank.rules.outline import Importance

MAX_ROWS = 20_000
CHUNK = 500
"""Values of one IN list; far below what any database refuses."""


class ItemSort(enum.StrEnum):
    """What a list of items is ordered by."""

    CODE = "code"
    UPDATED = "updated"
    TYPE = "type"
    DIFFICULTY = "difficulty"
    STATUS = "status"
    USED = "used"


SORT_COLUMNS: dict[ItemSort, Any] = {
    ItemSort.CODE: Item.code,
    ItemSort.UPDATED: Item.updated_at,
    ItemSort.TYPE: Item.type,
    ItemSort.DIFFICULTY: func.coalesce(Item.difficulty, 0),
    ItemSort.STATUS: Item.status,
    ItemSort.USED: Item.n_used,
}


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """What a list of items is narrowed by; `scope` is a code with all below it, or a part of a point's name."""

    standard_level_id: uuid.UUID | None = None
    standard_level_ids: tuple[uuid.UUID, ...] | None = None
    scope: str = ""
    type: str = ""
    status: ItemStatus | None = None
    difficulty: int | None = None
    author_id: uuid.UUID | None = None
    search: str = ""
    import_run_id: uuid.UUID | None = None
    is_returned: bool = False
    tag: str = ""
    flag: ItemFlag | None = None
    has_statistics: bool = False
    item_ids: tuple[uuid.UUID, ...] | None = None
    used_since: date | None = None
    sort: ItemSort = ItemSort.UPDATED
    is_descending: bool = True


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item with what a list shows of its current version."""

    item: Item
    content: dict[str, Any]
    author_name: str


@dataclass(frozen=True, slots=True)
class PoolRow:
    """An approved version with what assembly asks for: plain columns, because a pool may have 100,000 rows."""

    item_id: uuid.UUID
    code: str
    n_used: int
    last_used: date | None
    item_version_id: uuid.UUID
    type: str
    difficulty: int | None
    score: str
    point: str
    importance: Importance
    cognitive: str
    is_trial: bool


def visible(actor: Actor) -> list[ColumnElement[bool]]:
    """Return the conditions under which an actor sees an item; authors see their own."""
    conditions = [Item.organisation_id == actor.organisation, Item.removed_at.is_(None)]
    if actor.may(Permission.ITEM_READ):
        return conditions
    if actor.may(Permission.ITEM_READ_OWN) and actor.user_id is not None:
        own = Item.author_id == actor.user_id
        in_review = Item.status == ItemStatus.IN_REVIEW
        return [*conditions, or_(own, in_review) if actor.may(Permission.ITEM_REVIEW) else own]
    raise ForbiddenError(N_("没有权限查看试题，请联系本机构管理员"), permission=Permission.ITEM_READ.value)


def visible_among(actor: Actor, item_ids: Sequence[uuid.UUID]) -> list[ColumnElement[bool]]:
    """Return the conditions of those of some items that an actor sees, in a shape that looks each up by its id."""
    return [Item.item_id.in_(item_ids), *_without_list(visible(actor), actor)]


def _without_list(found: list[ColumnElement[bool]], actor: Actor) -> list[ColumnElement[bool]]:
    """Hide the organisation's column from its indexes: SQLite would read the whole list rather than look up a few items."""
    return [func.coalesce(Item.organisation_id, Item.organisation_id) == actor.organisation, *found[1:]]


def list_items(
    session: Session, *, actor: Actor, wanted: ItemFilter, page: int = 1, per_page: int = 50
) -> tuple[list[ItemRow], int]:
    """Return one page of items with their current contents and authors' names, and the total."""
    query = select(Item.item_id).where(*conditions(session, actor, wanted)).order_by(*_order(wanted))
    item_ids = session.scalars(query.limit(per_page).offset((page - 1) * per_page)).all()
    return rows_of(session, item_ids), count_items(session, actor=actor, wanted=wanted)


def rows_of(session: Session, item_ids: Sequence[uuid.UUID]) -> list[ItemRow]:
    """Return items with what a list shows of them, in the given order; the caller has checked the walls."""
    query = (
        select(Item, ItemVersion.content, User.name)
        .join(ItemVersion, ItemVersion.item_version_id == Item.current_version_id)
        .outerjoin(User, User.user_id == Item.author_id)
    )
    found: dict[uuid.UUID, ItemRow] = {}
    for chunk in chunks(item_ids):
        for item, content, name in session.execute(query.where(Item.item_id.in_(chunk))):
            found[item.item_id] = ItemRow(item, content, name or "")
    return [found[item_id] for item_id in item_ids if item_id in found]


def count_items(session: Session, *, actor: Actor, wanted: ItemFilter) -> int:
    """Return how many items a filter finds."""
    return session.scalar(select(func.count()).select_from(Item).where(*conditions(session, actor, wanted))) or 0


def list_item_ids(session: Session, *, actor: Actor, wanted: ItemFilter) -> Sequence[uuid.UUID]:
    """Return the ids of everything a filter finds, in its order."""
    query = select(Item.item_id).where(*conditions(session, actor, wanted)).order_by(*_order(wanted)).limit(MAX_ROWS)
    return session.scalars(query).all()


def _order(wanted: ItemFilter) -> list[Any]:
    column = SORT_COLUMNS[wanted.sort]
    return [column.desc() if wanted.is_descending else column.asc(), Item.code]


def conditions(session: Session, actor: Actor, wanted: ItemFilter) -> list[ColumnElement[bool]]:
    """Return what an item must meet to be found by a filter; few matches of a search are looked up one by one."""
    found = visible(actor)
    equal: dict[Any, Any] = {
        Item.standard_level_id: wanted.standard_level_id,
        Item.type: wanted.type or None,
        Item.status: wanted.status,
        Item.difficulty: wanted.difficulty,
        Item.author_id: wanted.author_id,
        Item.import_run_id: wanted.import_run_id,
    }
    found += [column == value for column, value in equal.items() if value is not None]
    if wanted.standard_level_ids is not None:
        found.append(Item.standard_level_id.in_(wanted.standard_level_ids))
    if wanted.item_ids is not None:
        found.append(Item.item_id.in_(wanted.item_ids))
    if wanted.search.strip():
        match = item_search.matches(session, wanted.search, organisation_id=actor.organisation)
        found.append(match.condition)
        found = _without_list(found, actor) if match.is_few else found
    if wanted.is_returned:
        found.append(Item.returned_at.is_not(None))
    if wanted.scope.strip():
        found.append(Item.current_version_id.in_(_in_scope(wanted.scope.strip(), actor)))
    narrowed = item_flags.conditions(
        flag=wanted.flag, tag=wanted.tag, has_statistics=wanted.has_statistics, used_since=wanted.used_since
    )
    return [*found, *narrowed]


def _in_scope(scope: str, actor: Actor) -> Select[uuid.UUID]:
    """Return the versions that ask for a point of the scope; the few points are found first."""
    code = scope.upper()
    below = [AssessmentPoint.full_code.like(like_pattern(code + mark)[1:], escape="\\") for mark in "-."]
    named = AssessmentPoint.name.like(like_pattern(scope), escape="\\")
    points = select(AssessmentPoint.assessment_point_id).where(
        AssessmentPoint.organisation_id == actor.organisation, or_(AssessmentPoint.full_code == code, *below, named)
    )
    return select(ItemPoint.item_version_id).where(ItemPoint.assessment_point_id.in_(points))


def _visible_item(item_id: uuid.UUID, actor: Actor) -> Select[Item]:
    return select(Item).where(Item.item_id == item_id, *visible(actor))


def get_item(session: Session, item_id: uuid.UUID, *, actor: Actor) -> Item:
    """Return an item; raises NotFoundError for those of others."""
    found = session.scalar(_visible_item(item_id, actor))
    if found is None:
        raise NotFoundError(N_("试题不存在，可能已被删除"))
    return found


def find_by_code(session: Session, code: str, *, actor: Actor) -> Item | None:
    """Return the item of a code that the actor sees, if there is one."""
    return session.scalar(select(Item).where(Item.code == code, *visible(actor)))


def lock_item(session: Session, item_id: uuid.UUID, *, actor: Actor) -> Item:
    """Return an item after locking its row; raises NotFoundError."""
    query = _visible_item(item_id, actor).with_for_update()
    found = session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError(N_("试题不存在，可能已被删除"))
    return found


def lock_items(session: Session, item_ids: Sequence[uuid.UUID], *, actor: Actor) -> list[Item]:
    """Return some items in the given order after locking them; raises NotFoundError when one is not there."""
    found: dict[uuid.UUID, Item] = {}
    for chunk in chunks(item_ids):
        query = select(Item).where(*visible_among(actor, chunk)).order_by(Item.item_id).with_for_update()
        rows = session.scalars(query.execution_options(populate_existing=True))
        found.update((item.item_id, item) for item in rows)
    if len(found) < len(set(item_ids)):
        raise NotFoundError(N_("所选试题中有的已不存在，请刷新列表后重试"))
    return [found[item_id] for item_id in dict.fromkeys(item_ids)]


def list_by_ids(session: Session, item_ids: Sequence[uuid.UUID], *, actor: Actor) -> list[Item]:
    """Return those of some items that the actor sees, in the given order."""
    found: dict[uuid.UUID, Item] = {}
    for chunk in chunks(item_ids):
        rows = session.scalars(select(Item).where(*visible_among(actor, chunk)))
        found.update((item.item_id, item) for item in rows)
    return [found[item_id] for item_id in item_ids if item_id in found]


def chunks(values: Sequence[Any]) -> list[Sequence[Any]]:
    """Return the values in portions that fit one statement."""
    return [values[start : start + CHUNK] for start in range(0, len(values), CHUNK)]


def list_versions(session: Session, item: Item) -> Sequence[ItemVersion]:
    """Return the versions of an item, newest first."""
    query = select(ItemVersion).where(ItemVersion.item_id == item.item_id).order_by(ItemVersion.number.desc())
    return session.scalars(query.limit(500)).all()


def get_version(session: Session, item: Item, number: int) -> ItemVersion:
    """Return one version of an item by its number; raises NotFoundError."""
    query = select(ItemVersion).where(ItemVersion.item_id == item.item_id, ItemVersion.number == number)
    found = session.scalar(query)
    if found is None:
        raise NotFoundError(N_("试题没有第 %(number)s 版"), number=number)
    return found


def get_versions(session: Session, version_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, ItemVersion]:
    """Return versions by id; the caller has checked the items' walls."""
    found: dict[uuid.UUID, ItemVersion] = {}
    for chunk in chunks(version_ids):
        rows = session.scalars(select(ItemVersion).where(ItemVersion.item_version_id.in_(chunk)))
        found.update((row.item_version_id, row) for row in rows)
    return found


def points_of_versions(
    session: Session, version_ids: Sequence[uuid.UUID]
) -> defaultdict[uuid.UUID, list[AssessmentPoint]]:
    """Return the assessment points of versions in the edition of their item, the one that counts first.

    A version from before its item's way into a new edition has points in the old one only: those are returned.
    """
    found: defaultdict[uuid.UUID, list[AssessmentPoint]] = defaultdict(list)
    at_home: set[uuid.UUID] = set()
    is_home = (AssessmentPoint.standard_level_id == Item.standard_level_id).label("is_home")
    for chunk in chunks(version_ids):
        query = (
            select(ItemPoint.item_version_id, AssessmentPoint, is_home)
            .join(AssessmentPoint, AssessmentPoint.assessment_point_id == ItemPoint.assessment_point_id)
            .join(Item, Item.item_id == ItemPoint.item_id)
            .where(ItemPoint.item_version_id.in_(chunk))
            .order_by(is_home.desc(), ItemPoint.position)
        )
        for version_id, point, home in session.execute(query):
            if home or version_id not in at_home:
                found[version_id].append(point)
            at_home |= {version_id} if home else set()
    return found


def carry_other_editions(session: Session, item: Item, old_version_id: uuid.UUID, new_version_id: uuid.UUID) -> None:
    """Give a new version the points that its predecessor has in other editions than the item's own."""
    query = (
        select(ItemPoint)
        .join(AssessmentPoint, AssessmentPoint.assessment_point_id == ItemPoint.assessment_point_id)
        .where(ItemPoint.item_version_id == old_version_id, AssessmentPoint.standard_level_id != item.standard_level_id)
    )
    for link in session.scalars(query):
        session.add(
            ItemPoint(
                item_version_id=new_version_id, assessment_point_id=link.assessment_point_id, item_id=item.item_id,
                position=link.position,
            )
        )  # fmt: skip


def points_of_level(session: Session, standard_level_id: uuid.UUID) -> Sequence[AssessmentPoint]:
    """Return the points of a level, by full code."""
    query = select(AssessmentPoint).where(AssessmentPoint.standard_level_id == standard_level_id)
    return session.scalars(query.order_by(AssessmentPoint.full_code).limit(MAX_ROWS)).all()


def find_known_digests(session: Session, organisation_id: uuid.UUID, digests: Sequence[str]) -> dict[str, str]:
    """Return, of some content digests, those that a version of an item in the bank has, with the item's code."""
    found: dict[str, str] = {}
    for chunk in chunks(list(dict.fromkeys(digests))):
        query = (
            select(ItemVersion.content_digest, Item.code)
            .join(Item, Item.item_id == ItemVersion.item_id)
            .where(
                ItemVersion.organisation_id == organisation_id,
                ItemVersion.content_digest.in_(chunk),
                Item.removed_at.is_(None),
            )
        )
        found.update((row[0], row[1]) for row in session.execute(query))
    return found


def lock_counter(session: Session, organisation_id: uuid.UUID, prefix: str) -> ItemCounter:
    """Return the counter of a prefix after locking it; a new one begins at zero."""
    query = select(ItemCounter).where(ItemCounter.organisation_id == organisation_id, ItemCounter.prefix == prefix)
    found = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if found is None:
        found = ItemCounter(organisation_id=organisation_id, prefix=prefix, last_number=0)
        session.add(found)
    return found


def list_authors(session: Session, *, actor: Actor) -> list[tuple[uuid.UUID, str]]:
    """Return who wrote items of the organisation, by name."""
    wrote = exists().where(
        Item.organisation_id == actor.organisation, Item.author_id == User.user_id, Item.removed_at.is_(None)
    )
    query = select(User.user_id, User.name).where(wrote).order_by(User.name).limit(500)
    return [(row[0], row[1]) for row in session.execute(query)]


def count_items_of_points(session: Session, point_ids: Sequence[uuid.UUID]) -> int:
    """Return how many items ask for some points in a version that counts: the current or the approved one."""
    n = 0
    for chunk in chunks(point_ids):
        query = (
            select(func.count(ItemPoint.item_id.distinct()))
            .join(Item, Item.item_id == ItemPoint.item_id)
            .where(
                ItemPoint.assessment_point_id.in_(chunk),
                ItemPoint.item_version_id.in_([Item.current_version_id, Item.approved_version_id]),
                Item.removed_at.is_(None),
            )
        )
        n += session.scalar(query) or 0
    return n


def count_approved(session: Session, level_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return the number of items in use of some levels; levels without items are left out."""
    query = (
        select(Item.standard_level_id, func.count())
        .where(Item.standard_level_id.in_(level_ids), *in_use())
        .group_by(Item.standard_level_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def in_use() -> list[ColumnElement[bool]]:
    """Return the conditions of an item of which forms may take a version today."""
    return [
        Item.approved_version_id.is_not(None),
        Item.status != ItemStatus.RETIRED,
        Item.removed_at.is_(None),
        or_(Item.effective_on.is_(None), Item.effective_on <= today(), Item.superseded_version_id.is_not(None)),
    ]


def version_in_use() -> ColumnElement[Any]:
    """Return which version forms take today: the approved one from its day on, before it the one that it replaces."""
    is_early = Item.effective_on > today()
    return case((is_early, Item.superseded_version_id), else_=Item.approved_version_id)


def load_pool(session: Session, standard_level_id: uuid.UUID, *, organisation_id: uuid.UUID) -> list[PoolRow]:
    """Return the items in use of a level with their approved versions and first points, by code; one statement.

    An item is in the pool of every edition in which its approved version has points; never one in quarantine.
    """
    of_item = and_(ItemPoint.item_id == Item.item_id, ItemPoint.item_version_id == version_in_use())
    query = (
        select(
            Item.item_id, Item.code, Item.n_used, Item.last_used_on, ItemVersion.item_version_id, ItemVersion.type,
            ItemVersion.difficulty, ItemVersion.content["score"].as_string(), AssessmentPoint.full_code,
            AssessmentPoint.importance, Item.cognitive, Item.is_trial,
        )
        .join(ItemVersion, ItemVersion.item_version_id == version_in_use())
        .join(ItemPoint, and_(of_item, ItemPoint.position == 0))
        .join(AssessmentPoint, AssessmentPoint.assessment_point_id == ItemPoint.assessment_point_id)
        .where(
            Item.organisation_id == organisation_id,
            AssessmentPoint.standard_level_id == standard_level_id,
            Item.item_id.not_in(select(ItemQuarantine.item_id)),
            *in_use(),
        )
        .order_by(Item.code)
    )  # fmt: skip
    return [PoolRow(*row) for row in session.execute(query)]


def versions_with_items(
    session: Session, version_ids: Sequence[uuid.UUID], *, organisation_id: uuid.UUID
) -> list[tuple[ItemVersion, Item]]:
    """Return versions with their items; those of other organisations are left out."""
    found: list[tuple[ItemVersion, Item]] = []
    for chunk in chunks(list(dict.fromkeys(version_ids))):
        query = (
            select(ItemVersion, Item)
            .join(Item, Item.item_id == ItemVersion.item_id)
            .where(ItemVersion.item_version_id.in_(chunk), ItemVersion.organisation_id == organisation_id)
        )
        found += [(row[0], row[1]) for row in session.execute(query)]
    return found
