"""Real failures of published systems, R01 to R30: each is named in the documentation with its tests; one is held here."""

from __future__ import annotations

import re

from tests.architecture.sources import ROOT

ROW = re.compile(r"^\| (R\d\d) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
LASTING_LINES = ("WebSocket", "EventSource", "sendBeacon", "RTCPeerConnection")


def failures():
    """Return what the documentation says of each failure: its number, what happened, what shows that it cannot."""
    text = (ROOT / "docs/faults.md").read_text(encoding="utf-8")
    return [
        (number, happened.strip(), re.findall(r"`(test_\w+)`", shown)) for number, happened, shown in ROW.findall(text)
    ]


def test_each_of_the_thirty_failures_stands_once_in_the_documentation_with_words():
    assert [number for number, happened, _named in failures() if happened] == [f"R{n:02}" for n in range(1, 31)]


def test_each_failure_names_tests():
    """That they exist is held with those of the faults, in tests/chaos/test_evidence_table.py."""
    assert [number for number, _happened, named in failures() if not named] == []


def test_the_exam_page_keeps_no_line_open_on_which_saving_could_depend():
    scripts = [*(ROOT / "exam_delivery/player").rglob("*.js")]
    assert len(scripts) > 20
    found = [
        (file.name, word) for file in scripts for word in LASTING_LINES if word in file.read_text(encoding="utf-8")
    ]
    assert found == []
