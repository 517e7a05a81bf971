"""Reminders: writing tasks near or past their day, items past the deadline of their stage; each said once."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session

from kernel import profiles
from kernel.clock import now, today
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Role
from kernel.uow import UnitOfWork
from qbank.models.items import WorkflowStage
from qbank.models.workflow import Reminder
from qbank.models.writing import WritingTask
from qbank.repository import reminders as repository
from qbank.repository import reviews
from qbank.repository.writing import TaskFilter, list_tasks
from qbank.rules.workflow import options_from_json
from qbank.rules.writing import REMIND_DAYS_KEY, TaskStatus


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to be said to one person."""

    user_id: uuid.UUID
    subject: str
    message: str
    context: dict[str, Any]
    href: str


def remind(uow: UnitOfWork) -> int:
    """Say to everybody of the actor's organisation what is due and was not said yet; return how many were said."""
    messages = [*_tasks(uow.session, uow.actor), *_stages(uow.session, uow.actor)]
    known = repository.known_subjects(uow.session, uow.actor.organisation, {one.user_id for one in messages})
    fresh = {(one.user_id, one.subject): one for one in messages if (one.user_id, one.subject) not in known}
    for one in fresh.values():
        uow.add(
            Reminder(
                organisation_id=uow.actor.organisation, user_id=one.user_id, subject=one.subject,
                message=one.message, context=one.context, href=one.href, created_at=now(),
            )
        )  # fmt: skip
    return len(fresh)


def _tasks(session: Session, actor: Actor) -> Iterator[Message]:
    day = today()
    soon = day + timedelta(days=profiles.value(session, actor.organisation, REMIND_DAYS_KEY) + 1)
    wanted = TaskFilter(status=TaskStatus.OPEN, due_before=soon)
    tasks, _total = list_tasks(session, actor=actor, wanted=wanted, per_page=2000)
    for task in tasks:
        yield from _about(task, day)


def _about(task: WritingTask, day: date) -> Iterator[Message]:
    if task.expert_id is None or task.due_on is None:
        return
    late = task.due_on < day
    words = N_("命题任务“%(title)s”已逾期，截止日期 %(day)s") if late else N_("命题任务“%(title)s”将于 %(day)s 截止")
    context = {"title": task.title, "day": task.due_on.isoformat()}
    href, subject = f"/writing/tasks/{task.writing_task_id}", f"writing_task:{task.writing_task_id}:{task.due_on}"
    kind = "late" if late else "soon"
    yield Message(task.expert_id, f"{subject}:{kind}", words, context, href)
    if late and task.created_by is not None and task.created_by != task.expert_id:
        yield Message(task.created_by, f"{subject}:{kind}", words, context, href)


def _stages(session: Session, actor: Actor) -> Iterator[Message]:
    for stage in reviews.escalating_stages(session, actor.organisation):
        yield from _late_items(session, stage)


def _late_items(session: Session, stage: WorkflowStage) -> Iterator[Message]:
    options = options_from_json(stage.options)
    if not options.days:
        return
    late = repository.items_in_stage_before(session, stage, now() - timedelta(days=options.days))
    roles = [stage.role] + ([options.escalate_to] if options.escalate_to else [])
    people = repository.people_with_roles(session, stage.organisation_id, roles) if late else {}
    words = {
        False: N_("试题 %(code)s 在“%(stage)s”已超过期限，请尽快审核"),
        True: N_("试题 %(code)s 在“%(stage)s”已超过期限，已升级由您处理"),
    }
    for item in late:
        for user_id, role in _pairs(people, roles):
            is_escalated = role == options.escalate_to
            context = {"code": item.code, "stage": stage.name}
            subject = f"item:{item.item_id}:{stage.workflow_stage_id}:{item.review_round}"
            yield Message(user_id, subject, words[is_escalated], context, f"/reviews/{item.item_id}")


def _pairs(people: dict[uuid.UUID, set[Role]], roles: Sequence[Role]) -> Iterable[tuple[uuid.UUID, Role]]:
    return [(user_id, next(role for role in roles if role in held)) for user_id, held in people.items()]


def mark_seen(uow: UnitOfWork, reminder_ids: Sequence[uuid.UUID]) -> int:
    """Put away reminders of one's own; all of them when none is named."""
    rows = repository.unseen(uow.session, actor=uow.actor)
    chosen = [row for row in rows if not reminder_ids or row.reminder_id in set(reminder_ids)]
    for row in chosen:
        row.seen_at = now()
    return len(chosen)
