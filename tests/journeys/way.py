"""What the steps of the long journey share: who walks it, how a person signs in, confirms, uploads and waits."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, Download, Locator, Page
from pypdf import PdfReader

from tests.journeys.conftest import Desk, Installation, open_desk
from tests.journeys.people import Candidate

SHANGHAI = ZoneInfo("Asia/Shanghai")
PASSWORD = "a sentence that each of us remembers"
TIMEOUT_MS = 20_000
JOB_MS = 120_000
"""Background jobs share the machine with everything else."""


@dataclass
class Journey:
    """What the steps hand on: the people's desks, their one-time passwords, the addresses of what was made."""

    installation: Installation
    browser: Browser
    one_time: dict[str, str] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    desks: dict[str, Desk] = field(default_factory=dict)
    candidates: list[Candidate] = field(default_factory=list)
    admission_numbers: dict[str, str] = field(default_factory=dict)

    def desk(self, username: str) -> Desk:
        """Return the desk of a person, who signs in at the first time and replaces a one-time password."""
        if username not in self.desks:
            self.desks[username] = desk = self.empty_desk()
            sign_in(desk, username, self.one_time.get(username, PASSWORD))
            if username in self.one_time:
                replace_password(desk, self.one_time.pop(username))
        return self.desks[username]

    def empty_desk(self) -> Desk:
        """Return a desk at which nobody has signed in."""
        return open_desk(self.browser, self.installation.url, TIMEOUT_MS)

    def leave(self) -> None:
        """Let everybody go; nobody may have met a fault on the way."""
        for desk in self.desks.values():
            assert not desk.faults, desk.faults
            desk.context.close()


def sign_in(desk: Desk, username: str, password: str) -> None:
    desk.visit("/sign-in")
    desk.page.get_by_label("登录名").fill(username)
    desk.page.get_by_label("密码").fill(password)
    desk.page.get_by_role("button", name="登录").click()
    desk.page.wait_for_url(lambda address: "/sign-in" not in address)


def replace_password(desk: Desk, one_time: str) -> None:
    """Walk past the page that demands an own password."""
    page = desk.page
    assert here(page) == "/account/password"
    page.get_by_label("原密码").fill(one_time)
    page.get_by_label("新密码", exact=True).fill(PASSWORD)
    page.get_by_label("再次输入新密码").fill(PASSWORD)
    page.get_by_role("button", name="保存新密码").click()
    page.wait_for_url(lambda address: not address.endswith("/account/password"))


def here(page: Page) -> str:
    """Return the path of the page, without host and query."""
    return re.sub(r"^https?://[^/]+|\?.*$", "", page.url)


def press(page: Page, name: str) -> None:
    """Press the button or follow the link of this name; a header and an empty list may both offer it."""
    both = page.get_by_role("button", name=name, exact=True).or_(page.get_by_role("link", name=name, exact=True))
    both.first.click()
    page.wait_for_load_state()


def confirm(page: Page, label: str, answer: str = "", within: Locator | None = None, **fields: str) -> None:
    """Open an act that asks once more, fill in what it wants, and say yes."""
    summary = page.locator("summary", has_text=re.compile(rf"^\s*{re.escape(label)}\s*$"))
    box = (within or page.locator("main")).locator("details.confirm").filter(has=summary)
    box.locator("summary").click()
    for name, value in fields.items():
        box.locator(f"[name={name}]").fill(value)
    box.get_by_role("button", name=answer or label, exact=True).click()
    page.wait_for_load_state()


def told(page: Page, text: str) -> None:
    """Wait until the page tells this after an act, and is there to its last line and with its scripts."""
    page.locator(".notice", has_text=text).first.wait_for()
    page.wait_for_load_state()


def go(page: Page, action: Callable[[], None]) -> None:
    """Do something that leads to another page, and wait for that page."""
    with page.expect_navigation():
        action()


def wait_for_job(page: Page, action: Callable[[], None]) -> None:
    """Start something that runs in the background, watch it, and go to its result; a quick one may be over at once."""
    go(page, action)
    result = page.get_by_role("link", name="查看结果", exact=True)
    if result.count() or page.locator("[data-controller=job-progress]").count():
        go(page, lambda: result.click(timeout=JOB_MS))


def download(page: Page, action: Callable[[], None]) -> bytes:
    """Return the file that an act hands out."""
    with page.expect_download() as waiting:
        action()
    received: Download = waiting.value
    return Path(received.path()).read_bytes()


def tile(page: Page, label: str) -> str:
    """Return the number on a tile."""
    value = page.locator(".stat-tile").filter(has=page.get_by_text(label, exact=True)).locator(".stat-value")
    return value.first.evaluate("one => one.firstChild.textContent.trim()")


def until(page: Page, is_so: Callable[[], bool]) -> None:
    """Look at the page again and again, a second apart, until something has come about."""
    for _again in range(JOB_MS // 1000):
        if is_so():
            return
        page.wait_for_timeout(1000)
        page.reload()
    raise AssertionError(f"it did not come about: {page.url}")


def text_of(pdf: bytes) -> str:
    """Return what is written in a PDF."""
    return "".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(pdf)).pages)
