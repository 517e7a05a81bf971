"""Writers of the embedded database go in turn: nobody is told that it is locked, nobody is overtaken for ever."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine, event, text
from structlog.testing import capture_logs

from exam_delivery.answering.storage_sqlite import SqliteStorage
from kernel import turns
from kernel.db import db, engine_options, prepare_engine
from kernel.identity.actor import system_actor
from kernel.turns import WriteTurn, one_turn
from kernel.uow import unit_of_work

N_STAFF, N_ANSWERERS, N_TURNS = 4, 3, 40


def is_taken(path: str) -> bool:
    probe = os.open(path, os.O_RDONLY | os.O_CREAT)
    try:
        fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(probe)


def wait_until(condition) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def test_who_has_just_written_waits_behind_those_who_stood_there_before(tmp_path: Path) -> None:
    database = str(tmp_path / "a.sqlite3")
    greedy, patient, order = WriteTurn(database), WriteTurn(database), []

    def wait_for_a_turn() -> None:
        with patient:
            order.append("patient")

    with greedy:
        other = threading.Thread(target=wait_for_a_turn)
        other.start()
        wait_until(lambda: is_taken(f"{database}.gate"))
    for _ in range(50):
        with greedy:
            order.append("greedy")
    other.join(60)
    assert order[0] == "patient"
    greedy.close()
    patient.close()


def test_a_turn_ends_with_its_place(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'a.sqlite3'}")
    with one_turn(engine):
        assert is_taken(f"{tmp_path / 'a.sqlite3'}.lock")
    assert not is_taken(f"{tmp_path / 'a.sqlite3'}.lock")
    engine.dispose()


def test_a_transaction_that_keeps_others_waiting_for_long_is_named_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'a.sqlite3'}")
    with capture_logs() as told, one_turn(engine):
        pass
    monkeypatch.setattr(turns, "LONG_SECONDS", 0)
    with capture_logs() as told_of_long, one_turn(engine):
        pass
    engine.dispose()
    assert (told, [one["event"] for one in told_of_long]) == ([], ["others_waited_to_write"])


@pytest.fixture
def staff(tmp_path: Path) -> Iterator[Flask]:
    """An application whose database never waits: whoever meets another writer fails at once."""
    url = f"sqlite:///{tmp_path / 'site.sqlite3'}"
    app = Flask("staff")
    app.config.update(SQLALCHEMY_DATABASE_URI=url, SQLALCHEMY_ENGINE_OPTIONS=engine_options(url))
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
        event.listen(db.engine, "connect", lambda connection, _record: connection.execute("PRAGMA busy_timeout=0"))
        with db.engine.connect() as connection:
            connection.execute(text("CREATE TABLE notes (writer TEXT NOT NULL)"))
            connection.commit()
        yield app
        db.session.remove()
        db.engine.dispose()


def write_as_staff(app: Flask) -> None:
    for _ in range(N_TURNS):
        with app.app_context(), unit_of_work(system_actor()) as uow:
            uow.session.execute(text("INSERT INTO notes VALUES ('staff')"))


def write_as_candidates(path: str) -> None:
    storage = SqliteStorage(path)
    storage.writer.execute("PRAGMA busy_timeout=0")
    for _ in range(N_TURNS):
        with storage.transaction() as transaction:
            transaction.connection.execute("INSERT INTO notes VALUES ('candidate')")
    storage.close()


def test_staff_and_answers_write_at_once_and_nobody_meets_a_locked_database(staff: Flask, tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def run(act, *arguments: object) -> None:
        try:
            act(*arguments)
        except BaseException as exc:  # noqa: BLE001 - whatever it is, the test names it
            errors.append(exc)

    path = str(tmp_path / "site.sqlite3")
    work = [(write_as_staff, staff)] * N_STAFF + [(write_as_candidates, path)] * N_ANSWERERS
    threads = [threading.Thread(target=run, args=one) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert errors == []
    rows = db.session.execute(text("SELECT writer, count(*) FROM notes GROUP BY writer")).all()
    assert dict(map(tuple, rows)) == {"staff": N_STAFF * N_TURNS, "candidate": N_ANSWERERS * N_TURNS}
