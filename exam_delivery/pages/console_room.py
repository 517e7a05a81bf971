"""Acts of an invigilator with a whole room, or with all rooms: carried out, or the room shown again with what was typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from werkzeug.wrappers import Response

from exam_delivery.pages.console import room_address, show_room
from exam_delivery.pages.console_candidate import refusal
from exam_delivery.rules.room_acts import Act
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message
from kernel.uow import UnitOfWork, unit_of_work

Page = tuple[str, int]
Done = TypeVar("Done")


def carry_out_in_room(
    exam_session_id: UUID, act: Act, told: Callable[[Done], str], verb: Callable[[UnitOfWork], Done]
) -> Page | Response:
    """Do one act in its transaction and go back with what was done; a refusal shows the room with what was typed."""
    try:
        with unit_of_work(current_actor()) as uow:
            done = verb(uow)
    except (ConflictError, InvalidInputError) as exc:
        return show_room(exam_session_id, refusal(act, exc))
    return redirect_with_message(room_address(exam_session_id), told(done))
