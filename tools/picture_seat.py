"""A person at a browser who goes through the demonstration and takes pictures of what the window shows."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

Save = Callable[[str, bytes], None]
ID = r"[0-9a-f]{8}-[0-9a-f-]{27}"
JOB_MS = 120_000
PRINT_DPI = 96


@dataclass
class Seat:
    """One person at a browser, with the demonstration's sign-ins."""

    page: Page
    url: str
    facts: dict[str, Any]
    save: Save

    def sign_in(self, username: str) -> Seat:
        """Sign in as one of the demonstration's staff."""
        self.page.goto(f"{self.url}/sign-in")
        self.page.get_by_label("登录名").fill(f"demo-{username}")
        self.page.get_by_label("密码").fill(self.facts["password"])
        self.page.get_by_role("button", name="登录").click()
        self.page.wait_for_url(f"{self.url}/")
        return self

    def open(self, path: str) -> Page:
        """Open an address of the installation."""
        self.page.goto(self.url + path)
        return self.page

    def follow(self, pattern: str, *, last: bool = False) -> Page:
        """Open the first (or last) address on the page that has this shape; ``ID`` stands for any key."""
        wanted = re.compile(pattern.replace("ID", ID))
        addresses = self.page.locator("main a[href]").evaluate_all("all => all.map(one => one.getAttribute('href'))")
        found = next((one for one in (reversed(addresses) if last else addresses) if wanted.search(one)), None)
        if found is None:
            raise LookupError(f"{self.page.url} has no link {pattern}")
        return self.open(found)

    def shoot(self, name: str, *, top: str = "") -> None:
        """Write what the window shows; `top` is the element that is brought to its upper edge first."""
        self.page.evaluate("() => document.fonts.ready")
        if top:
            self.page.locator(top).first.evaluate(
                "one => window.scrollTo(0, one.getBoundingClientRect().top + scrollY - 72)"
            )
        self.page.mouse.move(0, 0)
        self.page.wait_for_timeout(400)
        self.save(name, self.page.screenshot())


def here(page: Page) -> str:
    """Return the path of a page."""
    return re.sub(r"^https?://[^/]+|[?#].*$", "", page.url)


def first_page(pdf: Path) -> bytes:
    """Return a picture of the first page of a PDF."""
    program = shutil.which("pdftoppm")
    if program is None:
        raise FileNotFoundError("pdftoppm is not installed: apt-get install poppler-utils")
    command = [program, "-png", "-singlefile", "-r", str(PRINT_DPI), str(pdf)]
    return subprocess.run(command, check=True, capture_output=True).stdout
