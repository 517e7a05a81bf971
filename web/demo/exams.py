"""The demonstration's examinations: one open now for 30 candidates, with a form in reserve, and a past one whose 120 have answered."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from exam_delivery.models import ExamBatch, ExamSession
from exam_delivery.repository import candidates, planning
from exam_delivery.rules.planning import SessionPlan
from exam_delivery.rules.roster import RosterRow
from exam_delivery.services import arranging, batches, draw_commitments, preparation, rosters, running, sessions
from exam_delivery.services.batches import BatchPlan, RoomPlan
from kernel.clock import now, shifted
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.jobs.runner import run_job
from kernel.national_id import SEX_LABELS, IdKind
from kernel.uow import unit_of_work
from web.demo import doors, happenings
from web.demo.people import Staff, read_people
from web.demo.rooms import check_seats

SITE, CAPACITY = "演示考点", 30
SEAT_SEED = 7
PROMISED = dt.timedelta(minutes=-5)
"""The open examination began a minute ago; its draw was published before that."""
SEXES = {label: sex.value for sex, label in SEX_LABELS.items()}


@dataclass(frozen=True, slots=True)
class ExamOutline:
    """What distinguishes the demonstration's examinations."""

    code: str
    name: str
    rooms: tuple[str, ...]
    starts_at: dt.datetime
    ends_at: dt.datetime
    duration_minutes: int = 90
    earliest_submit_minutes: int = 0
    standby_form_ids: tuple[uuid.UUID, ...] = ()


def open_exam_outline(standby_form_ids: Sequence[uuid.UUID]) -> ExamOutline:
    """Return an examination that began a minute ago and stays open for a day, so that anybody can try it at leisure."""
    start = now().replace(second=0, microsecond=0) - dt.timedelta(minutes=1)
    code, end = f"DEMO-{start:%Y%m%d%H%M}", start + dt.timedelta(hours=24)
    name = "演示·电工四级理论考试（正在进行）"
    return ExamOutline(code, name, ("一考场",), start, end, standby_form_ids=tuple(standby_form_ids))


def past_exam_outline() -> ExamOutline:
    """Return an examination of the day that it is: the past one is loaded with the clock set back."""
    start = now().replace(minute=0, second=0, microsecond=0) + dt.timedelta(hours=1)
    return ExamOutline(
        "DEMO-PAST",
        "演示·电工四级理论考试（已结束）",
        ("二考场", "三考场", "四考场", "五考场"),
        start,
        start + dt.timedelta(minutes=90),
    )


def roster_rows(people: Sequence[dict[str, Any]]) -> list[RosterRow]:
    """Return people as a roster would name them."""
    return [
        RosterRow(
            number=number, name=one["name"], id_kind=IdKind.RESIDENT_ID, id_number=one["id_number"], sex=SEXES[one["sex"]],
            birth_date=dt.date.fromisoformat(one["birth_date"]), phone=one["phone"], employer=one["employer"],
        )
        for number, one in enumerate(people, start=2)
    ]  # fmt: skip


def prepare_exam(
    staff: Staff, level_id: uuid.UUID, form_ids: Sequence[uuid.UUID], outline: ExamOutline, people: Sequence[Any]
) -> ExamSession:
    """Plan an examination of one session, register its people, seat them, prepare their forms and open it."""
    batch_id = plan_batch(staff, level_id, outline.code, outline.name)
    return prepare_session(staff, batch_id, form_ids, outline, people)


def plan_batch(staff: Staff, level_id: uuid.UUID, code: str, name: str) -> uuid.UUID:
    """Plan a batch of a level and return its key."""
    with unit_of_work(staff.actor(Role.EXAM_OFFICER)) as uow:
        return batches.create_batch(uow, BatchPlan(code, name, str(level_id))).exam_batch_id


def prepare_session(
    staff: Staff, batch_id: uuid.UUID, form_ids: Sequence[uuid.UUID], outline: ExamOutline, people: Sequence[Any]
) -> ExamSession:
    """Plan a session of a batch, register its people, seat them, prepare their forms and open it."""
    officer = staff.actor(Role.EXAM_OFFICER)
    with unit_of_work(officer) as uow:
        rooms = [
            batches.save_room(uow, _room_of(staff, name), RoomPlan(SITE, name, CAPACITY)) for name in outline.rooms
        ]
        uow.flush()  # the session names them
        row = sessions.create_session(uow, batch_id, _plan(outline, form_ids))
        watched = {room.exam_room_id: _pair(staff, number) for number, room in enumerate(rooms)}
        sessions.set_rooms(uow, row.exam_session_id, watched)
    with unit_of_work(officer) as uow:
        rosters.register_rows(uow, batch_id, roster_rows(people), exam_session_id=row.exam_session_id)
    with unit_of_work(officer) as uow:
        arranging.arrange(uow, row.exam_session_id, seed=SEAT_SEED)
    with unit_of_work(officer) as uow:
        job = preparation.request_preparation(uow, row.exam_session_id)
    run_job(job.job_id)
    with unit_of_work(officer) as uow:
        return running.open_session(uow, row.exam_session_id)


def _pair(staff: Staff, number: int) -> list[uuid.UUID]:
    """Return the two people who invigilate in the n-th room."""
    pair = (staff.actor(Role.INVIGILATOR, 2 * number + 1), staff.actor(Role.INVIGILATOR, 2 * number + 2))
    return [one.user_id for one in pair if one.user_id]


def _plan(outline: ExamOutline, form_ids: Sequence[uuid.UUID]) -> SessionPlan:
    late = int((outline.ends_at - outline.starts_at).total_seconds() // 60) - 1
    return SessionPlan(
        name=outline.name, form_ids=tuple(map(str, form_ids)), starts_at=outline.starts_at, ends_at=outline.ends_at,
        duration_minutes=outline.duration_minutes, open_entry_minutes=30,
        late_cutoff_minutes=late, earliest_submit_minutes=outline.earliest_submit_minutes, leave_limit=5,
        tools=("calculator", "scratch"), standby_form_ids=tuple(map(str, outline.standby_form_ids)),
    )  # fmt: skip


def _room_of(staff: Staff, name: str) -> uuid.UUID | None:
    rooms = planning.list_rooms(db.session(), actor=staff.actor(Role.EXAM_OFFICER))
    return next((one.exam_room_id for one in rooms if one.name == name), None)


def load_open_exam(
    staff: Staff, level_id: uuid.UUID, form_ids: Sequence[uuid.UUID], standby_form_ids: Sequence[uuid.UUID]
) -> ExamSession:
    """Open an examination now for the demonstration's 30 candidates, with forms in reserve."""
    outline = open_exam_outline(standby_form_ids)
    row = prepare_exam(staff, level_id, form_ids, outline, read_people()["candidates"])
    check_seats(staff, row)
    with shifted(PROMISED):
        publish_draw(staff, row)
    happenings.happen(staff, row)
    doors.pass_the_door(staff, row)
    return row


def publish_draw(staff: Staff, row: ExamSession) -> None:
    """Publish what proves the draw of a session's forms, before it begins."""
    with unit_of_work(staff.actor(Role.EXAM_OFFICER)) as uow:
        draw_commitments.publish(uow, row.exam_session_id)


def sign_ins(staff: Staff, exam_session_id: uuid.UUID) -> list[dict[str, str]]:
    """Return admission and identity numbers of a session's candidates: all of them are artificial."""
    numbers = {one["name"]: one["id_number"] for one in read_people()["candidates"]}
    officer = staff.actor(Role.EXAM_OFFICER)
    entries = candidates.registrations_of_session(db.session(), exam_session_id, actor=officer)
    return [
        {
            "admission_number": registration.admission_number or "",
            "id_number": numbers[person.name],
            "name": person.name,
        }
        for registration, person, _room in entries
    ]


def find_batch(staff: Staff, code: str) -> ExamBatch | None:
    """Return a batch of the demonstration by its code."""
    return planning.find_batch_by_code(db.session(), code, actor=staff.actor(Role.EXAM_OFFICER))
