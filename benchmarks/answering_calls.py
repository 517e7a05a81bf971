"""Calls of candidates' pages as the bytes that go over a connection, and lists of them that are due evenly."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.exam_delivery.sitting_cases import Person

PREFIX = "/api/v1/exam"
PLAIN = "Host: x\r\n"
"""What HTTP needs at least; a browser's headers cost the server a little more."""
ROUTES = {
    "save": ("PUT", "responses"),
    "read": ("GET", "responses"),
    "start": ("POST", "start"),
    "submit": ("POST", "submit"),
}


@dataclass(frozen=True, slots=True)
class Call:
    """One request, and what it is for."""

    kind: str
    data: bytes


def save(person: Person, slot: int, seq: int, headers: str = PLAIN) -> Call:
    """Keep one answer."""
    body = json.dumps({"events": [{"slot": slot, "seq": seq, "response": ["ABCD"[seq % 4]], "client_time": "t"}]})
    return _of_attempt("save", person, headers, body)


def read(person: Person, headers: str = PLAIN) -> Call:
    """Read status and durable answers, as a page does every few seconds."""
    return _of_attempt("read", person, headers)


def start(person: Person, headers: str = PLAIN) -> Call:
    """Start the clock."""
    return _of_attempt("start", person, headers, "{}")


def submit(person: Person, headers: str = PLAIN) -> Call:
    """Hand in."""
    return _of_attempt("submit", person, headers, "{}")


def sign_in(person: Person, headers: str = PLAIN) -> Call:
    """Prove who it is by admission number and identity number."""
    body = json.dumps({"admission_number": person.admission_number, "id_number": person.id_number})
    return Call("sign in", _request("POST", "/sign-in", headers, body))


def _of_attempt(kind: str, person: Person, headers: str, body: str = "") -> Call:
    method, name = ROUTES[kind]
    held = f"{headers}Authorization: Bearer {person.token}\r\n"
    return Call(kind, _request(method, f"/attempts/{person.attempt_id}/{name}", held, body))


def _request(method: str, path: str, headers: str, body: str) -> bytes:
    length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    return f"{method} {PREFIX}{path} HTTP/1.1\r\n{headers}{length}\r\n{body}".encode()


def next_seq() -> int:
    """Return a number from which answers of a new phase count: above those of every phase before it."""
    return (1 << 20) + int(time.time() * 1000) % (1 << 40)


def due_saves(people: Sequence[Person], n_slots: int, rate: int, seconds: int) -> Iterator[tuple[float, Call]]:
    """Yield saves of anybody, evenly due."""
    lot, first = random.Random(rate), next_seq()
    for k in range(rate * seconds):
        yield k / rate, save(lot.choice(people), lot.randrange(n_slots) + 1, first + k)


def due_sign_ins(people: Sequence[Person], rate: float, seconds: int) -> Iterator[tuple[float, Call]]:
    """Yield sign-ins of each person in turn, evenly due."""
    for k in range(round(rate * seconds)):
        yield k / rate, sign_in(people[k % len(people)])
