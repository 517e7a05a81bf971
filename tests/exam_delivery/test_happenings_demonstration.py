"""What the demonstration lets happen in its rooms goes the way of the real services, by two persons where two are needed."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from exam_delivery.models import (
    Attempt,
    CandidatePhoto,
    DoorPhoto,
    ExamSession,
    FormSwitch,
    LateDecision,
    Registration,
    ResponseEvent,
    RoomDevice,
    ScoreRecord,
    SessionReopening,
    SessionStatus,
)
from exam_delivery.repository import candidates
from exam_delivery.services import forms as forms_service
from exam_delivery.services import late_answers, sessions
from kernel.clock import shifted
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.exam_delivery.world import SealedForms, World, fake_blueprints, session_plan
from web.demo import doors, scales
from web.demo.happenings import ASKING_SEAT, happen, swap_machine
from web.demo.lateness import bring_late_answers
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
    world.register(24)
    world.arrange()
    world.prepare()
    world.open()
    row = db.session.get(ExamSession, world.key)
    check_seats(staff, row)
    happen(staff, row)
    db.session.expire_all()
    switch, asked = db.session.query(FormSwitch).order_by(FormSwitch.proposed_at).all()
    assert (switch.state, switch.n_switched) == ("done", 1)
    assert (asked.state, asked.registration_id) == ("proposed", at_seat(world, ASKING_SEAT).registration_id)
    assert {switch.proposed_by_name, switch.decided_by_name} == {"考务", "总控"}
    given = {str(form_id) for form_id in db.session.scalars(select(Attempt.form_id))}
    assert given == {planned, reserved}
    assert machines() == (FAILING_SEAT, None, 1)
    held = [(one.paused_at is not None, one.locked_at is not None) for one in world.attempts() if one.hold_reason]
    assert sorted(held) == [(False, True), (True, False)]
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


def test_drawn_faces_are_compared_at_the_door_and_most_are_let_in(staff, forms, officer, make_actor, monkeypatch):
    people = staff.actor
    admin = make_actor(Role.ORGANISATION_ADMIN)
    monkeypatch.setattr(staff, "actor", lambda role, n=1: admin if role is Role.ORGANISATION_ADMIN else people(role, n))
    doors.allow_door_photos(staff)
    world = World(officer, forms)
    with unit_of_work(officer) as uow:
        sessions.set_rooms(
            uow, world.key, {world.room.exam_room_id: [people(Role.INVIGILATOR, n).user_id for n in (1, 2)]}
        )
    world.register(doors.N_WITH_ROSTER_PHOTO + 1)
    world.arrange()
    world.prepare()
    world.open()
    row = db.session.get(ExamSession, world.key)
    doors.pass_the_door(staff, row)
    db.session.expire_all()
    assert db.session.query(CandidatePhoto).count() == doors.N_WITH_ROSTER_PHOTO
    assert {one.taken_by_name for one in db.session.query(DoorPhoto)} == {"监考甲"}
    assert db.session.query(DoorPhoto).count() == doors.N_AT_DOOR
    let_in = db.session.query(Registration).filter(Registration.checked_in_at.is_not(None)).count()
    assert let_in == doors.N_LET_IN
    assert doors.draw_face(0, "door") != doors.draw_face(0, "roster") != doors.draw_face(1, "roster")


def test_late_answers_of_two_wait_one_of_them_for_a_second_person(staff, forms, officer):
    with shifted(timedelta(days=-1)):
        world = World(officer, forms)
        with unit_of_work(officer) as uow:
            watchers = [staff.actor(Role.INVIGILATOR, number).user_id for number in (1, 2)]
            sessions.set_rooms(uow, world.key, {world.room.exam_room_id: watchers})
        world.register(N_ABSENT + 4)
        world.arrange()
        world.prepare()
        world.open()
        sit(staff, db.session.get(ExamSession, world.key), Crowd(has_copier=False))
    bring_late_answers(staff, db.session.get(ExamSession, world.key))
    db.session.expire_all()
    chief = staff.actor(Role.CHIEF_INVIGILATOR)
    _sitting, seats = late_answers.list_seats(db.session(), world.key, actor=chief)
    assert [seat.is_undecided for _row, seat in seats] == [True, True]
    assert sorted(seat.waiting is not None for _row, seat in seats) == [False, True]
    (decision,) = db.session.query(LateDecision).all()
    with unit_of_work(chief) as uow:
        late_answers.decide(uow, decision.late_decision_id, confirms=True, reason="核对过交换机记录")
    assert db.session.get(LateDecision, decision.late_decision_id, populate_existing=True).state == "counted"
