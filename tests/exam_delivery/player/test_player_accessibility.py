"""Every state of the player under axe, at 320 pixels, at double zoom, with forced colours and in print."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.accessibility import NARROW, TAGS, ZOOMED, hidden_focus, sticking_out, sticking_out_at, violations
from tests.exam_delivery.player.player_form import long_form
from tests.exam_delivery.player.player_walk import walk, whole_form

pytestmark = pytest.mark.journey


def check(page: Page, state: str) -> None:
    """Assert that axe finds nothing on the page as it stands."""
    problems = [(v["id"], v["nodes"][0]["html"], v["nodes"][0]["failureSummary"]) for v in violations(page, TAGS)]
    assert not problems, (state, problems)


def fits(page: Page, state: str) -> None:
    """Assert that nothing makes the page scroll sideways."""
    assert sticking_out(page) == [], state


def wide_and_zoomed(page: Page, state: str) -> None:
    """Assert that axe finds nothing, and that nothing sticks out of a screen of 1024 by 768 at 200 %."""
    check(page, state)
    assert sticking_out_at(page, ZOOMED) == [], state


OVERFLOWING = """() => [...document.querySelectorAll('html, .topbar, .scroller, .stage, .panel, .bottom, .dialog, .dialog-body')]
  .filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => [e.className, e.scrollWidth, e.clientWidth])"""


def overflowing(page: Page) -> list[object]:
    """Return the parts of the page that would have to be scrolled sideways: those that scroll up and down hide it from the window."""
    found: list[object] = page.evaluate(OVERFLOWING)
    return found


def narrow(page: Page, state: str) -> None:
    """Assert that nothing sticks out, and that what is pressed is large enough, as the page stands."""
    fits(page, state)
    small = [node["html"] for one in violations(page, ["target-size"]) for node in one["nodes"]]
    assert small == [], state


def test_axe_finds_nothing_in_any_state_and_all_fit_at_double_zoom(room) -> None:
    walk(room, wide_and_zoomed)


def test_every_state_reflows_at_320_pixels_with_targets_large_enough(room) -> None:
    walk(room, narrow, viewport=NARROW)


def test_a_browser_that_is_too_old_is_told_so(room) -> None:
    context = room.context()
    context.route("**/main.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page = room.page(context)
    page.add_script_tag(url="/exam/assets/too_old.js")
    told_that_it_is_too_old(page)
    wide_and_zoomed(page, "too old")
    assert sticking_out_at(page, NARROW) == []


def test_a_browser_without_dialogs_is_told_so_at_once_and_not_when_somebody_hands_in(room) -> None:
    context = room.context()
    context.add_init_script("delete HTMLDialogElement.prototype.showModal")
    page = room.page(context)
    told_that_it_is_too_old(page)
    assert page.locator("input").count() == 0, "nobody signs in"


def told_that_it_is_too_old(page) -> None:
    expect(page.get_by_text("这台电脑的浏览器版本过旧，不能参加考试，请举手告诉监考员。")).to_be_visible()


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


@pytest.mark.parametrize("viewport", [{"width": 375, "height": 667}, {"width": 1024, "height": 768}, ZOOMED], ids=str)
def test_the_focused_control_is_never_hidden_behind_a_bar(room, viewport: dict[str, int]) -> None:
    room.exam.form = whole_form()
    page = room.seated(viewport=viewport)
    page.get_by_role("button", name="整卷").click()
    page.keyboard.press("t")  # one more bar, at the bottom
    page.locator("body").press("Tab")
    for key in ["Tab"] * 50 + ["Shift+Tab"] * 30:
        page.keyboard.press(key)
        assert hidden_focus(page) == ""


def test_a_dialog_takes_the_focus_keeps_it_and_gives_it_back(room) -> None:
    page = room.seated()
    page.get_by_role("button", name="下一题").click()
    for opener, name in (("帮助", "帮助"), ("放大图片：蓝色标志", "蓝色标志"), ("交卷", "交卷前检查")):
        button = page.get_by_role("button", name=opener, exact=True)
        button.focus()
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog", name=name)
        expect(dialog.get_by_role("heading", level=2)).to_be_focused()
        for _ in range(12):
            page.keyboard.press("Tab")
            assert page.evaluate(
                "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
            )
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        expect(button).to_be_focused()


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


@pytest.mark.parametrize("viewport", [NARROW, ZOOMED, {"width": 512, "height": 640}], ids=str)
def test_every_size_of_text_fits_narrow_windows_in_both_languages(room, viewport: dict[str, int]) -> None:
    room.exam.form = whole_form()
    page = room.seated(viewport=viewport)
    sizes, layouts = (page.locator(".segments").nth(at).get_by_role("button") for at in (0, 1))
    for language, help_, hand_in in (("zh-Hans", "帮助", "交卷"), ("en", "Help", "Hand in")):
        if language == "en":
            page.get_by_role("button", name="English").click()
        expect(page.get_by_role("button", name=hand_in, exact=True)).to_be_visible()
        for size in range(3):
            sizes.nth(size).click()
            for layout in range(2):
                layouts.nth(layout).click()
                assert overflowing(page) == [], (language, size, layout)
            for opener in (help_, hand_in):
                page.get_by_role("button", name=opener, exact=True).click()
                assert overflowing(page) == [], (language, size, opener)
                last = page.get_by_role("dialog").get_by_role("button").last
                expect(last).to_be_in_viewport(ratio=1)
                page.keyboard.press("Escape")


def test_the_state_of_an_answer_moves_nothing_on_a_narrow_screen(room) -> None:
    page = room.seated(viewport=NARROW)
    option = page.locator("#item-1").get_by_text("尾座的移动")
    before = option.bounding_box()
    option.click()
    expect(page.locator("#item-1 .safety")).to_have_text("已保存")
    assert option.bounding_box() == before
