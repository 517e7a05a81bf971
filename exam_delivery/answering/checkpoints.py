"""Copying SQLite's log into its database file, off the way of an answer.

By itself SQLite copies when a commit finds a thousand pages in the log, and whoever made that commit waits for it. Here a thread does
it every two seconds without keeping any writer out; only a log that grew to `FULL_LOG_PAGES` is copied by a commit after all.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

log = structlog.get_logger()
SECONDS = 2.0
FULL_LOG_PAGES = 8_192
"""32 MB of pages of 4 KB: what the log may take while answers never pause; the disk guard leaves more than that."""


class Checkpoints:
    """The thread that copies; it has a connection of its own."""

    def __init__(self, path: str, connect: Callable[[str], sqlite3.Connection]) -> None:
        self.path, self.connect = path, connect
        self.is_over = threading.Event()
        self.is_in_trouble = False
        self.thread = threading.Thread(target=self._loop, name="answer-checkpoints", daemon=True)
        self.thread.start()

    def close(self) -> None:
        """Stop; what is in the log stays there, safe, for the next one."""
        self.is_over.set()
        self.thread.join(timeout=10)

    def _loop(self) -> None:
        seen: tuple[int, int] | None = None
        while not self.is_over.wait(SECONDS):
            if (state := self._state()) != seen and self._copy():
                seen = state

    def _state(self) -> tuple[int, int] | None:
        """Return size and time of the log: as long as they stand nothing was written."""
        try:
            found = Path(f"{self.path}-wal").stat()
        except OSError:
            return None
        return found.st_size, found.st_mtime_ns

    def _copy(self) -> bool:
        """Copy what is committed; a disk that fails is told once, and asked again."""
        try:
            connection = self.connect(self.path)
            try:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            finally:
                connection.close()
        except (sqlite3.Error, OSError) as exc:
            if not self.is_in_trouble:
                with suppress(Exception):  # the log may stand on the very disk that is full
                    log.error("checkpoint_failed", exc_info=exc)
            self.is_in_trouble = True
        else:
            self.is_in_trouble = False
        return not self.is_in_trouble
