"""What a page says to its reader, and how a test waits for what only a script on the page can tell."""

from __future__ import annotations

import time

from lxml import html
from playwright.sync_api import Page


def words(page: str) -> str:
    """Return the text of a page without its markup, scripts and styles.

    Never look for a short number among tokens and addresses, where chance may put one.
    """
    tree = html.document_fromstring(page)
    for unread in tree.xpath("//script | //style | //template"):
        unread.drop_tree()
    return str(tree.text_content())


def comes_true(page: Page, expression: str, seconds: float = 30.0) -> None:
    """Wait until an expression holds on a page, however strict its policy.

    Playwright's own ``wait_for_function`` asks again by ``eval`` inside the page: where the policy forbids it, that
    fails whenever the first look comes too early.
    """
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"this did not come true on the page: {expression}"
        page.wait_for_timeout(50)


def script_runs(page: Page, name: str) -> None:
    """Wait until a script that the page brings in only where it is needed has taken over its part of the page.

    Such a script comes after the page is loaded; before, keys and buttons do what they do without any script. Who imports it
    second is told second that it is there.
    """
    comes_true(
        page,
        f"""async () => {{
          const came = performance.getEntriesByType('resource').find((one) => one.name.split('?')[0].endsWith('/{name}'));
          return Boolean(came && await import(came.name));
        }}""",
    )
