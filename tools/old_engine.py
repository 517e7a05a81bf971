"""Walk the product in an old Chromium, or in Firefox: ``python tools/old_engine.py /path/to/browser [--pictures FOLDER] [walk …]``.

Serves the demonstration, has the browser compile every script and weigh every line of the style sheets, then walks the practice,
an examination, the console, the check of a seat and the pages of all roles (`old_engine_walks.py`). What the browser does not understand, every script error, unhandled
rejection, breach of the content policy and step that cannot be taken is told; then the exit status is 1.
`docs/exam-room.md` says where a browser of that age comes from.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from picture_seat import Seat
from pictures import ROOT, demonstration
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, sync_playwright

DRIVER = Path(__file__).with_name("old_engine_driver.cjs")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
WIDTH, HEIGHT = 1280, 900
STEP_MS = 60_000
SCRIPTS = ("exam_delivery/player", "exam_delivery/practice", "web/static/js")
STYLES = ("exam_delivery/player", "web/static/css")
WELL_WITHOUT = {
    "accent-color",
    "-webkit-print-color-adjust: exact",
    "-webkit-text-size-adjust: 100%",
    "field-sizing",
    "forced-color-adjust",
    "print-color-adjust",
    "progress::-moz-progress-bar",
}
"""What a browser may leave out: its own colours or heights then show, or another line beside it says the same to older browsers."""
NETWORK_NOISE = "Failed to load resource"
WATCH_POLICY = "addEventListener('securitypolicyviolation', (e) => console.error('POLICY ' + e.violatedDirective + ' ' + e.blockedURI))"

COMPILE = """async (text) => {
  const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  try { await import(address); } catch (error) { return error instanceof SyntaxError ? String(error) : ""; }
  return "";
}"""
"""A script is compiled before its imports are looked for, and from here none is found: what has imports is not run."""

WEIGH = r"""(text) => {
  const lost = [];
  const known = (selector) => { try { document.querySelector(selector); return true; } catch (error) { return false; } };
  const read = (body) => body.replace(/@[^{;]+\{((?:[^{}]*\{[^{}]*\})*[^{}]*)\}/g, (_, inner) => { read(inner); return ""; })
    .replace(/([^{}]+)\{([^{}]*)\}/g, (_, selector, lines) => {
      if (!/^\s*(from|to|[\d.]+%|@)/.test(selector) && !known(selector)) lost.push(selector.trim());
      lines.split(";").map((line) => line.trim()).filter((line) => line && !line.startsWith("--")).forEach((line) => {
        const [name, value] = [line.slice(0, line.indexOf(":")).trim(), line.slice(line.indexOf(":") + 1).replace("!important", "").trim()];
        if (!CSS.supports(name, value)) lost.push(`${name}: ${value}`);
      });
      return "";
    });
  read(text.replace(/\/\*[^]*?\*\//g, "").replace(/@(import|charset)[^;]*;/g, ""));
  return lost;
}"""
"""What the browser drops from a style sheet: selectors it cannot read and lines it does not support."""


def files(folders: Iterable[str], suffix: str) -> list[Path]:
    """Return the files of our own with this ending."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob(f"*{suffix}"))


def not_understood(page: Page) -> list[str]:
    """Let the browser compile every script and weigh every style sheet; return what it does not understand."""
    faults: list[str] = []
    for path in files(SCRIPTS, ".js"):
        told = page.evaluate(COMPILE, path.read_text(encoding="utf-8"))
        faults += [f"{path.relative_to(ROOT)}: {told}"] if told else []
    for path in files(STYLES, ".css"):
        lost = page.evaluate(WEIGH, path.read_text(encoding="utf-8"))
        faults += [
            f"{path.relative_to(ROOT)}: {one}" for one in lost if not WELL_WITHOUT & {one, one.partition(":")[0]}
        ]
    return faults


def watched(browser: Browser, faults: list[str]) -> BrowserContext:
    """Return a browser context whose pages note what goes wrong in them."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, locale="zh-CN", timezone_id="Asia/Shanghai"
    )
    context.set_default_timeout(STEP_MS)
    context.add_init_script(WATCH_POLICY)

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and NETWORK_NOISE not in message.text:
            faults.append(message.text)

    context.on("console", note)
    context.on("weberror", lambda told: faults.append(str(told.error)))
    return context


def walk(browser: Browser, url: str, facts: dict[str, Any], names: list[str], folder: Path | None) -> list[str]:
    """Take the named walks, each in a browser context of its own; return what went wrong."""
    from old_engine_walks import WALKS

    def save(name: str, shot: bytes) -> None:
        if folder:
            (folder / f"{name}.png").write_bytes(shot)

    faults: list[str] = []
    for name in names or list(WALKS):
        before = len(faults)
        context = watched(browser, faults)
        page = context.new_page()
        try:
            WALKS[name](Seat(page, url, facts, save))
        except Exception as error:  # noqa: BLE001 - one walk that fails must not cost the others
            save(f"{name}-stopped", page.screenshot())
            faults.append(f"the walk stopped: {error}")
        faults[before:] = [f"{name}: {one}" for one in faults[before:]]
        context.close()
        print(f"{name}: {len(faults) - before} faults", flush=True)
    return faults


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("engine", type=Path, help="the browser's program")
    parser.add_argument("walks", nargs="*", help="which walks to take; all without a name")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of what was seen")
    parser.add_argument("--served", nargs=2, metavar=("URL", "FACTS"), help="a demonstration that is served already")
    return parser.parse_args()


def launched(playwright: Playwright, engine: Path) -> Browser:
    """Start the browser; a Firefox by its own protocol, every other as a Chromium."""
    if "firefox" in engine.name:
        return playwright.firefox.launch(channel="moz-firefox", executable_path=engine)
    return playwright.chromium.launch(executable_path=engine, args=ARGUMENTS)


def run(given: argparse.Namespace, url: str, facts: dict[str, Any]) -> list[str]:
    """Start the browser, check what it understands, take the walks."""
    with sync_playwright() as playwright:
        browser = launched(playwright, given.engine)
        print(f"{browser.browser_type.name} {browser.version}", flush=True)
        blank = browser.new_page()
        faults = not_understood(blank)
        print(f"scripts and style sheets: {len(faults)} faults", flush=True)
        blank.close()
        faults += walk(browser, url, facts, given.walks, given.pictures)
        browser.close()
    return faults


def main() -> None:
    """Walk the demonstration and tell what the browser could not do."""
    given = arguments()
    if given.pictures:
        given.pictures.mkdir(parents=True, exist_ok=True)
    os.environ["NODE_OPTIONS"] = f"--require {DRIVER}"
    if given.served:
        faults = run(given, given.served[0], json.loads(Path(given.served[1]).read_text(encoding="utf-8")))
    else:
        with demonstration() as (url, facts):
            faults = run(given, url, facts)
    sys.exit("\n".join(faults) if faults else 0)


if __name__ == "__main__":
    main()
