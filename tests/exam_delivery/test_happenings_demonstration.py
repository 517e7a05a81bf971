"""What the demonstration lets happen in its rooms goes the way of the real services, by two persons where two are needed."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from exam_delivery.models import (
    Attempt,
    ExamSession,
    FormSwitch,
    ResponseEvent,
    RoomDevice,
    ScoreRecord,
    SessionReopening,
    SessionStatus,
)
from exam_delivery.repository import candidates
from exam_delivery.services import forms as forms_service
from exam_delivery.services import sessions
from kernel.clock import shifted
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.exam_delivery.world import SealedForms, World, fake_blueprints, session_plan
from web.demo import scales
from web.demo.happenings import happen, swap_machine
from web.demo.results import run_waiting_jobs
from web.demo.rooms import FAILING_SEAT, SPARE, check_seats
from web.demo.sitting import N_ABSENT, Crowd, sit


@pytest.fixture
def staff(officer, make_actor):
    """The demonstration's people, as far as they act in rooms."""
    people = {
        Role.EXAM_OFFICER: [officer], Role.CHIEF_INVIGILATOR: [make_actor(Role.CHIEF_INVIGILATOR, name="总控")],
        Role.INVIGILATOR: [make_actor(Role.INVIGILATOR, name=f"监考{name}") for name in "甲乙"],
    }  # fmt: skip
    return SimpleNamespace(
        organisation=SimpleNamespace(organisation_id=officer.organisation),
        actor=lambda role, number=1: people[role][number - 1],
    )


@pytest.fixture
def forms(organisation, monkeypatch):
    made = SealedForms(organisation.organisation_id, with_text=False)
    monkeypatch.setattr(forms_service, "blueprints", fake_blueprints(made))
    return made


def test_who_sat_in_the_dark_goes_on_after_two_persons_opened_the_attempt_again(staff, forms, officer):
    with shifted(scales.SECOND):
        world = World(officer, forms)
        world.register(N_ABSENT + scales.CUT_OFF + 2)
        world.arrange()
        world.prepare()
        world.open()
        row = db.session.get(ExamSession, world.key)
        sit(staff, row, Crowd(has_copier=False, cut_off=scales.CUT_OFF))
    scales.go_on_after_power_cut(staff, row)
    with shifted(scales.DECIDED):
        run_waiting_jobs()
    made = db.session.query(SessionReopening).one()
    assert (made.state, made.n_reopened, made.reason) == ("done", 1, "power")
    assert {made.proposed_by_name, made.decided_by_name} == {"考务", "总控"}
    attempt = world.attempts()[scales.CUT_OFF]
    seen = db.session.query(ResponseEvent).filter_by(attempt_id=attempt.attempt_id).order_by(ResponseEvent.seq).all()
    assert [one.seq for one in seen] == list(range(1, attempt.n_slots + 1))
    gap = max(later.received_at - one.received_at for one, later in pairwise(seen))
    assert gap.total_seconds() > 60, "the power was away"
    assert (attempt.submit_kind, attempt.receipt["n_answers"]) == ("candidate", attempt.n_slots)
    assert db.session.get(ExamSession, world.key).status is SessionStatus.SCORED
    scored = set(db.session.scalars(select(ScoreRecord.attempt_id)))
    assert scored == {one.attempt_id for one in world.attempts()[:-N_ABSENT]}


def test_a_failing_machine_is_swapped_and_one_candidate_gets_the_form_in_reserve(staff, forms, officer):
    world = World(officer, forms)
    planned, reserved = forms.form_ids
    with unit_of_work(officer) as uow:
        row = uow.session.get(ExamSession, world.key)
        sessions.edit_session(
            uow, world.key, session_plan([planned], standby_form_ids=(reserved,)), version=row.version
        )
        watchers = [staff.actor(Role.INVIGILATOR, number).user_id for number in (1, 2)]
        sessions.set_rooms(uow, world.key, {world.room.exam_room_id: watchers})
    world.register(12)
    world.arrange()
    world.prepare()
    world.open()
    row = db.session.get(ExamSession, world.key)
    check_seats(staff, row)
    happen(staff, row)
    db.session.expire_all()
    switch = db.session.query(FormSwitch).one()
    assert (switch.state, switch.n_switched) == ("done", 1)
    assert {switch.proposed_by_name, switch.decided_by_name} == {"考务", "总控"}
    given = {str(form_id) for form_id in db.session.scalars(select(Attempt.form_id))}
    assert given == {planned, reserved}
    assert machines() == (FAILING_SEAT, None, 1)
    with shifted(timedelta(minutes=30)):
        check_seats(staff, row)  # a fresh examination in the same room, when the first one is over
    assert machines() == (None, FAILING_SEAT, 1)
    swap_machine(staff, row, at_seat(world, FAILING_SEAT))
    assert machines() == (FAILING_SEAT, None, 1)


def machines():
    """Return where the spare, the failing and the first machine stand; None is in store."""
    db.session.expire_all()
    seats = {one.code: one.seat_number for one in db.session.query(RoomDevice)}
    return seats[SPARE], seats[f"PC-{FAILING_SEAT:02d}"], seats["PC-01"]


def at_seat(world, number):
    entries = candidates.registrations_of_session(db.session(), world.key, actor=world.officer)
    return next(one for one, _person, _room in entries if one.seat_number == number)
