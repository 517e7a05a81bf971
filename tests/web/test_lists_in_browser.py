"""A list in a real browser: its menus by keyboard and without scripts, on a second computer, in both languages, on a narrow screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from kernel.identity.permissions import Role
from tests.accessibility import NARROW, TAGS, ZOOMED, hidden_focus, sticking_out_at, violations
from tests.exam_delivery.served_room import ServedRoom, served_room

pytestmark = pytest.mark.journey
MENUS = 3
HEADS = ["准考证号", "姓名", "证件号码", "单位", "考场", "座位", "状态"]


@pytest.fixture
def room(scratch_database_url: str, tmp_path: Path) -> Iterator[ServedRoom]:
    with served_room(scratch_database_url, tmp_path, n=3) as served:
        yield served


@pytest.fixture
def page(room: ServedRoom, chromium: Browser) -> Iterator[Page]:
    """The people of a session, before an exam officer."""
    opened = room.desk(chromium, Role.EXAM_OFFICER, f"/exam-sessions/{room.sitting.exam_session_id}/people")
    yield opened
    opened.context.close()


def heads(page: Page) -> list[str]:
    return [text for text in page.locator("table.data-table thead th").all_inner_texts() if text and text != "操作"]


def elsewhere(page: Page, browser: Browser, *, scripts: bool = True) -> Page:
    """Open the same address at another computer, as the same person."""
    context = browser.new_context(java_script_enabled=scripts, locale="zh-CN")
    context.add_cookies(page.context.cookies())  # type: ignore[arg-type]  # as they came
    other = context.new_page()
    other.goto(page.url)
    return other


def test_columns_are_chosen_by_keyboard_and_found_again_at_another_computer(page: Page, chromium: Browser) -> None:
    assert heads(page) == HEADS
    menu = page.locator(".list-menu > summary", has_text="栏目")
    menu.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("input[name=column]:not([disabled])").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    page.keyboard.press("Enter")
    for _column in ("准考证号", "证件号码", "单位"):  # the name is always shown
        page.keyboard.press("Tab")
    expect(page.get_by_label("单位", exact=True)).to_be_focused()
    assert hidden_focus(page) == ""
    page.keyboard.press("Space")
    page.get_by_role("button", name="保存栏目").press("Enter")
    expect(page.locator("table.data-table thead")).not_to_contain_text("单位")
    other = elsewhere(page, chromium)
    assert heads(other) == [head for head in HEADS if head != "单位"]
    other.locator(".list-menu > summary", has_text="栏目").click()
    other.get_by_role("button", name="恢复默认").click()
    expect(other.locator("table.data-table thead")).to_contain_text("单位")
    other.context.close()


def test_everything_works_without_scripts(page: Page, chromium: Browser) -> None:
    plain = elsewhere(page, chromium, scripts=False)
    plain.locator(".list-menu > summary", has_text="栏目").click()
    plain.get_by_label("单位", exact=True).uncheck()
    plain.get_by_role("button", name="保存栏目").click()
    assert heads(plain) == [head for head in HEADS if head != "单位"]
    plain.locator(".list-menu > summary", has_text="视图").click()
    plain.get_by_label("把现在的筛选、顺序和栏目存为").fill("不看单位")
    plain.get_by_role("button", name="保存视图").click()
    plain.locator(".list-menu > summary", has_text="视图").click()
    plain.get_by_role("link", name="不看单位").click()
    expect(plain.locator(".list-current")).to_have_text("不看单位")
    plain.context.close()


def test_rows_are_walked_and_heads_order_by_keyboard(page: Page) -> None:
    region = page.locator(".table-scroll")
    region.focus()
    for place in (0, 1):
        page.keyboard.press("ArrowDown")
        expect(page.locator("tbody > tr").nth(place)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator("tbody > tr").first).to_be_focused()
    assert hidden_focus(page) == ""
    page.get_by_role("link", name="姓名").press("Enter")
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("姓名")


def test_both_files_come_from_one_page(page: Page) -> None:
    for label, ending in (("Excel 表格", ".xlsx"), ("CSV 表格", ".csv")):
        menu = page.locator(".list-menu", has=page.locator("summary", has_text="导出"))
        if menu.get_attribute("open") is None:
            menu.locator("summary").click()
        with page.expect_download() as download:
            page.get_by_role("button", name=label).click()
        assert download.value.suggested_filename.endswith(ending)


@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_open_menus_keep_nobody_out_and_fit_narrow_screens(room: ServedRoom, page: Page, language: str) -> None:
    address = page.url
    page.goto(f"{room.address}/language/{language}")
    page.goto(address)
    page.locator(".list-menu > summary").first.click()
    page.locator("#list-view-name").fill("一个很长的视图名称，看它在窄屏上怎样换行而不超出页面")
    page.keyboard.press("Enter")
    expect(page.locator(".list-menu")).to_have_count(MENUS)
    for place in range(MENUS):
        page.goto(address)
        page.locator(".list-menu > summary").nth(place).click()
        if place == 0:
            page.locator(".list-acts > summary").click()
        assert violations(page, TAGS) == []
        assert sticking_out_at(page, NARROW, ZOOMED) == []
        page.set_viewport_size(NARROW)
        assert violations(page, TAGS) == []
        page.set_viewport_size({"width": 1024, "height": 768})
    page.goto(f"{address}?q=zzzz")
    assert violations(page, TAGS) == []
    assert sticking_out_at(page, NARROW, ZOOMED) == []
