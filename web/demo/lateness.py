"""Answers that reached the demonstration's server after the end: one candidate's wait for a look, another's for a second person."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exam_delivery.models import Attempt, AttemptStatus, ExamSession, Registration, ResponseEvent, ResponseState
from exam_delivery.rules.room import Reason
from exam_delivery.services import late_answers
from exam_delivery.services.room_acts import Why
from kernel.clock import iso
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from web.demo.people import Staff

N_PEOPLE, N_ANSWERS = 2, 3
WRITTEN, ARRIVED = dt.timedelta(minutes=-1), dt.timedelta(minutes=6)
"""When they were written and when they came, by the end of the candidate's own time."""
WHY = Why(Reason.NETWORK, "考场交换机在收卷前后断开约七分钟（演示）")


def bring_late_answers(staff: Staff, row: ExamSession) -> None:
    """Let the last answers of two candidates come after the end, and an invigilator propose to count those of the second."""
    people = _people(db.session(), row)
    with unit_of_work(staff.actor(Role.EXAM_OFFICER)) as uow:
        for event in [one for attempt, _registration in people for one in _late(uow.session, attempt)]:
            uow.add(event)
    _attempt, registration = people[-1]
    with unit_of_work(staff.actor(Role.INVIGILATOR)) as uow:
        seat = late_answers.view_seat(uow.session, row.exam_session_id, registration.registration_id, actor=uow.actor)
        numbers = [line.late.answer.number for line in seat.lines]
        late_answers.propose(
            uow, row.exam_session_id, registration.registration_id, numbers=numbers, does_count=True, why=WHY
        )


def _people(session: Session, row: ExamSession) -> Sequence[tuple[Attempt, Registration]]:
    query = (
        select(Attempt, Registration)
        .join(Registration, Registration.registration_id == Attempt.registration_id)
        .where(Attempt.exam_session_id == row.exam_session_id, Attempt.status == AttemptStatus.SUBMITTED)
        .order_by(Registration.admission_number.desc())
    )
    return [(attempt, registration) for attempt, registration in session.execute(query.limit(N_PEOPLE))]


def _late(session: Session, attempt: Attempt) -> list[ResponseEvent]:
    """Return the newest of the candidate's own single choices once more, given again after the page lost contact."""
    mine = ResponseState.attempt_id == attempt.attempt_id
    last = session.scalar(select(func.max(ResponseState.seq)).where(mine)) or 0
    states = session.scalars(select(ResponseState).where(mine).order_by(ResponseState.slot).limit(N_ANSWERS)).all()
    end = attempt.ends_at
    return [
        ResponseEvent(
            attempt_id=attempt.attempt_id, slot=state.slot, seq=last + place, response=_other(state.response), generation=1,
            client_time=iso(end + WRITTEN), received_at=end + ARRIVED, is_late=True,
        )
        for place, state in enumerate(states, start=1)
    ]  # fmt: skip


def _other(response: str) -> str:
    """Return another choice than the one that was given, in the same shape."""
    given = json.loads(response)
    return json.dumps(["B"] if given != ["B"] else ["C"])
