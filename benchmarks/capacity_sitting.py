"""The sitting that `benchmarks.capacity` measures on: prepared once, copied to the other engine, begun anew before every step."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from math import ceil
from typing import Any

from sqlalchemy import Engine, create_engine, insert, select, text

from benchmarks.answering import give_tokens
from exam_delivery.models import Attempt, Candidate, Registration, RenderedForm
from kernel.clock import now
from kernel.db import Base, engine_options, new_id, prepare_engine
from tests.exam_delivery.sitting_cases import Person, make_database

N_SLOTS = 100
MOST_MADE = 700
N_ANSWERED = N_SLOTS // 2
"""What everybody has answered when the work is measured: a page's contact reads all of it."""
WAIT_AGAIN = (
    "UPDATE attempts SET status = 'waiting', started_at = NULL, deadline_at = NULL, submitted_at = NULL, submit_kind = NULL, "
    "receipt = NULL, last_contact_at = NULL, n_answered = 0 WHERE status <> 'waiting'"
)
ANSWER = (
    "WITH RECURSIVE slots(slot) AS (SELECT 1 UNION ALL SELECT slot + 1 FROM slots WHERE slot < :n) "
    "INSERT INTO response_states (attempt_id, slot, seq, response, received_at) "
    "SELECT attempt_id, slot, slot, '[\"A\"]', started_at FROM attempts, slots WHERE status = 'in_progress'"
)
COUNT = "UPDATE attempts SET n_answered = :n WHERE status = 'in_progress'"


def prepare(url: str, n_people: int) -> tuple[Engine, list[Person]]:
    """Prepare a session for at least so many candidates, who have signed in; beyond the first hundreds they are copies."""
    n_doublings = 0
    while n_people / 2**n_doublings > MOST_MADE:
        n_doublings += 1
    engine, sitting = make_database(url, n=ceil(n_people / 2**n_doublings), n_slots=N_SLOTS, starts_at=now())
    people = sitting.people
    for _ in range(n_doublings):
        people += _copies(engine, people)
    give_tokens(engine, people)
    return engine, people


def _copies(engine: Engine, people: Sequence[Person]) -> list[Person]:
    """Add everybody once more under another name and number: making one at a time takes minutes."""
    copies: defaultdict[uuid.UUID, uuid.UUID] = defaultdict(new_id)
    with engine.begin() as connection:
        for model in (Candidate, Registration, Attempt, RenderedForm):
            table = Base.metadata.tables[model.__tablename__]
            rows = [_copied(dict(row), copies, len(people)) for row in connection.execute(select(table)).mappings()]
            connection.execute(insert(table), rows)
    return [
        Person(f"{p.admission_number}-{len(people)}", p.id_number, copies[p.registration_id], copies[p.attempt_id])
        for p in people
    ]


def _copied(row: dict[str, Any], copies: defaultdict[uuid.UUID, uuid.UUID], n_people: int) -> dict[str, Any]:
    row |= {key: copies[row[key]] for key in ("candidate_id", "registration_id", "attempt_id") if key in row}
    row |= {key: f"{row[key]}-{n_people}" for key in ("admission_number", "id_number_index") if key in row}
    if "seat_number" in row:
        row["seat_number"] += n_people
    return row


def copy(source: Engine, url: str) -> Engine:
    """Make a database that holds the same rows."""
    engine = create_engine(url, **engine_options(url))
    prepare_engine(engine)
    Base.metadata.create_all(engine)
    with source.connect() as old, engine.begin() as new:
        for table in Base.metadata.sorted_tables:
            if rows := [dict(row) for row in old.execute(select(table)).mappings()]:
                new.execute(insert(table), rows)
    return engine


def begin_anew(engine: Engine) -> None:
    """Forget every answer but the record of their changes, which nobody can delete, and have everybody wait again."""
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM response_states"))
        connection.execute(text(WAIT_AGAIN))
    _settle(engine)


def answer_half(engine: Engine) -> None:
    """Have everybody who began answer half of the form."""
    with engine.begin() as connection:
        connection.execute(text(ANSWER), {"n": N_ANSWERED})
        connection.execute(text(COUNT), {"n": N_ANSWERED})
    _settle(engine)


def _settle(engine: Engine) -> None:
    """Have the database put away what was written in one go, as it would have done over half an hour."""
    tidy = (
        ["PRAGMA wal_checkpoint(TRUNCATE)"]
        if engine.dialect.name == "sqlite"
        else ["VACUUM ANALYZE attempts, response_states", "CHECKPOINT"]
    )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in tidy:
            connection.execute(text(statement))
