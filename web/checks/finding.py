"""What a look at the installation gives."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import current_app
from sqlalchemy import text
from sqlalchemy.orm import Session

from kernel.db import db
from kernel.settings import Settings


class Level(enum.StrEnum):
    """In order; worth mending; not fit to run."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and how to mend it."""

    level: Level
    text: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """One check: a code for scripts, a name for people, and what looks."""

    code: str
    name: str
    function: Callable[[], Finding]


def settings_now() -> Settings:
    """Return the settings of the running application."""
    settings: Settings = current_app.config["KAOKU"]
    return settings


@contextmanager
def reading() -> Iterator[Session]:
    """Give a session inside a savepoint, so that one failed look does not spoil the next."""
    with db.session().begin_nested():
        yield db.session()


def scalar(query: str) -> Any:
    """Return the one value of a query."""
    with reading() as session:
        return session.scalar(text(query))


def is_sqlite() -> bool:
    """Say whether the embedded database is in use."""
    return db.engine.dialect.name == "sqlite"
