"""A report of a wrong item on its way to a new version, a retirement or a rejection."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from kernel.audit.models import AuditEvent
from kernel.clock import now
from kernel.errors import (
    ConflictError,
    ForbiddenError,
    IllegalTransitionError,
    InvalidInputError,
    NotFoundError,
    TooManyAttemptsError,
)
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank import public, public_changes
from qbank.models.items import Item
from qbank.repository import corrections as repository
from qbank.rules.corrections import CaseAct, CaseState, Outcome, ReportSource
from qbank.rules.items import ItemStatus
from qbank.services import corrections, items
from qbank.services.corrections import Report
from tests.factories.standards import make_level
from tests.qbank.item_bank import choice, make_draft, point_id


@pytest.fixture
def editor(make_actor):
    return make_actor(Role.EDITOR)


@pytest.fixture
def level(organisation):
    return make_level(organisation.organisation_id)


@pytest.fixture
def item(editor, level):
    draft = make_draft(editor, level.standard_level_id)
    put_into_use(draft)
    return draft


def put_into_use(item):
    with unit_of_work(system_actor(item.organisation_id)) as uow:
        public.approve_by_system(uow, [item.item_id], reason="test")


def report(item, **values):
    given = {"source": ReportSource.MARKER, "text": "答案应为 C，见教材第 12 页", "item_id": item.item_id}
    return Report(**given | {"item_version_id": item.approved_version_id} | values)


@pytest.fixture
def case(make_actor, item):
    with unit_of_work(make_actor(Role.MARKER)) as uow:
        return corrections.report_error(uow, report(item))


def taken_up(editor, case):
    with unit_of_work(editor) as uow:
        return corrections.triage(uow, case.correction_case_id)


def revise(editor, level, item, content):
    with unit_of_work(editor) as uow:
        fresh = uow.session.get(Item, item.item_id, populate_existing=True)
        points = [point_id(level.standard_level_id)]
        items.update_item(uow, item.item_id, version=fresh.version, content=content, point_ids=points, difficulty=3)


def test_a_marker_reports_and_the_case_waits_for_the_editors(session, editor, case, item):
    assert (case.state, case.item_id, case.item_version_id) == (
        CaseState.REPORTED,
        item.item_id,
        item.approved_version_id,
    )
    rows, total = repository.list_cases(session, actor=editor, wanted=repository.CaseFilter(search=item.code))
    assert ([(row.code, code) for row, code in rows], total) == ([(case.code, item.code)], 1)


def test_a_report_says_what_is_wrong(make_actor, item):
    with pytest.raises(InvalidInputError, match="至少 5 个字"), unit_of_work(make_actor(Role.MARKER)) as uow:
        corrections.report_error(uow, report(item, text="错"))


def test_who_has_nothing_to_do_with_exams_reports_by_the_open_form_only(make_actor, item):
    with pytest.raises(ForbiddenError), unit_of_work(make_actor(Role.ASSESSOR)) as uow:
        corrections.report_error(uow, report(item))


def test_a_new_version_is_kept_with_the_kind_of_its_change(session, editor, level, item, case):
    taken_up(editor, case)
    key = case.correction_case_id
    with unit_of_work(editor) as uow:
        corrections.decide(uow, key, Outcome.NEW_VERSION, reason="答案有误")
    with pytest.raises(ConflictError, match="还没有审核入库"), unit_of_work(editor) as uow:
        corrections.close(uow, key)
    old_version_id = item.approved_version_id
    revise(editor, level, item, choice(key="C"))
    put_into_use(item)
    with unit_of_work(editor) as uow:
        corrections.close(uow, key)
    found = public_changes.list_corrections(session, editor)
    assert [(one.old_version_id, one.change, one.case_code) for one in found] == [
        (old_version_id, "substance", case.code)
    ]
    assert found[0].new_version_id == session.get(Item, item.item_id, populate_existing=True).approved_version_id
    assert public_changes.list_corrections(session, editor, now() + timedelta(minutes=1)) == []


def test_two_reports_of_one_error_give_one_correction(session, editor, level, item, case):
    with unit_of_work(editor) as uow:
        second = corrections.report_error(uow, report(item, source=ReportSource.STAFF))
    revise(editor, level, item, choice(key="C"))
    put_into_use(item)
    for one in (case, second):
        taken_up(editor, one)
        with unit_of_work(editor) as uow:
            corrections.decide(uow, one.correction_case_id, Outcome.NEW_VERSION, reason="答案有误")
            uow.flush()
            corrections.close(uow, one.correction_case_id)
    assert len(public_changes.list_corrections(session, editor)) == 1


def test_a_retirement_takes_effect_at_once(session, editor, item, case):
    taken_up(editor, case)
    with unit_of_work(editor) as uow:
        corrections.decide(uow, case.correction_case_id, Outcome.RETIREMENT, reason="超出细目表")
    assert session.get(Item, item.item_id, populate_existing=True).status is ItemStatus.RETIRED
    with unit_of_work(editor) as uow:
        corrections.close(uow, case.correction_case_id)
    found = public_changes.list_corrections(session, editor)[0]
    assert (found.change, found.new_version_id) == ("retired", None)


def test_a_rejection_needs_a_reason_and_leaves_no_correction(session, editor, case):
    taken_up(editor, case)
    with pytest.raises(InvalidInputError), unit_of_work(editor) as uow:
        corrections.decide(uow, case.correction_case_id, Outcome.REJECTION, reason="")
    with unit_of_work(editor) as uow:
        corrections.decide(uow, case.correction_case_id, Outcome.REJECTION, reason="题目无误，教材为旧版")
    with unit_of_work(editor) as uow:
        corrections.close(uow, case.correction_case_id)
    assert public_changes.list_corrections(session, editor) == []
    steps = [step.act for step in repository.list_steps(session, case.correction_case_id)]
    assert steps == [CaseAct.REPORT, CaseAct.TRIAGE, CaseAct.DECIDE, CaseAct.CLOSE]


def test_a_case_is_decided_after_it_was_taken_up_and_a_decision_may_be_taken_back(editor, case):
    with pytest.raises(IllegalTransitionError, match="新报告"), unit_of_work(editor) as uow:
        corrections.decide(uow, case.correction_case_id, Outcome.REJECTION, reason="无误")
    taken_up(editor, case)
    with unit_of_work(editor) as uow:
        corrections.decide(uow, case.correction_case_id, Outcome.REJECTION, reason="无误")
    with unit_of_work(editor) as uow:
        reopened = corrections.reopen(uow, case.correction_case_id, reason="另有证据")
    assert (reopened.state, reopened.outcome) == (CaseState.TRIAGED, None)


def test_an_item_in_quarantine_is_not_drawn_until_its_case_is_closed(session, editor, level, item, case):
    taken_up(editor, case)
    with unit_of_work(editor) as uow:
        corrections.quarantine(uow, case.correction_case_id)
    assert public.load_pool(session, editor, level.standard_level_id) == []
    assert list(public_changes.find_quarantined(session, editor, [item.item_id])) == [item.item_id]
    with pytest.raises(ConflictError, match="已经暂停"), unit_of_work(editor) as uow:
        corrections.quarantine(uow, case.correction_case_id)
    with unit_of_work(editor) as uow:
        corrections.decide(uow, case.correction_case_id, Outcome.REJECTION, reason="无误")
    with unit_of_work(editor) as uow:
        corrections.close(uow, case.correction_case_id)
    assert len(public.load_pool(session, editor, level.standard_level_id)) == 1


def test_a_public_report_names_no_item_until_it_is_taken_up(session, editor, item):
    with unit_of_work(system_actor(item.organisation_id, name="public")) as uow:
        given = Report(ReportSource.CANDIDATE, "第 12 题两个选项相同", place="11 月 21 日上午", contact="13800000000")
        case = corrections.report_publicly(uow, given, address="192.0.2.1")
    assert case.contact is not None
    assert b"13800000000" not in case.contact
    assert corrections.read_contact(case) == "13800000000"
    with pytest.raises(InvalidInputError, match="编号"), unit_of_work(editor) as uow:
        corrections.triage(uow, case.correction_case_id)
    with unit_of_work(editor) as uow:
        corrections.triage(uow, case.correction_case_id, item_code=item.code)
    assert (case.item_id, case.assigned_to) == (item.item_id, editor.user_id)


def test_the_open_form_slows_floods_down(organisation):
    given = Report(ReportSource.CANDIDATE, "第 12 题两个选项相同")
    for _number in range(5):
        with unit_of_work(system_actor(organisation.organisation_id)) as uow:
            corrections.report_publicly(uow, given, address="192.0.2.1")
    with pytest.raises(TooManyAttemptsError), unit_of_work(system_actor(organisation.organisation_id)) as uow:
        corrections.report_publicly(uow, given, address="192.0.2.1")
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        corrections.report_publicly(uow, given, address="192.0.2.2")


def test_a_case_of_another_organisation_is_not_found(session, make_actor, other_organisation, case):
    stranger = make_actor(Role.EDITOR, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError):
        repository.get_case(session, case.correction_case_id, actor=stranger)


def test_the_audit_tells_the_acts_and_no_text(session, editor, case):
    taken_up(editor, case)
    query = select(AuditEvent).where(AuditEvent.object_id == str(case.correction_case_id))
    events = session.scalars(query).all()
    assert {event.act for event in events} == {"correction.report", "correction.triage"}
    assert all("教材" not in str(event.details) for event in events)
