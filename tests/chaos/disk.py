"""A disk that can be told to be slow, to be full or to fail, under the real SQLite of a real process.

SQLite reaches files through a table of functions that a program may replace. Here `xOpen` of the default table is replaced, and with
it `xWrite` and `xSync` of every database and log that is opened afterwards; all others stay. No compiler and no right is needed. The
wishes stand in a small file that every process maps, so that a test can change them while servers run.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

SYNC_DELAY_MS, IS_FULL, FAIL_IN, FAIL_FOR, N_CALLS, N_FAILED, CLOCK_SHIFT_MS, N_FIELDS = range(8)
MAIN_DATABASE, LOG = 0x100, 0x80000
FULL, IOERR_WRITE, IOERR_SYNC = 13, 10 | 3 << 8, 10 | 4 << 8


class Control:
    """The wishes, shared between the test and the processes under test."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(8 * N_FIELDS))
        with path.open("r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 8 * N_FIELDS)
        self.fields = memoryview(self.memory).cast("q")

    def __getitem__(self, field: int) -> int:
        return self.fields[field]

    def __setitem__(self, field: int, value: int) -> None:
        self.fields[field] = value

    def now(self) -> datetime:
        """Return the moment on a wall clock that can be set."""
        return datetime.fromtimestamp(time.time(), tz=UTC) + timedelta(milliseconds=self[CLOCK_SHIFT_MS])

    def fails_now(self) -> bool:
        """Count a call; say whether it is to fail: the one in so many calls, and some after it."""
        self[N_CALLS] += 1
        if self[FAIL_IN] > 0:
            self[FAIL_IN] -= 1
        if self[FAIL_IN] > 0 or self[FAIL_FOR] <= 0:
            return False
        self[FAIL_FOR] -= 1
        self[N_FAILED] += 1
        return True


class Methods(ctypes.Structure):
    """SQLite's ``sqlite3_io_methods``."""

    _fields_ = [("version", ctypes.c_int)] + [
        (name, ctypes.c_void_p)
        for name in (
            "close", "read", "write", "truncate", "sync", "size", "lock", "unlock", "check", "control", "sector", "traits",
            "shm_map", "shm_lock", "shm_barrier", "shm_unmap", "fetch", "unfetch",
        )
    ]  # fmt: skip


class File(ctypes.Structure):
    """SQLite's ``sqlite3_file``."""

    _fields_ = [("methods", ctypes.POINTER(Methods))]


class Vfs(ctypes.Structure):
    """The beginning of SQLite's ``sqlite3_vfs``."""

    _fields_ = [
        ("version", ctypes.c_int), ("file_size", ctypes.c_int), ("path_length", ctypes.c_int), ("next", ctypes.c_void_p),
        ("name", ctypes.c_char_p), ("data", ctypes.c_void_p), ("open", ctypes.c_void_p),
    ]  # fmt: skip


FILE = ctypes.POINTER(File)
OPEN = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, FILE, ctypes.c_int, ctypes.c_void_p)
WRITE = ctypes.CFUNCTYPE(ctypes.c_int, FILE, ctypes.c_void_p, ctypes.c_int, ctypes.c_int64)
SYNC = ctypes.CFUNCTYPE(ctypes.c_int, FILE, ctypes.c_int)


class FaultyDisk:
    """The replaced functions; kept alive as long as the process, because SQLite calls them."""

    def __init__(self, control: Control) -> None:
        self.control = control
        self.tables: dict[int, Methods] = {}
        self.functions: list[object] = []
        vfs = _default_vfs()
        self.real_open = OPEN(vfs.open)
        vfs.open = self._keep(OPEN(self._open))

    def _keep(self, function: Callable[..., int]) -> int | None:
        self.functions.append(function)
        return ctypes.cast(function, ctypes.c_void_p).value  # type: ignore[arg-type]

    def _open(self, vfs: int, name: int, file: ctypes.Array[File], flags: int, out: int) -> int:
        status = int(self.real_open(vfs, name, file, flags, out))
        if status == 0 and flags & (MAIN_DATABASE | LOG):
            file[0].methods = ctypes.pointer(self._table(file[0].methods))
        return status

    def _table(self, methods: ctypes.Array[Methods]) -> Methods:
        """Return the table of functions that replaces one of SQLite's."""
        address = ctypes.addressof(methods[0])
        if address not in self.tables:
            table = Methods.from_buffer_copy(methods[0])
            real_write, real_sync = WRITE(table.write), SYNC(table.sync)
            table.write = self._keep(WRITE(partial(self._write, real_write)))
            table.sync = self._keep(SYNC(partial(self._sync, real_sync)))
            self.tables[address] = table
        return self.tables[address]

    def _write(self, real: Callable[..., int], file: object, data: int, amount: int, offset: int) -> int:
        if self.control[IS_FULL]:
            self.control[N_FAILED] += 1
            return FULL
        return IOERR_WRITE if self.control.fails_now() else real(file, data, amount, offset)

    def _sync(self, real: Callable[..., int], file: object, flags: int) -> int:
        if self.control[SYNC_DELAY_MS]:
            time.sleep(self.control[SYNC_DELAY_MS] / 1000)
        return IOERR_SYNC if self.control.fails_now() else real(file, flags)


def _default_vfs() -> Vfs:
    """Return the default table of the SQLite library that this Python uses."""
    import sqlite3

    sqlite3.connect(":memory:").close()
    maps = Path("/proc/self/maps").read_text().splitlines()
    path = next((line.split()[-1] for line in maps if "libsqlite3" in line), None)
    if path is None:
        raise OSError(errno.ENOENT, "this Python has SQLite built in; its file functions cannot be replaced")
    library = ctypes.CDLL(path)
    library.sqlite3_vfs_find.restype = ctypes.POINTER(Vfs)
    found: Vfs = library.sqlite3_vfs_find(None)[0]
    return found
