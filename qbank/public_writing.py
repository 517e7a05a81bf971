"""How other components ask the bank for items that are missing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.repository import writing as repository
from qbank.rules.writing import WantedLine as WantedLine
from qbank.services import writing as services


@dataclass(frozen=True, slots=True)
class Assignment:
    """To whom a task is given and until when; without an expert an editor will issue it."""

    expert_id: uuid.UUID | None = None
    due_on: date | None = None


def list_experts(session: Session, actor: Actor) -> list[tuple[uuid.UUID, str]]:
    """Return id and name of those whom the actor may ask to write items, by name; nobody without ITEM_COMMISSION.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Sees the own organisation only.
    """
    return list(repository.list_experts(session, actor=actor)) if actor.may(Permission.ITEM_COMMISSION) else []


def commission(
    uow: UnitOfWork,
    standard_level_id: uuid.UUID,
    lines: Sequence[WantedLine],
    *,
    title: str,
    source: str = "",
    instructions: str = "",
    assignment: Assignment | None = None,
) -> uuid.UUID:
    """Plan a writing task for items that are missing; an editor issues it to experts. Return its id.

    Parameters
    ----------
    uow : UnitOfWork
        The actor needs ITEM_COMMISSION or BLUEPRINT_WRITE.
    standard_level_id : UUID
        A level of the actor's organisation.
    lines : sequence of WantedLine
        Points by full code, types, numbers, difficulties; a point that the outline lacks is kept by its code.
    title, source, instructions : str
        What the task is called, what asked for it (such as ``assembly_run:<id>``), and what experts should know.
    assignment : Assignment, optional
        Expert and deadline; naming an expert issues the task at once and needs ITEM_COMMISSION.

    Raises
    ------
    InvalidInputError
        If there is no line, or one asks for an unknown type or an impossible number.
    """
    given = assignment or Assignment()
    plan = services.TaskPlan(title, instructions, given.expert_id, given.due_on, source)
    return services.commission(uow, standard_level_id, lines, plan).writing_task_id
