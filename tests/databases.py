"""Databases of the tests on either engine; the schema is built once in a run and copied from then on."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from sqlalchemy import Engine, create_engine, make_url, text

from kernel.db import Base, engine_options, prepare_engine
from web.app import load_models


class Embedded:
    """Files of SQLite."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def _pattern(self) -> Path:
        path = self._folder / "pattern.sqlite3"
        build_schema(f"sqlite:///{path}")
        return path

    @contextmanager
    def empty(self, folder: Path) -> Iterator[str]:
        """Yield the address of a file that is not there yet."""
        yield f"sqlite:///{folder / f'{uuid.uuid4().hex[:12]}.sqlite3'}"

    @contextmanager
    def with_schema(self, folder: Path) -> Iterator[str]:
        """Yield the address of a database that holds all tables and no row."""
        with self.empty(folder) as address:
            shutil.copyfile(self._pattern, str(make_url(address).database))
            yield address


class Served:
    """Databases in the PostgreSQL cluster under test."""

    def __init__(self, address: str) -> None:
        self._address = make_url(address)
        self._made: list[str] = []

    @cached_property
    def _admin(self) -> Engine:
        return create_engine(self._address, isolation_level="AUTOCOMMIT")

    @cached_property
    def _pattern(self) -> str:
        name = self._create("pattern")
        build_schema(self._url(name))
        self._made.append(name)
        return name

    @contextmanager
    def empty(self, folder: Path, pattern: str = "template1") -> Iterator[str]:
        """Yield the address of a database without tables."""
        name = self._create("scratch", pattern)
        yield self._url(name)
        self._drop(name)

    @contextmanager
    def with_schema(self, folder: Path) -> Iterator[str]:
        """Yield the address of a database that holds all tables and no row."""
        with self.empty(folder, self._pattern) as address:
            yield address

    def close(self) -> None:
        """Drop what was kept for copying."""
        for name in self._made:
            self._drop(name)
        self._admin.dispose()

    def _url(self, name: str) -> str:
        return self._address.set(database=name).render_as_string(hide_password=False)

    def _create(self, kind: str, pattern: str = "template1") -> str:
        name = f"{kind}_{uuid.uuid4().hex[:12]}"
        self._order(f"CREATE DATABASE {name} TEMPLATE {pattern}")
        return name

    def _drop(self, name: str) -> None:
        self._order(f"DROP DATABASE {name} WITH (FORCE)")

    def _order(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(statement))


def build_schema(address: str) -> None:
    """Create every table of every component in an empty database."""
    load_models()
    engine = create_engine(address, **engine_options(address))
    prepare_engine(engine)
    Base.metadata.create_all(engine)
    engine.dispose()
