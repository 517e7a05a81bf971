"""Load for `benchmarks.answering`: closed loops by wrk (Debian package), an open loop of our own, and the databases' own limits."""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import socket
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

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
        first = (1 << 20) + int(time.time() * 1000) % (1 << 40)
        return SCRIPT % {
            "people": _table(people), "first": first, "choice": "math.random(#people)", "call": "responses", "method": "PUT",
            "body": EVENTS % {"n_events": n_events, "n_slots": self.n_slots},
        }  # fmt: skip

    def open_loop(self, people: Sequence[Person], rate: int) -> Figure:
        """Send saves at fixed times whether or not the last was answered; a wait counts from when a save was due."""
        host, port = self.base_url.removeprefix("http://").split(":")
        calls, lines = _calls(self, people, rate), [_Line(host, int(port)) for _ in range(self.connections)]
        before, began = cpu_seconds(self.pid), time.perf_counter()
        waits, n_failed = _run_calls(lines, calls, rate)
        met, processor = len(waits) / (time.perf_counter() - began), cpu_seconds(self.pid) - before
        for line in lines:
            line.socket.close()
        cuts = [cut * 1000 for cut in statistics.quantiles(waits, n=100)]
        name = f"save 1 answer, {rate:,} a second due"
        return Figure(name, met, met, cuts[49], cuts[94], cuts[98], processor / len(waits) * 1000, n_failed)


def _table(people: Sequence[Person]) -> str:
    return ",".join(f'{{"{person.attempt_id}","{person.token}"}}' for person in people)


class _Line:
    """One connection of the open loop; it carries one call at a time."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = 0.0
        self.got = b""

    def fileno(self) -> int:
        """Return what `select` asks for."""
        return self.socket.fileno()

    def send(self, due: float, call: bytes) -> None:
        """Send a call that was due at this moment."""
        self.due, self.got = due, b""
        self.socket.sendall(call)

    def receive(self) -> int:
        """Take what has arrived; return the status when the answer is whole, else 0."""
        if not (part := self.socket.recv(1 << 16)):
            raise SystemExit("the server hung up in the middle of the open loop")
        self.got += part
        head, end, body = self.got.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0]):
            return 0
        return int(head[9:12])


def _calls(target: Target, people: Sequence[Person], rate: int) -> list[bytes]:
    """Return the saves of one open loop, made before it begins: while it runs every moment counts."""
    lot, first = random.Random(rate), (1 << 20) + int(time.time() * 1000) % (1 << 40)
    calls = []
    for number in range(first, first + rate * target.seconds):
        person, slot = lot.choice(people), lot.randrange(target.n_slots) + 1
        body = json.dumps({"events": [{"slot": slot, "seq": number, "response": ["A"], "client_time": "t"}]})
        calls.append(
            f"PUT /api/v1/exam/attempts/{person.attempt_id}/responses HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {person.token}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
    return calls


def _run_calls(lines: list[_Line], calls: Sequence[bytes], rate: int) -> tuple[list[float], int]:
    """Send each call when it is due, or when a line is free again after that; return waits in seconds and how many failed."""
    free, began, n_sent, n_failed, waits = list(lines), time.perf_counter(), 0, 0, list[float]()
    while len(waits) < len(calls):
        moment = time.perf_counter()
        while free and n_sent < len(calls) and (due := began + n_sent / rate) <= moment:
            free.pop().send(due, calls[n_sent])
            n_sent += 1
        pause = began + n_sent / rate - time.perf_counter() if free and n_sent < len(calls) else 30
        for line in select.select(lines, [], [], max(0, pause))[0]:
            if status := line.receive():
                waits.append(time.perf_counter() - line.due)
                n_failed += status != HTTPStatus.OK
                free.append(line)
    return waits, n_failed


def sqlite_limit(folder: Path, seconds: float) -> float:
    """Return how many rows a second one loop commits one by one, with full synchronisation and nothing else."""
    connection = sqlite3.connect(folder / "limit.sqlite3", isolation_level=None)
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
    table = "CREATE UNLOGGED TABLE IF NOT EXISTS bench_limit (a int, q int, v text, s bigint, PRIMARY KEY (a, q))"
    subprocess.run(as_database_user([*run, table.replace("UNLOGGED ", "")]), check=True, cwd="/")
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
