"""Assessors' groups: odd and large enough, kept apart from relatives, each alone, one result, signed by everybody."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from certification.models import AssessmentState, AssessorSheet, ComponentScore
from certification.repository import panels as repository
from certification.rules import panel_scoring as rules
from certification.rules.panel_scoring import GroupRule, group_outcome, read_criteria, review_criteria, sheet_text
from certification.rules.pass_decision import AssessmentMode, ResultState
from certification.services import batches, decisions, panel_changes, panel_groups, panel_sheets, scores
from certification.services.panel_groups import GroupPlan
from certification.services.panel_sheets import Typed
from kernel import profiles
from kernel.conflicts import ConflictOfInterestError, RelationKind
from kernel.conflicts.services import Declaration, declare_relation
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.factories.certification import OCCUPATION, candidate, id_number

SKILLS, REVIEW = AssessmentMode.SKILLS, AssessmentMode.COMPREHENSIVE_REVIEW
SHEET = "# 准备\n工具齐全 | 20\n# 操作\n步骤规范 | 50\n质量 | 30\n违反安全规程 | -20"
REASON = "三人观看录像后一致同意"


def act(actor, verb, *args, **kwargs):
    db.session().expire_all()
    with unit_of_work(actor) as uow:
        return verb(uow, *args, **kwargs)


def set_rules(make_actor, **values):
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        profiles.publish(uow, values, effective_on=dt.date(2020, 1, 1), note="考评规则")


class House:
    """A batch, three assessors and a group of theirs."""

    def __init__(self, office, make_actor, *, level="3", people=(1, 2), mode=SKILLS):
        self.office, self.mode = office, mode
        self.assessors = [make_actor(Role.ASSESSOR, name=name) for name in ("考评甲", "考评乙", "考评丙")]
        self.leader = self.assessors[0]
        results = [candidate(n, score="80") for n in people]
        self.batch_id = office.receive(results, level_code=level)[1]
        if mode is SKILLS:
            self.save_template(level)

    def save_template(self, level="3", text=SHEET):
        return self.office.act(
            panel_groups.save_template, occupation_code=OCCUPATION[0], level_code=level, mode=SKILLS, name="技能评分表", text=text
        )  # fmt: skip

    def plan(self, name="第一组", members=None, leader=None):
        people = self.assessors if members is None else members
        return GroupPlan(
            self.mode, name, "实训楼 101", [one.user_id for one in people], (leader or self.leader).user_id
        )

    def set_up(self, **changes):
        group = self.office.act(panel_groups.set_up, self.batch_id, self.plan(**changes))
        return group.assessor_group_id

    def assign(self, group_id, first=99, n_stations=0):
        return self.office.act(panel_groups.assign, group_id, first=first, n_stations=n_stations)

    def tasks(self):
        db.session().expire_all()
        rows = repository.list_assessments(db.session(), self.batch_id)
        return {record.admission_number[-4:].lstrip("0"): task for task, record in rows}

    def submit(self, key, *marks, **changes):
        """Let all three hand in; `marks` is one list of marks an assessor."""
        for actor, own in zip(self.assessors, marks, strict=True):
            task = self.tasks()[key]
            act(actor, panel_sheets.submit_sheet, task.assessment_id, self.typed(actor, task, own, **changes))

    def typed(self, actor, task, marks, **changes):
        own = repository.own_sheets(db.session(), [task.assessment_id], actor=actor).get(
            (task.assessment_id, task.round)
        )
        return Typed(marks, round=task.round, revision=own.revision if own else 0, **changes)

    def sign(self, key, number=1, assessors=None):
        task = self.tasks()[key]
        people = assessors or self.assessors
        return [act(actor, panel_sheets.sign, task.assessment_id, number=number) for actor in people]

    def counting(self):
        names = {one.result_record_id: key for key, one in self.office.records(self.batch_id).items()}
        rows = db.session.query(ComponentScore).filter_by(mode=self.mode).all()
        return sorted(
            (names[one.result_record_id], one.number, scores.entered_text(one), one.origin.value) for one in rows
        )


@pytest.fixture
def house(office, make_actor):
    return House(office, make_actor)


@pytest.fixture
def ready(house):
    group_id = house.set_up()
    house.assign(group_id, n_stations=2)
    return house


def marks(total):
    """Return marks of the sheet that add up to a total of at most 50 in one line."""
    return ["20", total, "10", ""]


def test_totals_are_exact_and_the_result_is_rounded_once():
    thirds = [Decimal("80.5"), Decimal("85.5"), Decimal(86)]
    assert group_outcome(thirds, GroupRule(False, Decimal(10), Decimal("0.01"))).score == Decimal("84.00")
    half = [Decimal("80.1"), Decimal("80.2")]
    assert group_outcome(half, GroupRule(False, Decimal(10), Decimal("0.1"))).score == Decimal("80.2")
    five = [Decimal(n) for n in (10, 70, 80, 81, 100)]
    outcome = group_outcome(five, GroupRule(True, Decimal(10), Decimal(1)))
    assert (outcome.score, outcome.spread, outcome.is_disputed) == (Decimal(77), Decimal(90), True)
    at_limit = group_outcome([Decimal(70), Decimal(80)], GroupRule(False, Decimal(10), Decimal(1)))
    assert not at_limit.is_disputed


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("步骤", "第 1 行"),
        ("步骤 | 60", "合计应为 100"),
        ("# 操作", "1 至"),
        ("# 操作\n步骤 | 100\n违规 | -0", "第 3 行"),
    ],
)
def test_a_sheet_that_cannot_be_scored_by_is_refused_with_its_line(text, told):
    with pytest.raises(InvalidInputError, match=told):
        read_criteria(text)


def test_a_sheet_reads_back_as_it_was_written_and_weights_add_up_to_a_hundred():
    assert sheet_text(read_criteria(SHEET)) == SHEET
    with pytest.raises(InvalidInputError, match="合计应为 100"):
        review_criteria({rules.REVIEW_CRITERIA: "论文=60，答辩=30"})
    with pytest.raises(InvalidInputError, match="名称=权重"):
        review_criteria({rules.REVIEW_CRITERIA: "论文"})
    criteria = review_criteria({rules.REVIEW_CRITERIA: "论文=33,答辩=33,业绩=34"})
    assert rules.sheet_total(criteria, ["85.5", "70.5", "90"]) == Decimal("82.08")


def test_a_group_is_odd_has_three_at_least_and_a_leader_of_its_own(house, make_actor):
    fourth = make_actor(Role.ASSESSOR, name="考评丁")
    stranger = make_actor(Role.EDITOR, name="题库员")
    for members, told in ((house.assessors[:2], "至少 3 人"), ([*house.assessors, fourth], "单数")):
        with pytest.raises(InvalidInputError, match=told):
            house.set_up(members=members)
    with pytest.raises(InvalidInputError, match="至少 3 人"):
        house.set_up(members=[*house.assessors[:2], stranger])
    with pytest.raises(InvalidInputError, match="指定组长"):
        house.set_up(leader=fourth)
    set_rules(make_actor, **{rules.PANEL_ODD: False})
    house.set_up(members=[*house.assessors, fourth])
    with pytest.raises(ConflictError, match="同名"):
        house.set_up()
    with pytest.raises(ForbiddenError):
        act(house.leader, panel_groups.set_up, house.batch_id, house.plan(name="自己的组"))


def test_without_a_sheet_there_is_no_group(office, make_actor):
    house = House(office, make_actor, level="4", mode=REVIEW)
    house.mode = SKILLS
    with pytest.raises(InvalidInputError, match="还没有评分表"):
        house.set_up()
    house.save_template("3")
    with pytest.raises(InvalidInputError, match="还没有评分表"):
        house.set_up()
    assert house.save_template("4").number == 1
    assert house.save_template("4").number == 2
    house.set_up()
    house.mode = REVIEW
    with pytest.raises(InvalidInputError, match="没有这个由考评组评分"):
        house.set_up()


def test_a_relative_is_left_for_another_group_and_a_late_declaration_stops_the_assessor(office, make_actor):
    house = House(office, make_actor, people=(1, 2, 3))
    kin = Declaration(RelationKind.KIN, other_number=id_number(2))
    act(house.assessors[1], declare_relation, kin)
    group_id = house.set_up()
    found = house.assign(group_id, n_stations=2)
    assert (found.n_assigned, [one.rule.rule_id for one in found.refused]) == (2, ["COI-60"])
    assert {key: one.workstation for key, one in house.tasks().items()} == {"1": "01", "3": "02"}
    others = [make_actor(Role.ASSESSOR, name=f"二组{n}") for n in range(3)]
    second = house.set_up(name="第二组", members=others, leader=others[0])
    assert house.assign(second).n_assigned == 1
    taught = Declaration(RelationKind.TRAINER, other_number=id_number(1))
    act(house.assessors[2], declare_relation, taught)
    task = house.tasks()["1"]
    with pytest.raises(ConflictOfInterestError, match="COI-61"):
        act(house.assessors[2], panel_sheets.save_sheet, task.assessment_id, Typed(marks("40")))
    with pytest.raises(ConflictOfInterestError):
        panel_sheets.open_desk(db.session(), task.assessment_id, actor=house.assessors[2])
    assert list(panel_groups.blocked(db.session(), office.batch(house.batch_id))) == [task.assessment_id]
    office.act(panel_groups.move, task.assessment_id, second, reason="考评员培训过考生")
    assert panel_groups.blocked(db.session(), office.batch(house.batch_id)) == {}
    with pytest.raises(ConflictOfInterestError):
        office.act(panel_groups.move, house.tasks()["2"].assessment_id, group_id, reason="换回第一组试试")
    with pytest.raises(ForbiddenError, match="不是这个考评组"):
        act(house.leader, panel_sheets.save_sheet, task.assessment_id, Typed(marks("40"), round=2))


def test_three_near_marks_give_their_mean_which_counts_when_all_have_signed(ready):
    task = ready.tasks()["1"]
    first, second, third = ready.assessors
    for actor, mark in ((first, "50"), (second, "48")):
        act(actor, panel_sheets.submit_sheet, task.assessment_id, ready.typed(actor, task, marks(mark)))
    desk = panel_sheets.open_desk(db.session(), task.assessment_id, actor=third)
    assert (desk.n_submitted, len(desk.sheets), desk.results) == (2, 0, [])
    with pytest.raises(InvalidInputError, match="还有 1 项") as caught:
        act(third, panel_sheets.submit_sheet, task.assessment_id, Typed(["20", "", "10", ""]))
    assert list(caught.value.fields) == ["mark-2"]
    act(third, panel_sheets.submit_sheet, task.assessment_id, Typed(["20", "50", "30", "15"]))
    desk = panel_sheets.open_desk(db.session(), task.assessment_id, actor=third)
    assert sorted(one.total for one in desk.sheets) == [Decimal(78), Decimal(80), Decimal(85)]
    assert (desk.task.state, desk.results[0].score, desk.results[0].method) == (
        AssessmentState.SIGNING,
        Decimal(81),
        "mean",
    )
    with pytest.raises(ConflictError, match="核对后再签字"):
        act(first, panel_sheets.sign, task.assessment_id, number=2)
    assert ready.sign("1", assessors=[first, first, second]) == [False, False, False]
    assert ready.counting() == []
    assert ready.sign("1", assessors=[third]) == [True]
    assert ready.counting() == [("1", 1, "81", "panel")]


def test_a_wide_spread_waits_for_the_leader_who_says_why(ready):
    ready.submit("1", marks("20"), marks("45"), marks("50"))
    task = ready.tasks()["1"]
    assert task.state is AssessmentState.DISPUTED
    place = (task.assessment_id,)
    with pytest.raises(ForbiddenError, match="组长"):
        act(ready.assessors[1], panel_sheets.resolve, *place, text="75", reason=REASON)
    for text, reason, field in (
        ("75", "", "reason"),
        ("90", REASON, "score"),
        ("49", REASON, "score"),
        ("作废", REASON, "score"),
    ):
        with pytest.raises(InvalidInputError) as caught:
            act(ready.leader, panel_sheets.resolve, *place, text=text, reason=reason)
        assert list(caught.value.fields) == [field]
    act(ready.leader, panel_sheets.resolve, *place, text="74.5", reason=REASON)
    with pytest.raises(ConflictError, match="没有需要合议"):
        act(ready.leader, panel_sheets.resolve, *place, text="75", reason=REASON)
    assert ready.sign("1") == [False, False, True]
    assert ready.counting() == [("1", 1, "74.5", "panel")]


def test_two_windows_of_one_assessor_do_not_overwrite_each_other_and_a_repeat_is_harmless(ready):
    task = ready.tasks()["1"].assessment_id
    actor = ready.assessors[1]
    assert act(actor, panel_sheets.save_sheet, task, Typed(marks("40"))).revision == 1
    assert act(actor, panel_sheets.save_sheet, task, Typed(marks("40"))).revision == 1
    with pytest.raises(ConflictError, match="另一个窗口"):
        act(actor, panel_sheets.save_sheet, task, Typed(marks("45")))
    with pytest.raises(InvalidInputError, match="有误"):
        act(actor, panel_sheets.save_sheet, task, Typed(marks("51"), revision=1))
    assert act(actor, panel_sheets.save_sheet, task, Typed(marks("45"), revision=1)).revision == 2
    act(actor, panel_sheets.submit_sheet, task, Typed(marks("45"), revision=2))
    act(actor, panel_sheets.submit_sheet, task, Typed(marks("45"), revision=2))
    with pytest.raises(ConflictError, match="已提交"):
        act(actor, panel_sheets.save_sheet, task, Typed(marks("50"), revision=2))
    row = db.session.query(AssessorSheet).one()
    assert (row.total, row.marks, row.revision) == (Decimal(75), marks("45"), 2)


def test_a_signed_score_changes_only_by_a_new_round_with_a_reason(ready):
    ready.submit("1", marks("45"), marks("45"), marks("48"))
    ready.sign("1")
    task = ready.tasks()["1"].assessment_id
    with pytest.raises(ForbiddenError):
        act(ready.leader, panel_sheets.score_again, task, reason="漏扣了安全分")
    with pytest.raises(InvalidInputError):
        ready.office.act(panel_sheets.score_again, task, reason="错")
    ready.office.act(panel_sheets.score_again, task, reason="漏扣了安全分，全组重评")
    assert ready.counting() == [("1", 1, "76", "panel")]
    ready.office.act(batches.check_batch, ready.batch_id)
    with pytest.raises(ConflictError, match="签字确认"):
        ready.office.act(decisions.decide_batch, ready.batch_id)
    with pytest.raises(ConflictError, match="新一轮"):
        act(ready.leader, panel_sheets.save_sheet, task, Typed(marks("45"), round=1, revision=1))
    ready.submit("1", *([["20", "45", "10", "5"]] * 3))
    ready.sign("1", number=2)
    assert ready.counting() == [("1", 1, "76", "panel"), ("1", 2, "70", "panel")]
    ready.office.act(decisions.decide_batch, ready.batch_id)
    with pytest.raises(ConflictError, match="已锁定"):
        act(ready.leader, panel_sheets.save_sheet, ready.tasks()["2"].assessment_id, Typed(marks("45")))


def test_all_say_absent_or_the_leader_clears_it_up(ready):
    ready.submit("1", *([["", "", "", ""]] * 3), is_absent=True)
    ready.sign("1")
    assert ready.counting() == [("1", 1, "缺考", "panel")]
    task = ready.tasks()["2"]
    for actor, is_absent in zip(ready.assessors, (True, False, False), strict=True):
        act(actor, panel_sheets.submit_sheet, task.assessment_id, Typed(marks("45"), is_absent=is_absent))
    assert ready.tasks()["2"].state is AssessmentState.DISPUTED
    act(ready.leader, panel_sheets.score_again, task.assessment_id, reason="甲误点了缺考，重评")
    ready.submit("2", *([marks("45")] * 3))
    assert ready.tasks()["2"].state is AssessmentState.SIGNING


def test_what_a_group_scores_nobody_types_or_marks_absent(ready):
    people = ready.office.records(ready.batch_id)
    typed = {(people[key].result_record_id, SKILLS): "99" for key in ("1", "2")}
    assert ready.office.act(scores.type_scores, ready.batch_id, typed) == 0
    assert ready.office.act(scores.mark_missing_absent, ready.batch_id) == 0
    assert ready.counting() == []


def test_a_review_counts_by_weights_or_by_vote_as_the_profile_says(office, make_actor):
    set_rules(make_actor, **{rules.REVIEW_CRITERIA: "论文=40,答辩=60", rules.REVIEW_VOTE: 67})
    house = House(office, make_actor, level="2", people=(1, 2), mode=REVIEW)
    house.assign(house.set_up())
    for key, votes in (("1", (True, True, True)), ("2", (True, True, False))):
        task = house.tasks()[key]
        for actor, vote in zip(house.assessors, votes, strict=True):
            typed = Typed(["90", "50"])
            with pytest.raises(InvalidInputError):
                act(actor, panel_sheets.submit_sheet, task.assessment_id, typed)
            act(actor, panel_sheets.submit_sheet, task.assessment_id, Typed(["90", "50"], vote=vote))
        house.sign(key)
    assert house.counting() == [("1", 1, "认可", "panel"), ("2", 1, "0", "panel")]
    sheet = db.session.query(AssessorSheet).first()
    assert sheet.total == Decimal(66)
    task = house.tasks()["2"]
    result = repository.results_of(db.session(), [task.assessment_id])[task.assessment_id][0]
    assert (result.method, result.n_for, result.state) == ("vote", 2, ResultState.SCORED)


def test_who_drops_out_is_replaced_and_only_who_is_not_signed_is_judged_anew(ready, make_actor):
    first, second, third = ready.assessors
    ready.submit("1", marks("40"), marks("41"), marks("42"))
    ready.sign("1")
    for actor, total in ((first, "30"), (second, "31")):
        task = ready.tasks()["2"]
        act(actor, panel_sheets.submit_sheet, task.assessment_id, ready.typed(actor, task, marks(total)))
    (group,) = repository.list_groups(db.session(), ready.batch_id)
    new = make_actor(Role.ASSESSOR, name="考评丁")

    def replace(leaving=first, joining=new, leader=None, reason="突发疾病，不能继续考评"):
        key = leader.user_id if leader else None
        return ready.office.act(
            panel_changes.replace_member, group.assessor_group_id, leaving=leaving.user_id, joining=joining.user_id,
            leader=key, reason=reason,
        )  # fmt: skip

    for wrong, field in (
        ({"reason": "病"}, "reason"), ({"leaving": new}, "leaving"), ({"joining": second}, "joining"),  ({}, "successor"), ({"leader": first}, "successor"),
    ):  # fmt: skip
        with pytest.raises(InvalidInputError) as caught:
            replace(**wrong)
        assert list(caught.value.fields) == [field]
    with pytest.raises(ForbiddenError):
        act(
            second, panel_changes.replace_member, group.assessor_group_id, leaving=first.user_id, joining=new.user_id,
            leader=second.user_id, reason="突发疾病，不能继续考评",
        )  # fmt: skip
    replace(leader=second)
    tasks = ready.tasks()
    assert (tasks["1"].state, tasks["1"].round) == (AssessmentState.SIGNED, 1)
    assert (tasks["2"].state, tasks["2"].round) == (AssessmentState.OPEN, 2)
    assert "考评员更换：考评甲 由 考评丁 接替（突发疾病，不能继续考评）" in tasks["2"].round_reason
    with pytest.raises(ForbiddenError):
        panel_sheets.open_desk(db.session(), tasks["2"].assessment_id, actor=first)
    assert panel_sheets.open_desk(db.session(), tasks["2"].assessment_id, actor=second).n_submitted == 1
    for actor, total in ((new, "35"), (third, "33")):
        task = ready.tasks()["2"]
        act(actor, panel_sheets.submit_sheet, task.assessment_id, ready.typed(actor, task, marks(total)))
    assert ready.sign("2", assessors=[new, second, third]) == [False, False, True]
    assert [row[:3] for row in ready.counting()] == [("1", 1, "71"), ("2", 1, "63")]
    old = db.session.query(AssessorSheet).filter_by(assessment_id=tasks["2"].assessment_id, user_id=first.user_id).all()
    assert [(one.round, one.total) for one in old] == [(1, Decimal(60))]
    with pytest.raises(InvalidInputError):
        replace(leaving=third, joining=first)


def test_a_successor_related_to_a_waiting_candidate_is_refused_and_nothing_changes(ready, make_actor):
    (group,) = repository.list_groups(db.session(), ready.batch_id)
    new = make_actor(Role.ASSESSOR, name="考评丁")
    with unit_of_work(new) as uow:
        declare_relation(uow, Declaration(RelationKind.KIN, other_number=id_number(2)))
    with pytest.raises(ConflictOfInterestError, match="考评丁"):
        ready.office.act(
            panel_changes.replace_member, group.assessor_group_id, leaving=ready.assessors[2].user_id, joining=new.user_id,
            reason="突发疾病，不能继续考评",
        )  # fmt: skip
    db.session.expire_all()
    members = repository.members_of(db.session(), [group.assessor_group_id])[group.assessor_group_id]
    assert {one.name for one in members} == {"考评甲", "考评乙", "考评丙"}


def test_minutes_are_the_leaders_and_do_not_overwrite_newer_ones(ready):
    task = ready.tasks()["1"]
    place = task.assessment_id
    with pytest.raises(ForbiddenError):
        act(ready.assessors[1], panel_sheets.write_minutes, place, "问：…", seen="")
    act(ready.leader, panel_sheets.write_minutes, place, "问：装配基准？\r\n答：…", seen="")
    with pytest.raises(ConflictError, match="另一个窗口"):
        act(ready.leader, panel_sheets.write_minutes, place, "别的", seen="")
    act(ready.leader, panel_sheets.write_minutes, place, "问：两个", seen="问：装配基准？\n答：…")
    assert ready.tasks()["1"].minutes == "问：两个"


def test_another_house_sees_and_does_nothing(ready, other_office, make_actor):
    task = ready.tasks()["1"]
    stranger = make_actor(Role.ASSESSOR, organisation_id=other_office.actor.organisation_id)
    for verb, rest in (
        (panel_sheets.save_sheet, {"typed": Typed(marks("40"))}), (panel_sheets.sign, {"number": 1}),
        (panel_sheets.score_again, {"reason": REASON}), (panel_sheets.resolve, {"text": "70", "reason": REASON}),
    ):  # fmt: skip
        with pytest.raises(NotFoundError):
            act(stranger, verb, task.assessment_id, **rest)
    with pytest.raises(NotFoundError):
        other_office.act(panel_groups.assign, task.assessor_group_id, first=1)
    with pytest.raises(NotFoundError):
        other_office.act(panel_groups.set_up, ready.batch_id, ready.plan(name="外来"))
