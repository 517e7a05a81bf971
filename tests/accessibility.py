"""What axe finds on a page: the violations alone, for finding names for all that is well costs three times as much."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = next((Path(__file__).parent / "assets" / "axe-core").glob("*/axe.min.js"))
LOOK = """async (rules) => {
  const options = rules.length ? {runOnly: rules, resultTypes: ['violations']} : {resultTypes: ['violations']};
  return (await axe.run(document, options)).violations;
}"""


def violations(page: Page, rules: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return what violates the rules (or rules with these tags; default: all rules of axe) on the page as it stands.

    The script comes by the browser's own channel, past the page's policy. Every rule is tried on every node; of rules without
    a violation nothing is handed over.
    """
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate(LOOK, list(rules))
    return found
