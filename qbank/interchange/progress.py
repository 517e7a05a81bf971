"""How far the reading of a file has come, told by the process that reads to the one that waits."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

STEP = 200
Told = Callable[[int, int], None]


class _Teller:
    """Holds who listens in this process; nobody does until somebody asks."""

    def __init__(self) -> None:
        self.listener: Told | None = None


_teller = _Teller()


def listen(listener: Told | None) -> None:
    """Let a function be told how many of how many records are done; None ends it."""
    _teller.listener = listener


def tell(n_done: int, n_all: int) -> None:
    """Tell the listener, if there is one, after every few hundred records."""
    if _teller.listener is not None and n_done % STEP == 0:
        _teller.listener(n_done, n_all)


def into_file(path: Path) -> Told:
    """Return a listener that keeps the latest figures in a file."""

    def write(n_done: int, n_all: int) -> None:
        with suppress(OSError):
            path.write_text(f"{n_done} {n_all}", encoding="ascii")

    return write


def from_file(path: Path) -> tuple[int, int] | None:
    """Return the figures that `into_file` keeps; None before there are any."""
    try:
        done, _, whole = path.read_text(encoding="ascii").partition(" ")
        return int(done), int(whole)
    except (OSError, ValueError):
        return None
