"""The exam page is reloaded or opened anew while the server is away: it comes back, with the answers, and goes on by itself."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from exam_delivery.answering.static import PlayerFiles
from tests.accessibility import violations
from tests.exam_delivery.player.player_fake_api import serve
from tests.ports import kept_port

pytestmark = pytest.mark.journey

KEPT = "() => caches.keys().then((names) => names.filter((name) => name.startsWith('kaoku-exam-')))"
ADDRESSES = """async () => (await Promise.all((await caches.keys()).map(async (name) =>
    (await (await caches.open(name)).keys()).map((request) => new URL(request.url).pathname)))).flat()"""
ROWS = """(store) => new Promise((resolve) => {
  const request = indexedDB.open('kaoku-exam');
  request.onsuccess = () => {
    const all = request.result.transaction(store).objectStore(store).getAll();
    all.onsuccess = () => { request.result.close(); resolve(all.result); };
  };
})"""
READABLE = """async () => {
  const request = indexedDB.open('kaoku-exam');
  const db = await new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
  const texts = [];
  for (const name of db.objectStoreNames) {
    const all = db.transaction(name).objectStore(name).getAll();
    const rows = await new Promise((resolve) => { all.onsuccess = () => resolve(all.result); });
    texts.push(...rows.map((row) => JSON.stringify(row, (_, value) => (
      ArrayBuffer.isView(value) || value instanceof ArrayBuffer ? new TextDecoder().decode(value) : value))));
  }
  db.close();
  return texts.join();
}"""
FORGET_FORM = """() => new Promise((resolve) => {
  const request = indexedDB.open('kaoku-exam');
  request.onsuccess = () => {
    const tx = request.result.transaction('kept', 'readwrite');
    tx.objectStore('kept').clear();
    tx.oncomplete = () => { request.result.close(); resolve(); };
  };
})"""
REGISTERED = """async () => {
  const { installing } = await navigator.serviceWorker.register('worker.js');
  return new Promise((resolve) => {
    installing.onstatechange = () => ['redundant', 'activated'].includes(installing.state) && resolve(installing.state);
  });
}"""
VERSIONS = """() => [...new Set(performance.getEntriesByType('resource')
    .map((entry) => (/assets\\/([0-9a-f]{16})\\//.exec(entry.name) || [])[1]).filter(Boolean))]"""


def answer(page: Page, text: str) -> None:
    page.get_by_text(text, exact=True).click()


def saved(page: Page) -> None:
    expect(page.locator(".safety")).to_have_text("已保存", timeout=15000)


def seated(room) -> Page:
    """Return a page that shows the first item and would come back without the server."""
    page = room.seated()
    room.until(lambda: page.evaluate("navigator.serviceWorker.controller !== null"), page)
    room.until(lambda: len(page.evaluate(ROWS, "kept")) == 2, page)
    return page


@contextmanager
def server_away(room, files: PlayerFiles | None = None) -> Iterator[None]:
    port = room.server.server_port
    room.server.shutdown()
    room.server.server_close()
    kept_port(port)
    yield
    room.server, _ = serve(room.exam, port, *([files] if files else []))


def test_a_reload_while_the_server_is_away_shows_everything_and_goes_on(room) -> None:
    room.exam.seconds = 1800
    page = seated(room)
    answer(page, "尾座的移动")
    saved(page)
    page.get_by_role("button", name="下一题").click()
    with server_away(room):
        answer(page, "禁止烟火")
        expect(page.locator(".link-state")).to_contain_text("网络中断，答案已存本机（1 条）")
        page.reload()
        expect(page.get_by_role("heading", name="第 2 题")).to_be_visible()
        expect(page.get_by_role("radio", name="禁止烟火")).to_be_checked()
        expect(page.locator(".safety")).to_have_text("已存本机")
        assert violations(page) == []
        room.until(lambda: room.shows_the_time(page), page)
        page.get_by_role("button", name="上一题").click()
        expect(page.get_by_role("radio", name="尾座的移动")).to_be_checked()
        expect(page.locator(".safety")).to_have_text("已保存")
        answer(page, "工件的旋转运动")
        expect(page.locator(".link-state")).to_contain_text("网络中断，答案已存本机（2 条）")
        page.reload()
        expect(page.get_by_role("radio", name="工件的旋转运动")).to_be_checked()
    expect(page.locator(".link-state")).to_have_text("网络正常", timeout=15000)
    saved(page)
    assert {slot: kept["response"] for slot, kept in room.exam.responses.items()} == {1: ["c1"], 2: ["c2"]}


def test_an_answer_that_the_server_never_had_is_sent_after_a_reload_without_it(room) -> None:
    page = seated(room)
    with server_away(room):
        answer(page, "尾座的移动")
        expect(page.locator(".safety")).to_have_text("已存本机")
        page.reload()
        expect(page.get_by_role("radio", name="尾座的移动")).to_be_checked()
        assert [(row["slot"], row["response"]) for row in page.evaluate(ROWS, "events")] == [(1, ["c4"])]
    saved(page)
    assert room.exam.responses[1]["response"] == ["c4"]


def test_an_answer_given_on_another_machine_is_not_overwritten_by_what_was_kept(room) -> None:
    page = seated(room)
    answer(page, "尾座的移动")
    saved(page)
    with server_away(room):
        page.reload()
        expect(page.get_by_role("radio", name="尾座的移动")).to_be_checked()
        room.exam.responses[1] = {"seq": 99, "response": ["c1"]}
    expect(page.get_by_role("radio", name="工件的旋转运动")).to_be_checked(timeout=15000)
    assert room.exam.responses[1] == {"seq": 99, "response": ["c1"]}


def test_without_the_form_the_page_says_that_nothing_is_lost_and_opens_by_itself(room) -> None:
    page = seated(room)
    with server_away(room):
        answer(page, "尾座的移动")
        expect(page.locator(".safety")).to_have_text("已存本机")
        page.evaluate(FORGET_FORM)
        page.reload()
        expect(page.get_by_role("status").first).to_contain_text("您做过的题都没有丢")
        assert violations(page) == []
    expect(page.get_by_role("radio", name="尾座的移动")).to_be_checked(timeout=20000)
    saved(page)
    assert room.exam.responses[1]["response"] == ["c4"]


def test_what_lies_on_the_computer_cannot_be_read_and_goes_with_the_hand_in(room) -> None:
    page = seated(room)
    answer(page, "尾座的移动")
    saved(page)
    room.until(lambda: len(page.evaluate(ROWS, "kept")) == 2, page)
    text = page.evaluate(READABLE)
    assert "kept" not in text
    assert not any(word in text for word in ("尾座", "第一部分", '["c4"]', r"[\"c4\"]"))
    assert not any(path.startswith("/api/") for path in page.evaluate(ADDRESSES))
    page.get_by_role("button", name="交卷", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="交卷", exact=True).click()
    page.get_by_role("button", name="确定交卷").click()
    expect(page.get_by_role("heading", name="已交卷")).to_be_visible()
    room.until(lambda: page.evaluate("() => indexedDB.databases().then((all) => all.length)") == 0, page)
    assert page.evaluate("sessionStorage.length") == 0


def test_somebody_who_opens_the_exam_in_another_tab_without_the_server_finds_the_sign_in_and_nothing_to_read(
    room,
) -> None:
    page = seated(room)
    with server_away(room):
        answer(page, "尾座的移动")
        expect(page.locator(".safety")).to_have_text("已存本机")
        other = page.context.new_page()
        other.goto(room.address)
        room.sign_in(other)
        expect(other.get_by_role("alert")).to_contain_text("连接不上考试服务器")
        expect(other.get_by_text("主轴")).to_have_count(0)
    room.sign_in(other)
    expect(other.get_by_role("radio", name="尾座的移动")).to_be_checked()
    saved(other)


def test_the_waiting_page_comes_back_too_and_opens_when_the_server_is_there(room) -> None:
    room.exam.opens_at = time.time() + 600
    page = room.page()
    room.get_ready(page)
    room.until(lambda: page.evaluate("navigator.serviceWorker.controller !== null"), page)
    with server_away(room):
        page.reload()
        expect(page.get_by_role("heading", name="请安静等候开考")).to_be_visible()
        expect(page.locator(".big-clock")).to_contain_text("09:")
        room.exam.opens_at = time.time()
    expect(page.get_by_role("heading", name="第 1 题")).to_be_visible(timeout=40000)


def test_formulas_are_set_after_a_reload_without_the_server(room) -> None:
    page = seated(room)
    page.get_by_role("button", name="整卷").click()
    expect(page.locator("#item-7 .katex")).to_be_visible()
    room.until(lambda: any(path.endswith("katex.min.js") for path in page.evaluate(ADDRESSES)), page)
    with server_away(room):
        page.reload()
        expect(page.locator("#item-7 .katex")).to_be_visible()


def test_with_the_cable_pulled_the_page_comes_back_as_well(room) -> None:
    page = seated(room)
    page.context.set_offline(True)
    answer(page, "尾座的移动")
    expect(page.locator(".safety")).to_have_text("已存本机")
    page.reload()
    expect(page.get_by_role("radio", name="尾座的移动")).to_be_checked()
    expect(page.locator(".link-state")).to_contain_text("网络中断，答案已存本机（1 条）")
    page.context.set_offline(False)
    saved(page)
    assert room.exam.responses[1]["response"] == ["c4"]


def test_a_deployment_replaces_the_kept_page_as_a_whole(room) -> None:
    page = seated(room)
    [before] = page.evaluate(KEPT)
    newer = PlayerFiles("Asia/Urumqi")
    with server_away(room, newer):
        pass
    page.reload()
    expect(page.get_by_role("heading", name="第 1 题")).to_be_visible()
    room.until(lambda: page.evaluate(KEPT) not in ([before], []) and len(page.evaluate(KEPT)) == 1, page)
    with server_away(room, newer):
        page.reload()
        expect(page.get_by_role("heading", name="第 1 题")).to_be_visible()
        assert page.get_attribute('meta[name="time-zone"]', "content") == "Asia/Urumqi"
        assert page.evaluate(VERSIONS) == [newer.version]


def test_files_of_two_versions_are_never_kept_together(room) -> None:
    mixed = PlayerFiles()
    mime, tag, plain, _packed = mixed.files["clock.js"]
    other = plain + b"// as another version has it\n"
    mixed.files["clock.js"] = (mime, tag, other, gzip.compress(other))
    with server_away(room, mixed):
        pass
    page = room.seated()
    assert page.evaluate(REGISTERED) == "redundant"
    assert page.evaluate(KEPT) == []


def test_inside_safe_exam_browser_nothing_is_installed(room) -> None:
    page = room.seated(user_agent="Mozilla/5.0 Chrome/126.0 SEB/3.8")
    answer(page, "尾座的移动")
    saved(page)
    assert page.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.length)") == 0
    assert page.evaluate(ROWS, "kept") == []


def test_the_first_load_stays_below_300_kb_with_formulas_and_what_is_kept_for_a_reload(room) -> None:
    page = seated(room)
    page.get_by_role("button", name="整卷").click()
    expect(page.locator("#item-7 .katex")).to_be_visible()
    sent = room.server.sent
    assert {"/exam/worker.js", "katex.min.js"} <= {path for path, _ in sent}
    assert sum(n for _, n in sent) <= 300 * 1024, sum(n for _, n in sent)
    parts = [path for path, _ in sent if path.startswith("/exam/assets/")]
    assert sorted(parts) == sorted(set(parts)), "what the page has loaded is kept without being fetched again"
