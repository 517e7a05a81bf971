"""The way of one save: what it touches, and how often it asks the database."""

from __future__ import annotations

import re
from pathlib import Path

from exam_delivery.answering.app import AnsweringApp
from exam_delivery.answering.storage_sqlite import SqliteStorage
from tests.exam_delivery.sitting_cases import SECRET, Caller, Clock, make_database

TOUCHED = {"attempts", "response_events", "response_states"}
MOST_STATEMENTS = 7
"""BEGIN, the attempt, the event, the state as it was, the state as it is, last contact, COMMIT."""


def test_a_save_reads_no_form_renders_nothing_and_asks_the_database_a_handful_of_times(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'site.sqlite3'}"
    engine, sitting = make_database(url, n=1)
    storage = SqliteStorage(url.removeprefix("sqlite:///"))
    app = AnsweringApp(storage, SECRET, now=Clock())
    caller = Caller(app).begin(sitting.people[0])
    statements: list[str] = []
    assert storage.writer is not None
    storage.writer.set_trace_callback(statements.append)
    assert caller.save((1, 1, ["A"])).status == 200
    storage.writer.set_trace_callback(None)
    app.close()
    engine.dispose()
    tables = set(re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE) ([a-z_]+)", "\n".join(statements)))
    assert tables == TOUCHED
    assert len([one for one in statements if not one.startswith("--")]) <= MOST_STATEMENTS
