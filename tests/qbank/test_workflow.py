"""The workflow as data: sound definitions, versions, votes, required fields, blind review, deadlines, who is asked."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from kernel.clock import shifted
from kernel.conflicts import ConflictOfInterestError, RelationKind
from kernel.conflicts.services import Declaration, declare_relation
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.actor import Actor, permissions_of, system_actor
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank.models.workflow import Reminder
from qbank.repository import reviews as repository
from qbank.rules.items import ItemStatus
from qbank.rules.review import Decision, PastDecision
from qbank.rules.workflow import (
    APPROVED,
    DRAFT,
    STAGE,
    RequiredField,
    StageOptions,
    StageRule,
    VoteRule,
    default_stages,
    outcome,
    problems,
)
from qbank.rules.writing import WantedLine
from qbank.services import assignments, reminders, review_desk, reviews, workflows
from qbank.services import writing as writing_services
from qbank.services.writing import TaskPlan
from tests.factories.standards import make_level
from tests.qbank.item_bank import POINT, choice, make_draft, submit

A, B, C = (StageRule(name) for name in "甲乙丙")


def to(stage, decision, target):
    return replace(stage, targets={**stage.targets, decision: target})


def optional(stage):
    return replace(stage, options=replace(stage.options, is_required=False))


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([], "至少保留"),
        ([A, A], "同名"),
        ([StageRule("甲", quorum=0)], "1 到 9"),
        ([StageRule("甲", role=Role.INVIGILATOR)], "没有审核权限"),
        ([StageRule("甲", options=StageOptions(escalate_to=Role.EDITOR))], "填写期限"),
        ([StageRule("甲", options=StageOptions(days=0))], "1 到 90"),
        ([to(A, Decision.APPROVE, APPROVED), B], "没有通往"),
        ([to(A, Decision.RETURN, APPROVED)], "退回只能"),
        ([to(A, Decision.REJECT, APPROVED)], "不采用只能"),
        ([A, to(B, Decision.APPROVE, STAGE + "甲")], "通过后只能"),
        ([to(A, Decision.APPROVE, DRAFT)], "通过后只能"),
        ([A, to(B, Decision.APPROVE, STAGE + "无")], "通过后只能"),
        ([to(A, Decision.APPROVE, STAGE + "丙"), B, C], "没有通往"),
    ],
)
def test_an_unsound_workflow_is_named(stages, message):
    assert message in next(text for text, _context in problems(stages))


def test_a_required_stage_cannot_be_passed_by_even_if_an_optional_one_can():
    skipping = [to(A, Decision.APPROVE, STAGE + "丙"), to(B, Decision.RETURN, STAGE + "甲"), C]
    assert any("没有通往“乙”" in text % context for text, context in problems(skipping))
    assert problems(default_stages()) == []
    back = [A, to(B, Decision.RETURN, STAGE + "甲"), to(C, Decision.REJECT, DRAFT)]
    assert problems(back) == []


STAGE_ID, PEOPLE = uuid.uuid4(), [uuid.uuid4() for _ in range(5)]
YES, BACK, NO = Decision.APPROVE, Decision.RETURN, Decision.REJECT


@pytest.mark.parametrize(
    ("vote", "quorum", "votes", "expected"),
    [
        (VoteRule.UNANIMOUS, 2, [YES], None),
        (VoteRule.UNANIMOUS, 2, [YES, YES], YES),
        (VoteRule.UNANIMOUS, 2, [YES, BACK], BACK),
        (VoteRule.UNANIMOUS, 3, [NO], NO),
        (VoteRule.MAJORITY, 3, [BACK], None),
        (VoteRule.MAJORITY, 3, [BACK, YES], None),
        (VoteRule.MAJORITY, 3, [BACK, YES, YES], YES),
        (VoteRule.MAJORITY, 3, [YES, YES], YES),
        (VoteRule.MAJORITY, 3, [BACK, NO], BACK),
        (VoteRule.MAJORITY, 3, [NO, NO], NO),
        (VoteRule.MAJORITY, 4, [YES, YES, BACK, BACK], BACK),
    ],
)
def test_votes_decide_by_the_rule_of_the_stage(vote, quorum, votes, expected):
    past = [PastDecision(STAGE_ID, 1, who, one) for who, one in zip(PEOPLE, votes, strict=False)]
    other_round = [PastDecision(STAGE_ID, 2, PEOPLE[4], NO), PastDecision(uuid.uuid4(), 1, PEOPLE[4], NO)]
    assert outcome([*past, *other_round], stage_id=STAGE_ID, review_round=1, quorum=quorum, vote=vote) is expected


@pytest.fixture
def level_id(organisation):
    return make_level(organisation.organisation_id).standard_level_id


@pytest.fixture
def admin(make_actor):
    return make_actor(Role.ORGANISATION_ADMIN)


@pytest.fixture
def author(make_actor):
    return make_actor(Role.AUTHOR, name="命题人甲")


@pytest.fixture
def reviewers(make_actor):
    return [make_actor(Role.REVIEWER) for _ in range(3)]


def publish(admin, *stages, base=None):
    with unit_of_work(admin) as uow:
        return workflows.publish(uow, stages, base=base)


def submitted(author, level_id, **kwargs):
    item = make_draft(author, level_id, **kwargs)
    submit(author, item)
    return item


def decide(actor, item, decision=YES, comment=""):
    with unit_of_work(actor) as uow:
        return reviews.decide(
            uow, item.item_id, item_version_id=item.current_version_id, decision=decision, comment=comment
        )


def stage_name(session, item):
    return repository.stages_by_id(session, [item.workflow_stage_id])[item.workflow_stage_id].name


def test_items_under_review_finish_under_the_version_they_started_with(session, author, level_id, admin, reviewers):
    old = submitted(author, level_id, content=choice("旧流程（　）。"))
    publish(admin, StageRule("单审"))
    new = submitted(author, level_id, content=choice("新流程（　）。"))
    names = []
    for reviewer in reviewers:
        names.append(stage_name(session, old))
        decide(reviewer, old)
    decide(reviewers[0], new)
    assert names == ["初审", "复审", "终审"]
    assert old.status is new.status is ItemStatus.APPROVED
    numbers = [one.number for one in repository.list_definitions(session, admin.organisation)]
    assert numbers == [2, 1]


def test_a_stage_removed_later_still_decides_on_what_stands_in_it(session, author, level_id, admin, reviewers):
    item = submitted(author, level_id)
    first = repository.list_stages(session, admin.organisation)[0]
    with unit_of_work(admin) as uow:
        workflows.remove_stage(uow, first.workflow_stage_id)
    decide(reviewers[0], item)
    assert stage_name(session, item) == "复审"
    with pytest.raises(ConflictError, match="刚被他人修改"), unit_of_work(admin) as uow:
        workflows.remove_stage(uow, first.workflow_stage_id)


def test_two_administrators_do_not_overwrite_each_other(admin):
    publish(admin, A, base=0)
    with pytest.raises(ConflictError, match="刚被他人修改"):
        publish(admin, B, base=0)


def test_renaming_a_stage_keeps_the_transitions_that_lead_to_it(session, admin):
    publish(admin, A, to(B, Decision.RETURN, STAGE + "甲"))
    first = repository.list_stages(session, admin.organisation)[0]
    with unit_of_work(admin) as uow:
        workflows.update_stage(uow, first.workflow_stage_id, replace(A, name="初评"))
    rules = workflows.load(session, admin.organisation)
    assert rules[1].targets[Decision.RETURN] == STAGE + "初评"
    with unit_of_work(admin) as uow:
        row = repository.list_stages(session, admin.organisation)[0]
        workflows.remove_stage(uow, row.workflow_stage_id)
    assert workflows.load(session, admin.organisation)[0].targets[Decision.RETURN] == DRAFT


def test_only_administrators_publish_and_only_sound_workflows(admin, make_actor):
    with pytest.raises(ForbiddenError):
        publish(make_actor(Role.EDITOR), A)
    with pytest.raises(InvalidInputError, match="没有通往"):
        publish(admin, to(A, Decision.APPROVE, APPROVED), B)


def test_a_return_to_an_earlier_stage_starts_a_new_round_there(session, author, level_id, admin, reviewers):
    publish(admin, A, to(B, Decision.RETURN, STAGE + "甲"))
    item = submitted(author, level_id)
    decide(reviewers[0], item)
    decide(reviewers[1], item, BACK, "请初审再看")
    assert (stage_name(session, item), item.review_round, item.status) == ("甲", 2, ItemStatus.IN_REVIEW)
    decide(reviewers[0], item)
    assert stage_name(session, item) == "乙"


def test_a_rejection_can_lead_back_to_the_author(author, level_id, admin, reviewers):
    publish(admin, to(A, Decision.REJECT, DRAFT))
    item = submitted(author, level_id)
    decide(reviewers[0], item, NO, "重写")
    assert item.status is ItemStatus.DRAFT
    assert item.returned_at is not None


def test_one_return_does_not_stop_a_majority(author, level_id, admin, reviewers):
    publish(admin, StageRule("表决", quorum=3, options=StageOptions(vote=VoteRule.MAJORITY)))
    item = submitted(author, level_id)
    decide(reviewers[0], item, BACK, "有疑问")
    decide(reviewers[1], item)
    assert item.status is ItemStatus.IN_REVIEW
    decide(reviewers[2], item)
    assert item.status is ItemStatus.APPROVED


def test_a_stage_approves_only_what_has_the_required_fields(author, level_id, admin, reviewers):
    required = (RequiredField.EXPLANATION, RequiredField.SOURCE, RequiredField.COMMENT)
    publish(admin, StageRule("终审", options=StageOptions(required=required)))
    item = submitted(author, level_id)
    with pytest.raises(InvalidInputError, match="来源或依据、审核意见"):
        decide(reviewers[0], item)
    decide(reviewers[1], item, BACK, "补来源")
    whole = submitted(author, level_id, content=choice("另一题（　）。"), source="教材第 3 章")
    decide(reviewers[0], whole, YES, "准确")
    assert whole.status is ItemStatus.APPROVED


def test_blind_review_hides_author_and_votes_until_the_own_vote(
    session, author, level_id, admin, *, make_user, sign_in, reviewers
):
    blind = StageOptions(vote=VoteRule.MAJORITY, hides_author=True, hides_votes=True)
    publish(admin, StageRule("盲审", quorum=3, options=blind))
    item = submitted(author, level_id)
    decide(reviewers[0], item, BACK, "选项有歧义")
    user = make_user(Role.REVIEWER)
    client = sign_in(user=user)
    for address in (f"/reviews/{item.item_id}", f"/items/{item.item_id}?tab=reviews", f"/items/{item.item_id}"):
        page = client.get(address).text
        assert "选项有歧义" not in page
        assert author.name not in page
    listed = client.get("/items/").text
    assert item.code in listed
    assert author.name not in listed
    assert item.code not in client.get(f"/items/?author={author.user_id}").text
    actor = Actor(
        user.user_id, user.organisation_id, user.name, permissions_of([Role.REVIEWER]), frozenset({Role.REVIEWER})
    )
    decide(actor, item)
    assert "选项有歧义" in client.get(f"/items/{item.item_id}?tab=reviews").text
    assert [row.decision.comment for row in review_desk.visible_decisions(session, author, item)].count(
        "选项有歧义"
    ) == 1


def test_after_the_deadline_the_named_role_may_decide_and_is_reminded_once(
    session, author, level_id, admin, make_actor
):
    reviewer, editor = make_actor(Role.REVIEWER), make_actor(Role.EDITOR)
    publish(admin, StageRule("限时", options=StageOptions(days=5, escalate_to=Role.EDITOR)))
    item = submitted(author, level_id)
    assert review_desk.queue(session, editor) == []
    with pytest.raises(ForbiddenError, match="相应角色"):
        decide(editor, item)
    system = system_actor(author.organisation)
    with unit_of_work(system) as uow:
        assert reminders.remind(uow) == 0
    with shifted(timedelta(days=6)):
        assert [row.item.code for row in review_desk.queue(session, editor)] == [item.code]
        with unit_of_work(system) as uow:
            assert reminders.remind(uow) == 2
        with unit_of_work(system) as uow:
            assert reminders.remind(uow) == 0
        decide(editor, item)
    told = {row.user_id: row.message for row in session.query(Reminder)}
    assert set(told) == {reviewer.user_id, editor.user_id}
    assert "升级" in told[editor.user_id]
    assert item.status is ItemStatus.APPROVED


def test_experts_are_reminded_of_tasks_before_and_after_the_day(session, author, level_id, make_user, sign_in):
    user = make_user(Role.AUTHOR)
    editor = system_actor(author.organisation)
    day = writing_services.today() + timedelta(days=2)
    with unit_of_work(editor) as uow:
        plan = TaskPlan("第一批", expert_id=user.user_id, due_on=day)
        writing_services.commission(uow, level_id, [WantedLine(POINT, "single_choice", 2)], plan)
    with unit_of_work(editor) as uow:
        assert reminders.remind(uow) == 1
    client = sign_in(user=user)
    assert "提醒" in client.get("/").text
    assert "将于" in client.get("/notices/").text
    client.post("/notices/seen")
    assert "没有提醒" in client.get("/notices/").text
    with shifted(timedelta(days=9)), unit_of_work(editor) as uow:
        assert reminders.remind(uow) == 1
    assert "已逾期" in client.get("/notices/").text


def test_who_is_asked_decides_alone_and_only_who_may(session, author, level_id, reviewers, make_actor):
    item, editor = submitted(author, level_id), make_actor(Role.EDITOR)
    with unit_of_work(editor) as uow:
        assert assignments.assign_reviewers(uow, [item.item_id], [reviewers[0].user_id]) == 1
    assert review_desk.queue(session, reviewers[1]) == []
    with pytest.raises(ForbiddenError, match="指定其他"):
        decide(reviewers[1], item)
    with unit_of_work(reviewers[2]) as uow:
        declare_relation(uow, Declaration(RelationKind.KIN, other_user_id=author.user_id))
    with pytest.raises(ConflictOfInterestError, match="COI-02"), unit_of_work(editor) as uow:
        assignments.assign_reviewers(uow, [item.item_id], [reviewers[2].user_id])
    marker = make_actor(Role.MARKER)
    with pytest.raises(ForbiddenError, match="相应角色"), unit_of_work(editor) as uow:
        assignments.assign_reviewers(uow, [item.item_id], [marker.user_id])
    decide(reviewers[0], item)
    assert stage_name(session, item) == "复审"
    assert len(review_desk.queue(session, reviewers[1])) == 1


def test_nobody_asks_people_or_about_items_of_another_organisation(
    author, level_id, reviewers, make_actor, other_organisation
):
    item = submitted(author, level_id)
    outside = make_actor(Role.EDITOR, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError), unit_of_work(outside) as uow:
        assignments.assign_reviewers(uow, [item.item_id], [reviewers[0].user_id])
    stranger = make_actor(Role.REVIEWER, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError), unit_of_work(make_actor(Role.EDITOR)) as uow:
        assignments.assign_reviewers(uow, [item.item_id], [stranger.user_id])


def test_an_editor_asks_reviewers_in_the_browser(author, level_id, reviewers, sign_in):
    item = submitted(author, level_id)
    client = sign_in(Role.EDITOR)
    assert item.code in client.get("/workflow/assignments").text
    data = {"selected": [item.item_id], "reviewers": [reviewers[0].user_id]}
    answer = client.post("/workflow/assignments", data=data, follow_redirects=True)
    assert "已分派 1 人次" in answer.text
    assert reviewers[0].name in answer.text
