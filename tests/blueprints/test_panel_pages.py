"""Pages of standard setting: from setting up to the report, with what each person may see."""

from __future__ import annotations

import io

import openpyxl
import pytest
from sqlalchemy import select

from blueprints import repository_panels as repository
from blueprints.models_panels import PanelJudgement, StandardPanel
from blueprints.rules.panels import PanelMethod, PanelStatus
from blueprints.services import panel_scores, panels
from kernel.audit.models import AuditEvent
from kernel.identity.actor import Actor, permissions_of
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.blueprints.panel_cases import N_ITEMS, all_items, close, judge, make_panel


def actor_of(user, *roles):
    return Actor(user.user_id, user.organisation_id, user.name, permissions_of(roles), frozenset(roles))


@pytest.fixture
def people(make_user):
    return {
        "leader": make_user(Role.EDITOR, name="主持人"),
        "first": make_user(Role.AUTHOR, name="甲专家"),
        "second": make_user(Role.REVIEWER, name="乙专家"),
        "approver": make_user(Role.FORM_APPROVER, name="审卷人甲"),
    }


@pytest.fixture
def actors(people):
    roles = {"leader": Role.EDITOR, "first": Role.AUTHOR, "second": Role.REVIEWER, "approver": Role.FORM_APPROVER}
    return {name: actor_of(user, roles[name]) for name, user in people.items()}


@pytest.fixture
def clients(people, sign_in):
    return {name: sign_in(user=user) for name, user in people.items()}


def set_up(actors, form_id, method=PanelMethod.ANGOFF, **known):
    panel = make_panel(actors["leader"], form_id, [actors["first"], actors["second"]], method, **known)
    return panel, f"/panels/{panel.standard_panel_id}"


def booklet(client, address):
    answer = client.post(f"{address}/enter")
    assert answer.status_code == 303
    return answer.headers["Location"]


def test_from_the_form_to_the_report(sealed_form, people, clients, session, monkeypatch):
    monkeypatch.setitem(panel_scores._SOURCES, "test", lambda *_known: [9.0, 12.0, 15.0])
    leader, first = clients["leader"], clients["first"]
    assert str(sealed_form) in leader.get("/panels/new").text
    given = {"form_id": str(sealed_form), "method": "angoff", "borderline": " "}
    refused = leader.post("/panels/", data=given)
    assert refused.status_code == 422
    assert "最低合格者" in refused.text
    made = leader.post("/panels/", data=given | {"borderline": "能独立检修的人"})
    address = made.headers["Location"]
    assert leader.post(f"{address}/members", data={}).status_code == 422
    chosen = [str(people["first"].user_id), str(people["second"].user_id)]
    assert leader.post(f"{address}/members", data={"users": chosen}).status_code == 303
    assert leader.post(f"{address}/rounds").status_code == 303
    assert "待完成的合格线评定" in first.get("/").text
    page = first.get(booklet(first, address)).text
    assert page.count("data-subject=") == N_ITEMS
    kept = first.post(
        f"{address}/keep", data={"subject": "item-1", "value": "65", "revision": "0"},
    )  # fmt: skip
    assert (kept.json["revision"], kept.json["needed"], len(kept.json["missing"])) == (1, N_ITEMS, N_ITEMS - 1)
    stale = first.post(
        f"{address}/keep", data={"subject": "item-1", "value": "70", "revision": "0"},
    )  # fmt: skip
    assert (stale.status_code, stale.json["revision"]) == (409, 1)
    whole = {f"value-item-{n}": "60" for n in range(2, N_ITEMS + 1)} | {"revision-item-1": "1", "value-item-1": "65"}
    assert first.post(f"{address}/keep", data=whole).status_code == 303
    assert first.post(f"{address}/submit").status_code == 303
    confirm = leader.get(f"{address}/close").text
    assert "没有评完" in confirm
    seen = confirm.partition('name="seen" value="')[2].partition('"')[0]
    assert seen == str(N_ITEMS)
    assert leader.post(f"{address}/close", data={"seen": seen}).status_code == 303
    feedback = first.get(f"{address}/rounds/1").text
    assert "12.05" in feedback
    assert "67%" in feedback  # two of three candidates reach the cut of 12 marks that the regulation sets
    assert "编号 2 的专家没有评完" in feedback
    assert leader.post(f"{address}/notes", data={"text": "请看第 3 题", "place": "3"}).status_code == 303
    assert leader.post(f"{address}/propose", data={"conclusion": "一致"}).status_code == 303
    assert clients["approver"].post(f"{address}/conclude").status_code == 303
    report = clients["approver"].get(f"{address}/report").text
    for wanted in ("60 分（百分制）", "不改变合格分", "12.05", "甲专家", "乙专家", "评完的专家偏少"):
        assert wanted in report
    assert session.scalars(select(StandardPanel)).one().status is PanelStatus.CONCLUDED


def test_nobody_sees_ratings_before_feedback_and_raters_never_see_names_with_them(sealed_form, actors, clients):
    panel, address = set_up(actors, sealed_form)
    judge(actors["first"], panel.standard_panel_id, all_items(37))
    for name in ("leader", "second", "approver"):
        page = clients[name].get(address).text
        assert "37%" not in page
        assert clients[name].get(f"{address}/rounds/1").status_code == 404
    assert "甲专家" not in clients["second"].get(address).text
    judge(actors["second"], panel.standard_panel_id, all_items(63))
    close(actors["leader"], panel.standard_panel_id)
    own = clients["second"].get(f"{address}/rounds/1").text
    assert "甲专家" not in own
    assert "37%" in own  # the range of the panel
    led = clients["leader"].get(f"{address}/rounds/1").text
    assert "甲专家" in led
    assert "T-00" not in led  # who may not open forms does not learn which items of the bank stand in them
    assert "T-00" in clients["approver"].get(f"{address}/rounds/1").text
    assert clients["second"].get(f"{address}/report").status_code == 403


def test_items_are_shown_with_a_recorded_look_only(sealed_form, actors, clients, session):
    _panel, address = set_up(actors, sealed_form)
    assert clients["first"].get(f"{address}/rate").status_code == 403
    place = booklet(clients["first"], address)
    assert clients["first"].get(place).status_code == 200
    assert clients["second"].get(place).status_code == 403
    assert "正确答案" not in clients["first"].get(place).text
    assert "正确答案" in clients["first"].get(place + "&key=1").text
    looks = session.scalars(select(AuditEvent).where(AuditEvent.act == "form.view")).all()
    assert len(looks) == 1
    assert clients["leader"].post(f"{address}/enter").status_code == 403


@pytest.mark.parametrize("method", list(PanelMethod))
def test_every_method_has_its_controls_and_its_second_round_says_what_was_before(
    sealed_form, actors, clients, method, session
):
    panel, address = set_up(actors, sealed_form, method, asks_compromise=True)
    key, client = panel.standard_panel_id, clients["first"]
    page = client.get(booklet(client, address)).text
    given = dict.fromkeys(("required", "pass_rate", "cut_high", "fail_high"), 60) | {"cut_low": 40, "fail_low": 5}
    given |= {
        PanelMethod.ANGOFF: all_items(60),
        PanelMethod.EBEL: {f"item-{n}": "22" for n in range(1, N_ITEMS + 1)} | {"cell-22": 55},
        PanelMethod.NEDELSKY: {f"item-{n}": "-" for n in range(1, N_ITEMS + 1)},
        PanelMethod.BOOKMARK: {"bookmark": 12},
    }[method]
    assert all(f'data-state="{subject}"' in page for subject in given)
    judge(actors["first"], key, given, submits=True)
    assert close(actors["leader"], key)["cut"] > 0
    assert "整体判断" in client.get(f"{address}/rounds/1").text
    discussing = client.get(booklet(client, address)).text
    assert "data-subject" not in discussing
    assert ("上一轮：您" in discussing) is (method is not PanelMethod.BOOKMARK)
    with unit_of_work(actors["leader"]) as uow:
        panels.open_round(uow, key)
    again = client.get(booklet(client, address)).text
    assert ("上一轮：您" in again) is (method is not PanelMethod.BOOKMARK)
    assert client.post(f"{address}/carry-over", data={"ticket": "x"}).status_code == 303
    row = panels.current_round(session, repository.get_panel(session, key, actor=actors["leader"]))
    assert repository.count_judgements(session, row.panel_round_id) == len(given)


def test_who_takes_a_report_away_is_recorded(sealed_form, actors, clients, session):
    panel, address = set_up(actors, sealed_form)
    assert clients["leader"].get(f"{address}/report").status_code == 404
    for name, value in (("first", 60), ("second", 70)):
        judge(actors[name], panel.standard_panel_id, all_items(value))
    close(actors["leader"], panel.standard_panel_id)
    files = {one: clients["leader"].post(f"{address}/report", data={"format": one}) for one in ("pdf", "xlsx", "csv")}
    assert files["pdf"].data.startswith(b"%PDF")
    book = openpyxl.load_workbook(io.BytesIO(files["xlsx"].data))
    assert book.sheetnames == ["概况", "轮次", "专家", "各题"]
    assert [cell.value for cell in book["专家"][2]][:3] == [1, 12, -0.05]
    assert "不改变合格分" in str(list(book["概况"].values))
    lines = files["csv"].data.decode("utf-8-sig").splitlines()
    assert len(lines) == N_ITEMS + 1
    assert lines[1].split(",")[1:6] == ["", lines[1].split(",")[2], "单项选择题", "1.0", "0.65"]
    assert clients["leader"].post(f"{address}/report", data={"format": "exe"}).status_code == 422
    assert clients["first"].post(f"{address}/report", data={"format": "csv"}).status_code == 403
    taken = session.scalars(select(AuditEvent).where(AuditEvent.act == "panel.export")).all()
    assert [event.details["after"]["format"] for event in taken] == ["pdf", "xlsx", "csv"]


def test_strangers_find_nothing(sealed_form, actors, sign_in, other_organisation, session):
    panel, address = set_up(actors, sealed_form)
    stranger = sign_in(Role.EDITOR, Role.AUTHOR, Role.FORM_APPROVER, organisation_id=other_organisation.organisation_id)
    uninvited = sign_in(Role.AUTHOR)
    for client in (stranger, uninvited):
        assert panel.name not in client.get("/panels/").text
        for path in ("", "/rounds/1", "/rate"):
            assert client.get(address + path).status_code == 404
        answer = client.post(f"{address}/keep", data={"subject": "item-1", "value": "5", "revision": "0"})
        assert answer.status_code == 404
    for path in ("members", "rounds", "close", "propose", "conclude", "cancel", "return", "report"):
        data = {"users": [str(actors["first"].user_id)], "seen": "0", "reason": "x", "conclusion": "x", "format": "csv"}
        assert stranger.post(f"{address}/{path}", data=data).status_code in {403, 404}, path
    assert sign_in(Role.INVIGILATOR).get("/panels/").status_code == 403
    assert session.scalars(select(PanelJudgement)).all() == []


def test_a_rater_who_leaves_and_a_panel_that_ends_are_kept_with_the_reason(sealed_form, actors, clients, session):
    panel, address = set_up(actors, sealed_form)
    member = repository.find_member(session, panel.standard_panel_id, actors["second"].user_id)
    path = f"{address}/members/{member.panel_member_id}/remove"
    assert clients["leader"].post(path, data={"reason": ""}).status_code == 422
    assert clients["leader"].post(path, data={"reason": "培训考生"}).status_code == 303
    assert clients["second"].get(address).status_code == 404
    assert clients["leader"].post(f"{address}/cancel", data={"reason": "改期"}).status_code == 303
    assert "已取消" in clients["leader"].get(address).text
