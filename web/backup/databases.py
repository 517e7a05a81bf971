"""What differs between the engines: copying a running database, loading a copy, and telling what is in it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, inspect, make_url, text
from sqlalchemy.exc import DBAPIError

from kernel.errors import ConflictError, DependencyError
from kernel.i18n import N_
from kernel.settings import Settings
from web.backup.archive import DATABASE


@dataclass(frozen=True, slots=True)
class Contents:
    """What stands in a database at one moment: its revision, rows by table, and the end of the audit chain."""

    revision: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    audit: dict[str, Any] = field(default_factory=dict)


def engine_name(settings: Settings) -> str:
    """Return the engine of an installation as backups name it."""
    return "sqlite" if settings.is_sqlite else "postgresql"


def sqlite_file(settings: Settings) -> Path | None:
    """Return the file of the embedded database."""
    name = make_url(settings.database_url).database if settings.is_sqlite else None
    return Path(name).resolve() if name else None


def database_bytes(settings: Settings) -> int:
    """Return how much room the database takes."""
    if file := sqlite_file(settings):
        return file.stat().st_size if file.exists() else 0
    engine = create_engine(settings.database_url)
    try:
        with engine.connect() as connection:
            return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
    finally:
        engine.dispose()


def dump(settings: Settings, folder: Path) -> tuple[Path, Contents]:
    """Copy the database as it is at one moment, without keeping writers waiting; say what is in the copy."""
    target = folder / DATABASE[engine_name(settings)]
    return target, (_copy_sqlite if settings.is_sqlite else _dump_postgresql)(settings, target)


def _copy_sqlite(settings: Settings, target: Path) -> Contents:
    with closing(sqlite3.connect(f"file:{sqlite_file(settings)}?mode=ro", uri=True, timeout=60)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))
    copy = create_engine(f"sqlite:///{target}")
    try:
        with copy.connect() as reader:
            return look_into(reader)
    finally:
        copy.dispose()


def _dump_postgresql(settings: Settings, target: Path) -> Contents:
    """Let the dump and the counts see the same snapshot."""
    engine = create_engine(settings.database_url, isolation_level="REPEATABLE READ")
    try:
        with engine.connect() as connection:
            snapshot = connection.scalar(text("SELECT pg_export_snapshot()"))
            run_program(
                "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}",
                f"--file={target}", url=settings.database_url,
            )  # fmt: skip
            return look_into(connection)
    finally:
        engine.dispose()


def look_into(connection: Connection) -> Contents:
    """Return what stands in a database."""
    names = sorted(inspect(connection).get_table_names())
    quote = connection.dialect.identifier_preparer.quote
    rows = {name: int(connection.scalar(text(f"SELECT count(*) FROM {quote(name)}")) or 0) for name in names}  # noqa: S608 - quoted names of the database's own tables
    revision = connection.scalar(text("SELECT version_num FROM alembic_version")) if "alembic_version" in names else ""
    head = (
        connection.execute(text("SELECT seq, event_hash FROM audit_heads")).first() if "audit_heads" in names else None
    )
    return Contents(revision or "", rows, {"seq": head[0], "hash": head[1]} if head else {})


def load(settings: Settings, copy: Path) -> None:
    """Put a copied database in the place of an empty one."""
    if not settings.is_sqlite:
        run_program(
            "pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", str(copy),
            url=settings.database_url,
        )  # fmt: skip
        return
    target = sqlite_file(settings)
    if target is None:
        raise ConflictError(N_("内存数据库不能恢复，请设置 KAOKU_DATABASE_URL"))
    target.parent.mkdir(parents=True, exist_ok=True)
    for leftover in (target, target.with_name(target.name + "-wal"), target.with_name(target.name + "-shm")):
        leftover.unlink(missing_ok=True)
    shutil.move(copy, target)
    target.chmod(0o600)


def run_program(program: str, *arguments: str, url: str) -> None:
    """Run one of PostgreSQL's own programs on a database; the password travels in the environment, not in the arguments."""
    if shutil.which(program) is None:
        raise DependencyError(N_("没有找到 %(name)s，请安装 postgresql-client（版本不低于服务器）"), name=program)
    address = make_url(url)
    environment = {**os.environ, "PGPASSWORD": address.password or ""}
    plain = address.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    done = subprocess.run(
        [program, *arguments, f"--dbname={plain}"], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DependencyError(N_("%(name)s 没有成功：%(reason)s"), name=program, reason=done.stderr.strip()[-300:])


@contextmanager
def empty_database(settings: Settings, folder: Path) -> Iterator[Settings]:
    """Give settings of a database that exists for this block alone: a file, or a database of the same server."""
    if settings.is_sqlite:
        yield replace(settings, instance_dir=folder, database_url=f"sqlite:///{folder / 'drill.sqlite3'}")
        return
    name = f"kaoku_drill_{uuid.uuid4().hex[:12]}"
    admin = create_engine(settings.database_url, isolation_level="AUTOCOMMIT")
    try:
        _administer(admin, f"CREATE DATABASE {name} TEMPLATE template0 {_kind(admin)}")
        try:
            url = make_url(settings.database_url).set(database=name).render_as_string(hide_password=False)
            yield replace(settings, instance_dir=folder, database_url=url)
        finally:
            _administer(admin, f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        admin.dispose()


def _kind(admin: Engine) -> str:
    """Return encoding and locale of the present database: the server's own template may hold no Chinese."""
    query = (
        "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = current_database()"
    )
    with admin.connect() as connection:
        encoding, collate, ctype = connection.execute(text(query)).one()
    return f"ENCODING '{encoding}' LC_COLLATE '{collate}' LC_CTYPE '{ctype}'"


def _administer(admin: Engine, statement: str) -> None:
    try:
        with admin.connect() as connection:
            connection.execute(text(statement))
    except DBAPIError as exc:
        reason = str(exc.orig).strip().splitlines()[0]
        raise DependencyError(
            N_("不能建立演练用的临时数据库：%(reason)s。请给数据库用户 CREATEDB 权限（ALTER ROLE … CREATEDB）"),
            reason=reason,
        ) from exc
