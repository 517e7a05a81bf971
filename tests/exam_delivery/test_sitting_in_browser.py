"""An exam as it is sat: candidates, invigilator and chief in real browsers, against the whole program and its database."""

from __future__ import annotations

import gzip
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy import select, update
from werkzeug.serving import make_server

from exam_delivery.answering import entry
from exam_delivery.models import ExamSession, RenderedForm
from exam_delivery.rules.leaving import Conduct
from kernel.clock import now
from kernel.db import db
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation, OrganisationKind
from kernel.identity.permissions import Role
from kernel.settings import Settings
from kernel.uow import unit_of_work
from tests.conftest import SECRET
from tests.exam_delivery.served_room import ServedRoom
from tests.exam_delivery.sitting_cases import Person, prepare
from web.app import create_app
from web.dispatch import Dispatch

pytestmark = pytest.mark.journey
SEAT, ELSEWHERE = "10.0.0.11", "10.0.0.12"
STARTED = timedelta(minutes=5)


@dataclass
class Hall(ServedRoom):
    """A served room to which candidates come as well, each from the address of a machine."""

    def machine(self, browser: Browser, address: str = SEAT) -> Page:
        """Open the exam page on a machine."""
        context = browser.new_context(
            viewport={"width": 1024, "height": 768}, locale="zh-CN", extra_http_headers={"X-Forwarded-For": address}
        )
        page = context.new_page()
        page.goto(f"{self.address}/exam/")
        return page

    def rule(self, conduct: Conduct) -> None:
        """Write rules into everybody's form, as preparation does."""
        with unit_of_work(system_actor(self.sitting.organisation_id)) as uow:
            for row in uow.session.scalars(select(RenderedForm)):
                form = json.loads(gzip.decompress(row.body)) | {"conduct": conduct.document()}
                row.body = gzip.compress(json.dumps(form).encode())


@pytest.fixture
def hall(scratch_database_url: str, tmp_path: Path) -> Iterator[Hall]:
    settings = Settings(instance_dir=tmp_path, database_url=scratch_database_url, secret_key=SECRET, trusted_proxies=1)
    app = create_app(settings)
    with app.app_context():
        with unit_of_work(system_actor()) as uow:
            body = Organisation(code="C", name="演示", kind=OrganisationKind.SOCIAL, is_active=True, created_at=now())
            uow.add(body)
            uow.flush()
            sitting = prepare(uow.session, body.organisation_id, n=3, starts_at=now() - STARTED)
        site = Dispatch(app, entry.create(settings))
        server = make_server("127.0.0.1", 0, site, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Hall(app, f"http://127.0.0.1:{server.server_port}", sitting)
        server.shutdown()
        thread.join()
        site.close()
        db.session.remove()
        db.engine.dispose()


def sign_in(page: Page, person: Person) -> None:
    page.get_by_label("准考证号").fill(person.admission_number)
    page.get_by_label("证件号码").fill(person.id_number)
    page.get_by_role("button", name="登录", exact=True).click()


def enter(page: Page, person: Person) -> Page:
    """Go from the sign-in to the first item; the doors are open and the time has come."""
    sign_in(page, person)
    for name in ("信息正确，继续", "我已阅读，继续", "我会操作了，继续"):
        page.get_by_role("button", name=name).click()
    page.get_by_label("我已阅读并承诺遵守").check()
    page.get_by_role("button", name="进入等候").click()
    expect(page.get_by_role("heading", name="第 1 题")).to_be_visible()
    return page


def answer(page: Page) -> None:
    page.locator("article.item input[type=radio]").first.check()


def expect_saved(page: Page) -> None:
    expect(page.locator("article.item")).to_contain_text("已保存")


def case_of(hall: Hall, desk: Page, person: Person) -> Locator:
    """Open the page of a candidate in the console."""
    desk.goto(f"{hall.address}{hall.path}/candidates/{person.registration_id}")
    return desk.locator("main")


def confirmed(desk: Page, label: str, reason: str) -> None:
    """Do something that is asked about once more and needs a reason."""
    box = desk.locator("details.confirm", has_text=re.compile(rf"^\s*{label}\s"))
    box.locator("summary").click()
    box.get_by_label("原因").select_option(label=reason)
    with desk.expect_navigation():
        box.get_by_role("button", name=label, exact=True).click()


def act(hall: Hall, desk: Page, person: Person, label: str, reason: str) -> None:
    """Do something with a candidate."""
    case_of(hall, desk, person)
    confirmed(desk, label, reason)


def hand_in(page: Page) -> None:
    page.get_by_role("button", name="交卷", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="交卷", exact=True).click()
    dialog.get_by_role("button", name="确定交卷").click()


def test_the_invigilator_gives_time_locks_unlocks_and_collects_and_the_page_follows(
    hall: Hall, chromium: Browser
) -> None:
    person = hall.sitting.people[0]
    page = enter(hall.machine(chromium), person)
    answer(page)
    expect_saved(page)
    desk = hall.desk(chromium, Role.INVIGILATOR)
    case = case_of(hall, desk, person)
    case.get_by_label("延长（分钟）").fill("5")
    form = case.locator("form.candidate-act")
    form.get_by_label("原因").select_option(label="设备故障")
    form.get_by_role("button", name="延时").click()
    expect(page.locator(".banner", has_text="考试时间延长了 5 分钟")).to_be_visible(timeout=12_000)
    act(hall, desk, person, "锁定", "身份核验")
    expect(page.get_by_text("答题已锁定，请举手").first).to_be_visible(timeout=12_000)
    expect(page.locator("article.item input[type=radio]").first).to_be_disabled()
    act(hall, desk, person, "解锁", "身份核验")
    expect(page.locator("article.item input[type=radio]").first).to_be_enabled(timeout=12_000)
    page.locator("article.item input[type=radio]").last.check()
    expect_saved(page)
    act(hall, desk, person, "强制收卷", "考生要求交卷")
    expect(page.get_by_role("heading", name="已交卷")).to_be_visible(timeout=12_000)
    expect(page.locator("dl.receipt")).to_contain_text("1 题")


def test_after_an_outage_and_a_crash_every_answer_is_there_and_the_candidate_hands_in(
    hall: Hall, chromium: Browser
) -> None:
    person = hall.sitting.people[0]
    page = enter(hall.machine(chromium), person)
    answer(page)
    expect_saved(page)
    page.context.set_offline(True)
    page.get_by_role("button", name="下一题").click()
    answer(page)
    expect(page.get_by_text("网络中断").first).to_be_visible()
    page.context.set_offline(False)
    expect_saved(page)
    context = page.context
    page.close()
    again = context.new_page()
    again.goto(f"{hall.address}/exam/")
    sign_in(again, person)
    expect(again.locator("article.item")).to_be_visible()
    expect(again.get_by_text("已答 2 /").first).to_be_visible()
    hand_in(again)
    expect(again.get_by_role("heading", name="已交卷")).to_be_visible()
    expect(again.locator("dl.receipt")).to_contain_text("2 题")
    desk = hall.desk(chromium, Role.INVIGILATOR)
    expect(desk.locator(f'[data-seat="{person.registration_id}"]')).to_have_attribute("data-state", "submitted")


def test_another_machine_gets_the_attempt_once_the_invigilator_has_let_it(hall: Hall, chromium: Browser) -> None:
    hall.rule(Conduct(takeover_consent=True))
    person = hall.sitting.people[0]
    page = enter(hall.machine(chromium), person)
    answer(page)
    expect_saved(page)
    other = hall.machine(chromium, ELSEWHERE)
    sign_in(other, person)
    expect(other.get_by_text("正在另一台电脑上作答")).to_be_visible()
    page.locator("article.item input[type=radio]").last.check()
    expect_saved(page)
    desk = hall.desk(chromium, Role.INVIGILATOR)
    expect(case_of(hall, desk, person)).to_contain_text(ELSEWHERE)
    act(hall, desk, person, "重置登录", "设备故障")
    other.get_by_role("button", name="登录", exact=True).click()
    expect(other.locator("article.item input[type=radio]").last).to_be_checked()
    expect(page.get_by_text("您已在另一台电脑或另一个页面继续考试").first).to_be_visible(timeout=12_000)


def test_in_the_last_minutes_the_invigilator_collects_who_may_go(hall: Hall, chromium: Browser) -> None:
    hall.rule(Conduct(consent_seconds=600))
    person = hall.sitting.people[0]
    page = enter(hall.machine(chromium), person)
    answer(page)
    expect_saved(page)
    hall.write(person, deadline_at=now() + timedelta(minutes=9))
    page.get_by_role("button", name="交卷", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("须经监考员同意", timeout=12_000)
    expect(dialog.get_by_role("button", name="交卷", exact=True)).to_be_disabled()
    act(hall, hall.desk(chromium, Role.INVIGILATOR), person, "强制收卷", "考生要求交卷")
    expect(page.get_by_role("heading", name="已交卷")).to_be_visible(timeout=12_000)


def test_the_chief_stops_a_room_without_power_and_lets_it_go_on(hall: Hall, chromium: Browser) -> None:
    page = enter(hall.machine(chromium), hall.sitting.people[0])
    chief = hall.desk(chromium, Role.CHIEF_INVIGILATOR, "/console/overview")
    chief.get_by_role("link", name="第 1 考场").click()
    for label, state in (("全部暂停", "paused"), ("全部恢复", "working")):
        confirmed(chief, label, "停电")
        seat = chief.locator(f'[data-seat="{hall.sitting.people[0].registration_id}"]')
        expect(seat).to_have_attribute("data-state", state)
        if state == "paused":
            expect(page.get_by_text("考试暂停").first).to_be_visible(timeout=12_000)
    radio = page.locator("article.item input[type=radio]").first
    expect(radio).to_be_enabled(timeout=12_000)
    answer(page)
    expect_saved(page)


def test_the_chief_sees_who_is_affected_before_a_session_is_cancelled(hall: Hall, chromium: Browser) -> None:
    page = hall.machine(chromium)
    with unit_of_work(system_actor(hall.sitting.organisation_id)) as uow:
        later = {"starts_at": now() + STARTED, "ends_at": now() + timedelta(hours=2)}
        uow.session.execute(update(ExamSession).values(**later))
    for person in hall.sitting.people:
        hall.write(person, starts_at=now() + STARTED, latest_start_at=now() + timedelta(minutes=35))
    sign_in(page, hall.sitting.people[0])
    page.get_by_role("button", name="信息正确，继续").wait_for()
    chief = hall.desk(chromium, Role.CHIEF_INVIGILATOR, f"{hall.path}/change")
    expect(chief.get_by_text("3 人，其中 0 人留有电话")).to_be_visible()
