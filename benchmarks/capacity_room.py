"""Rooms full of candidates' pages for `benchmarks.capacity`: each has a connection of its own and calls when the player would.

What the player does is read from its files: the pause after which a silent page makes contact, the moment of its own at which it
starts and hands in, how long it waits for an answer. A page sends one call at a time. Forms were fetched, sealed, while waiting;
a start is a `start` and a reading of the durable answers, a hand-in a reading and a `submit`.
"""

from __future__ import annotations

import gc
import random
import re
import ssl
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import count
from pathlib import Path

from benchmarks.answering_calls import Call, next_seq, read, save, start, submit
from benchmarks.answering_lines import BROKEN, Exchange, Line, Waits
from benchmarks.capacity_places import HOST
from tests.exam_delivery.sitting_cases import Person
from tools.check import ROOT

PLAYER = ROOT / "exam_delivery" / "player"
BROWSER = (
    "Host: exam.example.cn\r\nConnection: keep-alive\r\n"
    'sec-ch-ua: "Chromium";v="120", "Not?A_Brand";v="8"\r\nsec-ch-ua-mobile: ?0\r\nsec-ch-ua-platform: "Windows"\r\n'
    "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36\r\n"
    "Accept: application/json\r\nAccept-Language: zh-Hans\r\nAccept-Encoding: gzip, deflate, br\r\n"
    "Origin: https://exam.example.cn\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n"
    "Referer: https://exam.example.cn/exam/\r\n"
)
MAX_IN_A_ROW = 64
"""So many calls are sent before answers are looked for again."""


def _seconds(file: str, pattern: str) -> float:
    """Return what the player's file says in milliseconds."""
    found = re.search(pattern, (PLAYER / Path(file)).read_text("utf-8"))
    if found is None:
        raise SystemExit(f"{file} of the player no longer says {pattern}")
    return int(found[1]) / 1000


HEARTBEAT = _seconds("sync.js", r"HEARTBEAT_MS = (\d+)")
START_WITHIN = _seconds("views/waiting.js", r"JITTER_MS = (\d+)")
END_WITHIN = _seconds("ending.js", r"JITTER_MS = (\d+)")
PATIENCE = {
    "start": _seconds("api.js", r"options\.timeout \|\| (\d+)"),
    "read": _seconds("api.js", r"responses: .*timeout: (\d+)"),
    "save": _seconds("api.js", r"save: .*\n.*timeout: (\d+)"),
    "submit": _seconds("api.js", r"submit: .*timeout: (\d+)"),
}
LONGEST = 2 * max(PATIENCE.values())
PREPARATION = 1.0
"""Seconds in which all first calls of the work are made ready: those made in time only are sent when they are due."""


@dataclass(eq=False, slots=True)
class Page:
    """The page of one candidate: when it last had an answer, and when the next change will be sent."""

    person: Person
    contact: float = 0.0
    next_save: float = 0.0


@dataclass(slots=True)
class Phase:
    """What came of one part of the exam; `late` is the generator's own lateness in sending, a sign that it is the limit."""

    waits: Waits = field(default_factory=Waits)
    seconds: float = 0.0
    late: list[float] = field(default_factory=list)

    @property
    def late_ms(self) -> float:
        """Milliseconds by which 99 in a hundred calls were not sent too late."""
        return sorted(self.late)[int(len(self.late) * 0.99)] * 1000 if self.late else 0.0

    @property
    def n_calls(self) -> int:
        """How many calls were made."""
        return sum(map(len, self.waits.seconds.values()))

    def unanswered(self, lines: Iterable[Line]) -> None:
        """Take down calls that nobody waits for any more."""
        for line in lines:
            self.waits.note(line.call.kind, LONGEST, BROKEN)

    @property
    def failures(self) -> list[str]:
        """What failed, each with its kind of call."""
        return [f"{kind} {what}" for kind, several in self.waits.failures.items() for what in several]


Follow = Callable[[Page, str, float], tuple[float, Call] | None]
Agenda = list[tuple[float, int, Page, Call]]


class Doors:
    """Connections through TLS, one for each candidate, kept from one step to the next."""

    def __init__(self, port: int, trust: ssl.SSLContext) -> None:
        self.port, self.trust, self.exchange = port, trust, Exchange()
        self.lines: dict[uuid.UUID, Line] = {}

    def line_of(self, person: Person) -> Line:
        """Return a candidate's connection; raises OSError when there is none to be had."""
        if person.attempt_id not in self.lines:
            line = self.lines[person.attempt_id] = Line(HOST, self.port, self.trust)
            self.exchange.add(line)
        return self.lines[person.attempt_id]

    def close(self) -> None:
        """Hang up on all, and begin with none."""
        self.exchange.close()
        self.exchange, self.lines = Exchange(), {}


class Room:
    """Everybody who sits at once."""

    def __init__(self, doors: Doors, people: Sequence[Person], n_slots: int) -> None:
        self.exchange, self.n_slots = doors.exchange, n_slots
        self.lines: dict[Page, Line] = {}
        for person in people:
            with suppress(OSError):  # whoever is not let in is missing in `n_connected`
                self.lines[Page(person)] = doors.line_of(person)
        self.pages = {line: page for page, line in self.lines.items()}
        self.lot, self.seqs = random.Random(1), count(next_seq())

    @property
    def n_connected(self) -> int:
        """How many got a connection."""
        return len(self.lines)

    def start(self) -> Phase:
        """Have everybody start when the time has come."""
        first = [(self.lot.uniform(0, START_WITHIN), page, start(page.person, BROWSER)) for page in self.lines]
        return self._run(first, lambda page, kind, at: (at, read(page.person, BROWSER)) if kind == "start" else None)

    def hand_in(self) -> Phase:
        """Have everybody's time run out."""
        first = [(self.lot.uniform(0, END_WITHIN), page, read(page.person, BROWSER)) for page in self.lines]
        return self._run(first, lambda page, kind, at: (at, submit(page.person, BROWSER)) if kind == "read" else None)

    def work(self, seconds: float, pause: float) -> Phase:
        """Have everybody work: a change about every `pause` seconds, and contact whenever there was none for long."""
        began = time.perf_counter() + PREPARATION
        for page in self.lines:
            page.contact, page.next_save = began - self.lot.uniform(0, HEARTBEAT), began + self.lot.uniform(0, pause)

        def follow(page: Page, kind: str, at: float) -> tuple[float, Call] | None:
            page.contact = at
            if kind == "save":
                page.next_save = at + pause * self.lot.uniform(0.5, 1.5)
            due, call = self._next(page)
            return (due, call) if due < began + seconds else None

        calls = ((*self._next(page), page) for page in self.lines)
        first = [(due - began, page, call) for due, call, page in calls if due < began + seconds]
        return self._run(first, follow, began)

    def _next(self, page: Page) -> tuple[float, Call]:
        """Return what a page does next: send its next change, or make contact before that."""
        if page.next_save <= page.contact + HEARTBEAT:
            return page.next_save, save(page.person, self.lot.randrange(self.n_slots) + 1, next(self.seqs), BROWSER)
        return page.contact + HEARTBEAT, read(page.person, BROWSER)

    def _run(self, first: Sequence[tuple[float, Page, Call]], follow: Follow, began: float = 0.0) -> Phase:
        """Send the first calls so long after the beginning, which is now unless it is told, and after each answer what follows it."""
        with without_collections():
            phase, order = Phase(), count()
            began = began or time.perf_counter()
            agenda: Agenda = [(began + after, next(order), page, call) for after, page, call in first]
            heapify(agenda)
            under_way, heard = set[Line](), time.perf_counter()
            while agenda or under_way:
                under_way.update(self._send(agenda, phase))
                pause = agenda[0][0] - time.perf_counter() if agenda else 1.0
                for line in self.exchange.answers(pause):
                    heard, page, kind = time.perf_counter(), self.pages[line], line.call.kind
                    under_way.discard(line)
                    phase.waits.note(kind, heard - line.due, line.status, PATIENCE[kind])
                    if then := follow(page, kind, heard):
                        heappush(agenda, (then[0], next(order), page, then[1]))
                if under_way and time.perf_counter() - heard > LONGEST:
                    phase.unanswered(under_way)
                    break
            phase.seconds = time.perf_counter() - began
        return phase

    def _send(self, agenda: Agenda, phase: Phase) -> Iterator[Line]:
        """Send what is due by now, not all of a storm at once; yield the lines."""
        for _ in range(MAX_IN_A_ROW):
            moment = time.perf_counter()
            if not agenda or agenda[0][0] > moment:
                return
            due, _, page, call = heappop(agenda)
            phase.late.append(moment - due)
            self.exchange.send(self.lines[page], due, call)
            yield self.lines[page]


@contextmanager
def without_collections() -> Iterator[None]:
    """Keep the garbage collection of ten thousand connections from looking like waits of the server."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()
