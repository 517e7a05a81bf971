"""What keeps people out of a page as it stands: violations that axe finds, parts that stick out, targets, a focus that is hidden."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = next((Path(__file__).parent / "assets" / "axe-core").glob("*/axe.min.js"))
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
"""Level AA of WCAG 2.2 and axe's own advice; the size of targets (2.5.8) is asked for by these tags alone."""
LOOK = """async ([rules, part]) => {
  const frame = () => new Promise(requestAnimationFrame);
  for (let still = 0, at = -1, tries = 0; still < 3 && tries < 300; tries += 1) {
    await frame();
    still = scrollY === at ? still + 1 : 0;
    at = scrollY;
  }
  const options = rules.length ? {runOnly: rules, resultTypes: ['violations']} : {resultTypes: ['violations']};
  return (await axe.run(part || document, options)).violations;
}"""
"""While a page still scrolls smoothly to what has the focus, things pass under its head and look too small for axe."""
ZOOMED = {"width": 512, "height": 384}
"""A screen of 1024 by 768 at 200 % (1.4.4), as the page sees it."""
NARROW = {"width": 320, "height": 640}
"""The width at which nothing may need scrolling in two directions (1.4.10): 1280 pixels at 400 %."""
STICKS_OUT = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const wide = [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > root.clientWidth + 1);
  return ['the page is ' + root.scrollWidth + ' wide'].concat(wide.map((e) => e.outerHTML.slice(0, 90)).slice(0, 5));
}"""
HIDDEN_FOCUS = """async () => {
  const focused = document.activeElement;
  if (!focused || focused === document.body) return '';
  const target = focused.closest('label') || focused;
  const at = [0.02, 0.5, 0.98];
  const isSeen = () => [...target.getClientRects()].some((r) => at.some((x) => at.some((y) =>
    target.contains(document.elementFromPoint(r.left + r.width * x, r.top + r.height * y)))));
  const end = performance.now() + 3000;
  while (!isSeen() && performance.now() < end) await new Promise(requestAnimationFrame);
  return isSeen() ? '' : focused.outerHTML.slice(0, 120);
}"""
"""The browser scrolls to what has the focus some frames after it got it; a loaded machine draws few."""


def violations(page: Page, rules: Sequence[str] = (), part: str = "") -> list[dict[str, Any]]:
    """Return what violates the rules (or rules with these tags; default: all rules of axe) on the page, or a part of it, as it stands.

    The script comes by the browser's own channel, past the page's policy. Every rule is tried on every node; of rules without
    a violation nothing is handed over: finding names for all that is well costs three times as much.
    """
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate(LOOK, [list(rules), part])
    return found


def sticking_out(page: Page) -> list[str]:
    """Return what makes the page scroll sideways; parts that scroll by themselves, such as tables, may."""
    found: list[str] = page.evaluate(STICKS_OUT)
    return found


def sticking_out_at(page: Page, *sizes: dict[str, int]) -> list[str]:
    """Return what sticks out in windows of these sizes; the window is afterwards as before."""
    before = page.viewport_size
    found = []
    for size in sizes:
        page.set_viewport_size(size)
        found += [f"{size['width']}: {one}" for one in sticking_out(page)]
    if before:
        page.set_viewport_size(before)
    return found


def hidden_focus(page: Page) -> str:
    """Return the element that has the focus if nothing of it can be seen, because something lies over it (2.4.11)."""
    found: str = page.evaluate(HIDDEN_FOCUS)
    return found
