"""Connections of candidates' pages, plain or under TLS: each carries one call at a time, and a wait counts from when a call was due."""

from __future__ import annotations

import selectors
import socket
import ssl
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Self

from benchmarks.answering_calls import Call

BROKEN = -1
"""Instead of a status: the connection broke twice under the same call."""
NOTHING = Call("nothing", b"")
CONNECT_SECONDS = 5


class Line:
    """One connection to the server."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.address, self.tls = (host, port), tls
        self.socket = self.connect()
        self.call, self.due = NOTHING, 0.0
        self.got, self.status, self.is_again = b"", 0, False

    def connect(self) -> socket.socket:
        """Open the connection, with TLS where there is any, and return it."""
        made = socket.create_connection(self.address, timeout=CONNECT_SECONDS)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls is not None:
            made = self.tls.wrap_socket(made, server_hostname=self.address[0])
        made.setblocking(False)
        return made

    def send(self, due: float, call: Call) -> None:
        """Send a call that was due at this moment."""
        self.due, self.call, self.got, self.status = due, call, b"", 0
        self.socket.sendall(call.data)

    def receive(self) -> bool:
        """Take what has arrived; say whether the answer is whole. Raises ConnectionError when the server hung up."""
        while True:
            try:
                part = self.socket.recv(1 << 16)
            except (BlockingIOError, ssl.SSLWantReadError):
                return False
            except OSError as exc:
                raise ConnectionResetError from exc
            if not part:
                raise ConnectionResetError
            self.got += part
            self.status = status_of(self.got)
            if self.status:
                return True


def status_of(got: bytes) -> int:
    r"""Return the status of an answer that is whole, else 0.

    Examples
    --------
    >>> status_of(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), status_of(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{")
    (200, 0)
    """
    head, end, body = got.partition(b"\r\n\r\n")
    if not end:
        return 0
    _, named, rest = head.lower().partition(b"content-length: ")
    is_whole = len(body) >= int(rest.split(b"\r\n", 1)[0]) if named else body.endswith(b"0\r\n\r\n")
    return int(head[9:12]) if is_whole else 0


class Exchange:
    """Watches connections.

    A connection that the server closed between two calls is opened anew, and a call that met it is sent once more, as browsers do.
    """

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        self.selector = selectors.DefaultSelector()
        self.lines: list[Line] = []
        self.broken: list[Line] = []
        for line in lines:
            self.add(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        for line in self.lines:
            line.socket.close()
        self.selector.close()

    def add(self, line: Line) -> None:
        """Watch one more connection."""
        self.lines.append(line)
        self.selector.register(line.socket, selectors.EVENT_READ, line)

    def send(self, line: Line, due: float, call: Call) -> None:
        """Send a call that was due at this moment."""
        line.is_again = False
        try:
            line.send(due, call)
        except OSError:
            self._forget(line)
            if not self._again(line, call):
                self.broken.append(line)

    def answers(self, seconds: float) -> Iterator[Line]:
        """Yield the lines whose calls were answered meanwhile, or broke."""
        while self.broken:
            line = self.broken.pop()
            line.status = BROKEN
            yield line
            line.call = NOTHING
        for key, _ in self.selector.select(max(0, seconds)):
            line = key.data
            try:
                is_whole = line.receive()
            except ConnectionError:
                is_whole = self._lost(line)
            if is_whole:
                yield line
                line.call = NOTHING

    def _lost(self, line: Line) -> bool:
        """Go on after the server hung up; say whether the call under way is over, broken for the second time."""
        self._forget(line)
        if line.call is NOTHING:
            return False
        if line.is_again or not self._again(line, line.call):
            line.status = BROKEN
            return True
        return False

    def _forget(self, line: Line) -> None:
        with suppress(KeyError, ValueError):  # it was closed while nobody called
            self.selector.unregister(line.socket)
        line.socket.close()

    def _again(self, line: Line, call: Call) -> bool:
        """Send a call on a new connection that broke with the old one; say whether there was one."""
        line.is_again = True
        try:
            line.socket = line.connect()
            self.selector.register(line.socket, selectors.EVENT_READ, line)
            line.send(line.due, call)
        except OSError:
            return False
        return True


class Waits:
    """How long calls waited, by their kind, and what became of those that failed."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.failures: dict[str, list[str]] = defaultdict(list)

    def note(self, kind: str, waited: float, status: int, patience: float = 30.0) -> None:
        """Take in one answer; one that comes after the caller's patience has failed."""
        self.seconds[kind].append(waited)
        if status != HTTPStatus.OK:
            self.failures[kind].append("broken" if status == BROKEN else str(status))
        elif waited > patience:
            self.failures[kind].append("late")

    def cuts(self, kind: str) -> tuple[float, float, float]:
        """Return the milliseconds that a half, 95 and 99 in a hundred did not exceed."""
        waits = sorted(self.seconds[kind]) or [0.0]
        p50, p95, p99 = (waits[min(len(waits) - 1, int(len(waits) * share))] * 1000 for share in (0.5, 0.95, 0.99))
        return p50, p95, p99


def run_calls(exchange: Exchange, calls: Sequence[tuple[float, Call]]) -> Waits:
    """Send each call when it is due, on any line that is free then or as soon as one is."""
    free, waits, n_sent, n_answered = list(exchange.lines), Waits(), 0, 0
    began = time.perf_counter()
    while n_answered < len(calls):
        moment = time.perf_counter() - began
        while free and n_sent < len(calls) and calls[n_sent][0] <= moment:
            due, call = calls[n_sent]
            exchange.send(free.pop(), began + due, call)
            n_sent += 1
        is_waiting = free and n_sent < len(calls)
        for line in exchange.answers(began + calls[n_sent][0] - time.perf_counter() if is_waiting else 30):
            waits.note(line.call.kind, time.perf_counter() - line.due, line.status)
            n_answered += 1
            free.append(line)
    return waits
