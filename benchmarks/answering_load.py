"""Load for `benchmarks.answering`: closed loops by wrk (Debian package), calls due at fixed times, and the databases' own limits."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.answering_calls import Call, due_saves, next_seq
from benchmarks.answering_lines import Exchange, Line, Waits, run_calls
from tests.exam_delivery.sitting_cases import Person
from tools.check import as_database_user, postgres_bin

TICKS = os.sysconf("SC_CLK_TCK")
OUTCOME = "OUTCOME "
SCRIPT = """
local people = {%(people)s}
local n = %(first)d
function request()
  n = n + 1
  local person = people[%(choice)s]
  local path = "/api/v1/exam/attempts/" .. person[1] .. "/%(call)s"
  return wrk.format("%(method)s", path, {["Authorization"] = "Bearer " .. person[2]}, %(body)s)
end
"""
SIGN_INS = """
local people = {%(people)s}
local n = 0
function request()
  n = n + 1
  local person = people[(n - 2) %% %(n)d + 1]
  local body = '{"admission_number":"' .. person[1] .. '","id_number":"' .. person[2] .. '"}'
  return wrk.format("POST", "/api/v1/exam/sign-in", {}, body)
end
"""
EVENTS = """(function()
    local events = {}
    for k = 1, %(n_events)d do
      local slot = (math.random(%(n_slots)d / %(n_events)d) - 1) * %(n_events)d + k
      events[k] = string.format('{"slot":%%d,"seq":%%d,"response":["%%s"],"client_time":"t"}', slot, n, string.char(65 + n %% 4))
    end
    return '{"events":[' .. table.concat(events, ",") .. ']}'
  end)()"""
DONE = """
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('OUTCOME {"n":%d,"seconds":%.3f,"p50":%.2f,"p95":%.2f,"p99":%.2f,"refused":%d,"late":%d,"broken":%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
    latency:percentile(99) / 1e3, e.status, e.timeout, e.connect + e.read + e.write))
end
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """What one phase gave: calls a second, milliseconds of waiting, milliseconds of the server's processor a call.

    Failed are calls that were refused, took more than two seconds (wrk's patience) or broke with their connection.
    """

    name: str
    rate: float
    answers: float
    p50: float
    p95: float
    p99: float
    processor: float
    n_failed: int
    failures: str = ""

    def row(self) -> str:
        """Return the line of the table."""
        return (
            f"{self.name:<34}{self.rate:>9,.0f}{self.answers:>11,.0f}{self.p50:>8.1f}{self.p95:>8.1f}{self.p99:>8.1f}"
            f"{self.processor:>9.3f}{self.n_failed:>8}{self.failures}"
        )


def family(pid: int) -> Iterator[int]:
    """Yield a process and all that came from it."""
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from family(int(child))


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process tree."""
    total = 0
    for member in family(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


@dataclass(frozen=True, slots=True)
class Target:
    """A running server."""

    base_url: str
    pid: int
    n_slots: int
    connections: int
    seconds: int

    def closed(self, name: str, path: str = "/", script: str = "", *, n_answers: int = 0, seconds: int = 0) -> Figure:
        """Run a closed loop: each connection sends when it was answered."""
        if shutil.which("wrk") is None:
            raise SystemExit("the load generator wrk is missing: install the Debian package wrk")
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
            file.write(script + DONE)
            file.flush()
            options = ["-t1", f"-c{self.connections}", f"-d{seconds or self.seconds}s", "-s", file.name]
            before = cpu_seconds(self.pid)
            run = subprocess.run(["wrk", *options, self.base_url + path], check=True, capture_output=True, text=True)
            processor = cpu_seconds(self.pid) - before
        said = next(line for line in run.stdout.splitlines() if line.startswith(OUTCOME))
        got: dict[str, Any] = json.loads(said.removeprefix(OUTCOME))
        rate = got["n"] / got["seconds"]
        per_call = processor / max(1, got["n"]) * 1000
        failures = {kind: got[kind] for kind in ("refused", "late", "broken") if got[kind]}
        told = "".join(f"  {kind} {n}" for kind, n in failures.items())
        n_failed = sum(failures.values())
        return Figure(name, rate, rate * n_answers, got["p50"], got["p95"], got["p99"], per_call, n_failed, told)

    def calls(self, people: Sequence[Person], call: str, *, method: str = "POST", in_turn: bool = False) -> str:
        """Return the script of calls without a body, of anybody or of each person in turn."""
        # wrk asks for one request before it sends any, so the first that is sent is the second
        choice = f"(n - 2) % {len(people)} + 1" if in_turn else "math.random(#people)"
        return SCRIPT % {
            "people": _table(people), "first": 0, "choice": choice, "call": call, "method": method,
            "body": "'{}'" if method == "POST" else "nil",
        }  # fmt: skip

    def saves(self, people: Sequence[Person], n_events: int) -> str:
        """Return the script of saves with so many answers each; numbers grow from phase to phase."""
        return SCRIPT % {
            "people": _table(people), "first": next_seq(), "choice": "math.random(#people)", "call": "responses", "method": "PUT",
            "body": EVENTS % {"n_events": n_events, "n_slots": self.n_slots},
        }  # fmt: skip

    def open_loop(self, calls: Sequence[tuple[float, Call]], names: Mapping[str, str]) -> list[Figure]:
        """Send calls at fixed times whether or not the last was answered; one figure for each kind that has a name.

        The processor time is that of a call of any kind: the server is not asked what it was spent on.
        """
        host, port = self.base_url.removeprefix("http://").split(":")
        with Exchange([Line(host, int(port)) for _ in range(self.connections)]) as exchange:
            before, began = cpu_seconds(self.pid), time.perf_counter()
            waits = run_calls(exchange, calls)
            seconds, processor = time.perf_counter() - began, cpu_seconds(self.pid) - before
        per_call = processor / len(calls) * 1000
        return [_figure_of(name, kind, waits, seconds, per_call) for kind, name in names.items()]

    def open_saves(self, people: Sequence[Person], rate: int) -> Figure:
        """Have saves come in at a fixed rate."""
        calls = list(due_saves(people, self.n_slots, rate, self.seconds))
        return self.open_loop(calls, {"save": f"save 1 answer, {rate:,} a second due"})[0]

    def sign_ins(self, people: Sequence[Person]) -> str:
        """Return the script of sign-ins of each person in turn."""
        table = ",".join(f'{{"{person.admission_number}","{person.id_number}"}}' for person in people)
        return SIGN_INS % {"people": table, "n": len(people)}


def _figure_of(name: str, kind: str, waits: Waits, seconds: float, per_call: float) -> Figure:
    """Return the figure of one kind of call of an open loop."""
    rate, failures = len(waits.seconds[kind]) / seconds, waits.failures[kind]
    told = "".join(f"  {what} {failures.count(what)}" for what in sorted(set(failures)))
    return Figure(name, rate, rate if kind == "save" else 0, *waits.cuts(kind), per_call, len(failures), told)


def _table(people: Sequence[Person]) -> str:
    return ",".join(f'{{"{person.attempt_id}","{person.token}"}}' for person in people)


def sqlite_limit(folder: Path, seconds: float) -> float:
    """Return how many rows a second one loop commits one by one, with full synchronisation and nothing else."""
    file = folder / "limit.sqlite3"
    file.unlink(missing_ok=True)
    connection = sqlite3.connect(file, isolation_level=None)
    for statement in (
        "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
        "CREATE TABLE answers (attempt INT, slot INT, value TEXT, seq INT, PRIMARY KEY (attempt, slot)) WITHOUT ROWID",
    ):  # fmt: skip
        connection.execute(statement)
    lot, n, until = random.Random(1), 0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        n += 1
        row = (lot.randrange(5000), lot.randrange(100), "A", n)
        connection.execute("INSERT OR REPLACE INTO answers VALUES (?,?,?,?)", row)
    connection.close()
    return n / seconds


def postgresql_limit(url: str, folder: Path, seconds: int) -> float:
    """Return how many such rows a second pgbench commits with 32 clients."""
    host = url.partition("host=")[2]
    run = [str(postgres_bin() / "psql"), "-h", host, "-U", "kaoku", "-d", "postgres", "-qc"]
    table = (
        "SET client_min_messages = warning; DROP TABLE IF EXISTS bench_limit; "
        "CREATE TABLE bench_limit (a int, q int, v text, s bigint, PRIMARY KEY (a, q))"
    )
    subprocess.run(as_database_user([*run, table]), check=True, cwd="/")
    script = folder / "limit.sql"
    script.write_text(
        "\\set a random(1, 5000)\n\\set q random(1, 100)\n"
        "INSERT INTO bench_limit VALUES (:a, :q, 'A', 1) ON CONFLICT (a, q) DO UPDATE SET v = 'B', s = bench_limit.s + 1;\n"
    )
    script.chmod(0o644)
    folder.chmod(0o755)
    options = ["-n", "-M", "prepared", "-c", "32", "-j", "1", "-T", str(seconds), "-f", str(script)]
    command = [str(postgres_bin() / "pgbench"), "-h", host, "-U", "kaoku", *options, "postgres"]
    said = subprocess.run(as_database_user(command), check=True, cwd="/", capture_output=True, text=True).stdout
    return float(next(line for line in said.splitlines() if line.startswith("tps = ")).split()[2])
