"""The table of evidence names tests and faults that exist."""

from __future__ import annotations

import re
from pathlib import Path

from tests.chaos.all_faults import FAULTS

ROOT = Path(__file__).resolve().parents[2]
TABLE = (ROOT / "docs/faults.md").read_text(encoding="utf-8")


def test_every_test_that_the_table_names_exists() -> None:
    there = set()
    for file in (ROOT / "tests").rglob("test_*.py"):
        there |= set(re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"`(test_\w+)`", TABLE))
    assert len(named) > 40
    assert named - there == set()


def test_every_fault_that_is_tried_stands_in_the_table_with_its_tries() -> None:
    for fault in FAULTS:
        assert re.search(rf"^\| {fault.number} \|.*\| {fault.n_short} / {fault.n_long:,} \|", TABLE, re.MULTILINE), (
            fault
        )


def test_every_row_from_f1_to_f22_and_every_failure_of_others_is_in_the_table() -> None:
    rows = set(re.findall(r"^\| (F\d+|R\d\d)b? \|", TABLE, re.MULTILINE))
    assert {f"F{n}" for n in range(1, 23)} <= rows
    assert {f"R{n:02}" for n in range(1, 31)} <= rows
