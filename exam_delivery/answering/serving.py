"""The gunicorn worker: gunicorn's own, with a direct line for the calls that candidates' pages make most.

gunicorn's threaded worker hands every request to a thread of its pool, which waits there for the writer's commit; waking so many
threads one by one costs several times what the save costs. Here the thread that watches the connections reads such a call itself,
hands it to the writer (or the reader) and goes on; when a batch is durable it is woken once and writes all answers. Everything else,
and every call that is not in the one narrow form that `lines` reads, takes gunicorn's way, untouched.
"""

from __future__ import annotations

import socket
from collections import deque
from concurrent.futures import Executor
from functools import partial
from selectors import EVENT_READ
from typing import Any

import structlog
from gunicorn.workers.gthread import TConn, ThreadWorker

from exam_delivery.answering.app import WAIT_SECONDS, AnsweringApp
from exam_delivery.answering.lines import answer_bytes, read_call
from exam_delivery.answering.protocol import UNAVAILABLE
from exam_delivery.answering.requests import Answer, refuse
from exam_delivery.answering.steps import Step
from kernel.clock import monotonic

log = structlog.get_logger()
MAX_SEEN = 1 << 16


class DirectCall:
    """One call under way on a connection; its outcome is told by another thread."""

    __slots__ = ("conn", "deadline", "is_answered", "outcomes", "step")

    def __init__(self, conn: Any, outcomes: deque[tuple[DirectCall, Any]]) -> None:
        self.conn, self.outcomes = conn, outcomes
        self.deadline = monotonic() + WAIT_SECONDS
        self.is_answered = False
        self.step: Step | None = None

    def resolve(self, outcome: Any) -> None:
        """Put the outcome where the worker finds it; whoever calls wakes the worker after its batch."""
        self.outcomes.append((self, outcome))


class Connection(TConn):  # type: ignore[misc]  # gunicorn carries no types
    """A client's connection; whoever is slow to hang up is waited for by a thread, not by the one that watches all connections."""

    pool: Executor

    def close(self, graceful: bool = False) -> None:  # noqa: FBT001, FBT002 - gunicorn's signature
        """Close at once, or after the last bytes have arrived."""
        if not graceful:
            super().close()
            return
        try:
            self.pool.submit(super().close, graceful=True)
        except RuntimeError:  # the process is ending, and its pool with it
            super().close()


class AnsweringWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn carries no types
    """Serves the whole site; the candidates' saves, starts, readings and hand-ins by the direct line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.answering: AnsweringApp | None = None
        self.outcomes: deque[tuple[DirectCall, Any]] = deque()
        self.under_way: deque[DirectCall] = deque()

    def answer_directly(self, answering: AnsweringApp) -> None:
        """Open the direct line, unless somebody wants every request in gunicorn's log or TLS from it."""
        if not self.cfg.is_ssl and not self.cfg.accesslog:
            answering.writer.after_batch = answering.reader.after_batch = self._wake
            self.answering = answering

    def _wake(self) -> None:
        """Have the answers sent; called on the writer's and the reader's thread after each of their batches."""
        if self.outcomes:
            self.method_queue.defer(self.send_answers)

    def accept(self, listener: socket.socket) -> None:
        """Take a connection and watch it until its first bytes are there: no thread waits for them."""
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # another process was quicker, or the client is gone
            return
        self.nr_conns += 1
        conn = Connection(self.cfg, client, address, listener.getsockname())
        conn.pool = self.tpool
        conn.set_timeout()
        self.pending_conns.append(conn)
        self.poller.register(client, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def on_pending_socket_readable(self, conn: Any, client: socket.socket) -> None:
        """Answer the first call of a connection, or have it answered by a thread."""
        self.poller.unregister(client)
        self.pending_conns.remove(conn)
        conn.data_ready = True
        self._serve(conn)

    def on_client_socket_readable(self, conn: Any, client: socket.socket) -> None:
        """Answer the next call of a connection, or have it answered by a thread."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._serve(conn)

    def _serve(self, conn: Any) -> None:
        try:
            is_taken = self._take(conn)
        except Exception as exc:  # whatever one call does to us, the others go on
            log.error("direct_line_failed", exc_info=exc)
            self._let_go(conn)
        else:
            if not is_taken:
                self.enqueue_req(conn)

    def _take(self, conn: Any) -> bool:
        """Begin a call by the direct line; say whether it was one. What is not taken stays on the line."""
        if self.answering is None or not self.alive or len(self.keepalived_conns) >= self.max_keepalived:
            return False
        try:
            seen = conn.sock.recv(MAX_SEEN, socket.MSG_PEEK)
        except OSError:
            return False
        environ = read_call(seen)
        if environ is None or not self.answering.answers_at_once(environ):
            return False
        conn.sock.recv(len(seen))
        self.nr += 1
        call = DirectCall(conn, self.outcomes)
        answer = self.answering.begin(environ, call)
        if answer is None:
            self.under_way.append(call)
        else:
            self._reply(call, answer)
        return True

    def send_answers(self) -> None:
        """Write the answers of the calls whose outcomes are there."""
        while self.outcomes:
            call, outcome = self.outcomes.popleft()
            if call.is_answered or self.answering is None:
                continue
            answer = self.answering.go_on(call, outcome)
            if answer is not None:
                self._reply(call, answer)

    def murder_pending(self) -> None:
        """Close what is silent for too long, and tell those whose outcome takes too long to try again."""
        super().murder_pending()
        at = monotonic()
        while self.under_way and (self.under_way[0].is_answered or self.under_way[0].deadline <= at):
            call = self.under_way.popleft()
            if not call.is_answered:
                self._reply(call, refuse(UNAVAILABLE))

    def _reply(self, call: DirectCall, answer: Answer) -> None:
        """Write an answer and watch the connection for the next call; a client that is gone is let go."""
        call.is_answered = True
        conn, data = call.conn, answer_bytes(answer, closes=not self.alive)
        try:
            n_sent = conn.sock.send(data)
        except BlockingIOError:
            n_sent = 0
        except OSError:
            self._let_go(conn)
            return
        if n_sent < len(data):
            self._send_rest(conn, data[n_sent:])
        elif self.alive:
            conn.set_timeout()
            self.keepalived_conns.append(conn)
            self.poller.register(conn.sock, EVENT_READ, partial(self.on_client_socket_readable, conn))
        else:
            self._let_go(conn)

    def _send_rest(self, conn: Any, rest: bytes) -> None:
        """Let a thread of the pool write to somebody who reads slowly."""
        is_kept: bool = self.alive

        def send() -> bool:
            conn.init()
            conn.sock.settimeout(WAIT_SECONDS)
            conn.sock.sendall(rest)
            return is_kept

        sent = self.tpool.submit(send)
        sent.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def _let_go(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()
