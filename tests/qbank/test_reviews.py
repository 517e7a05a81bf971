from __future__ import annotations

import uuid
from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from kernel import profiles
from kernel.conflicts import RelationKind
from kernel.conflicts.services import Declaration, declare_relation
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.actor import Actor, permissions_of, system_actor
from kernel.identity.models import User
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank import public
from qbank.repository import items as items_repository
from qbank.repository import reviews as repository
from qbank.repository.items import ItemFilter, ItemSort
from qbank.rules.items import ItemStatus
from qbank.rules.review import ONE_STAGE_KEY, Decision, PastDecision, is_passed
from qbank.rules.workflow import StageRule
from qbank.services import items, review_desk, reviews, workflows
from tests.factories.standards import make_level
from tests.qbank.item_bank import approve, choice, make_draft, point_id, submit


@pytest.fixture
def level_id(organisation):
    return make_level(organisation.organisation_id).standard_level_id


@pytest.fixture
def author(make_actor):
    return make_actor(Role.AUTHOR)


@pytest.fixture
def reviewers(make_actor):
    return [make_actor(Role.REVIEWER) for _ in range(3)]


@pytest.fixture
def item(author, level_id):
    found = make_draft(author, level_id)
    submit(author, found)
    return found


def decide(actor, item, decision=Decision.APPROVE, comment=""):
    with unit_of_work(actor) as uow:
        return reviews.decide(
            uow, item.item_id, item_version_id=item.current_version_id, decision=decision, comment=comment
        )


def publish(admin, *stages, base=None):
    with unit_of_work(admin) as uow:
        return workflows.publish(uow, stages, base=base)


def stage_name(session, item):
    return session.get(repository.WorkflowStage, item.workflow_stage_id).name if item.workflow_stage_id else None


def test_an_item_passes_three_stages_and_is_then_in_the_bank(session, item, reviewers):
    names = [stage_name(session, item)]
    for reviewer in reviewers:
        decide(reviewer, item)
        names.append(stage_name(session, item))
    assert names == ["初审", "复审", "终审", None]
    assert (item.status, item.approved_version_id) == (ItemStatus.APPROVED, item.current_version_id)


def test_nobody_reviews_their_own_item(session, level_id, make_actor):
    both = make_actor(Role.AUTHOR, Role.REVIEWER)
    own = make_draft(both, level_id)
    submit(both, own)
    with pytest.raises(ForbiddenError, match="命题人不能审核自己的试题"):
        decide(both, own)
    assert repository.queue(session, actor=both, one_stage=True) == []
    assert own.status is ItemStatus.IN_REVIEW


def test_whoever_revised_an_item_does_not_review_it_either(author, level_id, make_actor):
    item, editor = make_draft(author, level_id), make_actor(Role.EDITOR, Role.REVIEWER)
    with unit_of_work(editor) as uow:
        items.update_item(
            uow, item.item_id, version=item.version, content=choice("改过的题（　）。"), point_ids=[point_id(level_id)]
        )
    submit(author, item)
    with pytest.raises(ForbiddenError, match="命制或修改"):
        decide(editor, item)


def test_one_person_decides_in_one_stage_of_a_version_unless_the_profile_allows_more(item, reviewers, organisation):
    decide(reviewers[0], item)
    with pytest.raises(ForbiddenError, match="另一环节"):
        decide(reviewers[0], item)
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        profiles.publish(uow, {ONE_STAGE_KEY: False}, effective_on=date(2020, 1, 1))
    decide(reviewers[0], item)
    assert item.status is ItemStatus.IN_REVIEW


def test_a_quorum_of_two_needs_two_different_people(session, author, level_id, reviewers, make_actor):
    publish(make_actor(Role.ORGANISATION_ADMIN), StageRule("双人初审", quorum=2), StageRule("复审"))
    item = make_draft(author, level_id)
    submit(author, item)
    decide(reviewers[0], item)
    assert stage_name(session, item) == "双人初审"
    with pytest.raises(ForbiddenError, match="已在本环节"):
        decide(reviewers[0], item)
    decide(reviewers[1], item)
    assert stage_name(session, item) == "复审"


def test_a_returned_item_goes_to_its_author_with_the_comment_and_starts_again(session, item, author, reviewers):
    decide(reviewers[0], item)
    decide(reviewers[1], item, Decision.RETURN, "选项 C 有歧义")
    assert item.status is ItemStatus.DRAFT
    assert item.returned_at is not None
    assert repository.list_decisions(session, item)[0].decision.comment == "选项 C 有歧义"
    submit(author, item)
    assert (stage_name(session, item), item.review_round, item.returned_at) == ("初审", 2, None)
    with pytest.raises(ForbiddenError, match="另一环节"):
        decide(reviewers[1], item)
    approve(item, [reviewers[0]])
    assert stage_name(session, item) == "复审"


def test_approvals_of_an_earlier_round_do_not_count(item, author, reviewers, session):
    decide(reviewers[0], item)
    with unit_of_work(author) as uow:
        reviews.withdraw_item(uow, item.item_id)
    submit(author, item)
    assert stage_name(session, item) == "初审"


def test_returning_and_rejecting_need_a_comment(item, reviewers):
    for decision in (Decision.RETURN, Decision.REJECT):
        with pytest.raises(InvalidInputError, match="写明意见"):
            decide(reviewers[0], item, decision, "  ")


def test_a_rejected_new_item_is_retired_with_the_reason(item, reviewers):
    decide(reviewers[0], item, Decision.REJECT, "超出细目表")
    assert item.status is ItemStatus.RETIRED
    assert "超出细目表" in item.retired_reason


def test_a_rejected_revision_leaves_the_approved_version_in_use(item, author, level_id, reviewers):
    approve(item, reviewers)
    first = item.approved_version_id
    with unit_of_work(author) as uow:
        items.update_item(
            uow,
            item.item_id,
            version=item.version,
            content=choice("错误的修订（　）。"),
            point_ids=[point_id(level_id)],
        )
    submit(author, item)
    decide(reviewers[0], item, Decision.REJECT, "不必改")
    assert item.status is ItemStatus.APPROVED
    assert item.current_version_id == item.approved_version_id == first
    assert "错误的修订" not in item.search_text


def test_a_decision_on_a_version_that_is_no_longer_current_is_refused(item, reviewers):
    with pytest.raises(ConflictError, match="新的版本"), unit_of_work(reviewers[0]) as uow:
        reviews.decide(uow, item.item_id, item_version_id=uuid.uuid4(), decision=Decision.APPROVE)


def test_items_with_faults_stay_drafts_and_say_why(author, level_id):
    good = make_draft(author, level_id, choice("甲（　）。"))
    pointless = make_draft(author, level_id, choice("乙（　）。"), point_ids=[])
    keyless = make_draft(author, level_id, choice("丙（　）。", key=None))
    result = submit(author, good, pointless, keyless)
    assert result.n_submitted == 1
    assert {one.code for one in result.refused} == {pointless.code, keyless.code}
    assert "鉴定点" in result.refused[0].message
    assert pointless.status is keyless.status is ItemStatus.DRAFT


def test_the_queue_is_oldest_first_and_leaves_out_what_is_decided(session, author, level_id, reviewers):
    first, second = (
        make_draft(author, level_id, choice("甲（　）。")),
        make_draft(author, level_id, choice("乙（　）。")),
    )
    submit(author, second)
    submit(author, first)

    def codes(actor):
        return [row.item.code for row in repository.queue(session, actor=actor, one_stage=True)]

    assert codes(reviewers[0]) == [second.code, first.code]
    decide(reviewers[0], second)
    assert codes(reviewers[0]) == [first.code]
    assert codes(reviewers[1]) == [second.code, first.code]
    assert repository.count_queue(session, actor=reviewers[0], one_stage=True) == 1
    assert repository.count_queue(session, actor=reviewers[0], one_stage=False) == 2


def test_items_sent_together_stand_by_code_in_every_order_of_time(session, author, level_id, reviewers):
    drafts = [make_draft(author, level_id, choice(f"题 {n}（　）。")) for n in range(5)]
    codes = sorted(item.code for item in drafts)
    with unit_of_work(author) as uow:
        reviews.submit_items(uow, [drafts[place].item_id for place in (3, 0, 4, 2, 1)])
    assert [row.item.code for row in repository.queue(session, actor=reviewers[0], one_stage=True)] == codes
    latest = ItemFilter(sort=ItemSort.UPDATED, is_descending=True)
    rows, _total = items_repository.list_items(session, actor=author, wanted=latest)
    assert [row.item.code for row in rows] == codes


def test_reviewers_of_another_organisation_see_nothing(session, item, make_actor, other_organisation):
    stranger = make_actor(Role.REVIEWER, organisation_id=other_organisation.organisation_id)
    assert repository.queue(session, actor=stranger, one_stage=True) == []
    with pytest.raises(NotFoundError):
        decide(stranger, item)


def test_an_author_without_the_role_may_not_decide(item, make_actor):
    with pytest.raises(ForbiddenError):
        decide(make_actor(Role.EDITOR), item)


def test_the_database_itself_refuses_to_change_a_decision(session, item, reviewers):
    decide(reviewers[0], item)
    with pytest.raises(DatabaseError, match="append-only"), session.begin_nested():
        session.execute(text("UPDATE review_decisions SET decision = 'reject'"))


def test_stages_can_be_added_and_reordered_by_the_administrator_alone(session, item, make_actor):
    admin = make_actor(Role.ORGANISATION_ADMIN)
    with pytest.raises(ForbiddenError), unit_of_work(make_actor(Role.REVIEWER)) as uow:
        workflows.add_stage(uow, StageRule("抽查"))
    with unit_of_work(admin) as uow:
        workflows.add_stage(uow, StageRule("抽查"))
    added = repository.list_stages(session, admin.organisation)[-1]
    with unit_of_work(admin) as uow:
        workflows.move_stage(uow, added.workflow_stage_id, up=True)
    names = [one.name for one in repository.list_stages(session, admin.organisation)]
    assert names == ["初审", "复审", "抽查", "终审"]
    with pytest.raises(InvalidInputError, match="同名"), unit_of_work(admin) as uow:
        workflows.add_stage(uow, StageRule("初审"))


def test_a_demonstration_is_approved_by_three_people_in_batches(session, author, level_id, reviewers):
    drafts = [make_draft(author, level_id, choice(f"第 {n} 题（　）。")) for n in range(5)]
    ids = [item.item_id for item in drafts]
    with unit_of_work(author) as uow:
        assert public.submit_items(uow, ids) == {}
    for reviewer in reviewers:
        with unit_of_work(reviewer) as uow:
            public.approve_review_stage(uow, ids)
    assert len(public.load_pool(session, reviewers[0], level_id)) == 5


def test_only_the_system_itself_may_put_items_into_use_without_review(session, author, level_id, make_actor):
    item = make_draft(author, level_id)
    user = session.get(User, author.user_id)
    powerful = Actor(user.user_id, user.organisation_id, user.name, permissions_of(Role), frozenset(Role))
    with pytest.raises(ForbiddenError), unit_of_work(powerful) as uow:
        public.approve_by_system(uow, [item.item_id], reason="x")
    with unit_of_work(system_actor(author.organisation_id)) as uow:
        public.approve_by_system(uow, [item.item_id], reason="模拟考试")
    assert item.status is ItemStatus.APPROVED


def test_a_stage_is_passed_by_different_people_in_the_same_round():
    stage, people = uuid.uuid4(), [uuid.uuid4(), uuid.uuid4()]
    twice = [PastDecision(stage, 1, people[0], Decision.APPROVE)] * 2
    assert not is_passed(twice, stage_id=stage, review_round=1, quorum=2)
    both = [PastDecision(stage, 1, person, Decision.APPROVE) for person in people]
    assert is_passed(both, stage_id=stage, review_round=1, quorum=2)
    assert not is_passed(both, stage_id=stage, review_round=2, quorum=2)


def test_a_reviewer_related_to_the_author_is_refused_by_a_named_rule_and_is_not_offered_the_item(
    session, item, author, make_user, sign_in
):
    user = make_user(Role.REVIEWER)
    kin = Actor(
        user.user_id, user.organisation_id, user.name, permissions_of([Role.REVIEWER]), frozenset({Role.REVIEWER})
    )
    with unit_of_work(author) as uow:
        declare_relation(uow, Declaration(RelationKind.KIN, other_user_id=kin.user_id))
    barred = review_desk.barred_authors(session, kin)
    assert repository.queue(session, actor=kin, one_stage=True, barred=barred) == []
    with pytest.raises(ForbiddenError, match="COI-02"):
        decide(kin, item)
    page = sign_in(user=user).get(f"/reviews/{item.item_id}")
    assert page.status_code == 403
    assert "COI-02" in page.text
    assert "更换（　）的熔体" not in page.text
