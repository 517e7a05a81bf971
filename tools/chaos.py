"""Run the fault matrix as often as it says: ``python -m tools.chaos [--engine sqlite] [--only F1,F2] [--minutes 36] [--share 0.1]``.

SQLite and PostgreSQL go side by side, and every scenario runs in a process of its own: one that breaks off or hangs is told with its
seed and stops no other. Each fault is first tried a few times, then as often as the table says; where the minutes are too few for that,
all faults lose the same share of their tries, and the table says how many were made. Prints a table of fault, invariant, tries and
violations, writes it with a JSON beside it into the folder `build`, and ends with status 1 when anything was broken or did not run.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType

from tests.chaos.all_faults import FAULTS
from tests.chaos.matrix import POSTGRESQL, SQLITE, Bench, Evidence, Fault
from tests.chaos.sites import Cluster, drop_database, new_database
from tests.databases import build_schema

BUILD = Path(__file__).resolve().parent.parent / "build"
SEED = 20260101
MAX_SHOWN = 20
FIRST_SHARE = 0.1
"""So much of the named tries is made of every fault before any fault gets the rest."""
PREPARING = 2.0
"""Seconds that a scenario takes before its first try, about."""
LONGEST = 900.0
PATIENCE = 180.0
"""How long a scenario that ran into its limit may take to end what it started."""
FORK = multiprocessing.get_context("fork")


@dataclass(slots=True)
class Row:
    """What is told of one fault on one engine."""

    number: str
    engine: str
    fault: str
    invariant: str
    planned: int
    tries: int = 0
    acknowledged: int = 0
    seconds: float = 0.0
    load: float = 0.0
    is_run: bool = False
    impossible: str = ""
    """Why nothing could be tried on this machine; the run is no success then."""
    figures: dict[str, float] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """Why a part of the tries came to no end: a scenario's own trouble, not the product's, until it is looked into."""
    seeds: list[int] = field(default_factory=list)

    def add(self, evidence: Evidence, tries: int, seed: int, seconds: float) -> None:
        """Add what a part of the tries showed."""
        total = Evidence(figures=self.figures)
        total.note(**evidence.figures)
        self.tries, self.acknowledged = self.tries + tries, self.acknowledged + evidence.n_acknowledged
        self.violations += evidence.violations
        self.seeds.append(seed)
        self.seconds, self.load = round(self.seconds + seconds, 1), max(self.load, round(os.getloadavg()[0], 1))
        self.is_run = True


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for; return the exit status."""
    wishes = _read(arguments)
    began = time.monotonic()
    lanes = [Lane(engine, wishes, began + 60 * wishes.minutes) for engine in wishes.engine]
    rows: dict[tuple[str, str], Row] = {}
    for row in _listen([lane.begin() for lane in lanes]):
        rows[row.number, row.engine] = row
        print(_line(row), flush=True)
    missing = [row for lane in lanes for row in lane.rows.values() if (row.number, row.engine) not in rows]
    _write([*rows.values(), *missing], time.monotonic() - began)
    is_whole = all(lane.has_ended_well() for lane in lanes)
    return 0 if is_whole and all(_is_good(row) for row in [*rows.values(), *missing]) else 1


def _is_good(row: Row) -> bool:
    return row.is_run and not row.violations and not row.failures


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--engine", action="append", choices=[SQLITE, POSTGRESQL])
    parser.add_argument("--only", default="", help="numbers of faults, with commas")
    parser.add_argument("--share", type=float, default=1.0, help="share of the named number of tries")
    parser.add_argument("--minutes", type=float, default=36.0, help="plan for so many minutes; all ends within 40 then")
    parser.add_argument("--seed", type=int, default=SEED, help="another beginning of the seeds")
    wishes = parser.parse_args(arguments)
    wishes.engine = wishes.engine or [SQLITE, POSTGRESQL]
    return wishes


def _listen(ends: list[Connection]) -> Iterator[Row]:
    """Yield what the lanes tell, as it comes, until all have ended."""
    while ends:
        ready = wait(ends)
        for end in [one for one in ends if one in ready]:
            try:
                yield end.recv()
            except EOFError:
                ends.remove(end)


class Lane:
    """All faults of one engine, one after the other, in a process of its own."""

    def __init__(self, engine: str, wishes: argparse.Namespace, end: float) -> None:
        self.engine, self.end, self.seed = engine, end, wishes.seed
        numbers = set(filter(None, wishes.only.split(",")))
        self.faults = [f for f in FAULTS if engine in f.engines and (not numbers or f.number in numbers)]
        self.rows = {
            f.number: Row(f.number, engine, f.fault, f.invariant, max(f.n_short, round(f.n_long * wishes.share)))
            for f in self.faults
        }

    def begin(self) -> Connection:
        """Start; return where the rows come out."""
        hear, tell = FORK.Pipe(duplex=False)
        self.process = FORK.Process(target=self._run, args=(tell,))
        self.process.start()
        tell.close()
        return hear

    def has_ended_well(self) -> bool:
        """Wait for the end; say whether it came by itself."""
        self.process.join()
        if self.process.exitcode:
            print(f"{self.engine} broke off with status {self.process.exitcode}", flush=True)
        return not self.process.exitcode

    def _run(self, tell: Connection) -> None:
        with tempfile.TemporaryDirectory(prefix="kaoku-chaos-") as name, databases(self.engine, Path(name)) as pattern:
            self.folder = name
            for one in self.faults:
                self._try(one, self._first_part(one), self.seed, pattern)
                tell.send(self.rows[one.number])
            for position, one in enumerate(self.faults):
                row = self.rows[one.number]
                if row.failures:  # once more, perhaps it was a fluke; that it broke off stays in the table
                    self._try(one, self._first_part(one), self.seed + 500, pattern)
                rest = math.floor(self._affordable(position) * (row.planned - row.tries)) if row.tries else 0
                if rest >= 1:
                    self._try(one, rest, self.seed + 1000, pattern)
                if row.failures or rest >= 1:
                    tell.send(row)

    def _first_part(self, one: Fault) -> int:
        planned = self.rows[one.number].planned
        return planned if one.is_of_one_piece else max(one.n_short, math.ceil(FIRST_SHARE * planned))

    def _affordable(self, position: int) -> float:
        """Return the share of the tries that are left, of this fault and all after it, for which the time is enough."""
        needed = sum(self._expected(one) for one in self.faults[position:])
        return min(1.0, (self.end - time.monotonic()) / needed) if needed else 1.0

    def _expected(self, one: Fault) -> float:
        row = self.rows[one.number]
        if not row.tries or row.planned <= row.tries:
            return 0.0
        return PREPARING + (row.planned - row.tries) * max(row.seconds - PREPARING, 0.3 * row.seconds) / row.tries

    def _try(self, one: Fault, tries: int, seed: int, pattern: str) -> None:
        """Make some tries of a fault in a process of its own, and add what it showed to its row."""
        row = self.rows[one.number]
        if time.monotonic() > self.end:
            return
        hear, tell = FORK.Pipe(duplex=False)
        began = time.monotonic()
        limit = min(LONGEST, self.end + PATIENCE - began)
        bench = partial(Bench, seed=seed, is_long=True)
        process = FORK.Process(
            target=_run_scenario, args=(partial(_try_on, one, bench, tries), self.folder, pattern, limit, tell)
        )
        process.start()
        tell.close()
        outcome: Evidence | str = "it hung and was ended"
        if hear.poll(limit + PATIENCE):
            try:
                outcome = hear.recv()
            except EOFError:
                outcome = "its process died"
        else:
            process.kill()
        process.join()
        if isinstance(outcome, Evidence) and outcome.impossible:
            row.impossible = outcome.impossible
        elif isinstance(outcome, Evidence):
            row.add(outcome, tries, seed, time.monotonic() - began)
        else:
            row.is_run = True
            row.failures.append(f"seed {seed}, {tries} tries: {outcome}")


@contextmanager
def databases(engine: str, folder: Path) -> Iterator[str]:
    """Prepare what is copied for every scenario: a file or a database with all tables and no row; yield its address."""
    if engine == SQLITE:
        url = f"sqlite:///{folder / 'pattern.sqlite3'}"
        build_schema(url)
        yield url
        return
    cluster = Cluster()
    try:
        url = new_database(cluster.url, "pattern")
        build_schema(url)
        yield url
    finally:
        cluster.close()


def _try_on(one: Fault, bench: Callable[[Path, str], Bench], tries: int, folder: Path, url: str) -> Evidence:
    return one.scenario(bench(folder, url), tries)


def _run_scenario(
    scenario: Callable[[Path, str], Evidence], place: str, pattern: str, limit: float, tell: Connection
) -> None:
    """Run one scenario in a folder and a database of its own; tell what it found, or why it came to no end."""
    signal.signal(signal.SIGALRM, _too_long)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        with tempfile.TemporaryDirectory(dir=place) as name, _copy(pattern, Path(name)) as url:
            outcome: Evidence | str = scenario(Path(name), url)
    except Exception as exc:  # noqa: BLE001 - told in the table
        outcome = f"{type(exc).__name__}: {exc}"
    tell.send(outcome)


def _too_long(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError("the scenario took too long")


@contextmanager
def _copy(pattern: str, folder: Path) -> Iterator[str]:
    if pattern.startswith(SQLITE):
        path = folder / "site.sqlite3"
        shutil.copyfile(pattern.removeprefix("sqlite:///"), path)
        yield f"sqlite:///{path}"
        return
    url = new_database(pattern.replace("/pattern?", "/postgres?"), f"scenario_{os.getpid()}", "pattern")
    try:
        yield url
    finally:
        drop_database(url)


def _line(row: Row) -> str:
    trouble = f", {len(row.failures)} BROKE OFF" if row.failures else ""
    trouble += f", NOT TRIED: {row.impossible}" if row.impossible else ""
    return (
        f"{row.number:5} {row.engine:10} {row.tries:5} of {row.planned:5} tries {row.acknowledged:8} acknowledged {row.seconds:7} s  "
        f"{len(row.violations)} violations{trouble}  {row.fault}"
    )


def _write(rows: list[Row], seconds: float) -> None:
    """Write the table and the same as JSON; name the first violations and every scenario that broke off."""
    order = {fault.number: position for position, fault in enumerate(FAULTS)}
    rows.sort(key=lambda row: (order[row.number], row.engine != SQLITE))
    BUILD.mkdir(exist_ok=True)
    (BUILD / "chaos.json").write_text(json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=1))
    names = (
        "# | Engine | Fault | Invariant | Tries | Of | Acknowledged | Violations | Broke off | Seconds | Load | Figures"
    )
    lines = [f"| {names} |", "|" + " --- |" * (1 + names.count(" | "))]
    lines += [
        f"| {r.number} | {r.engine} | {r.fault} | {r.invariant} | {r.tries if r.is_run else 'not run'} | {r.planned} | {r.acknowledged} | "
        f"{len(r.violations)} | {len(r.failures)} | {r.seconds} | {r.load} | {', '.join(f'{k} {v}' for k, v in r.figures.items())} |"
        for r in rows
    ]
    lines.append("\n" + _total(rows, seconds))
    (BUILD / "chaos.md").write_text("\n".join(lines) + "\n")
    for row in rows:
        for what in row.violations[:MAX_SHOWN]:
            print(f"{row.number} {row.engine} (seeds {row.seeds}): {what}", flush=True)
        for what in row.failures:
            print(f"{row.number} {row.engine} broke off: {what}", flush=True)
        if not row.is_run:
            print(f"{row.number} {row.engine} was not run{row.impossible and ': ' + row.impossible}", flush=True)
    print(f"{lines[-1].strip()}\ntable: {BUILD / 'chaos.md'}", flush=True)


def _total(rows: list[Row], seconds: float) -> str:
    tries, planned = sum(row.tries for row in rows), sum(row.planned for row in rows)
    return (
        f"{tries:,} of {planned:,} tries, {sum(row.acknowledged for row in rows):,} acknowledged answers, "
        f"{sum(len(row.violations) for row in rows)} violations, {sum(len(row.failures) for row in rows)} scenarios broke off, "
        f"{seconds / 60:.1f} minutes"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
