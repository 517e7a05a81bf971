"""Standby forms: in reserve until two persons agree, given to those who wait; who writes keeps the own form or begins anew."""

from __future__ import annotations

import gzip
import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_delivery.answering.app import AnsweringApp, open_storage
from exam_delivery.models import (
    Attempt,
    AttemptStatus,
    ExamSession,
    FormSwitch,
    Incident,
    Registration,
    RenderedForm,
    ResponseEvent,
    ResponseState,
    ScoreRecord,
    SwitchedForm,
    VoidedAttempt,
)
from exam_delivery.public_evidence import load_attempt_evidence
from exam_delivery.repository import incidents as incidents_repository
from exam_delivery.repository.form_uses import count_uses
from exam_delivery.rules.planning import check_plan
from exam_delivery.rules.room import Reason
from exam_delivery.rules.standby import SwitchState
from exam_delivery.services import attempts, console, preparation, running, sessions, standby
from exam_delivery.services.readiness import find_blockers
from exam_delivery.services.readiness_gate import find_gate
from exam_delivery.services.room_acts import Why
from exam_delivery.services.standby import SwitchPlan
from kernel import profiles
from kernel.clock import now, today
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.identity.permissions import Role
from kernel.settings import Settings
from kernel.uow import unit_of_work
from tests.exam_delivery.sitting_cases import SECRET, START, Caller, Clock, make_database
from tests.exam_delivery.world import ALL_RIGHT, World, session_plan

TITLES = {"a": "甲", "b": "乙"}


@pytest.fixture
def reserve(officer, sealed_forms):
    """A prepared session of three: form A is planned, form B lies in reserve."""
    world = World(officer, sealed_forms)
    first, second = sealed_forms.form_ids
    with unit_of_work(officer) as uow:
        row = uow.session.get(ExamSession, world.key)
        sessions.edit_session(uow, world.key, session_plan([first], standby_form_ids=(second,)), version=row.version)
    world.register(3)
    world.arrange()
    world.prepare()
    db.session.expire_all()
    return world


@pytest.fixture
def chiefs(make_actor):
    return make_actor(Role.CHIEF_INVIGILATOR, name="总控甲"), make_actor(Role.CHIEF_INVIGILATOR, name="总控乙")


def switch(world, chiefs, **changes):
    first, second = chiefs
    plan = SwitchPlan(**({"form_id": world.forms.form_ids[1], "reason": "leak"} | changes))
    with unit_of_work(first) as uow:
        key = standby.propose(uow, world.key, plan).form_switch_id
    with unit_of_work(second) as uow:
        row = standby.decide(uow, world.key, key, SwitchState.DONE)
    db.session.expire_all()
    return row


def start(attempt):
    with unit_of_work(attempt_owner(attempt)) as uow:
        row = uow.session.get(Attempt, attempt.attempt_id)
        row.status, row.started_at, row.deadline_at = AttemptStatus.IN_PROGRESS, now(), now()


def attempt_owner(attempt):
    from kernel.identity.actor import system_actor

    return system_actor(attempt.organisation_id)


def form_in_hand(attempt):
    rendered = db.session.get(RenderedForm, attempt.attempt_id)
    return json.loads(gzip.decompress(rendered.body))["form_id"], rendered.digest


@pytest.mark.parametrize(
    "changes",
    [{"standby_form_ids": ("a",)}, {"standby_form_ids": ("z",)}, {"form_set_id": "s", "form_ids": (), "standby_form_ids": ("b",)}],
)  # fmt: skip
def test_a_standby_form_is_another_sealed_form_of_the_level(changes):
    assert set(check_plan(session_plan(["a"], **changes), titles=TITLES, sets=["s"])) == {"standby_form_ids"}
    assert check_plan(session_plan(["a"], standby_form_ids=("b",)), titles=TITLES) == {}


def test_a_standby_form_is_reserved_and_given_to_nobody(reserve):
    first, second = reserve.forms.form_ids
    reference = f"exam_session:{reserve.key}"
    assert {(first, reference), (second, reference)} <= reserve.forms.reservations
    assert {str(one.form_id) for one in reserve.attempts()} == {first}


def test_two_persons_give_it_to_who_waits_and_who_writes_keeps_theirs(reserve, chiefs):
    first, second = reserve.forms.form_ids
    one, two, three = reserve.attempts()
    start(one)
    before = form_in_hand(two)
    row = switch(reserve, chiefs, reason="other", note="网上出现原题")
    assert (row.n_switched, row.n_kept) == (2, 1)
    one, two, three = reserve.attempts()
    assert [str(attempt.form_id) for attempt in (one, two, three)] == [first, second, second]
    assert form_in_hand(one)[0] == first
    assert form_in_hand(two)[0] == second
    assert form_in_hand(two)[1] != before[1], "the key of the sealed page follows the form"
    kept = {(one.attempt_id, str(one.previous_form_id), one.previous_digest) for one in db.session.query(SwitchedForm)}
    assert (two.attempt_id, first, before[1]) in kept
    notes = db.session.query(Incident).filter_by(kind="form_switch").all()
    assert {note.attempt_id for note in notes} == {two.attempt_id, three.attempt_id}
    assert all("网上出现原题" in note.text for note in notes)
    session = db.session.get(ExamSession, reserve.key)
    assert (session.form_ids, session.standby_form_ids) == ([first, second], [])
    with unit_of_work(reserve.officer) as uow, pytest.raises(ConflictError, match="换过试卷"):
        preparation.undo_preparation(uow, reserve.key)


def test_scores_follow_the_form_that_each_one_had(reserve, chiefs):
    numbers = [one.admission_number for one in db.session.query(Registration).order_by(Registration.admission_number)]
    switch(reserve, chiefs, admission_number=numbers[0])
    reserve.open()
    db.session.expire_all()
    one, two, _three = reserve.attempts()
    assert [str(attempt.form_id) for attempt in (one, two)] == list(reversed(reserve.forms.form_ids))
    reserve.sit(ALL_RIGHT, one)
    with unit_of_work(reserve.officer) as uow:
        running.close_session(uow, reserve.key)
    assert db.session.query(FormSwitch).one().registration_id == one.registration_id


def test_nobody_gives_it_alone_and_nobody_without_command(reserve, chiefs, make_actor):
    chief = chiefs[0]
    plan = SwitchPlan(reserve.forms.form_ids[1], "leak")
    for wrong, field in ((SwitchPlan("x", "leak"), "form_id"), (SwitchPlan(plan.form_id, ""), "reason"),
                         (SwitchPlan(plan.form_id, "other"), "note"),
                         (SwitchPlan(plan.form_id, "leak", admission_number="0"), "admission_number")):  # fmt: skip
        with unit_of_work(chief) as uow, pytest.raises(InvalidInputError) as found:
            standby.propose(uow, reserve.key, wrong)
        assert set(found.value.fields) == {field}
    with unit_of_work(make_actor(Role.INVIGILATOR)) as uow, pytest.raises(ForbiddenError):
        standby.propose(uow, reserve.key, plan)
    with unit_of_work(chief) as uow:
        key = standby.propose(uow, reserve.key, plan).form_switch_id
    with unit_of_work(chief) as uow, pytest.raises(ForbiddenError, match="另一人"):
        standby.decide(uow, reserve.key, key, SwitchState.DONE)
    with unit_of_work(reserve.officer) as uow, pytest.raises(ForbiddenError):
        standby.decide(uow, reserve.key, key, SwitchState.DONE)
    with unit_of_work(chiefs[1]) as uow, pytest.raises(ConflictError, match="等待批准"):
        standby.propose(uow, reserve.key, plan)
    with unit_of_work(chief) as uow:
        standby.decide(uow, reserve.key, key, SwitchState.WITHDRAWN)
    assert {str(one.form_id) for one in reserve.attempts()} == {reserve.forms.form_ids[0]}
    for attempt in reserve.attempts():
        start(attempt)
    with pytest.raises(ConflictError, match="没有还没开始"):
        switch(reserve, chiefs)


def test_the_page_takes_a_switch_from_proposal_to_second_person(reserve, chiefs, sign_in, other_organisation):
    officer, chief = sign_in(Role.EXAM_OFFICER), sign_in(Role.CHIEF_INVIGILATOR)
    path = f"/exam-sessions/{reserve.key}/standby"
    assert "理论知识试卷（B卷）" in officer.get(f"/exam-sessions/{reserve.key}").text
    assert officer.post(path, data={"form_id": reserve.forms.form_ids[1]}).status_code == 422
    answer = officer.post(
        path, data={"form_id": reserve.forms.form_ids[1], "reason": "misprint", "room": str(reserve.room.exam_room_id)}
    )
    assert answer.status_code == 303
    assert "批准换卷" not in officer.get(path).text
    page = chief.get(path).text
    assert "批准换卷" in page
    assert "换 3 人，0 人已开始作答不变" in page
    (row,) = db.session.query(FormSwitch)
    stranger = sign_in(Role.CHIEF_INVIGILATOR, organisation_id=other_organisation.organisation_id)
    assert stranger.get(path).status_code == 404
    assert stranger.post(f"{path}/{row.form_switch_id}/done").status_code == 404
    assert chief.post(f"{path}/{uuid.uuid4()}/done").status_code == 404
    assert chief.post(f"{path}/{row.form_switch_id}/done").status_code == 303
    assert {str(one.form_id) for one in reserve.attempts()} == {reserve.forms.form_ids[1]}
    assert "已换卷" in chief.get(path).text


def test_the_rule_profile_may_ask_for_a_standby_form(reserve, make_actor):
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        profiles.publish(uow, {"exam.standby_forms": 2}, effective_on=today())
    row = db.session.get(ExamSession, reserve.key)
    text = "规则要求 2 份备用卷，现在只有 1 份"
    assert text in [one.text for one in find_blockers(db.session, reserve.officer, row)]
    assert text in [line.message % line.params for line in find_gate(db.session, reserve.officer, row).blocked]


def write(attempt, *, minutes=20, **columns):
    """Let a candidate have begun some minutes ago and answered two slots."""
    at = now()
    with unit_of_work(attempt_owner(attempt)) as uow:
        row = uow.session.get(Attempt, attempt.attempt_id)
        row.status, row.started_at, row.n_answered = AttemptStatus.IN_PROGRESS, at - timedelta(minutes=minutes), 2
        row.deadline_at = at + timedelta(minutes=70)
        for slot in (1, 2):
            values = {"attempt_id": row.attempt_id, "slot": slot, "seq": 1, "response": '["C"]', "received_at": at}
            uow.session.add_all([ResponseEvent(**values), ResponseState(**values)])
        for name, value in columns.items():
            setattr(row, name, value)


def test_who_has_begun_begins_anew_and_the_old_attempt_stays_as_evidence(reserve, chiefs, make_actor):
    first, second = reserve.forms.form_ids
    reserve.open()
    one, two, _three = reserve.attempts()
    write(one)
    reserve.sit(ALL_RIGHT, two)
    owner = one.registration_id
    with unit_of_work(reserve.officer) as uow:
        uow.session.get(Registration, owner).time_factor = Decimal("1.5")
    row = switch(reserve, chiefs, restarts=True, minutes="60", reason="misprint")
    assert (row.n_switched, row.n_restarted, row.n_kept) == (1, 1, 1)
    new, kept, waiting = reserve.attempts()
    old = db.session.get(Attempt, one.attempt_id)
    assert (kept.attempt_id, str(kept.form_id), str(waiting.form_id)) == (two.attempt_id, first, second)
    assert new.attempt_id != old.attempt_id
    assert (str(new.form_id), new.status, new.n_answered) == (second, AttemptStatus.WAITING, 0)
    assert new.duration_seconds == 90 * 60, "the accommodation holds for the time chosen"
    assert new.ends_at - new.latest_start_at == timedelta(minutes=90), "whoever begins last has all of the time"
    body = json.loads(gzip.decompress(db.session.get(RenderedForm, new.attempt_id).body))
    assert (body["form_id"], body["title"]) == (second, "理论知识试卷（备用卷，重新开考）")
    assert (old.registration_id, old.status, str(old.form_id)) == (None, AttemptStatus.SUBMITTED, first)
    assert old.receipt["n_answers"] == 2
    assert "voided_at" in old.receipt
    voided = db.session.get(VoidedAttempt, old.attempt_id)
    assert (voided.registration_id, voided.next_attempt_id, voided.voided_by_name) == (owner, new.attempt_id, "总控乙")
    assert not voided.had_handed_in

    chief = chiefs[0]
    seat, noted, _minutes = console.view_seat(db.session, reserve.key, owner, actor=chief, at=now())
    assert (seat.row.attempt_id, seat.is_restarted) == (new.attempt_id, True)
    assert {note.kind for note in noted} == {"void", "restart"}
    named = incidents_repository.concerned(db.session, noted)
    assert {person.registration_id for some in named.values() for person in some} == {owner}, "the report names them"
    with unit_of_work(chief) as uow, pytest.raises(ConflictError, match="换卷作废"):
        attempts.add_time(uow, reserve.key, minutes=5, why=Why(Reason.MISTAKE), attempt_id=old.attempt_id)

    reserve.sit(ALL_RIGHT, new)
    reserve.close_and_score()
    scored = set(db.session.scalars(select(ScoreRecord.attempt_id)))
    assert {new.attempt_id, two.attempt_id} <= scored
    assert old.attempt_id not in scored
    evidence = load_attempt_evidence(db.session, reserve.officer.organisation, new.attempt_id)
    (kept_evidence,) = evidence.voided
    assert [answer["response"] for answer in kept_evidence["answers"]] == ['["C"]', '["C"]']
    assert kept_evidence["attempt"]["form_id"] == first
    assert [answer["response"] for answer in evidence.answers if answer["slot"] == 1] == ['["B"]']
    uses = count_uses(db.session, reserve.officer.organisation, [uuid.UUID(first)])
    assert sum(use.n_started for use in uses) == 2, "whoever began on the old form has seen it"


def test_who_handed_in_begins_anew_only_where_both_agreed_to_it(reserve, chiefs):
    reserve.open()
    one, two, _three = reserve.attempts()
    for attempt in (one, two):
        reserve.sit(ALL_RIGHT, attempt)
    numbers = [one.admission_number for one in db.session.query(Registration).order_by(Registration.admission_number)]
    with pytest.raises(ConflictError, match="没有还没开始"):
        switch(reserve, chiefs, restarts=True, admission_number=numbers[0])
    db.session.expire_all()
    with unit_of_work(chiefs[0]) as uow:
        (row,) = db.session.query(FormSwitch)
        standby.decide(uow, reserve.key, row.form_switch_id, SwitchState.WITHDRAWN)
    row = switch(reserve, chiefs, restarts=True, includes_submitted=True, admission_number=numbers[0])
    assert (row.n_restarted, row.n_kept) == (1, 0)
    voided = db.session.query(VoidedAttempt).one()
    assert (voided.attempt_id, voided.had_handed_in) == (one.attempt_id, True)
    assert db.session.get(Attempt, one.attempt_id).submit_kind == "candidate"
    assert reserve.attempts()[1].attempt_id == two.attempt_id


def test_the_page_shows_whom_a_restart_costs_what_before_it_is_agreed_to(reserve, chiefs, sign_in):
    reserve.open()
    one, two, _three = reserve.attempts()
    write(one)
    reserve.sit(ALL_RIGHT, two)
    officer, chief = sign_in(Role.EXAM_OFFICER), sign_in(Role.CHIEF_INVIGILATOR)
    path = f"/exam-sessions/{reserve.key}/standby"
    data = {"form_id": reserve.forms.form_ids[1], "reason": "leak", "restarts": "1"}
    wrong = officer.post(path, data=data | {"minutes": "0"})
    assert wrong.status_code == 422
    assert "请填写 1–480 分钟" in wrong.text
    assert officer.post(path, data=data).status_code == 303
    page = chief.get(path).text
    assert "换 1 人，1 人作废重考，1 人不变" in page
    assert "1 名考生的作答将作废重考，其中已作答 2 题" in page
    assert "2 / 11" in page
    assert '<th scope="col" class="cell-number">已作答</th>' in page
    assert "已交卷，不变" in page
    (row,) = db.session.query(FormSwitch)
    answer = chief.post(f"{path}/{row.form_switch_id}/done", follow_redirects=True).text
    assert "已为 1 名考生换用备用卷，1 名重新开考，1 名不变" in answer
    console_page = chief.get(f"/console/{reserve.key}").text
    assert "换卷重考" in console_page


@pytest.fixture
def answering(scratch_database_url: str) -> Iterator[tuple]:
    engine, sitting = make_database(scratch_database_url)
    clock = Clock()
    app = AnsweringApp(open_storage(Settings(database_url=scratch_database_url, secret_key=SECRET)), SECRET, now=clock)
    yield app, engine, sitting
    app.close()
    engine.dispose()


def test_the_old_page_learns_of_it_and_its_last_answers_go_to_the_old_attempt_alone(answering):
    app, engine, sitting = answering
    person = sitting.people[0]
    page = Caller(app).begin(person)
    assert page.save((1, 1 << 20, ["A"])).status == 200
    new_id = uuid.uuid4()
    with Session(engine) as session:
        old = session.get(Attempt, person.attempt_id)
        values = {name: getattr(old, name) for name in (
            "organisation_id", "exam_session_id", "registration_id", "form_id", "seed", "layout", "n_slots", "opens_at",
            "starts_at", "duration_seconds", "ends_at", "latest_start_at")}  # fmt: skip
        old.registration_id, old.status, old.submitted_at = None, AttemptStatus.SUBMITTED, START
        old.submit_kind, old.receipt = "forced", {"n_answers": 1, "digest": "d", "voided_at": "2026-11-21T01:00:00Z"}
        session.flush()
        session.add(Attempt(attempt_id=new_id, **values))
        session.flush()
        body = session.get(RenderedForm, person.attempt_id).body
        session.add(RenderedForm(attempt_id=new_id, body=body, digest="1" * 64))
        session.commit()
    contact = page.call("GET", "responses").json
    assert contact["status"] == "submitted"
    assert contact["receipt"]["voided_at"]
    late = page.save((2, (1 << 20) + 1, ["B"]))
    assert (late.status, late.error) == (410, "attempt_closed")
    assert page.call("POST", "submit", {}).json["voided_at"]
    again = Caller(app)
    assert again.sign_in(person).status == 200
    assert again.attempt_id == str(new_id)
    assert again.call("POST", "start", {}).json["status"] == "in_progress"
    assert again.durable() == {}, "the new attempt begins empty"
    assert again.save((1, 1 << 20, ["D"])).status == 200
    app.writer.close()
    with Session(engine) as session:
        events = {(event.attempt_id, event.slot): event.is_late for event in session.query(ResponseEvent)}
    assert events == {(person.attempt_id, 1): False, (person.attempt_id, 2): True, (new_id, 1): False}
