"""Preparation: everybody gets an attempt with a form of their own order, replayable from its seed and without any key."""

from __future__ import annotations

import copy
import gzip
import json

import pytest

from exam_delivery.models import Attempt, ExamSession, Registration, RenderedForm, SessionStatus
from exam_delivery.rules.layout import make_layout
from exam_delivery.rules.seating import dealt_form
from exam_delivery.services import preparation, readiness, running, sessions
from kernel.db import db, new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from tests.exam_delivery.world import session_plan


def prepared(world, n=6):
    world.register(n)
    world.arrange()
    world.prepare()
    db.session.expire_all()


def rendered(attempt):
    row = db.session.get(RenderedForm, attempt.attempt_id)
    return gzip.decompress(row.body)


def test_everybody_admitted_gets_one_attempt_and_the_session_is_prepared(world):
    prepared(world)
    assert len(world.attempts()) == 6
    assert db.session.get(ExamSession, world.key).status is SessionStatus.PREPARED


def test_every_form_holds_every_item_of_the_sealed_one_once(world):
    prepared(world)
    for attempt in world.attempts():
        slots = [slot["slot"] for slot in json.loads(rendered(attempt))["slots"]]
        assert sorted(slots) == list(range(1, 12))
        assert attempt.n_slots == 11


@pytest.mark.parametrize("given", [[1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 7, 8, 8]])
def test_a_form_that_lacks_an_item_or_repeats_one_is_never_stored(world, monkeypatch, given):
    world.register(2)
    world.arrange()
    whole = world.forms.open_delivery

    def torn(*args):
        delivery = copy.deepcopy(whole(*args))
        delivery["sections"][0]["slots"] = given
        return delivery

    monkeypatch.setattr("exam_delivery.services.forms.blueprints.open_delivery", torn)
    with unit_of_work(world.officer) as uow:
        plan = preparation.begin_preparation(uow, world.key)
    with pytest.raises(ConflictError, match="题目不一致"), unit_of_work(world.officer) as uow:
        preparation.store_attempts(uow, plan, plan.missing)
    assert db.session.query(Attempt).count() == 0


def test_the_database_refuses_a_second_attempt_of_one_person(world):
    prepared(world, 1)
    attempt = world.attempts()[0]
    twin = Attempt(**{column.name: getattr(attempt, column.name) for column in Attempt.__table__.columns})
    twin.attempt_id = new_id()
    with pytest.raises(ConflictError), unit_of_work(world.officer) as uow:
        uow.add(twin)
    assert len(world.attempts()) == 1


def test_the_order_can_be_replayed_from_the_recorded_seed(world):
    prepared(world)
    for attempt in world.attempts():
        delivery = world.forms.open_delivery(None, world.officer, attempt.form_id)
        layout = make_layout(delivery, seed=attempt.seed, shuffle_items=True, shuffle_choices=True)
        assert layout == attempt.layout
        document = json.loads(rendered(attempt))
        assert [s["slots"] for s in document["sections"]] == layout["sections"]
        shown = {str(s["slot"]): [c["id"] for c in s["choices"]] for s in document["slots"] if "choices" in s}
        assert shown == layout["choices"]


def test_orders_differ_between_candidates_but_sections_keep_their_items(world):
    prepared(world)
    layouts = [attempt.layout for attempt in world.attempts()]
    assert len({json.dumps(layout) for layout in layouts}) > 1
    assert all([sorted(part) for part in layout["sections"]] == [list(range(1, 10)), [10], [11]] for layout in layouts)


def test_choices_that_refer_to_others_stay_in_place(world):
    prepared(world)
    assert all(attempt.layout["choices"]["9"] == ["A", "B", "C", "D"] for attempt in world.attempts())


def test_a_rendered_form_holds_no_key_explanation_or_rubric(world):
    prepared(world)
    for attempt in world.attempts():
        body = rendered(attempt).decode()
        assert "解析" not in body
        assert "评分要点" not in body
        assert not {'"key"', '"explanation"', '"rubric"', '"point"', '"may_shuffle"', '"item_id"'} & set(
            body.split(":")
        )
        assert not any(
            word in body for word in ('"key"', '"explanation"', '"rubric"', '"item_id"', '"item_version_id"')
        )


def test_a_form_says_whose_it_is_and_numbers_the_slots_in_the_order_seen(world):
    prepared(world)
    attempt = world.attempts()[0]
    document = json.loads(rendered(attempt))
    registration = db.session.get(Registration, attempt.registration_id)
    assert document["candidate"]["admission_number"] == registration.admission_number
    assert document["candidate"]["seat"] == f"{registration.seat_number:02d}"
    assert [slot["number"] for slot in document["slots"]] == list(range(1, 12))
    assert document["rules"]
    assert "承诺" in document["pledge"]
    assert document["duration_seconds"] == 5400


def test_two_forms_are_dealt_by_the_parity_of_the_seat(world):
    prepared(world)
    for attempt in world.attempts():
        registration = db.session.get(Registration, attempt.registration_id)
        assert str(attempt.form_id) == dealt_form(world.forms.form_ids, registration.seat_number)


def test_a_run_that_broke_off_goes_on_without_a_second_attempt(world):
    world.register(5)
    world.arrange()
    with unit_of_work(world.officer) as uow:
        job = preparation.request_preparation(uow, world.key)
    with unit_of_work(world.officer) as uow:
        plan = preparation.begin_preparation(uow, world.key)
    with unit_of_work(world.officer) as uow:
        preparation.store_attempts(uow, plan, plan.missing[:2])
    before = {a.attempt_id for a in db.session.query(Attempt).all()}
    assert run_job(job.job_id) == "done"
    after = {a.attempt_id for a in db.session.query(Attempt).all()}
    assert before < after
    assert len(after) == 5


def test_extra_time_reaches_the_attempt(world):
    ids = world.register(2)
    world.arrange()
    with unit_of_work(world.officer) as uow:
        uow.session.get(Registration, ids[0]).time_factor = 1.5
    world.prepare()
    seconds = sorted(attempt.duration_seconds for attempt in world.attempts())
    assert seconds == [5400, 8100]
    ends = sorted(attempt.ends_at for attempt in world.attempts())
    assert (ends[1] - ends[0]).total_seconds() == 2700


def test_what_is_missing_is_named_before_preparation(world):
    world.register(3)
    with unit_of_work(world.officer) as uow:
        found = [one.text for one in readiness.find_blockers(uow.session, world.officer, world.session)]
        with pytest.raises(InvalidInputError, match="没有准考证号"):
            preparation.request_preparation(uow, world.key)
    assert "3 名考生没有准考证号" in found
    assert "3 名考生没有座位" in found
    assert any("监考员" in text for text in found)


def test_a_changed_start_reaches_every_prepared_attempt(world):
    prepared(world)
    row = db.session.get(ExamSession, world.key)
    plan = session_plan(world.forms.form_ids)
    with unit_of_work(world.officer) as uow:
        sessions.edit_session(uow, world.key, plan, version=row.version)
    db.session.expire_all()
    assert {attempt.starts_at for attempt in world.attempts()} == {plan.starts_at}


def test_forms_of_a_prepared_session_cannot_change(world):
    prepared(world)
    row = db.session.get(ExamSession, world.key)
    plan = session_plan(world.forms.form_ids[:1])
    with unit_of_work(world.officer) as uow, pytest.raises(ConflictError, match="撤销备考"):
        sessions.edit_session(uow, world.key, plan, version=row.version)


def test_preparation_can_be_undone_until_somebody_signs_in(world):
    prepared(world)
    with unit_of_work(world.officer) as uow:
        assert preparation.undo_preparation(uow, world.key) == 6
    assert db.session.query(Attempt).count() == 0
    world.prepare()
    with unit_of_work(world.officer) as uow:
        uow.session.query(Attempt).first().signed_in_at = world.session.created_at
    with unit_of_work(world.officer) as uow, pytest.raises(ConflictError, match="已有 1 名考生登录过"):
        preparation.undo_preparation(uow, world.key)


def test_opening_early_moves_the_sign_in_but_not_the_start(world):
    prepared(world)
    starts = db.session.get(ExamSession, world.key).starts_at
    with unit_of_work(world.officer) as uow:
        running.open_session(uow, world.key)
    db.session.expire_all()
    attempt = world.attempts()[0]
    assert attempt.opens_at < attempt.starts_at
    assert attempt.starts_at == starts
