"""The demonstration's examination that is being marked: one item by two people with a leader, the others by anybody."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from collections.abc import Sequence
from decimal import Decimal

from exam_delivery.models import ExamSession
from exam_delivery.repository import marking as repository
from exam_delivery.repository import scores as scores_repository
from exam_delivery.rules.marking import FlagKind, MarkingMethod, MarkRule, StandardKind
from exam_delivery.rules.scoring import response_text
from exam_delivery.services import marking, marking_desks, marking_plans, marking_standards, running
from exam_delivery.services.marking import Typed
from exam_delivery.services.marking_plans import PlanChoice
from kernel.clock import now, shifted
from kernel.db import db
from kernel.identity.actor import Actor
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from web.demo.exams import ExamOutline, prepare_exam
from web.demo.lateness import bring_late_answers
from web.demo.people import Staff, read_people
from web.demo.results import contents_of, mark_for, run_waiting_jobs
from web.demo.sitting import sit

SEED, N_PEOPLE = 12, 9
HELD, MARKED = dt.timedelta(days=-1), dt.timedelta(hours=-2)
Waiting = tuple[uuid.UUID, int, uuid.UUID]


def outline() -> ExamOutline:
    """Return an examination of the day that it is: it is loaded with the clock set back."""
    start = now().replace(minute=0, second=0, microsecond=0) + dt.timedelta(hours=1)
    name = "演示·电工四级理论考试（阅卷中）"
    return ExamOutline("DEMO-MARKING", name, ("六考场",), start, start + dt.timedelta(minutes=90))


def load_marking(staff: Staff, level_id: uuid.UUID, form_ids: Sequence[uuid.UUID]) -> ExamSession:
    """Hold an examination and begin to mark it: settled, disputed, handed over, agreed and waiting answers."""
    people = read_people()["past_candidates"][-N_PEOPLE:]
    with shifted(HELD):
        row = prepare_exam(staff, level_id, form_ids[:1], outline(), people)
        sit(staff, row)
    with shifted(MARKED):
        with unit_of_work(staff.actor(Role.EXAM_OFFICER)) as uow:
            running.close_session(uow, row.exam_session_id)
        bring_late_answers(staff, row)
        run_waiting_jobs()
        begin(staff, row)
    return row


def begin(staff: Staff, row: ExamSession) -> None:
    """Plan the item with the most answers for two markers and a leader, and mark some of it."""
    leader, first, second = (staff.actor(Role.MARKER, number) for number in (1, 2, 3))
    waiting = repository.list_unmarked(db.session(), row.exam_session_id, organisation_id=leader.organisation)
    slots = [slot for _attempt, slot, _form in waiting]
    slot = max(sorted(set(slots)), key=slots.count)
    answers = sorted((one for one in waiting if one[1] == slot), key=lambda one: str(one[0]))
    choice = PlanChoice(
        MarkRule(MarkingMethod.DOUBLE, Decimal("0.5")), leader.user_id,
        {one.user_id: None for one in (first, second) if one.user_id},
    )  # fmt: skip
    with unit_of_work(staff.actor(Role.EXAM_OFFICER)) as uow:
        marking_plans.save_plan(uow, row.exam_session_id, [(answers[0][2], slot)], choice)
    agreed, flagged, *others = answers
    with unit_of_work(leader) as uow:
        typed = Typed(str(_mark(staff, agreed, Decimal(0))), (), "按评分要点逐点给分。")
        marking_standards.set_standard(uow, agreed[0], slot, StandardKind.CHECK, typed)
    with unit_of_work(first) as uow:
        marking_desks.hand_over(uow, flagged[0], slot, FlagKind.RUBRIC, "答的是另一种做法，评分标准没有涉及。")
    for place, one in enumerate(others[:-1]):
        _give(staff, first, one, Decimal(0))
        _give(staff, second, one, Decimal(2) if place == 0 else Decimal(0))


def _give(staff: Staff, marker: Actor, one: Waiting, severity: Decimal) -> None:
    with unit_of_work(marker) as uow:
        marking.give_mark(uow, one[0], one[1], str(_mark(staff, one, severity)), n_seen=0)


def _mark(staff: Staff, one: Waiting, severity: Decimal) -> Decimal:
    """Return a mark by how much of the rubric an answer holds; `severity` moves it away to the side with room."""
    attempt_id, slot, form_id = one
    content = contents_of(staff, form_id)[slot]
    given = scores_repository.load_responses(db.session(), [attempt_id])[attempt_id].get(slot)
    mark = mark_for(content, response_text(given), random.Random(SEED))  # noqa: S311 - a reproducible show
    return mark - severity if mark >= severity else mark + severity
