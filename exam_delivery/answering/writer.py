"""The writer of a process: takes all commands that wait, one transaction, one flush, then answers each.

Self-clocking: while a transaction is being flushed the next commands gather; no timer waits for company. They are taken when the
transaction has begun: who waited for another process to finish takes along what came meanwhile. Where the database flushes several
transactions side by side (`Storage.n_writers`), the next batch is carried out while one is being flushed, once it is worth it: batches
are made one after the other, by whichever thread has the turn, and only their flushes overlap. A batch that fails is
carried out again command by command, so that one bad row fails alone; all commands may be carried out twice without harm.
Whatever happens, every receiver is told and the threads go on: a writer that died would leave its process deaf.
"""

from __future__ import annotations

import queue
import threading
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from datetime import datetime
from typing import Any

import structlog

from exam_delivery.answering.commands import (
    Command,
    SaveCommand,
    StartCommand,
    SubmitCommand,
    TouchCommand,
    run_saves,
    slots_of,
)
from exam_delivery.answering.protocol import BUSY, UNAVAILABLE, RefusedError
from exam_delivery.answering.steps import Receiver
from exam_delivery.answering.storage import AttemptRow, Storage, Transaction
from kernel.disk import give_up_reserve_if_full

log = structlog.get_logger()
MAX_ROWS = 200
WORTH_ROWS = 64
"""With fewer rows a batch waits for the flush of the one before: what a transaction costs of its own would cost more than the wait."""
MAX_WAITING = 5000
MAX_FAILURES = 3
"""After so many commands in a row failed alone it is the database that fails: the rest is refused without a try."""


class Nobody:
    """Receives what nobody waits for."""

    def resolve(self, outcome: Any) -> None:
        """Forget the outcome."""


NOBODY = Nobody()
Work = tuple[Command, Receiver]


class Flushed:
    """Stands among the commands where a batch has been flushed, for the thread that waits for it there."""


FLUSHED = Flushed()


class Writer:
    """Carries out commands in batches on threads of its own; an outcome may be a `Refusal`."""

    def __init__(self, storage: Storage, clock: Callable[[], datetime], *, max_waiting: int = MAX_WAITING) -> None:
        self.storage, self.clock, self.max_waiting = storage, clock, max_waiting
        self.is_in_trouble = False
        self.after_batch: Callable[[], None] = lambda: None
        self.waiting: queue.SimpleQueue[Work | Flushed | None] = queue.SimpleQueue()
        self.turn = threading.Lock()
        self.flushing: set[int] = set()
        self.threads = [
            threading.Thread(target=self._loop, name=f"answer-writer-{n}", daemon=True)
            for n in range(storage.n_writers)
        ]
        for thread in self.threads:
            thread.start()

    def submit(self, command: Command, receiver: Receiver = NOBODY) -> None:
        """Hand a command over; the receiver is told after the commit. Raises the refusal ``busy`` when too many wait."""
        if self.waiting.qsize() >= self.max_waiting:
            raise RefusedError(BUSY)
        self.waiting.put((command, receiver))

    def close(self) -> None:
        """Finish what waits, then stop."""
        self.waiting.put(None)
        for thread in self.threads:
            thread.join(timeout=10)

    def _loop(self) -> None:
        me = threading.get_ident()
        while True:
            with ExitStack() as turn:
                turn.enter_context(self.turn)
                batch = self._await_batch()
                if not batch:
                    return
                turn.callback(self.flushing.add, me)
                outcomes = self._carry_out(batch, turn)
            self.flushing.discard(me)
            self.waiting.put(FLUSHED)
            for (_, receiver), outcome in zip(batch, outcomes, strict=True):
                receiver.resolve(outcome)
            with suppress(Exception):  # the server may be closing meanwhile; the writer finishes what waits
                self.after_batch()

    def _await_batch(self) -> list[Work]:
        """Wait for a command, or for many while another batch is being flushed; return none when no more will come."""
        batch: list[Work] = []
        self._take(batch, lambda n_rows: bool(batch) and (not self.flushing or n_rows >= WORTH_ROWS), waits=True)
        return batch

    def _gather(self, batch: list[Work]) -> None:
        """Add what waits by now to the batch."""
        self._take(batch, lambda n_rows: n_rows >= MAX_ROWS, waits=False)

    def _take(self, batch: list[Work], is_enough: Callable[[int], bool], *, waits: bool) -> None:
        """Move commands to the batch until its rows are enough, no more will come, or there are none to wait for."""
        n_rows = sum(map(_n_rows, batch))
        with suppress(queue.Empty):
            while not is_enough(n_rows):
                work = self.waiting.get(block=waits)
                if work is None:
                    self.waiting.put(None)  # for whoever has the next turn
                    return
                if not isinstance(work, Flushed):
                    batch.append(work)
                    n_rows += _n_rows(work)

    def _carry_out(self, batch: list[Work], turn: ExitStack) -> list[Any]:
        """Carry out a batch, with what came until its transaction began, and return the outcome of each; never raises.

        Its turn ends before its flush.
        """
        has_begun = False
        try:
            with self.storage.transaction() as tx:
                has_begun = True
                self._gather(batch)
                outcomes = self._transact(tx, [command for command, _ in batch])
                turn.close()
        except Exception as exc:  # noqa: BLE001 - every failure is answered, and told by `_complain`
            if not has_begun:  # a database that is away costs all that wait one patience, not one each
                self._gather(batch)
            commands = [command for command, _ in batch]
            self._complain(exc, commands)
            give_up_reserve_if_full(exc)  # then the same answers find room, before anybody is refused
            outcomes = self._one_by_one(commands)
        else:
            self.is_in_trouble = False
        return outcomes

    def _one_by_one(self, commands: Sequence[Command]) -> list[Any]:
        outcomes: list[Any] = [UNAVAILABLE] * len(commands)
        n_failures = 0
        for position, command in enumerate(commands):
            try:
                with self.storage.transaction() as tx:
                    alone = self._transact(tx, [command])
                outcomes[position] = alone[0]
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

    def _transact(self, tx: Transaction, commands: Sequence[Command]) -> list[Any]:
        """Carry out commands; they are durable when their transaction has ended."""
        keys = {c.attempt_id for c in commands if c.attempt_id is not None}
        saves = [c for c in commands if isinstance(c, SaveCommand)]
        attempts = tx.lock_attempts(sorted(keys, key=lambda key: key.int), slots_of(saves)) if keys else {}
        saved = iter(run_saves(tx, saves, attempts)) if saves else iter(())
        if doors := [c.attempt_id for c in commands if isinstance(c, StartCommand | SubmitCommand)]:
            tx.foresee(doors, [c.attempt_id for c in commands if isinstance(c, SubmitCommand)])
        at, stale = self.clock(), set[uuid.UUID]()
        return [next(saved) if isinstance(c, SaveCommand) else _run(tx, c, attempts, stale, at) for c in commands]


def _n_rows(work: Work) -> int:
    command = work[0]
    return len(command.events) if isinstance(command, SaveCommand) else 1


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
