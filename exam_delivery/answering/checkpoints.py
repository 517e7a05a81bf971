"""Copying SQLite's log into its database file, off the way of an answer.

By itself SQLite copies when a commit finds a thousand pages in the log, and whoever made that commit waits for it. Here a thread copies
without keeping any writer out. Meanwhile the log grows on, and only a log that is copied to its end is begun anew; so the little that came
meanwhile is copied in a turn of its own (`kernel.turns`), for which writers wait milliseconds. Were the log never begun anew, a commit would
copy it after all once it has `FULL_LOG_PAGES`, while all wait.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import structlog

from kernel.turns import WriteTurn

log = structlog.get_logger()
SECONDS = 1.0
LONG_LOG_PAGES = 2_048
"""From 8 MB on a log is worth a turn, so that it is begun anew."""
SHORT_REST_PAGES = 400
MAX_ROUNDS = 5
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
            with closing(self.connect(self.path)) as connection, closing(WriteTurn(self.path)) as turn:
                _copy_to_its_end(connection, turn)
        except (sqlite3.Error, OSError) as exc:
            if not self.is_in_trouble:
                with suppress(Exception):  # the log may stand on the very disk that is full
                    log.error("checkpoint_failed", exc_info=exc)
            self.is_in_trouble = True
        else:
            self.is_in_trouble = False
        return not self.is_in_trouble


def _copy_to_its_end(connection: sqlite3.Connection, turn: WriteTurn) -> None:
    """Copy beside the writers until little comes meanwhile, then the rest in a turn; while somebody else copies, leave it to them."""
    n_pages = 0
    for _ in range(MAX_ROUNDS):
        n_before, (is_hindered, n_pages) = n_pages, _copy_passively(connection)
        if is_hindered or n_pages < LONG_LOG_PAGES:
            return
        if n_pages - n_before <= SHORT_REST_PAGES:
            break
    with turn:
        _copy_passively(connection)


def _copy_passively(connection: sqlite3.Connection) -> tuple[bool, int]:
    """Return whether somebody hindered the copy, and how many pages the log had when it began."""
    is_hindered, n_pages, n_copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return bool(is_hindered) or n_copied < n_pages, n_pages
