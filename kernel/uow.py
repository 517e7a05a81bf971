"""The one transaction of a request, command or job. `commit` and `rollback` appear in this file only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from kernel.db import db
from kernel.errors import ConflictError, DomainError
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
    is_note: bool = False
    """Whether it only notes that something was shown; doing so again with the same page is no second act."""

    def add(self, entity: object) -> None:
        """Put a new entity into the session."""
        self.session.add(entity)

    def flush(self) -> None:
        """Send pending changes; needed where a later statement of the same act reads them by SQL."""
        self.session.flush()


@dataclass(slots=True)
class HeldWork:
    """A transaction that outlives the units of work inside it, until their answer is kept with them.

    It begins with its first unit, so that what comes before (reading a file, checking a password) keeps nobody from writing;
    `at_first` then runs inside it. A unit that is refused undoes itself alone, as it would without a hold: an act that goes
    through many rows and tells which were refused keeps the others.
    """

    session: Session
    at_first: Callable[[Session], None] | None = None
    units: list[UnitOfWork] = field(default_factory=list)
    turn: ExitStack = field(default_factory=ExitStack)
    has_begun: bool = False

    @property
    def has_acted(self) -> bool:
        """Say whether something was done that is not undone; a note of what was read is no act."""
        return any(not unit.is_note for unit in self.units)

    def begin(self) -> None:
        """Begin the transaction, in its turn, unless it runs."""
        if self.has_begun:
            return
        self.has_begun = True
        _end_reading(self.session)
        self.turn.enter_context(one_turn(self.session.get_bind()))
        _begin_writing(self.session)
        if self.at_first is not None:
            self.at_first(self.session)

    def undo(self) -> None:
        """Give up everything, and the turn to write; a later unit would begin anew."""
        if self.has_begun:
            try:
                self.session.rollback()
            finally:
                self._end()

    def let_go(self) -> None:
        """Give up the turn to write, unless a unit stands already."""
        if not self.units:
            self.undo()

    def finish(self) -> None:
        """Commit everything."""
        if self.has_begun:
            for uow in self.units:
                _run_last(uow)
            self.session.commit()
            self._end()
        for uow in self.units:
            _run_after(uow)

    def _end(self) -> None:
        self.has_begun = False
        self.turn.close()


@contextmanager
def held_work(at_first: Callable[[Session], None] | None = None) -> Iterator[HeldWork]:
    """Hold together, in one transaction, the units of work inside this block; commit when it ends, undo when it raises.

    A refusal that is raised after whole units leaves those standing, as it would without a hold: a wrong password stays counted.

    Raises
    ------
    ConflictError
        As `unit_of_work` does.
    """
    session = _session()
    if session.info.get("uow") or session.info.get("held"):
        raise RuntimeError("held_work does not nest")
    held = session.info["held"] = HeldWork(session, at_first)
    try:
        with _all_or_nothing(held.undo):
            try:
                yield held
            except DomainError:
                held.finish()
                raise
            held.finish()
    finally:
        session.info.pop("held")


@contextmanager
def unit_of_work(actor: Actor) -> Iterator[UnitOfWork]:
    """Open the one transaction of a request, command or job, or join the one that is held; refuse to nest.

    Raises
    ------
    ConflictError
        If a version check or a unique constraint shows that somebody else was faster.
    """
    session = _session()
    if session.info.get("uow"):
        raise RuntimeError("unit_of_work does not nest")
    uow = UnitOfWork(session, actor)
    if held := session.info.get("held"):
        with _part_of(held, uow):
            yield uow
        return
    _end_reading(session)
    with one_turn(session.get_bind()), _transaction(uow):
        yield uow
    _run_after(uow)


@contextmanager
def _transaction(uow: UnitOfWork) -> Iterator[None]:
    """Keep the unit's work as a whole, or nothing of it."""
    _begin_writing(uow.session)
    with _all_or_nothing(uow.session.rollback), _current(uow):
        yield
        _run_last(uow)
        uow.session.commit()


@contextmanager
def _part_of(held: HeldWork, uow: UnitOfWork) -> Iterator[None]:
    """Keep the unit's work in the transaction that is held, or nothing of it; a refusal before any act keeps nobody waiting."""
    held.begin()
    with _all_or_nothing(held.let_go), uow.session.begin_nested(), _current(uow):
        yield
        uow.session.flush()  # what somebody else was faster with is told to this unit's caller
    held.units.append(uow)


@contextmanager
def _current(uow: UnitOfWork) -> Iterator[None]:
    uow.session.info["uow"] = uow
    try:
        yield
    finally:
        uow.session.info.pop("uow", None)


@contextmanager
def _all_or_nothing(undo: Callable[[], None]) -> Iterator[None]:
    """Undo what was written when something is raised; who was slower hears of a conflict."""
    try:
        yield
    except BaseException as exc:
        undo()
        if isinstance(exc, StaleDataError) or is_unique_violation(exc):
            raise ConflictError(N_("数据已被他人修改或已存在，请刷新后重试")) from exc
        raise


def _begin_writing(session: Session) -> None:
    session.connection(execution_options={"kaoku_begin": "IMMEDIATE"})


def _run_last(uow: UnitOfWork) -> None:
    """Run what belongs to the end of the transaction."""
    uow.session.flush()
    for hook in uow.before_commit:
        hook(uow)


def _run_after(uow: UnitOfWork) -> None:
    for after in uow.after_commit:
        after()


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
