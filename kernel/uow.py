"""The one transaction of a request, command or job. `commit` and `rollback` appear in this file only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from kernel.db import db
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.turns import one_turn

if TYPE_CHECKING:
    from kernel.identity.actor import Actor


@dataclass(slots=True)
class UnitOfWork:
    """An open transaction: the session, who acts, and what is to happen around the commit.

    `before_commit` hooks run inside the transaction (the audit chain is sealed there, so that its lock is held for the
    shortest time); `after_commit` hooks may only refresh caches: what must happen goes to the job table.
    """

    session: Session
    actor: Actor
    before_commit: list[Callable[[UnitOfWork], None]] = field(default_factory=list)
    after_commit: list[Callable[[], None]] = field(default_factory=list)
    pending: dict[str, list[Any]] = field(default_factory=dict)

    def add(self, entity: object) -> None:
        """Put a new entity into the session."""
        self.session.add(entity)

    def flush(self) -> None:
        """Send pending changes; needed where a later statement of the same act reads them by SQL."""
        self.session.flush()


@contextmanager
def unit_of_work(actor: Actor) -> Iterator[UnitOfWork]:
    """Open the one transaction of a request, command or job; refuse to nest.

    Raises
    ------
    ConflictError
        If a version check or a unique constraint shows that somebody else was faster.
    """
    session = _session()
    if session.info.get("uow"):
        raise RuntimeError("unit_of_work does not nest")
    _end_reading(session)
    with one_turn(session.get_bind()):
        uow = UnitOfWork(session, actor)
        with _transaction(uow):
            yield uow
    for after in uow.after_commit:
        after()


@contextmanager
def _transaction(uow: UnitOfWork) -> Iterator[None]:
    """Keep the unit's work as a whole, or nothing of it."""
    session = uow.session
    session.connection(execution_options={"kaoku_begin": "IMMEDIATE"})
    session.info["uow"] = uow
    try:
        yield
        session.flush()
        for hook in uow.before_commit:
            hook(uow)
        session.commit()
    except BaseException as exc:
        session.rollback()
        if isinstance(exc, StaleDataError) or is_unique_violation(exc):
            raise ConflictError(N_("数据已被他人修改或已存在，请刷新后重试")) from exc
        raise
    finally:
        session.info.pop("uow", None)


def _session() -> Session:
    return db.session()


def _end_reading(session: Session) -> None:
    """End the request's read snapshot; the unit begins anew as a writer (SQLite: BEGIN IMMEDIATE, in its turn)."""
    if session.in_transaction():
        session.commit()


def is_unique_violation(exc: BaseException) -> bool:
    """Say whether an integrity error is a broken UNIQUE constraint; all others are bugs."""
    if not isinstance(exc, IntegrityError):
        return False
    if getattr(exc.orig, "sqlstate", None) == "23505":
        return True
    return "UNIQUE constraint failed" in str(exc.orig)
