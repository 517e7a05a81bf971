"""How long a backup keeps an answer waiting: one durable row after the other, alone and while the database is copied.

python -m benchmarks.backup_stall --megabytes 200
"""

from __future__ import annotations

import argparse
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from exam_delivery.answering.storage_sqlite import connect
from kernel.clock import monotonic
from kernel.settings import Settings
from web.backup.databases import dump

ROW_BYTES = 4000
PAUSE_SECONDS = 0.002
QUIET_SECONDS = 3.0


def main() -> None:
    """Print the waits of a quiet time, of a copy, and of a quiet time again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=200)
    megabytes = parser.parse_args().megabytes
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder / "kaoku.sqlite3", megabytes)
        settings = Settings(instance_dir=folder, database_url=f"sqlite:///{folder / 'kaoku.sqlite3'}")
        quiet = threading.Event()
        print(f"{megabytes} MB; milliseconds a durable row waits")
        for title, work in (
            ("quiet", lambda: quiet.wait(QUIET_SECONDS)),
            ("backup", lambda: dump(settings, folder)),
            ("quiet", lambda: quiet.wait(QUIET_SECONDS)),
        ):
            seconds, waits = measure(folder / "kaoku.sqlite3", work)
            print(
                f"{title:7} {seconds:6.2f} s  {len(waits):5} rows  p50 {waits[len(waits) // 2]:6.1f}  "
                f"p99 {waits[int(len(waits) * 0.99)]:6.1f}  max {waits[-1]:6.1f}"
            )


def fill(file: Path, megabytes: int) -> None:
    """Make a database of a size."""
    connection = connect(str(file))
    connection.execute("CREATE TABLE content (body BLOB)")
    connection.execute("CREATE TABLE answers (n INTEGER PRIMARY KEY, body TEXT)")
    connection.execute("BEGIN")
    for _ in range(megabytes * 1_000_000 // ROW_BYTES):
        connection.execute("INSERT INTO content VALUES (randomblob(?))", (ROW_BYTES,))
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def measure(file: Path, work: Callable[[], object]) -> tuple[float, list[float]]:
    """Write rows until the work is done; return its seconds and the sorted waits in milliseconds."""
    waits: list[float] = []
    done = threading.Event()

    def write() -> None:
        connection = connect(str(file))
        while not done.wait(PAUSE_SECONDS):
            started = monotonic()
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO answers (body) VALUES ('B')")
            connection.execute("COMMIT")
            waits.append((monotonic() - started) * 1000)
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    started = monotonic()
    work()
    seconds = monotonic() - started
    done.set()
    writer.join()
    return seconds, sorted(waits)


if __name__ == "__main__":
    main()
