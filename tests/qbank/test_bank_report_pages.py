"""The report on a bank in the browser, as files, and put into use by two people."""

from __future__ import annotations

import io

import openpyxl
import pytest
from sqlalchemy import select

from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank import public
from qbank.models.approvals import BankApproval
from tests.factories.standards import make_level
from tests.qbank.item_bank import choice, make_draft, point_id


@pytest.fixture
def level(organisation, make_actor):
    level = make_level(organisation.organisation_id)
    author = make_actor(Role.EDITOR)
    drafts = [
        make_draft(author, level.standard_level_id, choice("重复的题干：正确的是（　）。"), point_ids=[point_id(level.standard_level_id, code)])
        for code in ("A-A-A-001", "B-A-A-001")
    ]  # fmt: skip
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        public.approve_by_system(uow, [item.item_id for item in drafts], reason="test")
    return level


@pytest.fixture
def editor(sign_in):
    return sign_in(Role.EDITOR)


def address(level):
    return f"/bank-reports/{level.standard_level_id}"


def test_the_list_leads_to_the_report(editor, level):
    assert address(level) in editor.get("/bank-reports/").text
    page = editor.get(address(level)).text
    assert "有题的鉴定点" in page
    assert "A-A-A-002 职业守则要点2" in page
    assert "内容相同的试题" in page
    assert "<svg" in page
    assert "承载力" in page


def test_an_empty_bank_is_shown_without_figures(editor, organisation):
    empty = make_level(organisation.organisation_id, code="empty", is_published=False)
    assert "还没有可用试题" in editor.get(address(empty)).text


def test_the_report_as_files(editor, level):
    pdf = editor.get(address(level) + "/report.pdf")
    assert pdf.data.startswith(b"%PDF")
    book = openpyxl.load_workbook(io.BytesIO(editor.get(address(level) + "/report.xlsx").data))
    assert book.sheetnames == ["总体情况", "鉴定范围", "鉴定点", "内容相同"]
    points = {row[0]: row[4] for row in book["鉴定点"].iter_rows(min_row=3, values_only=True)}
    assert (points["A-A-A-001"], points["A-A-A-002"]) == (1, 0)


def test_the_list_of_banks_for_filing(editor, level):
    assert editor.get("/bank-reports/list.pdf").data.startswith(b"%PDF")
    book = openpyxl.load_workbook(io.BytesIO(editor.get("/bank-reports/list.xlsx").data))
    row = next(book.worksheets[0].iter_rows(min_row=3, values_only=True))
    assert row[:4] == (1, "6-31-01-03", "电工", "四级/中级工")
    assert (row[7], row[9]) == (2, "未批准启用")
    assert row[8].endswith(" 2")


def test_two_people_put_the_bank_into_use(editor, sign_in, session, level):
    editor.post(address(level) + "/propose", data={"note": "首批"})
    key = session.scalars(select(BankApproval)).one().bank_approval_id
    decide = f"{address(level)}/approvals/{key}"
    assert "第二人" in editor.post(decide + "/approve", follow_redirects=True).text
    second = sign_in(Role.REVIEWER)
    assert "请写明退回的原因" in second.post(decide + "/return", follow_redirects=True).text
    assert "题库已批准启用" in second.post(decide + "/approve", follow_redirects=True).text
    assert "已批准启用" in editor.get("/bank-reports/").text
    editor.post(f"{address(level)}/approvals/{key}/withdraw")
    assert "未批准启用" in editor.get("/bank-reports/").text


def test_an_administrator_reads_who_asks_for_the_bank_to_be_put_into_use(sign_in, editor, level):
    admin = sign_in(Role.ORGANISATION_ADMIN)
    said = "由题库管理员在这里申请启用，再由另一人批准：机构管理员、题库管理员、审题专家"
    assert said in admin.get(address(level)).text
    assert said not in editor.get(address(level)).text
    editor.post(address(level) + "/propose")
    assert said not in admin.get(address(level)).text


def test_who_may_not_approve_is_refused(sign_in, session, editor, level):
    editor.post(address(level) + "/propose")
    key = session.scalars(select(BankApproval)).one().bank_approval_id
    assert sign_in(Role.ASSEMBLER).post(f"{address(level)}/approvals/{key}/approve").status_code == 403
