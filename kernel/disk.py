"""The disk guard: what may wait stops before the disk is full, so that answers go on.

Below a first limit administrators are warned. Below a second one uploads, imports, exports, printing and backups are refused with a
sentence that says so. When the disk is really full a reserve file beside the database is given up, and answers live on its room.
"""

from __future__ import annotations

import enum
import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

import structlog

from kernel.errors import DomainError
from kernel.i18n import N_
from kernel.settings import Settings

MEGABYTE = 1024**2
FULL_BYTES = 48 * MEGABYTE
"""With less than this left the reserve is given up: a write-ahead log still fits, little else does."""
RESERVE_NAME = "reserve"
FULL_WORDS = ("disk is full", "no space left", "could not extend file", "disk full")
log = structlog.get_logger()


class Usage(Protocol):
    """How much of a disk is used."""

    @property
    def total(self) -> int:
        """All bytes of the disk."""

    @property
    def free(self) -> int:
        """Bytes that this program may still use."""


class DiskLevel(enum.StrEnum):
    """How much room there is."""

    PLENTY = "plenty"
    LOW = "low"
    SHORT = "short"
    FULL = "full"


STOPPED = frozenset({DiskLevel.SHORT, DiskLevel.FULL})


class DiskShortError(DomainError):
    """There is too little room for what may wait."""

    code: ClassVar[str] = "disk_short"
    http_status: ClassVar[int] = 507


@dataclass(frozen=True, slots=True)
class DiskState:
    """The fullest of the disks that data are written to."""

    level: DiskLevel
    free_bytes: int
    total_bytes: int
    folder: Path
    has_reserve: bool

    @property
    def free_mb(self) -> int:
        """Free mebibytes."""
        return self.free_bytes // MEGABYTE


class DiskGuard:
    """Watches the disks of one installation; `usage` is a parameter so that tests can fill a disk by words."""

    def __init__(self, settings: Settings, usage: Callable[[Path], Usage] = shutil.disk_usage) -> None:
        self.settings, self.usage = settings, usage
        self.last_level = DiskLevel.PLENTY
        database = _sqlite_folder(settings)
        self.folders = [settings.instance_dir, *([database] if database else [])]
        self.reserve = (database or settings.instance_dir) / RESERVE_NAME

    def state(self) -> DiskState:
        """Look at the disks now; a folder that is not there yet has its parent's disk."""
        looks = [(self.usage(_existing(folder)), folder) for folder in self.folders]
        fullest, folder = min(looks, key=lambda look: look[0].free)
        return DiskState(self._level(fullest.free), fullest.free, fullest.total, folder, self.reserve.is_file())

    def _level(self, free: int) -> DiskLevel:
        if free < min(FULL_BYTES, self.settings.disk_stop_mb * MEGABYTE):
            return DiskLevel.FULL
        if free < self.settings.disk_stop_mb * MEGABYTE:
            return DiskLevel.SHORT
        return DiskLevel.LOW if free < self.settings.disk_warn_mb * MEGABYTE else DiskLevel.PLENTY

    def require_room(self, needed: int = 0, folder: Path | None = None) -> None:
        """Refuse work that may wait when there is too little room, or when there would be after it.

        Raises
        ------
        DiskShortError
            With the free room and what goes on meanwhile.
        """
        state = self.state()
        free = self.usage(_existing(folder)).free if folder else state.free_bytes
        if state.level in STOPPED or free - needed < self.settings.disk_stop_mb * MEGABYTE:
            raise DiskShortError(
                N_(
                    "磁盘空间不足（剩余 %(free)s MB），上传、导入、导出、打印和备份已暂停，考试作答不受影响。请管理员清理磁盘后重试"
                ),
                free=min(free, state.free_bytes) // MEGABYTE,
            )

    def keep_reserve(self) -> DiskState:
        """Give the reserve up when the disk is full; make it again when there is room for it and everything else."""
        state = self.state()
        size = self.settings.disk_reserve_mb * MEGABYTE
        if state.level is DiskLevel.FULL:
            self.give_up_reserve()
        elif size and not state.has_reserve and state.free_bytes - size >= self.settings.disk_stop_mb * MEGABYTE:
            _allocate(self.reserve, size)
        return self.state()

    def give_up_reserve(self) -> bool:
        """Delete the reserve; say whether there was one."""
        try:
            self.reserve.unlink()
        except OSError:  # there is none, or the disk refuses even that
            return False
        log.error("disk_reserve_given_up", file=str(self.reserve), megabytes=self.settings.disk_reserve_mb)
        return True


def _sqlite_folder(settings: Settings) -> Path | None:
    return Path(settings.database_url.removeprefix("sqlite:///")).parent if settings.is_sqlite else None


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.absolute().parents) if place.exists())


def _allocate(file: Path, size: int) -> None:
    """Make a file whose room is really taken; a disk that refuses leaves none behind."""
    part = file.with_name(f".{file.name}.part")
    try:
        with part.open("wb") as stream:
            os.posix_fallocate(stream.fileno(), 0, size)
        part.replace(file)
    except OSError as exc:
        part.unlink(missing_ok=True)
        log.warning("disk_reserve_not_made", reason=os.strerror(exc.errno or 0))


_GUARD: dict[str, DiskGuard] = {}


def configure(settings: Settings) -> DiskGuard:
    """Watch the disks of this process's installation; commands that need no installation watch none."""
    _GUARD["guard"] = DiskGuard(settings)
    return _GUARD["guard"]


def guard() -> DiskGuard | None:
    """Return the guard of this process."""
    return _GUARD.get("guard")


def require_room(needed: int = 0, folder: Path | None = None) -> None:
    """Refuse work that may wait when the disk is short; without an installation there is nothing to guard."""
    if watching := guard():
        watching.require_room(needed, folder)


def give_up_reserve_if_full(error: BaseException) -> bool:
    """Give the reserve up when a database said that the disk is full; say whether trying again makes sense."""
    watching = guard()
    return watching is not None and is_full(error) and watching.give_up_reserve()


def is_full(error: BaseException) -> bool:
    """Say whether an error, or what it came from, means a full disk."""
    if getattr(error, "errno", None) in {errno.ENOSPC, errno.EDQUOT} or getattr(error, "sqlstate", None) == "53100":
        return True
    return any(word in str(error).lower() for word in FULL_WORDS)


def watch() -> None:
    """Keep the reserve and say in the log when the level changes; a duty of the worker."""
    watching = guard()
    if watching is None:
        return
    state = watching.keep_reserve()
    if state.level is not watching.last_level:
        say = log.error if state.level in STOPPED else log.warning
        say("disk_level", level=str(state.level), free_mb=state.free_mb, folder=str(state.folder))
    watching.last_level = state.level
