"""One way past every state of the candidate's page, from the sign-in to the receipt; who goes it says how each is looked at."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.exam_delivery.player.conftest import Room
from tests.exam_delivery.player.player_fake_api import ID_NUMBER
from tests.exam_delivery.player.player_form import PICTURE, choices, shared_form, slot

Look = Callable[[Page, str], None]

HIDE = "() => Object.defineProperty(document, 'visibilityState', {get: () => 'hidden', configurable: true})"
SHOW = "() => { delete document.visibilityState; }"
ASK_NOW = "() => window.dispatchEvent(new Event('online'))"
"""The page asks the server at once, not with its next heartbeat."""
SEB_WANTED = {"error": "lockdown_required", "message": "", "details": {"launch": "sebs://127.0.0.1/exam.seb"}}
REGIONS = {
    "c1": {"shape": "rect", "coords": [0, 0, 400, 400]},
    "c2": {"shape": "ellipse", "coords": [700, 200, 150, 150]},
}
BOARD = f'<p>请找出急停按钮。</p><p><img src="{PICTURE}" alt="控制面板" width="400" height="300"></p>'
WIDE_TABLE = "<table><tr>" + "".join(f"<td>第{n}列额定电流</td>" for n in range(14)) + "</tr></table>"


def whole_form() -> dict[str, Any]:
    """Return a form with every interaction, a shared text, a wide table, a picture in an option, and the tools."""
    form = shared_form()
    form["slots"][0]["stem"] = WIDE_TABLE + form["slots"][0]["stem"]
    form["slots"][2]["choices"][1]["content"] = f'<img src="{PICTURE}" alt="两地控制电路">'
    form["slots"] += [
        slot(
            11, 6, "hotspot", BOARD, multiple=False, choices=choices("左上的按钮", "右上的按钮"),
            hotspot={"mode": "regions", "picks": 1, "regions": REGIONS},
        ),
        slot(12, 6, "hotspot", BOARD, multiple=True, hotspot={"mode": "point", "picks": 2}),
    ]  # fmt: skip
    form["sections"].append({"title": "七、图片热区题", "instructions": "", "slots": [11, 12]})
    form["tools"] = ["calculator", "scratch"]
    form["conduct"] = {
        "leave_action": "lock",
        "leave_limit": 5,
        "leave_grace_seconds": 0,
        "rescue_after_seconds": 1,
        "consent_seconds": 300,
    }
    return form


def another_tab(room: Room, page: Page) -> Page:
    """Close the tab and sign in in a new one."""
    new = room.page(page.context)
    page.close()
    room.sign_in(new)
    return new


def walk(room: Room, look: Look, **options: Any) -> None:
    """Open every state from the sign-in to the receipt and look at each."""
    room.exam.form = whole_form()
    page = walk_to_start(room, look, **options)
    page = walk_opening(room, look, page)
    walk_items(look, page)
    walk_dialogs(room, look, page)
    walk_display(look, page)
    walk_cut_off(room, look, page)
    walk_held(room, look, page)
    walk_end(room, look, page)


def walk_to_start(room: Room, look: Look, **options: Any) -> Page:
    """Look at the pages before the exam."""
    room.exam.opens_at = time.time() + 3600
    page = room.page(**options)
    expect(page.get_by_role("heading", name="考生登录")).to_be_visible()
    look(page, "sign-in")
    walk_refusals(room, look, page)
    room.sign_in(page)
    for name, state in (("信息正确，继续", "check"), ("我已阅读，继续", "rules"), ("我会操作了，继续", "guide")):
        button = page.get_by_role("button", name=name)
        expect(button).to_be_visible()
        if state == "check":
            page.get_by_role("button", name="信息有误").click()
        if state == "guide":
            page.get_by_text("红色").click()
        look(page, state)
        button.click()
    look(page, "pledge")
    page.get_by_label("我已阅读并承诺遵守").check()
    page.get_by_role("button", name="进入等候").click()
    expect(page.get_by_role("heading", name="请安静等候开考")).to_be_visible()
    look(page, "waiting")
    return page


def walk_refusals(room: Room, look: Look, page: Page) -> None:
    """Look at a sign-in that failed and at one from outside the exam's own browser."""
    page.get_by_label("准考证号").fill("1")
    page.get_by_label("证件号码").fill(ID_NUMBER)
    page.get_by_role("button", name="登录", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("准考证号或证件号不对")
    look(page, "wrong number")
    page.route("**/api/v1/exam/sign-in", lambda route: route.fulfill(status=403, json=SEB_WANTED))
    room.sign_in(page)
    expect(page.get_by_role("heading", name="请用安全考试浏览器打开")).to_be_visible()
    look(page, "another browser is wanted")
    page.unroute("**/api/v1/exam/sign-in")
    page.get_by_role("button", name="返回登录").click()


def walk_opening(room: Room, look: Look, page: Page) -> Page:
    """Look at the page while the server cannot yet give the form, and at a hand-in that is too early."""
    room.exam.opens_at = time.time()
    room.exam.start()
    room.exam.earliest_submit_at = time.time() + 1800
    page.context.route(
        "**/form", lambda route: route.fulfill(status=503, json={"error": "busy", "message": "系统繁忙"})
    )
    page = another_tab(room, page)
    expect(page.get_by_role("heading", name="正在打开试卷")).to_be_visible()
    expect(page.get_by_role("main").get_by_role("status")).not_to_be_empty()
    look(page, "opening")
    page.context.unroute("**/form")
    expect(page.get_by_role("heading", name="第 1 题")).to_be_visible()
    page.get_by_role("button", name="交卷", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("以后才可以交卷")
    look(page, "too early to hand in")
    room.exam.earliest_submit_at = None
    return another_tab(room, page)


def walk_items(look: Look, page: Page) -> None:
    """Look at each way of answering, the first answered and marked, and at what is asked before handing in."""
    expect(page.get_by_role("heading", name="第 1 题")).to_be_visible()
    page.get_by_text("尾座的移动").click()
    page.get_by_role("button", name="标记", exact=True).click()
    for number in range(1, 13):
        expect(page.get_by_role("heading", name=f"第 {number} 题")).to_be_visible()
        look(page, f"item {number}")
        page.get_by_role("button", name="下一题" if number < 12 else "检查并交卷").click()
    look(page, "hand-in")
    page.get_by_role("dialog").get_by_role("button", name="交卷", exact=True).click()
    look(page, "confirm")
    page.get_by_role("button", name="返回继续作答").click()


def walk_dialogs(room: Room, look: Look, page: Page) -> None:
    """Look at what opens over or beside the items."""
    page.get_by_role("button", name="帮助").click()
    look(page, "help")
    page.get_by_role("button", name="关闭").click()
    before = len(room.exam.leaves)
    page.evaluate(HIDE)
    room.until(lambda: len(room.exam.leaves) > before, page)
    page.evaluate(SHOW)
    expect(page.get_by_role("dialog", name="请不要离开考试页面")).to_be_visible()
    look(page, "left the page")
    page.get_by_role("button", name="知道了，继续作答").click()
    for tool in ("计算器", "草稿纸"):
        page.get_by_role("button", name=tool).click()
        expect(page.get_by_role("complementary", name=tool).locator("input, textarea").first).to_be_focused()
        look(page, tool)
    page.get_by_role("button", name="收起").click()
    page.keyboard.press("t")
    look(page, "time note")


def walk_display(look: Look, page: Page) -> None:
    """Look at every way of showing the exam; the picture of an item is opened from the whole form."""
    panel = page.get_by_role("button", name="题号栏")
    panel.click()
    look(page, "panel turned over")
    panel.click()
    page.get_by_role("button", name="整卷").click()
    look(page, "all items")
    page.get_by_role("button", name="放大图片：蓝色标志").click()
    look(page, "picture")
    page.get_by_role("button", name="关闭").click()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("button", name="Hand in", exact=True)).to_be_visible()
    look(page, "English")
    page.get_by_role("button", name="中文").click()
    page.get_by_role("button", name="大", exact=True).click()
    page.get_by_role("button", name="高对比度").click()
    look(page, "large and high contrast")


def walk_cut_off(room: Room, look: Look, page: Page) -> None:
    """Look at the page without the network: the banner, why not to reload, the rescue file; and without a sign-in."""
    page.context.set_offline(True)
    page.locator("#item-2").get_by_text("当心触电").click()
    expect(page.locator(".link-state")).to_contain_text("网络中断")
    expect(page.get_by_role("button", name="保存应急文件")).to_be_visible()
    look(page, "offline")
    page.keyboard.press("F5")
    look(page, "do not reload")
    page.get_by_role("button", name="知道了，继续作答").click()
    page.get_by_role("button", name="保存应急文件").click()
    with page.expect_download():
        page.get_by_role("button", name="保存文件", exact=True).click()
    look(page, "rescue file saved")
    page.get_by_role("button", name="关闭").click()
    page.context.set_offline(False)
    expect(page.locator("#item-2 .safety")).to_have_text("已保存")
    tokens, room.exam.tokens[:] = list(room.exam.tokens), []
    page.evaluate(ASK_NOW)
    dialog = page.get_by_role("dialog", name="请重新登录")
    expect(dialog).to_be_visible(timeout=12000)
    look(page, "sign in again")
    room.exam.tokens[:] = tokens
    dialog.get_by_label("证件号码").fill(ID_NUMBER)
    dialog.get_by_role("button", name="重新登录").click()
    expect(dialog).to_have_count(0)


def walk_held(room: Room, look: Look, page: Page) -> None:
    """Look at the page while it is locked, paused, given more time, and when little is left."""
    for hold, words in (("locked", "请举手等监考员处理"), ("paused", "考试暂停，计时已停止")):
        room.exam.hold = {"kind": hold, "since": "", "reason": "设备故障"}
        page.evaluate(ASK_NOW)
        expect(page.locator(".banner", has_text=words)).to_be_visible(timeout=12000)
        look(page, hold)
    room.exam.hold = None
    room.exam.deadline_at += 600
    page.evaluate(ASK_NOW)
    expect(page.locator(".banner", has_text="考试时间延长了")).to_be_visible(timeout=12000)
    look(page, "more time")
    room.exam.deadline_at = time.time() + 290
    page.evaluate(ASK_NOW)
    expect(page.locator(".timer")).to_have_attribute("data-urgent", "last", timeout=12000)
    look(page, "little time left")
    page.get_by_role("button", name="交卷", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("须经监考员同意")
    look(page, "consent to hand in")
    page.get_by_role("button", name="返回继续作答").click()


def walk_end(room: Room, look: Look, page: Page) -> None:
    """Look at the page that another computer took over, at the end of the time, and at the receipt."""
    other = room.page()
    room.sign_in(other)
    expect(other.get_by_role("heading", name="第 1 题")).to_be_visible()
    page.evaluate(ASK_NOW)
    expect(page.locator(".banner", has_text="已在另一台电脑")).to_be_visible(timeout=12000)
    look(page, "read-only")
    other.context.close()
    room.contexts.remove(other.context)
    page = another_tab(room, page)
    page.context.route("**/submit", lambda route: route.fulfill(status=503, json={"error": "busy", "message": ""}))
    expect(page.locator(".item").first).to_be_visible()
    room.exam.deadline_at = time.time() - 1
    page.evaluate(ASK_NOW)
    expect(page.locator(".banner", has_text="请不要关闭本页")).to_be_visible(timeout=12000)
    look(page, "the time is over")
    page.context.unroute("**/submit")
    expect(page.get_by_role("heading", name="已交卷")).to_be_visible(timeout=12000)
    look(page, "receipt")
