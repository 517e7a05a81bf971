"""The candidates' side as one WSGI callable: the candidate API and the player's files.

It stands in front of the staff application in one site (``web/dispatch.py``), or runs alone where candidates have servers of their
own: ``gunicorn --config gunicorn.conf.py 'exam_delivery.answering.entry:create()'``.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from typing import TypeAlias
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.middleware.proxy_fix import ProxyFix

from exam_delivery.answering.app import PREFIX, AnsweringApp, create_answering_app
from exam_delivery.answering.protocol import NOT_FOUND
from exam_delivery.answering.requests import STATUS_LINES, refuse
from exam_delivery.answering.static import PLACE, PlayerFiles
from kernel import disk
from kernel.logs import configure_logging
from kernel.settings import Settings

WsgiApp: TypeAlias = Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]


class CandidateSite:
    """Sends ``/api/v1/exam/…`` to the answering program and ``/exam/…`` to the player's files.

    The answering program has a thread and connections of its own, which do not survive a fork: each process makes its own at
    `start`, or at the first request. So a server may load everything once and fork; a process that died is back at once.
    """

    def __init__(
        self, make_answering: Callable[[], AnsweringApp], *, trusted_proxies: int = 0, timezone: str = PLACE
    ) -> None:
        self.make_answering, self.trusted_proxies = make_answering, trusted_proxies
        self.player = PlayerFiles(timezone)
        self.lock = threading.Lock()
        self.answering: AnsweringApp | None = None
        self.process_id = 0

    @staticmethod
    def serves(path: str) -> bool:
        """Say whether an address belongs to the candidates' side."""
        return path.startswith((PREFIX, "/exam/")) or path == "/exam"

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = environ.get("PATH_INFO", "")
        if path.startswith(PREFIX):
            return self._answer(environ, start_response)
        if self.serves(path):
            return self.player(environ, start_response)
        status, headers, body = refuse(NOT_FOUND)
        start_response(STATUS_LINES[status], [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answering = self.answering
        if answering is None or self.process_id != os.getpid():
            answering = self.start()
        if not self.trusted_proxies:
            return answering(environ, start_response)
        return ProxyFix(answering, x_for=self.trusted_proxies)(environ, start_response)

    def start(self) -> AnsweringApp:
        """Open the answering program of this process."""
        with self.lock:
            if self.answering is None or self.process_id != os.getpid():
                self.answering, self.process_id = self.make_answering(), os.getpid()
            return self.answering

    def close(self) -> None:
        """Finish what waits; called when the process ends."""
        if self.answering is not None and self.process_id == os.getpid():
            self.answering.close()


def create(settings: Settings | None = None) -> CandidateSite:
    """Build the candidates' side; nothing is connected yet."""
    chosen = settings or Settings.from_env()
    configure_logging(chosen.log_level)
    disk.configure(chosen)
    return CandidateSite(
        lambda: create_answering_app(chosen), trusted_proxies=chosen.trusted_proxies, timezone=chosen.timezone
    )
