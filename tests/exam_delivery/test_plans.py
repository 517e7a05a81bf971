"""Examination plans: filed as a whole, amended with reasons, and shown beside what became of them."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import replace
from types import SimpleNamespace

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from exam_delivery.models import ExamPlan, ExamPlanLine, PlanStatus
from exam_delivery.public_plans import find_filing_day
from exam_delivery.repository import plans as repository
from exam_delivery.rules.plans import LineDraft, PlanDraft, days_off, line_of, period_name
from exam_delivery.services import batches, plan_lines, plan_progress, plans
from exam_delivery.services.batches import BatchPlan
from exam_delivery.services.plans import Filing
from kernel.clock import today
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.exam_delivery.world import LEVEL
from tests.pages import words
from web.demo import plans as demo_plans

YEAR = (dt.date(2020, 1, 1), dt.date(2020, 12, 31))


class Planning:
    """An officer's plan, moved along by the real services."""

    def __init__(self, actor):
        self.actor = actor
        self.first = today() - dt.timedelta(days=30)
        self.last = today() + dt.timedelta(days=330)
        draft = PlanDraft("年度考试计划", self.first, self.last, "依据省里的通知")
        self.key = self.do(plans.create_plan, draft).exam_plan_id

    def do(self, act, *args, **kwargs):
        with unit_of_work(self.actor) as uow:
            return act(uow, *args, **kwargs)

    def line(self, *, reason="", **changes):
        draft = LineDraft(str(LEVEL), today(), today() + dt.timedelta(days=20), 60)
        return self.do(plan_lines.add_line, self.key, replace(draft, **changes), reason=reason)

    def file(self, number="备案〔2026〕1 号", reason=""):
        return self.do(plans.file_plan, self.key, Filing(number, today(), reason))

    @property
    def plan(self):
        return db.session.get(ExamPlan, self.key, populate_existing=True)

    @property
    def progress(self):
        db.session.expire_all()
        return plan_progress.find_progress(db.session(), self.plan, actor=self.actor)


@pytest.fixture
def planning(officer, sealed_forms):
    return Planning(officer)


def other_level(plan):
    """Put a line of another level into a plan, as a standard without sealed forms would give it."""
    line = ExamPlanLine(
        organisation_id=plan.actor.organisation, exam_plan_id=plan.key, standard_level_id=LEVEL, occupation_code="6-31-01-03",
        occupation_name="电工", level_code="4", level_name="四级/中级工", starts_on=today(), ends_on=today(), n_planned=5,
    )  # fmt: skip
    with unit_of_work(plan.actor) as uow:
        uow.add(line)


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        (*YEAR, "2020 年度"),
        (dt.date(2020, 10, 1), dt.date(2020, 12, 31), "2020 年第 4 季度"),
        (dt.date(2020, 2, 1), dt.date(2020, 2, 29), "2020 年 2 月"),
        (dt.date(2020, 2, 1), dt.date(2020, 3, 1), "2020-02-01 至 2020-03-01"),
    ],
)
def test_a_period_is_called_what_people_call_it(first, last, name):
    template, values = period_name(first, last)
    assert template % values == name


def test_a_batch_carries_out_the_line_nearest_to_its_first_day():
    def line(month):
        return ExamPlanLine(
            occupation_code="A", level_code="3", starts_on=dt.date(2020, month, 1), ends_on=dt.date(2020, month, 28)
        )

    spring, autumn = line(3), line(9)
    lines = [autumn, spring]
    assert line_of(lines, "A", "3", dt.date(2020, 9, 5)) is autumn
    assert line_of(lines, "A", "3", dt.date(2020, 5, 1)) is spring
    assert line_of(lines, "A", "3", None) is spring
    assert line_of(lines, "A", "4", dt.date(2020, 9, 5)) is None
    assert (days_off(spring, dt.date(2020, 3, 28)), days_off(spring, dt.date(2020, 4, 1))) == (0, 4)


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (PlanDraft("", *YEAR), "title"),
        (PlanDraft("计划", None, YEAR[1]), "starts_on"),
        (PlanDraft("计划", YEAR[1], YEAR[0]), "ends_on"),
        (PlanDraft("计划", YEAR[0], dt.date(2026, 1, 1)), "ends_on"),
        (PlanDraft("年度考试计划", *YEAR), "title"),
    ],
)
def test_a_bad_plan_names_the_field(planning, draft, field):
    with pytest.raises(InvalidInputError) as refusal:
        planning.do(plans.create_plan, draft)
    assert set(refusal.value.fields) == {field}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"standard_level_id": ""}, "standard_level_id"),
        ({"starts_on": None, "ends_on": None}, "starts_on"),
        ({"starts_on": dt.date(2000, 1, 1)}, "starts_on"),
        ({"ends_on": dt.date(2000, 1, 1)}, "ends_on"),
        ({"ends_on": dt.date(2100, 1, 1)}, "ends_on"),
        ({"n_planned": 0}, "n_planned"),
        ({"n_planned": None}, "n_planned"),
    ],
)
def test_a_bad_line_names_the_field(planning, changes, field):
    with pytest.raises(InvalidInputError) as refusal:
        planning.line(**changes)
    assert set(refusal.value.fields) == {field}


def test_a_plan_without_lines_is_not_filed_and_a_day_to_come_is_no_filing(planning):
    with pytest.raises(ConflictError):
        planning.file()
    planning.line()
    with pytest.raises(InvalidInputError) as refusal:
        planning.do(plans.file_plan, planning.key, Filing("", today() + dt.timedelta(days=1)))
    assert set(refusal.value.fields) == {"filing_number", "filed_on"}
    planning.file()
    assert planning.plan.status is PlanStatus.FILED


def test_lines_of_a_filed_plan_change_by_amendments_with_reasons_alone(planning):
    line = planning.line()
    planning.file()
    draft = LineDraft("", line.starts_on, line.ends_on, 80)
    with pytest.raises(InvalidInputError) as refusal:
        planning.do(plan_lines.change_line, planning.key, line.exam_plan_line_id, draft, version=1)
    assert set(refusal.value.fields) == {"reason"}
    with pytest.raises(InvalidInputError):
        planning.line()
    planning.do(plan_lines.change_line, planning.key, line.exam_plan_line_id, draft, version=1, reason="企业增加人数")
    added = planning.line(reason="增加秋季一次")
    planning.do(plan_lines.remove_line, planning.key, added.exam_plan_line_id, reason="秋季不考")
    kept = repository.amendments_of(db.session(), planning.key, actor=planning.actor)
    assert [(one.number, one.kind.value, one.reason) for one in reversed(kept)] == [
        (1, "change", "企业增加人数"), (2, "add", "增加秋季一次"), (3, "remove", "秋季不考")
    ]  # fmt: skip
    assert (kept[-1].before["n_planned"], kept[-1].after["n_planned"]) == (60, 80)


def test_saving_a_filed_line_without_a_change_leaves_no_amendment(planning):
    line = planning.line()
    planning.file()
    draft = LineDraft("", line.starts_on, line.ends_on, 60)
    planning.do(plan_lines.change_line, planning.key, line.exam_plan_line_id, draft, version=1, reason="没有改")
    assert not repository.amendments_of(db.session(), planning.key, actor=planning.actor)


def test_the_database_itself_keeps_amendments(planning):
    planning.line()
    planning.file()
    planning.file(number="备案〔2026〕2 号", reason="编号写错")
    with pytest.raises(DatabaseError):
        db.session.execute(text("DELETE FROM exam_plan_amendments"))
    db.session.rollback()


def test_the_head_of_a_filed_plan_and_its_last_line_stay(planning):
    line = planning.line()
    planning.file()
    with pytest.raises(ConflictError):
        planning.do(plans.edit_plan, planning.key, PlanDraft("别的", *YEAR), version=planning.plan.version)
    with pytest.raises(ConflictError):
        planning.do(plan_lines.remove_line, planning.key, line.exam_plan_line_id, reason="不考了")
    with pytest.raises(ConflictError):
        planning.do(plans.delete_plan, planning.key)


def test_a_period_is_not_moved_away_from_its_lines(planning):
    planning.line()
    with pytest.raises(InvalidInputError) as refusal:
        planning.do(plans.edit_plan, planning.key, PlanDraft("年度考试计划", *YEAR), version=1)
    assert set(refusal.value.fields) == {"ends_on"}


def test_a_stale_edit_of_plan_or_line_is_refused(planning):
    line = planning.line()
    draft = PlanDraft("改名", planning.first, planning.last)
    planning.do(plans.edit_plan, planning.key, draft, version=1)
    with pytest.raises(ConflictError):
        planning.do(plans.edit_plan, planning.key, draft, version=1)
    changed = LineDraft("", line.starts_on, line.ends_on, 70)
    planning.do(plan_lines.change_line, planning.key, line.exam_plan_line_id, changed, version=1)
    with pytest.raises(ConflictError):
        planning.do(plan_lines.change_line, planning.key, line.exam_plan_line_id, changed, version=1)


def test_a_closed_plan_takes_nothing_until_it_is_reopened_with_a_reason(planning):
    line = planning.line()
    with pytest.raises(ConflictError):
        planning.do(plans.close_plan, planning.key)
    planning.file()
    planning.do(plans.close_plan, planning.key)
    for act in (
        lambda: planning.line(reason="再加"),
        lambda: planning.file(reason="再改"),
        lambda: planning.do(plan_lines.remove_line, planning.key, line.exam_plan_line_id, reason="不考"),
    ):
        with pytest.raises(ConflictError):
            act()
    with pytest.raises(InvalidInputError):
        planning.do(batches.create_batch, BatchPlan("2026-08", "名", str(LEVEL), str(planning.key)))
    with pytest.raises(InvalidInputError):
        planning.do(plans.reopen_plan, planning.key, "")
    planning.do(plans.reopen_plan, planning.key, "还要补考")
    assert planning.line(reason="再加").n_planned == 60


def test_a_batch_outside_the_plan_is_warned_of_and_then_shown_as_such(planning):
    other_level(planning)
    wanted = BatchPlan("2026-08", "名", str(LEVEL), str(planning.key))
    with pytest.raises(InvalidInputError) as refusal:
        planning.do(batches.create_batch, wanted)
    assert set(refusal.value.fields) == {"exam_plan_id"}
    batch = planning.do(batches.create_batch, replace(wanted, accepts_outside=True))
    assert [one.batch.code for one in planning.progress.outside] == ["2026-08"]
    assert plan_progress.is_outside(db.session(), batch, actor=planning.actor)
    planning.line()
    assert not planning.progress.outside


def test_planned_stands_beside_registered_and_sat(world):
    planning = Planning(world.officer)
    planning.line()
    wanted = BatchPlan("2026-01", "2026 年第一批", exam_plan_id=str(planning.key))
    planning.do(batches.edit_batch, world.batch.exam_batch_id, wanted, version=1)
    world.register(4)
    world.arrange()
    world.prepare()
    world.open()
    world.sit({}, world.attempts()[0])
    (line,) = planning.progress.lines
    assert (line.line.n_planned, line.n_sessions, line.n_registered, line.n_sat) == (60, 1, 4, 1)
    assert not line.batches[0].is_off_dates


def test_a_session_outside_the_planned_dates_is_marked(world):
    planning = Planning(world.officer)
    later = today() + dt.timedelta(days=90)
    planning.line(starts_on=later, ends_on=later)
    wanted = BatchPlan("2026-01", "2026 年第一批", exam_plan_id=str(planning.key))
    planning.do(batches.edit_batch, world.batch.exam_batch_id, wanted, version=1)
    assert planning.progress.lines[0].batches[0].is_off_dates


def test_a_plan_with_batches_is_not_deleted_and_an_empty_one_is(planning):
    planning.line()
    batch = planning.do(batches.create_batch, BatchPlan("2026-08", "名", str(LEVEL), str(planning.key)))
    with pytest.raises(ConflictError):
        planning.do(plans.delete_plan, planning.key)
    planning.do(batches.delete_batch, batch.exam_batch_id)
    planning.do(plans.delete_plan, planning.key)
    assert planning.plan is None


def test_another_organisation_finds_no_plan_and_gives_no_batch_to_it(planning, make_actor, other_organisation):
    planning.line()
    stranger = make_actor(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    assert repository.list_plans(db.session(), actor=stranger)[1] == 0
    with pytest.raises(NotFoundError):
        repository.get_plan(db.session(), planning.key, actor=stranger)
    with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
        plans.close_plan(uow, planning.key)
    with pytest.raises(InvalidInputError) as refusal, unit_of_work(stranger) as uow:
        batches.create_batch(uow, BatchPlan("2026-08", "名", str(LEVEL), str(planning.key)))
    assert "exam_plan_id" in refusal.value.fields


def test_only_officers_plan_supervisors_read_and_invigilators_do_not(planning, make_actor, sign_in):
    planning.line()
    for role in (Role.SUPERVISOR, Role.INVIGILATOR):
        with pytest.raises(ForbiddenError), unit_of_work(make_actor(role)) as uow:
            plans.close_plan(uow, planning.key)
    page = sign_in(Role.SUPERVISOR).get(f"/exam-plans/{planning.key}")
    assert page.status_code == 200
    assert "添加计划行" not in page.text
    assert sign_in(Role.INVIGILATOR).get("/exam-plans/").status_code == 403


def test_an_officer_writes_files_and_amends_a_plan_in_the_browser(sealed_forms, sign_in):
    client = sign_in(Role.EXAM_OFFICER)
    assert client.get("/exam-plans/new").status_code == 200
    bad = client.post("/exam-plans/new", data={"title": "留住我", "starts_on": "2026-01-01", "ends_on": "2025-01-01"})
    assert (bad.status_code, "留住我" in bad.text) == (422, True)
    made = client.post(
        "/exam-plans/new", data={"title": "本年计划", "starts_on": "2026-01-01", "ends_on": "2026-12-31"}
    )
    page = made.headers["Location"]
    assert "2026 年度" in client.get(page).text
    line = {
        "standard_level_id": str(LEVEL),
        "starts_on": "2026-03-01",
        "ends_on": "",
        "n_planned": "x",
        "note": "留住备注",
    }
    refused = client.post(f"{page}/lines/new", data=line)
    assert (refused.status_code, "留住备注" in refused.text) == (422, True)
    assert client.post(f"{page}/lines/new", data=line | {"n_planned": "60"}).status_code == 303
    assert "2026-03-31" in words(client.get(page).text).replace("年", "-").replace("月", "-").replace("日", "")
    filed = client.post(f"{page}/file", data={"filing_number": "备案 1 号", "filed_on": "2026-01-05"})
    assert filed.status_code == 303
    again = client.post(f"{page}/file", data={"filing_number": "备案 2 号", "filed_on": "2026-01-05"})
    assert (again.status_code, "备案 2 号" in again.text) == (422, True)
    assert client.post(f"{page}/lines/new", data=line | {"n_planned": "30", "reason": "补一次"}).status_code == 303
    assert "补一次" in client.get(page).text
    assert "本年计划" in client.get("/exam-plans/?q=备案&status=filed").text
    assert "没有符合条件的计划" in client.get("/exam-plans/?q=%25").text


def test_a_batch_page_names_its_plan_and_the_form_offers_it(planning, sign_in):
    other_level(planning)
    client = sign_in(Role.EXAM_OFFICER)
    data = {"code": "2026-08", "name": "第八批", "standard_level_id": str(LEVEL), "exam_plan_id": str(planning.key)}
    refused = client.post("/exam-batches/new", data=data)
    assert (refused.status_code, "作为计划外批次" in refused.text) == (422, True)
    made = client.post("/exam-batches/new", data=data | {"accepts_outside": "1"})
    page = words(client.get(made.headers["Location"]).text)
    assert "年度考试计划" in page
    assert "计划外的批次" in page
    form = client.get(made.headers["Location"] + "/edit").text
    assert f'<option value="{planning.key}" selected>' in form


def test_a_plan_is_printed_for_filing_and_exported_with_what_became_of_it(planning, sign_in):
    line = planning.line(note="秋季")
    planning.file()
    draft = LineDraft("", line.starts_on, line.ends_on, 80, "秋季")
    planning.do(plan_lines.change_line, planning.key, line.exam_plan_line_id, draft, version=1, reason="企业增加人数")
    client = sign_in(Role.EXAM_OFFICER)
    sent = client.post(f"/exam-plans/{planning.key}/print")
    printed = "".join(page.extract_text() for page in PdfReader(io.BytesIO(sent.data)).pages)
    for told in ("年度考试计划", "备案〔2026〕1 号", "人工智能训练师", "企业增加人数", "80"):
        assert told in printed
    book = load_workbook(io.BytesIO(client.post(f"/exam-plans/{planning.key}/export").data))
    assert book.sheetnames == ["计划与执行", "批次", "变更"]
    row = [cell.value for cell in book["计划与执行"][3]]
    assert row[5:10] == [80, None, 0, 0, 0]


def test_certification_learns_when_the_plan_of_a_batch_was_filed(planning, other_organisation):
    planning.line()
    batch = planning.do(batches.create_batch, BatchPlan("2026-08", "名", str(LEVEL), str(planning.key)))
    own, key = planning.actor.organisation, batch.exam_batch_id
    assert find_filing_day(db.session(), own, key) is None
    planning.file()
    assert find_filing_day(db.session(), own, key) == today()
    assert find_filing_day(db.session(), other_organisation.organisation_id, key) is None


def test_the_plan_of_the_demonstration_is_filed_amended_and_carried_out_by_the_batches_of_its_level(world):
    staff = SimpleNamespace(actor=lambda _role: world.officer)
    plan = demo_plans.load_plan(staff, LEVEL)
    assert plan.status is PlanStatus.FILED
    progress = plan_progress.find_progress(db.session(), plan, actor=world.officer)
    assert [len(line.batches) for line in progress.lines] == [1, 0]
    assert not progress.outside
    assert len(repository.amendments_of(db.session(), plan.exam_plan_id, actor=world.officer)) == 1


def test_supervisors_and_officers_find_unfiled_plans_at_home_and_supervisors_those_that_changed(planning, sign_in):
    supervisor, officer = sign_in(Role.SUPERVISOR), sign_in(Role.EXAM_OFFICER)
    for client in (supervisor, officer):
        assert "未备案的考试计划" in client.get("/").text
    planning.line()
    planning.file()
    assert "未备案的考试计划" not in supervisor.get("/").text
    assert "变更过的考试计划" not in supervisor.get("/").text
    planning.line(reason="增加一个批次", n_planned=30)
    home = supervisor.get("/").text
    assert "变更过的考试计划" in home
    assert supervisor.get("/exam-plans/?status=filed").status_code == 200
    assert "变更过的考试计划" not in officer.get("/").text
