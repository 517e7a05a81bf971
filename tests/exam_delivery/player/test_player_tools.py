"""Calculator and scratch pad in a real browser: only where allowed, by key and by touch, gone at hand-in."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.exam_delivery.player.test_player_accessibility import check, fits
from tests.pages import comes_true

pytestmark = pytest.mark.journey

STORED = "async () => (await indexedDB.databases()).map((d) => d.name)"


def test_a_session_without_tools_offers_none(room) -> None:
    page = room.seated()
    expect(page.get_by_role("button", name="计算器")).to_have_count(0)
    expect(page.get_by_role("button", name="草稿纸")).to_have_count(0)


def test_the_calculator_works_by_keyboard_and_by_touch(room) -> None:
    room.exam.form["tools"] = ["calculator", "scratch"]
    page = room.seated(bypass_csp=True, has_touch=True)
    page.get_by_role("button", name="计算器").tap()
    expect(page.get_by_label("算式", exact=True)).to_be_focused()
    page.keyboard.type("0.1+0.2")
    page.keyboard.press("Enter")
    expect(page.locator(".calculator-result")).to_have_text("= 0.3")
    check(page, "calculator")
    page.get_by_role("button", name="清除算式").tap()
    for key in ("7", "除以", "0", "等于"):
        page.get_by_role("group", name="计算器按键").get_by_role("button", name=key, exact=True).tap()
    expect(page.locator(".calculator-result")).to_have_text("除数不能是 0。")
    expect(page.get_by_role("heading", name="第 1 题")).to_be_visible()  # no key of the calculator moves the items
    small = page.evaluate(
        "[...document.querySelectorAll('.key')].map((e) => e.getBoundingClientRect()).filter((r) => r.width < 44 || r.height < 44).length"
    )
    assert small == 0
    page.set_viewport_size({"width": 320, "height": 640})
    fits(page, "calculator")
    page.get_by_role("button", name="收起").tap()
    expect(page.get_by_role("complementary")).to_have_count(0)


def test_the_scratch_pad_survives_a_reload_and_not_the_hand_in(room) -> None:
    room.exam.form["tools"] = ["scratch"]
    page = room.seated(bypass_csp=True)
    page.get_by_role("button", name="草稿纸").click()
    page.get_by_label("草稿（不计入答案）").fill("62.8 ÷ 2")
    check(page, "scratch pad")
    comes_true(
        page,
        """() => new Promise((done) => {
          const request = indexedDB.open('kaoku-exam');
          request.onsuccess = () => {
            const all = request.result.transaction('scratch').objectStore('scratch').getAll();
            all.onsuccess = () => { request.result.close(); done(all.result.length === 1); };
          };
        })""",
    )
    page.reload()
    expect(page.get_by_label("草稿（不计入答案）")).to_have_value("62.8 ÷ 2")
    page.get_by_role("button", name="交卷", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="交卷", exact=True).click()
    page.get_by_role("button", name="确定交卷").click()
    expect(page.get_by_role("heading", name="已交卷")).to_be_visible()
    assert page.evaluate(STORED) == []
    assert room.exam.responses == {}
