"""The disk is full, slow, or fails at any one of its calls."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import text

from tests.chaos.clients import Crowd, Device, sit_in_bulk
from tests.chaos.disk import FAIL_FOR, FAIL_IN, IS_FULL, N_CALLS, N_FAILED, SYNC_DELAY_MS
from tests.chaos.history import OK, UNKNOWN, Call
from tests.chaos.matrix import (
    N_BULK_SLOTS,
    POSTGRESQL,
    SQLITE,
    Bench,
    Evidence,
    conclude,
    fault,
    site_under_load,
    under_load,
)
from tests.chaos.sites import Cluster, Site, give_to_postgresql, new_database, serving, wait_for

SLOW_MS = 200
CANNOT_MOUNT = "no file system may be mounted here: run as root, in a container with CAP_SYS_ADMIN"
TABLES_MEGABYTES, LOG_MEGABYTES = 200, 24
SMALL_LOG = "-c max_wal_size=8MB -c min_wal_size=2MB -c wal_recycle=off"
"""PostgreSQL's log in files of one megabyte, none of them used again: it soon needs room for another."""


@fault(
    "F4", "the disk takes nothing more, then it does again",
    "no answer is called saved that is not; reading goes on; the file is sound; saving goes on by itself", short=2, long=40,
    engines=[SQLITE],
)  # fmt: skip
def disk_full(bench: Bench, tries: int) -> Evidence:
    with site_under_load(bench, n=6) as (site, crowd, evidence):
        for _ in range(tries):
            _fill(site, crowd, evidence)
    evidence.demand(evidence.figures["unanswered"] > 0, "the full disk reached no candidate")
    return evidence


def _fill(site: Site, crowd: Crowd, evidence: Evidence) -> None:
    crowd.wait_for_progress(10)
    before = site.control[N_FAILED]
    site.control[IS_FULL] = 1
    wait_for(lambda: site.control[N_FAILED] > before + 3, what="refused writes")
    reader = crowd.devices[0]
    onlooker = Device(site.port, reader.person, [])
    onlooker.token = reader.token
    evidence.demand(onlooker.read()[0] == OK, "answers could not be read while the disk was full")
    onlooker.close()
    site.control[IS_FULL] = 0


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path | None]:
    """Mount a small file system of its own where that is allowed; otherwise give None."""
    with tempfile.TemporaryDirectory(prefix="kaoku-small-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        place = Path(name) / "small"
        place.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
        is_mounted = (
            shutil.which("mount") is not None and not subprocess.run(mount, check=False, capture_output=True).returncode
        )
        try:
            yield place if is_mounted else None
        finally:
            if is_mounted:
                subprocess.run(["umount", "-l", str(place)], check=True)


@fault(
    "F4b", "a file system of a few megabytes is really filled (where one may be mounted)",
    "as F4", short=1, long=10, engines=[SQLITE],
)  # fmt: skip
def small_disk_full(bench: Bench, tries: int) -> Evidence:
    evidence = Evidence()
    with small_disk(12) as place:
        if place is None:
            evidence.impossible = CANNOT_MOUNT
            return evidence
        with (
            serving(bench.folder, f"sqlite:///{place / 'site.sqlite3'}", n=6) as site,
            under_load(site, evidence, n=6, seed=bench.seed) as crowd,
        ):
            for _ in range(tries):
                with filled(place) as fill:
                    _wait_until_somebody_is_told(crowd, fill)
    evidence.demand(evidence.figures["unanswered"] > 0, "the full disk reached no candidate")
    return evidence


@contextmanager
def filled(place: Path) -> Iterator[Callable[[], None]]:
    """Take the last byte of a file system for the length of a block; give what takes those that become free meanwhile."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:

        def fill() -> None:
            with suppress(OSError):
                while True:
                    file.write(bytes(4096))

        fill()
        try:
            yield fill
        finally:
            filler.unlink()


def _wait_until_somebody_is_told(crowd: Crowd, fill: Callable[[], None]) -> None:
    """Wait until a call ended without an acknowledgement; leave no room until then."""
    history = crowd.devices[0].history
    before = len(history)

    def is_told() -> bool:
        fill()
        return any(call.outcome == UNKNOWN for call in history[before:])

    wait_for(is_told, what="a full disk")


@fault(
    "F4c", "PostgreSQL's file systems are really filled: that of its tables, then that of its log, where it ends itself",
    "no answer is called saved that is not; once there is room and it runs again, saving goes on by itself",
    short=1, long=40, engines=[POSTGRESQL],
)  # fmt: skip
def postgresql_disk_full(bench: Bench, tries: int) -> Evidence:
    """The log and the tables are filled in turn, each on a file system of its own."""
    evidence = Evidence()
    with small_disk(TABLES_MEGABYTES) as tables, small_disk(LOG_MEGABYTES) as wal:
        if tables is None or wal is None:
            evidence.impossible = CANNOT_MOUNT
            return evidence
        give_to_postgresql(wal)
        (wal / "log").mkdir()
        give_to_postgresql(wal / "log")
        cluster = Cluster(tables, options=SMALL_LOG, preparation=["--wal-segsize=1", f"--waldir={wal / 'log'}"])
        try:
            with (
                serving(bench.folder, new_database(cluster.url, "small"), n=6, n_slots=N_BULK_SLOTS) as site,
                under_load(site, evidence, n=6, act=sit_in_bulk, seed=bench.seed) as crowd,
            ):
                for k in range(tries):
                    _fill_postgresql(cluster, crowd, evidence, tables if k % 2 else wal, is_log=k % 2 == 0)
                site.engine.dispose()  # the connections of the test died too
        finally:
            cluster.close()
    evidence.demand(evidence.figures["unanswered"] > 0, "the full disk reached no candidate")
    return evidence


def _fill_postgresql(cluster: Cluster, crowd: Crowd, evidence: Evidence, place: Path, *, is_log: bool) -> None:
    crowd.wait_for_progress(50)
    n_ends = cluster.n_panics()
    with filled(place) as fill:
        if is_log:
            wait_for(lambda: _has_ended(cluster, fill, n_ends), what="the end of PostgreSQL")
        _wait_until_somebody_is_told(crowd, fill)
    began = time.monotonic()
    if not cluster.is_running():
        cluster.start()
    crowd.wait_for_progress(1)
    evidence.note(longest_outage_ms=round(1000 * (time.monotonic() - began)), ended_itself=cluster.n_panics() - n_ends)


def _has_ended(cluster: Cluster, fill: Callable[[], None], n_ends: int) -> bool:
    """Say whether PostgreSQL ended itself by now; leave no room until then."""
    fill()
    return cluster.n_panics() > n_ends


@fault(
    "F5", f"every flush of the disk takes {SLOW_MS} ms", "saves queue, none is refused, all are kept", short=4, long=100,
    has_own_database=True, is_of_one_piece=True,
)  # fmt: skip
def slow_disk(bench: Bench, tries: int) -> Evidence:
    """`tries` is the number of candidates who answer at once."""
    evidence = Evidence()
    with serving(bench.folder, bench.url, n=tries) as site:
        slow_down(site)
        with under_load(site, evidence, n=tries, seed=bench.seed) as crowd:
            crowd.wait_for_progress(3 * tries)
    evidence.demand(evidence.figures["unanswered"] == 0, f"{evidence.figures['unanswered']} saves were refused")
    return evidence


def slow_down(site: Site) -> None:
    """Make each commit wait: SQLite at its flush, PostgreSQL in a trigger that runs at the commit."""
    if site.engine.dialect.name == SQLITE:
        site.control[SYNC_DELAY_MS] = SLOW_MS
        return
    with site.engine.begin() as connection:
        connection.execute(text(
            "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN PERFORM pg_sleep({SLOW_MS / 1000}); RETURN NULL; END $$"
        ))  # fmt: skip
        connection.execute(text("CREATE TABLE commits (at timestamptz)"))
        connection.execute(text(
            "CREATE FUNCTION note_commit() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN INSERT INTO commits VALUES (now()); RETURN NULL; END $$"
        ))  # fmt: skip
        connection.execute(text(
            "CREATE TRIGGER note AFTER INSERT ON response_events FOR EACH STATEMENT EXECUTE FUNCTION note_commit()"
        ))  # fmt: skip
        connection.execute(text(
            "CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON commits DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
            "EXECUTE FUNCTION dawdle()"
        ))  # fmt: skip


@fault(
    "F6", "the n-th write or flush fails, n = 1, 2, 3 …, alone or with those after it",
    "a call that failed left nothing half done; what was acknowledged is kept; the next call works", short=12, long=400,
    has_own_database=True, engines=[SQLITE],
)  # fmt: skip
def disk_fails(bench: Bench, tries: int) -> Evidence:
    evidence = Evidence()
    history: list[Call] = []
    with serving(bench.folder, bench.url, n=2, workers=1) as site:
        device = Device(site.port, site.sitting.people[0], history)
        device.longest_pause = 0.02
        device.enter()
        n_calls = _calls_of_one_save(site, device)
        for n in range(1, tries + 1):
            _fail_at(site, (n // 2) % n_calls + 1, 1 if n % 2 else 2 * n_calls + n % 7)
            for k in range(3):
                device.answer(k + 1, [f"{n}-{k}"])
                device.insist(device.send)
        _fail_at(site, 1, 9)
        device.insist(device.submit)
        device.close()
        conclude(site, evidence, Crowd([device]), history)
        evidence.note(failed_calls=site.control[N_FAILED])
        evidence.demand(site.control[N_FAILED] > tries, "too few calls failed to show anything")
    evidence.demand(evidence.figures["unanswered"] > 0, "no failure reached the candidate")
    return evidence


def _fail_at(site: Site, n: int, how_many: int) -> None:
    site.control[FAIL_IN], site.control[FAIL_FOR] = n, how_many


def _calls_of_one_save(site: Site, device: Device) -> int:
    before = site.control[N_CALLS]
    device.answer(1, ["first"])
    device.insist(device.send)
    return site.control[N_CALLS] - before
