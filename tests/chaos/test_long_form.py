"""The long form tells what broke off with its seed, goes on with the others, and deals what time there is to all faults."""

from __future__ import annotations

import json
import os
import signal
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chaos.matrix import SQLITE, Bench, Evidence, Fault, Scenario
from tools import chaos


def sound(_bench: Bench, tries: int) -> Evidence:
    return Evidence(n_acknowledged=10 * tries, figures={"unanswered": tries, "p99_ms": 20 + tries})


def lying(bench: Bench, _tries: int) -> Evidence:
    return Evidence(violations=[f"an answer is lost with {bench.seed}"])


def breaking(_bench: Bench, _tries: int) -> Evidence:
    raise AssertionError("waited in vain for the server")


def dying(_bench: Bench, _tries: int) -> Evidence:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def impossible(_bench: Bench, _tries: int) -> Evidence:
    return Evidence(impossible="strace is not installed")


SCENARIOS = [breaking, dying, lying, sound]


def row_of(scenario: Scenario) -> Fault:
    return Fault(scenario.__name__, "a fault", "it holds", 1, 40, scenario, [SQLITE])


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    @contextmanager
    def no_tables(_engine: str, folder: Path) -> Iterator[str]:
        (folder / "pattern.sqlite3").touch()
        yield f"sqlite:///{folder / 'pattern.sqlite3'}"

    monkeypatch.setattr(chaos, "BUILD", tmp_path)
    monkeypatch.setattr(chaos, "databases", no_tables)
    monkeypatch.setattr(chaos, "FAULTS", [row_of(one) for one in SCENARIOS])
    return tmp_path


def test_one_scenario_that_breaks_off_or_dies_is_told_with_its_seed_and_stops_no_other(
    build: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert chaos.main(["--engine", SQLITE, "--seed", "7"]) == 1
    told = capsys.readouterr().out
    assert "breaking sqlite broke off: seed 7, 4 tries: AssertionError: waited in vain for the server" in told
    assert "breaking sqlite broke off: seed 507," in told
    assert "dying sqlite broke off: seed 7, 4 tries: its process died" in told
    assert "an answer is lost with 7" in told
    assert "an answer is lost with 1007" in told
    rows = {row["number"]: row for row in json.loads((build / "chaos.json").read_text())}
    assert [rows[one.__name__]["tries"] for one in SCENARIOS] == [0, 0, 40, 40]
    assert (rows["sound"]["acknowledged"], rows["sound"]["seeds"]) == (400, [7, 1007])
    assert rows["sound"]["figures"] == {"unanswered": 40, "p99_ms": 56}
    assert "80 of 160 tries, 400 acknowledged answers, 2 violations, 4 scenarios broke off" in told


def test_all_faults_hold_means_status_zero(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chaos, "FAULTS", [row_of(sound)])
    assert chaos.main(["--engine", SQLITE]) == 0
    assert "| sound | sqlite | a fault | it holds | 40 | 40 | 400 | 0 | 0 |" in (build / "chaos.md").read_text()


def test_what_cannot_be_tried_on_this_machine_is_said_and_is_no_success(
    build: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(chaos, "FAULTS", [row_of(one) for one in (impossible, sound)])
    assert chaos.main(["--engine", SQLITE]) == 1
    assert "impossible sqlite was not run: strace is not installed" in capsys.readouterr().out
    assert "| impossible | sqlite | a fault | it holds | not run |" in (build / "chaos.md").read_text()


def test_too_little_time_takes_the_same_share_from_every_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chaos, "FAULTS", [row_of(one) for one in (sound, lying)])
    monkeypatch.setattr(chaos.time, "monotonic", lambda: 1000.0)
    lane = chaos.Lane(SQLITE, Namespace(seed=1, only="", share=1.0), end=1000.0 + 56)
    for number, seconds in (
        ("sound", 6.0),
        ("lying", 14.0),
    ):  # 4 and 12 s without what prepares them: 36 and 108 s more
        lane.rows[number].add(Evidence(), 4, 1, seconds)
    assert lane._affordable(0) == pytest.approx(56 / (2 + 36 + 2 + 108))
    assert lane._affordable(1) == pytest.approx(56 / (2 + 108))
    lane.end = 5000.0
    assert lane._affordable(0) == 1.0
