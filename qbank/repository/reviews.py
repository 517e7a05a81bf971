"""Finding review stages, decisions, and what waits for a reviewer."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.models import User
from qbank.models.items import Item, ItemVersion, ReviewDecision, WorkflowStage
from qbank.models.workflow import ReviewAssignment, WorkflowDefinition, WorkflowTransition
from qbank.repository.items import chunks
from qbank.rules.items import ItemStatus
from qbank.rules.review import Decision, PastDecision
from qbank.rules.workflow import options_from_json

Escalated = Mapping[uuid.UUID, datetime]
"""Stages that fall to a person after their deadline, each with the moment before which an item must have come."""


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision with the reviewer's name and the number of the version it was about."""

    decision: ReviewDecision
    reviewer_name: str
    version_number: int


@dataclass(frozen=True, slots=True)
class QueueRow:
    """An item that waits for a reviewer, with the stage it stands in."""

    item: Item
    stage: WorkflowStage
    version_number: int


def list_stages(session: Session, organisation_id: uuid.UUID) -> Sequence[WorkflowStage]:
    """Return the stages of the version of an organisation's review that is in force, in their order."""
    query = (
        select(WorkflowStage)
        .join(WorkflowDefinition, WorkflowDefinition.workflow_definition_id == WorkflowStage.workflow_definition_id)
        .where(WorkflowStage.organisation_id == organisation_id, WorkflowDefinition.is_current.is_(True))
    )
    return session.scalars(query.order_by(WorkflowStage.position)).all()


def stages_of_definition(session: Session, definition_id: uuid.UUID | None) -> Sequence[WorkflowStage]:
    """Return the stages of one version of a workflow in their order."""
    query = select(WorkflowStage).where(WorkflowStage.workflow_definition_id == definition_id)
    return session.scalars(query.order_by(WorkflowStage.position)).all()


def stages_by_id(session: Session, stage_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, WorkflowStage]:
    """Return stages of any version by id; the caller has checked the walls."""
    query = select(WorkflowStage).where(WorkflowStage.workflow_stage_id.in_(stage_ids))
    return {stage.workflow_stage_id: stage for stage in session.scalars(query)}


def transitions_of(
    session: Session, stage_ids: Collection[uuid.UUID]
) -> dict[tuple[uuid.UUID, Decision], WorkflowTransition]:
    """Return where the decisions of some stages lead."""
    query = select(WorkflowTransition).where(WorkflowTransition.workflow_stage_id.in_(stage_ids))
    return {(row.workflow_stage_id, row.decision): row for row in session.scalars(query)}


def current_definition(session: Session, organisation_id: uuid.UUID) -> WorkflowDefinition | None:
    """Return the version of an organisation's review that is in force, if it has one."""
    query = select(WorkflowDefinition).where(
        WorkflowDefinition.organisation_id == organisation_id, WorkflowDefinition.is_current.is_(True)
    )
    return session.scalar(query)


def list_definitions(session: Session, organisation_id: uuid.UUID) -> Sequence[WorkflowDefinition]:
    """Return all versions of an organisation's review, newest first."""
    query = select(WorkflowDefinition).where(WorkflowDefinition.organisation_id == organisation_id)
    return session.scalars(query.order_by(WorkflowDefinition.number.desc()).limit(200)).all()


def escalating_stages(session: Session, organisation_id: uuid.UUID) -> list[WorkflowStage]:
    """Return the stages, of all versions, that have a deadline."""
    query = select(WorkflowStage).where(
        WorkflowStage.organisation_id == organisation_id, WorkflowStage.options.is_not(None)
    )
    return [stage for stage in session.scalars(query) if options_from_json(stage.options).days]


def stages_at_work(session: Session, organisation_id: uuid.UUID) -> Sequence[WorkflowStage]:
    """Return the stages of the version in force and of every version under which items still stand in review."""
    waiting = count_waiting_by_stage(session, organisation_id)
    return [*list_stages(session, organisation_id), *stages_by_id(session, waiting).values()]


def assignments_of(session: Session, items: Sequence[Item]) -> defaultdict[uuid.UUID, set[uuid.UUID]]:
    """Return who is asked to decide on items where they stand; nobody when everybody of the role may."""
    found: defaultdict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    for chunk in chunks([item.item_id for item in items]):
        query = (
            select(ReviewAssignment.item_id, ReviewAssignment.reviewer_id)
            .join(Item, Item.item_id == ReviewAssignment.item_id)
            .where(
                ReviewAssignment.item_id.in_(chunk),
                ReviewAssignment.workflow_stage_id == Item.workflow_stage_id,
                ReviewAssignment.review_round == Item.review_round,
            )
        )
        for item_id, reviewer_id in session.execute(query):
            found[item_id].add(reviewer_id)
    return found


def get_stage(session: Session, stage_id: uuid.UUID, *, actor: Actor) -> WorkflowStage:
    """Return a stage of any version; raises NotFoundError."""
    found = session.get(WorkflowStage, stage_id)
    if found is None or found.organisation_id != actor.organisation:
        raise NotFoundError(N_("审核环节不存在，可能已被删除"))
    return found


def count_waiting_by_stage(session: Session, organisation_id: uuid.UUID) -> dict[uuid.UUID, int]:
    """Return how many items stand in each stage; empty stages are left out."""
    query = (
        select(Item.workflow_stage_id, func.count())
        .where(
            Item.organisation_id == organisation_id,
            Item.status == ItemStatus.IN_REVIEW,
            Item.removed_at.is_(None),
            Item.workflow_stage_id.is_not(None),
        )
        .group_by(Item.workflow_stage_id)
    )
    return {row[0]: row[1] for row in session.execute(query) if row[0] is not None}


def list_decisions(session: Session, item: Item) -> list[DecisionRow]:
    """Return all decisions on an item, newest first."""
    query = (
        select(ReviewDecision, User.name, ItemVersion.number)
        .join(ItemVersion, ItemVersion.item_version_id == ReviewDecision.item_version_id)
        .outerjoin(User, User.user_id == ReviewDecision.reviewer_id)
        .where(ReviewDecision.item_id == item.item_id)
        .order_by(ReviewDecision.created_at.desc(), ReviewDecision.review_decision_id.desc())
        .limit(500)
    )
    return [DecisionRow(row[0], row[1] or "", row[2]) for row in session.execute(query)]


def past_decisions(session: Session, version_ids: Sequence[uuid.UUID]) -> defaultdict[uuid.UUID, list[PastDecision]]:
    """Return what was decided on some versions, as the rules of review take it."""
    found: defaultdict[uuid.UUID, list[PastDecision]] = defaultdict(list)
    for chunk in chunks(version_ids):
        for row in session.scalars(select(ReviewDecision).where(ReviewDecision.item_version_id.in_(chunk))):
            past = PastDecision(row.workflow_stage_id, row.review_round, row.reviewer_id, row.decision)
            found[row.item_version_id].append(past)
    return found


def queue(
    session: Session,
    *,
    actor: Actor,
    one_stage: bool,
    barred: Collection[uuid.UUID] = (),
    escalated: Escalated = MappingProxyType({}),
    standard_level_id: uuid.UUID | None = None,
    limit: int = 50,
) -> list[QueueRow]:
    """Return what a reviewer may decide on now, the oldest first."""
    query = (
        _queue(
            select(Item, WorkflowStage, ItemVersion.number),
            actor,
            one_stage=one_stage,
            barred=barred,
            escalated=escalated,
        )
        .order_by(Item.submitted_at, Item.code)
        .limit(limit)
    )
    if standard_level_id:
        query = query.where(Item.standard_level_id == standard_level_id)
    return [QueueRow(row[0], row[1], row[2]) for row in session.execute(query)]


def count_queue(
    session: Session,
    *,
    actor: Actor,
    one_stage: bool,
    barred: Collection[uuid.UUID] = (),
    escalated: Escalated = MappingProxyType({}),
) -> int:
    """Return how many items a reviewer may decide on now."""
    query = _queue(select(func.count(Item.item_id)), actor, one_stage=one_stage, barred=barred, escalated=escalated)
    return session.scalar(query) or 0


def _queue(query: Any, actor: Actor, *, one_stage: bool, barred: Collection[uuid.UUID], escalated: Escalated) -> Any:
    return (
        query.select_from(Item)
        .join(WorkflowStage, WorkflowStage.workflow_stage_id == Item.workflow_stage_id)
        .join(ItemVersion, ItemVersion.item_version_id == Item.current_version_id)
        .where(
            Item.organisation_id == actor.organisation,
            Item.status == ItemStatus.IN_REVIEW,
            Item.removed_at.is_(None),
            or_(and_(WorkflowStage.role.in_(actor.roles), _is_asked(actor)), *_escalated(escalated)),
            or_(Item.author_id.is_(None), Item.author_id.not_in([actor.user_id, *barred])),
            or_(ItemVersion.created_by.is_(None), ItemVersion.created_by.not_in([actor.user_id, *barred])),
            ~_decided(actor, one_stage=one_stage),
        )
    )


def _is_asked(actor: Actor) -> ColumnElement[bool]:
    """Say in SQL that nobody in particular is asked to decide here, or that this reviewer is."""
    asked, own = aliased(ReviewAssignment), aliased(ReviewAssignment)
    nobody = ~select(asked.item_id).where(*_here(asked)).exists()
    return or_(nobody, select(own.item_id).where(*_here(own), own.reviewer_id == actor.user_id).exists())


def _here(row: Any) -> list[ColumnElement[bool]]:
    return [
        row.item_id == Item.item_id,
        row.workflow_stage_id == Item.workflow_stage_id,
        row.review_round == Item.review_round,
    ]


def _escalated(escalated: Escalated) -> list[ColumnElement[bool]]:
    """Return, for each stage that falls to this person after its deadline, that an item came before the given moment."""
    return [
        and_(Item.workflow_stage_id == stage_id, Item.stage_entered_at < before)
        for stage_id, before in escalated.items()
    ]


def _decided(actor: Actor, *, one_stage: bool) -> ColumnElement[bool]:
    """Say in SQL that this reviewer has decided already: in this stage and round, or in another stage."""
    own = aliased(ReviewDecision)
    here = and_(own.workflow_stage_id == Item.workflow_stage_id, own.review_round == Item.review_round)
    elsewhere = own.workflow_stage_id != Item.workflow_stage_id
    return (
        select(own.review_decision_id)
        .where(
            own.item_version_id == Item.current_version_id,
            own.reviewer_id == actor.user_id,
            or_(here, elsewhere) if one_stage else here,
        )
        .exists()
    )


def people_of_versions(
    session: Session, organisation_id: uuid.UUID, version_ids: Sequence[uuid.UUID]
) -> tuple[set[uuid.UUID], set[uuid.UUID]]:
    """Return the authors and the reviewers of some versions."""
    authors: set[uuid.UUID] = set()
    reviewers: set[uuid.UUID] = set()
    for chunk in chunks(list(dict.fromkeys(version_ids))):
        wrote = (
            select(Item.author_id, ItemVersion.created_by)
            .join(ItemVersion, ItemVersion.item_id == Item.item_id)
            .where(ItemVersion.item_version_id.in_(chunk), ItemVersion.organisation_id == organisation_id)
        )
        authors.update(key for row in session.execute(wrote) for key in row if key is not None)
        decided = select(ReviewDecision.reviewer_id).where(
            ReviewDecision.item_version_id.in_(chunk), ReviewDecision.organisation_id == organisation_id
        )
        reviewers.update(session.scalars(decided.distinct()))
    return authors, reviewers
