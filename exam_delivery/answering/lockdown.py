"""Who may call from which browser: kept in the process, read anew every few seconds, so that no call costs a query."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from wsgiref.types import WSGIEnvironment

import structlog

from exam_delivery.answering.protocol import NOT_FOUND, Refusal, RefusedError
from exam_delivery.answering.storage import LockdownRow, Lockdowns, Storage
from exam_delivery.rules.seb import Requirement, launch_address, read_proofs

log = structlog.get_logger()
REFRESH_SECONDS = 5.0
FILE_PATH = "/api/v1/exam/seb/"
MESSAGE = (
    "本场考试须在安全考试浏览器（SEB）中作答。请关闭本页，用桌面上的考试图标或下面的链接打开；打不开请举手告诉监考员"
)


class LockdownGate:
    """Refuses calls of attempts whose session needs a browser that the call does not prove.

    What an officer changes reaches every process within `seconds`. While the database does not answer, what was read last holds.
    """

    def __init__(
        self, storage: Storage, *, seconds: float = REFRESH_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.storage, self.seconds, self.clock = storage, seconds, clock
        self.lock = threading.Lock()
        self.known: Lockdowns | None = None
        self.due = 0.0
        self.sessions: dict[uuid.UUID, uuid.UUID] = {}

    def check(self, environ: WSGIEnvironment, attempt_id: uuid.UUID) -> None:
        """Let a call pass, or raise the refusal ``lockdown_required``."""
        known = self._current()
        if not known.rows or attempt_id in known.exempt:
            return
        row = known.rows.get(self._session_of(attempt_id))
        if row is not None and not _is_proven(row, environ):
            raise RefusedError(refusal_of(row))

    def knows(self, attempt_id: uuid.UUID) -> bool:
        """Say whether `check` can answer for an attempt without asking the database."""
        known = self.known
        if known is None or self.clock() >= self.due:
            return False
        return not known.rows or attempt_id in known.exempt or attempt_id in self.sessions

    def _current(self) -> Lockdowns:
        """Return what is known; one thread at a time reads it anew, the others go on with what there is."""
        known = self.known
        if known is not None and (self.clock() < self.due or not self.lock.acquire(blocking=False)):
            return known
        if known is None:
            self.lock.acquire()
        try:
            self.known = self._read()
            return self.known
        finally:
            self.lock.release()

    def _read(self) -> Lockdowns:
        self.due = self.clock() + self.seconds
        try:
            return self.storage.find_lockdowns()
        except Exception as exc:
            if self.known is None:
                raise
            log.warning("lockdown_not_read", exc_info=exc)
            return self.known

    def _session_of(self, attempt_id: uuid.UUID) -> uuid.UUID:
        """Return the session of an attempt, which never changes: asked for once in a process."""
        if attempt_id not in self.sessions:
            attempt = self.storage.find_attempt(attempt_id)
            if attempt is None:
                raise RefusedError(NOT_FOUND)
            self.sessions[attempt_id] = attempt.exam_session_id
        return self.sessions[attempt_id]


def _is_proven(row: LockdownRow, environ: WSGIEnvironment) -> bool:
    needed = Requirement(row.base_url, row.config_key, row.exam_keys)
    query = environ.get("QUERY_STRING", "")
    path = environ.get("SCRIPT_NAME", "") + environ["PATH_INFO"] + (f"?{query}" if query else "")

    def header(name: str) -> str:
        return str(environ.get(f"HTTP_{name.upper().replace('-', '_')}", ""))

    return any(needed.is_met_by(proof) for proof in read_proofs(row.base_url, path, header))


def refusal_of(row: LockdownRow) -> Refusal:
    """Return the refusal of a call from another browser, with the link that opens the right one."""
    launch = launch_address(row.base_url, FILE_PATH + row.launch_code)
    return Refusal(403, "lockdown_required", MESSAGE, {"launch": launch})
