"""A line between client and server that is slow, or that breaks after so many bytes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

CHUNK = 2048


@dataclass(slots=True)
class Line:
    """What the line does to everything that passes from now on.

    `cut_up` and `cut_down` count bytes, below zero never; `n_up` and `n_down` count all, `n_breaks` how often it broke.
    """

    port: int = 0
    delay: float = 0.0
    up_bytes_per_second: float = 0.0
    down_bytes_per_second: float = 0.0
    cut_up: int = -1
    cut_down: int = -1
    n_up: int = 0
    n_down: int = 0
    n_breaks: int = 0

    def passes(self, n: int, *, is_up: bool) -> int:
        """Return how many of `n` bytes still pass in a direction."""
        if is_up:
            self.n_up += n
        else:
            self.n_down += n
        left = self.cut_up if is_up else self.cut_down
        if left < 0:
            return n
        allowed = min(n, left)
        if is_up:
            self.cut_up -= allowed
        else:
            self.cut_down -= allowed
        self.n_breaks += allowed < n
        return allowed


@contextmanager
def line_to(port: int) -> Iterator[Line]:
    """Open a line to a port of this machine for the length of a block."""
    line = Line()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        line.port = listener.getsockname()[1]
        threading.Thread(target=_accept, args=(listener, port, line), daemon=True).start()
        yield line


def _accept(listener: socket.socket, port: int, line: Line) -> None:
    with suppress(OSError):
        while True:
            near, _address = listener.accept()
            far = socket.create_connection(("127.0.0.1", port))
            for source, target, is_up in ((near, far, True), (far, near, False)):
                threading.Thread(target=_carry, args=(source, target, line, is_up), daemon=True).start()


def _carry(source: socket.socket, target: socket.socket, line: Line, is_up: bool) -> None:  # noqa: FBT001 - a direction
    """Carry bytes one way until an end closes or the line breaks; then both ends are closed."""
    rate = line.up_bytes_per_second if is_up else line.down_bytes_per_second
    with suppress(OSError):
        while data := source.recv(CHUNK):
            allowed = line.passes(len(data), is_up=is_up)
            time.sleep(line.delay / 2 + (len(data) / rate if rate else 0))
            target.sendall(data[:allowed])
            if allowed < len(data):
                break
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
