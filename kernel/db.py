"""The database: model base, column types, and the engine settings of both engines."""

from __future__ import annotations

import enum
import secrets
import sqlite3
import time
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, DateTime, Dialect, Engine, Enum, MetaData, Numeric, Uuid, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection
from sqlalchemy.orm import DeclarativeBase, mapped_column, registry
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC; naive values are refused. SQLite keeps it without zone, so reading adds UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the library's signature
        """Refuse naive times; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime was given to the database")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the library's signature
        """Return aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def new_id() -> uuid.UUID:
    """Return a version 7 UUID (RFC 9562): 48 bits of milliseconds, then randomness, so that keys sort by age."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


UuidPk = Annotated[uuid.UUID, mapped_column(Uuid, primary_key=True, default=new_id)]
"""Primary key made by us, so that an object has its identity before it is stored."""

JsonValue = JSON().with_variant(JSONB(), "postgresql")
"""Column type of a JSON document."""

Marks = Numeric(7, 3, asdecimal=True)
"""Column type of a mark or score."""


def named_enum(values: type[enum.Enum], name: str) -> Enum:
    """Return an enum column type whose check has a name of its own, for the second column of one enum in a table."""
    return Enum(
        values,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda e: [m.value for m in e],
    )


class Base(DeclarativeBase):
    """Base of all models."""

    registry = registry(
        metadata=MetaData(naming_convention=NAMING),
        type_annotation_map={
            datetime: UtcDateTime,
            uuid.UUID: Uuid,
            Decimal: Marks,
            dict[str, Any]: JsonValue,
            list[Any]: JsonValue,
            enum.Enum: Enum(
                enum.Enum,
                native_enum=False,
                create_constraint=True,
                length=32,
                values_callable=lambda e: [m.value for m in e],
            ),
        },
    )


db = SQLAlchemy(
    model_class=Base,
    session_options={"expire_on_commit": False, "autoflush": False, "join_transaction_mode": "create_savepoint"},
)


def engine_options(url: str) -> dict[str, Any]:
    """Return the pool settings that fit the engine behind the address."""
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": 30, "check_same_thread": False}}
    return {"pool_pre_ping": True, "pool_size": 5, "max_overflow": 15, "connect_args": {"client_encoding": "utf8"}}


def prepare_engine(engine: Engine) -> None:
    """Make SQLite durable and strict: WAL, full synchronisation, foreign keys, and transactions that we begin ourselves."""
    if engine.dialect.name != "sqlite":
        return
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "close", _look_again)
    event.listen(engine, "begin", _begin_sqlite)


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own implicit BEGIN would defeat savepoints
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _look_again(connection: Any, _record: Any) -> None:
    """Let SQLite note how large the tables are that this connection asked for, as its makers advise before closing."""
    with suppress(sqlite3.Error):  # somebody writes, or the file is gone: the next one does it
        for pragma in ("busy_timeout=50", "analysis_limit=400", "optimize"):
            connection.execute(f"PRAGMA {pragma}")


def refresh_statistics() -> None:
    """Have SQLite look at all tables anew, after much was written at once; PostgreSQL does so by itself."""
    if db.engine.dialect.name != "sqlite":
        return
    connection = db.engine.engine.raw_connection()
    try:
        with suppress(sqlite3.Error):
            for statement in ("PRAGMA busy_timeout=50", "PRAGMA analysis_limit=1000", "ANALYZE"):
                connection.cursor().execute(statement)
    finally:
        connection.cursor().execute("PRAGMA busy_timeout=30000")
        connection.close()


def _begin_sqlite(connection: Connection) -> None:
    """Begin at once as a writer inside a unit of work: a reader that upgrades later could only fail."""
    mode = connection.get_execution_options().get("kaoku_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")
