"""Reports of wrong items in the browser: the open form, the inbox, one case to its end, the interface for programs."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank import public
from qbank.models.corrections import CorrectionCase
from tests.factories.standards import make_level
from tests.qbank.item_bank import make_draft


@pytest.fixture
def item(organisation, make_actor):
    level = make_level(organisation.organisation_id)
    draft = make_draft(make_actor(Role.EDITOR), level.standard_level_id)
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        public.approve_by_system(uow, [draft.item_id], reason="test")
    return draft


@pytest.fixture
def editor(sign_in):
    return sign_in(Role.EDITOR)


def send(client, **values):
    data = {"organisation": "DEMO", "place": "11 月 21 日上午第 3 题", "text": "两个选项完全相同"}
    return client.post("/report-item/", data=data | values)


def case_of(session):
    session.expire_all()
    return session.scalars(select(CorrectionCase)).one()


def test_anybody_reports_and_is_told_the_number(app, session, item):
    client = app.test_client()
    assert "演示评价机构" in client.get("/report-item/").text
    assert "GZ-" in send(client, contact="someone@example.org").text
    assert case_of(session).source == "candidate"


def test_the_open_form_says_what_is_missing(app, item):
    page = send(app.test_client(), organisation="", text="")
    assert page.status_code == 422
    assert "请选择考试机构" in page.text
    assert send(app.test_client(), text="错").status_code == 422


def test_a_robot_that_fills_in_every_field_leaves_nothing(app, session, item):
    assert send(app.test_client(), website="http://example.org").status_code == 200
    assert session.scalars(select(CorrectionCase)).all() == []


def test_floods_from_one_address_are_refused(app, item):
    client = app.test_client()
    assert [send(client).status_code for _number in range(6)] == [200] * 5 + [429]


def test_a_case_goes_its_way_in_the_browser(session, editor, item, app):
    send(app.test_client())
    key = case_of(session).correction_case_id
    address = f"/corrections/{key}"
    assert "两个选项完全相同" in editor.get("/corrections/?state=reported").text
    assert editor.post(address + "/triage", data={"item_code": "X"}).status_code == 422
    editor.post(address + "/triage", data={"item_code": item.code})
    editor.post(address + "/quarantine", data={})
    assert "暂停组卷使用" in editor.get("/corrections/").text
    editor.post(address + "/note", data={"text": "已核对教材"})
    assert "已核对教材" in editor.get(address).text
    assert editor.post(address + "/decide", data={"outcome": "", "reason": "无"}).status_code == 422
    editor.post(address + "/decide", data={"outcome": "rejection", "reason": "题目无误"})
    editor.post(address + "/close", data={})
    page = editor.get(address)
    assert "已办结" in page.text
    assert "恢复组卷使用" in page.text
    assert "没有更正案" in editor.get("/corrections/?state=triaged").text


def test_a_stale_form_is_refused(session, editor, item, app):
    send(app.test_client())
    case = case_of(session)
    answer = editor.post(f"/corrections/{case.correction_case_id}/triage", data={"item_code": item.code, "version": "99"}, follow_redirects=True)  # fmt: skip
    assert "内容已被他人修改" in answer.text
    assert case_of(session).state == "reported"


def test_staff_report_an_item_from_its_page(session, editor, item):
    assert "报告错误" in editor.get(f"/items/{item.item_id}").text
    address = f"/corrections/items/{item.item_id}/report"
    assert editor.post(address, data={"text": "错"}).status_code == 422
    assert editor.post(address, data={"text": "答案应为 C", "evidence": "教材第 12 页"}).status_code == 303
    assert case_of(session).item_id == item.item_id


def test_who_does_not_keep_the_bank_sees_no_case(sign_in):
    assert sign_in(Role.INVIGILATOR).get("/corrections/").status_code == 403


def test_programs_list_cases_and_report(session, editor, item):
    answer = editor.post("/api/v1/corrections", json={"item_id": str(item.item_id), "text": "答案应为 C"})
    assert answer.status_code == 201
    listed = editor.get("/api/v1/corrections?state=reported").json
    assert [(row["code"], row["item_code"]) for row in listed["items"]] == [(answer.json["code"], item.code)]
    assert editor.get("/api/v1/item-corrections").json == {"items": []}
