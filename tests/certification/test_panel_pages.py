"""Assessors' groups in the browser: officer, tablet, signing, printed sheets, documents, and their walls."""

from __future__ import annotations

import io
import re

import pypdf
import pytest

from certification.models import Assessment, ComponentProof, ScoreSheetTemplate
from certification.rules import keys, panel_scoring
from certification.rules.competition import COMPETITION_RANKS
from certification.services import panel_groups
from kernel.db import db
from kernel.identity.permissions import Role
from tests.certification.test_panels import REASON, REVIEW, SHEET, House, marks, set_rules
from tests.factories.certification import OCCUPATION, candidate

PDF = b"%PDF-1.7 demonstration"


def text_of(response):
    pages = pypdf.PdfReader(io.BytesIO(response.data)).pages
    return "".join("".join(page.extract_text().split()) for page in pages)


def value_of(page, name):
    return re.search(rf'name="{name}" value="([^"]*)"', page)[1]


@pytest.fixture
def clients(sign_in, make_user):
    """Return three assessors as users with signed-in browsers."""
    people = [make_user(Role.ASSESSOR, name=name) for name in ("考评甲", "考评乙", "考评丙")]
    return people, [sign_in(user=one) for one in people]


def test_a_group_scores_signs_and_prints_in_the_browser(office, sign_in, clients):
    people, browsers = clients
    batch_id = office.receive([candidate(n, score="80") for n in (1, 2)])[1]
    officer = sign_in(Role.CERTIFICATION_OFFICER)
    form = {
        "occupation_code": OCCUPATION[0],
        "level_code": "3",
        "mode": "skills",
        "name": "数据标注操作",
        "text": "步骤",
    }
    assert officer.post("/certification/score-sheets", data=form).status_code == 422
    assert officer.post("/certification/score-sheets", data=form | {"text": SHEET}).status_code == 303
    listed = officer.get("/certification/score-sheets").text
    assert "数据标注操作" in listed
    key = db.session.query(ScoreSheetTemplate).one().score_sheet_template_id
    assert "违反安全规程 | -20" in officer.get(f"/certification/score-sheets?from={key}").text
    place = f"/certification/batches/{batch_id}/panels"
    plan = {"mode": "skills", "name": "第一组", "place": "实训楼", "members": [str(one.user_id) for one in people]}
    assert officer.post(place, data=plan | {"leader": ""}).status_code == 422
    assert officer.post(place, data=plan | {"leader": str(people[0].user_id)}).status_code == 303
    page = officer.get(place).text
    assign = re.search(r"/certification/panels/[^/]+/assign", page)[0]
    assert officer.post(assign, data={"first": "2", "n_stations": "2"}).status_code == 303
    first = re.search(r"/assessing/[0-9a-f-]{36}", browsers[0].get("/assessing/").text)[0]
    for browser, mark in zip(browsers, ("50", "48", "45"), strict=True):
        shown = browser.get(first).text
        data = {"mark": marks(mark), "round": value_of(shown, "round"), "revision": value_of(shown, "revision")}
        answer = browser.post(f"{first}/draft", data=data).get_json()
        assert (answer["state"], answer["revision"]) == ("saved", 1)
        stale = browser.post(f"{first}/draft", data=data | {"mark": marks("1")})
        assert (stale.status_code, stale.get_json()["state"]) == (409, "closed")
        wrong = browser.post(f"{first}/draft", data=data | {"mark": marks("51"), "revision": "1"})
        assert (wrong.status_code, wrong.get_json()["state"]) == (422, "wrong")
        assert browser.post(first, data=data | {"mark": ["20", "", "10", ""], "revision": "1"}).status_code == 422
        assert "全组评分" not in browser.get(first).text
        assert browser.post(first, data=data | {"revision": "1"}).status_code == 303
    shown = browsers[1].get(first).text
    assert "77.67" in shown
    number = value_of(shown, "number")
    for browser in browsers:
        assert browser.post(f"{first}/sign", data={"number": number}).status_code == 303
    printed = text_of(browsers[2].get(f"{first}/sheet.pdf"))
    for words in ("操作技能成绩评定表", "考评甲（组长）", "77.67", "系统签字", "违反安全规程"):
        assert words in printed
    group = text_of(officer.get(assign.replace("assign", "sheets.pdf")))
    assert group.count("操作技能成绩评定表演示评价机构") == 2
    assert "77.67" in officer.get(f"/skill-scores/{batch_id}").text
    assert "待您评分或签字的考生" in browsers[0].get("/").text
    again = first.replace("/assessing/", "/certification/assessments/") + "/again"
    assert browsers[0].post(again, data={"reason": REASON}).status_code == 403
    assert officer.post(again, data={"reason": REASON}).status_code == 303
    assert REASON in officer.get(place).text
    outsider, supervisor = sign_in(Role.ASSESSOR), sign_in(Role.SUPERVISOR)
    assert outsider.get(first).status_code == 403
    assert outsider.get(f"{first}/sheet.pdf").status_code == 403
    assert outsider.post(f"{first}/draft", data={"mark": marks("1"), "round": "2"}).status_code == 403
    assert supervisor.get(place).status_code == 200
    assert supervisor.post(place, data=plan).status_code == 403


def test_the_leader_settles_a_dispute_of_a_review_with_minutes_and_thesis(office, make_actor, sign_in, make_user):
    set_rules(make_actor, **{panel_scoring.REVIEW_CRITERIA: "论文=40,答辩=60"})
    house = House(office, make_actor, level="2", people=(1,), mode=REVIEW)
    house.assign(house.set_up())
    officer = sign_in(Role.CERTIFICATION_OFFICER)
    record = office.records(house.batch_id)["1"]
    thesis = {
        "mode": "comprehensive_review",
        "admission_number": record.admission_number,
        "title": "大模型数据质量控制",
    }
    place = f"/skill-scores/{house.batch_id}/documents"
    answer = officer.post(place, data=thesis | {"file": (io.BytesIO(PDF), "论文.pdf")})
    assert answer.status_code == 303
    house.submit("1", ["90", "90"], ["90", "80"], ["50", "40"])
    task = house.tasks()["1"].assessment_id
    users = [db.session.get(type(make_user(Role.EDITOR)), one.user_id) for one in house.assessors]
    leader, member = (sign_in(user=one) for one in users[:2])
    proof = db.session.query(ComponentProof).one().component_proof_id
    assert leader.get(f"/skill-scores/documents/{proof}/file").data == PDF
    assert sign_in(Role.ASSESSOR).get(f"/skill-scores/documents/{proof}/file").status_code == 403
    shown = leader.get(f"/assessing/{task}").text
    assert ("大模型数据质量控制" in shown, "组长组织合议" in shown) == (True, True)
    assert "组长组织合议" not in member.get(f"/assessing/{task}").text
    leader.post(f"/assessing/{task}/minutes", data={"minutes": "问：如何抽检？答：分层抽样。", "seen": ""})
    form = {"score": "75", "reason": REASON}
    assert member.post(f"/assessing/{task}/resolve", data=form).status_code == 303
    assert leader.post(f"/assessing/{task}/resolve", data=form).status_code == 303
    leader.post(f"/assessing/{task}/sign", data={"number": "1"})
    printed = text_of(officer.get(f"/assessing/{task}/sheet.pdf"))
    for words in ("综合评审记录", "大模型数据质量控制", "分层抽样", "75", "合议理由", "×60%"):
        assert words in printed
    member.post(f"/assessing/{task}/again", data={"reason": REASON})
    db.session().expire_all()
    assert db.session.query(Assessment).one().round == 1
    leader.post(f"/assessing/{task}/again", data={"reason": REASON})
    db.session().expire_all()
    assert db.session.query(Assessment).one().round == 2


def test_documents_are_entered_checked_by_another_and_looked_at_by_their_content(office, make_actor, sign_in):
    set_rules(make_actor, **{keys.WORK_LEVELS: "3", keys.COMPETITION_LEVELS: "3", COMPETITION_RANKS: "省级一类:1-3=3"})
    batch_id = office.receive([candidate(1, score="80")])[1]
    first, second = sign_in(Role.CERTIFICATION_OFFICER), sign_in(Role.ASSESSOR)
    number = office.records(batch_id)["1"].admission_number
    place = f"/skill-scores/{batch_id}/documents"
    form = {"mode": "work_performance", "admission_number": number, "title": "单位业绩证明", "score": "88"}

    def enter(content=PDF, **changes):
        return first.post(place, data={**form, **changes, "file": (io.BytesIO(content), "证明.pdf")})

    for changes in (
        {"score": ""},
        {"score": "101"},
        {"admission_number": "0"},
        {"title": " "},
        {"mode": "process"},
        {"content": b"MZ\x90 program"},
    ):
        assert enter(**changes).status_code == 422
    assert enter().status_code == 303
    proof = db.session.query(ComponentProof).one()
    decide = f"/skill-scores/documents/{proof.component_proof_id}/decide"
    first.post(decide, data={"verdict": "confirm", "version": "1"})
    second.post(decide, data={"verdict": "reject", "version": "1", "reason": ""})
    db.session().expire_all()
    assert db.session.query(ComponentProof).one().status.value == "submitted"
    assert "单位业绩证明" in second.get(place).text
    second.post(decide, data={"verdict": "confirm", "version": "1"})
    db.session().expire_all()
    assert db.session.query(ComponentProof).one().status.value == "confirmed"
    assert second.get(decide.replace("decide", "file")).data == PDF
    contest = {"mode": "competition", "title": "省赛", "score": "", "contest": "省级一类", "certificate": "S-1"}
    assert enter(**contest, rank="4").status_code == 422
    assert enter(**contest, rank="2").status_code == 303


def test_another_house_reaches_neither_groups_nor_documents(office, other_office, make_actor, sign_in):
    house = House(office, make_actor)
    group_id = house.set_up()
    house.assign(group_id)
    task = house.tasks()["1"].assessment_id
    stranger = sign_in(Role.CERTIFICATION_OFFICER, organisation_id=other_office.actor.organisation_id)
    for address in (
        f"/certification/batches/{house.batch_id}/panels",
        f"/certification/panels/{group_id}/sheets.pdf",
        f"/assessing/{task}",
        f"/assessing/{task}/sheet.pdf",
        f"/skill-scores/{house.batch_id}/documents",
    ):
        assert stranger.get(address).status_code == 404
    for address in (
        f"/certification/panels/{group_id}/assign",
        f"/certification/assessments/{task}/again",
        f"/certification/assessments/{task}/move",
        f"/assessing/{task}/draft",
        f"/assessing/{task}",
        f"/assessing/{task}/sign",
        f"/certification/batches/{house.batch_id}/panels",
    ):
        data = {"reason": REASON, "mark": marks("4"), "round": "1", "mode": "skills", "name": "x"}
        assert stranger.post(address, data=data).status_code == 404
    assert panel_groups.waiting_records(db.session(), office.batch(house.batch_id), house.mode) == []


def test_an_officer_replaces_who_drops_out_and_sheets_say_so(office, make_actor, sign_in, other_office):
    house = House(office, make_actor)
    group_id = house.set_up()
    house.assign(group_id)
    house.submit("1", marks("40"), marks("41"), marks("42"))
    house.sign("1")
    new = make_actor(Role.ASSESSOR, name="考评丁")
    officer, place = sign_in(Role.CERTIFICATION_OFFICER), f"/certification/batches/{house.batch_id}/panels"
    form = {"leaving": str(house.leader.user_id), "joining": str(new.user_id), "reason": "突发疾病，不能继续考评"}
    address = f"/certification/panels/{group_id}/replace"
    refused = officer.post(address, data=form)
    assert (refused.status_code, "请从留任和接替的组员中指定新组长" in refused.text) == (422, True)
    for stranger in (sign_in(Role.ASSESSOR), sign_in(Role.SUPERVISOR)):
        assert stranger.post(address, data=form).status_code == 403
    neighbour = sign_in(Role.CERTIFICATION_OFFICER, organisation_id=other_office.actor.organisation_id)
    assert neighbour.post(address, data=form).status_code == 404
    assert officer.post(address, data=form | {"successor": str(new.user_id)}).status_code == 303
    page = officer.get(place).text
    assert "考评甲 已退出，由考评丁接替：突发疾病，不能继续考评" in page
    assert re.search(r"考评丁\s*（组长）", page)
    told = text_of(officer.get(f"/certification/panels/{group_id}/sheets.pdf"))
    assert told.count("考评甲退出，由考评丁接替（突发疾病，不能继续考评）") == 2
    assert told.count("系统签字") == 3
