"""The disk guard, with disks that tests fill by words, and with a small real one."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kernel import disk, spreadsheets, typesetting
from kernel.disk import MEGABYTE, DiskGuard, DiskLevel, DiskShortError
from kernel.settings import Settings, SettingsError

SETTINGS = Settings(disk_warn_mb=300, disk_stop_mb=200, disk_reserve_mb=8, secret_key="s" * 40)


@dataclass
class Disk:
    """A disk of a given size; the reserve takes its room from it."""

    free_mb: int
    total: int = 1000 * MEGABYTE

    @property
    def free(self) -> int:
        return self.free_mb * MEGABYTE


@pytest.fixture
def room() -> Disk:
    return Disk(900)


@pytest.fixture
def watching(tmp_path, room, monkeypatch) -> DiskGuard:
    """A guard over an imagined disk, in use by this process."""
    settings = replace(SETTINGS, instance_dir=tmp_path, database_url=f"sqlite:///{tmp_path / 'kaoku.sqlite3'}")
    made = DiskGuard(settings, lambda _folder: room)
    monkeypatch.setitem(disk._GUARD, "guard", made)
    return made


@pytest.mark.parametrize(
    ("free_mb", "level"),
    [
        (300, DiskLevel.PLENTY), (299, DiskLevel.LOW), (200, DiskLevel.LOW), (199, DiskLevel.SHORT),
        (48, DiskLevel.SHORT), (47, DiskLevel.FULL), (0, DiskLevel.FULL),
    ],
)  # fmt: skip
def test_the_level_follows_the_limits(watching, room, free_mb, level):
    room.free_mb = free_mb
    assert watching.state().level is level


def test_what_may_wait_is_refused_with_a_sentence_that_says_what_goes_on(watching, room):
    disk.require_room()
    room.free_mb = 150
    with pytest.raises(DiskShortError, match=r"剩余 150 MB.*考试作答不受影响") as refused:
        disk.require_room()
    assert refused.value.http_status == 507


def test_work_that_would_bring_the_disk_below_the_limit_is_refused_before_it_begins(watching):
    disk.require_room(699 * MEGABYTE)
    with pytest.raises(DiskShortError):
        disk.require_room(701 * MEGABYTE)


def test_printing_and_tables_stop(watching, room):
    room.free_mb = 150
    with pytest.raises(DiskShortError):
        typesetting.render_pdf("= x", {})
    with pytest.raises(DiskShortError):
        spreadsheets.write_table([spreadsheets.TableSheet("a", ["b"], [["c"]])])


def test_the_reserve_takes_real_room_and_is_given_up_and_made_again(watching, room):
    disk.watch()
    assert watching.reserve.stat().st_blocks * 512 >= 8 * MEGABYTE
    room.free_mb = 150
    disk.watch()
    assert watching.reserve.exists(), "there is still room for answers"
    room.free_mb = 40
    disk.watch()
    assert not watching.reserve.exists()
    room.free_mb = 205
    disk.watch()
    assert not watching.reserve.exists(), "making it now would stop uploads again"
    room.free_mb = 400
    disk.watch()
    assert watching.reserve.exists()


def test_an_installation_without_reserve_keeps_none(watching, tmp_path):
    watching.settings = replace(watching.settings, disk_reserve_mb=0)
    disk.watch()
    assert not watching.reserve.exists()


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"), sqlite3.OperationalError("database or disk is full"),
        RuntimeError("could not extend file base/1: No space left on device"),
    ],
)  # fmt: skip
def test_a_database_that_says_full_gets_the_reserve_at_once(watching, error):
    disk.watch()
    assert disk.give_up_reserve_if_full(error)
    assert not watching.reserve.exists()
    assert not disk.give_up_reserve_if_full(error), "there is none left"


def test_other_errors_leave_the_reserve_alone(watching):
    disk.watch()
    assert not disk.give_up_reserve_if_full(sqlite3.OperationalError("database is locked"))
    assert watching.reserve.exists()


def test_the_fullest_of_two_disks_counts(tmp_path):
    disks = {tmp_path / "a": Disk(900), tmp_path / "b": Disk(100)}
    for folder in disks:
        folder.mkdir()
    settings = replace(SETTINGS, instance_dir=tmp_path / "a", database_url=f"sqlite:///{tmp_path / 'b' / 'x.sqlite3'}")
    made = DiskGuard(settings, disks.__getitem__)
    assert (made.state().folder, made.state().level) == (tmp_path / "b", DiskLevel.SHORT)
    assert made.reserve.parent == tmp_path / "b"


def test_without_an_installation_nothing_is_guarded(monkeypatch):
    monkeypatch.setattr(disk, "_GUARD", {})
    disk.require_room(10**18)
    disk.watch()
    assert not disk.give_up_reserve_if_full(OSError(28, "full"))


@pytest.mark.parametrize(
    "wrong",
    [{"KAOKU_DISK_WARN_MB": "100"}, {"KAOKU_DISK_RESERVE_MB": "1024"}, {"KAOKU_DISK_STOP_MB": "10"}],
)
def test_limits_that_contradict_each_other_are_refused_at_the_start(tmp_path, wrong):
    with pytest.raises(SettingsError, match="KAOKU_DISK_"):
        Settings.from_env({"KAOKU_INSTANCE_DIR": str(tmp_path), "KAOKU_SECRET_KEY": "s" * 40} | wrong)


@pytest.fixture
def small_disk(tmp_path):
    """A real disk of 12 MB; only root may mount one, so elsewhere a limit on file sizes stands in."""
    folder = tmp_path / "small"
    folder.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "kaoku", folder], check=False).returncode
    ):
        yield None
        return
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path) -> None:
    with (folder / "filler").open("wb", buffering=0) as stream:
        try:
            while stream.write(b"x" * 65536):
                pass
        except OSError:
            return


def test_on_a_disk_that_is_really_full_the_next_rows_find_the_reserves_room(small_disk, tmp_path, monkeypatch):
    folder = small_disk or tmp_path
    settings = replace(
        SETTINGS, instance_dir=folder, database_url=f"sqlite:///{folder / 'k.sqlite3'}", disk_reserve_mb=4
    )
    made = DiskGuard(settings)
    monkeypatch.setitem(disk._GUARD, "guard", made)
    disk._allocate(made.reserve, 4 * MEGABYTE)
    connection = sqlite3.connect(folder / "k.sqlite3", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE answers (n INTEGER PRIMARY KEY, body BLOB)")
    if small_disk:
        fill(folder)
    else:
        connection.execute("PRAGMA max_page_count = 3")
    n = 0

    def add(n_rows: int) -> None:
        nonlocal n
        for _ in range(n_rows):
            connection.execute("INSERT INTO answers (body) VALUES (zeroblob(4000))")
            n += 1

    with pytest.raises(sqlite3.OperationalError) as full:
        add(10_000)
    assert disk.give_up_reserve_if_full(full.value)
    connection.execute("PRAGMA max_page_count = 1000000")
    add(100)
    assert connection.execute("SELECT count(*) FROM answers").fetchone() == (n,)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
