"""The one writer of a process: takes all commands that wait, one transaction, one flush, then answers each.

Self-clocking: while a transaction is being flushed the next commands gather; no timer waits for company. A batch that fails is
carried out again command by command, so that one bad row fails alone; all commands may be carried out twice without harm.
Whatever happens, every receiver is told and the thread goes on: a writer that died would leave its process deaf.
"""

from __future__ import annotations

import queue
import threading
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import structlog

from exam_delivery.answering.commands import Command, SaveCommand, StartCommand, SubmitCommand, TouchCommand, run_saves
from exam_delivery.answering.protocol import BUSY, UNAVAILABLE, RefusedError
from exam_delivery.answering.steps import Receiver
from exam_delivery.answering.storage import AttemptRow, Storage, Transaction
from kernel.disk import give_up_reserve_if_full

log = structlog.get_logger()
MAX_ROWS = 200
MAX_WAITING = 5000
MAX_FAILURES = 3
"""After so many commands in a row failed alone it is the database that fails: the rest is refused without a try."""


class Nobody:
    """Receives what nobody waits for."""

    def resolve(self, outcome: Any) -> None:
        """Forget the outcome."""


NOBODY = Nobody()
Work = tuple[Command, Receiver]


class Writer:
    """Carries out commands in batches on a thread of its own; an outcome may be a `Refusal`."""

    def __init__(self, storage: Storage, clock: Callable[[], datetime], *, max_waiting: int = MAX_WAITING) -> None:
        self.storage, self.clock, self.max_waiting = storage, clock, max_waiting
        self.is_in_trouble = False
        self.after_batch: Callable[[], None] = lambda: None
        self.waiting: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._loop, name="answer-writer", daemon=True)
        self.thread.start()

    def submit(self, command: Command, receiver: Receiver = NOBODY) -> None:
        """Hand a command over; the receiver is told after the commit. Raises the refusal ``busy`` when too many wait."""
        if self.waiting.qsize() >= self.max_waiting:
            raise RefusedError(BUSY)
        self.waiting.put((command, receiver))

    def close(self) -> None:
        """Finish what waits, then stop."""
        self.waiting.put(None)
        self.thread.join(timeout=10)

    def _loop(self) -> None:
        while True:
            batch, is_last = self._gather()
            if batch:
                for (_, receiver), outcome in zip(
                    batch, self._carry_out([command for command, _ in batch]), strict=True
                ):
                    receiver.resolve(outcome)
                with suppress(Exception):  # the server may be closing meanwhile; the writer finishes what waits
                    self.after_batch()
            if is_last:
                return

    def _gather(self) -> tuple[list[Work], bool]:
        """Wait for the first command, then take what is there already."""
        batch: list[Work] = []
        n_rows = 0
        work = self.waiting.get()
        while work is not None:
            batch.append(work)
            n_rows += len(work[0].events) if isinstance(work[0], SaveCommand) else 1
            if n_rows >= MAX_ROWS:
                return batch, False
            try:
                work = self.waiting.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _carry_out(self, commands: Sequence[Command]) -> list[Any]:
        """Return the outcome of each command; never raises."""
        try:
            outcomes = self._transact(commands)
        except Exception as exc:  # noqa: BLE001 - every failure is answered, and told by `_complain`
            self._complain(exc, commands)
            give_up_reserve_if_full(exc)  # then the same answers find room, before anybody is refused
            return self._one_by_one(commands)
        self.is_in_trouble = False
        return outcomes

    def _one_by_one(self, commands: Sequence[Command]) -> list[Any]:
        outcomes: list[Any] = [UNAVAILABLE] * len(commands)
        n_failures = 0
        for position, command in enumerate(commands):
            try:
                outcomes[position] = self._transact([command])[0]
                n_failures = 0
            except Exception as exc:  # noqa: BLE001 - the same
                self._complain(exc, [command])
                n_failures += 1
            if n_failures == MAX_FAILURES:
                break
        return outcomes

    def _complain(self, exc: Exception, commands: Sequence[Command]) -> None:
        """Log a failure: the first of a trouble whole, the others by name, so that logs do not fill what is left of a disk."""
        details: dict[str, Any] = {} if self.is_in_trouble else {"exc_info": exc}
        self.is_in_trouble = True
        with suppress(Exception):  # the log may stand on the very disk that is full
            kinds = sorted({type(command).__name__ for command in commands})
            log.error("answers_failed", n_commands=len(commands), commands=kinds, error=type(exc).__name__, **details)

    def _transact(self, commands: Sequence[Command]) -> list[Any]:
        """Carry out commands in one transaction; it is durable when this returns."""
        with self.storage.transaction() as tx:
            keys = {c.attempt_id for c in commands if c.attempt_id is not None}
            attempts = tx.lock_attempts(sorted(keys, key=lambda key: key.bytes)) if keys else {}
            saves = [c for c in commands if isinstance(c, SaveCommand)]
            saved = iter(run_saves(tx, saves, attempts)) if saves else iter(())
            if doors := [c.attempt_id for c in commands if isinstance(c, StartCommand | SubmitCommand)]:
                tx.admissions.update(tx.find_admissions(doors))
            at, stale = self.clock(), set[uuid.UUID]()
            return [next(saved) if isinstance(c, SaveCommand) else _run(tx, c, attempts, stale, at) for c in commands]


def _run(
    tx: Transaction, command: Command, attempts: dict[uuid.UUID, AttemptRow], stale: set[uuid.UUID], at: datetime
) -> Any:
    """Carry out one command; it sees its attempt as earlier commands of the batch left it."""
    key = command.attempt_id
    if key is None:
        return command.run(tx, None, at)
    if key in stale:
        attempts.update(tx.lock_attempts([key]))
    if not isinstance(command, TouchCommand):
        stale.add(key)
    return command.run(tx, attempts.get(key), at)
