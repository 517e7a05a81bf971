"""Regions of a hotspot item are drawn with the mouse into the fields of its form, under the strict policy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from item_templates import registry
from item_templates.contract import ItemContent
from tests.item_templates.test_item_pages import page as drawn_page
from tests.pages import comes_true
from web.security import CONTENT_SECURITY_POLICY

pytestmark = pytest.mark.journey
STATIC = Path(__file__).resolve().parents[2] / "web" / "static"
PICTURE = registry.FOLDER.joinpath("hotspot", "example.png").read_bytes()
EMPTY = ItemContent("hotspot", '找出急停按钮<img src="media:panel" alt="面板">')
PAGE = """<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>试题</title>
<link rel="stylesheet" href="/static/css/items.css"></head><body><div id="toasts" data-failed=""></div>
<form id="item-form" method="post">%s</form><script type="module" src="/static/js/main.js"></script></body></html>"""
TYPES = {".css": "text/css", ".js": "text/javascript"}


class Handler(BaseHTTPRequestHandler):
    """Serve the form, its scripts and its picture."""

    def do_GET(self) -> None:
        if self.path.startswith("/static/"):
            file = STATIC / self.path.removeprefix("/static/")
            self.answer(file.read_bytes(), TYPES[file.suffix])
        elif self.path == "/media/panel":
            self.answer(PICTURE, "image/png")
        else:
            self.answer((PAGE % drawn_page(EMPTY, "edit")).encode(), "text/html; charset=utf-8")

    def answer(self, body: bytes, content_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Stay silent."""


class Server(ThreadingHTTPServer):
    """A page asks for all its modules at once: the queue must be longer than the five places it has by default."""

    request_queue_size = 64


@pytest.fixture
def editor(chromium: Browser) -> Iterator[Page]:
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = chromium.new_page(viewport={"width": 1200, "height": 1400})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(f"http://127.0.0.1:{server.server_port}/")
    page.get_by_role("button", name="椭圆").wait_for()  # the script has drawn its tools
    yield page
    page.close()
    server.shutdown()
    server.server_close()
    assert [one for one in errors if "404" not in one and "favicon" not in one] == []


def at(page: Page, x: float, y: float) -> tuple[float, float]:
    box = page.locator(".hotspot-board").bounding_box()
    assert box
    return box["x"] + box["width"] * x, box["y"] + box["height"] * y


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*at(page, *start))
    page.mouse.down()
    page.mouse.move(*at(page, *end), steps=4)
    page.mouse.up()


def coords(page: Page, name: str) -> list[int]:
    return [int(one) for one in page.get_by_label(f"区域 {name} 的坐标").input_value().split()]


def test_regions_are_drawn_with_the_mouse_and_can_be_typed(editor: Page) -> None:
    expect(editor.locator(".hotspot-board img")).to_be_visible()
    comes_true(editor, "document.querySelector('.hotspot-board img').naturalWidth > 0")
    drag(editor, (0.75, 0.85), (0.5, 0.5))
    assert coords(editor, "A") == pytest.approx([500, 500, 750, 850], abs=4)
    editor.get_by_role("button", name="椭圆").click()
    drag(editor, (0.1, 0.6), (0.3, 0.8))
    assert coords(editor, "B") == pytest.approx([200, 700, 100, 100], abs=4)
    expect(editor.get_by_label("区域 B 的形状")).to_have_value("ellipse")
    editor.get_by_role("button", name="多边形", exact=True).click()
    for x, y in ((0.8, 0.1), (0.95, 0.1), (0.95, 0.3)):
        editor.mouse.click(*at(editor, x, y))
    editor.get_by_role("button", name="完成多边形").click()
    assert coords(editor, "C") == pytest.approx([800, 100, 950, 100, 950, 300], abs=4)
    editor.get_by_label("区域 A 的坐标").fill("0 0 500 500")
    assert editor.locator(".hotspot-board rect").get_attribute("width") == "500"
    expect(editor.locator(".hotspot-board text")).to_have_text(["A", "B", "C"])


def test_a_shape_is_drawn_anew_into_the_row_whose_coordinates_hold_the_cursor(editor: Page) -> None:
    comes_true(editor, "document.querySelector('.hotspot-board img').naturalWidth > 0")
    drag(editor, (0.1, 0.1), (0.2, 0.2))
    editor.get_by_label("区域 A 的坐标").focus()
    drag(editor, (0.3, 0.3), (0.6, 0.6))
    assert coords(editor, "A") == pytest.approx([300, 300, 600, 600], abs=4)
    assert coords(editor, "B") == []
    editor.get_by_label("题干").fill("没有图片")
    expect(editor.locator(".hotspot-board")).to_be_hidden()
    expect(editor.get_by_text("插入图片后，可以在图上画区域。")).to_be_visible()
