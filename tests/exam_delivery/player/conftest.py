"""A browser, a fake candidate API and a page that fails the test on any script error or policy violation."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

sys.path.insert(0, str(Path(__file__).parent))

from tests.exam_delivery.player.player_fake_api import ADMISSION_NUMBER, ID_NUMBER, FakeExam, serve
from tests.exam_delivery.player.player_form import sample_form
from tests.pages import comes_true

WATCH_POLICY = "addEventListener('securitypolicyviolation', (e) => console.error('POLICY ' + e.violatedDirective + ' ' + e.blockedURI))"
AXE = Path(__file__).resolve().parents[2] / "assets" / "axe-core"
NETWORK_NOISE = "Failed to load resource"
AT_ONCE = "Math.random = () => 0"
SEALED_FORM_WATCHED = """() => {
  const whole = Response.prototype.arrayBuffer;
  Response.prototype.arrayBuffer = async function () {
    const found = await whole.call(this);
    setTimeout(() => { window.liesReady = true; });
    return found;
  };
}"""
"""Nothing on the page tells that the sealed form lies ready; whoever waited for its bytes alone has it one task later."""
TEN_MINUTES_ON = "performance.now = ((now) => () => now.call(performance) + 600000)(performance.now)"


class Room:
    """One exam, its server, and the browsers that sit in it."""

    def __init__(self, browser: Browser, exam: FakeExam) -> None:
        self.browser, self.exam = browser, exam
        self.server, self.address = serve(exam)
        self.contexts: list[BrowserContext] = []
        self.errors: list[str] = []

    def context(self, **options: Any) -> BrowserContext:
        context = self.browser.new_context(**{"viewport": {"width": 1024, "height": 768}, "locale": "zh-CN", **options})
        context.add_init_script(WATCH_POLICY)
        self.contexts.append(context)
        return context

    def page(self, context: BrowserContext | None = None, **options: Any) -> Page:
        page = (context or self.context(**options)).new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self.note)
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(self.address)
        return page

    def note(self, message: Any) -> None:
        if message.type == "error" and NETWORK_NOISE not in message.text:
            self.errors.append(message.text)

    def sign_in(self, page: Page) -> None:
        page.get_by_label("准考证号").fill(ADMISSION_NUMBER)
        page.get_by_label("证件号码").fill(ID_NUMBER)
        page.get_by_role("button", name="登录", exact=True).click()

    def get_ready(self, page: Page) -> None:
        self.sign_in(page)
        page.get_by_role("button", name="信息正确，继续").click()
        page.get_by_role("button", name="我已阅读，继续").click()
        page.get_by_role("button", name="我会操作了，继续").click()
        page.get_by_label("我已阅读并承诺遵守").check()
        page.get_by_role("button", name="进入等候").click()

    def seated(self, **options: Any) -> Page:
        """Return a page that shows the first item; the attempt has been started before."""
        self.exam.start()
        page = self.page(**options)
        self.sign_in(page)
        expect(page.get_by_role("heading", name="第 1 题")).to_be_visible()
        return page

    def waiting(self) -> Page:
        """Return a page that waits for the start ten minutes ahead and has asked for the sealed form."""
        self.exam.opens_at = time.time() + 600
        page = self.page()
        page.evaluate(AT_ONCE)
        page.evaluate(SEALED_FORM_WATCHED)
        self.get_ready(page)
        expect(page.get_by_role("heading", name="请安静等候开考")).to_be_visible()
        self.until(lambda: ("GET", "sealed-form") in self.exam.calls, page)
        if not self.exam.refuse_sealed_form:
            comes_true(page, "window.liesReady === true")
        return page

    def begin(self, page: Page) -> None:
        """Have the time come for a page that waits, and wait until it shows the first item."""
        self.exam.opens_at = time.time()
        page.evaluate(TEN_MINUTES_ON)
        expect(page.get_by_role("heading", name="第 1 题")).to_be_visible(timeout=30000)

    def until(self, condition: Callable[[], object], page: Page, seconds: float = 30.0) -> None:
        """Wait for something on the server's side while the page goes on living."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "the awaited state did not come"
            page.wait_for_timeout(50)

    def shows_the_time(self, page: Page) -> bool:
        """Say whether the time left that a page shows is the server's; reading it takes a loaded machine a while."""
        before = time.time()
        minutes, seconds = page.locator(".timer-value").inner_text().split(":")
        end = self.exam.deadline_at or 0.0
        return end - time.time() - 1.5 <= int(minutes) * 60 + int(seconds) <= end - before + 1.5

    def close(self) -> None:
        for context in self.contexts:
            context.close()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def room(chromium: Browser) -> Iterator[Room]:
    room = Room(chromium, FakeExam(form=sample_form()))
    yield room
    room.close()
    assert room.errors == []
