"""What goes wrong in exam rooms, each in a real browser: no answer lost, none doubled, nobody misled."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, expect

from tests.exam_delivery.player.player_fake_api import ADMISSION_NUMBER, ATTEMPT, ID_NUMBER, RefusedError
from tests.exam_delivery.player.player_walk import ASK_NOW

pytestmark = pytest.mark.journey

EVENTS = """() => new Promise((resolve) => {
  const request = indexedDB.open('kaoku-exam');
  request.onsuccess = () => {
    const all = request.result.transaction('events').objectStore('events').getAll();
    all.onsuccess = () => { request.result.close(); resolve(all.result.map((e) => [e.slot, e.seq])); };
  };
})"""


def answer(page: Page, text: str) -> None:
    page.get_by_text(text, exact=True).click()


def saved(page: Page) -> None:
    expect(page.locator(".safety")).to_have_text("已保存")


def read_only(page: Page) -> None:
    expect(page.get_by_role("radio").first).to_be_disabled(timeout=12000)


def test_unacknowledged_answers_survive_a_reload_while_the_server_refuses(room) -> None:
    room.exam.refuse_saves = RefusedError(503, "unavailable")
    page = room.seated()
    answer(page, "刀具的横向移动")
    expect(page.locator(".link-state")).to_have_text("服务器繁忙，答案已存本机（1 条）")
    expect(page.locator(".safety")).to_have_text("已存本机")
    page.reload()
    expect(page.get_by_role("heading", name="第 1 题")).to_be_visible()
    expect(page.get_by_role("radio", name="刀具的横向移动")).to_be_checked()
    expect(page.locator(".safety")).not_to_have_text("已保存")
    assert room.exam.responses == {}
    room.exam.refuse_saves = None
    saved(page)
    assert room.exam.responses[1]["response"] == ["c3"]
    room.until(lambda: page.evaluate(EVENTS) == [], page)


def test_a_crashed_browser_resumes_on_another_machine_with_everything_acknowledged(room) -> None:
    page = room.seated()
    answer(page, "尾座的移动")
    saved(page)
    page.context.close()
    room.contexts.clear()
    again = room.page()
    room.sign_in(again)
    expect(again.get_by_role("radio", name="尾座的移动")).to_be_checked()
    saved(again)


def test_an_answer_is_on_this_computer_before_it_is_sent(room) -> None:
    page = room.seated()
    with room.exam.lock:  # the server takes nothing meanwhile
        answer(page, "尾座的移动")
        room.until(lambda: page.evaluate(EVENTS) == [[1, 1]], page)
        expect(page.locator(".safety")).to_have_text("正在保存")
        assert room.exam.responses == {}
    saved(page)


def test_lost_acknowledgements_double_nothing(room) -> None:
    room.exam.drop_acknowledgements = 3
    page = room.seated()
    answer(page, "工件的旋转运动")
    saved(page)
    assert room.exam.accepted == [(1, 1)]
    assert room.exam.calls.count(("PUT", "responses")) >= 2


def test_an_outage_is_noticed_within_three_seconds_and_drains_by_itself(room) -> None:
    page = room.seated()
    page.context.set_offline(True)
    answer(page, "工件的旋转运动")
    expect(page.locator(".link-state")).to_contain_text("网络中断，答案已存本机（1 条）", timeout=3000)
    page.get_by_role("button", name="下一题").click()
    answer(page, "禁止烟火")
    expect(page.locator(".link-state")).to_contain_text("（2 条）")
    page.wait_for_timeout(3000)
    assert room.exam.responses == {}
    page.context.set_offline(False)
    expect(page.locator(".link-state")).to_have_text("网络正常", timeout=5000)
    saved(page)
    assert {slot: kept["response"] for slot, kept in room.exam.responses.items()} == {1: ["c1"], 2: ["c2"]}


def test_nobody_can_hand_in_what_has_not_reached_the_server(room) -> None:
    room.exam.refuse_saves = RefusedError(503, "unavailable")
    page = room.seated()
    answer(page, "工件的旋转运动")
    page.get_by_role("button", name="交卷", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="交卷", exact=True).click()
    page.get_by_role("button", name="确定交卷").click()
    expect(page.get_by_role("dialog")).to_contain_text("暂时不能交卷", timeout=15000)
    expect(page.get_by_role("dialog").get_by_role("button", name="保存应急文件")).to_be_visible()
    assert room.exam.receipt is None
    room.exam.refuse_saves = None
    page.get_by_role("button", name="确定交卷").click()
    expect(page.get_by_role("heading", name="已交卷")).to_be_visible(timeout=15000)
    assert room.exam.receipt["n_answers"] == 1


def test_a_later_deadline_reaches_the_page_within_ten_seconds(room) -> None:
    room.exam.seconds = 1200
    page = room.seated()
    expect(page.locator(".timer-value")).to_contain_text("19:")
    room.exam.deadline_at += 600
    expect(page.locator(".banner")).to_have_text("考试时间延长了 10 分钟。", timeout=10000)
    expect(page.locator(".timer-value")).to_contain_text("29:")
    expect(page.locator("#live")).to_have_text("考试时间延长了 10 分钟。")


def test_an_extension_after_the_end_opens_the_page_again(room) -> None:
    page = room.seated()
    room.exam.refuse_saves = RefusedError(503, "unavailable")
    answer(page, "尾座的移动")
    room.exam.deadline_at = time.time() + 1
    read_only(page)
    assert room.exam.receipt is None  # what waits on this computer goes first
    room.exam.deadline_at = time.time() + 900
    expect(page.get_by_role("radio").first).to_be_enabled(timeout=12000)
    room.exam.refuse_saves = None
    saved(page)
    assert room.exam.responses[1]["response"] == ["c4"]
    assert room.exam.receipt is None


def test_the_end_of_the_time_sends_the_last_answer_and_hands_in(room) -> None:
    page = room.seated()
    room.exam.refuse_saves = RefusedError(503, "unavailable")
    answer(page, "尾座的移动")
    room.exam.deadline_at = time.time() + 1
    expect(page.locator(".banner")).to_contain_text("时间到，正在保存并交卷", timeout=12000)
    room.exam.refuse_saves = None
    expect(page.get_by_role("heading", name="已交卷")).to_be_visible(timeout=20000)
    assert room.exam.responses[1]["response"] == ["c4"]
    assert room.exam.calls.count(("POST", "submit")) == 1


def test_a_forced_hand_in_shows_the_receipt(room) -> None:
    page = room.seated()
    answer(page, "尾座的移动")
    saved(page)
    room.exam.submit()
    expect(page.get_by_role("heading", name="已交卷")).to_be_visible(timeout=12000)
    expect(page.get_by_text("1 题（共 10 题）")).to_be_visible()


def test_answers_refused_after_the_end_stay_on_the_computer_and_are_owned_up_to(room) -> None:
    page = room.seated()
    page.context.set_offline(True)
    answer(page, "尾座的移动")
    expect(page.locator(".safety")).to_have_text("已存本机")
    room.exam.submit()
    page.context.set_offline(False)
    expect(page.get_by_role("alert")).to_contain_text("有 1 条答案在收卷前没有传到服务器", timeout=12000)
    assert page.evaluate(EVENTS) == [[1, 1]]


def test_a_newer_sign_in_elsewhere_turns_the_page_read_only(room) -> None:
    page = room.seated()
    other = room.page()
    room.sign_in(other)
    expect(other.get_by_role("heading", name="第 1 题")).to_be_visible()
    answer(page, "尾座的移动")
    expect(page.locator(".banner")).to_contain_text("本页只能查看，不能作答")
    read_only(page)
    for name in ("交卷", "标记"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_disabled()
    answer(other, "工件的旋转运动")
    saved(other)
    assert room.exam.responses[1]["response"] == ["c1"]


def test_the_older_of_two_tabs_turns_read_only_without_the_server(room) -> None:
    context = room.context()
    first = room.page(context)
    room.exam.start()
    room.sign_in(first)
    expect(first.get_by_role("heading", name="第 1 题")).to_be_visible()
    answer(first, "尾座的移动")
    kept = first.evaluate("sessionStorage.getItem('kaoku-exam:/exam/')")
    second = room.page(context)
    second.evaluate("kept => sessionStorage.setItem('kaoku-exam:/exam/', kept)", kept)
    second.reload()
    expect(second.get_by_role("heading", name="第 1 题")).to_be_visible()
    expect(first.locator(".banner")).to_contain_text("另一个标签页", timeout=5000)
    read_only(first)
    expect(second.get_by_role("radio", name="尾座的移动")).to_be_checked()


def test_an_ended_login_costs_a_dialog_and_no_answer(room) -> None:
    page = room.seated()
    room.exam.tokens[:] = []
    answer(page, "尾座的移动")
    dialog = page.get_by_role("dialog", name="请重新登录")
    expect(dialog.get_by_label("准考证号")).to_have_value(ADMISSION_NUMBER)
    page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    dialog.get_by_label("证件号码").fill("1")
    dialog.get_by_role("button", name="重新登录").click()
    expect(dialog.get_by_role("alert")).to_have_text("准考证号或证件号不对")
    dialog.get_by_label("证件号码").fill(ID_NUMBER)
    dialog.get_by_role("button", name="重新登录").click()
    expect(dialog).to_have_count(0)
    saved(page)
    assert room.exam.responses[1]["response"] == ["c4"]
    page.reload()
    expect(page.get_by_role("radio", name="尾座的移动")).to_be_checked()


@pytest.mark.parametrize("shift", ["-86400000", "86400000"])
def test_a_changed_pc_clock_changes_nothing(room, shift: str) -> None:
    room.exam.seconds = 1800
    page = room.seated()
    page.evaluate(f"() => {{ const real = Date.now; Date.now = () => real() + {shift}; }}")
    shown = page.locator(".timer-value").inner_text()
    expect(page.locator(".timer-value")).not_to_have_text(shown)
    answer(page, "尾座的移动")
    saved(page)
    room.until(lambda: room.shows_the_time(page), page)


def test_one_unreadable_answer_does_not_hold_up_the_others(room) -> None:
    room.exam.refuse_slots = {1}
    page = room.seated()
    page.get_by_role("button", name="整卷").click()
    page.locator("#item-1").get_by_text("尾座的移动").click()
    page.locator("#item-2").get_by_text("禁止烟火").click()
    expect(page.locator("#item-2 .safety")).to_have_text("已保存")
    expect(page.locator("#item-1 .safety")).to_have_text("未能保存，请举手告诉监考员")


def test_without_storage_the_page_says_so_and_still_saves(room) -> None:
    context = room.context()
    context.add_init_script("Object.defineProperty(window, 'indexedDB', {get() { throw new Error('denied'); }})")
    page = room.page(context)
    room.exam.start()
    room.sign_in(page)
    expect(page.locator(".banner")).to_contain_text("本机不能存储答案")
    answer(page, "尾座的移动")
    saved(page)


def test_the_start_waits_for_the_server_not_for_the_page(room) -> None:
    room.exam.move_start_by = 3.0  # moved meanwhile: the server refuses once, the page goes on waiting
    page = room.page()
    room.get_ready(page)
    expect(page.get_by_role("heading", name="第 1 题")).to_be_visible(timeout=20000)
    assert room.exam.calls.count(("POST", "start")) >= 2


def test_a_form_that_did_not_come_ahead_comes_at_the_start(room) -> None:
    room.exam.refuse_sealed_form = True
    room.begin(room.waiting())
    assert ("GET", "form") in room.exam.calls


def test_a_form_changed_after_it_was_fetched_sealed_is_fetched_anew(room) -> None:
    page = room.waiting()
    room.exam.form["title"] = "换过的试卷"
    room.begin(page)
    assert ("GET", "form") in room.exam.calls


def test_folded_time_comes_back_at_ten_minutes(room) -> None:
    page = room.seated()
    page.get_by_role("button", name="隐藏时间").click()
    expect(page.locator(".timer-value")).to_have_text("已隐藏")
    room.exam.deadline_at = time.time() + 612
    page.evaluate(ASK_NOW)
    expect(page.locator(".timer-value")).to_contain_text("09:5", timeout=25000)
    expect(page.locator("#live")).to_have_text("还剩 10 分钟，还有 10 题未答。")
    expect(page.locator(".time-note")).to_have_text("还剩 10 分钟，还有 10 题未答。")


def test_events_carry_what_the_interface_promises(room) -> None:
    page = room.seated()
    with page.expect_request(lambda request: request.method == "PUT") as sent:
        answer(page, "尾座的移动")
    assert sent.value.url.endswith(f"/api/v1/exam/attempts/{ATTEMPT}/responses")
    [event] = sent.value.post_data_json["events"]
    assert {key: event[key] for key in ("slot", "seq", "response")} == {"slot": 1, "seq": 1, "response": ["c4"]}
    assert event["client_time"].endswith("Z")
    assert sent.value.headers["authorization"] == "Bearer token-1"
