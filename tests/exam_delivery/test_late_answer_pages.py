"""The pages of late answers: who reaches them, from where, what they show and never show, in a browser too."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy.orm import Session

from exam_delivery.models import AttemptStatus, ExamSession, SessionRoom, SessionStatus, SubmitKind
from kernel.clock import now
from kernel.db import db
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.accessibility import NARROW, TAGS, ZOOMED, sticking_out_at, violations
from tests.conftest import MakeUser, SignIn
from tests.exam_delivery.served_room import served_room
from tests.exam_delivery.sitting_cases import Sitting
from tests.exam_delivery.test_late_answers import MINUTE, arrive, late, sitting_that_ended
from tests.pages import words

PROPOSAL = {"answer": "1-7", "decision": "count", "reason": "network", "note": "交换机故障"}


@pytest.fixture
def sitting(session: Session, organisation: Organisation) -> Sitting:
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        made = sitting_that_ended(uow.session, organisation.organisation_id)
        uow.session.get_one(ExamSession, made.exam_session_id).status = SessionStatus.CLOSED
    late(made, 1, 7, ["B"])
    return made


def address(sitting: Sitting, who: int = 0) -> str:
    return f"/console/{sitting.exam_session_id}/candidates/{sitting.people[who].registration_id}/late-answers"


def test_one_person_proposes_and_another_confirms(sitting: Sitting, sign_in: SignIn) -> None:
    client = sign_in(Role.CHIEF_INVIGILATOR)
    assert "迟到，待裁定" in client.get(address(sitting)).text
    done = client.post(address(sitting), data=PROPOSAL, follow_redirects=True)
    assert "已提出" in done.text
    assert "由提出人以外的总控人员确认" in done.text
    act = address(sitting) + f"/{_waiting(sitting)}/decision"
    assert "另一名" in client.post(act, data={"decision": "confirm", "reason": "r"}, follow_redirects=True).text
    other = sign_in(Role.CHIEF_INVIGILATOR)
    assert "确认：计入" in other.get(address(sitting)).text
    assert "已确认" in other.post(act, data={"decision": "confirm", "reason": "核对过"}, follow_redirects=True).text
    shown = words(other.get(address(sitting)).text)
    assert "核对过" in shown
    assert "迟到，待裁定" not in shown


def _waiting(sitting: Sitting) -> uuid.UUID:
    from exam_delivery.repository.late_answers import decisions_of

    key = sitting.people[0].attempt_id
    return decisions_of(db.session(), [key])[key][0].late_decision_id


def test_a_refused_proposal_comes_back_with_what_was_typed(sitting: Sitting, sign_in: SignIn) -> None:
    refused = sign_in(Role.CHIEF_INVIGILATOR).post(address(sitting), data=PROPOSAL | {"reason": "", "answer": ""})
    assert refused.status_code == 422
    assert "交换机故障" in refused.text
    assert "请选择原因" in refused.text


def test_the_page_shows_neither_answer_nor_item(sitting: Sitting, sign_in: SignIn) -> None:
    late(sitting, 2, 9, ["这是考生写的话"])
    shown = sign_in(Role.CHIEF_INVIGILATOR).get(address(sitting)).text
    assert "这是考生写的话" not in shown
    assert "题干" not in shown


def test_the_ways_to_it_and_the_to_do_are_there_while_somebody_waits(sitting: Sitting, sign_in: SignIn) -> None:
    client = sign_in(Role.CHIEF_INVIGILATOR)
    everybody = f"/console/{sitting.exam_session_id}/late-answers"
    assert "待裁定的迟到答案：上午第一场" in client.get("/").text
    for role in (Role.SUPERVISOR, Role.EXAM_OFFICER):
        assert "待总控裁定的迟到答案：上午第一场" in sign_in(role).get("/").text
    assert everybody in client.get("/console/overview").text
    assert everybody in client.get(f"/console/{sitting.exam_session_id}/rooms/{sitting.room_ids[0]}/report").text
    assert address(sitting) in client.get(address(sitting).removesuffix("/late-answers")).text
    assert "1 人待裁定" in client.get(everybody).text
    client.post(address(sitting), data=PROPOSAL | {"decision": "leave"})
    act = address(sitting) + f"/{_waiting(sitting)}/decision"
    sign_in(Role.CHIEF_INVIGILATOR).post(act, data={"decision": "confirm", "reason": "无断网记录"})
    assert "待裁定的迟到答案" not in client.get("/").text
    assert "不计入" in client.get(everybody).text


def test_an_invigilator_reaches_the_own_room_alone_and_confirms_nothing(
    sitting: Sitting, sign_in: SignIn, make_user: MakeUser, other_organisation: Organisation
) -> None:
    late(sitting, 1, 7, ["B"], who=1)
    user = make_user(Role.INVIGILATOR)
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        room = uow.session.get_one(SessionRoom, (sitting.exam_session_id, sitting.room_ids[0]))
        room.invigilator_ids = [str(user.user_id)]
    client = sign_in(user=user)
    listed = client.get(f"/console/{sitting.exam_session_id}/late-answers").text
    assert sitting.people[0].admission_number in listed
    assert sitting.people[1].admission_number not in listed
    assert client.get(address(sitting, 1)).status_code == 404
    assert client.post(address(sitting, 1), data=PROPOSAL).status_code == 404
    assert client.post(address(sitting), data=PROPOSAL).status_code == 303
    act = address(sitting) + f"/{_waiting(sitting)}/decision"
    assert client.post(act, data={"decision": "confirm", "reason": "r"}).status_code == 403
    stranger = sign_in(Role.CHIEF_INVIGILATOR, organisation_id=other_organisation.organisation_id)
    assert stranger.post(act, data={"decision": "confirm", "reason": "r"}).status_code == 404
    assert stranger.get(address(sitting)).status_code == 404
    assert stranger.get(f"/console/{sitting.exam_session_id}/late-answers").status_code == 404


def test_a_released_session_says_what_to_do_instead(sitting: Sitting, sign_in: SignIn) -> None:
    with unit_of_work(system_actor()) as uow:
        uow.session.get_one(ExamSession, sitting.exam_session_id).status = SessionStatus.RELEASED
    client = sign_in(Role.CHIEF_INVIGILATOR)
    shown = client.get(address(sitting)).text
    assert "请通过成绩复核处理" in shown
    assert "提出裁定" not in shown
    assert client.post(address(sitting), data=PROPOSAL).status_code == 409
    assert "待裁定的迟到答案" not in client.get("/").text


def look(page: Page) -> None:
    assert (violations(page, TAGS), sticking_out_at(page, ZOOMED, NARROW)) == ([], [])


@pytest.mark.journey
def test_the_pages_are_accessible(embedded_database_url: str, tmp_path: Path, chromium: Browser) -> None:
    with served_room(embedded_database_url, tmp_path, n=2) as room:
        person, at = room.sitting.people[0], now()
        room.write(
            person, status=AttemptStatus.SUBMITTED, deadline_at=at - 10 * MINUTE, submitted_at=at - 10 * MINUTE,
            submit_kind=SubmitKind.TIMEOUT,
        )  # fmt: skip
        arrive(person.attempt_id, 1, 7, ["B"])
        arrive(person.attempt_id, 2, 8, ["C"])
        page = room.desk(chromium, Role.INVIGILATOR, f"{room.path}/late-answers")
        expect(page.get_by_text("1 人待裁定")).to_be_visible()
        look(page)
        page.get_by_role("link", name=person.admission_number).click()
        look(page)
        page.get_by_label("第 ").first.uncheck()
        page.get_by_label("不计入").check()
        page.get_by_label("原因").select_option("network")
        page.get_by_label("说明").fill("断网没有记录")
        page.get_by_role("button", name="提出").click()
        chief = room.desk(chromium, Role.CHIEF_INVIGILATOR, address(room.sitting))
        chief.locator("details.confirm > summary").first.click()
        look(chief)
        chief.get_by_label("确认的理由").fill("核对过")
        chief.locator(".confirm-panel").get_by_role("button", name="确认：不计入").click()
        expect(chief.get_by_text("已确认")).to_be_visible()
        look(chief)
