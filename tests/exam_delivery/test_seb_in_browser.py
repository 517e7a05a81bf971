"""An exam sat in Safe Exam Browser: Chromium does what the published code of its clients does, the whole program answers.

On Windows: the rules of the settings file decide what the window opens, every request to the page's host carries the hash of its
own address, the quit address ends it, nothing is printed or saved. On a Mac: no headers; the page asks for the keys of its own
address and is called back by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from exam_delivery.models import SessionLockdown
from exam_delivery.rules import seb, seb_file
from exam_delivery.rules.lockdown import LockdownMode
from exam_delivery.rules.seb import SebOptions
from kernel.clock import now
from kernel.identity.actor import system_actor
from kernel.uow import unit_of_work
from tests.exam_delivery.test_sitting_in_browser import Hall, answer, enter, expect_saved, hall, sign_in

__all__ = ["hall"]
pytestmark = pytest.mark.journey
AGENT = "Mozilla/5.0 ({0}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 SEB/3.9.0"
LAUNCH_CODE = "c" * 32
MAC_API = """window.SafeExamBrowser = {security: {configKey: '', browserExamKey: '', updateKeys(done) { window.askedFor(done.name); }}};"""


@dataclass
class Seb:
    """A browser that is set up by a settings file."""

    settings: dict[str, Any]
    page: Page
    quit_at: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)

    def _opens(self, address: str) -> bool:
        rules = self.settings["URLFilterRules"]
        return any(re.search(rule["expression"], address, re.IGNORECASE) for rule in rules)

    def _hash(self, address: str) -> str:
        return seb.request_hash(address, seb.config_key(self.settings))

    def _request(self, route: Route) -> None:
        address = route.request.url
        if route.request.is_navigation_request() and re.fullmatch(re.escape(self.settings["quitURL"]) + "/?", address):
            self.quit_at.append(address)
            return route.abort()
        if route.request.is_navigation_request() and not self._opens(address):
            self.blocked.append(address)
            return route.abort()
        proof = {"X-SafeExamBrowser-ConfigKeyHash": self._hash(address)} if self.settings["sendBrowserExamKey"] else {}
        return route.continue_(headers=route.request.headers | proof)

    def lock_windows(self) -> None:
        """Send headers, keep to the rules."""
        self.page.route("**/*", self._request)

    def lock_mac(self) -> None:
        """Let the page ask for the keys of its address."""

        def tell(name: str) -> None:
            key = self._hash(self.page.url.partition("#")[0])
            self.page.evaluate(f"SafeExamBrowser.security.configKey = '{key}'; {name}();")

        self.page.expose_function("askedFor", tell)
        self.page.add_init_script(MAC_API)

    def start(self) -> Page:
        """Open the start address."""
        self.page.goto(self.settings["startURL"])
        return self.page


def lock(hall: Hall) -> bytes:
    """Ask for the browser; return the settings file."""
    body = seb_file.write_file(seb.make_settings(SebOptions(hall.address, quit_password="leave"), bytes(range(32))))
    row = SessionLockdown(
        exam_session_id=hall.sitting.exam_session_id, organisation_id=hall.sitting.organisation_id,
        mode=LockdownMode.SEB, base_url=hall.address, options={}, config_key=seb.config_key(seb_file.read_file(body)),
        exam_keys=[], launch_code=LAUNCH_CODE, settings_file=body, changed_at=now(),
    )  # fmt: skip
    with unit_of_work(system_actor(hall.sitting.organisation_id)) as uow:
        uow.add(row)
    return body


@pytest.fixture
def body(hall: Hall) -> bytes:
    return lock(hall)


def opened(chromium: Browser, body: bytes, system: str) -> Seb:
    context = chromium.new_context(locale="zh-CN", user_agent=AGENT.format(system), accept_downloads=False)
    return Seb(seb_file.read_file(body), context.new_page())


@pytest.fixture
def windows(chromium: Browser, body: bytes) -> Iterator[Seb]:
    found = opened(chromium, body, "Windows NT 10.0")
    found.lock_windows()
    yield found
    found.page.context.close()


def hand_in(page: Page) -> None:
    page.get_by_role("button", name="交卷", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="交卷", exact=True).click()
    page.get_by_role("button", name="确定交卷").click()
    expect(page.get_by_role("heading", name="已交卷")).to_be_visible()


def test_on_windows_the_whole_exam_is_sat_within_the_rules_of_the_file_and_left_by_the_quit_address(
    hall: Hall,
    windows: Seb,
) -> None:
    page = enter(windows.start(), hall.sitting.people[0])
    answer(page)
    expect_saved(page)
    page.reload()
    expect(page.locator("article.item input[type=radio]").first).to_be_checked()
    hand_in(page)
    expect(page.get_by_role("button", name="打印回执")).to_have_count(0)
    assert (windows.quit_at, windows.blocked) == ([], [])
    page.get_by_role("link", name="退出安全考试浏览器").click()
    assert windows.quit_at == [windows.settings["quitURL"]]


def test_the_window_reaches_the_seat_check_and_no_page_of_the_staff(windows: Seb) -> None:
    page = windows.start()
    page.get_by_role("link", name="检查这台考试机").click()
    expect(page.get_by_label("考场代码")).to_be_visible()
    page.get_by_role("link", name="回到考生登录页").first.click()
    expect(page.get_by_label("准考证号")).to_be_visible()
    assert windows.blocked == []
    page.evaluate("() => { location.href = '/sign-in'; }")
    page.wait_for_event("requestfailed")
    assert [one.rpartition("/")[2] for one in windows.blocked] == ["sign-in"]


def test_on_a_mac_the_page_proves_itself_by_the_keys_that_it_asks_for(
    chromium: Browser,
    hall: Hall,
    body: bytes,
) -> None:
    mac = opened(chromium, body, "Macintosh")
    mac.lock_mac()
    page = enter(mac.start(), hall.sitting.people[1])
    answer(page)
    expect_saved(page)
    hand_in(page)
    page.context.close()


def test_a_common_browser_is_shown_the_link_whose_file_lets_the_same_person_in(
    chromium: Browser,
    hall: Hall,
    body: bytes,
) -> None:
    page = hall.machine(chromium)
    sign_in(page, hall.sitting.people[2])
    link = page.get_by_role("link", name="打开安全考试浏览器").get_attribute("href") or ""
    assert link == f"seb://{hall.address.partition('://')[2]}/api/v1/exam/seb/{LAUNCH_CODE}"
    fetched = page.request.get(link.replace("seb://", "http://")).body()
    assert fetched == body
    inside = opened(chromium, fetched, "Windows NT 10.0")
    inside.lock_windows()
    enter(inside.start(), hall.sitting.people[2])
    inside.page.context.close()
    page.context.close()
