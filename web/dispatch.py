"""One entry for all requests: the candidates' side stands in front of the staff application."""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from exam_delivery.answering import entry
from exam_delivery.answering.app import AnsweringApp
from exam_delivery.answering.entry import CandidateSite, WsgiApp
from kernel.settings import Settings
from web.app import create_app


class Dispatch:
    """Sends the candidates' addresses to their own program, all else to the staff pages."""

    def __init__(self, staff: WsgiApp, candidates: CandidateSite) -> None:
        self.staff, self.candidates = staff, candidates

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if self.candidates.serves(environ.get("PATH_INFO", "")):
            return self.candidates(environ, start_response)
        return self.staff(environ, start_response)

    def start(self) -> AnsweringApp:
        """Open what each process must have of its own."""
        return self.candidates.start()

    def close(self) -> None:
        """Finish what waits; called when the process ends."""
        self.candidates.close()


def create(settings: Settings | None = None) -> Dispatch:
    """Build everything that one web process serves; nothing is connected yet."""
    chosen = settings or Settings.from_env()
    return Dispatch(create_app(chosen), entry.create(chosen))
