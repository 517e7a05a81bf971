"""The one writer of a process: takes all commands that wait, one transaction, one flush, then answers each.

Self-clocking: while a transaction is being flushed the next commands gather; no timer waits for company. A batch that fails is
carried out again command by command, so that one bad row fails alone.
"""

from __future__ import annotations

import queue
import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any

import structlog

from exam_delivery.answering.commands import Command, SaveCommand, run_saves
from exam_delivery.answering.protocol import BUSY, UNAVAILABLE, Refusal
from exam_delivery.answering.storage import AttemptRow, Storage, Transaction

log = structlog.get_logger()
MAX_BATCH = 200
MAX_WAITING = 5000
Work = tuple[Command, "Future[Any]"]


class Writer:
    """Carries out commands in batches on a thread of its own."""

    def __init__(self, storage: Storage, clock: Callable[[], datetime]) -> None:
        self.storage, self.clock = storage, clock
        self.waiting: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._loop, name="answer-writer", daemon=True)
        self.thread.start()

    def submit(self, command: Command) -> Future[Any]:
        """Hand a command over; the future resolves after the commit. Raises the refusal ``busy`` when too many wait."""
        if self.waiting.qsize() >= MAX_WAITING:
            raise BUSY
        future: Future[Any] = Future()
        self.waiting.put((command, future))
        return future

    def close(self) -> None:
        """Finish what waits, then stop."""
        self.waiting.put(None)
        self.thread.join(timeout=10)

    def _loop(self) -> None:
        while True:
            batch, is_last = self._gather()
            if batch:
                self._carry_out(batch)
            if is_last:
                return

    def _gather(self) -> tuple[list[Work], bool]:
        batch: list[Work] = []
        work = self.waiting.get()
        while work is not None:
            batch.append(work)
            if len(batch) >= MAX_BATCH:
                return batch, False
            try:
                work = self.waiting.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _carry_out(self, batch: Sequence[Work]) -> None:
        try:
            outcomes = self._transact([command for command, _ in batch])
        except Exception as exc:  # noqa: BLE001 - whatever the database says, every waiting call must be answered
            log.error("answer_batch_failed", n_commands=len(batch), exc_info=exc)
            self._one_by_one(batch)
            return
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            _resolve(future, outcome)

    def _one_by_one(self, batch: Sequence[Work]) -> None:
        for command, future in batch:
            try:
                _resolve(future, self._transact([command])[0])
            except Exception as exc:  # noqa: BLE001 - this command fails alone
                log.error("answer_failed", exc_info=exc)
                _resolve(future, UNAVAILABLE)

    def _transact(self, commands: Sequence[Command]) -> list[Any]:
        """Carry out commands in one transaction; it is durable when this returns."""
        with self.storage.transaction() as tx:
            attempts = tx.lock_attempts(sorted({c.attempt_id for c in commands}, key=lambda i: i.bytes))
            at = self.clock()
            saves = [c for c in commands if isinstance(c, SaveCommand)]
            saved = iter(run_saves(tx, saves, attempts, at)) if saves else iter(())
            return [next(saved) if isinstance(c, SaveCommand) else _run(tx, c, attempts, at) for c in commands]


def _run(tx: Transaction, command: Command, attempts: dict[uuid.UUID, AttemptRow], at: datetime) -> Any:
    """Carry out one command; later commands of the batch see the attempt as it left it."""
    try:
        outcome = command.run(tx, attempts.get(command.attempt_id), at)
    except Refusal as refusal:
        return refusal
    fresh = tx.lock_attempts([command.attempt_id])
    attempts.update(fresh)
    return outcome


def _resolve(future: Future[Any], outcome: Any) -> None:
    if isinstance(outcome, Refusal):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
