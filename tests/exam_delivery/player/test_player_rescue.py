"""Rescue files and holds in a real browser: what the candidate sees, saves and may do."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from exam_delivery.models import Attempt, AttemptStatus, ResponseState
from exam_delivery.rules.rescue import PURPOSE, attempt_key
from exam_delivery.services import rescue
from kernel import crypto
from kernel.clock import now
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.exam_delivery.player.test_player_accessibility import check, fits
from tests.exam_delivery.sitting_cases import Sitting, prepare

pytestmark = pytest.mark.journey

NO_SUBTLE = "Object.defineProperty(window.Crypto.prototype, 'subtle', {get: () => undefined})"


@pytest.fixture
def sitting(session, organisation) -> Sitting:
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        made = prepare(
            uow.session, organisation.organisation_id, n=1, n_slots=10, starts_at=now() - timedelta(minutes=5)
        )
        row = uow.session.get_one(Attempt, made.people[0].attempt_id)
        row.status, row.started_at, row.holder_generation = AttemptStatus.IN_PROGRESS, now(), 1
        row.deadline_at = now() + timedelta(hours=1)
    return made


def save_file(page: Page) -> bytes:
    page.get_by_role("button", name="保存应急文件").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="保存文件", exact=True).click()
    assert download.value.suggested_filename.startswith("考库应急文件-202611210001-")
    expect(page.get_by_role("status").filter(has_text="已交给浏览器保存")).to_contain_text("请举手")
    return Path(download.value.path()).read_bytes()


def test_offline_answers_reach_the_server_by_a_file_without_the_browsers_own_cryptography(
    room, sitting: Sitting, session, make_actor
) -> None:
    person = sitting.people[0]
    room.exam.attempt = str(person.attempt_id)
    room.exam.rescue_key = attempt_key(crypto.purpose_key(PURPOSE), person.attempt_id, 1)
    room.exam.form["conduct"] = {"rescue_after_seconds": 1}
    context = room.context()
    context.add_init_script(NO_SUBTLE)
    room.exam.start()
    page = room.page(context)
    room.sign_in(page)
    expect(page.get_by_role("heading", name="第 1 题")).to_be_visible()
    context.set_offline(True)
    page.get_by_text("尾座的移动").click()
    page.get_by_role("button", name="下一题").click()
    page.get_by_text("禁止烟火").click()
    data = save_file(page)
    assert room.exam.responses == {}
    chief = make_actor(Role.CHIEF_INVIGILATOR)
    with unit_of_work(chief) as uow:
        key = rescue.upload(uow, sitting.exam_session_id, person.registration_id, data).rescue_file_id
    with unit_of_work(chief) as uow:
        assert rescue.import_file(uow, key).outcome["counts"] == 2
    found = session.execute(select(ResponseState.slot, ResponseState.response).order_by(ResponseState.slot)).all()
    assert [(slot, json.loads(text)) for slot, text in found] == [(1, ["c4"]), (2, ["c2"])]


def test_answers_that_the_closed_attempt_refused_can_be_saved_from_the_receipt(room) -> None:
    page = room.seated(bypass_csp=True)
    page.context.set_offline(True)
    page.get_by_text("尾座的移动", exact=True).click()
    expect(page.locator(".safety")).to_have_text("已存本机")
    room.exam.submit()
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="已交卷")).to_be_visible(timeout=12000)
    check(page, "receipt with unsent answers")
    assert json.loads(save_file(page))["generation"] == 1
    check(page, "rescue dialog")
    page.set_viewport_size({"width": 320, "height": 640})
    fits(page, "rescue dialog")


def test_a_locked_candidate_reads_why_and_goes_on_after_unlocking(room) -> None:
    page = room.seated(bypass_csp=True)
    room.exam.hold = {"kind": "locked", "since": "", "reason": "离开考试页面"}
    page.get_by_text("尾座的移动").click()
    expect(page.locator(".banner")).to_contain_text("请举手等监考员处理", timeout=12000)
    expect(page.locator(".banner")).to_contain_text("原因：离开考试页面")
    expect(page.get_by_role("radio").first).to_be_disabled()
    expect(page.get_by_role("button", name="交卷", exact=True)).to_be_disabled()
    check(page, "locked")
    room.exam.hold = None
    expect(page.get_by_role("radio").first).to_be_enabled(timeout=12000)
    expect(page.locator("#live")).to_have_text("可以继续作答了。")


def test_an_answer_given_just_before_a_pause_is_sent_afterwards(room) -> None:
    page = room.seated()
    room.exam.hold = {"kind": "paused", "since": "", "reason": ""}
    page.get_by_text("尾座的移动").click()
    expect(page.locator(".banner")).to_contain_text("考试暂停，计时已停止", timeout=12000)
    shown = page.locator(".timer-value").inner_text()
    page.wait_for_timeout(1200)
    assert page.locator(".timer-value").inner_text() == shown
    room.exam.hold = None
    expect(page.locator(".safety")).to_have_text("已保存", timeout=12000)
    assert room.exam.responses[1]["response"] == ["c4"]
