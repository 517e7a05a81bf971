"""Real server processes are killed under load: what was acknowledged is there, once."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from kernel.clock import now
from kernel.settings import Settings
from tests.exam_delivery.sitting_cases import SECRET, Person, make_database
from tests.ports import kept_port
from web.serve import COMMANDS, child_environment, serve

N_CANDIDATES = 8
N_KILLS = 5


def children(pid: int) -> list[int]:
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


@contextmanager
def serving(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    command = [*COMMANDS["web"], "exam_delivery.answering.entry:create()"]
    process = subprocess.Popen(command, env=child_environment(settings), stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        for pid in [*children(process.pid), process.pid]:  # no time to finish anything
            os.kill(pid, signal.SIGKILL)
        process.wait()


class Candidate:
    """Sends answers one after the other and never gives up on one; remembers what was acknowledged."""

    def __init__(self, port: int, person: Person) -> None:
        self.port, self.person = port, person
        self.connection: http.client.HTTPConnection | None = None
        self.token = ""
        self.acknowledged: list[tuple[int, int, list[str]]] = []
        self.failures: list[int] = []
        self.n_lost_connections = 0

    def call(self, method: str, path: str, body: Any) -> dict[str, Any] | None:
        """Return the answer; None when the call has to be made again."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        try:
            self.connection = self.connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            self.connection.request(method, f"/api/v1/exam/{path}", json.dumps(body), headers)
            response = self.connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            self.close()
            self.n_lost_connections += 1
            time.sleep(0.02)
            return None
        if response.status != 200:
            self.failures.append(response.status)
            return None
        answer: dict[str, Any] = json.loads(content)
        return answer

    def close(self) -> None:
        if self.connection:
            self.connection.close()
        self.connection = None

    def insist(self, method: str, path: str, body: Any) -> dict[str, Any]:
        end = time.monotonic() + 120
        while time.monotonic() < end:
            answer = self.call(method, path, body)
            if answer is not None:
                return answer
        raise AssertionError(f"{path} was never answered: {self.failures[-3:]}")

    def sit(self, stopping: threading.Event) -> None:
        signed = self.insist(
            "POST", "sign-in", {"admission_number": self.person.admission_number, "id_number": self.person.id_number}
        )
        self.token = signed["token"]
        self.insist("POST", f"attempts/{self.person.attempt_id}/start", {})
        seq = 0
        while not stopping.is_set():
            seq += 1
            slot, response = seq % 5 + 1, [f"{self.person.admission_number}-{seq}"]
            event = {"slot": slot, "seq": seq, "response": response, "client_time": ""}
            answer = self.insist("PUT", f"attempts/{self.person.attempt_id}/responses", {"events": [event]})
            assert answer["acknowledged"] == {str(slot): seq}
            self.acknowledged.append((slot, seq, response))
        self.close()


@pytest.mark.slow
def test_every_acknowledged_answer_is_there_once_after_worker_processes_were_killed(
    scratch_database_url: str, tmp_path: Path
) -> None:
    port = kept_port()
    engine, sitting = make_database(scratch_database_url, n=N_CANDIDATES, starts_at=now())
    settings = Settings(
        instance_dir=tmp_path, database_url=scratch_database_url, secret_key=SECRET, bind=f"127.0.0.1:{port}",
        log_level="ERROR",
    )  # fmt: skip
    stopping = threading.Event()
    candidates = [Candidate(port, person) for person in sitting.people]
    threads = [threading.Thread(target=c.sit, args=(stopping,), daemon=True) for c in candidates]
    with serving(settings) as server:
        wait_for(lambda: answers(settings.bind, "/exam/"), seconds=120)
        for thread in threads:
            thread.start()
        wait_for(lambda: all(len(c.acknowledged) > 10 for c in candidates), seconds=120)
        n_killed = 0
        for k in range(N_KILLS):
            time.sleep(0.5)
            victims = children(server.pid)
            for victim in victims if k == N_KILLS - 1 else victims[:1]:
                os.kill(victim, signal.SIGKILL)
                n_killed += 1
        before = sum(len(c.acknowledged) for c in candidates)
        wait_for(lambda: sum(len(c.acknowledged) for c in candidates) > before + 50)
        stopping.set()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()
    assert n_killed >= N_KILLS
    assert sum(c.n_lost_connections for c in candidates) > 0
    check_kept(engine, candidates)
    engine.dispose()


def wait_for(condition: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def check_kept(engine: Any, candidates: list[Candidate]) -> None:
    with engine.connect() as connection:
        for candidate in candidates:
            key = candidate.person.attempt_id.hex if engine.dialect.name == "sqlite" else candidate.person.attempt_id
            rows = connection.execute(
                text("SELECT slot, seq, response FROM response_events WHERE attempt_id = :a"), {"a": key}
            ).all()
            events = {(slot, seq): json.loads(response) for slot, seq, response in rows}
            assert len(events) == len(rows)
            for slot, seq, response in candidate.acknowledged:
                assert events[slot, seq] == response
            states = connection.execute(
                text("SELECT slot, seq FROM response_states WHERE attempt_id = :a"), {"a": key}
            ).all()
            assert dict(map(tuple, states)) == {slot: max(q for s, q in events if s == slot) for slot, _ in events}
            n_answered = connection.execute(
                text("SELECT n_answered FROM attempts WHERE attempt_id = :a"), {"a": key}
            ).scalar_one()
            assert n_answered == len(states)


def test_serve_refuses_an_address_that_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = Settings(instance_dir=tmp_path, secret_key=SECRET, bind=f"127.0.0.1:{taken.getsockname()[1]}")
        assert serve(settings) == 1
    assert f"无法监听 {settings.bind}" in capsys.readouterr().err


@pytest.mark.slow
def test_serve_runs_web_and_worker_and_ends_both_when_told(scratch_database_url: str, tmp_path: Path) -> None:
    engine, _sitting = make_database(scratch_database_url, n=1)
    engine.dispose()
    settings = Settings(
        instance_dir=tmp_path, database_url=scratch_database_url, secret_key=SECRET, bind=f"127.0.0.1:{kept_port()}",
        workers=1,
    )  # fmt: skip
    run = [sys.executable, "-m", "web.cli", "serve"]
    process = subprocess.Popen(run, env=child_environment(settings), stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: answers(settings.bind, "/healthz"), seconds=120)
        assert answers(settings.bind, "/exam/")
        wait_for(lambda: len(children(process.pid)) == 2)
        family = children(process.pid)
        worker = next(pid for pid in family if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes())
        os.kill(worker, signal.SIGKILL)
        wait_for(lambda: len(set(children(process.pid)) - {worker}) == 2)
        family = children(process.pid)
    finally:
        process.terminate()
        code = process.wait(90)
    assert code == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in family)


SUPERVISOR = """
import sys
from kernel.settings import Settings
from web import serve
serve.COMMANDS["web"].append("exam_delivery.answering.entry:create()")
serve.COMMANDS["worker"] = [sys.executable, "-c", "import time; time.sleep(600)"]
serve.serve(Settings.from_env())
"""
"""The real supervisor over the candidates' side and a worker that would never end by itself."""


@pytest.mark.slow
def test_serve_killed_outright_leaves_no_process_behind(scratch_database_url: str, tmp_path: Path) -> None:
    engine, _sitting = make_database(scratch_database_url, n=1)
    engine.dispose()
    settings = Settings(
        instance_dir=tmp_path, database_url=scratch_database_url, secret_key=SECRET, bind=f"127.0.0.1:{kept_port()}",
        workers=2,
    )  # fmt: skip
    run = [sys.executable, "-c", SUPERVISOR]
    process = subprocess.Popen(run, env=child_environment(settings), stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_for(lambda: len(descendants(process.pid)) == 4)  # gunicorn with two processes, and the worker
        wait_for(lambda: answers(settings.bind, "/exam/"))
        family = descendants(process.pid)
        process.kill()
        process.wait()
        wait_for(lambda: not any(is_alive(pid) for pid in family))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    return [one for child in children(pid) for one in [child, *descendants(child)]]


def is_alive(pid: int) -> bool:
    """Say whether a process runs still; one that nobody has buried yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def answers(bind: str, path: str) -> bool:
    connection = http.client.HTTPConnection(bind, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
