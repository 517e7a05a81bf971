"""What answers leave in SQLite's log reaches the database file without any of them waiting for it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from exam_delivery.answering import checkpoints
from exam_delivery.answering.storage_sqlite import connect
from kernel.turns import WriteTurn


def until(is_so: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(2000):
        if is_so():
            return
        pause.wait(0.01)
    raise AssertionError("it never came to be so")


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(checkpoints, "SECONDS", 0.02)
    return tmp_path / "base.sqlite3"


def test_the_log_is_copied_beside_the_writer_that_never_does_it_itself(base: Path) -> None:
    writer = connect(str(base))
    writer.execute("CREATE TABLE answers (response TEXT)")
    writer.execute("BEGIN")
    writer.executemany("INSERT INTO answers VALUES (?)", [("x" * 4000,)] * 1500)
    writer.execute("COMMIT")
    assert b"x" * 400 not in base.read_bytes(), "SQLite's own thousand pages"
    copying = checkpoints.Checkpoints(str(base), connect)
    writer.execute("INSERT INTO answers VALUES ('the answer')")
    until(lambda: b"the answer" in base.read_bytes())
    copying.close()
    assert not copying.thread.is_alive()
    writer.close()


def test_a_long_log_is_begun_anew_although_somebody_writes_without_a_pause(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "LONG_LOG_PAGES", 200)
    writer, turn, is_over = connect(str(base)), WriteTurn(str(base)), threading.Event()
    writer.execute("CREATE TABLE answers (response TEXT)")

    def write() -> None:
        while not is_over.is_set():
            with turn:
                writer.execute("INSERT INTO answers VALUES (?)", ("x" * 40_000,))

    thread = threading.Thread(target=write)
    thread.start()
    log = Path(f"{base}-wal")

    def salts() -> bytes:
        return log.read_bytes()[16:24] if log.exists() else b""

    until(lambda: len(salts()) > 0)
    first, copying = salts(), checkpoints.Checkpoints(str(base), connect)
    try:
        until(lambda: salts() != first)
        assert log.stat().st_size < checkpoints.FULL_LOG_PAGES * 4096, "a commit had to copy"
    finally:
        is_over.set()
        thread.join()
        copying.close()
        turn.close()
        writer.close()


def test_a_disk_that_fails_is_asked_again(base: Path) -> None:
    writer = connect(str(base))
    writer.execute("CREATE TABLE answers (response TEXT)")
    failures = [sqlite3.OperationalError("disk I/O error"), OSError(5, "input/output error")]

    def connect_at_last(path: str) -> sqlite3.Connection:
        if failures:
            raise failures.pop()
        return connect(path)

    copying = checkpoints.Checkpoints(str(base), connect_at_last)
    writer.execute("INSERT INTO answers VALUES ('the answer')")
    until(lambda: b"the answer" in base.read_bytes() and not copying.is_in_trouble)
    assert not failures
    copying.close()
    writer.close()
