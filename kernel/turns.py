"""Whose turn it is to write to the embedded database: every writer of a site takes it, staff pages and answers alike.

SQLite knows one writer at a time and lets the others look again and again; whoever looks at the wrong moments waits for ever, or
gives up with "database is locked". So writers queue at two lock files that the kernel guards, before they begin. The first is a
gate: who stands in it is next. It keeps a writer that has just finished from taking the second one again before those who wait,
so nobody waits longer than the transactions of those who stood there first. A process that dies leaves both at once.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy import Connection, Engine

from kernel.clock import monotonic

log = structlog.get_logger()
LONG_SECONDS = 5.0
"""While one writes all others wait, candidates' answers too: a transaction that took longer is named in the log."""


class WriteTurn:
    """One writer's place in the queue; a thread must not share it with another, and a fork must not inherit it."""

    def __init__(self, database: str) -> None:
        self.files = [_open(f"{database}.{name}") for name in ("gate", "lock")]

    def __enter__(self) -> Self:
        """Wait for the turn."""
        gate, lock = self.files
        fcntl.flock(gate, fcntl.LOCK_EX)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        finally:
            fcntl.flock(gate, fcntl.LOCK_UN)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the next one write."""
        fcntl.flock(self.files[1], fcntl.LOCK_UN)

    def close(self) -> None:
        """Leave the queue for good."""
        while self.files:
            os.close(self.files.pop())


class _OneTurn(WriteTurn):
    """A place that is given up after one turn."""

    def __enter__(self) -> Self:
        """Wait for the turn."""
        super().__enter__()
        self.began = monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the next one write, and go."""
        self.close()
        if (seconds := monotonic() - self.began) >= LONG_SECONDS:
            log.warning("others_waited_to_write", seconds=round(seconds, 1))


def one_turn(bind: Engine | Connection) -> AbstractContextManager[object]:
    """Return the turn that one transaction on this engine needs: none on PostgreSQL, and none inside another's transaction."""
    if not isinstance(bind, Engine) or bind.dialect.name != "sqlite" or not bind.url.database:
        return nullcontext()
    return _OneTurn(bind.url.database)


def _open(path: str) -> int:
    """Open a lock file so that every user of the machine who may read the folder can take part."""
    return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
