"""Leaving the page, copying, pasting and printing in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.exam_delivery.player.test_player_accessibility import check

pytestmark = pytest.mark.journey

HIDE = "() => Object.defineProperty(document, 'visibilityState', {get: () => 'hidden', configurable: true})"
SHOW = "() => { delete document.visibilityState; }"
PASTE = """([selector, text]) => {
  const data = new DataTransfer();
  data.setData('text', text);
  const event = new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true});
  return document.querySelector(selector).dispatchEvent(event);
}"""
FIRE = "([name, selector]) => document.querySelector(selector).dispatchEvent(new Event(name, {bubbles: true, cancelable: true}))"

SEB_CLIPBOARD = """() => {
  globalThis.SafeExamBrowser = {clipboard: {text: ''}};
  const by = (name, act) => document.addEventListener(name, (event) => {
    act(event.target, globalThis.SafeExamBrowser.clipboard);
    event.preventDefault();
  }, true);
  by('cut', (field, clipboard) => {
    clipboard.text = field.value.slice(field.selectionStart, field.selectionEnd);
    field.setRangeText('');
  });
  by('paste', (field, clipboard) => field.setRangeText(clipboard.text, field.selectionStart, field.selectionEnd, 'end'));
}"""
"""What Safe Exam Browser for Windows does with its isolated clipboard: the field changes, no `input` event follows."""


def conduct(room, **values) -> None:
    room.exam.form["conduct"] = {
        "leave_action": "warn", "leave_limit": 5, "leave_grace_seconds": 0, "block_copy": True, "allow_paste": False,
    } | values  # fmt: skip


def away(room, page: Page) -> None:
    before = len(room.exam.leaves)
    page.evaluate(HIDE)
    room.until(lambda: len(room.exam.leaves) > before, page)
    page.evaluate(SHOW)


def test_who_leaves_the_page_is_told_that_it_was_noticed(room) -> None:
    conduct(room)
    page = room.seated(bypass_csp=True)
    away(room, page)
    dialog = page.get_by_role("dialog", name="请不要离开考试页面")
    expect(dialog).to_contain_text("已经记录")
    check(page, "left the page")
    dialog.get_by_role("button", name="知道了，继续作答").click()
    room.until(lambda: [e["kind"] for e in room.exam.leaves.values()] == ["hidden", "returned"], page)
    expect(page.get_by_role("radio").first).to_be_enabled()


def test_too_often_locks_and_keeps_what_was_answered(room) -> None:
    conduct(room, leave_action="lock", leave_limit=0)
    room.exam.leave_limit = 0
    page = room.seated()
    page.get_by_text("尾座的移动").click()
    expect(page.locator(".safety")).to_have_text("已保存")
    away(room, page)
    expect(page.get_by_role("dialog")).to_contain_text("最多可以离开 0 次")
    page.get_by_role("button", name="知道了，继续作答").click()
    expect(page.locator(".banner")).to_contain_text("离开考试页面超过规定次数")
    expect(page.get_by_role("radio", name="尾座的移动")).to_be_checked()
    expect(page.get_by_role("radio").first).to_be_disabled()


def test_items_are_not_copied_or_printed_and_answers_not_brought_from_outside(room) -> None:
    conduct(room)
    page = room.seated()
    assert page.evaluate(FIRE, ["copy", ".stem"]) is False
    assert page.evaluate(FIRE, ["contextmenu", ".stem"]) is False
    page.get_by_role("button", name="第 10 题").click()
    field = page.locator("textarea")
    field.fill("自己写的话")
    assert page.evaluate(PASTE, ["textarea", "别处的话"]) is False
    field.evaluate("e => e.select()")
    assert page.evaluate(FIRE, ["copy", "textarea"]) is True
    assert page.evaluate(PASTE, ["textarea", "自己写的话"]) is True
    page.emulate_media(media="print")
    expect(page.get_by_text("考试期间不能打印试题。")).to_be_visible()
    expect(page.locator(".stage")).to_be_hidden()


@pytest.mark.parametrize("allowed", [{"allow_paste": False}, {"allow_paste": True}], ids=["own words", "any"])
def test_what_safe_exam_browser_cuts_and_pastes_is_an_answer_too(room, allowed: dict[str, bool]) -> None:
    conduct(room, **allowed)
    page = room.seated(bypass_csp=True)
    page.evaluate(SEB_CLIPBOARD)
    page.get_by_role("button", name="第 10 题").click()
    field = page.locator("textarea")
    field.fill("先断电")
    field.evaluate("e => e.select()")
    page.evaluate(FIRE, ["cut", "textarea"])
    expect(page.get_by_text("已输入 0 字")).to_be_visible()
    for n in (3, 6):
        page.evaluate(PASTE, ["textarea", ""])
        expect(page.get_by_text(f"已输入 {n} 字")).to_be_visible()
    expect(page.get_by_text("只能粘贴您自己")).to_have_count(0)
    room.until(lambda: ["先断电先断电"] in [kept["response"] for kept in room.exam.responses.values()], page)


def test_nothing_is_in_the_way_where_the_rules_allow_it(room) -> None:
    conduct(room, block_copy=False, allow_paste=True)
    page = room.seated()
    assert page.evaluate(FIRE, ["copy", ".stem"]) is True
    page.get_by_role("button", name="第 10 题").click()
    assert page.evaluate(PASTE, ["textarea", "别处的话"]) is True
    page.emulate_media(media="print")
    expect(page.locator(".stage")).to_be_visible()
