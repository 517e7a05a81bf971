"""How other components ask the bank for items that are missing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from kernel.uow import UnitOfWork
from qbank.rules.writing import WantedLine as WantedLine
from qbank.services import writing as services


def commission(
    uow: UnitOfWork,
    standard_level_id: uuid.UUID,
    lines: Sequence[WantedLine],
    *,
    title: str,
    source: str = "",
    instructions: str = "",
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

    Raises
    ------
    InvalidInputError
        If there is no line, or one asks for an unknown type or an impossible number.
    """
    plan = services.TaskPlan(title, instructions, source=source)
    return services.commission(uow, standard_level_id, lines, plan).writing_task_id
