"""Every state of the player under axe, at 320 pixels, at double zoom, with forced colours and in print."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.accessibility import violations
from tests.exam_delivery.player.player_form import long_form

pytestmark = pytest.mark.journey

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def check(page: Page, state: str) -> None:
    """Assert that axe finds nothing on the page as it stands."""
    problems = [(v["id"], v["nodes"][0]["html"], v["nodes"][0]["failureSummary"]) for v in violations(page, TAGS)]
    assert not problems, (state, problems)


def fits(page: Page, state: str) -> None:
    """Assert that nothing makes the page scroll sideways."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, (
        state,
        page.evaluate(
            "[...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.className).slice(0, 5)"
        ),
    )


def another_tab(room, page: Page) -> Page:
    """Close the tab and sign in in a new one."""
    new = room.page(page.context)
    page.close()
    room.sign_in(new)
    return new


def walk(room, look, **options) -> None:
    """Open every state from the sign-in to the receipt and look at each."""
    page = walk_to_start(room, look, **options)
    page = walk_items(room, look, page)
    walk_trouble(room, look, page)


def walk_to_start(room, look, **options) -> Page:
    room.exam.opens_at = time.time() + 3600
    page = room.page(**options)
    expect(page.get_by_role("heading", name="考生登录")).to_be_visible()
    look(page, "sign-in")
    room.sign_in(page)
    for name, state in (("信息正确，继续", "check"), ("我已阅读，继续", "rules"), ("我会操作了，继续", "guide")):
        button = page.get_by_role("button", name=name)
        expect(button).to_be_visible()
        look(page, state)
        button.click()
    look(page, "pledge")
    page.get_by_label("我已阅读并承诺遵守").check()
    page.get_by_role("button", name="进入等候").click()
    expect(page.get_by_role("heading", name="请安静等候开考")).to_be_visible()
    look(page, "waiting")
    room.exam.opens_at = time.time()
    room.exam.start()
    return another_tab(room, page)


def walk_items(room, look, page: Page) -> Page:
    for number in range(1, 11):
        expect(page.get_by_role("heading", name=f"第 {number} 题")).to_be_visible()
        look(page, f"item {number}")
        page.get_by_role("button", name="下一题" if number < 10 else "检查并交卷").click()
    look(page, "hand-in")
    page.get_by_role("dialog").get_by_role("button", name="交卷", exact=True).click()
    look(page, "confirm")
    page.get_by_role("button", name="返回继续作答").click()
    page.get_by_role("button", name="帮助").click()
    look(page, "help")
    page.get_by_role("button", name="关闭").click()
    page.keyboard.press("t")
    look(page, "time note")
    page.get_by_role("button", name="整卷").click()
    look(page, "all items")
    page.get_by_role("button", name="高对比度").click()
    look(page, "high contrast")
    return page


def walk_trouble(room, look, page: Page) -> None:
    page.context.set_offline(True)
    page.locator("#item-1").get_by_text("尾座的移动").click()
    page.get_by_role("button", name="标记", exact=True).click()
    expect(page.locator(".link-state")).to_contain_text("网络中断")
    look(page, "offline")
    page.context.set_offline(False)
    expect(page.locator("#item-1 .safety")).to_have_text("已保存")
    room.exam.tokens[:] = []
    expect(page.get_by_role("dialog", name="请重新登录")).to_be_visible(timeout=12000)
    look(page, "sign in again")
    room.exam.tokens[:] = ["token-1", "token-2"]
    page = another_tab(room, page)
    expect(page.get_by_role("heading", name="第 1 题")).to_be_visible()
    other = room.page()
    room.sign_in(other)
    expect(page.locator(".banner")).to_be_visible(timeout=12000)
    look(page, "read-only")
    room.exam.submit()
    expect(other.get_by_role("heading", name="已交卷")).to_be_visible(timeout=12000)
    other.context.close()
    room.contexts.pop()
    page = another_tab(room, page)
    expect(page.get_by_role("heading", name="已交卷")).to_be_visible()
    look(page, "receipt")


def test_axe_finds_nothing_in_any_state(room) -> None:
    walk(room, check, bypass_csp=True)


def test_every_state_reflows_at_320_pixels(room) -> None:
    walk(room, fits, viewport={"width": 320, "height": 640})


@pytest.mark.parametrize(
    "viewport", [{"width": 512, "height": 384}, {"width": 720, "height": 450}], ids=["1024-at-200%", "1440-at-200%"]
)
def test_the_exam_screen_works_at_double_zoom(room, viewport: dict[str, int]) -> None:
    page = room.seated(viewport=viewport, device_scale_factor=2)
    fits(page, "zoom")
    page.get_by_text("尾座的移动").click()
    page.get_by_role("button", name="下一题").click()
    expect(page.get_by_role("heading", name="第 2 题")).to_be_in_viewport()
    page.locator("#item-2").get_by_text("当心触电").click()
    for role, name in (("timer", "剩余时间"), ("button", "交卷")):
        expect(page.get_by_role(role, name=name, exact=True)).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize(
    "viewport",
    [{"width": 1024, "height": 768}, {"width": 1366, "height": 768}, {"width": 1440, "height": 900}],
    ids=str,
)
def test_hundred_items_keep_the_controls_in_sight(room, viewport: dict[str, int]) -> None:
    room.exam.form = long_form(100)
    page = room.seated(viewport=viewport)
    page.get_by_role("button", name="第 20 题").click()
    for name in ("交卷", "上一题", "下一题", "标记"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="大", exact=True).click()
    for name in ("交卷", "下一题"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_in_viewport(ratio=1)
    fits(page, "100 items")


def test_the_focused_control_is_never_hidden_behind_a_bar(room) -> None:
    page = room.seated(viewport={"width": 375, "height": 667})
    page.get_by_role("button", name="整卷").click()
    for _ in range(40):
        page.keyboard.press("Tab")
        covered = page.evaluate("""() => {
          const e = document.activeElement.closest('label') || document.activeElement, r = e.getBoundingClientRect();
          const x = Math.min(Math.max(r.left + r.width / 2, 0), innerWidth - 1), y = Math.min(Math.max(r.top + r.height / 2, 0), innerHeight - 1);
          const top = document.elementFromPoint(x, y);
          return top && (e.contains(top) || top.contains(e)) ? '' : e.outerHTML.slice(0, 120);
        }""")
        assert covered == ""


def test_no_control_is_covered_at_320_pixels_wherever_it_is_scrolled(room) -> None:
    room.exam.form["tools"] = ["calculator", "scratch"]
    page = room.seated(viewport={"width": 320, "height": 640}, bypass_csp=True)
    for place in (0, 50, 90):
        page.locator(".scroller").evaluate("(e, top) => { e.scrollTop = top; }", place)
        check(page, f"320 pixels, scrolled by {place}")
    for name in ("交卷", "下一题"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_in_viewport(ratio=1)


def test_controls_are_large_enough_to_hit(room) -> None:
    page = room.seated()
    small = page.evaluate("""() => [...document.querySelectorAll('button, label.card, select')].filter((e) => e.offsetParent && !e.matches('.skip'))
        .map((e) => [e.innerText, e.getBoundingClientRect()]).filter(([, r]) => r.height < 36 || r.width < 36).map(([text]) => text)""")
    assert small == []
    cards = page.evaluate("[...document.querySelectorAll('label.card')].map((e) => e.getBoundingClientRect().height)")
    assert min(cards) >= 44


def test_states_of_numbers_differ_by_words_and_shape_not_by_colour_alone(room) -> None:
    page = room.seated(forced_colors="active")
    page.get_by_text("尾座的移动").click()
    page.get_by_role("button", name="标记", exact=True).click()
    first = page.get_by_role("button", name=re.compile(r"^第 1 题，\s*已答\s*，已标记$"))
    expect(first.locator(".number-word")).to_have_text("已答")
    expect(first.locator(".icon-flag")).to_be_visible()
    expect(first).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("button", name=re.compile(r"^第 2 题，\s*未答$"))).to_be_visible()
    style = first.evaluate("(e) => getComputedStyle(e).outlineStyle")
    assert style == "solid"


def test_nothing_moves_for_those_who_asked_for_less_motion(room) -> None:
    page = room.seated(reduced_motion="reduce")
    moving = page.evaluate(
        "[...document.querySelectorAll('*')].filter((e) => parseFloat(getComputedStyle(e).transitionDuration) > 0).length"
    )
    assert moving == 0
