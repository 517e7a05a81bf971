"""Finding reminders, and the people and items that they are about."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kernel.identity.actor import Actor
from kernel.identity.models import Organisation, User, UserRole
from kernel.identity.permissions import Role
from qbank.models.items import Item, WorkflowStage
from qbank.models.workflow import Reminder
from qbank.rules.items import ItemStatus

MAX_SHOWN = 500


def active_organisations(session: Session) -> Sequence[uuid.UUID]:
    """Return the organisations that are at work."""
    return session.scalars(select(Organisation.organisation_id).where(Organisation.is_active.is_(True))).all()


def known_subjects(
    session: Session, organisation_id: uuid.UUID, user_ids: Collection[uuid.UUID]
) -> set[tuple[uuid.UUID, str]]:
    """Return what has been said already to some people."""
    query = select(Reminder.user_id, Reminder.subject).where(
        Reminder.organisation_id == organisation_id, Reminder.user_id.in_(user_ids)
    )
    return {(row[0], row[1]) for row in session.execute(query)}


def unseen(session: Session, *, actor: Actor) -> Sequence[Reminder]:
    """Return a person's reminders that wait, newest first."""
    query = select(Reminder).where(Reminder.user_id == actor.user_id, Reminder.seen_at.is_(None))
    return session.scalars(query.order_by(Reminder.created_at.desc()).limit(MAX_SHOWN)).all()


def count_unseen(session: Session, *, actor: Actor) -> int:
    """Return how many reminders of a person wait."""
    query = select(func.count()).where(Reminder.user_id == actor.user_id, Reminder.seen_at.is_(None))
    return session.scalar(query) or 0


def items_in_stage_before(session: Session, stage: WorkflowStage, before: datetime) -> Sequence[Item]:
    """Return the items that came to a stage before a moment and still stand there."""
    query = select(Item).where(
        Item.organisation_id == stage.organisation_id,
        Item.status == ItemStatus.IN_REVIEW,
        Item.workflow_stage_id == stage.workflow_stage_id,
        Item.stage_entered_at < before,
        Item.removed_at.is_(None),
    )
    return session.scalars(query.order_by(Item.code).limit(MAX_SHOWN)).all()


def people_with_roles(
    session: Session, organisation_id: uuid.UUID, roles: Collection[Role]
) -> dict[uuid.UUID, set[Role]]:
    """Return the active people of an organisation who hold one of some roles, with those they hold."""
    query = (
        select(User.user_id, UserRole.role)
        .join(UserRole, UserRole.user_id == User.user_id)
        .where(User.organisation_id == organisation_id, User.is_active.is_(True), UserRole.role.in_(roles))
    )
    found: defaultdict[uuid.UUID, set[Role]] = defaultdict(set)
    for user_id, role in session.execute(query):
        found[user_id].add(role)
    return dict(found)
