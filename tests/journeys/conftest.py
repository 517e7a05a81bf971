"""A whole installation, served for real: the demonstration in a database of its own, gunicorn, the worker, Debian's Chromium."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page
from sqlalchemy import create_engine, make_url, text

from tests.accessibility import violations
from tests.journeys.kinds import kind_of
from tests.ports import kept_port

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "build/screenshots"
MARKUP_IS_JUDGED = not os.environ.get("KAOKU_TEST_DATABASE_URL")
"""Whether axe looks and pictures are taken: on SQLite, for the markup is the same on the other engine, where pages must only
open in the browser, with one heading and without a fault."""
STOP_SECONDS = 70
"""Longer than the supervisor waits for its worker and its web processes."""


@dataclass(frozen=True)
class Installation:
    """A served installation with the demonstration loaded."""

    url: str
    folder: Path
    environment: dict[str, str]
    password: str
    candidates: list[dict[str, str]]

    def kaoku(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the command line against this installation."""
        return run_kaoku(self.folder, self.environment, *arguments, check=check)

    def python(self, program: str, *arguments: str) -> str:
        """Run a program inside this installation and return what it prints."""
        command = [sys.executable, "-W", "ignore", "-c", program, *arguments]
        environment = self.environment | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def scratch_database() -> Iterator[str]:
    """Yield the address of an empty database on the PostgreSQL under test; an empty text stands for SQLite."""
    main_url = os.environ.get("KAOKU_TEST_DATABASE_URL", "")
    if not main_url.startswith("postgresql"):
        yield ""
        return
    name = f"journey_{uuid.uuid4().hex[:12]}"
    admin = create_engine(main_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(main_url).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def settings_of(folder: Path, database: str) -> dict[str, str]:
    """Return the environment of an installation in a folder of its own."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("KAOKU_")}
    environment |= {"KAOKU_INSTANCE_DIR": str(folder / "instance"), "KAOKU_LOG_LEVEL": "WARNING"}
    return environment | ({"KAOKU_DATABASE_URL": database} if database else {})


def run_kaoku(
    folder: Path, environment: dict[str, str], *arguments: str, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    command = [str(Path(sys.executable).with_name("kaoku")), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=check, cwd=folder)


@contextmanager
def served(folder: Path, environment: dict[str, str], url: str, *arguments: str) -> Iterator[None]:
    """Serve an installation while the block runs."""
    log = (folder / "serve.log").open("w")
    command = [str(Path(sys.executable).with_name("kaoku")), *arguments]
    server = subprocess.Popen(
        command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, cwd=folder
    )
    try:
        wait_until_ready(url, server, folder / "serve.log")
        yield
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
        log.close()


@pytest.fixture(scope="module")
def journey_database() -> Iterator[str]:
    with scratch_database() as url:
        yield url


@pytest.fixture(scope="module")
def installation(journey_database: str) -> Iterator[Installation]:
    """The demonstration, served to one file of tests: its worker looks for jobs all the time that it lives."""
    folder = Path(tempfile.mkdtemp(prefix="kaoku-journey-"))
    environment, port = settings_of(folder, journey_database), kept_port()
    url = f"http://127.0.0.1:{port}"
    try:
        with served(folder, environment, url, "demo", "--port", str(port)):
            facts = json.loads((folder / "instance/demo.json").read_text(encoding="utf-8"))
            yield Installation(url, folder, environment, facts["password"], facts["candidates"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def fresh_installation() -> Iterator[Installation]:
    """An empty installation, served; `password` is the one-time password of its first person, `first-admin`."""
    folder = Path(tempfile.mkdtemp(prefix="kaoku-fresh-"))
    bind = f"127.0.0.1:{kept_port()}"
    try:
        with scratch_database() as database:
            environment = settings_of(folder, database)
            run_kaoku(folder, environment, "db", "upgrade")
            made = run_kaoku(folder, environment, "user", "add", "first-admin", "--role", "platform_admin")
            with served(folder, environment, f"http://{bind}", "serve", "--bind", bind):
                yield Installation(f"http://{bind}", folder, environment, made.stdout.strip(), [])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def wait_until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 480
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended: {log.read_text()[-3000:]}")
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:  # noqa: S310 - our own address
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"the server did not come up: {log.read_text()[-3000:]}")


@pytest.fixture(scope="session")
def browser(chromium: Browser) -> Browser:
    """The one browser of the run."""
    return chromium


@dataclass
class Desk:
    """One person at one browser; every page that is looked at must be free of script, policy and accessibility faults."""

    context: BrowserContext
    page: Page
    url: str
    faults: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def watch(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.faults.append(f"script error: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "status of 4" not in message.text:
            self.faults.append(f"{self.page.url}: {message.text}")

    def open(self, path: str) -> Page:
        """Open a page of the installation and check it."""
        answer = self.page.goto(self.url + path)
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status}"
        self.check()
        return self.page

    def visit(self, path: str) -> Page:
        """Open a page on the way; this person's first of its kind is checked."""
        kind = kind_of(path)
        if kind not in self.seen:
            self.seen.add(kind)
            return self.open(path)
        self.page.goto(self.url + path)
        return self.page

    def check(self) -> None:
        """Check the page as it is now: one h1, no axe violation, no fault so far."""
        assert self.page.locator("h1").count() == 1, self.page.url
        assert not self.faults, self.faults
        found = accessibility_violations(self.page) if MARKUP_IS_JUDGED else []
        assert not found, f"{self.page.url}: {found}"

    def shoot(self, name: str) -> None:
        """Write pictures of the page at both sizes, once in a run of both engines."""
        if not MARKUP_IS_JUDGED:
            return
        SHOTS.mkdir(parents=True, exist_ok=True)
        for width, height in ((1440, 900), (1024, 768)):
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.screenshot(path=SHOTS / f"{name}-{width}x{height}.png")


def accessibility_violations(page: Page) -> list[str]:
    """Return axe's violations in words."""
    return [f"{v['id']}: {[n['target'] for n in v['nodes']][:3]}" for v in violations(page)]


def open_desk(browser: Browser, url: str, timeout_ms: int = 15_000) -> Desk:
    """Return a desk at which nobody has signed in yet."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN", timezone_id="Asia/Shanghai")
    page = context.new_page()
    page.set_default_timeout(timeout_ms)
    one = Desk(context, page, url)
    one.watch()
    return one


MakeDesk = Callable[..., Desk]


@pytest.fixture
def desk(browser: Browser, installation: Installation) -> Iterator[MakeDesk]:
    """Return a desk: nobody signed in, or one of the demonstration's staff."""
    opened: list[Desk] = []

    def sit(username: str = "") -> Desk:
        one = open_desk(browser, installation.url)
        page = one.page
        opened.append(one)
        if username:
            one.open("/sign-in")
            page.get_by_label("登录名").fill(username)
            page.get_by_label("密码").fill(installation.password)
            page.get_by_role("button", name="登录").click()
            page.wait_for_url(installation.url + "/")
        return one

    yield sit
    for one in opened:
        assert not one.faults, one.faults
        one.context.close()
