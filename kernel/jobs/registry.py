"""Names to handlers, and what a handler is given."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kernel.identity.actor import Actor
from kernel.jobs import services
from kernel.uow import UnitOfWork, unit_of_work

Handler = Callable[["JobContext"], None]
_HANDLERS: dict[str, Handler] = {}
_DUTIES: dict[str, tuple[float, Callable[[], Any]]] = {}


class JobCancelledError(Exception):
    """The person who started the job asked to stop it."""


@dataclass(frozen=True, slots=True)
class JobContext:
    """One run of a job: its payload, its actor, progress and the transaction of its effect."""

    job_id: uuid.UUID
    actor: Actor
    payload: dict[str, Any]

    def progress(self, percent: int, text: str = "") -> None:
        """Show progress in a transaction of its own; raises JobCancelledError when a cancel was asked for."""
        with unit_of_work(self.actor) as uow:
            is_cancelled = services.note_progress(uow, self.job_id, percent, text)
        if is_cancelled:
            raise JobCancelledError

    @contextmanager
    def finish(self, result: dict[str, Any] | None = None, *, result_url: str | None = None) -> Iterator[UnitOfWork]:
        """Open the transaction of the job's effect; its commit also marks the job done.

        A job that is already done raises AlreadyDoneError before anything happens, so an effect cannot happen twice.
        """
        with unit_of_work(self.actor) as uow:
            services.begin_effect(uow, self.job_id)
            outcome = dict(result or {})
            uow.pending["job_result"] = [outcome]
            yield uow
            services.mark_done(uow, self.job_id, outcome, result_url=result_url)


def handler(name: str) -> Callable[[Handler], Handler]:
    """Register the handler of a job name.

    Examples
    --------
    >>> @handler("example.say")
    ... def say(context): ...
    >>> find_handler("example.say") is say
    True
    """

    def register(function: Handler) -> Handler:
        _HANDLERS[name] = function
        return function

    return register


def find_handler(name: str) -> Handler:
    """Return the handler of a job name; KeyError when none is registered."""
    return _HANDLERS[name]


def every(seconds: float, name: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Register a periodic duty of the worker; it runs inside an application context and opens its own transactions."""

    def register(function: Callable[[], Any]) -> Callable[[], Any]:
        _DUTIES[name] = (seconds, function)
        return function

    return register


def periodic_duties() -> list[tuple[str, float, Callable[[], Any]]]:
    """Return all duties as (name, seconds, function)."""
    return [(name, seconds, function) for name, (seconds, function) in _DUTIES.items()]
