"""Agreed marks: training before live answers, quiet checks among them, and a pause for who drifts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from exam_delivery.models import ExamSession, Mark, MarkingPause, MarkingTrial, SessionStatus
from exam_delivery.rules.marking import MarkRule, StandardKind
from exam_delivery.services import marking, marking_desks, marking_plans, marking_standards
from exam_delivery.services.marking import Typed
from exam_delivery.services.marking_plans import PlanChoice
from kernel import profiles
from kernel.clock import today
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, NotFoundError
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.exam_delivery.world import ALL_RIGHT

TEXT = 11


@pytest.fixture
def markers(make_actor):
    """The leader, and two who mark."""
    return [make_actor(Role.MARKER, name=f"阅卷{name}") for name in "甲乙丙"]


@pytest.fixture
def sat(world, markers):
    """Six people who wrote a text of the same form; somebody leads its marking."""
    with unit_of_work(world.officer) as uow:
        row = uow.session.get(ExamSession, world.key)
        row.form_ids = row.form_ids[:1]
    world.register(6)
    world.arrange()
    world.prepare()
    world.open()
    db.session.expire_all()
    for attempt in world.attempts():
        world.sit(ALL_RIGHT | {TEXT: '["先采集，再标注。"]'}, attempt)
    world.close_and_score()
    choice = PlanChoice(MarkRule(), markers[0].user_id, {one.user_id: None for one in markers[1:]})
    with unit_of_work(world.officer) as uow:
        marking_plans.save_plan(uow, world.key, [(world.attempts()[0].form_id, TEXT)], choice)
    db.session.expire_all()
    return world


def agree(leader, attempt, kind, score):
    with unit_of_work(leader) as uow:
        marking_standards.set_standard(uow, attempt.attempt_id, TEXT, kind, Typed(score, (), "两个要点都有"))
    db.session.expire_all()


def mark_next(actor, world, score):
    """Mark whatever comes next as the desk does; return the attempt and what came of it."""
    place = marking.next_script(db.session(), actor, world.key)
    with unit_of_work(actor) as uow:
        assert marking_desks.save_draft(uow, *place, {})
    with unit_of_work(actor) as uow:
        done = marking.give_trial(uow, *place, Typed(score))
        if done is None:
            marking.give_mark(uow, *place, score, n_seen=0)
    db.session.expire_all()
    return place[0], done


def publish(make_actor, **overrides):
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        named = {f"marking.{name}": one for name, one in overrides.items()}
        profiles.publish(uow, named, effective_on=today())


def test_training_comes_first_tells_the_agreed_mark_and_counts_for_nobody(sat, markers):
    leader, marker, _other = markers
    first, second = sat.attempts()[:2]
    agree(leader, first, StandardKind.TRAINING, "8")
    agree(leader, second, StandardKind.TRAINING, "3")
    live = sat.attempts()[2]
    with pytest.raises(ConflictError, match="培训答案"), unit_of_work(marker) as uow:
        marking.give_mark(uow, live.attempt_id, TEXT, "5", n_seen=0)
    found = [mark_next(marker, sat, "7.5") for _ in range(2)]
    assert {one[0] for one in found} == {first.attempt_id, second.attempt_id}
    assert sorted((done.is_hit, done.agreed) for _attempt, done in found) == [(False, 3), (True, 8)]
    assert found[0][1].reason == "两个要点都有"
    assert db.session.query(Mark).filter_by(marked_by=marker.user_id).count() == 0


def test_who_fails_the_training_gets_no_live_answer_until_the_leader_lets_him(sat, markers):
    leader, marker, other = markers
    agree(leader, sat.attempts()[0], StandardKind.TRAINING, "8")
    mark_next(marker, sat, "2")
    assert marking.next_script(db.session(), marker, sat.key) is None
    pause = db.session.query(MarkingPause).one()
    assert (pause.kind, pause.n_hits, pause.n_tried) == (StandardKind.TRAINING, 0, 1)
    for person in (marker, other):
        with pytest.raises(ForbiddenError), unit_of_work(person) as uow:
            marking_standards.lift_pause(uow, pause.marking_pause_id)
    with unit_of_work(leader) as uow:
        marking_standards.lift_pause(uow, pause.marking_pause_id)
    _attempt, done = mark_next(marker, sat, "5")
    assert done is None


def test_checks_come_unseen_among_live_answers_and_drift_pauses_the_marker(sat, markers, make_actor):
    leader, marker, _other = markers
    publish(make_actor, check_every=1, check_window=2, check_misses=2)
    for attempt in sat.attempts()[:2]:
        agree(leader, attempt, StandardKind.CHECK, "9")
    kinds = []
    for _ in range(4):
        _attempt, done = mark_next(marker, sat, "1")
        kinds.append(done is not None)
        assert done is None or done.agreed is None
    assert kinds == [False, True, False, True]
    assert marking.next_script(db.session(), marker, sat.key) is None
    row = db.session.get(ExamSession, sat.key)
    assert db.session.query(MarkingPause).one().kind is StandardKind.CHECK
    assert marking.next_script(db.session(), markers[2], sat.key) is not None
    assert all(not one.n_blocked for one in marking_plans.list_progress(db.session(), sat.officer, row))


def test_an_agreed_mark_is_the_candidate_s_mark_and_a_trial_is_never_asked_twice(sat, markers):
    leader, marker, other = markers
    for attempt in sat.attempts():
        agree(leader, attempt, StandardKind.CHECK, "6")
    assert db.session.get(ExamSession, sat.key).status is SessionStatus.SCORED
    attempt = sat.attempts()[0]
    with unit_of_work(marker) as uow:
        assert marking.give_trial(uow, attempt.attempt_id, TEXT, Typed("6")).is_hit
    with unit_of_work(marker) as uow:
        assert marking.give_trial(uow, attempt.attempt_id, TEXT, Typed("1")) is None
    with pytest.raises(ConflictError), unit_of_work(other) as uow:
        marking.give_mark(uow, attempt.attempt_id, TEXT, "1", n_seen=0)
    assert [one.score for one in db.session.query(MarkingTrial)] == [Decimal(6)]


def test_only_the_leader_of_the_item_agrees_marks_and_only_of_untouched_answers(
    sat, markers, make_actor, other_organisation
):
    leader, marker, _other = markers
    attempt = sat.attempts()[0]
    for person in (marker, sat.officer):
        with pytest.raises(ForbiddenError):
            agree(person, attempt, StandardKind.CHECK, "6")
    stranger = make_actor(Role.MARKER, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError):
        agree(stranger, attempt, StandardKind.CHECK, "6")
    with unit_of_work(marker) as uow:
        marking.give_mark(uow, attempt.attempt_id, TEXT, "5", n_seen=0)
    with pytest.raises(ConflictError, match="另选一份"):
        agree(leader, attempt, StandardKind.CHECK, "6")


def test_the_leader_picks_answers_and_lifts_pauses_on_the_pages(sat, markers, sign_in):
    from kernel.identity.models import User

    leader, marker, _other = (db.session.get(User, one.user_id) for one in markers)
    desk = sign_in(user=leader)
    overview = f"/marking/sessions/{sat.key}"
    form_id = sat.attempts()[0].form_id
    address = f"/marking/standards/{sat.key}/{form_id}/{TEXT}"
    assert address in desk.get(overview).text
    page = desk.get(address).text
    assert "先采集，再标注。" in page
    assert "演示考生" not in page
    offered = page.split('name="attempt_id" value="')[1].split('"')[0]
    assert desk.post(address, data={"attempt_id": offered, "kind": "training", "score": "99"}).status_code == 422
    done = desk.post(address, data={"attempt_id": offered, "kind": "training", "score": "8", "reason": "要点齐"})
    assert done.status_code == 303
    clerk = sign_in(user=marker)
    assert clerk.get(address).status_code == 403
    first = clerk.get(f"/marking/{sat.key}").headers["Location"]
    assert "这是培训答案" in clerk.get(first).text
    assert clerk.post(f"{first}/draft", data={"score": "1"}).json["state"] == "saved"
    told = clerk.post(first, data={"score": "1"}, follow_redirects=True).text
    assert "定标分 8 分，相差过大" in told
    pause = db.session.query(MarkingPause).one()
    assert "培训 1 份中评准 0 份" in desk.get(overview).text
    assert "暂停的阅卷员" in desk.get("/").text
    assert "暂停的阅卷员" not in clerk.get("/").text
    lift = f"/marking/standards/pauses/{pause.marking_pause_id}"
    assert desk.post(lift, data={"exam_session_id": str(sat.key)}).status_code == 303
    db.session.expire_all()
    assert db.session.query(MarkingPause).one().lifted_by == leader.user_id
