"""A candidate's sitting in a real browser against a fake server: the ordinary way, by mouse and by keyboard."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.journey

STORED = """async () => ({session: Object.keys(sessionStorage), local: Object.keys(localStorage),
    databases: (await indexedDB.databases()).map((d) => d.name)})"""


def hand_in(page: Page) -> None:
    page.get_by_role("button", name="交卷", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="交卷", exact=True).click()
    page.get_by_role("button", name="确定交卷").click()
    expect(page.get_by_role("heading", name="已交卷")).to_be_visible()


def next_item(page: Page, number: int) -> None:
    page.get_by_role("button", name="下一题").click()
    expect(page.get_by_role("heading", name=f"第 {number} 题")).to_be_visible()


def started_with_the_form_lying_ready(room) -> Page:
    """Wait, have the time come, and return the page that shows the first item."""
    page = room.waiting()
    assert ("GET", "form") not in room.exam.calls
    room.begin(page)
    assert ("GET", "form") not in room.exam.calls, "the form lay ready; the start released its key"
    assert room.exam.calls.count(("GET", "sealed-form")) == 1, "nobody fetches it again in the rush of the start"
    return page


def test_a_whole_sitting_by_mouse(room) -> None:
    page = started_with_the_form_lying_ready(room)
    page.get_by_text("工件的旋转运动").click()
    expect(page.locator(".safety")).to_have_text("已保存")
    next_item(page, 2)
    page.get_by_role("button", name="放大图片：蓝色标志").click()
    page.get_by_role("button", name="关闭").click()
    page.get_by_text("当心触电").click()
    page.get_by_text("必须戴防护眼镜").click()
    next_item(page, 3)
    page.get_by_text("站在砂轮侧面").click()
    page.get_by_text("佩戴防护眼镜").click()
    next_item(page, 4)
    page.get_by_text("正确", exact=True).click()
    next_item(page, 5)
    page.get_by_role("button", name="标记", exact=True).click()
    next_item(page, 6)
    page.get_by_label("第 1 空").fill("俯视图")
    page.get_by_label("第 2 空").fill("左视图")
    next_item(page, 7)
    expect(page.locator(".katex")).to_be_visible()
    page.get_by_label("答案").fill("６２．８")
    next_item(page, 8)
    page.get_by_role("button", name="B 项下移").click()
    next_item(page, 9)
    page.get_by_label("千分尺").select_option("t2")
    page.get_by_label("塞尺").select_option("t1")
    next_item(page, 10)
    page.get_by_label("在这里作答").fill("检查油位、防护罩与卡盘。")
    room.until(lambda: len(room.exam.responses) == 9, page)
    page.get_by_role("button", name="交卷", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("还有 1 题没有作答")
    expect(dialog.get_by_role("button", name="回到第 5 题")).to_have_count(2)  # open and marked
    dialog.get_by_role("button", name="回到第 5 题").first.click()
    page.get_by_text("错误", exact=True).click()
    hand_in(page)
    assert {slot: kept["response"] for slot, kept in room.exam.responses.items()} == {
        1: ["c1"],
        2: ["c1"],
        3: ["c1", "c2"],
        4: ["true"],
        5: ["false"],
        6: ["俯视图", "左视图"],
        7: ["62.8"],
        8: ["c1", "c3", "c2", "c4"],
        9: [["c1", "t2"], ["c2", "t1"]],
        10: ["检查油位、防护罩与卡盘。"],
    }
    digest = room.exam.receipt["digest"]
    assert page.locator(".digest").inner_text().replace(" ", "") == digest
    expect(page.get_by_text("10 题（共 10 题）")).to_be_visible()
    expect(page.get_by_role("img", name="回执二维码")).to_be_visible()
    expect(page.get_by_text("没有作答的题")).to_have_count(0)
    assert page.evaluate(STORED) == {"session": [], "local": [], "databases": []}


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the named control has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(
            "n => document.activeElement.matches('button') && document.activeElement.innerText.trim() === n", name
        ):
            return
    pytest.fail(f"{name} cannot be reached by Tab")


def test_a_whole_sitting_by_keyboard_alone(room) -> None:
    page = room.page()
    expect(page.get_by_label("准考证号")).to_be_focused()
    page.keyboard.type("202611210001")
    press(page, "Tab")
    page.keyboard.type("11010519491231002X")
    press(page, "Enter")
    for name in ("信息正确，继续", "我已阅读，继续", "我会操作了，继续"):
        expect(page.get_by_role("button", name=name)).to_be_visible()
        tab_to(page, name)
        press(page, "Enter")
    expect(page.get_by_role("heading", name="考生承诺")).to_be_focused()
    press(page, "Tab", "Space")
    tab_to(page, "进入等候")
    press(page, "Enter")
    expect(page.get_by_role("heading", name="第 1 题")).to_be_visible(timeout=12000)
    press(page, "Tab", "Space", "ArrowDown")  # into the group, first option, second option
    press(page, "n", "a", "f")
    press(page, "n", "2", "4")
    press(page, "n", "1", "n", "b", "n")
    press(page, "Tab")
    page.keyboard.type("naf1")  # letters that are shortcuts elsewhere
    press(page, "Tab")
    page.keyboard.type("b2")
    tab_to(page, "下一题")
    press(page, "Enter", "Tab")
    page.keyboard.type("62.8")
    tab_to(page, "下一题")
    press(page, "Enter")
    tab_to(page, "就按现在的顺序作答")
    press(page, "Enter")
    press(page, "n")
    press(page, "Tab", "ArrowDown", "Tab", "ArrowDown", "ArrowDown")
    tab_to(page, "下一题")
    press(page, "Enter", "Tab")
    page.keyboard.type("?n")
    room.until(lambda: len(room.exam.responses) == 10, page)
    tab_to(page, "检查并交卷")
    press(page, "Enter")
    tab_to(page, "交卷")
    press(page, "Enter")
    tab_to(page, "确定交卷")
    press(page, "Enter")
    expect(page.get_by_role("heading", name="已交卷")).to_be_focused()
    assert {slot: kept["response"] for slot, kept in room.exam.responses.items()} == {
        1: ["c2"],
        2: ["c1"],
        3: ["c2", "c4"],
        4: ["true"],
        5: ["false"],
        6: ["naf1", "b2"],
        7: ["62.8"],
        8: ["c1", "c2", "c3", "c4"],
        9: [["c1", "t1"], ["c2", "t2"]],
        10: ["?n"],
    }


def test_arrow_keys_walk_the_numbers_and_question_mark_lists_the_keys(room) -> None:
    page = room.seated()
    page.get_by_role("button", name=re.compile("^第 1 题")).focus()
    press(page, "ArrowRight", "ArrowRight", "Enter")
    expect(page.get_by_role("heading", name="第 3 题")).to_be_visible()
    press(page, "?")
    expect(page.get_by_role("dialog", name="帮助")).to_contain_text("标记或取消标记")
    page.get_by_label("使用字母和数字快捷键").uncheck()
    press(page, "Escape")
    press(page, "n")
    expect(page.get_by_role("heading", name="第 3 题")).to_be_visible()


def test_all_items_on_one_page_and_display_choices_survive_a_reload(room) -> None:
    page = room.seated()
    page.get_by_role("button", name="整卷").click()
    expect(page.locator("article.item")).to_have_count(10)
    page.get_by_text("机床运转时").scroll_into_view_if_needed()
    page.locator("#item-5").get_by_text("错误", exact=True).click()
    expect(page.get_by_role("button", name=re.compile(r"^第 5 题，\s*已答$"))).to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="大", exact=True).click()
    page.get_by_role("button", name="高对比度").click()
    expect(page.locator("#item-5 .safety")).to_have_text("已保存")
    page.reload()
    expect(page.locator("article.item")).to_have_count(10)
    expect(page.locator("html")).to_have_attribute("data-size", "large")
    expect(page.locator("html")).to_have_attribute("data-contrast", "high")
    assert page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") == 22


def test_wrong_numbers_are_explained_and_nothing_typed_is_lost(room) -> None:
    page = room.page()
    page.get_by_label("准考证号").fill("202611210001")
    page.get_by_label("证件号码").fill("1")
    page.get_by_role("button", name="登录", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("准考证号或证件号不对")
    expect(page.get_by_label("准考证号")).to_have_value("202611210001")
    assert page.get_by_label("证件号码").get_attribute("autocomplete") == "off"


def test_english_can_be_chosen_before_and_during_the_exam(room) -> None:
    page = room.page()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Candidate sign-in")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    room.exam.start()
    page.get_by_label("Admission number").fill("202611210001")
    page.get_by_label("ID number").fill("11010519491231002X")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Next")).to_be_visible()
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("button", name="下一题")).to_be_visible()


def test_handing_in_too_early_is_refused_with_the_time(room) -> None:
    room.exam.earliest_submit_at = time.time() + 1800
    page = room.seated()
    page.get_by_role("button", name="交卷", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("以后才可以交卷")
    expect(dialog.get_by_role("button", name="交卷", exact=True)).to_be_disabled()


def test_many_quick_clicks_hand_in_once(room) -> None:
    room.exam.delay = 0.3
    page = room.seated()
    page.get_by_role("button", name="交卷", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="交卷", exact=True).click()
    page.evaluate("() => { for (let i = 0; i < 5; i += 1) document.querySelector('.confirm').click(); }")
    expect(page.get_by_role("heading", name="已交卷")).to_be_visible()
    assert room.exam.calls.count(("POST", "submit")) == 1
