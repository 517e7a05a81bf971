"""Durable saves, starts and hand-ins through gunicorn on loopback, against a no-op and the database's own limit in the same run.

    .venv/bin/python -m benchmarks.answering [--postgresql] [--candidates 5000] [--connections 32] [--seconds 6] [--workers 2]

A sitting is prepared in an empty database (SQLite in a temporary folder, or a private PostgreSQL cluster), the candidates' side is
served by the project's own gunicorn configuration, measured and stopped. The generator (wrk, Debian's package, one thread; a small
Python loop where calls are due at fixed times) shares the machine. `processor` is the time of the server's process tree a call, so
that a generator beside it costs rate and not milliseconds; a database server's own time is not in it. The no-op is one Flask view
that answers `{"ok": true}`, served by the same processes. Starts and hand-ins are each candidate's first.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask
from sqlalchemy import Engine, text

from benchmarks.answering_load import Figure, Target, postgresql_limit, sqlite_limit
from exam_delivery.answering import entry, tokens
from exam_delivery.answering.entry import CandidateSite, WsgiApp
from kernel import crypto
from kernel.clock import now
from kernel.settings import Settings
from tests.exam_delivery.sitting_cases import SECRET, Sitting, make_database
from tools.check import private_postgresql
from web.serve import COMMANDS, child_environment

N_SLOTS = 100
PORT = 8939
STORM_SECONDS = 2


class BenchmarkSite(CandidateSite):
    """The candidates' side, and a Flask view beside it."""

    def __init__(self, candidates: CandidateSite, flask: WsgiApp) -> None:
        super().__init__(candidates.make_answering)
        self.flask = flask

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ["PATH_INFO"] == "/no-op":
            return self.flask(environ, start_response)
        return super().__call__(environ, start_response)


def site() -> BenchmarkSite:
    """Build what gunicorn serves here."""
    flask = Flask("no-op")
    flask.add_url_rule("/no-op", "no-op", lambda: {"ok": True})
    return BenchmarkSite(entry.create(), flask)


@contextmanager
def serving(settings: Settings) -> Iterator[int]:
    """Serve under the project's own gunicorn configuration until it is no longer needed."""
    command = [*COMMANDS["web"], "benchmarks.answering:site()"]
    process = subprocess.Popen(command, env=child_environment(settings))
    try:
        _wait_until_it_answers()
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _wait_until_it_answers() -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/no-op", timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the server did not come up")


def give_tokens(engine: Engine, sitting: Sitting) -> None:
    """Make every candidate the holder of the attempt, as signing in does."""
    key = crypto.derive_key(SECRET, "attempt-token")
    with engine.begin() as connection:
        connection.execute(text("UPDATE attempts SET holder_generation = 1"))
    for person in sitting.people:
        person.token = tokens.issue(key, person.attempt_id, 1)


def start_the_others(target: Target, sitting: Sitting, storm: Figure) -> None:
    """Start whoever the storm did not reach, however slow the machine is: reads and saves are of candidates who write."""
    left = sitting.people[-1:] + sitting.people[int(storm.rate * STORM_SECONDS * 0.9) :]
    seconds = 1 + round(1.5 * len(left) / storm.rate)
    for _ in range(2):
        target.closed("start", script=target.calls(left, "start", in_turn=True), seconds=seconds)


def measure(target: Target, sitting: Sitting) -> list[Figure]:
    """Run all phases; each begins where the one before left the sitting."""
    people, base = sitting.people, target
    no_op = base.closed("no-op (Flask)", "/no-op")
    starts = base.closed("start", script=base.calls(people, "start", in_turn=True), seconds=STORM_SECONDS)
    start_the_others(base, sitting, starts)
    return [
        no_op,
        starts,
        base.closed("read form (100 items)", script=base.calls(people, "form", method="GET")),
        base.closed("save 1 answer", script=base.saves(people, 1), n_answers=1),
        base.closed("save 10 answers", script=base.saves(people, 10), n_answers=10),
        *(base.open_loop(people, rate) for rate in (200, 1000, 2000)),
        base.closed("no-op (Flask), again", "/no-op"),
        base.closed("hand in", script=base.calls(people, "submit", in_turn=True), seconds=STORM_SECONDS),
    ]


def report(figures: list[Figure], limit: tuple[str, float], n_people: int) -> str:
    """Return the table, and what the goals ask for."""
    by_name = {figure.name: figure for figure in figures}
    save, ten, start, hand_in = (by_name[n] for n in ("save 1 answer", "save 10 answers", "start", "hand in"))
    no_op = (by_name["no-op (Flask)"].processor + by_name["no-op (Flask), again"].processor) / 2
    form, name, most = by_name["read form (100 items)"], *limit
    lines = [
        f"{'':<34}{'calls/s':>9}{'answers/s':>11}{'p50 ms':>8}{'p95':>8}{'p99':>8}{'cpu ms':>9}{'failed':>8}",
        *(figure.row() for figure in figures),
        f"processor time of a save : no-op = {save.processor / no_op:.2f}",
        f"{name}: {most:,.0f} rows/s; single saves {save.rate / most:.0%} of it, answers in calls of ten {ten.answers / most:.0%}",
        f"{n_people:,} candidates start and read their forms in {n_people / start.rate + n_people / form.rate:.1f} s",
        f"{n_people:,} candidates hand in in {n_people / hand_in.rate:.1f} s",
    ]
    return "\n".join(lines)


def run(url: str, folder: Path, options: argparse.Namespace) -> None:
    """Prepare, serve, measure and print for one database."""
    engine, sitting = make_database(url, n=options.candidates, n_slots=N_SLOTS, starts_at=now())
    give_tokens(engine, sitting)
    engine.dispose()
    settings = Settings(
        instance_dir=folder, database_url=url, secret_key=SECRET, bind=f"127.0.0.1:{PORT}", workers=options.workers,
        log_level="ERROR",
    )  # fmt: skip
    with serving(settings) as pid:
        target = Target(f"http://127.0.0.1:{PORT}", pid, N_SLOTS, options.connections, options.seconds)
        figures = measure(target, sitting)
    if settings.is_sqlite:
        limit = "SQLite, one-row commits of one loop", sqlite_limit(folder, options.seconds)
    else:
        limit = "PostgreSQL, pgbench with 32 clients", postgresql_limit(url, folder, options.seconds)
    print(f"{options.workers} processes, {options.connections} connections, load {os.getloadavg()[0]:.1f}")
    print(report(figures, limit, options.candidates))


def main() -> None:
    """Read the wishes and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--candidates", type=int, default=5000)
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        private_postgresql(is_durable=True) if options.postgresql else nullcontext("") as url,
    ):
        folder = Path(name)
        run(url or f"sqlite:///{folder}/bench.sqlite3", folder, options)


if __name__ == "__main__":
    main()
