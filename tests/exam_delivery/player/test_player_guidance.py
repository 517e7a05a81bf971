"""What a candidate who rarely uses a computer is told, and kept from doing by mistake."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from tests.exam_delivery.player.player_fake_api import ADMISSION_NUMBER

pytestmark = pytest.mark.journey

TEN_IN_SHANGHAI = 1893463200.0  # 2030-01-01 02:00 UTC


def test_the_time_left_is_shown_and_spoken_on_request_without_moving_anything(room) -> None:
    page = room.seated()
    page.get_by_role("button", name="隐藏时间").click()
    option = page.get_by_text("尾座的移动")
    before = option.bounding_box()
    page.get_by_role("heading", name="第 1 题").click()
    page.keyboard.press("t")
    expect(page.locator("#live")).to_have_text("还剩 60 分钟，还有 10 题未答。")
    expect(page.locator(".time-note")).to_be_visible()
    assert option.bounding_box() == before, "what a finger aims at stays where it is"
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="帮助")).to_contain_text("看或听剩余时间和未答题数")


def test_reloading_while_cut_off_is_kept_from_losing_the_page(room) -> None:
    page = room.seated()
    loads: list[str] = []
    page.on("framenavigated", lambda frame: loads.append(frame.url))
    page.context.set_offline(True)
    expect(page.locator(".link-state")).to_contain_text("网络中断")
    for key in ("F5", "Control+r"):
        page.keyboard.press(key)
        expect(page.get_by_role("dialog", name="现在不要刷新")).to_be_visible()
        page.get_by_role("button", name="知道了，继续作答").click()
    page.get_by_text("尾座的移动").click()
    page.context.set_offline(False)
    expect(page.locator(".safety")).to_have_text("已保存", timeout=12000)
    assert loads == []


def test_times_are_those_of_the_place_whatever_zone_the_computer_is_set_to(room) -> None:
    room.exam.admits_at = TEN_IN_SHANGHAI
    page = room.page(timezone_id="America/New_York")
    room.sign_in(page)
    expect(page.get_by_role("alert")).to_have_text("还没有到入场时间，10:00 以后可以登录。")
    expect(page.get_by_label("准考证号")).to_have_value(ADMISSION_NUMBER)
    room.exam.admits_at, room.exam.opens_at = None, time.time() + 600
    expected = time.strftime("%H:%M", time.gmtime(room.exam.opens_at + 8 * 3600))
    room.get_ready(page)
    expect(page.get_by_text(f"开考时间 {expected}")).to_be_visible()
    page.get_by_text("绿色").click()
    expect(page.get_by_text("做对了：这样就是作答，可以随时改。")).to_be_visible()
