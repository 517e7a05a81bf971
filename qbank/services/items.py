"""Writing items: create, revise, copy, retire, restore, throw away. Versions are only ever added."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session, object_session

from item_templates.canonical import content_digest, content_from_json, content_to_json
from item_templates.contract import ItemContent
from item_templates.versions import compare
from kernel import audit
from kernel.clock import day_of, now
from kernel.db import new_id
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.models.items import Item, ItemPoint, ItemVersion
from qbank.models.standards import AssessmentPoint, StandardLevel
from qbank.repository import item_search, standards
from qbank.repository import items as repository
from qbank.rules.items import (
    EDITABLE,
    MAX_POINTS_PER_ITEM,
    ChangeKind,
    ItemStatus,
    check_transition,
    code_prefix,
    item_code,
    search_text,
)
from qbank.services import sharing
from qbank.services.references import ReferenceSource, register_reference_source

register_reference_source(ReferenceSource(N_("试题"), count_by_points=repository.count_items_of_points))


@dataclass(frozen=True, slots=True)
class NewItem:
    """What is to become an item: content, points (the first counts), and what describes it."""

    content: ItemContent
    point_ids: tuple[uuid.UUID, ...] = ()
    difficulty: int | None = None
    source: str = ""
    origin_code: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    cognitive: str = ""
    is_trial: bool = False


def create_item(
    uow: UnitOfWork,
    *,
    standard_level_id: uuid.UUID,
    content: ItemContent,
    point_ids: Sequence[uuid.UUID] = (),
    difficulty: int | None = None,
    source: str = "",
) -> Item:
    """Create a draft; its code is the next of its occupation and level."""
    require(uow.actor, Permission.ITEM_WRITE)
    level = standards.get_level(uow.session, standard_level_id, actor=uow.actor)
    check_points(uow.session, level.standard_level_id, point_ids)
    item_id = insert_items(uow, level, [NewItem(content, tuple(point_ids), difficulty, source)])[0]
    item = repository.get_item(uow.session, item_id, actor=uow.actor)
    audit.record(uow, "item.create", "item", item_id, after={"code": item.code, "digest": item.content_digest})
    return item


def insert_items(
    uow: UnitOfWork, level: StandardLevel, new_items: Sequence[NewItem], *, import_run_id: uuid.UUID | None = None
) -> list[uuid.UUID]:
    """Insert drafts with their first versions in three statements and return their ids; the caller audits."""
    if not new_items:
        return []
    moment = now()
    standard = level.edition.standard
    prefix = code_prefix(standard.occupation_code, standard.code, level.level_code)
    first = take_numbers(uow, prefix, len(new_items))
    rows = [
        _Row(uow.actor, level, new, item_code(prefix, first + place), moment=moment, import_run_id=import_run_id)
        for place, new in enumerate(new_items)
    ]
    items = [row.item() for row in rows]
    uow.session.execute(insert(Item), items)
    uow.session.execute(insert(ItemVersion), [row.version() for row in rows])
    item_search.insert_rows(uow.session, [(item, row.new.content) for item, row in zip(items, rows, strict=True)])
    if points := [point for row in rows for point in row.points()]:
        uow.session.execute(insert(ItemPoint), points)
    return [row.item_id for row in rows]


def take_numbers(uow: UnitOfWork, prefix: str, n: int) -> int:
    """Take `n` running numbers of a prefix and return the first."""
    counter = repository.lock_counter(uow.session, uow.actor.organisation, prefix)
    first = counter.last_number + 1
    counter.last_number += n
    uow.flush()  # the counter's row must stand before rows that a bulk insert sends by itself
    return first


class _Row:
    """The rows of one new item in its three tables."""

    def __init__(
        self,
        actor: Actor,
        level: StandardLevel,
        new: NewItem,
        code: str,
        *,
        moment: datetime,
        import_run_id: uuid.UUID | None,
    ) -> None:
        self.item_id, self.version_id = new_id(), new_id()
        self.new, self.code, self.moment = new, code, moment
        self.actor, self.level_id, self.import_run_id = actor, level.standard_level_id, import_run_id
        self.digest = content_digest(new.content)

    def item(self) -> dict[str, Any]:
        return {
            "item_id": self.item_id, "organisation_id": self.actor.organisation, "standard_level_id": self.level_id,
            "code": self.code, "status": ItemStatus.DRAFT, "current_version_id": self.version_id, "n_versions": 1,
            "type": self.new.content.type, "difficulty": self.new.difficulty, "content_digest": self.digest,
            "search_text": search_text(self.new.content), "author_id": self.actor.user_id,
            "source": self.new.source[:300], "origin_code": self.new.origin_code[:120], "extra": dict(self.new.extra),
            "cognitive": self.new.cognitive, "is_trial": self.new.is_trial,
            "import_run_id": self.import_run_id, "created_at": self.moment, "updated_at": self.moment, "version": 1,
        }  # fmt: skip

    def version(self) -> dict[str, Any]:
        return {
            "item_version_id": self.version_id, "organisation_id": self.actor.organisation, "item_id": self.item_id,
            "number": 1, "type": self.new.content.type, "content": content_to_json(self.new.content),
            "content_digest": self.digest, "difficulty": self.new.difficulty, "change_kind": ChangeKind.FIRST,
            "note": "", "created_by": self.actor.user_id, "created_at": self.moment,
        }  # fmt: skip

    def points(self) -> list[dict[str, Any]]:
        return point_rows(self.item_id, self.version_id, self.new.point_ids)


def point_rows(item_id: uuid.UUID, version_id: uuid.UUID, point_ids: Sequence[uuid.UUID]) -> list[dict[str, Any]]:
    """Return the rows that tie a version to its points."""
    return [
        {"item_id": item_id, "item_version_id": version_id, "assessment_point_id": point_id, "position": position}
        for position, point_id in enumerate(dict.fromkeys(point_ids))
    ]


def check_points(session: Session, standard_level_id: uuid.UUID, point_ids: Sequence[uuid.UUID]) -> None:
    """Refuse points that do not belong to the level, and too many of them."""
    if len(point_ids) > MAX_POINTS_PER_ITEM:
        message = N_("一道题最多关联 5 个鉴定点")
        raise InvalidInputError(message, fields={"points": [message]})
    query = select(AssessmentPoint.assessment_point_id).where(
        AssessmentPoint.standard_level_id == standard_level_id, AssessmentPoint.assessment_point_id.in_(point_ids)
    )
    if point_ids and set(session.scalars(query)) != set(point_ids):
        raise NotFoundError(N_("所选鉴定点不属于本等级的细目表，请重新选择"))


def content_of(version: ItemVersion) -> ItemContent:
    """Return the content that a version froze."""
    return content_from_json(version.content)


def update_item(
    uow: UnitOfWork,
    item_id: uuid.UUID,
    *,
    version: int,
    content: ItemContent,
    point_ids: Sequence[uuid.UUID] = (),
    difficulty: int | None = None,
    source: str = "",
    note: str = "",
) -> ItemVersion | None:
    """Save a revision as a new version; None when nothing changed.

    An approved item becomes a draft again; its approved version stays in use until the new one is approved.

    Raises
    ------
    ConflictError
        If `version` is not the item's present one: somebody saved meanwhile.
    """
    item = _lock_for_writing(uow, item_id)
    if item.status not in EDITABLE:
        raise ConflictError(_WHY_NOT_EDITABLE[item.status])
    if item.version != version:
        raise StaleItemError(N_("这道题刚被他人修改过。您填写的内容仍保留在下面，请核对后再保存"))
    check_points(uow.session, item.standard_level_id, point_ids)
    old = _current_version(uow, item)
    change = _change_kind(uow, old, NewItem(content, tuple(point_ids), difficulty))
    if change is None and item.source == source:
        return None
    item.source = source[:300]
    if change is None:
        item.updated_at = now()
        return None
    return _add_version(uow, item, old, NewItem(content, tuple(point_ids), difficulty), change=change, note=note)


class StaleItemError(ConflictError):
    """The item was saved by somebody else after its form was opened."""

    code = "stale_item"


_WHY_NOT_EDITABLE = {
    ItemStatus.IN_REVIEW: N_("试题正在审核，不能修改；如需修改，请先撤回"),
    ItemStatus.RETIRED: N_("试题已停用，不能修改；如需修改，请先恢复为草稿"),
}


def _lock_for_writing(uow: UnitOfWork, item_id: uuid.UUID) -> Item:
    require(uow.actor, Permission.ITEM_WRITE)
    return repository.lock_item(uow.session, item_id, actor=uow.actor)


def _current_version(uow: UnitOfWork, item: Item) -> ItemVersion:
    return repository.get_versions(uow.session, [item.current_version_id])[item.current_version_id]


def _change_kind(uow: UnitOfWork, old: ItemVersion, new: NewItem) -> ChangeKind | None:
    change = compare(content_of(old), new.content)
    if change != "same":
        return ChangeKind(change)
    points = repository.points_of_versions(uow.session, [old.item_version_id])[old.item_version_id]
    same_points = [one.assessment_point_id for one in points] == list(dict.fromkeys(new.point_ids))
    return None if same_points and old.difficulty == new.difficulty else ChangeKind.DESCRIPTION


def _add_version(
    uow: UnitOfWork, item: Item, old: ItemVersion, new: NewItem, *, change: ChangeKind, note: str
) -> ItemVersion:
    moment = now()
    fresh = ItemVersion(
        item_version_id=new_id(), organisation_id=item.organisation_id, item_id=item.item_id,
        number=item.n_versions + 1, type=new.content.type, content=content_to_json(new.content),
        content_digest=content_digest(new.content), difficulty=new.difficulty, change_kind=change, note=note[:300],
        created_by=uow.actor.user_id, created_at=moment,
    )  # fmt: skip
    uow.add(fresh)
    uow.flush()  # the points refer to the version
    for row in point_rows(item.item_id, fresh.item_version_id, new.point_ids):
        uow.add(ItemPoint(**row))
    repository.carry_other_editions(uow.session, item, old.item_version_id, fresh.item_version_id)
    _point_item_at(item, fresh, new.content, moment)
    before = {"number": old.number, "digest": old.content_digest}
    after = {"number": fresh.number, "digest": fresh.content_digest, "change": change.value}
    audit.record(uow, "item.revise", "item", item.item_id, before=before, after=after, reason=note or None)
    return fresh


def _point_item_at(item: Item, fresh: ItemVersion, content: ItemContent, moment: datetime) -> None:
    if item.status is ItemStatus.APPROVED:
        check_transition(item.status, ItemStatus.DRAFT)
        item.status = ItemStatus.DRAFT
    item.n_versions = fresh.number
    item.updated_at = moment
    point_item_at(item, fresh, content)


def point_item_at(item: Item, version: ItemVersion, content: ItemContent) -> None:
    """Make a version the current one and repeat in the item's row what lists need."""
    item.current_version_id = version.item_version_id
    item.type, item.difficulty = version.type, version.difficulty
    item.content_digest, item.search_text = version.content_digest, search_text(content)
    if session := object_session(item):
        item_search.reindex(session, item, content)


def copy_item(uow: UnitOfWork, item_id: uuid.UUID) -> Item:
    """Create a draft of one's own with the content of an item's current version."""
    require(uow.actor, Permission.ITEM_WRITE)
    item = repository.get_item(uow.session, item_id, actor=uow.actor)
    version = _current_version(uow, item)
    points = repository.points_of_versions(uow.session, [version.item_version_id])[version.item_version_id]
    copy = create_item(
        uow,
        standard_level_id=item.standard_level_id,
        content=content_of(version),
        point_ids=[one.assessment_point_id for one in points],
        difficulty=version.difficulty,
        source=item.source,
    )
    copy.cognitive = item.cognitive
    return copy


def retire_items(uow: UnitOfWork, item_ids: Sequence[uuid.UUID], *, reason: str) -> int:
    """Take items out of use for good reason; forms that are sealed already keep their copy."""
    require(uow.actor, Permission.ITEM_RETIRE)
    if not reason.strip():
        message = N_("请填写停用原因")
        raise InvalidInputError(message, fields={"reason": [message]})
    items = repository.lock_items(uow.session, item_ids, actor=uow.actor)
    for item in items:
        retire_locked(uow, item, reason.strip())
    return len(items)


def retire_locked(uow: UnitOfWork, item: Item, reason: str) -> None:
    """Retire an item whose row is locked."""
    check_transition(item.status, ItemStatus.RETIRED)
    before = {"status": item.status.value}
    item.status, item.workflow_stage_id, item.returned_at = ItemStatus.RETIRED, None, None
    item.retired_reason, item.updated_at = reason[:500], now()
    audit.record(uow, "item.retire", "item", item.item_id, before=before, after={"status": "retired"}, reason=reason)


def restore_item(uow: UnitOfWork, item_id: uuid.UUID) -> Item:
    """Bring a retired item back as a draft, to be reviewed anew."""
    require(uow.actor, Permission.ITEM_RETIRE)
    item = repository.lock_item(uow.session, item_id, actor=uow.actor)
    check_transition(item.status, ItemStatus.DRAFT)
    if item.status is not ItemStatus.RETIRED:
        raise ConflictError(N_("只有已停用的试题可以恢复"))
    item.status, item.approved_version_id, item.retired_reason = ItemStatus.DRAFT, None, ""
    item.superseded_version_id = item.effective_on = None
    item.updated_at = now()
    audit.record(uow, "item.restore", "item", item.item_id, after={"status": "draft"})
    return item


def remove_draft(uow: UnitOfWork, item_id: uuid.UUID) -> None:
    """Throw away a draft that was never approved; its code is not given again."""
    item = _lock_for_writing(uow, item_id)
    if not is_removable(item):
        raise ConflictError(N_("只能删除从未入库的草稿；其他试题请用“停用”"))
    remove_locked(uow, item)


def is_removable(item: Item) -> bool:
    """Say whether an item is a draft that nothing else may refer to."""
    return item.status is ItemStatus.DRAFT and item.approved_version_id is None


def remove_locked(uow: UnitOfWork, item: Item) -> None:
    """Throw away a draft whose row is locked."""
    item.removed_at = item.updated_at = now()
    audit.record(uow, "item.remove", "item", item.item_id, before={"code": item.code, "digest": item.content_digest})


def record_use(uow: UnitOfWork, item_ids: Sequence[uuid.UUID], *, used_at: datetime | date) -> int:
    """Count one more use of some items in a form and note the day."""
    day = day_of(used_at) if isinstance(used_at, datetime) else used_at
    n = 0
    for chunk in repository.chunks(list(dict.fromkeys(item_ids))):
        statement = (
            update(Item)
            .where(Item.organisation_id == uow.actor.organisation, Item.item_id.in_(chunk))
            .values(n_used=Item.n_used + 1, last_used_on=day)
            .execution_options(synchronize_session=False)
        )
        n += uow.session.execute(statement).rowcount  # type: ignore[attr-defined]
    if n < len(set(item_ids)):
        n += sharing.record_shared_use(uow, item_ids, day)
    return n


def may_see_key(actor: Actor, item: Item) -> bool:
    """Say whether an actor may see an item's key: readers of the bank, and the item's author."""
    return actor.may(Permission.ITEM_READ) or (actor.user_id is not None and item.author_id == actor.user_id)


def may_edit(actor: Actor, item: Item) -> bool:
    """Say whether an actor may revise an item as it stands."""
    own = item.author_id == actor.user_id or actor.may(Permission.ITEM_READ)
    return actor.may(Permission.ITEM_WRITE) and own and item.status in EDITABLE


def may_mark(actor: Actor, item: Item) -> bool:
    """Say whether an actor may say what an item asks of candidates: a mark beside the content, in every state but the last."""
    own = item.author_id == actor.user_id or actor.may(Permission.ITEM_READ)
    return actor.may(Permission.ITEM_WRITE) and own and item.status is not ItemStatus.RETIRED


def require_visible(actor: Actor) -> None:
    """Refuse those who may not read any item."""
    if not (actor.may(Permission.ITEM_READ) or actor.may(Permission.ITEM_READ_OWN)):
        raise ForbiddenError(N_("没有权限查看试题，请联系本机构管理员"), permission=Permission.ITEM_READ.value)
