"""Waiting for a turn: for an outcome, and for one of a few things that many threads share."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

Thing = TypeVar("Thing")


class Ticket:
    """What a caller waits on; one lock, because a library future costs more than the rest of the way."""

    __slots__ = ("_outcome", "_pending")

    def __init__(self) -> None:
        self._outcome: Any = None
        self._pending = threading.Lock()
        self._pending.acquire()

    def resolve(self, outcome: Any) -> None:
        """Give the outcome; once."""
        self._outcome = outcome
        self._pending.release()

    def result(self, timeout: float) -> Any:
        """Return the outcome when it is there; raises TimeoutError."""
        if not self._pending.acquire(timeout=timeout):
            raise TimeoutError
        return self._outcome


class FairPool(Generic[Thing]):
    """A few things for many threads, each in its turn.

    A library queue gives a thing to whoever asks at the right moment; while others come and go, a thread that waits may wait for
    ever. Here what is given back goes to whoever has waited longest, and nobody takes it before.
    """

    def __init__(self, things: Iterable[Thing]) -> None:
        self.lock = threading.Lock()
        self.free: deque[Thing] = deque(things)
        self.waiting: deque[Ticket] = deque()

    def take(self, timeout: float) -> Thing:
        """Return a thing, the one that was used last if several are free; raises TimeoutError."""
        with self.lock:
            if self.free:
                return self.free.pop()
            ticket = Ticket()
            self.waiting.append(ticket)
        try:
            thing: Thing = ticket.result(timeout)
        except TimeoutError:
            with self.lock:
                if ticket in self.waiting:
                    self.waiting.remove(ticket)
                    raise
            thing = ticket.result(0)  # it came at the last moment
        return thing

    def give(self, thing: Thing) -> None:
        """Give a thing back."""
        with self.lock:
            if self.waiting:
                self.waiting.popleft().resolve(thing)
            else:
                self.free.append(thing)
