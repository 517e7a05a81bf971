"""SQLite keeps figures of its tables, by which it chooses indexes."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import create_engine, text

from kernel import db as database
from kernel.db import db, prepare_engine, refresh_statistics


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.executescript(
            "CREATE TABLE t (a INTEGER, b INTEGER); CREATE INDEX ia ON t (a); CREATE INDEX ib ON t (b)"
        )
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(n, n % 3) for n in range(3000)])
    connection.close()
    return path


def figures(path) -> dict[str, str]:
    connection = sqlite3.connect(path)
    try:
        has = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'").fetchone()
        return dict(connection.execute("SELECT idx, stat FROM sqlite_stat1")) if has else {}
    finally:
        connection.close()


def test_a_connection_that_closes_leaves_figures_of_what_it_asked_for(file):
    engine = create_engine(f"sqlite:///{file}")
    prepare_engine(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM t WHERE a = 5 AND b = 2")).scalar() == 1
    assert figures(file) == {}
    engine.dispose()
    assert set(figures(file)) == {"ia", "ib"}


def test_closing_while_somebody_writes_only_leaves_it_to_the_next(file):
    engine = create_engine(f"sqlite:///{file}")
    prepare_engine(engine)
    with engine.connect() as connection:
        connection.execute(text("SELECT count(*) FROM t WHERE a = 5 AND b = 2")).scalar()
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    engine.dispose()
    writer.execute("ROLLBACK")
    writer.close()
    assert figures(file) == {}


def test_after_much_was_written_all_tables_are_looked_at(file, app, monkeypatch):
    if db.engine.dialect.name != "sqlite":
        refresh_statistics()
        return
    engine = create_engine(f"sqlite:///{file}")
    monkeypatch.setattr(database.db.__class__, "engine", property(lambda _self: engine))
    refresh_statistics()
    assert set(figures(file)) == {"ia", "ib"}
    engine.dispose()
