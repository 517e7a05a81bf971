"""Sign-ins, durable saves, starts and hand-ins through gunicorn on loopback, against a no-op and the database's own limit in the same run.

    .venv/bin/python -m benchmarks.answering [--postgresql] [--candidates 5000] [--connections 32] [--seconds 6] [--workers 2]
    .venv/bin/python -m benchmarks.answering --sign-ins [--postgresql] [--seconds 10]      # candidates sign in while others write, alone
    .venv/bin/python -m benchmarks.answering --rounds 5 [--postgresql]         # calls of ten and the database's own limit in turn, alone

A sitting is prepared in an empty database (SQLite in a temporary folder, or a private PostgreSQL cluster), the candidates' side is
served by the project's own gunicorn configuration, measured and stopped. The generator (wrk, Debian's package, one thread; a small
Python loop where calls are due at fixed times) shares the machine. `processor` is the time of the server's process tree a call, so
that a generator beside it costs rate and not milliseconds; a database server's own time is not in it. The no-op is one Flask view
that answers `{"ok": true}`, served by the same processes. Sign-ins, starts and hand-ins are each candidate's first, unless all have had
their turn.
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
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from statistics import median
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask
from sqlalchemy import Engine, text

from benchmarks.answering_calls import Call, due_saves, due_sign_ins
from benchmarks.answering_load import Figure, Target, postgresql_limit, sqlite_limit
from exam_delivery.answering import entry, tokens
from exam_delivery.answering.entry import CandidateSite, WsgiApp
from kernel import crypto
from kernel.clock import now
from kernel.settings import Settings
from tests.exam_delivery.sitting_cases import SECRET, Person, make_database
from tools.check import private_postgresql
from web.serve import COMMANDS, child_environment

N_SLOTS = 100
PORT = 8939
STORM_SECONDS = 2
SETTLING_SECONDS = 2
"""wrk leaves with calls under way: sign-ins that the server carries out later would make tokens old."""
N_WRITERS, WRITES_A_SECOND = 500, 500
"""Those who write already while the others sign in."""
SIGN_INS_A_SECOND = 5000 / 120
SITE = "benchmarks.answering:site()"


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
def serving(settings: Settings, program: str, path: str, cores: Sequence[int] = ()) -> Iterator[int]:
    """Serve a program under the project's own gunicorn configuration, on some cores alone, until it is no longer needed."""
    pinned = ["taskset", "-c", ",".join(map(str, cores))] if cores else []
    process = subprocess.Popen([*pinned, *COMMANDS["web"], program], env=child_environment(settings))
    try:
        _wait_until_it_answers(process, settings.bind + path)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _wait_until_it_answers(process: subprocess.Popen[bytes], address: str) -> None:
    """Wait for the first answer; whoever else may listen at the address is not taken for the server."""
    for _ in range(600):
        time.sleep(0.1)
        with suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(f"http://{address}", timeout=5).close()
            if process.poll() is None:
                return
        if process.poll() is not None:
            break
    raise SystemExit("the server did not come up")


def give_tokens(engine: Engine, people: Sequence[Person]) -> None:
    """Make candidates the holders of their attempts, as signing in does."""
    key = crypto.derive_key(SECRET, "attempt-token")
    with engine.begin() as connection:
        connection.execute(text("UPDATE attempts SET holder_generation = 1"))
    for person in people:
        person.token = tokens.issue(key, person.attempt_id, 1)


def start_the_others(target: Target, people: Sequence[Person], storm: Figure) -> None:
    """Start whoever the storm did not reach, however slow the machine is: reads and saves are of candidates who write."""
    left = [people[-1], *people[int(storm.rate * STORM_SECONDS * 0.9) :]]
    seconds = 1 + round(1.5 * len(left) / storm.rate)
    for _ in range(2):
        target.closed("start", script=target.calls(left, "start", in_turn=True), seconds=seconds)


def measure_sign_ins(target: Target, people: Sequence[Person], writers: Sequence[Person]) -> list[Figure]:
    """Have people sign in while others write: nobody, 5,000 in 120 s, and as many as the server takes."""
    target.closed("start", script=target.calls(writers, "start", in_turn=True), seconds=STORM_SECONDS)
    told = f"save, {WRITES_A_SECOND} a second due"

    def saves() -> list[tuple[float, Call]]:
        return list(due_saves(writers, target.n_slots, WRITES_A_SECOND, target.seconds))

    alone = target.open_loop(saves(), {"save": told})
    both = sorted([*saves(), *due_sign_ins(people, SIGN_INS_A_SECOND, target.seconds)], key=itemgetter(0))
    names = {"sign in": f"sign in, {SIGN_INS_A_SECOND:.0f} a second due", "save": f"  beside it: {told}"}
    paced = target.open_loop(both, names)
    with ThreadPoolExecutor(1) as beside:
        storm = beside.submit(target.closed, "sign in, as fast as it goes", script=target.sign_ins(people))
        [during] = target.open_loop(saves(), {"save": f"  beside it: {told}"})
    of_both = during.processor * during.rate / (during.rate + storm.result().rate)
    return [*alone, *paced, *(replace(figure, processor=of_both) for figure in (storm.result(), during))]


def measure(target: Target, people: Sequence[Person]) -> list[Figure]:
    """Run all phases; each begins where the one before left the sitting."""
    base = target
    no_op = base.closed("no-op (Flask)", "/no-op")
    starts = base.closed("start", script=base.calls(people, "start", in_turn=True), seconds=STORM_SECONDS)
    start_the_others(base, people, starts)
    return [
        no_op,
        starts,
        base.closed("read form (100 items)", script=base.calls(people, "form", method="GET")),
        base.closed("save 1 answer", script=base.saves(people, 1), n_answers=1),
        base.closed("save 10 answers", script=base.saves(people, 10), n_answers=10),
        *(base.open_saves(people, rate) for rate in (200, 1000, 2000)),
        base.closed("no-op (Flask), again", "/no-op"),
        base.closed("hand in", script=base.calls(people, "submit", in_turn=True), seconds=STORM_SECONDS),
    ]


def in_turn(target: Target, people: Sequence[Person], limit: Callable[[], float], n_rounds: int) -> str:
    """Measure answers in calls of ten and the database's limit one after the other, so that both meet the same machine."""
    storm = target.closed("start", script=target.calls(people, "start", in_turn=True), seconds=STORM_SECONDS)
    start_the_others(target, people, storm)
    shares, lines = [], [f"{'answers/s':>10}{'limit':>10}{'share':>8}"]
    for _ in range(n_rounds):
        ten, most = target.closed("save 10", script=target.saves(people, 10), n_answers=10), limit()
        shares.append(ten.answers / most)
        lines.append(f"{ten.answers:>10,.0f}{most:>10,.0f}{shares[-1]:>8.0%}")
    return "\n".join([*lines, f"median {median(shares):.0%}"])


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a table."""
    head = f"{'':<34}{'calls/s':>9}{'answers/s':>11}{'p50 ms':>8}{'p95':>8}{'p99':>8}{'cpu ms':>9}{'failed':>8}"
    return "\n".join([head, *(figure.row() for figure in figures)])


def report_sign_ins(figures: Sequence[Figure]) -> str:
    """Return the table of those who sign in while others write, and what the goal asks for."""
    _alone, _paced, beside_pace, storm, beside_storm = figures
    return (
        f"{table(figures)}\n5,000 candidates sign in within {5000 / storm.rate:.0f} s as fast as they can; p99 of the saves meanwhile "
        f"{beside_storm.p99:.0f} ms, and {beside_pace.p99:.0f} ms when they come within 120 s"
    )


def report(figures: list[Figure], limit: tuple[str, float], n_people: int) -> str:
    """Return the table, and what the goals ask for."""
    by_name = {figure.name: figure for figure in figures}
    save, ten, start, hand_in = (by_name[n] for n in ("save 1 answer", "save 10 answers", "start", "hand in"))
    no_op = (by_name["no-op (Flask)"].processor + by_name["no-op (Flask), again"].processor) / 2
    form, name, most = by_name["read form (100 items)"], *limit
    lines = [
        table(figures),
        f"processor time of a save : no-op = {save.processor / no_op:.2f}",
        f"{name}: {most:,.0f} rows/s; single saves {save.rate / most:.0%} of it, answers in calls of ten {ten.answers / most:.0%}",
        f"{n_people:,} candidates start and read their forms in {n_people / start.rate + n_people / form.rate:.1f} s",
        f"{n_people:,} candidates hand in in {n_people / hand_in.rate:.1f} s",
    ]
    return "\n".join(lines)


def run(url: str, folder: Path, options: argparse.Namespace) -> None:
    """Prepare, serve, measure and print for one database."""
    engine, sitting = make_database(url, n=options.candidates + N_WRITERS, n_slots=N_SLOTS, starts_at=now())
    people, writers = sitting.people[:-N_WRITERS], sitting.people[-N_WRITERS:]
    settings = Settings(
        instance_dir=folder, database_url=url, secret_key=SECRET, bind=f"127.0.0.1:{PORT}", workers=options.workers,
        log_level="ERROR",
    )  # fmt: skip
    kind, limit = limit_of(settings, folder, options.seconds)
    print(f"{options.workers} processes, {options.connections} connections, load {os.getloadavg()[0]:.1f}")
    with serving(settings, SITE, "/no-op") as pid:
        target = Target(f"http://127.0.0.1:{PORT}", pid, N_SLOTS, options.connections, options.seconds)
        if options.rounds:
            give_tokens(engine, people)
            engine.dispose()
            print(in_turn(target, people, limit, options.rounds))
            return
        give_tokens(engine, writers)
        print(report_sign_ins(measure_sign_ins(target, people, writers)), flush=True)
        if options.sign_ins:
            return
        time.sleep(SETTLING_SECONDS)
        give_tokens(engine, people)
        engine.dispose()
        figures = measure(target, people)
    print(report(figures, (kind, limit()), options.candidates))


def limit_of(settings: Settings, folder: Path, seconds: int) -> tuple[str, Callable[[], float]]:
    """Return the name of the database's own limit, and how it is measured."""
    if settings.is_sqlite:
        return "SQLite, one-row commits of one loop", lambda: sqlite_limit(folder, seconds)
    return "PostgreSQL, pgbench with 32 clients", lambda: postgresql_limit(settings.database_url, folder, seconds)


def main() -> None:
    """Read the wishes and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--sign-ins", action="store_true", help="measure signing in alone")
    parser.add_argument(
        "--rounds", type=int, default=0, help="measure calls of ten and the database's limit in turn, alone"
    )
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
