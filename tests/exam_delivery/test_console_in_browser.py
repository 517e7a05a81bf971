"""The console in a real browser: what is polled is written into the rows, and told once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, Response, expect
from sqlalchemy import update
from werkzeug.serving import make_server

from benchmarks.console import client_of
from exam_delivery.models import Attempt, AttemptStatus
from kernel.clock import now
from kernel.db import db
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation, OrganisationKind
from kernel.identity.permissions import Role
from kernel.settings import Settings
from kernel.uow import unit_of_work
from tests.accessibility import NARROW, TAGS, sticking_out_at, violations
from tests.conftest import SECRET
from tests.exam_delivery.sitting_cases import Sitting, prepare
from web.app import create_app

pytestmark = pytest.mark.journey


@pytest.fixture
def room(scratch_database_url: str, tmp_path: Path) -> Iterator[tuple[str, str, Sitting]]:
    """A served application with three candidates who write, and a signed-in chief's token."""
    app = create_app(Settings(instance_dir=tmp_path, database_url=scratch_database_url, secret_key=SECRET))
    with app.app_context():
        with unit_of_work(system_actor()) as uow:
            body = Organisation(code="C", name="演示", kind=OrganisationKind.SOCIAL, is_active=True, created_at=now())
            uow.add(body)
            uow.flush()
            sitting = prepare(uow.session, body.organisation_id, n=3, starts_at=now() - timedelta(minutes=5))
        write(sitting, status=AttemptStatus.IN_PROGRESS, started_at=now(), last_contact_at=now() + timedelta(minutes=9))
        cookie = client_of(app, sitting, Role.CHIEF_INVIGILATOR).get_cookie("kaoku_staff")
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", cookie.value if cookie else "", sitting
        server.shutdown()
        thread.join()
        db.session.remove()
        db.engine.dispose()


def write(sitting: Sitting, n: int = 3, **values: object) -> None:
    keys = [person.attempt_id for person in sitting.people[:n]]
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        uow.session.execute(update(Attempt).where(Attempt.attempt_id.in_(keys)).values(**values))


def test_changes_reach_the_rows_of_an_open_console_and_are_told_once(
    room: tuple[str, str, Sitting], chromium: Browser
) -> None:
    address, token, sitting = room
    context = chromium.new_context()
    context.add_cookies([{"name": "kaoku_staff", "value": token, "url": address}])
    page = context.new_page()
    replies: list[Response] = []
    page.on("response", lambda reply: replies.append(reply) if "/state" in reply.url else None)
    page.clock.install()
    page.goto(f"{address}/console/{sitting.exam_session_id}")
    row = page.locator(f'[data-seat="{sitting.people[0].registration_id}"]')
    expect(row).to_have_attribute("data-state", "working")
    write(sitting, 1, n_answered=4, locked_at=now(), hold_reason="换座")
    page.clock.run_for(3500)
    expect(row).to_have_attribute("data-state", "locked", timeout=20_000)
    expect(row.locator('[data-field="answered"]')).to_have_text("4 / 5")
    with page.expect_response(lambda reply: "/state" in reply.url, timeout=20_000):
        page.clock.run_for(3500)
    assert sum(len(reply.json()["seats"]) for reply in replies) == 1
    assert len(replies) > 1
    context.close()


@pytest.fixture
def desk(room: tuple[str, str, Sitting], chromium: Browser) -> Iterator[Page]:
    """The chief's desk with the console open, worked by the keyboard."""
    address, token, sitting = room
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "kaoku_staff", "value": token, "url": address}])
    page = context.new_page()
    page.goto(f"{address}/console/{sitting.exam_session_id}")
    yield page
    context.close()


def open_drawer(page: Page, k: int = 0) -> Locator:
    page.locator("tbody").get_by_role("link", name="处置").nth(k).press("Enter")
    drawer = page.get_by_role("dialog", name="详情")
    expect(drawer).to_be_focused()
    return drawer


def clean(page: Page) -> bool:
    return not violations(page, TAGS) and not sticking_out_at(page, NARROW)


def test_an_act_refused_in_the_drawer_stays_there_with_what_was_typed(desk: Page) -> None:
    drawer = open_drawer(desk)
    drawer.locator("summary", has_text="锁定").press("Enter")
    drawer.locator("#lock-reason").select_option("other")
    drawer.locator("#lock-note").fill("  ")
    drawer.locator("#lock-note").press("Enter")
    expect(drawer.get_by_role("alert")).to_contain_text("“锁定”没有执行")
    expect(drawer.locator("#lock-note")).to_be_focused()
    expect(drawer.locator("#lock-reason")).to_have_value("other")
    expect(drawer.locator("#lock-note-error")).to_have_text("请写明原因")
    assert clean(desk)
    drawer.locator("#lock-note").fill("第三次离开页面")
    drawer.locator("#lock-note").press("Enter")
    expect(desk.get_by_text("已锁定，考生页面几秒内变为只读")).to_be_visible()


def test_a_large_addition_is_shown_in_the_drawer_with_its_new_end_and_can_be_made_smaller(desk: Page) -> None:
    drawer = open_drawer(desk)
    drawer.locator("#add-time-minutes").fill("100")
    drawer.locator("#add-time-reason").select_option("power")
    drawer.locator("#add-time-minutes").press("Enter")
    minutes = drawer.locator("#second-look-minutes")
    expect(minutes).to_have_value("100")
    expect(drawer).to_contain_text("还没有延时")
    assert clean(desk)
    minutes.fill("10")
    minutes.press("Enter")
    expect(desk.get_by_text("已延时，考生页面几秒内显示新的截止时间")).to_be_visible()


def test_the_drawer_keeps_everything_while_the_server_is_away(desk: Page) -> None:
    drawer = open_drawer(desk)
    drawer.locator("#add-time-minutes").fill("5")
    drawer.locator("#add-time-reason").select_option("power")
    desk.context.set_offline(True)
    drawer.get_by_role("button", name="延时", exact=True).press("Enter")
    expect(desk.locator("#toasts .notice-danger")).to_be_visible()
    expect(drawer.locator("#add-time-minutes")).to_have_value("5")
    desk.context.set_offline(False)
    drawer.get_by_role("button", name="延时", exact=True).press("Enter")
    expect(desk.get_by_text("已延时，考生页面几秒内显示新的截止时间")).to_be_visible()


def test_a_large_addition_for_a_room_is_a_page_of_its_own_that_fits_a_telephone(desk: Page) -> None:
    desk.locator(".console-tools summary", has_text="延时").press("Enter")
    desk.locator("#room-minutes").fill("90")
    desk.locator("#room-reason").select_option("power")
    desk.locator("#room-minutes").press("Enter")
    expect(desk.get_by_role("heading", name="请再核对：延时 90 分钟")).to_be_visible()
    assert clean(desk)
    desk.get_by_role("button", name="确认延时").press("Enter")
    expect(desk.get_by_text("已为 3 名考生延时")).to_be_visible()


@pytest.mark.parametrize(("width", "most"), [(1440, 56), (390, 140)])
def test_the_bar_of_the_selection_hides_little_of_the_list_and_asks_minutes_only_for_more_time(
    desk: Page, width: int, most: int
) -> None:
    desk.set_viewport_size({"width": width, "height": 844})
    desk.locator("tbody input[name=selected]").first.press("Space")
    bar, minutes = desk.locator(".bulk-bar"), desk.locator("#many-minutes")
    expect(minutes).to_be_hidden()
    desk.locator("#many-act").select_option("add-time")
    expect(minutes).to_be_visible()
    assert violations(desk, TAGS) == []
    box = bar.bounding_box()
    assert box is not None
    assert box["height"] <= most
    assert box["y"] + box["height"] <= 844
    minutes.fill("3")
    desk.locator("#many-reason").select_option("power")
    bar.locator("summary").press("Enter")
    bar.get_by_role("button", name="确认执行").press("Enter")
    expect(desk.get_by_text("已处理 1 人")).to_be_visible()
