"""A page in WebKit behind the few calls of Playwright that the walks use, over `WebKitWebDriver` and the W3C WebDriver protocol.

Playwright drives a WebKit of its own making only; this one is the distribution's (Debian: `webkit2gtk-driver`, with a screen from
`xvfb`). Elements are looked for in the page by what a person
reads, and are clicked and typed into by the driver, so what is covered or out of reach cannot be used here either.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {
    "Enter": "\ue007", "Escape": "\ue00c", "Tab": "\ue004", "Shift": "\ue008", "ArrowLeft": "\ue012", "ArrowUp": "\ue013",
    "ArrowRight": "\ue014", "ArrowDown": "\ue015", "Space": " ", "Backspace": "\ue003",
}  # fmt: skip
BROWSERS = sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))
WIDTH, HEIGHT, BAR = 1366, 768, 60
PATIENCE_MS = 60_000
START_SECONDS = 60
PAUSE_SECONDS = 0.1

FIND = r"""
const ROLES = { button: "button, [role=button], input[type=submit]", link: "a[href]", heading: "h1, h2, h3", dialog: "dialog[open]",
  img: "img, [role=img]", alert: "[role=alert]", complementary: "aside", main: "main", status: "[role=status]" };
const shown = (one) => one.getClientRects().length > 0 && getComputedStyle(one).visibility !== "hidden";
const plain = (text) => (text || "").replace(/\s+/g, " ").trim();
const labelled = (one) => (one.getAttribute("aria-labelledby") || "").split(" ").filter(Boolean)
  .map((id) => document.getElementById(id)).filter(Boolean).map((label) => label.textContent).join(" ");
const named = (one) => plain(one.getAttribute("aria-label") || labelled(one) || one.getAttribute("alt") || one.value && one.matches("input") && one.value || one.innerText);
const fits = (text, wanted, exact) => exact ? plain(text) === wanted : plain(text).toLowerCase().includes(wanted.toLowerCase());
const css = (root, selector) => {
  const found = [...root.querySelectorAll(selector.replace(/:visible/g, ""))];
  return selector.includes(":visible") ? found.filter(shown) : found;
};
const HOW = {
  css: (root, { selector, has_text }) => css(root, selector).filter((one) => !has_text || fits(one.textContent, has_text)),
  role: (root, { role, name, exact }) => css(root, ROLES[role]).filter((one) => shown(one) && (!name || fits(named(one), name, exact))),
  label: (root, { text, exact }) => css(root, "input, select, textarea").filter((one) =>
    fits(one.getAttribute("aria-label") || labelled(one) || [...(one.labels || [])].map((label) => label.textContent).join(" "), text, exact)),
  text: (root, { text, exact }) => css(root, "*").filter((one) => shown(one) && fits(one.textContent, text, exact)
    && ![...one.children].some((child) => fits(child.textContent, text, exact))),
};
const find = (steps) => steps.reduce((roots, [how, given]) => {
  if (how === "nth") return roots.slice(given, given === -1 ? undefined : given + 1);
  return [...new Set(roots.flatMap((root) => HOW[how](root, given)))];
}, [document]);
"""
"""Finds elements as Playwright's locators do: by selector, role and name, label or text, one inside the other."""

WATCH = """
if (!window.faultsSeen) {
  window.faultsSeen = [];
  addEventListener("error", (e) => e.message && window.faultsSeen.push(`${e.message} ${e.filename}:${e.lineno}`));
  addEventListener("unhandledrejection", (e) => window.faultsSeen.push(`rejected: ${e.reason && (e.reason.stack || e.reason)}`));
  addEventListener("securitypolicyviolation", (e) => window.faultsSeen.push(`POLICY ${e.violatedDirective} ${e.blockedURI}`));
}
return window.faultsSeen.splice(0);
"""


class DriverError(Exception):
    """What the driver refused, in its words."""


@dataclass
class Wire:
    """The driver's session; it looks at one window at a time."""

    address: str
    window: str = ""

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the driver for something and return its value."""
        data = None if method == "GET" else json.dumps(body or {}).encode()
        request = urllib.request.Request(  # noqa: S310 - the driver that we started
            self.address + path, data, {"Content-Type": "application/json"}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            told = json.load(error)["value"]
            raise DriverError(f"{told['error']}: {told['message'][:300]}") from error


@dataclass
class Found:
    """Elements that are looked for anew whenever they are used: Playwright's `Locator`."""

    page: WebKitPage
    steps: list[tuple[str, Any]] = field(default_factory=list)

    def _deeper(self, how: str, given: Any) -> Found:
        return Found(self.page, [*self.steps, (how, given)])

    def locator(self, selector: str, *, has_text: str = "") -> Found:
        """Look for a selector inside."""
        return self._deeper("css", {"selector": selector, "has_text": has_text})

    def get_by_role(self, role: str, *, name: str = "", exact: bool = False) -> Found:
        """Look for a role and a name inside."""
        return self._deeper("role", {"role": role, "name": name, "exact": exact})

    def get_by_label(self, text: str, *, exact: bool = False) -> Found:
        """Look for what a label names."""
        return self._deeper("label", {"text": text, "exact": exact})

    def get_by_text(self, text: str, *, exact: bool = False) -> Found:
        """Look for the innermost element with this text."""
        return self._deeper("text", {"text": text, "exact": exact})

    def nth(self, place: int) -> Found:
        """Return one of them."""
        return self._deeper("nth", place)

    @property
    def first(self) -> Found:
        """The first of them."""
        return self.nth(0)

    def elements(self) -> list[dict[str, str]]:
        """Return what is there now."""
        return list(self.page.run(FIND + "return find(arguments[0]);", self.steps))

    def count(self) -> int:
        """Say how many there are now."""
        return int(self.page.run(FIND + "return find(arguments[0]).length;", self.steps))

    def all(self) -> list[Found]:
        """Return each of them."""
        return [self.nth(place) for place in range(self.count())]

    def wait_for(self, *, state: str = "visible", timeout: float = PATIENCE_MS) -> None:
        """Wait until the first is there, or seen."""
        asked = (
            "return find(arguments[0]).slice(0, 1).filter((one) => arguments[1] === 'attached' || shown(one)).length;"
        )
        self.page.until(lambda: self.page.run(FIND + asked, self.steps, state), f"{state} {self.steps}", timeout)

    def _use(self, act: Callable[[str], object]) -> None:
        """Act on the one element, again and again until the driver can."""
        last: list[DriverError] = []

        def tried() -> bool:
            found = self.elements()
            if not found:
                return False
            try:
                act(f"/element/{found[0][ELEMENT]}")
            except DriverError as error:
                last[:] = [error]
                return False
            return True

        try:
            self.page.until(tried, str(self.steps), PATIENCE_MS)
        except TimeoutError as error:
            raise TimeoutError(f"{error} {last}") from error

    def click(self, *, position: dict[str, int] | None = None) -> None:
        """Press it with the mouse, in its middle or at a place from its upper left corner."""
        if position is None:
            self._use(lambda path: self.page.tell("POST", f"{path}/click"))
            return
        self.evaluate("(one) => one.scrollIntoView({ block: 'nearest' })")
        left, top = self.evaluate("(one) => [one.getBoundingClientRect().left, one.getBoundingClientRect().top]")
        self.page.press_at(left + position["x"], top + position["y"])

    def check(self) -> None:
        """Tick a box."""
        self.click()

    def fill(self, text: str) -> None:
        """Type a text in the place of what is there."""

        def typed(path: str) -> None:
            self.page.tell("POST", f"{path}/clear")
            self.page.tell("POST", f"{path}/value", {"text": text})

        self._use(typed)

    def press(self, keys: str) -> None:
        """Press a key, with Shift where it says so, while the element has the focus."""
        self.evaluate("(one) => one.focus()")
        self.page.keyboard.press(keys)

    def select_option(self, *, index: int) -> None:
        """Choose an option of a select."""
        self.locator("option").nth(index).click()

    def inner_text(self) -> str:
        """Return the text that is seen."""
        return str(self.evaluate("(one) => one.innerText"))

    def evaluate(self, script: str) -> Any:
        """Run a function with the first element."""
        self.wait_for(state="attached")
        return self.page.run(FIND + f"return ({script})(find(arguments[0])[0]);", self.steps)

    def evaluate_all(self, script: str) -> Any:
        """Run a function with all of them."""
        return self.page.run(FIND + f"return ({script})(find(arguments[0]));", self.steps)


class WebKitPage(Found):
    """One window: Playwright's `Page`, as far as the walks need it."""

    def __init__(self, wire: Wire, downloads: Path, cable: Callable[[bool], None]) -> None:
        super().__init__(self)
        self.wire, self.downloads, self.cable = wire, downloads, cable
        self.window = str(wire.call("GET", "/window"))
        wire.window = self.window
        self.faults: list[str] = []
        self.keyboard = SimpleNamespace(press=self._press)
        self.mouse = SimpleNamespace(move=lambda _x, _y: None)
        self.context = SimpleNamespace(set_offline=cable, browser=None, new_page=self._another)

    def tell(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the driver for something in this window."""
        if self.wire.window != self.window:
            self.wire.call("POST", "/window", {"handle": self.window})
            self.wire.window = self.window
        return self.wire.call(method, path, body)

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page."""
        return self.tell("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def _another(self) -> WebKitPage:
        """Open another window of the same browser; its faults are told with those of this one."""
        self.wire.window = self.tell("POST", "/window/new", {"type": "window"})["handle"]
        self.wire.call("POST", "/window", {"handle": self.wire.window})
        other = WebKitPage(self.wire, self.downloads, self.cable)
        other.faults = self.faults
        return other

    def close(self) -> None:
        """Close this window."""
        self.watch()
        self.tell("DELETE", "/window")

    def until(self, happened: Callable[[], object], what: str, timeout: float) -> None:
        """Wait for something."""
        end = time.monotonic() + timeout / 1000
        while not happened():
            if time.monotonic() > end:
                raise TimeoutError(f"{self.url}: {what}")
            time.sleep(PAUSE_SECONDS)

    def watch(self) -> None:
        """Note the faults since the last time, and watch the page that is there now."""
        self.faults.extend(self.run(WATCH))

    @property
    def url(self) -> str:
        """The address."""
        return str(self.tell("GET", "/url"))

    def goto(self, address: str) -> None:
        """Open an address."""
        self.watch()
        self.tell("POST", "/url", {"url": address})
        self.watch()

    def reload(self) -> None:
        """Load the page anew; a question whether to leave is answered with yes."""
        self.watch()
        self.tell("POST", "/refresh")
        with suppress(DriverError):
            self.tell("POST", "/alert/accept")
        self.watch()

    def wait_for_url(self, address: str) -> None:
        """Wait until the window shows an address."""
        self.until(lambda: self.url == address, address, PATIENCE_MS)

    def on(self, _event: str, _listener: object) -> None:
        """Dialogs of the browser are answered by the driver."""

    def wait_for_timeout(self, milliseconds: float) -> None:
        """Let the page live for a while."""
        time.sleep(milliseconds / 1000)

    def evaluate(self, script: str) -> Any:
        """Run a function in the page."""
        return self.run(f"const done = ({script})(); return done instanceof Promise ? null : done;")

    def screenshot(self) -> bytes:
        """Return a picture of the window."""
        self.watch()
        return base64.b64decode(self.tell("GET", "/screenshot"))

    def _press(self, keys: str) -> None:
        """Press a key, together with those before it."""
        held = [KEYS.get(key, key) for key in keys.split("+")]
        down = [{"type": "keyDown", "value": key} for key in held]
        self._act("key", "keyboard", [*down, *({"type": "keyUp", "value": key} for key in reversed(held))])

    def press_at(self, x: float, y: float) -> None:
        """Press the mouse at a place of the window."""
        moved = {"type": "pointerMove", "duration": 0, "x": round(x), "y": round(y)}
        self._act("pointer", "mouse", [moved, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}])

    def _act(self, kind: str, name: str, actions: list[dict[str, Any]]) -> None:
        self.tell("POST", "/actions", {"actions": [{"type": kind, "id": name, "actions": actions}]})

    @contextmanager
    def expect_download(self) -> Iterator[SimpleNamespace]:
        """Yield what will hold the file that is saved meanwhile."""
        before = set(self.downloads.iterdir())
        saved = SimpleNamespace(value=None)
        yield saved
        fresh: list[Path] = []

        def came() -> bool:
            fresh[:] = [
                one
                for one in self.downloads.iterdir()
                if one not in before and one.suffix == ".kaoku" and one.stat().st_size
            ]
            return bool(fresh)

        self.until(came, "a download", PATIENCE_MS)
        saved.value = SimpleNamespace(path=lambda: fresh[0], suggested_filename=fresh[0].name)


@contextmanager
def opened(home: Path) -> Iterator[Wire]:
    """Open a window of WebKit on a screen of its own; what it saves lies in its home."""
    program, screen = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")
    if not (program and screen and BROWSERS):
        raise FileNotFoundError(
            "WebKit is not installed: run 'make setup-dev', or apt-get install webkit2gtk-driver xvfb"
        )
    with ExitStack() as stack:
        size = f"{WIDTH}x{HEIGHT + BAR}x24"
        shown = stack.enter_context(running([screen, "-displayfd", "1", "-screen", "0", size], {}, subprocess.PIPE))
        display = f":{(shown.stdout.readline() if shown.stdout else b'').decode().strip()}"
        settings = {"HOME": str(home), "DISPLAY": display, "GDK_BACKEND": "x11", "LANG": "C.UTF-8"}
        port = free_port()
        stack.enter_context(running([program, f"--port={port}"], settings | {"LIBGL_ALWAYS_SOFTWARE": "1"}))
        wire = Wire(f"http://127.0.0.1:{port}")
        begin(wire)
        yield wire
        wire.call("DELETE", "")


@contextmanager
def running(
    command: list[str], settings: Mapping[str, str], told: int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program beside the block and end it afterwards; the browser that the driver starts ends with its screen."""
    with subprocess.Popen(command, env=os.environ | settings, stdout=told, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def begin(wire: Wire) -> None:
    """Ask the driver for a window, as soon as it listens."""
    browser = {"binary": str(BROWSERS[-1]), "args": ["--automation"]}
    wanted = {
        "browserName": "MiniBrowser",
        "unhandledPromptBehavior": "accept",
        "webkitgtk:browserOptions": browser,
    }
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            made = wire.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            break
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(PAUSE_SECONDS)
    print(f"WebKitGTK {made['capabilities']['browserVersion']}", flush=True)
    wire.address += f"/session/{made['sessionId']}"
    wire.call("POST", "/window/rect", {"width": WIDTH, "height": HEIGHT})
