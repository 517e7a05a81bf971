"""On SQLite a revision may write a table anew to which rows refer, and is taken back when it leaves rows that refer to nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text

from tests.chaos.faults_of_revisions import PROBE, Store, _engine
from tests.exam_delivery.sitting_cases import make_database

HEAD = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "{probe}", "{head}"


def upgrade():
    {act}
"""
WRITE_ANEW = 'with op.batch_alter_table("attempts", recreate="always"): pass'
LOSE = 'op.execute("DELETE FROM attempts")'


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path, None)
    engine, sitting = make_database(made.first, n=3)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO response_states (attempt_id, slot, seq, response, received_at) "
                "VALUES (:attempt, 1, 1, '[]', '2026-01-05')"
            ),
            {"attempt": sitting.people[0].attempt_id.hex},
        )
    engine.dispose()
    return made


def prepare(store: Store, engine: Engine, act: str) -> Config:
    """Let the newest revision but one be where the database stands, and the newest do one thing."""
    config = store.config(engine)
    file = store.versions / f"{PROBE}.py"
    head = next(line for line in file.read_text().splitlines() if line.startswith("revision")).split('"')[3]
    file.write_text(HEAD.format(probe=PROBE, head=head, act=act))
    command.stamp(config, head)
    return config


def state_of(engine: Engine) -> tuple[str, int, int, int]:
    """Return the revision, the attempts, the answers, and whether references are enforced."""
    with engine.connect() as connection:
        revision = str(connection.scalar(text("SELECT version_num FROM alembic_version")))
        counts = [int(connection.scalar(text(f"SELECT count(*) FROM {name}")) or 0) for name in TABLES]  # noqa: S608 - ours
        return revision, counts[0], counts[1], int(connection.scalar(text("PRAGMA foreign_keys")) or 0)


TABLES = ("attempts", "response_states")


def test_a_table_with_answers_behind_it_is_written_anew_without_losing_any(store: Store) -> None:
    with _engine(store.first) as engine:
        command.upgrade(prepare(store, engine, WRITE_ANEW), "head")
        assert state_of(engine) == (PROBE, 3, 1, 1)


def test_a_revision_that_would_leave_answers_without_their_attempt_is_taken_back(store: Store) -> None:
    with _engine(store.first) as engine:
        config = prepare(store, engine, LOSE)
        before = state_of(engine)
        with pytest.raises(RuntimeError, match="rows refer to nothing"):
            command.upgrade(config, "head")
        assert state_of(engine) == before
