"""Long texts, wide tables and tall pictures stay inside their place: time, numbers and buttons never leave the screen."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.exam_delivery.player.player_form import choices, sample_form, slot
from tests.pages import comes_true

pytestmark = pytest.mark.journey

WIDE_TABLE = "<table><tr>" + "".join(f"<td>第{n}列额定电流</td>" for n in range(14)) + "</tr></table>"
TALL = "".join(f"<p>第 {n} 条：检修前应断开电源并验电，悬挂标示牌。</p>" for n in range(40))


def picture(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "navy").save(out, "PNG")
    return out.getvalue()


def long_content() -> dict[str, Any]:
    form = sample_form()
    form["slots"][0]["stem"] = TALL + WIDE_TABLE + "<p>根据上表，应选用（　）。</p>"
    form["slots"][2]["choices"][1]["content"] = '<img src="/exam/assets/wiring.png" alt="两地控制电路">'
    form["slots"][1]["stem"] = '<p>图示（　）。</p><p><img src="/exam/assets/wiring.png" alt="接线图"></p>'
    steps = choices("切断电源并在开关上悬挂标示牌，派专人看守，确认无误后方可进行下一步。", "验电")
    form["slots"][7] = slot(8, 4, "order", "<p>请排序。</p>", choices=steps)
    return form


def stays_in_place(page: Page) -> None:
    """Assert that the window itself does not scroll, and that what must always be seen is seen."""
    assert page.evaluate("[scrollY, document.documentElement.scrollHeight <= innerHeight]") == [0, True]
    for name in ("交卷", "下一题"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("timer")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("viewport", [{"width": 1366, "height": 768}, {"width": 1024, "height": 768}], ids=str)
def test_however_long_an_item_is_the_time_and_the_buttons_stay_on_the_screen(room, viewport: dict[str, int]) -> None:
    room.exam.form = long_content()
    page = room.seated(viewport=viewport)
    stays_in_place(page)
    page.locator("#item-1").get_by_text("尾座的移动").click()
    stays_in_place(page)
    page.get_by_role("button", name="整卷").click()
    page.locator("#item-10").get_by_label("在这里作答").focus()
    page.locator(".stage").evaluate("(e) => e.scrollTo(0, e.scrollHeight)")
    page.get_by_role("button", name="第 10 题").click()
    assert page.evaluate("[scrollY, document.documentElement.scrollHeight <= innerHeight]") == [0, True]


def test_a_wide_table_is_scrolled_by_keyboard_and_a_picture_leaves_room_for_the_options(room) -> None:
    room.exam.form = long_content()
    room.exam.start()
    context = room.context()
    context.route("**/wiring.png", lambda route: route.fulfill(body=picture(900, 900), content_type="image/png"))
    page = room.page(context)
    room.sign_in(page)
    table = page.locator("#item-1-stem")
    expect(table).to_have_attribute("tabindex", "0")
    expect(table.locator("td").first).to_be_attached()
    table.focus()
    page.keyboard.press("ArrowRight")
    comes_true(page, "document.querySelector('#item-1-stem').scrollLeft > 0")
    page.get_by_role("button", name="下一题").click()
    expect(page.locator("#item-2-stem")).not_to_have_attribute("tabindex", "0")
    comes_true(page, "document.querySelector('#item-2 img').naturalWidth > 0")
    drawn = page.locator("#item-2 img").bounding_box()
    assert drawn is not None
    assert 300 < drawn["height"] <= 0.61 * 768
    assert abs(drawn["width"] - drawn["height"]) < 2, "a square picture stays square"


def test_steps_to_be_ordered_keep_their_width_on_a_narrow_screen(room) -> None:
    room.exam.form = long_content()
    page = room.seated(viewport={"width": 320, "height": 640})
    page.get_by_role("button", name="整卷").click()
    text = page.locator("#item-8 .order .card-text").first.bounding_box()
    assert text is not None
    assert text["width"] > 150


def test_a_picture_in_an_option_opens_large_without_choosing_the_option(room) -> None:
    room.exam.form = long_content()
    room.exam.start()
    context = room.context()
    context.route("**/wiring.png", lambda route: route.fulfill(body=picture(900, 900), content_type="image/png"))
    page = room.page(context)
    room.sign_in(page)
    page.get_by_role("button", name="第 3 题").click()
    option = page.get_by_role("checkbox", name="两地控制电路")
    page.get_by_role("button", name="放大图片：两地控制电路").click()
    shown = page.get_by_role("dialog", name="两地控制电路").get_by_role("img")
    comes_true(page, "document.querySelector('dialog img').naturalWidth > 0")
    assert shown.bounding_box()["height"] > 2 * page.locator("#item-3 .card img").bounding_box()["height"]
    page.keyboard.press("Escape")
    expect(option).not_to_be_checked()
    page.locator("#item-3 .card img").click()
    expect(option).to_be_checked()
