"""The form of a testlet in a real browser: parts come, move and go without the page being left, and the cursor stays near."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from item_templates import registry
from item_templates.contract import ItemContent
from tests.accessibility import violations
from tests.item_templates.item_contents import example
from tests.item_templates.test_item_pages import page as rendered
from tests.pages import comes_true
from web.security import CONTENT_SECURITY_POLICY

pytestmark = pytest.mark.journey
STATIC = Path(__file__).resolve().parents[2] / "web" / "static"
MIME = {".css": "text/css", ".js": "text/javascript"}
SHEETS = "".join(f'<link rel="stylesheet" href="/static/css/{name}.css">' for name in ("tokens", "forms", "items"))
HEAD = f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>组合题</title>{SHEETS}'
SCRIPT = '<script type="module" src="/static/js/main.js"></script></head>'
TOASTS = '<div id="toasts" data-failed="没有做成"></div>'


def document(content: ItemContent) -> str:
    form = f'<form method="post" action="/">{rendered(content, "edit")}<button name="act" value="save">保存</button></form>'
    return f"{HEAD}{SCRIPT}<body><main><h1>组合题</h1><h2>内容</h2>{form}</main>{TOASTS}</body></html>"


@Request.application
def editor(request: Request) -> Response:
    """Answer as the item editor does: the form with what its button asks for, nothing saved."""
    if request.path.startswith("/static/"):
        file = STATIC / request.path.removeprefix("/static/")
        return Response(file.read_bytes(), content_type=MIME.get(file.suffix, "application/octet-stream"))
    content = example("testlet")
    if request.method == "POST":
        content = registry.get("testlet").from_form(request.form.to_dict(flat=False))
    answer = Response(document(content), content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return answer


@pytest.fixture
def opened(chromium: Browser) -> Iterator[Page]:
    server = make_server("127.0.0.1", 0, editor, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page, problems = context.new_page(), []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"http://127.0.0.1:{server.server_port}/")
    comes_true(page, "document.documentElement.classList.contains('js')")
    yield page
    context.close()
    server.shutdown()
    thread.join()
    server.server_close()
    assert problems == []


def stems(page: Page) -> list[str]:
    areas = page.locator('[name^="items-"][name$="-stem"]')
    return [areas.nth(place).input_value() for place in range(areas.count())]


def test_parts_are_moved_added_retyped_and_removed_where_the_cursor_is(opened: Page) -> None:
    first, second, third = stems(opened)
    opened.locator('[name="items-2-stem"]').fill("改写的第二题")
    opened.get_by_role("button", name="第 2 小题上移").click()
    expect(opened.locator('[name="items-1-stem"]')).to_have_value("改写的第二题")
    assert stems(opened) == ["改写的第二题", first, third]
    expect(opened.get_by_role("button", name="第 1 小题下移")).to_be_visible()
    assert (
        opened.evaluate("document.activeElement.closest('.item-child-form').getAttribute('aria-label')") == "第 1 小题"
    )
    opened.get_by_label("添加小题").select_option("matching")
    opened.get_by_role("button", name="添加", exact=True).click()
    expect(opened.locator(".item-child-form")).to_have_count(4)
    assert opened.evaluate("document.activeElement.name") == "items-4-stem"
    opened.get_by_label("第 4 小题的题型").select_option("essay")
    expect(opened.locator('[name="items-4-rubric_text"]').first).to_be_visible()
    opened.get_by_role("button", name="删除第 4 小题").click()
    expect(opened.locator(".item-child-form")).to_have_count(3)
    assert second not in stems(opened)
    found = violations(opened, ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"])
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found] == []


def test_a_server_that_does_not_answer_leaves_the_form_as_it_is(opened: Page) -> None:
    before = stems(opened)
    opened.context.set_offline(True)
    opened.get_by_role("button", name="第 2 小题上移").click()
    expect(opened.get_by_text("没有做成")).to_be_visible()
    assert stems(opened) == before
