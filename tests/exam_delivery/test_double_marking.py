"""Two independent marks, a tolerance, a third person, and who is held up by what."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exam_delivery.models import ExamSession, Mark, MarkingDesk, MarkingPlan, ScoreStatus, SessionStatus
from exam_delivery.repository import scores as scores_repository
from exam_delivery.rules.marking import (
    DisputeRule,
    FinalRule,
    FlagKind,
    GivenMark,
    MarkingMethod,
    MarkRule,
    MarkState,
    parse_criteria,
    resolve,
)
from exam_delivery.services import marking, marking_desks, marking_plans
from exam_delivery.services.marking_plans import PlanChoice
from kernel import profiles
from kernel.clock import shifted, today
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.exam_delivery.world import ALL_RIGHT

TEXT = 11
DOUBLE = MarkRule(MarkingMethod.DOUBLE, Decimal(1), FinalRule.MEAN, DisputeRule.THIRD)
ONE, TWO, THREE = (uuid.UUID(int=n) for n in (1, 2, 3))


@pytest.fixture
def sat(world):
    """Two people who wrote a text of the same form."""
    with unit_of_work(world.officer) as uow:
        row = uow.session.get(ExamSession, world.key)
        row.form_ids = row.form_ids[:1]
    world.register(2)
    world.arrange()
    world.prepare()
    world.open()
    db.session.expire_all()
    for attempt in world.attempts():
        world.sit(ALL_RIGHT | {TEXT: '["先采集，再标注。"]'}, attempt)
    world.close_and_score()
    return world


@pytest.fixture
def markers(make_actor):
    return [make_actor(Role.MARKER, name=f"阅卷{name}") for name in "甲乙丙"]


def plan(world, rule=DOUBLE, *, leader=None, quotas=None, by=None):
    items = {one.item for one in progress(world)}
    with unit_of_work(by or world.officer) as uow:
        marking_plans.save_plan(uow, world.key, sorted(items), PlanChoice(rule, leader, quotas or {}))
    db.session.expire_all()


def give(actor, attempt, score, **kwargs):
    with unit_of_work(actor) as uow:
        mark = marking.give_mark(uow, attempt.attempt_id, TEXT, score, n_seen=kwargs.pop("n_seen", 0), **kwargs)
    db.session.expire_all()
    return mark


def newest(attempt):
    return scores_repository.newest_records(db.session(), [attempt.attempt_id])[attempt.attempt_id]


def progress(world):
    row = db.session.get(ExamSession, world.key)
    return marking_plans.list_progress(db.session(), world.officer, row)


def stuck(world):
    return [one.reason % one.params for item in progress(world) for one in item.stuck]


def test_two_marks_within_the_tolerance_give_their_mean_and_the_score_names_both(sat, markers):
    plan(sat)
    attempt = sat.attempts()[0]
    first = give(markers[0], attempt, "7")
    assert newest(attempt).status is ScoreStatus.NEEDS_MARKING
    second = give(markers[1], attempt, "8")
    record = newest(attempt)
    assert (record.status, record.score) == (ScoreStatus.COMPLETE, Decimal("17.5"))
    slot = scores_repository.slot_scores(db.session(), record.score_record_id)[-1]
    assert sorted(slot.mark_ids) == sorted([str(first.mark_id), str(second.mark_id)])


def test_marks_too_far_apart_wait_for_the_leader_who_sees_both_and_decides(sat, markers):
    leader = markers[2]
    plan(sat, leader=leader.user_id)
    attempt = sat.attempts()[0]
    give(markers[0], attempt, "2")
    give(markers[1], attempt, "9")
    assert newest(attempt).status is ScoreStatus.NEEDS_MARKING
    assert stuck(sat) == ["等待阅卷组长 阅卷丙 裁定"]
    shown = marking.get_script(db.session(), leader, attempt.attempt_id, TEXT)
    assert sorted(mark.score for mark in shown.others) == [2, 9]
    decision = give(leader, attempt, "6.5")
    assert decision.is_final
    assert newest(attempt).score == Decimal("16.5")
    assert db.session.query(Mark).count() == 3
    with pytest.raises(ConflictError, match="已经裁定"):
        give(markers[0], attempt, "3", n_seen=1)


def test_a_marker_never_sees_or_marks_an_answer_twice(sat, markers):
    plan(sat)
    attempt = sat.attempts()[0]
    give(markers[0], attempt, "7")
    shown = marking.get_script(db.session(), markers[1], attempt.attempt_id, TEXT)
    assert (shown.others, shown.own_mark) == ((), None)
    for _ in range(2):
        place = marking.next_script(db.session(), markers[0], sat.key)
        if place is None:
            break
        give(markers[0], next(one for one in sat.attempts() if one.attempt_id == place[0]), "5")
    assert marking.next_script(db.session(), markers[0], sat.key) is None
    assert marking.list_queues(db.session(), markers[0])[0].n_others == 2


def test_who_marked_an_answer_may_not_decide_it_and_the_session_names_what_holds_it_up(sat, markers):
    leader = markers[1]
    quotas = {markers[0].user_id: None, leader.user_id: None}
    plan(sat, leader=leader.user_id, quotas=quotas)
    for attempt in sat.attempts():
        give(markers[0], attempt, "0")
        give(leader, attempt, "10")
    assert stuck(sat) == ["阅卷组长评过这份答案或已停用，请另派组长裁定"] * 2
    assert marking.next_script(db.session(), leader, sat.key) is None
    plan(sat, leader=markers[2].user_id, quotas=quotas)
    for attempt in sat.attempts():
        give(markers[2], attempt, "4")
    assert db.session.get(ExamSession, sat.key).status is SessionStatus.SCORED


def test_mending_a_mark_into_a_dispute_takes_the_score_back_until_somebody_decides(sat, markers):
    plan(sat)
    for attempt in sat.attempts():
        give(markers[0], attempt, "7")
        give(markers[1], attempt, "7")
    assert db.session.get(ExamSession, sat.key).status is SessionStatus.SCORED
    attempt = sat.attempts()[0]
    give(markers[0], attempt, "1", n_seen=1)
    assert newest(attempt).status is ScoreStatus.NEEDS_MARKING
    assert db.session.get(ExamSession, sat.key).status is SessionStatus.CLOSED
    assert stuck(sat) == ["等待第三名阅卷员裁定"]


def test_an_answer_that_somebody_has_open_goes_to_nobody_else_until_the_time_is_over(sat, markers):
    first, second = sat.attempts()
    with unit_of_work(markers[0]) as uow:
        marking_desks.save_draft(uow, first.attempt_id, TEXT, {})
    assert marking.next_script(db.session(), markers[1], sat.key) == (second.attempt_id, TEXT)
    with pytest.raises(ConflictError, match="已由他人领取"):
        give(markers[1], first, "5")
    with shifted(dt.timedelta(minutes=30)):
        give(markers[1], first, "5")


def test_a_draft_outlives_a_lost_claim_and_the_marker_is_told(sat, markers):
    attempt = sat.attempts()[0]
    draft = {"score": "6", "comment": "要点齐全", "criteria": []}
    with unit_of_work(markers[0]) as uow:
        assert marking_desks.save_draft(uow, attempt.attempt_id, TEXT, {})
        assert marking_desks.save_draft(uow, attempt.attempt_id, TEXT, draft)
    with shifted(dt.timedelta(minutes=30)):
        with unit_of_work(markers[1]) as uow:
            assert marking_desks.save_draft(uow, attempt.attempt_id, TEXT, {})
        with unit_of_work(markers[0]) as uow:
            assert not marking_desks.save_draft(uow, attempt.attempt_id, TEXT, draft | {"score": "7"})
        with pytest.raises(ConflictError, match="草稿已保留"):
            give(markers[0], attempt, "7")
    kept = db.session.get(MarkingDesk, (attempt.attempt_id, TEXT, markers[0].user_id))
    assert kept.draft == draft | {"score": "7"}


def test_an_own_mark_can_be_changed_only_for_the_time_that_the_profile_allows(sat, markers):
    attempt = sat.attempts()[0]
    give(markers[0], attempt, "5")
    with shifted(dt.timedelta(minutes=121)), pytest.raises(ConflictError, match="120 分钟"):
        give(markers[0], attempt, "6", n_seen=1)


def test_a_quota_ends_a_marker_s_queue_and_the_rest_is_named(sat, markers):
    plan(sat, MarkRule(), quotas={markers[0].user_id: 1})
    assert marking.next_script(db.session(), markers[1], sat.key) is None
    give(markers[0], sat.attempts()[0], "5")
    assert marking.next_script(db.session(), markers[0], sat.key) is None
    assert stuck(sat) == ["指定的阅卷员定额已满或都评过，请增加阅卷员或定额"]
    with pytest.raises(ConflictError, match="不由您评分"):
        give(markers[2], sat.attempts()[1], "5")


def test_what_cannot_be_read_goes_to_the_leader_and_comes_back_to_nobody_else(sat, markers):
    leader = markers[2]
    plan(sat, leader=leader.user_id)
    attempt = sat.attempts()[0]
    with unit_of_work(markers[0]) as uow:
        marking_desks.hand_over(uow, attempt.attempt_id, TEXT, FlagKind.UNREADABLE, "字迹模糊")
    with pytest.raises(ConflictError, match="不由您评分"):
        give(markers[1], attempt, "5")
    assert marking.get_script(db.session(), leader, attempt.attempt_id, TEXT).flags[0].text == "字迹模糊"
    give(leader, attempt, "3")
    assert newest(attempt).score == Decimal(13)


def test_the_first_mark_fixes_how_an_item_is_marked(sat, markers):
    attempt = sat.attempts()[0]
    give(markers[0], attempt, "5")
    fixed = db.session.query(MarkingPlan).filter_by(form_id=attempt.form_id).one()
    assert fixed.method is MarkingMethod.SINGLE
    with pytest.raises(ConflictError, match="已经开始阅卷"):
        plan(sat)
    plan(sat, fixed_rule := MarkRule(tolerance=fixed.tolerance), leader=markers[2].user_id)
    assert {one.plan.leader_id for one in progress(sat)} == {markers[2].user_id}
    assert all(one.plan.rule == fixed_rule for one in progress(sat))


def test_a_province_may_ask_for_two_marks_everywhere_and_for_a_plan_first(sat, markers, make_actor):
    admin = make_actor(Role.ORGANISATION_ADMIN)
    with unit_of_work(admin) as uow:
        profiles.publish(
            uow, {"marking.method": "双评", "marking.plan_first": True, "marking.tolerance_share": 0.2},
            effective_on=today(),
        )  # fmt: skip
    assert marking.next_script(db.session(), markers[0], sat.key) is None
    assert set(stuck(sat)) == {"还没有保存阅卷安排"}
    rule = progress(sat)[0].plan.rule
    assert (rule.n_needed, rule.tolerance) == (2, Decimal(2))
    plan(sat, rule)
    assert marking.next_script(db.session(), markers[0], sat.key) is not None


def test_only_the_officer_and_the_leader_see_and_set_the_plan_of_their_organisation(
    sat, markers, make_actor, other_organisation
):
    with pytest.raises(ForbiddenError):
        plan(sat, by=markers[0])
    plan(sat, leader=markers[0].user_id)
    plan(sat, leader=markers[0].user_id, quotas={markers[1].user_id: None, markers[2].user_id: 5}, by=markers[0])
    stranger = make_actor(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError):
        plan(sat, by=stranger)
    outsider = make_actor(Role.MARKER, organisation_id=other_organisation.organisation_id)
    with pytest.raises(InvalidInputError, match="本机构"):
        plan(sat, leader=outsider.user_id)
    with pytest.raises(NotFoundError), unit_of_work(outsider) as uow:
        marking_desks.save_draft(uow, sat.attempts()[0].attempt_id, TEXT, {})


def test_marks_of_scoring_points_add_up_and_a_total_that_differs_is_refused(sat, markers):
    attempt = sat.attempts()[0]
    with pytest.raises(InvalidInputError, match="不一致"):
        give(markers[0], attempt, "9", criteria=["3", "5"])
    with pytest.raises(InvalidInputError, match="每个评分点"):
        give(markers[0], attempt, "", criteria=["3", ""])
    mark = give(markers[0], attempt, "", criteria=["3", "4.5"])
    assert (mark.score, mark.criteria) == (Decimal("7.5"), ["3", "4.5"])


@pytest.mark.parametrize("texts", [["6", "1"], ["1", "-1"], ["0.3", "1"]])
def test_a_point_outside_its_range_is_refused_and_named(texts):
    with pytest.raises(InvalidInputError) as refused:
        parse_criteria(texts, [Decimal(5), Decimal(5)])
    assert len(refused.value.fields) == 1


SCORES = st.decimals(0, 10, places=1)


@given(SCORES, SCORES, SCORES, st.sampled_from(list(DisputeRule)), st.sampled_from(list(FinalRule)))
def test_what_counts_lies_between_the_marks_and_does_not_depend_on_who_came_first(one, two, third, dispute, final):
    rule = MarkRule(MarkingMethod.DOUBLE, Decimal(2), final, dispute)
    pair = [GivenMark(1, ONE, one), GivenMark(2, TWO, two)]
    swapped = [GivenMark(1, TWO, two), GivenMark(2, ONE, one)]
    found = resolve(pair, rule)
    assert found.score == resolve(swapped, rule).score
    assert (found.state is MarkState.DISPUTED) == (abs(one - two) > 2)
    if found.score is not None:
        assert min(one, two) <= found.score <= max(one, two)
    decided = resolve([*pair, GivenMark(3, THREE, third, is_final=True)], rule)
    assert decided.state is MarkState.SETTLED
    assert min(one, two, third) <= decided.score <= max(one, two, third)


def test_a_decision_is_weighed_against_the_two_if_so_ruled_but_a_score_check_stands_above_them():
    rule = MarkRule(MarkingMethod.DOUBLE, Decimal(1), FinalRule.MEAN, DisputeRule.CLOSEST)
    far = [GivenMark(1, ONE, Decimal(2)), GivenMark(2, TWO, Decimal(8))]
    decision = GivenMark(3, THREE, Decimal(7), is_final=True)
    assert resolve([*far, decision], rule).score == Decimal("7.5")
    checked = GivenMark(4, uuid.UUID(int=4), Decimal(5), is_final=True)
    assert resolve([*far, decision, checked], rule).score == 5
    near = [GivenMark(1, ONE, Decimal(7)), GivenMark(2, TWO, Decimal(8))]
    assert resolve([*near, GivenMark(3, THREE, Decimal(5), is_final=True)], rule).score == 5


def test_the_pages_set_a_plan_show_what_waits_and_keep_drafts(sat, sign_in, make_user):
    leader, clerk = make_user(Role.MARKER, name="阅卷组长甲"), make_user(Role.MARKER, name="阅卷员乙")
    officer = sign_in(Role.EXAM_OFFICER)
    assert "阅卷安排与进度" in officer.get(f"/exam-sessions/{sat.key}").text
    overview = f"/marking/sessions/{sat.key}"
    assert "全体阅卷员" in officer.get(overview).text
    attempt = sat.attempts()[0]
    address = f"{overview}/items/{attempt.form_id}/{TEXT}"
    wrong = officer.post(address, data={"method": "double", "tolerance": "abc"})
    assert (wrong.status_code, "百分比" in wrong.text) == (422, True)
    data = {"method": "double", "tolerance": "10%", "leader": str(leader.user_id), "all_items": "1"}
    assert officer.post(address, data=data).status_code == 303
    db.session.expire_all()
    assert {one.tolerance for one in db.session.query(MarkingPlan)} == {Decimal(1)}
    assert "阅卷组长甲" in officer.get(overview).text
    desk = sign_in(user=clerk)
    assert desk.get(overview).status_code == 403
    script = f"/marking/answers/{attempt.attempt_id}/{TEXT}"
    assert "第 1 点" in desk.get(script).text
    saved = desk.post(f"{script}/draft", data={"criterion": ["3", "4"], "comment": "写得清楚"}).json
    assert saved["state"] == "saved"
    assert "写得清楚" in desk.get(script).text
    assert "写得清楚" in desk.get("/marking/").text
    assert desk.post(f"{script}/flag", data={"flag_kind": "other"}).status_code == 422
    assert desk.post(f"{script}/flag", data={"flag_kind": "unreadable"}).status_code == 303
    assert "等待阅卷组长" in sign_in(user=leader).get(overview).text
