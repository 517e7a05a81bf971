"""Clients that speak the real protocol over real connections, as the player does, and write down what they did and saw."""

from __future__ import annotations

import base64
import http.client
import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from tests.chaos.history import OK, REFUSED, UNKNOWN, Call, Event
from tests.exam_delivery.sitting_cases import N_SLOTS, Person

TIMEOUT = 40
SIZES = (10, 20, 40, 60, 100)
"""How many answers a call holds where many are sent at once; the protocol takes up to 300."""
Outcome = tuple[str, str, dict[str, Any]]


class Device:
    """One device of one candidate."""

    def __init__(self, port: int, person: Person, history: list[Call], name: str = "first") -> None:
        self.port, self.person, self.history, self.name = port, person, history, name
        self.connection: http.client.HTTPConnection | None = None
        self.token, self.generation, self.seq = "", 0, 0
        self.outbox: dict[int, Event] = {}
        self.n_slots, self.n_acknowledged = N_SLOTS, 0
        self.longest_pause = 0.3

    def call(self, kind: str, body: Any = None, *, events: Sequence[Event] = (), lose: bool = False) -> Outcome:
        """Make one call and write it down; `lose` cuts the line before the answer is read."""
        began, generation = time.monotonic(), self.generation
        outcome, code, answer = self._exchange(kind, body, lose=lose)
        if kind == "sign_in" and outcome == OK:
            self.token = answer["token"]
            generation = self.generation = generation_of(self.token)
        key = str(self.person.attempt_id)
        self.history.append(
            Call(key, self.name, generation, kind, began, time.monotonic(), outcome, code, tuple(events), answer)
        )
        return outcome, code, answer

    def _exchange(self, kind: str, body: Any, *, lose: bool) -> Outcome:
        try:
            self._send(kind, body)
            if lose:
                self.close()
                return UNKNOWN, "lost", {}
            response = self._connected().getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return UNKNOWN, "cut", {}
        if not content.endswith(b"}"):  # cut within the head, which Python takes for an answer without a body
            self.close()
            return UNKNOWN, "cut", {}
        answer: dict[str, Any] = json.loads(content)
        if response.status == 200:
            return OK, "", answer
        return (UNKNOWN if response.status >= 500 else REFUSED), str(answer["error"]), answer

    def _send(self, kind: str, body: Any) -> None:
        method, path = METHODS[kind]
        address = path if kind == "sign_in" else f"attempts/{self.person.attempt_id}/{path}"
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}", "User-Agent": self.name}
        data = None if body is None else json.dumps(body)
        self._connected().request(method, f"/api/v1/exam/{address}", data, headers)

    def _connected(self) -> http.client.HTTPConnection:
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        return self.connection

    def close(self) -> None:
        if self.connection:
            self.connection.close()
        self.connection = None

    def insist(self, act: Callable[[], Outcome], stopping: threading.Event | None = None) -> Outcome:
        """Repeat an act while its fate is unknown, as the player does; longer pauses the longer it lasts."""
        end, pause = time.monotonic() + 120, 0.01
        while True:
            outcome = act()
            if outcome[0] != UNKNOWN or (stopping and stopping.is_set()):
                return outcome
            assert time.monotonic() < end, f"{self.name} was never answered: {outcome[1]}"
            time.sleep(pause)
            pause = min(pause * 2, self.longest_pause)

    def sign_in(self) -> Outcome:
        person = self.person
        return self.call("sign_in", {"admission_number": person.admission_number, "id_number": person.id_number})

    def enter(self) -> None:
        """Sign in, start, and go on from what the server has."""
        outcome = self.insist(self.sign_in)
        assert outcome[0] == OK, outcome
        self.seq = max(self.seq, outcome[2]["first_seq"])
        self.insist(lambda: self.call("start", {}))
        self.insist(self.read)

    def read(self) -> Outcome:
        outcome = self.call("read")
        if outcome[0] == OK:
            durable = {int(slot): state["seq"] for slot, state in outcome[2]["responses"].items()}
            self._settle(durable)
            self.seq = max([self.seq, *durable.values()])
        return outcome

    def answer(self, slot: int, response: Any) -> None:
        """Change an answer: into the outbox first."""
        self.seq += 1
        self.outbox[slot] = Event(slot, self.seq, response)

    def send(self, *, lose: bool = False, events: Sequence[Event] | None = None) -> Outcome:
        """Send what waits; what is acknowledged leaves the outbox."""
        batch = list(self.outbox.values()) if events is None else list(events)
        if not batch:
            return OK, "", {}
        rows = [{"slot": e.slot, "seq": e.seq, "response": e.response, "client_time": ""} for e in batch]
        outcome = self.call("save", {"events": rows}, events=batch, lose=lose)
        if outcome[0] == OK:
            self.n_acknowledged += len(batch)
            self._settle({int(slot): seq for slot, seq in outcome[2]["acknowledged"].items()})
        return outcome

    def _settle(self, durable: dict[int, int]) -> None:
        for slot, seq in durable.items():
            if slot in self.outbox and self.outbox[slot].seq <= seq:
                del self.outbox[slot]

    def submit(self) -> Outcome:
        return self.call("submit", {})


METHODS = {
    "sign_in": ("POST", "sign-in"), "start": ("POST", "start"), "save": ("PUT", "responses"), "read": ("GET", "responses"),
    "submit": ("POST", "submit"), "form": ("GET", "form"),
}  # fmt: skip


def generation_of(token: str) -> int:
    """Return the number of the holder that a token names."""
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    return int.from_bytes(raw[16:20], "big")


def sit_steadily(device: Device, stopping: threading.Event, _chance: random.Random) -> None:
    """Answer one slot after the other until told to stop, never leaving one behind."""
    device.enter()
    k = 0
    while not stopping.is_set():
        k += 1
        device.answer(k % N_SLOTS + 1, [f"{device.person.admission_number}-{k}"])
        outcome = device.insist(device.send)
        assert outcome[0] != REFUSED, outcome


def sit_in_bulk(device: Device, stopping: threading.Event, chance: random.Random) -> None:
    """Send answers in calls of ten to a hundred, as a page does after an outage, several to an item; never leave one behind."""
    device.enter()
    while not stopping.is_set():
        batch = []
        for _ in range(chance.choice(SIZES)):
            device.seq += 1
            batch.append(Event(1 + int(chance.random() * device.n_slots), device.seq, [f"{device.seq}"]))
        outcome = device.insist(partial(device.send, events=batch))
        assert outcome[0] != REFUSED, outcome
        if chance.random() < 0.01:
            device.insist(device.read)


def sit_at_random(device: Device, stopping: threading.Event, chance: random.Random) -> None:
    """Do what candidates and broken lines do, in any order: change, send, lose the answer, repeat, read, sign in again, hand in."""
    device.enter()
    sent: list[Event] = []
    while not stopping.is_set():
        outcome = _random_step(device, sent, chance)
        if outcome[1] in ("attempt_closed", "too_late"):
            return
        if outcome[1] == "attempt_taken_over":  # the older page stops, or somebody signs in there again
            if chance.random() < 0.5:
                return
            stopping.wait(chance.random())
            device.enter()
        elif outcome[0] == UNKNOWN:
            stopping.wait(0.02)
    if chance.random() < 0.5 and device.insist(device.send)[0] == OK:
        device.insist(device.submit)
        device.insist(device.submit)


def _random_step(device: Device, sent: list[Event], chance: random.Random) -> Outcome:
    dice = chance.random()
    if dice < 0.75:
        for slot in chance.sample(range(1, N_SLOTS + 1), chance.randint(1, 3)):
            device.answer(slot, chance.choice([["A"], ["B", "C"], [""], [f"{device.name} {device.seq}"]]))
        sent.extend(device.outbox.values())
        return device.send(lose=dice < 0.1)
    if dice < 0.83 and sent:
        return device.send(events=chance.sample(sent, min(len(sent), 4)))  # an old parcel arrives again, and late
    if dice < 0.93:
        return device.read()
    if dice < 0.95:
        device.enter()
    time.sleep(chance.random() * 0.05)
    return OK, "", {}


class Crowd:
    """Many devices at once, each on a thread; what goes wrong in one is told at the end."""

    def __init__(self, devices: Sequence[Device], act: Callable[..., None] = sit_steadily, seed: int = 1) -> None:
        self.devices, self.stopping = devices, threading.Event()
        self.errors: list[str] = []
        self.threads = [
            threading.Thread(target=self._sit, args=(device, act, random.Random(f"{seed}-{k}")), daemon=True)
            for k, device in enumerate(devices)
        ]

    def _sit(self, device: Device, act: Callable[..., None], chance: random.Random) -> None:
        try:
            act(device, self.stopping, chance)
        except Exception as exc:  # noqa: BLE001 - whatever it is, it is a finding
            self.errors.append(f"{device.name}: {type(exc).__name__}: {exc}")
        finally:
            with suppress(OSError):
                device.close()

    def begin(self) -> Crowd:
        for thread in self.threads:
            thread.start()
        return self

    def n_acknowledged(self) -> int:
        """Return the number of answers that were acknowledged so far."""
        return sum(device.n_acknowledged for device in self.devices)

    def wait_for_progress(self, n: int = 20, seconds: float = 120) -> None:
        """Wait until so many more answers were acknowledged, in whatever time that takes."""
        goal, end = self.n_acknowledged() + n, time.monotonic() + seconds
        while self.n_acknowledged() < goal and any(thread.is_alive() for thread in self.threads):
            assert time.monotonic() < end, "no answer was acknowledged any more"
            time.sleep(0.01)

    def finish(self) -> None:
        """Let everybody come to an end."""
        self.stopping.set()
        for thread in self.threads:
            thread.join(150)
            if thread.is_alive():
                self.errors.append(f"{thread.name} never ended")
