"""What a call leaves to another thread: the writer's commit, or the reader's look into the database.

A call that waits in a thread of its own simply waits. A call that came in by a direct line (`serving`) gives its place up meanwhile,
so that one thread serves hundreds of candidates and nobody has to be woken one by one.
"""

from __future__ import annotations

import queue
import threading
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import structlog

from exam_delivery.answering.commands import Command
from exam_delivery.answering.protocol import UNAVAILABLE
from exam_delivery.answering.requests import Answer
from exam_delivery.answering.storage import Storage

log = structlog.get_logger()
MAX_READINGS = 64


@dataclass(frozen=True, slots=True)
class Reading:
    """An attempt to be read, with its form or with its durable answers."""

    attempt_id: uuid.UUID
    is_form: bool


@dataclass(frozen=True, slots=True)
class Step:
    """Work for another thread, and what the call makes of its outcome: the answer, or one more step."""

    work: Command | Reading
    finish: Callable[[Any], Answer | Step]


class Receiver(Protocol):
    """Whoever waits for an outcome; it is told on the thread that has it."""

    def resolve(self, outcome: Any) -> None:
        """Take the outcome; once."""
        ...


def read(storage: Storage, readings: Sequence[Reading]) -> list[Any]:
    """Return (attempt, form) or (attempt, answers) of each reading, None where there is no such attempt."""
    forms = [reading.attempt_id for reading in readings if reading.is_form]
    answers = [reading.attempt_id for reading in readings if not reading.is_form]
    found = storage.find_forms(forms) if forms else {}
    durable = storage.find_durable(answers) if answers else {}
    return [(found if reading.is_form else durable).get(reading.attempt_id) for reading in readings]


Wanted: TypeAlias = "tuple[Reading, Receiver]"


class Reader:
    """Reads for all who wait at that moment by one question to the database, on a thread of its own."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.after_batch: Callable[[], None] = lambda: None
        self.waiting: queue.SimpleQueue[Wanted | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._loop, name="answer-reader", daemon=True)
        self.thread.start()

    def submit(self, reading: Reading, receiver: Receiver) -> None:
        """Hand a reading over; the receiver is told what was found, or a refusal."""
        self.waiting.put((reading, receiver))

    def close(self) -> None:
        """Finish what waits, then stop."""
        self.waiting.put(None)
        self.thread.join(timeout=10)

    def _loop(self) -> None:
        while (first := self.waiting.get()) is not None:
            batch = [first]
            while len(batch) < MAX_READINGS and not self.waiting.empty():
                following = self.waiting.get()
                if following is None:
                    self.waiting.put(None)
                    break
                batch.append(following)
            self._tell(batch)

    def _tell(self, batch: Sequence[Wanted]) -> None:
        try:
            outcomes = read(self.storage, [reading for reading, _ in batch])
        except Exception as exc:
            log.error("answers_not_read", n_readings=len(batch), exc_info=exc)
            outcomes = [UNAVAILABLE] * len(batch)
        for (_, receiver), outcome in zip(batch, outcomes, strict=True):
            receiver.resolve(outcome)
        with suppress(Exception):  # the server may be closing meanwhile
            self.after_batch()
