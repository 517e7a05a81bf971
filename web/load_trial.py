"""A simulated run before a session: made-up candidates sit a practice session of their own, through the candidate API.

The practice session belongs to an organisation of its own (code ``SIM``), so no real session, roster or item is touched. All
candidates take each step together over `N_LINES` connections, which is harder on the server than an exam room.
"""

from __future__ import annotations

import csv
import http.client
import json
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from exam_delivery import public as exam_delivery
from kernel.settings import Settings
from web.simulation import ORGANISATION_CODE, close_simulated, ensure_organisation, simulate

N_LINES, N_ITEMS, N_ROUNDS, N_ANSWERED = 32, 30, 3, 5
GIVE_UP_SECONDS = 30
BASE = "/api/v1/exam"
Send = Callable[[str, str, bytes, str], tuple[int, bytes]]
"""Method, path, body and token to status and body of the answer."""
Say = Callable[[int, str], None]


@dataclass
class Sitter:
    """One made-up candidate."""

    number: str
    identity: str
    token: str = ""
    attempt_id: str = ""
    slots: list[int] = field(default_factory=list)
    acknowledged: dict[str, int] = field(default_factory=dict)


class Trial:
    """The steps of a run, each timed."""

    def __init__(self, send: Send, sitters: Sequence[Sitter]) -> None:
        self.send, self.sitters = send, sitters
        self.times: dict[str, list[float]] = {}
        self.n_errors = self.n_lost = 0
        self.seconds: dict[str, float] = {}
        self.lock = threading.Lock()

    def run(self, say: Say) -> dict[str, Any]:
        """Take every step with everybody and return the figures."""
        steps: list[tuple[str, Callable[[Sitter], None]]] = [
            ("sign_in", self._sign_in), ("start", self._start), ("form", self._read_form),
            *(("save", self._saver(number)) for number in range(1, N_ROUNDS + 1)),
            ("read", self._compare), ("submit", self._submit),
        ]  # fmt: skip
        with ThreadPoolExecutor(N_LINES) as pool:
            for number, (name, step) in enumerate(steps):
                say(55 + 40 * number // len(steps), f"{name} × {len(self.sitters)}")
                started = time.monotonic()
                list(pool.map(step, self.sitters))
                self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - started
        return self._figures()

    def _call(self, name: str, method: str, path: str, body: Any, token: str) -> Any:
        """Send one call; None when it failed."""
        data = b"" if body is None else json.dumps(body).encode()
        started = time.perf_counter()
        try:
            status, answer = self.send(method, BASE + path, data, token)
        except (OSError, http.client.HTTPException):
            status, answer = 0, b""
        took = (time.perf_counter() - started) * 1000
        with self.lock:
            self.times.setdefault(name, []).append(took)
            self.n_errors += status != 200
        return json.loads(answer) if status == 200 else None

    def _of(self, name: str, sitter: Sitter, method: str, tail: str, body: Any = None) -> Any:
        return self._call(name, method, f"/attempts/{sitter.attempt_id}/{tail}", body, sitter.token)

    def _sign_in(self, sitter: Sitter) -> None:
        body = {"admission_number": sitter.number, "id_number": sitter.identity}
        if answer := self._call("sign_in", "POST", "/sign-in", body, ""):
            sitter.token, sitter.attempt_id = answer["token"], answer["attempt_id"]

    def _start(self, sitter: Sitter) -> None:
        self._of("start", sitter, "POST", "start", {})

    def _read_form(self, sitter: Sitter) -> None:
        if answer := self._of("form", sitter, "GET", "form"):
            sitter.slots = sorted(slot["slot"] for slot in answer["slots"])[:N_ANSWERED]

    def _saver(self, seq: int) -> Callable[[Sitter], None]:
        def save(sitter: Sitter) -> None:
            events = [{"slot": slot, "seq": seq, "response": [], "client_time": ""} for slot in sitter.slots]
            if events and (answer := self._of("save", sitter, "PUT", "responses", {"events": events})):
                sitter.acknowledged.update(answer["acknowledged"])

        return save

    def _compare(self, sitter: Sitter) -> None:
        """Count what was acknowledged and is not there."""
        answer = self._of("read", sitter, "GET", "responses")
        kept = {slot: one["seq"] for slot, one in answer["responses"].items()} if answer else {}
        lost = sum(kept.get(slot, 0) < seq for slot, seq in sitter.acknowledged.items())
        with self.lock:
            self.n_lost += lost

    def _submit(self, sitter: Sitter) -> None:
        self._of("submit", sitter, "POST", "submit", {})

    def _figures(self) -> dict[str, Any]:
        def at(name: str, share: float) -> float:
            return round(exam_delivery.percentile(self.times.get(name, []), share), 1)

        return {
            "n_calls": sum(map(len, self.times.values())), "n_errors": self.n_errors, "n_lost": self.n_lost,
            "sign_in_p50_ms": at("sign_in", 0.5), "form_p50_ms": at("form", 0.5), "save_p50_ms": at("save", 0.5),
            "save_p99_ms": at("save", 0.99),
            "saves_per_second": round(len(self.times.get("save", [])) / max(self.seconds.get("save", 0), 0.001)),
        }  # fmt: skip


def run_trial(n_candidates: int, send: Send, say: Say) -> dict[str, Any]:
    """Make a practice session, let everybody sit it, close it, and return the figures."""
    ensure_organisation()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "people.csv"
        say(5, "")
        made = simulate(n_candidates, N_ITEMS, out, organisation_code=ORGANISATION_CODE, say=lambda text: say(30, text))
        lines = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    trial = Trial(send, [Sitter(line["admission_number"], line["id_number"]) for line in lines])
    try:
        return trial.run(say)
    finally:
        close_simulated(made.exam_session_id)


def local_sender(settings: Settings) -> Send:
    """Return a sender to the web server of this machine: a connection for each thread, without proxy and TLS."""
    host, _, port = settings.bind.rpartition(":")
    address = "127.0.0.1" if host in {"", "0.0.0.0", "[::]", "::"} else host.strip("[]")  # noqa: S104 - compared, not bound
    lines = threading.local()

    def send(method: str, path: str, body: bytes, token: str) -> tuple[int, bytes]:
        if not hasattr(lines, "connection"):
            lines.connection = http.client.HTTPConnection(address, int(port), timeout=GIVE_UP_SECONDS)
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        try:
            lines.connection.request(method, path, body, headers)
            answer = lines.connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            lines.connection.close()
            raise

    return send
