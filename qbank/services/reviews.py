"""Review: submitting, deciding, and where a decision leads."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from kernel import audit
from kernel.clock import now, today
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.models.items import Item, ItemVersion, ReviewDecision, WorkflowStage
from qbank.models.workflow import WorkflowTransition
from qbank.repository import items as items_repository
from qbank.repository import reviews as repository
from qbank.rules.items import ItemStatus, blocking, check_transition, findings_of
from qbank.rules.review import Decision, PastDecision, Refusal, refusal
from qbank.rules.workflow import APPROVED, REQUIRED_LABELS, RETIRED, RequiredField, options_from_json, outcome
from qbank.services import workflows
from qbank.services.items import content_of, point_item_at, retire_locked
from qbank.services.review_desk import barred_authors, check_conflicts, check_refusal, check_reviewer, is_one_stage


@dataclass(frozen=True, slots=True)
class RefusedItem:
    """An item that could not be submitted, and why."""

    code: str
    message: str


@dataclass(slots=True)
class SubmitResult:
    """What became of a submission of several items."""

    n_submitted: int = 0
    refused: list[RefusedItem] = field(default_factory=list)


def submit_items(uow: UnitOfWork, item_ids: Sequence[uuid.UUID]) -> SubmitResult:
    """Send drafts into review; those with faults stay where they are and are named in the result."""
    require(uow.actor, Permission.ITEM_WRITE)
    first = workflows.ensure_default_workflow(uow)[0]
    items = items_repository.lock_items(uow.session, item_ids, actor=uow.actor)
    version_ids = [item.current_version_id for item in items]
    versions = items_repository.get_versions(uow.session, version_ids)
    points = items_repository.points_of_versions(uow.session, version_ids)
    result, moment = SubmitResult(), now()  # sent together, they stand together in lists, by code
    for item in items:
        message = _why_not(item, versions[item.current_version_id], len(points[item.current_version_id]))
        if message:
            result.refused.append(RefusedItem(item.code, message))
        else:
            _enter(uow, item, first, moment)
            result.n_submitted += 1
    return result


def submit_item(uow: UnitOfWork, item_id: uuid.UUID) -> None:
    """Send one draft into review; raises InvalidInputError that says what must be mended first."""
    result = submit_items(uow, [item_id])
    for one in result.refused:
        raise InvalidInputError(N_("还不能提交审核：%(reason)s"), reason=one.message)


def _why_not(item: Item, version: ItemVersion, n_points: int) -> str:
    if item.status is not ItemStatus.DRAFT:
        return N_("只有草稿可以提交审核")
    found = blocking(findings_of(content_of(version), n_points=n_points, difficulty=version.difficulty))
    return "；".join(one.message for one in found)


def _enter(uow: UnitOfWork, item: Item, stage: WorkflowStage, moment: datetime) -> None:
    check_transition(item.status, ItemStatus.IN_REVIEW)
    item.status, item.workflow_stage_id = ItemStatus.IN_REVIEW, stage.workflow_stage_id
    item.review_round += 1
    item.submitted_at = item.updated_at = item.stage_entered_at = moment
    item.returned_at = None
    after = {"stage": stage.name, "round": item.review_round, "digest": item.content_digest}
    audit.record(uow, "item.submit", "item", item.item_id, after=after)


def withdraw_item(uow: UnitOfWork, item_id: uuid.UUID) -> Item:
    """Take an item back from review; decisions made so far remain in its history."""
    require(uow.actor, Permission.ITEM_WRITE)
    item = items_repository.lock_item(uow.session, item_id, actor=uow.actor)
    if item.status is not ItemStatus.IN_REVIEW:
        raise ConflictError(N_("试题不在审核中，不需要撤回"))
    _leave(item, ItemStatus.DRAFT)
    audit.record(uow, "item.withdraw", "item", item.item_id, after={"status": "draft"})
    return item


def _leave(item: Item, status: ItemStatus) -> None:
    check_transition(item.status, status)
    item.status, item.workflow_stage_id, item.updated_at = status, None, now()


@dataclass(frozen=True, slots=True)
class _Bench:
    """What all decisions of one act share: stages, transitions, rule, earlier decisions."""

    stages: Mapping[uuid.UUID, WorkflowStage]
    ways: Mapping[tuple[uuid.UUID, Decision], WorkflowTransition]
    one_stage: bool
    barred: set[uuid.UUID]
    asked: Mapping[uuid.UUID, set[uuid.UUID]]
    past: Mapping[uuid.UUID, list[PastDecision]]
    versions: Mapping[uuid.UUID, ItemVersion]


def decide(
    uow: UnitOfWork, item_id: uuid.UUID, *, item_version_id: uuid.UUID, decision: Decision, comment: str = ""
) -> Item:
    """Record a reviewer's decision on the version they saw and move the item on.

    Raises
    ------
    ForbiddenError
        If it is their own item, or they took part in another stage of this version.
    ConflictError
        If the item has moved on, or has another version by now.
    """
    item = items_repository.lock_item(uow.session, item_id, actor=uow.actor)
    if item.current_version_id != item_version_id:
        raise ConflictError(N_("这道题已有新的版本，请重新打开后再审"))
    return _decide_all(uow, [item], decision, comment)[0]


def decide_items(
    uow: UnitOfWork, item_ids: Sequence[uuid.UUID], *, decision: Decision = Decision.APPROVE, comment: str = ""
) -> list[Item]:
    """Record one reviewer's same decision on many items; for loading a demonstration, no page offers it."""
    return _decide_all(uow, items_repository.lock_items(uow.session, item_ids, actor=uow.actor), decision, comment)


def _decide_all(uow: UnitOfWork, items: Sequence[Item], decision: Decision, comment: str) -> list[Item]:
    require(uow.actor, Permission.ITEM_REVIEW)
    if decision is not Decision.APPROVE and not comment.strip():
        message = N_("请写明意见，让命题人知道怎样修改")
        raise InvalidInputError(message, fields={"comment": [message]})
    bench = _bench(uow, items)
    for item in items:
        _decide_one(uow, bench, item, decision, comment.strip())
    return list(items)


def _bench(uow: UnitOfWork, items: Sequence[Item]) -> _Bench:
    version_ids = [item.current_version_id for item in items]
    stage_ids = {item.workflow_stage_id for item in items if item.workflow_stage_id}
    ways = repository.transitions_of(uow.session, stage_ids)
    later = {way.to_stage_id for way in ways.values() if way.to_stage_id}
    return _Bench(
        stages=repository.stages_by_id(uow.session, stage_ids | later),
        ways=ways,
        one_stage=is_one_stage(uow.session, uow.actor),
        barred=barred_authors(uow.session, uow.actor),
        asked=repository.assignments_of(uow.session, items),
        past=repository.past_decisions(uow.session, version_ids),
        versions=items_repository.get_versions(uow.session, version_ids),
    )


def _decide_one(uow: UnitOfWork, bench: _Bench, item: Item, decision: Decision, comment: str) -> None:
    if item.status is not ItemStatus.IN_REVIEW or item.workflow_stage_id is None:
        raise ConflictError(N_("试题 %(item)s 已不在审核中，可能刚由他人处理"), item=item.code)
    stage = bench.stages[item.workflow_stage_id]
    version = bench.versions[item.current_version_id]
    past = bench.past[item.current_version_id]
    reviewer_id = check_reviewer(uow.actor, item, stage, asked=bench.asked[item.item_id])
    check_refusal(_refusal(bench, item, version, stage, reviewer_id=reviewer_id))
    if bench.barred & {item.author_id, version.created_by}:
        check_conflicts(uow.session, uow.actor, item, version)
    if decision is Decision.APPROVE:
        check_required(item, version, stage, comment)
    row = ReviewDecision(
        organisation_id=item.organisation_id, item_id=item.item_id, item_version_id=version.item_version_id,
        review_round=item.review_round, workflow_stage_id=stage.workflow_stage_id, stage_name=stage.name,
        reviewer_id=reviewer_id, decision=decision, comment=comment[:2000], created_at=now(),
    )  # fmt: skip
    uow.add(row)
    past.append(PastDecision(stage.workflow_stage_id, item.review_round, reviewer_id, decision))
    after = {"stage": stage.name, "decision": decision.value, "version": version.number, "round": item.review_round}
    audit.record(uow, "item.review", "item", item.item_id, after=after)
    _move(uow, bench, item, stage, comment=comment)


def _refusal(
    bench: _Bench, item: Item, version: ItemVersion, stage: WorkflowStage, *, reviewer_id: uuid.UUID
) -> Refusal | None:
    return refusal(
        reviewer_id,
        (item.author_id, version.created_by),
        bench.past[item.current_version_id],
        stage_id=stage.workflow_stage_id,
        review_round=item.review_round,
        one_stage=bench.one_stage,
    )


def check_required(item: Item, version: ItemVersion, stage: WorkflowStage, comment: str) -> None:
    """Refuse to approve while something is empty that the stage requires."""
    content = content_of(version)
    filled = {
        RequiredField.EXPLANATION: bool(content.explanation.strip()),
        RequiredField.SOURCE: bool(item.source.strip()),
        RequiredField.DIFFICULTY: version.difficulty is not None,
        RequiredField.ALT_TEXT: all(str(medium.get("alt") or "").strip() for medium in content.media),
        RequiredField.COMMENT: bool(comment),
    }
    missing = [REQUIRED_LABELS[one] for one in options_from_json(stage.options).required if not filled[one]]
    if missing:
        shown = "、".join(missing)
        message = N_("“%(stage)s”通过前须填写：%(missing)s")
        context = {"stage": stage.name, "missing": shown}
        raise InvalidInputError(message, fields={"comment": [message % context]}, **context)


def _move(uow: UnitOfWork, bench: _Bench, item: Item, stage: WorkflowStage, *, comment: str) -> None:
    """Move an item on when the votes of its stage decide."""
    decided = outcome(
        bench.past[item.current_version_id], stage_id=stage.workflow_stage_id, review_round=item.review_round,
        quorum=stage.quorum, vote=options_from_json(stage.options).vote,
    )  # fmt: skip
    if decided is None:
        return
    way = bench.ways[stage.workflow_stage_id, decided]
    if way.to_stage_id is not None:
        _to_stage(item, way.to_stage_id, is_back=decided is Decision.RETURN)
    elif way.target == APPROVED:
        _approve(uow, item)
    elif way.target == RETIRED:
        _reject(uow, item, comment)
    else:
        _leave(item, ItemStatus.DRAFT)
        item.returned_at = now()


def _to_stage(item: Item, stage_id: uuid.UUID, *, is_back: bool) -> None:
    item.workflow_stage_id = stage_id
    item.stage_entered_at = item.updated_at = now()
    if is_back:
        item.review_round += 1  # the earlier stage decides anew


def _approve(uow: UnitOfWork, item: Item) -> None:
    _leave(item, ItemStatus.APPROVED)
    if item.effective_on is None or item.effective_on <= today():
        item.superseded_version_id = item.approved_version_id
    item.approved_version_id, item.effective_on = item.current_version_id, None
    audit.record(uow, "item.approve", "item", item.item_id, after={"digest": item.content_digest})


def set_effective_on(uow: UnitOfWork, item_id: uuid.UUID, effective_on: date | None) -> Item:
    """Say from which day the approved version is in use; until then forms take the version that it replaces, if any."""
    require(uow.actor, Permission.ITEM_RETIRE)
    item = items_repository.lock_item(uow.session, item_id, actor=uow.actor)
    if item.status is not ItemStatus.APPROVED or item.has_revision:
        raise ConflictError(N_("只有已入库、没有正在修订的试题可以设定启用日期"))
    if effective_on is not None and effective_on < today():
        message = N_("启用日期不能早于今天；立即启用请留空")
        raise InvalidInputError(message, fields={"effective_on": [message]})
    before = {"effective_on": item.effective_on.isoformat() if item.effective_on else ""}
    item.effective_on, item.updated_at = effective_on, now()
    after = {"effective_on": effective_on.isoformat() if effective_on else ""}
    audit.record(uow, "item.set_effective", "item", item_id, before=before, after=after)
    return item


def _reject(uow: UnitOfWork, item: Item, comment: str) -> None:
    """A rejected revision leaves the approved version in use; a rejected new item is retired."""
    if item.approved_version_id is None:
        retire_locked(uow, item, N_("审核未采用：%(comment)s") % {"comment": comment})
        return
    approved = items_repository.get_versions(uow.session, [item.approved_version_id])[item.approved_version_id]
    _leave(item, ItemStatus.APPROVED)
    point_item_at(item, approved, content_of(approved))


def approve_by_system(uow: UnitOfWork, item_ids: Sequence[uuid.UUID], *, reason: str) -> None:
    """Approve items without people, for simulated sessions: only the system itself may, and the audit says so."""
    if uow.actor.user_id is not None:
        raise ForbiddenError(N_("试题须经审核入库，不能直接批准"))
    for item in items_repository.lock_items(uow.session, item_ids, actor=uow.actor):
        item.status, item.approved_version_id = ItemStatus.APPROVED, item.current_version_id
        item.workflow_stage_id, item.updated_at = None, now()
        after = {"digest": item.content_digest, "by": "system"}
        audit.record(uow, "item.approve", "item", item.item_id, after=after, reason=reason)
