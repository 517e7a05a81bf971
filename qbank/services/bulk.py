"""One act on many items: what will happen to each, and then doing it; an item that refuses stops no other."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.models.items import Item, ItemVersion
from qbank.models.standards import AssessmentPoint
from qbank.repository import curation
from qbank.repository import items as repository
from qbank.rules.bulk import BULK_PERMISSIONS, MOST_ITEMS, BulkAct
from qbank.rules.items import ALLOWED, EDITABLE, ItemStatus, blocking, findings_of
from qbank.services import assignments, marks, reviews
from qbank.services import curation as tags
from qbank.services import items as services
from qbank.services.assignments import Placement


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """What is to be done with which items; the fields that the act needs are filled."""

    act: BulkAct
    item_ids: tuple[uuid.UUID, ...]
    tag: str = ""
    point: str = ""
    difficulty: int | None = None
    cognitive: str = ""
    reason: str = ""
    reviewers: tuple[uuid.UUID, ...] = ()


Note = tuple[str, Mapping[str, Any]]
"""A marked message and what fills it."""


@dataclass(frozen=True, slots=True)
class BulkLine:
    """What will happen to an item: a refusal, or a change in words, with notes; all are translated at the edge."""

    item: Item
    refusal: str = ""
    change: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Whether nothing will happen to the item."""
        return bool(self.refusal)


@dataclass(slots=True)
class BulkResult:
    """What became of an act on many items."""

    n_done: int = 0
    refused: list[BulkLine] = field(default_factory=list)
    noted: list[BulkLine] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Shelf:
    """What the decisions about all items of an act share."""

    request: BulkRequest
    actor: Actor
    versions: Mapping[uuid.UUID, ItemVersion]
    points: Mapping[uuid.UUID, list[AssessmentPoint]]
    tags: Mapping[uuid.UUID, list[str]]
    targets: Mapping[uuid.UUID, AssessmentPoint]
    placements: Mapping[uuid.UUID, Placement]


def plan(session: Session, actor: Actor, request: BulkRequest) -> list[BulkLine]:
    """Return what the act will do to each item; nothing is changed.

    Raises
    ------
    InvalidInputError
        If the act lacks what it needs, or there are too many items.
    """
    require(actor, BULK_PERMISSIONS[request.act])
    check_request(request)
    if request.act is BulkAct.COGNITIVE:
        marks.check_level(session, actor, request.cognitive)
    items = repository.list_by_ids(session, list(dict.fromkeys(request.item_ids)), actor=actor)
    shelf = _shelf(session, actor, request, items)
    return [_DECIDE[request.act](shelf, item) for item in items]


def check_request(request: BulkRequest) -> None:
    """Refuse an act that lacks what it needs."""
    if len(request.item_ids) > MOST_ITEMS:
        raise InvalidInputError(N_("一次最多处理 %(n)s 题，请分批勾选"), n=MOST_ITEMS)
    missing: dict[BulkAct, tuple[object, str, str]] = {
        BulkAct.ASSIGN: (request.reviewers, "reviewers", N_("请选择评审人")),
        BulkAct.RETIRE: (request.reason.strip(), "reason", N_("请填写停用原因")),
        BulkAct.POINT: (request.point.strip(), "point", N_("请填写鉴定点代码")),
        BulkAct.DIFFICULTY: (request.difficulty, "difficulty", N_("请选择难度")),
        BulkAct.COGNITIVE: (request.cognitive.strip(), "cognitive", N_("请选择认知层次")),
    }
    value, name, message = missing.get(request.act, (True, "", ""))
    if not value:
        raise InvalidInputError(message, fields={name: [message]})
    if request.act in {BulkAct.TAG, BulkAct.UNTAG}:
        tags.read_tag(request.tag)


def _shelf(session: Session, actor: Actor, request: BulkRequest, items: Sequence[Item]) -> _Shelf:
    version_ids = [item.current_version_id for item in items]
    return _Shelf(
        request=request,
        actor=actor,
        versions=repository.get_versions(session, version_ids),
        points=repository.points_of_versions(session, version_ids),
        tags=curation.tags_of(session, [item.item_id for item in items]),
        targets=_targets(session, request, items) if request.act is BulkAct.POINT else {},
        placements=_placements(session, actor, request, items) if request.act is BulkAct.ASSIGN else {},
    )


def _placements(
    session: Session, actor: Actor, request: BulkRequest, items: Sequence[Item]
) -> dict[uuid.UUID, Placement]:
    if not items:
        return {}
    found = assignments.placements(session, actor, items, request.reviewers)
    return {one.item.item_id: one for one in found}


def _targets(session: Session, request: BulkRequest, items: Sequence[Item]) -> dict[uuid.UUID, AssessmentPoint]:
    """Return the point of that code in each level that the items belong to."""
    code = request.point.strip().split()[0].upper()
    found = {}
    for level_id in {item.standard_level_id for item in items}:
        known = repository.points_of_level(session, level_id)
        chosen = next((point for point in known if point.full_code.upper() == code), None)
        if chosen is not None:
            found[level_id] = chosen
    return found


def _submit(shelf: _Shelf, item: Item) -> BulkLine:
    if item.status is not ItemStatus.DRAFT:
        return BulkLine(item, N_("只有草稿可以提交审核"))
    version = shelf.versions[item.current_version_id]
    n_points = len(shelf.points[item.current_version_id])
    found = blocking(findings_of(services.content_of(version), n_points=n_points, difficulty=version.difficulty))
    if found:
        return BulkLine(item, found[0].template or found[0].message, params=found[0].params)
    return BulkLine(item, change=N_("草稿 → 审核中"))


def _assign(shelf: _Shelf, item: Item) -> BulkLine:
    return _assigned(shelf.placements[item.item_id])


def _assigned(one: Placement) -> BulkLine:
    """Return the line of an item for which people are asked; it names everybody who is not, and why."""
    if one.stage is None:
        return BulkLine(one.item, N_("不在审核中，没有可以指定评审人的环节"))
    reasons: list[Note] = [(found.template, found.context) for found in one.refused]
    if one.present:
        names = "、".join(person.name for person in one.present)
        reasons.append((N_("%(names)s 已被指定"), {"names": names}))
    if not one.added:
        params = {"stage": one.stage.name}
        return BulkLine(one.item, N_("“%(stage)s”没有新的评审人可以指定"), params=params, notes=tuple(reasons))
    reasons += [(found.rule.explanation, found.context) for found in one.warned]
    if one.n_missing:
        figures = {"stage": one.stage.name, "n": one.stage.quorum, "missing": one.n_missing}
        reasons.append((N_("“%(stage)s”须 %(n)s 人作出决定，还差 %(missing)s 人"), figures))
    names = "、".join(person.name for person in one.added)
    change = N_("“%(stage)s”由 %(names)s 审核")
    return BulkLine(one.item, change=change, params={"stage": one.stage.name, "names": names}, notes=tuple(reasons))


def _retire(_shelf: _Shelf, item: Item) -> BulkLine:
    if ItemStatus.RETIRED not in ALLOWED[item.status]:
        return BulkLine(item, N_("已经停用"))
    return BulkLine(item, change=N_("不再用于新的组卷"))


def _tag(shelf: _Shelf, item: Item) -> BulkLine:
    tag = shelf.request.tag.strip()
    if tag in shelf.tags[item.item_id]:
        return BulkLine(item, N_("已有标签“%(tag)s”"), params={"tag": tag})
    if len(shelf.tags[item.item_id]) >= tags.MOST_TAGS_OF_ITEM:
        return BulkLine(item, N_("标签已满 %(n)s 个"), params={"n": tags.MOST_TAGS_OF_ITEM})
    return BulkLine(item, change=N_("加上标签“%(tag)s”"), params={"tag": tag})


def _untag(shelf: _Shelf, item: Item) -> BulkLine:
    tag = shelf.request.tag.strip()
    if tag not in shelf.tags[item.item_id]:
        return BulkLine(item, N_("没有标签“%(tag)s”"), params={"tag": tag})
    return BulkLine(item, change=N_("去掉标签“%(tag)s”"), params={"tag": tag})


def _point(shelf: _Shelf, item: Item) -> BulkLine:
    target = shelf.targets.get(item.standard_level_id)
    present = shelf.points[item.current_version_id]
    if target is None:
        code = shelf.request.point.strip().split()[0]
        return BulkLine(item, N_("这道题所在等级的细目表没有鉴定点 %(code)s"), params={"code": code})
    if present and present[0].assessment_point_id == target.assessment_point_id:
        return BulkLine(item, N_("已在这个鉴定点"))
    old = present[0].full_code if present else "—"
    return _revised(shelf, item, N_("鉴定点 %(old)s → %(new)s"), {"old": old, "new": target.full_code})


def _difficulty(shelf: _Shelf, item: Item) -> BulkLine:
    if item.difficulty == shelf.request.difficulty:
        return BulkLine(item, N_("已是这个难度"))
    return _revised(
        shelf, item, N_("难度 %(old)s → %(new)s"), {"old": item.difficulty or "—", "new": shelf.request.difficulty}
    )


def _cognitive(shelf: _Shelf, item: Item) -> BulkLine:
    if item.cognitive == shelf.request.cognitive:
        return BulkLine(item, N_("已是这个认知层次"))
    if not services.may_mark(shelf.actor, item):
        return BulkLine(item, N_("您不能修改这道题"))
    params = {"old": item.cognitive or "—", "new": shelf.request.cognitive}
    return BulkLine(item, change=N_("认知层次 %(old)s → %(new)s"), params=params)


def _trial(shelf: _Shelf, item: Item) -> BulkLine:
    wanted = shelf.request.act is BulkAct.TRIAL
    if item.is_trial == wanted:
        return BulkLine(item, N_("已在试测") if wanted else N_("没有在试测"))
    if item.status is ItemStatus.RETIRED:
        return BulkLine(item, N_("审核中或已停用的试题不能修改"))
    return BulkLine(item, change=N_("今后在试卷中只作试测题，不计分") if wanted else N_("今后在试卷中按正式题计分"))


def _revised(shelf: _Shelf, item: Item, change: str, params: Mapping[str, Any]) -> BulkLine:
    """Return the line of a change that makes a new version."""
    if item.status not in EDITABLE:
        return BulkLine(item, N_("审核中或已停用的试题不能修改"))
    if not services.may_edit(shelf.actor, item):
        return BulkLine(item, N_("您不能修改这道题"))
    return BulkLine(item, change=change, params=params)


_DECIDE = {
    BulkAct.SUBMIT: _submit,
    BulkAct.ASSIGN: _assign,
    BulkAct.RETIRE: _retire,
    BulkAct.TAG: _tag,
    BulkAct.UNTAG: _untag,
    BulkAct.POINT: _point,
    BulkAct.DIFFICULTY: _difficulty,
    BulkAct.COGNITIVE: _cognitive,
    BulkAct.TRIAL: _trial,
    BulkAct.COUNTING: _trial,
}


def carry_out(uow: UnitOfWork, request: BulkRequest) -> BulkResult:
    """Do the act on every item that does not refuse it; each is looked at again first."""
    lines = plan(uow.session, uow.actor, request)
    result = BulkResult(refused=[line for line in lines if line.is_refused])
    wanted = [line.item.item_id for line in lines if not line.is_refused]
    if wanted:
        _ACTS[request.act](uow, request, wanted, result)
    return result


def _do_submit(uow: UnitOfWork, _request: BulkRequest, item_ids: list[uuid.UUID], result: BulkResult) -> None:
    done = reviews.submit_items(uow, item_ids)
    result.n_done = done.n_submitted
    by_code = {item.code: item for item in repository.list_by_ids(uow.session, item_ids, actor=uow.actor)}
    result.refused += [BulkLine(by_code[one.code], one.message) for one in done.refused]


def _do_assign(uow: UnitOfWork, request: BulkRequest, item_ids: list[uuid.UUID], result: BulkResult) -> None:
    items = repository.lock_items(uow.session, item_ids, actor=uow.actor)
    for one in assignments.placements(uow.session, uow.actor, items, request.reviewers):
        line = _assigned(one)
        if line.is_refused:
            result.refused.append(line)
            continue
        assignments.place(uow, one)
        result.n_done += 1
        if line.notes:
            result.noted.append(line)


def _do_retire(uow: UnitOfWork, request: BulkRequest, item_ids: list[uuid.UUID], result: BulkResult) -> None:
    result.n_done = services.retire_items(uow, item_ids, reason=request.reason)


def _do_tag(uow: UnitOfWork, request: BulkRequest, item_ids: list[uuid.UUID], result: BulkResult) -> None:
    change = tags.add_tag if request.act is BulkAct.TAG else tags.remove_tag
    result.n_done = change(uow, item_ids, request.tag.strip())


def _do_mark(uow: UnitOfWork, request: BulkRequest, item_ids: list[uuid.UUID], result: BulkResult) -> None:
    if request.act is BulkAct.COGNITIVE:
        result.n_done = marks.set_cognitive(uow, item_ids, request.cognitive)
    else:
        result.n_done = marks.set_trial(uow, item_ids, is_trial=request.act is BulkAct.TRIAL)


def _do_revise(uow: UnitOfWork, request: BulkRequest, item_ids: list[uuid.UUID], result: BulkResult) -> None:
    items = repository.lock_items(uow.session, item_ids, actor=uow.actor)
    shelf = _shelf(uow.session, uow.actor, request, items)
    for item in items:
        try:
            _revise(uow, shelf, item)
            result.n_done += 1
        except (ConflictError, InvalidInputError, NotFoundError) as refused:
            result.refused.append(BulkLine(item, refused.template, params=refused.context))


def _revise(uow: UnitOfWork, shelf: _Shelf, item: Item) -> None:
    request, version = shelf.request, shelf.versions[item.current_version_id]
    present = [point.assessment_point_id for point in shelf.points[item.current_version_id]]
    if request.act is BulkAct.POINT:
        target = shelf.targets[item.standard_level_id].assessment_point_id
        present = [target, *(one for one in present[1:] if one != target)]
    services.update_item(
        uow,
        item.item_id,
        version=item.version,
        content=services.content_of(version),
        point_ids=present,
        difficulty=request.difficulty if request.act is BulkAct.DIFFICULTY else version.difficulty,
        source=item.source,
        note=N_("成批修改"),
    )


_ACTS = {
    BulkAct.SUBMIT: _do_submit,
    BulkAct.ASSIGN: _do_assign,
    BulkAct.RETIRE: _do_retire,
    BulkAct.TAG: _do_tag,
    BulkAct.UNTAG: _do_tag,
    BulkAct.POINT: _do_revise,
    BulkAct.DIFFICULTY: _do_revise,
    BulkAct.COGNITIVE: _do_mark,
    BulkAct.TRIAL: _do_mark,
    BulkAct.COUNTING: _do_mark,
}


def may_act(actor: Actor) -> list[BulkAct]:
    """Return what an actor may do with a selection."""
    return [act for act in BulkAct if actor.may(BULK_PERMISSIONS[act])]


def may_export(actor: Actor) -> bool:
    """Say whether an actor may take items out as a file."""
    return actor.may(Permission.ITEM_EXPORT)
