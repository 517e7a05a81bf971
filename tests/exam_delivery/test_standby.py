"""Standby forms: in reserve until two persons agree, given to those who wait, never to those who write."""

from __future__ import annotations

import gzip
import json
import uuid

import pytest

from exam_delivery.models import (
    Attempt,
    AttemptStatus,
    ExamSession,
    FormSwitch,
    Incident,
    Registration,
    RenderedForm,
    SwitchedForm,
)
from exam_delivery.rules.planning import check_plan
from exam_delivery.rules.standby import SwitchState
from exam_delivery.services import preparation, running, sessions, standby
from exam_delivery.services.readiness import find_blockers
from exam_delivery.services.readiness_gate import find_gate
from exam_delivery.services.standby import SwitchPlan
from kernel import profiles
from kernel.clock import now
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
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
        profiles.publish(uow, {"exam.standby_forms": 2}, effective_on=now().date())
    row = db.session.get(ExamSession, reserve.key)
    text = "规则要求 2 份备用卷，现在只有 1 份"
    assert text in [one.text for one in find_blockers(db.session, reserve.officer, row)]
    assert text in [line.message % line.params for line in find_gate(db.session, reserve.officer, row).blocked]
