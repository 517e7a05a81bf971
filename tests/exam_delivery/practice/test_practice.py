"""The practice before the exam: the player as it is, a form without a key, and no word to the server."""

from __future__ import annotations

import importlib.util
import json
import re
import threading
from collections.abc import Iterator
from socketserver import ThreadingMixIn
from types import ModuleType
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from playwright.sync_api import Browser, Page, expect

from exam_delivery.answering.static import PRACTICE, PlayerFiles
from tests.architecture.sources import ROOT
from tests.exam_delivery.player.test_player_accessibility import check, fits
from tests.pages import comes_true

MAX_BYTES = 12 * 1024


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("practice_form", ROOT / "tools/practice_form.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_form_is_what_the_tool_makes_of_the_items_and_holds_no_key(tool: ModuleType) -> None:
    kept = (PRACTICE / "form.json").read_text(encoding="utf-8")
    assert kept == tool.text_of(tool.practice_form())
    assert not re.search(r'"(key|rubric|explanation|scoring)"', kept)


def test_every_way_of_answering_can_be_practised(tool: ModuleType) -> None:
    form = json.loads((PRACTICE / "form.json").read_text(encoding="utf-8"))
    ways = {slot["interaction"] for slot in form["slots"]}
    assert ways == {"choice", "true_false", "text_entry", "number", "order", "match", "extended_text", "hotspot"}
    assert any(slot["multiple"] for slot in form["slots"])
    assert form["stimuli"]
    assert [
        one.code for item in tool.items() for one in tool.registry.get(item.content.type).validate(item.content)
    ] == []


def test_the_practice_is_small() -> None:
    files = {name: file for name, file in PlayerFiles().files.items() if name.startswith("practice/")}
    assert {"practice/index.html", "practice/main.js", "practice/form.json"} <= set(files)
    assert sum(len(packed) for _mime, _tag, _plain, packed in files.values()) <= MAX_BYTES


class Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_args: Any) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    server = make_server("127.0.0.1", 0, PlayerFiles(), server_class=Threads, handler_class=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/exam"
    server.shutdown()
    server.server_close()


def answer_some(page: Page) -> None:
    page.get_by_text("12 个", exact=True).click()
    page.get_by_role("button", name="下一题").click()
    page.get_by_text("南边", exact=True).click()
    page.get_by_text("东边", exact=True).click()
    page.get_by_role("button", name="标记", exact=True).click()


@pytest.mark.journey
def test_somebody_practises_reloads_and_hands_in_without_any_word_to_the_server(
    chromium: Browser, address: str
) -> None:
    page = chromium.new_page(viewport={"width": 1280, "height": 800}, locale="zh-CN")
    asked, errors = [], []
    page.on("request", lambda request: asked.append((request.method, request.url)))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{address}/")
    page.get_by_role("link", name="先练习一下").click()
    expect(page.get_by_role("heading", name="考前练习（不计分）")).to_be_visible()
    check(page, "practice: welcome")
    page.get_by_role("button", name="开始练习").click()
    page.get_by_role("button", name="信息正确，继续").click()
    page.get_by_role("button", name="我已阅读，继续").click()
    page.get_by_role("button", name="我会操作了，继续").click()
    page.get_by_label("我已阅读并承诺遵守").check()
    page.get_by_role("button", name="进入等候").click()
    expect(page.get_by_role("heading", name="第 1 题")).to_be_visible(timeout=20_000)
    answer_some(page)
    expect(page.locator(".bottom-progress")).to_have_text("已答 2 / 12")
    comes_true(page, "() => JSON.parse(sessionStorage.getItem('kaoku-practice')).responses[2]")
    page.reload()
    expect(page.locator(".bottom-progress")).to_have_text("已答 2 / 12", timeout=20_000)
    page.get_by_role("button", name="交卷").first.click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("交卷")).last.click()
    page.get_by_role("button", name="确定交卷").click()
    expect(page.get_by_role("heading", name="练习完成")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("答了 2 题，共 12 题。")).to_be_visible()
    check(page, "practice: done")
    page.set_viewport_size({"width": 320, "height": 700})
    fits(page, "practice at 320 pixels")
    page.get_by_role("button", name="再练一次").click()
    expect(page.get_by_role("button", name="开始练习")).to_be_visible()
    assert {method for method, _url in asked} == {"GET"}
    assert [url for _method, url in asked if "/exam/" not in url] == []
    assert errors == []
    page.close()
