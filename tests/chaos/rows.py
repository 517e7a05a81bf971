"""Rows for every table of a schema at whatever revision, found by trying what its columns, references and checks let through."""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.exc import DBAPIError, StatementError

LEFT_OUT = ("alembic_version", "item_search_fts", "sqlite_", "audit_")
"""The journal is a chain of digests: rows made up would break it."""
MOST_DRAWS = 600
DAY = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
Row = dict[str, Any]


class Filler:
    """Fills the tables that are new since it looked last."""

    def __init__(self, engine: sa.Engine, seed: int) -> None:
        self.engine, self.chance = engine, random.Random(seed)
        self.rows: dict[str, list[Row]] = {}
        self.refused: list[str] = []
        self.number = 0

    def fill(self, n: int) -> None:
        """Add `n` rows to every table that is new, those first that others refer to."""
        inspector = sa.inspect(self.engine)
        known = {*self.rows, *self.refused}
        new = [name for name in inspector.get_table_names() if name not in known and not name.startswith(LEFT_OUT)]
        tables = {name: Shape(inspector, name) for name in new}
        while tables:
            ready = [one for one in tables.values() if not one.parents & tables.keys()] or [*tables.values()]
            for shape in ready:
                del tables[shape.name]
                self._fill_table(shape, n)

    def _fill_table(self, shape: Shape, n: int) -> None:
        found = [row for row in (self._accepted(shape) for _ in range(n)) if row is not None] or self._held(shape)
        if found:
            self.rows[shape.name] = found
        else:
            self.refused.append(shape.name)

    def _held(self, shape: Shape) -> list[Row]:
        """Return the rows that a revision made of those of other tables, where they leave no room for more."""
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(sa.select(shape.table)).mappings()]

    def _accepted(self, shape: Shape) -> Row | None:
        """Draw rows until the database takes one."""
        for _ in range(MOST_DRAWS):
            self.number += 1
            row = self._draw(shape)
            try:
                with self.engine.begin() as connection:
                    connection.execute(shape.table.insert(), row)
            except (DBAPIError, StatementError):
                continue
            return row
        return None

    def _draw(self, shape: Shape) -> Row:
        row: Row = {}
        for columns, parent, referred in shape.references:
            of = self.rows.get(parent)
            is_none = shape.nullable.issuperset(columns) and self.chance.random() < 0.5
            chosen = self.chance.choice(of) if of and not is_none else {}
            row |= {name: chosen.get(other) for name, other in zip(columns, referred, strict=True)}
        return {one["name"]: self._value(shape, one) for one in shape.columns if one["name"] not in row} | row

    def _value(self, shape: Shape, column: ReflectedColumn) -> Any:
        if column["nullable"] and self.chance.random() < 0.5:
            return None
        if words := shape.words.get(column["name"]):
            return self.chance.choice(words)
        return self._plain(column["type"])

    def _plain(self, kind: sa.types.TypeEngine[Any]) -> Any:
        chance = self.chance
        makers: list[tuple[Any, Callable[[], Any]]] = [
            (sa.Uuid, lambda: uuid.UUID(int=chance.getrandbits(128))),
            (sa.CHAR, lambda: f"{chance.getrandbits(128):032x}"),  # how SQLite keeps a UUID
            (sa.String, lambda: self._text(getattr(kind, "length", None))),
            (sa.Boolean, lambda: chance.random() < 0.5),
            (sa.Integer, lambda: chance.choice([0, 1, 2, self.number])),
            (sa.DateTime, self._moment),
            (sa.LargeBinary, lambda: b"-"),
            (sa.Date, lambda: date(2026, 1, 5) + timedelta(days=self.number % 300)),
            (sa.Time, DAY.time),
            (sa.JSON, lambda: chance.choice([{}, []])),
        ]
        make = next((make for of, make in makers if isinstance(kind, of)), lambda: chance.choice([0, 1, 0.5]))
        return make()

    def _moment(self) -> datetime:
        at = DAY + timedelta(minutes=self.chance.randrange(500_000))
        return at if self.engine.dialect.name == "postgresql" else at.replace(tzinfo=None)

    def _text(self, length: int | None) -> str:
        text = f"{self.number:x}"
        return self.chance.choice([text, text.zfill(length or 8)])[-(length or 80) :]


class Shape:
    """What is known of one table."""

    def __init__(self, inspector: sa.Inspector, name: str) -> None:
        self.name = name
        self.columns = inspector.get_columns(name)
        self.nullable = {one["name"] for one in self.columns if one["nullable"]}
        self.table = sa.Table(name, sa.MetaData(), *(sa.Column(one["name"], one["type"]) for one in self.columns))
        self.references: Sequence[tuple[list[str], str, list[str]]] = [
            (one["constrained_columns"], one["referred_table"], one["referred_columns"])
            for one in inspector.get_foreign_keys(name)
        ]
        self.parents = {parent for _, parent, _ in self.references} - {name}
        self.words = self._find_words([one["sqltext"] for one in inspector.get_check_constraints(name)])

    def _find_words(self, checks: Sequence[str]) -> dict[str, list[str]]:
        """Return the words that a column may hold, of each column that a check of its own lists them for."""
        found: dict[str, list[str]] = {}
        for check in checks:
            words = re.findall(r"'([^']*)'", check)
            bare = set(re.findall(r"\w+", re.sub(r"'[^']*'|::\w+", "", check)))
            named = [one["name"] for one in self.columns if one["name"] in bare]
            if len(named) == 1 and len(words) > len(found.get(named[0], ())):
                found[named[0]] = words
        return found


def grow(engine: sa.Engine, name: str, changes: dict[str, str], n: int) -> int:
    """Copy the rows of a table onto themselves, with some columns changed, until it holds `n`; return how many it holds."""
    table = sa.Table(name, sa.MetaData(), autoload_with=engine, resolve_fks=False)
    columns = [column.name for column in table.columns]
    while True:
        with engine.begin() as connection:
            held = int(connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)
            if held >= n:
                return held
            values = [changes.get(column, column) for column in columns]
            rows = f"SELECT {', '.join(values)} FROM {name} LIMIT {n - held}"  # noqa: S608 - names of our own
            connection.exec_driver_sql(f"INSERT INTO {name} ({', '.join(columns)}) {rows}")
