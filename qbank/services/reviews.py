"""Review: submitting, deciding, and the organisation's own stages."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from kernel import audit, conflicts, profiles
from kernel.clock import now
from kernel.conflicts import CycleRole, Party
from kernel.db import new_id
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission, Role
from kernel.uow import UnitOfWork
from qbank.models.items import Item, ItemVersion, ReviewDecision, WorkflowStage
from qbank.repository import items as items_repository
from qbank.repository import reviews as repository
from qbank.rules.items import ItemStatus, blocking, check_transition, findings_of
from qbank.rules.review import (
    DEFAULT_STAGES,
    MAX_STAGES,
    ONE_STAGE_KEY,
    REFUSAL_MESSAGES,
    Decision,
    PastDecision,
    Refusal,
    is_passed,
    refusal,
)
from qbank.services.items import content_of, point_item_at, retire_locked

MAX_NAME = 40


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


def ensure_default_workflow(uow: UnitOfWork) -> Sequence[WorkflowStage]:
    """Return the organisation's stages; an organisation without any gets 初审, 复审, 终审."""
    stages = repository.list_stages(uow.session, uow.actor.organisation)
    if stages:
        return stages
    fresh = [_stage(uow.actor, name, position) for position, name in enumerate(DEFAULT_STAGES, start=1)]
    for stage in fresh:
        uow.add(stage)
    uow.flush()  # items refer to the first stage
    audit.record(uow, "workflow.create", "organisation", uow.actor.organisation, after={"stages": len(fresh)})
    return fresh


def _stage(actor: Actor, name: str, position: int, quorum: int = 1) -> WorkflowStage:
    return WorkflowStage(
        workflow_stage_id=new_id(), organisation_id=actor.organisation, position=position, name=name,
        role=Role.REVIEWER, quorum=quorum, is_active=True,
    )  # fmt: skip


def submit_items(uow: UnitOfWork, item_ids: Sequence[uuid.UUID]) -> SubmitResult:
    """Send drafts into review; those with faults stay where they are and are named in the result."""
    require(uow.actor, Permission.ITEM_WRITE)
    first = ensure_default_workflow(uow)[0]
    items = items_repository.lock_items(uow.session, item_ids, actor=uow.actor)
    version_ids = [item.current_version_id for item in items]
    versions = items_repository.get_versions(uow.session, version_ids)
    points = items_repository.points_of_versions(uow.session, version_ids)
    result = SubmitResult()
    for item in items:
        message = _why_not(item, versions[item.current_version_id], len(points[item.current_version_id]))
        if message:
            result.refused.append(RefusedItem(item.code, message))
        else:
            _enter(uow, item, first)
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


def _enter(uow: UnitOfWork, item: Item, stage: WorkflowStage) -> None:
    check_transition(item.status, ItemStatus.IN_REVIEW)
    item.status, item.workflow_stage_id = ItemStatus.IN_REVIEW, stage.workflow_stage_id
    item.review_round += 1
    item.submitted_at = item.updated_at = now()
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
    """What all decisions of one act share: stages, rule, earlier decisions."""

    stages: Sequence[WorkflowStage]
    one_stage: bool
    past: Mapping[uuid.UUID, list[PastDecision]]
    versions: Mapping[uuid.UUID, ItemVersion]

    def stage_of(self, item: Item) -> WorkflowStage:
        return next(stage for stage in self.stages if stage.workflow_stage_id == item.workflow_stage_id)

    def after(self, stage: WorkflowStage) -> WorkflowStage | None:
        return next((one for one in self.stages if one.position > stage.position), None)


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
    organisation_id = uow.actor.organisation
    version_ids = [item.current_version_id for item in items]
    return _Bench(
        stages=repository.list_stages(uow.session, organisation_id),
        one_stage=is_one_stage(uow.session, uow.actor),
        past=repository.past_decisions(uow.session, version_ids),
        versions=items_repository.get_versions(uow.session, version_ids),
    )


def _decide_one(uow: UnitOfWork, bench: _Bench, item: Item, decision: Decision, comment: str) -> None:
    if item.status is not ItemStatus.IN_REVIEW:
        raise ConflictError(N_("试题 %(item)s 已不在审核中，可能刚由他人处理"), item=item.code)
    stage = bench.stage_of(item)
    version = bench.versions[item.current_version_id]
    past = bench.past[item.current_version_id]
    reviewer_id = _check_reviewer(uow.actor, stage)
    check_refusal(_refusal(bench, item, version, stage, reviewer_id=reviewer_id))
    check_conflicts(uow.session, uow.actor, item, version)
    row = ReviewDecision(
        organisation_id=item.organisation_id, item_id=item.item_id, item_version_id=version.item_version_id,
        review_round=item.review_round, workflow_stage_id=stage.workflow_stage_id, stage_name=stage.name,
        reviewer_id=reviewer_id, decision=decision, comment=comment[:2000], created_at=now(),
    )  # fmt: skip
    uow.add(row)
    past.append(PastDecision(stage.workflow_stage_id, item.review_round, reviewer_id, decision))
    after = {"stage": stage.name, "decision": decision.value, "version": version.number, "round": item.review_round}
    audit.record(uow, "item.review", "item", item.item_id, after=after)
    _move(uow, bench, item, stage, decision=decision, comment=comment)


def _check_reviewer(actor: Actor, stage: WorkflowStage) -> uuid.UUID:
    if actor.user_id is None or stage.role not in actor.roles:
        raise ForbiddenError(N_("“%(stage)s”须由具备相应角色的人员进行"), stage=stage.name)
    return actor.user_id


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


def check_refusal(found: Refusal | None) -> None:
    """Raise the refusal that says why somebody may not review."""
    if found:
        raise ForbiddenError(REFUSAL_MESSAGES[found], error_code=found.value)


def check_conflicts(session: Session, actor: Actor, item: Item, version: ItemVersion) -> None:
    """Refuse a reviewer who is related to an author in a way that the organisation's rules forbid."""
    reviewer = Party(CycleRole.REVIEWER, actor.user_id, actor.name)
    authors = [Party(CycleRole.AUTHOR, key) for key in {item.author_id, version.created_by} - {None}]
    conflicts.require_none(session, item.organisation_id, [reviewer], authors)


def barred_authors(session: Session, actor: Actor) -> set[uuid.UUID]:
    """Return the authors whose items a reviewer must not review because of a declared relation."""
    reviewer = Party(CycleRole.REVIEWER, actor.user_id, actor.name)
    return conflicts.related_users(session, actor.organisation, reviewer, CycleRole.AUTHOR)


def _move(
    uow: UnitOfWork, bench: _Bench, item: Item, stage: WorkflowStage, *, decision: Decision, comment: str
) -> None:
    if decision is Decision.RETURN:
        _leave(item, ItemStatus.DRAFT)
        item.returned_at = now()
    elif decision is Decision.REJECT:
        _reject(uow, item, comment)
    elif is_passed(
        bench.past[item.current_version_id],
        stage_id=stage.workflow_stage_id,
        review_round=item.review_round,
        quorum=stage.quorum,
    ):
        _advance(uow, item, bench.after(stage))


def _advance(uow: UnitOfWork, item: Item, following: WorkflowStage | None) -> None:
    if following is not None:
        item.workflow_stage_id, item.updated_at = following.workflow_stage_id, now()
        return
    _leave(item, ItemStatus.APPROVED)
    item.approved_version_id = item.current_version_id
    audit.record(uow, "item.approve", "item", item.item_id, after={"digest": item.content_digest})


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


def refusal_for(session: Session, actor: Actor, item: Item) -> ForbiddenError | None:
    """Return why an actor may not decide on an item that is in review, or None when they may."""
    stage_id = item.workflow_stage_id
    if stage_id is None or actor.user_id is None:
        return None
    version = items_repository.get_versions(session, [item.current_version_id])[item.current_version_id]
    past = repository.past_decisions(session, [item.current_version_id])[item.current_version_id]
    found = refusal(
        actor.user_id, (item.author_id, version.created_by), past, stage_id=stage_id,
        review_round=item.review_round, one_stage=is_one_stage(session, actor),
    )  # fmt: skip
    try:
        check_refusal(found)
        check_conflicts(session, actor, item, version)
    except ForbiddenError as exc:
        return exc
    return None


def is_one_stage(session: Session, actor: Actor) -> bool:
    """Say whether the organisation forbids one person two stages of a version."""
    return bool(profiles.value(session, actor.organisation, ONE_STAGE_KEY))


def add_stage(uow: UnitOfWork, *, name: str, quorum: int) -> WorkflowStage:
    """Add a stage after the last one."""
    require(uow.actor, Permission.WORKFLOW_MANAGE)
    stages = ensure_default_workflow(uow)
    if len(stages) >= MAX_STAGES:
        raise ConflictError(N_("审核环节最多 %(n)s 个"), n=MAX_STAGES)
    stage = _stage(uow.actor, _checked_name(stages, name), stages[-1].position + 1, _checked_quorum(quorum))
    uow.add(stage)
    after = {"name": stage.name, "quorum": stage.quorum}
    audit.record(uow, "workflow.add", "workflow_stage", stage.workflow_stage_id, after=after)
    return stage


def update_stage(uow: UnitOfWork, stage_id: uuid.UUID, *, version: int, name: str, quorum: int) -> WorkflowStage:
    """Rename a stage or change how many must approve; items that wait there follow the new number."""
    require(uow.actor, Permission.WORKFLOW_MANAGE)
    stage = repository.get_stage(uow.session, stage_id, actor=uow.actor)
    if stage.version != version:
        raise ConflictError(N_("审核流程刚被他人修改，请刷新后重试"))
    others = [one for one in repository.list_stages(uow.session, uow.actor.organisation) if one is not stage]
    before = {"name": stage.name, "quorum": stage.quorum}
    stage.name, stage.quorum = _checked_name(others, name), _checked_quorum(quorum)
    after = {"name": stage.name, "quorum": stage.quorum}
    audit.record(uow, "workflow.update", "workflow_stage", stage_id, before=before, after=after)
    return stage


def remove_stage(uow: UnitOfWork, stage_id: uuid.UUID) -> None:
    """Take a stage out of the workflow; refused while items wait in it, and for the last one."""
    require(uow.actor, Permission.WORKFLOW_MANAGE)
    stage = repository.get_stage(uow.session, stage_id, actor=uow.actor)
    if len(repository.list_stages(uow.session, uow.actor.organisation)) == 1:
        raise ConflictError(N_("至少保留一个审核环节"))
    n_waiting = repository.count_waiting_by_stage(uow.session, uow.actor.organisation).get(stage_id, 0)
    if n_waiting:
        raise ConflictError(N_("有 %(n)s 题正在“%(name)s”，审完后才能删除这一环节"), n=n_waiting, name=stage.name)
    stage.is_active = False
    audit.record(uow, "workflow.remove", "workflow_stage", stage_id, before={"name": stage.name})


def move_stage(uow: UnitOfWork, stage_id: uuid.UUID, *, up: bool) -> None:
    """Exchange a stage with its neighbour."""
    require(uow.actor, Permission.WORKFLOW_MANAGE)
    stages = list(repository.list_stages(uow.session, uow.actor.organisation))
    stage = repository.get_stage(uow.session, stage_id, actor=uow.actor)
    place = stages.index(stage)
    other = place - 1 if up else place + 1
    if not 0 <= other < len(stages):
        return
    stage.position, stages[other].position = stages[other].position, stage.position
    audit.record(uow, "workflow.move", "workflow_stage", stage_id, after={"position": stage.position})


def _checked_name(others: Sequence[WorkflowStage], name: str) -> str:
    clean = name.strip()
    if not clean or len(clean) > MAX_NAME:
        message = N_("请填写环节名称，最多 40 个字")
        raise InvalidInputError(message, fields={"name": [message]})
    if any(one.name == clean for one in others):
        message = N_("已有同名的审核环节")
        raise InvalidInputError(message, fields={"name": [message]})
    return clean


def _checked_quorum(quorum: int) -> int:
    if not 1 <= quorum <= 9:
        message = N_("通过人数应为 1 到 9")
        raise InvalidInputError(message, fields={"quorum": [message]})
    return quorum
