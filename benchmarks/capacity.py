"""How many candidates one machine carries, through nginx with TLS, by the number of web processes, nodes and databases.

    .venv/bin/python -m benchmarks.capacity [--only WORD …] [--steps 500 1000 2000 5000 10000] [--pause 30] [--seconds 6]

Every set-up is nginx (Debian's package) with the files of `docs/deploy/nginx` in front of one or two web nodes (the candidates' entry
point under the project's gunicorn configuration) over SQLite, PostgreSQL, or PostgreSQL with a synchronous replica; everything on this
machine, and so is the generator: one Python process with one kept TLS connection for each candidate, HTTP/1.1, a browser's headers.
Its share of the processors is told (`gen`), and how late it was itself at 99 in a hundred calls (`sent late`, ms); `rest` of the processors was idle or somebody else's. Who sits is in `capacity_room`: all start, work (a change about every `pause` seconds,
contact when there was none for eight) with half of the form answered, and all hand in. Signing in and fetching the sealed form, which
spread over the time before the start, are not in it; `benchmarks.answering` measures them.

The number grows step by step from the middle (or falls, when that is too many). Carried are so many candidates as have no call fail, be
refused or wait longer than the player does, and p99 of the saves at most 100 ms. Waits count from when a call was due.
"""

from __future__ import annotations

import argparse
import os
import signal
import ssl
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import Engine

from benchmarks import capacity_sitting as sittings
from benchmarks.capacity_places import (
    Usage,
    complaints,
    free_port,
    make_certificates,
    nginx,
    nodes,
    server_process,
    socket_folder,
    synchronous_replica,
)
from benchmarks.capacity_room import Doors, Phase, Room
from kernel.settings import Settings
from tests.exam_delivery.sitting_cases import SECRET, Person
from tools.check import private_postgresql

GOAL_MS = 100
STEPS = (500, 1000, 2000, 5000, 10000)
HEAD = (
    f"{'':<42}{'people':>7}{'started in':>12}{'calls/s':>9}{'save p50':>10}{'p99 ms':>8}{'contact p99':>13}{'web':>6}{'nginx':>7}{'db':>6}"
    f"{'gen':>6}{'rest':>6}{'sent late':>11}{'handed in in':>14}  carried"
)


@dataclass(frozen=True, slots=True)
class SetUp:
    """What stands behind nginx."""

    engine: str
    n_nodes: int
    n_workers: int
    has_replica: bool = False

    @property
    def name(self) -> str:
        """What the table calls it."""
        nodes = f"{self.n_nodes} node{'s'[: self.n_nodes > 1]} of {self.n_workers}"
        return f"{self.engine}{', replica' if self.has_replica else ''}; {nodes} process{'es' if self.n_workers > 1 else ''}"


def set_ups(n_cores: int) -> list[SetUp]:
    """Return what is measured on a machine with so many cores."""
    counts = [n for n in (1, 2, 4, 8, 16, 32) if n <= max(2, n_cores)]
    halves = max(1, n_cores // 2)
    return [
        *(SetUp(engine, 1, n) for engine in ("SQLite", "PostgreSQL") for n in counts),
        SetUp("PostgreSQL", 2, halves),
        SetUp("PostgreSQL", 2, halves, has_replica=True),
    ]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of so many candidates."""

    n_people: int
    n_connected: int
    started: Phase
    worked: Phase = field(default_factory=Phase)
    handed_in: Phase = field(default_factory=Phase)
    shares: Mapping[str, float] = field(default_factory=dict)

    @property
    def failures(self) -> list[str]:
        """What failed in any part of the exam."""
        outside = ["connection refused"] * (self.n_people - self.n_connected)
        return outside + [told for phase in (self.started, self.worked, self.handed_in) for told in phase.failures]

    @property
    def is_carried(self) -> bool:
        """Whether all went well."""
        return not self.failures and self.worked.waits.cuts("save")[2] <= GOAL_MS

    def row(self, name: str) -> str:
        """Return the line of the table."""
        told = sorted(set(self.failures))
        reasons = "; ".join(f"{what}: {self.failures.count(what)}" for what in told) or "p99 of the saves"
        if self.worked.late_ms > GOAL_MS / 2:
            reasons += "; the generator itself was late"
        verdict = "yes" if self.is_carried else f"no ({reasons})"
        work = self._work() if self.worked.seconds else ""
        return f"{name:<42}{self.n_people:>7,}{self.started.seconds:>10.1f} s{work:<96}  {verdict}"

    def _work(self) -> str:
        p50, _, p99 = self.worked.waits.cuts("save")
        contact, rate = self.worked.waits.cuts("read")[2], self.worked.n_calls / self.worked.seconds
        web, proxy, database, generator = (self.shares[part] for part in ("web", "nginx", "database", "generator"))
        rest = max(0.0, 1 - sum(self.shares.values()))
        return (
            f"{rate:>9,.0f}{p50:>10.1f}{p99:>8.1f}{contact:>13.1f}{web:>6.0%}{proxy:>7.0%}{database:>6.0%}"
            f"{generator:>6.0%}{rest:>6.0%}{self.worked.late_ms:>11.1f}{self.handed_in.seconds:>12.1f} s"
        )


def climb(measure: Callable[[int], Result], steps: Sequence[int]) -> Iterator[Result]:
    """Measure from the middle upwards until it is too much, or downwards until it is not."""
    middle = len(steps) // 2
    result = measure(steps[middle])
    yield result
    way = steps[middle + 1 :] if result.is_carried else reversed(steps[:middle])
    goes_up = result.is_carried
    for n in way:
        result = measure(n)
        yield result
        if result.is_carried != goes_up:
            return


@dataclass(frozen=True, slots=True)
class Ground:
    """What all set-ups share."""

    folder: Path
    trust: ssl.SSLContext
    people: Sequence[Person]
    seconds: int
    pause: float


@dataclass(frozen=True, slots=True)
class Hall:
    """A running set-up."""

    ground: Ground
    engine: Engine
    doors: Doors
    usage: Usage

    def sit(self, n_people: int) -> Result:
        """Have so many candidates sit, from the start to the hand-in; where not all can start, that is all."""
        sittings.begin_anew(self.engine)
        room = Room(self.doors, self.ground.people[:n_people], sittings.N_SLOTS)
        result = Result(n_people, room.n_connected, room.start())
        if not result.failures:
            sittings.answer_half(self.engine)
            self.usage.shares()
            worked = room.work(self.ground.seconds, self.ground.pause)
            shares = self.usage.shares()
            result = replace(result, worked=worked, shares=shares, handed_in=room.hand_in())
        if result.failures:
            self.doors.close()  # there may be answers to come that nobody waits for any more
        return result


@contextmanager
def running(chosen: SetUp, engine: Engine, ground: Ground) -> Iterator[Hall]:
    """Put a set-up up until it is no longer needed."""
    url = engine.url.render_as_string(hide_password=False)
    settings = Settings(
        instance_dir=ground.folder,
        database_url=url,
        secret_key=SECRET,
        trusted_proxies=1,
        secure_cookies=True,
        log_level="ERROR",
    )
    with ExitStack() as stack:
        clusters = [] if chosen.engine == "SQLite" else [socket_folder(url)]
        if chosen.has_replica:
            clusters.append(stack.enter_context(synchronous_replica(url)))
        behind = stack.enter_context(nodes(settings, chosen.n_nodes, chosen.n_workers))
        port = free_port()
        proxy = stack.enter_context(nginx(ground.folder, port, list(behind)))
        parts = {"web": list(behind.values()), "nginx": [proxy], "database": [server_process(one) for one in clusters]}
        doors = Doors(port, ground.trust)
        stack.callback(doors.close)
        yield Hall(ground, engine, doors, Usage(parts))


def measure(chosen: SetUp, engine: Engine, ground: Ground, steps: Sequence[int]) -> None:
    """Measure a set-up, and print a line for each number of candidates and what nginx wrote into its log of errors."""
    with running(chosen, engine, ground) as hall:
        for result in climb(hall.sit, steps):
            print(result.row(chosen.name), flush=True)
        for line in complaints(ground.folder)[:3]:
            print(f"    nginx: {line}")


def main() -> None:
    """Read the wishes and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", nargs="*", default=[], metavar="WORD", help="set-ups whose names contain all of these"
    )
    parser.add_argument("--steps", nargs="+", type=int, default=list(STEPS))
    parser.add_argument("--pause", type=float, default=30, help="seconds from one change of a candidate to the next")
    parser.add_argument("--seconds", type=int, default=6, help="how long the work is measured")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # and take down what was put up
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name, private_postgresql(is_durable=True) as url:
        folder = Path(name)
        trust = make_certificates(folder)
        sqlite, people = sittings.prepare(f"sqlite:///{folder}/capacity.sqlite3", max(options.steps))
        ground = Ground(folder, trust, people, options.seconds, options.pause)
        engines = {"SQLite": sqlite, "PostgreSQL": sittings.copy(sqlite, url)}
        print(
            f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; prepared in {time.perf_counter() - began:.0f} s\n{HEAD}",
            flush=True,
        )
        for chosen in set_ups(os.cpu_count() or 1):
            if all(word in chosen.name for word in options.only):
                measure(chosen, engines[chosen.engine], ground, options.steps)
        for engine in engines.values():
            engine.dispose()
    print(f"{time.perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    main()
