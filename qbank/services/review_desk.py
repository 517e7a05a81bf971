"""Who may decide on what: roles, deadlines, people who are asked, relations, and what blind review hides."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from kernel import conflicts, profiles
from kernel.clock import now
from kernel.conflicts import CycleRole, Party
from kernel.errors import ForbiddenError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from qbank.models.items import Item, ItemVersion, WorkflowStage
from qbank.repository import items as items_repository
from qbank.repository import reviews as repository
from qbank.repository.reviews import DecisionRow, QueueRow
from qbank.rules.items import ItemStatus
from qbank.rules.review import ONE_STAGE_KEY, REFUSAL_MESSAGES, Refusal, refusal
from qbank.rules.workflow import options_from_json


@dataclass(frozen=True, slots=True)
class DeskView:
    """What narrows a reviewer's queue: the organisation's rule, related authors, stages that have come to them."""

    one_stage: bool
    barred: frozenset[uuid.UUID]
    escalated: dict[uuid.UUID, datetime]


def view_of(session: Session, actor: Actor) -> DeskView:
    """Return how a reviewer sees the desk."""
    barred = frozenset(barred_authors(session, actor))
    return DeskView(is_one_stage(session, actor), barred, escalated_to(session, actor))


def queue(
    session: Session, actor: Actor, *, standard_level_id: uuid.UUID | None = None, limit: int = 50
) -> list[QueueRow]:
    """Return what a reviewer may decide on now, the oldest first."""
    seen = view_of(session, actor)
    return repository.queue(
        session, actor=actor, one_stage=seen.one_stage, barred=seen.barred, escalated=seen.escalated,
        standard_level_id=standard_level_id, limit=limit,
    )  # fmt: skip


def count_queue(session: Session, actor: Actor) -> int:
    """Return how many items a reviewer may decide on now."""
    seen = view_of(session, actor)
    return repository.count_queue(
        session, actor=actor, one_stage=seen.one_stage, barred=seen.barred, escalated=seen.escalated
    )


def is_one_stage(session: Session, actor: Actor) -> bool:
    """Say whether the organisation forbids one person two stages of a version."""
    return bool(profiles.value(session, actor.organisation, ONE_STAGE_KEY))


def deadline_of(item: Item, stage: WorkflowStage) -> datetime | None:
    """Return until when an item should be decided where it stands, None without a limit."""
    days = options_from_json(stage.options).days
    return item.stage_entered_at + timedelta(days=days) if days and item.stage_entered_at else None


def escalated_to(session: Session, actor: Actor) -> dict[uuid.UUID, datetime]:
    """Return the stages that fall to an actor after their deadline, with the moment before which an item must have come."""
    found = {}
    for stage in repository.escalating_stages(session, actor.organisation):
        options = options_from_json(stage.options)
        if options.escalate_to in actor.roles and options.days:
            found[stage.workflow_stage_id] = now() - timedelta(days=options.days)
    return found


def check_reviewer(actor: Actor, item: Item, stage: WorkflowStage, *, asked: Collection[uuid.UUID]) -> uuid.UUID:
    """Return who decides; refuse those without the role, those not asked, before the stage has come to them."""
    due, options = deadline_of(item, stage), options_from_json(stage.options)
    is_escalated = due is not None and due < now() and options.escalate_to in actor.roles
    if actor.user_id is None or not (stage.role in actor.roles or is_escalated):
        raise ForbiddenError(N_("“%(stage)s”须由具备相应角色的人员进行"), stage=stage.name)
    if asked and actor.user_id not in asked and not is_escalated:
        raise ForbiddenError(N_("这道题已指定其他审题专家审核"), error_code="not_assigned")
    return actor.user_id


def check_conflicts(session: Session, actor: Actor, item: Item, version: ItemVersion) -> None:
    """Refuse a reviewer who is related to an author in a way that the organisation's rules forbid."""
    reviewer = Party(CycleRole.REVIEWER, actor.user_id, actor.name)
    authors = [Party(CycleRole.AUTHOR, key) for key in {item.author_id, version.created_by} - {None}]
    conflicts.require_none(session, item.organisation_id, [reviewer], authors)


def barred_authors(session: Session, actor: Actor) -> set[uuid.UUID]:
    """Return the authors whose items a reviewer must not review because of a declared relation."""
    reviewer = Party(CycleRole.REVIEWER, actor.user_id, actor.name)
    return conflicts.related_users(session, actor.organisation, reviewer, CycleRole.AUTHOR)


def check_refusal(found: Refusal | None) -> None:
    """Raise the refusal that says why somebody may not review."""
    if found:
        raise ForbiddenError(REFUSAL_MESSAGES[found], error_code=found.value)


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
        stage = repository.stages_by_id(session, [stage_id])[stage_id]
        check_reviewer(actor, item, stage, asked=repository.assignments_of(session, [item])[item.item_id])
    except ForbiddenError as exc:
        return exc
    return None


def _blind_stage(session: Session, actor: Actor, item: Item) -> WorkflowStage | None:
    """Return the stage in which an item stands when this actor decides there and did not write the item."""
    if item.status is not ItemStatus.IN_REVIEW or item.workflow_stage_id is None or item.author_id == actor.user_id:
        return None
    stage = repository.stages_by_id(session, [item.workflow_stage_id])[item.workflow_stage_id]
    return stage if stage.role in actor.roles else None


def hides_author(session: Session, actor: Actor, item: Item) -> bool:
    """Say whether blind review keeps the author's name from this actor now."""
    stage = _blind_stage(session, actor, item)
    return stage is not None and options_from_json(stage.options).hides_author


def hides_all_authors(session: Session, actor: Actor) -> bool:
    """Say whether lists keep the authors of items from this actor: one who decides in a stage that reviews blindly."""
    if not actor.may(Permission.ITEM_REVIEW) or actor.may(Permission.ITEM_COMMISSION):
        return False
    stages = repository.stages_at_work(session, actor.organisation)
    return any(options_from_json(one.options).hides_author and one.role in actor.roles for one in stages)


def visible_decisions(session: Session, actor: Actor, item: Item) -> list[DecisionRow]:
    """Return the decisions on an item, newest first; those of others in this round are hidden until one's own vote."""
    rows = repository.list_decisions(session, item)
    stage = _blind_stage(session, actor, item)
    if stage is None or not options_from_json(stage.options).hides_votes:
        return rows
    here = [row.decision for row in rows if row.decision.review_round == item.review_round]
    if any((one.workflow_stage_id, one.reviewer_id) == (stage.workflow_stage_id, actor.user_id) for one in here):
        return rows
    return [row for row in rows if row.decision not in here or row.decision.reviewer_id == actor.user_id]
