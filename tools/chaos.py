"""Run the fault matrix as often as it says: ``python -m tools.chaos [--engine sqlite] [--only F1,F2] [--minutes 36] [--share 0.1]``.

Prints a table of fault, invariant, tries and violations, writes it with a JSON beside it into the folder `build`, and ends with
status 1 when anything was broken. `--share` scales the tries, `--minutes` ends before the next scenario once the time is spent; the
table says what was not run.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.chaos.all_faults import FAULTS
from tests.chaos.matrix import POSTGRESQL, SQLITE, Bench, Evidence, Fault
from tests.chaos.sites import Cluster, new_database

BUILD = Path(__file__).resolve().parent.parent / "build"
SEED = 20260101
MAX_SHOWN = 20


@dataclass(slots=True)
class Row:
    """What is told of one scenario on one engine."""

    number: str
    engine: str
    fault: str
    invariant: str
    tries: int
    acknowledged: int = 0
    seconds: float = 0.0
    load: float = 0.0
    is_run: bool = True
    figures: dict[str, float] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for; return the exit status."""
    wishes = _read(arguments)
    end = time.monotonic() + 60 * wishes.minutes
    rows = []
    cluster = Cluster() if POSTGRESQL in wishes.engine else None
    try:
        for engine in wishes.engine:
            for one in _chosen(wishes.only, engine):
                rows.append(_run(one, engine, cluster, wishes.share, is_in_time=time.monotonic() < end))
                print(_line(rows[-1]), flush=True)
    finally:
        if cluster:
            cluster.close()
    _write(rows)
    return 1 if any(row.violations for row in rows) else 0


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--engine", action="append", choices=[SQLITE, POSTGRESQL])
    parser.add_argument("--only", default="", help="numbers of faults, with commas")
    parser.add_argument("--share", type=float, default=1.0, help="share of the named number of tries")
    parser.add_argument(
        "--minutes",
        type=float,
        default=36.0,
        help="begin no scenario after so many minutes, so that all ends within 40",
    )
    wishes = parser.parse_args(arguments)
    wishes.engine = wishes.engine or [SQLITE, POSTGRESQL]
    return wishes


def _chosen(only: str, engine: str) -> list[Fault]:
    numbers = set(filter(None, only.split(",")))
    return [one for one in FAULTS if engine in one.engines and (not numbers or one.number in numbers)]


def _run(one: Fault, engine: str, cluster: Cluster | None, share: float, *, is_in_time: bool) -> Row:
    tries = max(one.n_short, round(one.n_long * share))
    row = Row(one.number, engine, one.fault, one.invariant, tries, is_run=is_in_time)
    if not is_in_time:
        return row
    began = time.monotonic()
    evidence = _try(one, engine, cluster, tries)
    row.seconds, row.load = round(time.monotonic() - began, 1), round(os.getloadavg()[0], 1)
    row.acknowledged, row.figures, row.violations = evidence.n_acknowledged, evidence.figures, evidence.violations
    return row


def _try(one: Fault, engine: str, cluster: Cluster | None, tries: int) -> Evidence:
    """Run one scenario in a folder and a database of its own; a crash of the scenario is a violation too."""
    with tempfile.TemporaryDirectory(prefix="kaoku-chaos-") as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'site.sqlite3'}"
        if engine == POSTGRESQL and cluster:
            url = new_database(cluster.url, f"fault_{one.number.lower()}")
        try:
            return one.scenario(Bench(folder, url, SEED, is_long=True), tries)
        except Exception as exc:  # noqa: BLE001 - told in the table
            return Evidence(violations=[f"the scenario broke off: {type(exc).__name__}: {exc}"])


def _line(row: Row) -> str:
    state = "not run" if not row.is_run else f"{len(row.violations)} violations"
    return f"{row.number:5} {row.engine:10} {row.tries:5} tries {row.acknowledged:7} acknowledged {row.seconds:7} s  {state}  {row.fault}"


def _write(rows: list[Row]) -> None:
    """Write the table and the same as JSON; name the first violations."""
    BUILD.mkdir(exist_ok=True)
    (BUILD / "chaos.json").write_text(json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=1))
    head = (
        "| # | Engine | Fault | Invariant | Tries | Acknowledged | Violations | Seconds | Load | Figures |\n|"
        + " --- |" * 10
    )
    lines = [
        f"| {r.number} | {r.engine} | {r.fault} | {r.invariant} | {r.tries if r.is_run else 'not run'} | {r.acknowledged} | "
        f"{len(r.violations)} | {r.seconds} | {r.load} | {', '.join(f'{k} {v}' for k, v in r.figures.items())} |"
        for r in rows
    ]
    (BUILD / "chaos.md").write_text("\n".join([head, *lines]) + "\n")
    for row in rows:
        for what in row.violations[:MAX_SHOWN]:
            print(f"{row.number} {row.engine}: {what}", flush=True)
    print(f"table: {BUILD / 'chaos.md'}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
