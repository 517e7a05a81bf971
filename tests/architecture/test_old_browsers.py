"""Scripts and style sheets use nothing that came after Chromium 86, or that WebKit and Firefox do not know.

`tools/old_engine.py` shows the same in Chromium 86 and Firefox themselves, `tools/webkit_walk.py` in WebKit.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, short

OURS = ("exam_delivery/player", "exam_delivery/practice", "web/static")
NOT_CODE = re.compile(r'"(?:[^"\\\n]|\\.)*"|/\*.*?\*/|(?<!:)//[^\n]*', re.DOTALL)
LATER_SELECTORS = {
    r":has\(": 105,
    r":is\(|:where\(": 88,
    r":not\([^()]*,": 88,
    r":user-(in)?valid": 119,
    r":popover-open|:modal": 105,
}
LATER_IN_SCRIPTS = {
    r"\.replaceAll\(|\bPromise\.any\b|\?\?=|\|\|=|&&=": 85, r"\bIntl\.Segmenter\b": 87, r"^await |^(const|let) .*= await |^for await": 89,
    r"#\w+\s*[=(;]|#\w+ in ": 91, r"\.at\(|\brandomUUID\b": 92, r"\bObject\.hasOwn\b|\bcause:": 93, r"\bstatic \{|\bscheduler\.": 94,
    r"\.findLast(Index)?\(": 97, r"\bstructuredClone\b": 98, r"\.showPicker\(|\badoptedStyleSheets\b": 99, r"\.inert\b": 102,
    r"\bAbortSignal\.(timeout|any)\b": 103, r"\.checkVisibility\(": 105, r"\.to(Sorted|Reversed|Spliced)\(": 110,
    r"\bstartViewTransition\b|\.isWellFormed\(": 111, r"\b(show|toggle|hide)Popover\b": 114, r"\bgroupBy\(": 117,
    r"\bPromise\.withResolvers\b": 119, r"\bURL\.canParse\b": 120, r"\bArray\.fromAsync\b": 121,
    r"\.(union|intersection|difference|isSubsetOf)\(|\bIterator\.": 122, r"\bwith \{ type:": 123, r"\.setHTMLUnsafe\(": 124,
    r"\bPromise\.try\b": 128, r"\.requestClose\(": 134,
}  # fmt: skip
"""What a script may not say, and the version of Chromium that brought it; what came just before 86 is as easily left out."""
LATER_IN_STYLES = {
    r"\binset(-\w+)*:|text-underline-offset|\b(margin|padding|border)-(inline|block):": 87, r"aspect-ratio:": 88,
    r"text-decoration-thickness|::file-selector-button": 89, r"overflow(-[xy])?: clip": 90, r"scrollbar-gutter": 94, r"@layer": 99, r"\bhwb\(": 101,
    r"(^|[;{])\s*(translate|rotate|scale):|@media[^{]*[<>]": 104, r"@container": 105, r"\d[dsl]v(w|h|min|max|b|i)\b": 108, r"\d(r?lh)\b": 109,
    r"\bcolor-mix\(|\bok?l(ab|ch)\(|:nth-(last-)?child\([^)]* of ": 111, r"^\s+&": 112, r"text-wrap:": 114, r"\bsubgrid\b|@starting-style|transition-behavior:": 117, r"@scope\b": 118,
    r"(^|[;{])\s*mask(-\w+)*:": 120, r"\blight-dark\(": 123, r"\b(round|mod|rem)\(": 125,
}  # fmt: skip
"""The same for style sheets; what may be missing without harm (the tint of a tick box, a height that fits) is not listed."""

ELSEWHERE_IN_SCRIPTS = {
    r"\(\?<[=!]": "WebKit 16.4", r"\brequestIdleCallback\b": "not in WebKit", r"\.scrollIntoViewIfNeeded\(": "not in Firefox",
    r"\bnavigator\.(userAgentData|connection|deviceMemory|keyboard)\b": "Chromium alone",
    r"\bshow(OpenFile|SaveFile|Directory)Picker\b|\bwebkitRequestFileSystem\b": "Chromium alone",
    r"\bperformance\.memory\b|\bwindow\.chrome\b": "Chromium alone",
}  # fmt: skip
"""What Chromium 86 may understand but the WebKit of Safe Exam Browser on macOS and iPad (15.4) or Firefox 98 does not, and why."""


def ours(suffix: str) -> list[Path]:
    """Return our own files with this ending; what comes from others stands in a folder of its own."""
    found = (path for folder in OURS for path in sorted((ROOT / folder).rglob(f"*{suffix}")))
    return [path for path in found if "vendor" not in path.parts]


def later(text: str, known: dict[str, int]) -> dict[str, int]:
    """Return what a text says that Chromium 86 does not understand."""
    return {found[0]: since for pattern, since in known.items() if (found := re.search(pattern, text, re.MULTILINE))}


@pytest.mark.parametrize("path", ours(".js"), ids=short)
def test_a_script_says_nothing_that_chromium_86_does_not_understand(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert later(NOT_CODE.sub('""', text), LATER_IN_SCRIPTS) == {}
    assert later(text, LATER_SELECTORS) == {}, "a selector inside a text counts as well"


@pytest.mark.parametrize("path", ours(".js"), ids=short)
def test_a_script_says_nothing_that_chromium_alone_understands(path: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert {found: why for found, why in ELSEWHERE_IN_SCRIPTS.items() if re.search(found, text)} == {}


@pytest.mark.parametrize("path", ours(".css"), ids=short)
def test_a_style_sheet_says_nothing_that_chromium_86_does_not_understand(path: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert later(text, LATER_IN_STYLES | LATER_SELECTORS) == {}
