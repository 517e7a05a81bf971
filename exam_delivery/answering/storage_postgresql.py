"""PostgreSQL by psycopg: one JSON parameter for a whole batch, rows locked in a stable order, synchronous commit.

A batch travels as one JSON text, because the driver spends more on an array's elements than the database on parsing them.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg.types.json import Json

from exam_delivery.answering.storage import (
    ADMISSION,
    ATTEMPT_COLUMNS,
    COUNT_LEAVES,
    EVENT_COLUMNS,
    FIND_EXEMPT,
    FIND_LOCKDOWNS,
    FIND_SETTINGS_FILE,
    FORM,
    LEAVE_COLUMNS,
    REGISTRATION_STATUS,
    Admission,
    AttemptRow,
    Contact,
    EventRow,
    Key,
    LeaveRow,
    LockdownRow,
    Lockdowns,
    SignInRow,
    StateRow,
)
from exam_delivery.answering.turns import FairPool
from kernel.db import new_id

FIND_STATES_OF = "SELECT attempt_id, slot, seq, response FROM response_states WHERE attempt_id = ANY(%s::uuid[]) ORDER BY attempt_id, slot"
FIND_ATTEMPTS = f"SELECT {ATTEMPT_COLUMNS} FROM attempts WHERE attempt_id = ANY(%s::uuid[])"  # noqa: S608 - constant columns
LOCK_ATTEMPTS = f"{FIND_ATTEMPTS} ORDER BY attempt_id FOR UPDATE"
FIND_WITH_FORMS = f"SELECT {ATTEMPT_COLUMNS}, {FORM} FROM attempts WHERE attempt_id = ANY(%s::uuid[])"  # noqa: S608 - constant columns
STATES_AT = (
    "SELECT k.n, s.seq, s.response FROM unnest(%s::uuid[], %s::int[]) WITH ORDINALITY AS k(a, s, n) "
    "JOIN response_states s ON s.attempt_id = k.a AND s.slot = k.s"
)
TOUCH = (
    "UPDATE attempts a SET last_contact_at = t.at, n_answered = a.n_answered + t.n "
    "FROM json_to_recordset(%s::json) AS t(id uuid, at timestamptz, n int) WHERE a.attempt_id = t.id"
)
EVENTS = (
    "SELECT * FROM json_to_recordset(%s::json) AS t(attempt_id uuid, slot int, seq bigint, response text, client_time text, "
    "received_at timestamptz, generation int, is_late boolean)"
)
KEEP = (
    f"WITH ahead AS MATERIALIZED ({EVENTS}), "  # noqa: S608 - constant columns
    f"events AS (INSERT INTO response_events ({EVENT_COLUMNS}) "
    f"SELECT {EVENT_COLUMNS} FROM ahead UNION ALL SELECT {EVENT_COLUMNS} FROM ({EVENTS}) AS behind ON CONFLICT DO NOTHING), "
    "states AS (INSERT INTO response_states (attempt_id, slot, seq, response, received_at) "
    "SELECT attempt_id, slot, seq, response, received_at FROM ahead "
    "ON CONFLICT (attempt_id, slot) DO UPDATE SET seq = excluded.seq, response = excluded.response, "
    f"received_at = excluded.received_at WHERE excluded.seq > response_states.seq) {TOUCH}"
)
"""Events, states and contacts of a batch as one statement: each of its own costs the driver more than the database. What becomes the
state is read from its text once, which costs the database as much as keeping half a row."""
NOTE_GAPS = (
    "INSERT INTO contact_gaps (attempt_id, started_at, ended_at) SELECT id, started, ended "
    "FROM json_to_recordset(%s::json) AS t(id uuid, started timestamptz, ended timestamptz) ON CONFLICT DO NOTHING"
)
ADD_LEAVES = (
    f"INSERT INTO leave_events ({LEAVE_COLUMNS}) SELECT {LEAVE_COLUMNS} FROM json_to_recordset(%s::json) "  # noqa: S608 - constant
    "AS t(attempt_id uuid, seq bigint, kind text, seconds int, client_time text, received_at timestamptz, generation int) "
    "ON CONFLICT DO NOTHING"
)
READER_SECONDS = 30
PATIENCE: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""A database machine that vanished without a word is noticed in seconds; the system's own patience is a quarter of an hour."""
BY_KEY = "; ".join(
    f"SET {setting}"
    for setting in (
        "enable_seqscan = off", "enable_hashjoin = off", "enable_mergejoin = off", "jit = off",
        "plan_cache_mode = force_generic_plan",
    )
)  # fmt: skip
"""Every statement here names its rows by their keys. A plan made while the tables were nearly empty would go on reading them whole,
each batch anew, until statistics are collected in the middle of the exam."""
N_READERS = 8
"""Connections of a process for reading; its many threads share them, so that a few processes never use up the database's."""


def _array(words: Iterable[str]) -> str:
    """Return numbers or identities as one array parameter; the driver spends more on its elements."""
    return "{" + ",".join(words) + "}"


def _keys(attempt_ids: Sequence[uuid.UUID]) -> str:
    return _array(map(str, attempt_ids))


def as_json(rows: Any) -> str:
    """Return rows as the one parameter of a statement."""
    return msgspec.json.encode(rows).decode()


def _contacts(rows: Sequence[Contact]) -> str:
    return as_json([{"id": attempt_id, "at": at, "n": n} for attempt_id, at, n in rows])


class PostgresqlStorage:
    """Reads on a few shared connections, writes on one of each writing thread; a broken connection is opened anew."""

    n_writers = 2

    def __init__(self, url: str) -> None:
        self.url = url.replace("postgresql+psycopg://", "postgresql://", 1)
        self.readers: FairPool[psycopg.Connection[Any] | None] = FairPool([None] * N_READERS)
        self.lock = threading.Lock()
        self.opened: list[psycopg.Connection[Any]] = []
        self.local = threading.local()

    def _open(self, *, autocommit: bool) -> psycopg.Connection[Any]:
        connection = psycopg.connect(self.url, autocommit=True, **PATIENCE)
        connection.execute(BY_KEY)
        connection.autocommit = autocommit
        with self.lock:
            self.opened = [c for c in self.opened if not c.closed]
            self.opened.append(connection)
        return connection

    def _read(self, query: str, parameters: Sequence[Any]) -> list[Any]:
        """Run a query on the next free connection; once more on a fresh one when the database was restarted meanwhile."""
        connection = self.readers.take(READER_SECONDS)
        try:
            if connection is not None and not connection.closed:
                try:
                    return connection.execute(query, parameters, binary=True).fetchall()
                except psycopg.OperationalError:
                    connection.close()
            connection = self._open(autocommit=True)
            return connection.execute(query, parameters, binary=True).fetchall()
        finally:
            self.readers.give(connection)

    @property
    def writer(self) -> psycopg.Connection[Any]:
        """The connection on which the present thread writes."""
        connection: psycopg.Connection[Any] | None = getattr(self.local, "connection", None)
        if connection is None or connection.closed:
            connection = self.local.connection = self._open(autocommit=False)
        return connection

    @contextmanager
    def transaction(self) -> Iterator[PostgresqlTransaction]:
        """Open a write transaction on the thread's connection.

        Statements are sent without waiting for one another; what is read is waited for, and the end waits for all, the commit too.
        """
        writer = self.writer
        try:
            with writer.pipeline(), writer.transaction():
                yield PostgresqlTransaction(writer)
        except psycopg.OperationalError:
            writer.close()
            raise

    def find_sign_in(self, admission_number: str) -> SignInRow | None:
        """Return the registration behind an admission number."""
        rows = self._read(
            f"SELECT coalesce(r.sign_in_index, ''), {REGISTRATION_STATUS}, r.admission_number, a.attempt_id, a.opens_at "  # noqa: S608
            "FROM registrations r LEFT JOIN attempts a ON a.registration_id = r.registration_id "
            "LEFT JOIN exam_sessions s ON s.exam_session_id = r.exam_session_id "
            "WHERE r.admission_number = %s",
            (admission_number,),
        )
        return SignInRow(*rows[0]) if rows else None

    def find_attempt(self, attempt_id: uuid.UUID) -> AttemptRow | None:
        """Return an attempt as it is now."""
        query = f"SELECT {ATTEMPT_COLUMNS} FROM attempts WHERE attempt_id = %s"  # noqa: S608 - constant columns
        rows = self._read(query, (attempt_id,))
        return AttemptRow(*rows[0]) if rows else None

    def find_form(self, attempt_id: uuid.UUID) -> bytes | None:
        """Return the compressed rendered form."""
        rows = self._read("SELECT body FROM rendered_forms WHERE attempt_id = %s", (attempt_id,))
        return bytes(rows[0][0]) if rows else None

    def find_forms(self, attempt_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[AttemptRow, bytes | None]]:
        """Return attempts as they are now, each with its compressed rendered form."""
        rows = self._read(FIND_WITH_FORMS, (_keys(attempt_ids),))
        return {row[0]: (AttemptRow(*row[:-1]), row[-1]) for row in rows}

    def find_durable(self, attempt_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[AttemptRow, list[StateRow]]]:
        """Return attempts as they are now, each with its durable answers by slot."""
        keys = (_keys(attempt_ids),)
        found: dict[uuid.UUID, tuple[AttemptRow, list[StateRow]]] = {
            row[0]: (AttemptRow(*row), []) for row in self._read(FIND_ATTEMPTS, keys)
        }
        for attempt_id, *state in self._read(FIND_STATES_OF, keys):
            if attempt_id in found:
                found[attempt_id][1].append(StateRow(*state))
        return found

    def count_failed_sign_ins(self, subject: str, since: datetime) -> int:
        """Return the number of failures of a subject."""
        query = "SELECT count(*) FROM sign_in_tries WHERE subject = %s AND tried_at > %s"
        return int(self._read(query, (subject, since))[0][0])

    def find_lockdowns(self) -> Lockdowns:
        """Return which sessions need a certain browser, and who is exempt."""
        rows = {
            key: LockdownRow(base_url, config_key, tuple(exam_keys), code)
            for key, base_url, config_key, exam_keys, code in self._read(FIND_LOCKDOWNS, ())
        }
        return Lockdowns(rows, frozenset(key for (key,) in self._read(FIND_EXEMPT, ())) if rows else frozenset())

    def find_settings_file(self, launch_code: str) -> bytes | None:
        """Return the settings file of a session by its code."""
        rows = self._read(f"{FIND_SETTINGS_FILE}%s", (launch_code,))
        return bytes(rows[0][0]) if rows else None

    def close(self) -> None:
        """Close every connection."""
        for connection in self.opened:
            connection.close()


class PostgresqlTransaction:
    """The statements of one write transaction."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.admissions: dict[uuid.UUID, Admission] = {}
        self.answers: dict[uuid.UUID, list[StateRow]] = {}
        self.asked: tuple[Sequence[Key], psycopg.Cursor[Any]] | None = None

    def lock_attempts(self, attempt_ids: Sequence[uuid.UUID], slots: Sequence[Key] = ()) -> dict[uuid.UUID, AttemptRow]:
        """Return attempts locked in the order of their keys; states are asked for with the same wait."""
        locked = self.connection.execute(LOCK_ATTEMPTS, (_keys(attempt_ids),), binary=True)
        self.asked = (slots, self._ask_states(slots)) if slots else None
        rows = [AttemptRow(*row) for row in locked]
        return {row.attempt_id: row for row in rows}

    def _ask_states(self, keys: Sequence[Key]) -> psycopg.Cursor[Any]:
        attempts, slots = [f"{number:032x}" for number, _ in keys], [str(slot) for _, slot in keys]
        return self.connection.execute(STATES_AT, (_array(attempts), _array(slots)), binary=True)

    def states_at(self, keys: Sequence[Key]) -> dict[Key, StateRow]:
        """Return the states of some slots, from what was asked for with the locks."""
        asked, rows = self.asked or (keys, self._ask_states(keys))
        self.asked = None
        return {asked[n - 1]: StateRow(asked[n - 1][1], seq, response) for n, seq, response in rows}

    def keep(self, ahead: Sequence[EventRow], behind: Sequence[EventRow], contacts: Sequence[Contact]) -> None:
        """Keep all events, make those that are ahead the states, and write the contacts."""
        self.connection.execute(KEEP, (as_json(ahead), as_json(behind), _contacts(contacts)))

    def touch(self, rows: Sequence[Contact]) -> None:
        """Write last contact, and how many more answers there are; the rows are locked already."""
        self.connection.execute(TOUCH, (_contacts(rows),))

    def note_gaps(self, rows: Sequence[tuple[uuid.UUID, datetime, datetime]]) -> None:
        """Keep spans without contact; one that is there already changes nothing."""
        gaps = [{"id": attempt_id, "started": start, "ended": end} for attempt_id, start, end in rows]
        self.connection.execute(NOTE_GAPS, (as_json(gaps),))

    def lock(self, attempt_id: uuid.UUID, at: datetime, reason: str) -> None:
        """Turn an attempt read-only until an invigilator unlocks it; the first lock stands."""
        self.connection.execute(
            "UPDATE attempts SET locked_at = %s, hold_reason = %s WHERE attempt_id = %s AND locked_at IS NULL",
            (at, reason[:200], attempt_id),
        )

    def add_leaves(self, rows: Sequence[LeaveRow]) -> None:
        """Keep what the page noticed of leaving it; one that is there already changes nothing."""
        self.connection.execute(ADD_LEAVES, (as_json(rows),))

    def count_leaves(self, attempt_id: uuid.UUID) -> int:
        """Return how often the page was left."""
        row = self.connection.execute(f"{COUNT_LEAVES}%s", (attempt_id,)).fetchone()
        return int(row[0]) if row else 0

    def foresee(self, doors: Sequence[uuid.UUID], leavers: Sequence[uuid.UUID]) -> None:
        """Look up whether the candidates of some attempts may begin, and all states of others, by slot; both with one wait."""
        admissions = self.connection.execute(f"{ADMISSION}= ANY(%s::uuid[])", (_keys(doors),), binary=True)
        states = self.connection.execute(FIND_STATES_OF, (_keys(leavers),), binary=True) if leavers else ()
        self.admissions.update({attempt_id: Admission(*rest) for attempt_id, *rest in admissions})
        self.answers.update({attempt_id: [] for attempt_id in leavers})
        for attempt_id, *state in states:
            self.answers[attempt_id].append(StateRow(*state))

    def take(self, attempt_id: uuid.UUID, generation: int, device: str, at: datetime) -> None:
        """Make a new holder."""
        self.connection.execute(
            "UPDATE attempts SET holder_generation = %s, device = %s, signed_in_at = %s, last_contact_at = %s "
            "WHERE attempt_id = %s",
            (generation, device, at, at, attempt_id),
        )

    def start(self, attempt_id: uuid.UUID, started_at: datetime, deadline_at: datetime) -> None:
        """Start the clock."""
        self.connection.execute(
            "UPDATE attempts SET status = 'in_progress', started_at = %s, deadline_at = %s, last_contact_at = %s "
            "WHERE attempt_id = %s",
            (started_at, deadline_at, started_at, attempt_id),
        )

    def submit(self, attempt_id: uuid.UUID, at: datetime, kind: str, receipt: dict[str, Any]) -> None:
        """Close an attempt with its receipt."""
        self.connection.execute(
            "UPDATE attempts SET status = 'submitted', submitted_at = %s, submit_kind = %s, receipt = %s, n_answered = %s "
            "WHERE attempt_id = %s",
            (at, kind, Json(receipt), receipt["n_answers"], attempt_id),
        )

    def note_incident(self, attempt: AttemptRow, kind: str, text: str, at: datetime) -> None:
        """Add an incident noted by the system."""
        self.connection.execute(
            "INSERT INTO incidents (incident_id, organisation_id, exam_session_id, attempt_id, kind, text, noted_at) "
            "VALUES (%s,%s,%s,%s,%s,%s,%s)",
            (new_id(), attempt.organisation_id, attempt.exam_session_id, attempt.attempt_id, kind, text, at),
        )

    def note_failed_sign_in(self, subjects: Sequence[str], at: datetime) -> None:
        """Remember a failed sign-in."""
        with self.connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO sign_in_tries (sign_in_try_id, subject, tried_at) VALUES (%s,%s,%s)",
                [(new_id(), subject, at) for subject in subjects],
            )
