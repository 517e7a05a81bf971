"""What an open console tells without being asked, how it is worked by the keyboard alone, and what it does when it is cut off."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from exam_delivery.rules.room import SeatState
from kernel.clock import now
from kernel.identity.permissions import Role
from tests.accessibility import NARROW, TAGS, sticking_out_at, violations
from tests.exam_delivery.served_room import ServedRoom, put_into_every_state, served_room

pytestmark = pytest.mark.journey


@pytest.fixture
def room(embedded_database_url: str, tmp_path: Path) -> Iterator[ServedRoom]:
    """A room in which fourteen and more write."""
    with served_room(embedded_database_url, tmp_path, n=len(SeatState)) as served:
        yield served


@pytest.fixture
def desk(room: ServedRoom, chromium: Browser) -> Iterator[Page]:
    """The invigilator's desk."""
    page = room.desk(chromium, Role.INVIGILATOR)
    yield page
    page.context.close()


def row_of(room: ServedRoom, page: Page, k: int) -> Locator:
    return page.locator(f'[data-seat="{room.sitting.people[k].registration_id}"]')


def look(page: Page) -> None:
    assert [(one["id"], one["nodes"][0]["html"]) for one in violations(page, TAGS)] == []
    assert sticking_out_at(page, NARROW) == []


def test_a_new_issue_stands_in_the_title_is_said_marked_and_comes_first(room: ServedRoom, desk: Page) -> None:
    assert not desk.title().startswith("(")
    room.write(room.sitting.people[7], locked_at=now(), hold_reason="离开考试页面超过规定次数")
    row = row_of(room, desk, 7)
    expect(row).to_have_attribute("data-state", "locked")
    expect(desk.locator("[data-console-news]")).to_have_text("新的待处理：08 考生8 已锁定")
    expect(row).to_have_class("is-new")
    assert desk.title().startswith("(1) ")
    assert desk.locator("tbody tr").first.get_attribute("data-name") == "08 考生8"
    expect(desk.locator('[data-counter="n_issues"] dd')).to_have_text("1")
    room.write(room.sitting.people[7], locked_at=None)
    expect(row).to_have_attribute("data-state", "working")
    assert not desk.title().startswith("(")


def test_the_tones_are_switched_on_and_stay_on(desk: Page) -> None:
    switch = desk.get_by_role("button", name="提示音")
    expect(switch).to_have_attribute("aria-pressed", "false")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    desk.reload()
    expect(switch).to_have_attribute("aria-pressed", "true")


def test_while_cut_off_it_says_since_when_and_holds_back_what_is_sent(desk: Page) -> None:
    note = desk.locator("#room-text")
    note.fill("空调停了")
    desk.context.set_offline(True)
    banner = desk.locator("[data-console-lost]")
    expect(banner).to_contain_text("起与服务器没有联系")
    desk.get_by_role("heading", level=1).scroll_into_view_if_needed()
    look(desk)
    note.press("Enter")
    expect(desk.get_by_text("操作没有执行，填好的内容还在；恢复联系以后再按一次").last).to_be_visible()
    expect(note).to_have_value("空调停了")
    desk.context.set_offline(False)
    expect(banner).to_be_hidden()
    expect(desk.get_by_text("联系已恢复")).to_be_visible()
    note.press("Enter")
    expect(desk.get_by_text("情况已记录")).to_be_visible()


def test_when_the_sign_in_ends_it_says_so_and_goes_on_after_another(room: ServedRoom, desk: Page) -> None:
    row_of(room, desk, 0).get_by_role("link", name="处置").press("Enter")
    drawer = desk.get_by_role("dialog", name="详情")
    drawer.locator("#candidate-text").fill("身体不适")
    cookies = desk.context.cookies()
    staff = [one for one in cookies if one["name"] == "kaoku_staff"]
    desk.route("**/state*", lambda _route: None)  # the page has not noticed yet
    desk.context.clear_cookies(name="kaoku_staff")
    drawer.locator("#candidate-text").press("Enter")
    expect(desk.get_by_text("登录已失效，操作没有执行").last).to_be_visible()
    expect(drawer.locator("#candidate-text")).to_have_value("身体不适")
    desk.unroute("**/state*")
    banner = desk.locator("[data-console-lost]")
    expect(banner).to_contain_text("失效。请在新标签页登录", timeout=20_000)
    expect(banner.get_by_role("link", name="在新标签页登录")).to_be_visible()
    desk.context.add_cookies(staff)  # type: ignore[arg-type]
    expect(banner).to_be_hidden(timeout=20_000)
    drawer.locator("#candidate-text").press("Enter")
    expect(desk.get_by_text("情况已记录")).to_be_visible()


def test_a_candidate_is_found_opened_and_left_by_keys_alone(room: ServedRoom, desk: Page) -> None:
    put_into_every_state(room)
    desk.reload()
    desk.keyboard.press("/")
    field = desk.get_by_label("查找考生")
    expect(field).to_be_focused()
    desk.keyboard.type("考生11")
    expect(desk.locator("tbody tr:visible")).to_have_count(1)
    expect(desk.locator("#room-search-count")).to_have_text("显示 1 人")
    desk.keyboard.press("Enter")
    drawer = desk.get_by_role("dialog", name="详情")
    expect(drawer).to_be_focused()
    desk.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(row_of(room, desk, 10).get_by_role("link", name="处置")).to_be_focused()
    desk.keyboard.press("/")
    desk.keyboard.type("3")  # what stood there is selected: it is typed over
    expect(desk.locator("tbody tr:visible")).to_have_count(1)
    expect(desk.locator("tbody tr:visible")).to_have_attribute("data-name", "03 考生3")
    desk.keyboard.press("Control+a")
    desk.keyboard.press("Delete")
    expect(desk.locator("tbody tr:visible")).to_have_count(len(SeatState))
    desk.keyboard.press("ArrowDown")
    first = desk.locator("tbody tr").first
    expect(first.get_by_role("link", name="处置")).to_be_focused()
    desk.keyboard.press("ArrowDown")
    expect(desk.locator("tbody tr").nth(1)).to_be_focused()
    desk.keyboard.press("Enter")
    expect(drawer).to_be_focused()


def test_only_those_who_wait_can_be_shown_and_what_is_hidden_is_not_selected(room: ServedRoom, desk: Page) -> None:
    put_into_every_state(room)
    desk.reload()
    desk.get_by_label("只看需要处理的").check()
    issues = list(SeatState)[: list(SeatState).index(SeatState.AT_DOOR) + 1]
    expect(desk.locator("tbody tr:visible")).to_have_count(len(issues))
    expect(desk.locator('[data-counter="n_issues"] dd')).to_have_text(str(len(issues)))
    desk.get_by_label("选中本页全部").check()
    expect(desk.locator("[data-bulk-count]")).to_have_text(str(len(issues)))
    look(desk)
    desk.reload()
    expect(desk.get_by_label("只看需要处理的")).to_be_checked()


def test_one_act_stands_out_in_each_state_and_the_focus_comes_back_to_the_row(room: ServedRoom, desk: Page) -> None:
    people = put_into_every_state(room)
    desk.reload()
    drawer = desk.get_by_role("dialog", name="详情")
    first = {SeatState.LOCKED: "解锁", SeatState.PAUSED: "恢复", SeatState.OFFLINE: "重置登录", SeatState.AT_DOOR: "准许入场",
             SeatState.WORKING: "延时", SeatState.ABSENT: "撤销缺考", SeatState.CHECKED_IN: None}  # fmt: skip
    for state, name in first.items():
        desk.locator(f'[data-seat="{people[state].registration_id}"]').get_by_role("link", name="处置").press("Enter")
        expect(drawer).to_be_focused()
        assert [one.strip() for one in drawer.locator(".btn-primary:visible").all_inner_texts()] == (
            [name] if name else []
        )
        desk.keyboard.press("Escape")
    link = desk.locator(f'[data-seat="{people[SeatState.PAUSED].registration_id}"]').get_by_role("link", name="处置")
    link.press("Enter")
    drawer.locator("summary", has_text="恢复").press("Enter")
    drawer.locator("#resume-reason").select_option("power")
    drawer.locator("#resume-note").press("Enter")
    expect(desk.get_by_text("已恢复，暂停的时间已加回截止时间")).to_be_visible()
    expect(link).to_be_focused()


def test_silence_is_counted_as_an_issue(room: ServedRoom, desk: Page) -> None:
    room.write(room.sitting.people[0], last_contact_at=now() - timedelta(minutes=5))
    expect(row_of(room, desk, 0)).to_have_attribute("data-state", "offline")
    expect(desk.locator('[data-counter="n_issues"] dd')).to_have_text("1")


def test_the_overview_says_how_many_rooms_need_a_look_keeps_the_focus_and_says_since_when_it_is_old(
    room: ServedRoom, chromium: Browser
) -> None:
    page = room.desk(chromium, Role.CHIEF_INVIGILATOR, "/console/overview")
    assert not page.title().startswith("(")
    report = page.get_by_role("link", name="考场报告")
    report.focus()
    room.write(room.sitting.people[0], locked_at=now(), hold_reason="离开考试页面超过规定次数")
    expect(page.get_by_text("1 人锁定待处理")).to_be_visible(timeout=20_000)
    assert page.title().startswith("(1) ")
    expect(report).to_be_focused()
    expect(page.locator("[data-overview-news]")).to_have_text("1 个考场需要处理")
    page.context.set_offline(True)
    banner = page.locator("[data-overview-lost]")
    expect(banner).to_contain_text("起没有更新", timeout=20_000)
    look(page)
    page.context.set_offline(False)
    expect(banner).to_be_hidden(timeout=20_000)
    page.context.close()
