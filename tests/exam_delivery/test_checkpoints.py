"""What answers leave in SQLite's log reaches the database file without any of them waiting for it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from exam_delivery.answering import checkpoints
from exam_delivery.answering.storage_sqlite import connect


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
