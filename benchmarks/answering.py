"""Durable saves through gunicorn on loopback: rate, latency and processor time a save, against a no-op in the same run.

    .venv/bin/python benchmarks/answering.py [--database-url URL] [--connections 32] [--seconds 6] [--workers 2]

The database must be empty or absent (default: SQLite in a temporary folder); a sitting is prepared in it, the server is started,
measured in a closed loop (each connection sends when it was answered) and stopped. Processor time is that of the server's process
tree, so a generator on the same machine costs rate, not milliseconds a save; a database server's own time is not in it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from kernel.clock import now  # noqa: E402 - the path is set above
from kernel.settings import Settings  # noqa: E402
from tests.exam_delivery.sitting_cases import SECRET, Person, Sitting, make_database  # noqa: E402
from web.serve import COMMANDS, child_environment  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
N_SLOTS = 100
PORT = 8939


class Connection:
    """One keep-alive connection that speaks just enough HTTP."""

    def __init__(self) -> None:
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def call(self, method: str, path: str, body: bytes, token: str = "") -> tuple[int, bytes]:
        """Send a request and return status and body of its answer."""
        if self.writer is None or self.reader is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", PORT)
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\n{authorization}Content-Length: {len(body)}\r\n\r\n"
        self.writer.write(head.encode() + body)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        return int(answer[9:12]), await self.reader.readexactly(length)


@dataclass
class Measured:
    """What one phase gave."""

    name: str
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    n_failed: int = 0
    per_call: int = 1

    def row(self) -> str:
        """Return the line of the table."""
        n = len(self.latencies)
        cuts = statistics.quantiles(self.latencies, n=100) if n > 1 else [0.0] * 99
        p50, p95, p99 = (cuts[k] * 1000 for k in (49, 94, 98))
        rate = n / self.seconds
        cpu = self.cpu_seconds / max(1, n) * 1000
        return (
            f"{self.name:<28}{rate:>9.0f}{rate * self.per_call:>11.0f}{p50:>8.1f}{p95:>8.1f}{p99:>8.1f}{cpu:>10.3f}"
            f"{self.n_failed:>8}"
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


@contextmanager
def serving(settings: Settings) -> Iterator[int]:
    """Run the candidates' side under the project's own gunicorn configuration."""
    process = subprocess.Popen(
        [*COMMANDS["web"], "exam_delivery.answering.entry:create()"], env=child_environment(settings)
    )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


Call = Callable[[Connection, int], Awaitable[tuple[int, bytes]]]


async def drive(name: str, call: Call, *, connections: int, seconds: float, pid: int, per_call: int = 1) -> Measured:
    """Run a closed loop for a while after a short warm-up."""
    result = Measured(name, per_call=per_call)
    lines = [Connection() for _ in range(connections)]

    async def loop(k: int, until: float, *, counts: bool) -> None:
        while (at := time.perf_counter()) < until:
            status, _body = await call(lines[k], k)
            if counts:
                result.latencies.append(time.perf_counter() - at)
                result.n_failed += status != 200

    warm = time.perf_counter() + 1.5
    await asyncio.gather(*(loop(k, warm, counts=False) for k in range(connections)))
    cpu, began = cpu_seconds(pid), time.perf_counter()
    await asyncio.gather(*(loop(k, began + seconds, counts=True) for k in range(connections)))
    result.seconds, result.cpu_seconds = time.perf_counter() - began, cpu_seconds(pid) - cpu
    return result


async def wait_until_it_answers() -> None:
    """Wait for the first answer."""
    for _ in range(600):
        try:
            await Connection().call("GET", "/exam/", b"")
            return
        except OSError:
            await asyncio.sleep(0.1)
    raise SystemExit("the server did not come up")


async def sign_in(people: list[Person]) -> None:
    """Get every candidate's token."""
    line = Connection()
    for person in people:
        body = json.dumps({"admission_number": person.admission_number, "id_number": person.id_number}).encode()
        status, answer = await line.call("POST", "/api/v1/exam/sign-in", body)
        assert status == 200, answer
        person.token = json.loads(answer)["token"]


async def measure(sitting: Sitting, pid: int, options: argparse.Namespace) -> list[Measured]:
    """Run all phases."""
    await wait_until_it_answers()
    await sign_in(sitting.people)
    n, seq = options.connections, [0]
    groups = [sitting.people[k::n] for k in range(n)]
    lot = random.Random(1)

    def save_of(n_events: int) -> Call:
        async def save(line: Connection, k: int) -> tuple[int, bytes]:
            person, seq[0] = lot.choice(groups[k]), seq[0] + 1
            slots = lot.sample(range(1, N_SLOTS + 1), n_events)
            events = [{"slot": s, "seq": seq[0], "response": [lot.choice("ABCD")], "client_time": "t"} for s in slots]
            path = f"/api/v1/exam/attempts/{person.attempt_id}/responses"
            return await line.call("PUT", path, json.dumps({"events": events}).encode(), person.token)

        return save

    async def no_op(line: Connection, _k: int) -> tuple[int, bytes]:
        return await line.call("GET", "/exam/favicon.svg", b"")

    async def form(line: Connection, k: int) -> tuple[int, bytes]:
        person = lot.choice(groups[k])
        return await line.call("GET", f"/api/v1/exam/attempts/{person.attempt_id}/form", b"", person.token)

    line = Connection()
    for person in sitting.people:
        await line.call("POST", f"/api/v1/exam/attempts/{person.attempt_id}/start", b"{}", person.token)
    phases: list[tuple[str, Call, int]] = [
        ("no-op (small file)", no_op, 1), ("save 1 answer", save_of(1), 1), ("save 10 answers", save_of(10), 10),
        ("read form (100 items)", form, 1),
    ]  # fmt: skip
    return [
        await drive(name, call, connections=n, seconds=options.seconds, pid=pid, per_call=per)
        for name, call, per in phases
    ]


def main() -> None:
    """Prepare, serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database-url", default="")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--candidates", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = options.database_url or f"sqlite:///{folder}/bench.sqlite3"
        engine, sitting = make_database(url, n=options.candidates, n_slots=N_SLOTS, starts_at=now())
        engine.dispose()
        settings = Settings(
            instance_dir=Path(folder), database_url=url, secret_key=SECRET, bind=f"127.0.0.1:{PORT}",
            workers=options.workers, log_level="ERROR",
        )  # fmt: skip
        with serving(settings) as pid:
            results = asyncio.run(measure(sitting, pid, options))
    print(
        f"{url.split(':')[0]}, {options.workers} processes, {options.connections} connections, load {os.getloadavg()[0]:.1f}"
    )
    print(f"{'':<28}{'calls/s':>9}{'answers/s':>11}{'p50':>8}{'p95':>8}{'p99':>8}{'cpu ms':>10}{'failed':>8}")
    for result in results:
        print(result.row())


if __name__ == "__main__":
    main()
