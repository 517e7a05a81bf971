"""The report on a bank counts what is there, and two people put a bank into use."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from kernel import profiles
from kernel.canonical import digest
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank import public
from qbank.rules.bank_approval import ApprovalState
from qbank.rules.bank_report import ItemRow, Measures, ScopeFacts, build_report
from qbank.rules.items import ItemStatus
from qbank.services import bank_report as services
from tests.factories.standards import make_level
from tests.qbank.item_bank import approve, choice, make_draft, point_id, submit

MEASURES = Measures(date(2026, 6, 1), 2, 3)
POINTS = [("A-A-001", "甲", "X"), ("A-A-002", "乙", "Y"), ("A-B-001", "丙", "X")]
SCOPES = [
    ScopeFacts("A", "基本要求", 1, Decimal(100), POINTS),
    ScopeFacts("A-A", "职业道德", 2, Decimal("40.0"), POINTS[:2]),
    ScopeFacts("A-B", "基础知识", 2, Decimal(60), POINTS[2:]),
]


def row(code, point, **values):
    given = {
        "code": code, "type": "single_choice", "difficulty": 3, "status": ItemStatus.APPROVED, "is_in_use": True,
        "point": point, "digest": code, "is_reviewed": True, "approved_on": date(2026, 1, 1), "n_used": 0,
        "has_statistics": False,
    }  # fmt: skip
    return ItemRow(**given | values)


def test_coverage_is_counted_at_points_and_summed_over_ranges():
    items = [row("1", "A-A-001"), row("2", "A-A-001", type="true_false"), row("3", "A-A-002"), row("4", "A-B-001", is_in_use=False, status=ItemStatus.DRAFT)]  # fmt: skip
    report = build_report(SCOPES, items, MEASURES)
    assert (report.n_points, report.n_covered, report.n_enough) == (3, 2, 1)
    assert [(line.code, line.n_items, line.n_missing) for line in report.points] == [
        ("A-A-001", 2, 0), ("A-A-002", 1, 1), ("A-B-001", 0, 2),
    ]  # fmt: skip
    whole, first, second = report.scopes
    assert (whole.n_items, whole.n_covered, whole.n_thin) == (3, 2, 2)
    assert (first.weight_percent, first.by_type) == ("40", {"single_choice": 2, "true_false": 1})
    assert second.n_items == 0
    assert report.by_status == {"approved": 3, "draft": 1}


def test_shares_never_say_all_while_one_is_missing():
    items = [row(str(n), "A-A-001", is_reviewed=n > 0) for n in range(300)]
    assert build_report(SCOPES, items, MEASURES).reviewed_percent == 99


def test_old_items_and_unused_ones_are_counted():
    items = [row("1", "A-A-001", approved_on=date(2020, 1, 1), n_used=4), row("2", "A-A-001")]
    report = build_report(SCOPES, items, MEASURES)
    assert (report.by_age, report.n_old, report.n_never_used) == ([1, 0, 0, 0, 1], 1, 1)


def test_items_of_the_same_content_stand_together_without_retired_ones():
    items = [row("2", "A-A-001", digest="d"), row("1", "A-A-002", digest="d"), row("3", "A-A-001", digest="d", status=ItemStatus.RETIRED)]  # fmt: skip
    assert build_report(SCOPES, items, MEASURES).duplicate_groups == [["1", "2"]]


@pytest.fixture
def editor(make_actor):
    return make_actor(Role.EDITOR)


@pytest.fixture
def level(organisation, editor):
    level = make_level(organisation.organisation_id)
    codes = ("A-A-A-001", "A-A-A-001", "B-A-A-001")
    drafts = [
        make_draft(editor, level.standard_level_id, choice(f"第 {n} 题：正确的是（　）。"), point_ids=[point_id(level.standard_level_id, code)])
        for n, code in enumerate(codes)
    ]  # fmt: skip
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        public.approve_by_system(uow, [item.item_id for item in drafts], reason="test")
    return level


def test_the_report_of_a_level(session, editor, level):
    found = services.load_report(session, editor, level.standard_level_id).report
    assert (found.n_points, found.n_covered, found.n_in_use, found.reviewed_percent) == (9, 2, 3, 0)
    assert found.by_type == {"single_choice": 3}


def test_an_item_that_people_approved_counts_as_reviewed(session, editor, level, make_actor):
    item = make_draft(editor, level.standard_level_id, choice("人工审核的题目：正确的是（　）。"))
    with unit_of_work(system_actor(level.organisation_id)) as uow:
        public.ensure_default_workflow(uow)
    submit(editor, item)
    approve(item, [make_actor(Role.REVIEWER) for _ in range(3)])
    found = services.load_report(session, editor, level.standard_level_id).report
    assert (found.n_in_use, found.n_reviewed) == (4, 1)


def propose(editor, level):
    with unit_of_work(editor) as uow:
        return services.propose(uow, level.standard_level_id, note="首批")


def test_a_second_person_puts_the_bank_into_use(session, editor, level, make_actor):
    proposal = propose(editor, level)
    assert proposal.report_digest == digest(proposal.report)
    with pytest.raises(ConflictError, match="已有一份申请"):
        propose(editor, level)
    with pytest.raises(ForbiddenError, match="第二人"), unit_of_work(editor) as uow:
        services.decide(uow, proposal.bank_approval_id, is_approved=True)
    with unit_of_work(make_actor(Role.REVIEWER)) as uow:
        services.decide(uow, proposal.bank_approval_id, is_approved=True)
    assert proposal.state is ApprovalState.APPROVED
    assert services.unapproved_policy(session, editor, level.standard_level_id) is None


def test_a_proposal_is_returned_with_a_reason(editor, level, make_actor):
    proposal = propose(editor, level)
    with pytest.raises(InvalidInputError), unit_of_work(make_actor(Role.REVIEWER)) as uow:
        services.decide(uow, proposal.bank_approval_id, is_approved=False)
    with unit_of_work(make_actor(Role.REVIEWER)) as uow:
        services.decide(uow, proposal.bank_approval_id, is_approved=False, comment="覆盖不足")
    assert propose(editor, level).state is ApprovalState.PROPOSED


def test_a_new_approval_ends_the_one_before(editor, level, make_actor):
    second = make_actor(Role.REVIEWER)
    first = propose(editor, level)
    with unit_of_work(second) as uow:
        services.decide(uow, first.bank_approval_id, is_approved=True)
    again = propose(editor, level)
    with unit_of_work(second) as uow:
        services.decide(uow, again.bank_approval_id, is_approved=True)
    assert (first.state, again.state) == (ApprovalState.WITHDRAWN, ApprovalState.APPROVED)


def test_an_empty_bank_is_not_proposed(organisation, editor):
    empty = make_level(organisation.organisation_id, code="empty")
    with pytest.raises(ConflictError, match="还没有入库"):
        propose(editor, empty)


def test_a_profile_refuses_to_draw_from_a_bank_nobody_approved(session, editor, level):
    services.refuse_unapproved(session, editor, level.standard_level_id)
    with unit_of_work(system_actor(level.organisation_id)) as uow:
        profiles.publish(uow, {"qbank.bank.unapproved": "refuse"}, effective_on=date(2026, 1, 1))
    with pytest.raises(ConflictError, match="没有批准启用"):
        services.refuse_unapproved(session, editor, level.standard_level_id)
