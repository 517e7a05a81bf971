"""Items that share a text: it stands beside them, is read before them and stays as far scrolled while they change."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.exam_delivery.player.player_form import shared_form
from tests.exam_delivery.player.test_player_accessibility import check, fits

pytestmark = pytest.mark.journey
FOCUSED = "() => document.activeElement.className"
AT_REST = """e => new Promise((done) => {
    let last = -1, still = 0;
    const look = () => {
        still = e.scrollTop === last ? still + 1 : 0;
        last = e.scrollTop;
        if (still > 20) done(last); else requestAnimationFrame(look);
    };
    look();
})"""  # a key scrolls with an animation that would go on over a position set by hand


def go_to(page: Page, number: int) -> None:
    page.locator(f'.number-button[data-slot="{number}"]').click()
    expect(page.get_by_role("heading", name=f"第 {number} 题", exact=False).first).to_be_visible()


def test_a_shared_text_stands_beside_its_items_and_before_them_in_reading_order(room) -> None:
    room.exam.form = shared_form()
    page = room.seated(viewport={"width": 1280, "height": 720})
    text = page.get_by_role("region", name="第 4 至 5 题的材料")
    expect(text).to_have_count(0)
    go_to(page, 4)
    expect(text).to_be_visible()
    expect(page.locator("#live")).to_have_text("第 4 至 5 题的材料在题目之前。")
    beside, item = text.bounding_box(), page.locator("#item-4").bounding_box()
    check(page, "shared text beside its item")
    assert beside["x"] + beside["width"] <= item["x"]
    page.get_by_role("button", name="跳到材料").focus()
    page.keyboard.press("Enter")
    assert page.evaluate(FOCUSED) == "stimulus"
    page.keyboard.press("PageDown")
    room.until(lambda: text.evaluate("e => e.scrollTop") > 0, page)
    assert text.evaluate(AT_REST) > 100
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "zoom"
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.closest('#item-4') !== null")
    text.evaluate("e => { e.scrollTop = 150; }")
    page.get_by_role("button", name="下一题").click()
    expect(page.locator("#item-5")).to_be_visible()
    expect(page.locator(".stimulus")).to_have_count(1)
    assert text.evaluate("e => e.scrollTop") == 150
    page.get_by_text("错误", exact=True).click()
    go_to(page, 6)
    expect(text).to_have_count(0)
    page.get_by_role("button", name="整卷").click()
    expect(page.locator(".split .item")).to_have_count(2)
    check(page, "shared text in the whole form")
    page.set_viewport_size({"width": 320, "height": 800})
    fits(page, "shared text at 320 pixels")
    above, below = text.bounding_box(), page.locator("#item-4").bounding_box()
    assert above["y"] + above["height"] <= below["y"]
