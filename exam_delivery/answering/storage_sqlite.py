"""The embedded database: WAL with full synchronisation, writers in turn (`kernel.turns`), never by busy waiting."""

from __future__ import annotations

import json
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from exam_delivery.answering.checkpoints import FULL_LOG_PAGES, Checkpoints
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
from kernel.db import new_id
from kernel.turns import WriteTurn

UUIDS, TIMES, RECEIPT = (0, 1, 2), (6, 7, 8, 12, 13, 16, 17, 18), 14
"""Positions in `ATTEMPT_COLUMNS` of what the driver gives as text."""
FIND_ATTEMPT = f"SELECT {ATTEMPT_COLUMNS} FROM attempts WHERE attempt_id = ?"  # noqa: S608 - constant columns
FIND_WITH_FORM = f"SELECT {ATTEMPT_COLUMNS}, {FORM} FROM attempts WHERE attempt_id = ?"  # noqa: S608 - constant columns
ADD_EVENT = (
    f"INSERT INTO response_events ({EVENT_COLUMNS}) VALUES (?,?,?,?,?,?,?,?) "  # noqa: S608 - constant columns
    "ON CONFLICT DO NOTHING"
)
FIND_STATES = "SELECT slot, seq, response FROM response_states WHERE attempt_id = ? ORDER BY slot"


def to_text(moment: datetime) -> str:
    """Return a moment in the form the column type keeps."""
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).isoformat(" ", "microseconds")[:26]


@lru_cache(maxsize=4096)
def from_text(text: str | None) -> datetime | None:
    """Return the moment that a column keeps."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


@lru_cache(maxsize=16384)
def to_uuid(text: str) -> uuid.UUID:
    """Return the identity that a column keeps; sessions and organisations are the same for many rows."""
    return uuid.UUID(text)


def attempt_from(row: Sequence[Any]) -> AttemptRow:
    """Return an attempt from its columns."""
    values = list(row)
    for position in UUIDS:
        values[position] = to_uuid(values[position])
    for position in TIMES:
        values[position] = from_text(values[position])
    values[RECEIPT] = json.loads(values[RECEIPT]) if values[RECEIPT] else None
    return AttemptRow(*values)


def connect(path: str) -> sqlite3.Connection:
    """Open a connection with the durability that answers need."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    settings = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000")
    for pragma in (*settings, f"wal_autocheckpoint={FULL_LOG_PAGES}"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


class SqliteStorage:
    """Reads on a connection of the thread, writes on the writer's own."""

    n_writers = 1

    def __init__(self, path: str) -> None:
        self.path = path
        self.local = threading.local()
        self.opened: list[sqlite3.Connection] = []
        self.writer: sqlite3.Connection | None = self._open()
        self.turn = WriteTurn(path)
        self.checkpoints = Checkpoints(path, connect)

    def _open(self) -> sqlite3.Connection:
        connection = connect(self.path)
        self.opened.append(connection)
        return connection

    @property
    def reader(self) -> sqlite3.Connection:
        """The connection of the present thread."""
        if not hasattr(self.local, "connection"):
            self.local.connection = self._open()
        connection: sqlite3.Connection = self.local.connection
        return connection

    @contextmanager
    def transaction(self) -> Iterator[SqliteTransaction]:
        """Open a write transaction, in its turn among all writers of the site; after an error of the disk on a fresh connection."""
        with self.turn:
            writer = self.writer = self.writer or self._open()
            try:
                writer.execute("BEGIN IMMEDIATE")
                yield SqliteTransaction(writer)
                writer.execute("COMMIT")
            except sqlite3.OperationalError:
                self._give_up(writer)
                raise
            except BaseException:
                if writer.in_transaction:
                    writer.execute("ROLLBACK")
                raise

    def _give_up(self, writer: sqlite3.Connection) -> None:
        """Close a connection whose disk failed: what it holds in memory is not to be trusted, and closing rolls back."""
        self.writer = None
        self.opened.remove(writer)
        writer.close()

    def find_sign_in(self, admission_number: str) -> SignInRow | None:
        """Return the registration behind an admission number."""
        row = self.reader.execute(
            f"SELECT r.sign_in_index, {REGISTRATION_STATUS}, r.admission_number, a.attempt_id, a.opens_at "  # noqa: S608 - constant
            "FROM registrations r LEFT JOIN attempts a ON a.registration_id = r.registration_id "
            "LEFT JOIN exam_sessions s ON s.exam_session_id = r.exam_session_id WHERE r.admission_number = ?",
            (admission_number,),
        ).fetchone()
        if row is None:
            return None
        attempt_id = uuid.UUID(row[3]) if row[3] else None
        return SignInRow(row[0] or "", row[1], row[2], attempt_id, from_text(row[4]))

    def find_attempt(self, attempt_id: uuid.UUID) -> AttemptRow | None:
        """Return an attempt as it is now."""
        row = self.reader.execute(FIND_ATTEMPT, (attempt_id.hex,)).fetchone()
        return attempt_from(row) if row else None

    def find_form(self, attempt_id: uuid.UUID) -> bytes | None:
        """Return the compressed rendered form."""
        query = "SELECT body FROM rendered_forms WHERE attempt_id = ?"
        row = self.reader.execute(query, (attempt_id.hex,)).fetchone()
        return row[0] if row else None

    def find_forms(self, attempt_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[AttemptRow, bytes | None]]:
        """Return attempts as they are now, each with its compressed rendered form."""
        rows = (self.reader.execute(FIND_WITH_FORM, (key.hex,)).fetchone() for key in attempt_ids)
        return {to_uuid(row[0]): (attempt_from(row[:-1]), row[-1]) for row in rows if row}

    def find_durable(self, attempt_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[AttemptRow, list[StateRow]]]:
        """Return attempts as they are now, each with its durable answers by slot."""
        found = ((key, self.find_attempt(key)) for key in attempt_ids)
        return {key: (attempt, self._states(key)) for key, attempt in found if attempt}

    def _states(self, attempt_id: uuid.UUID) -> list[StateRow]:
        return [StateRow(*row) for row in self.reader.execute(FIND_STATES, (attempt_id.hex,))]

    def count_failed_sign_ins(self, subject: str, since: datetime) -> int:
        """Return the number of failures of a subject."""
        query = "SELECT count(*) FROM sign_in_tries WHERE subject = ? AND tried_at > ?"
        return int(self.reader.execute(query, (subject, to_text(since))).fetchone()[0])

    def find_lockdowns(self) -> Lockdowns:
        """Return which sessions need a certain browser, and who is exempt."""
        rows = {
            to_uuid(key): LockdownRow(base_url, config_key, tuple(json.loads(exam_keys)), code)
            for key, base_url, config_key, exam_keys, code in self.reader.execute(FIND_LOCKDOWNS)
        }
        exempt = (uuid.UUID(key) for (key,) in self.reader.execute(FIND_EXEMPT)) if rows else ()
        return Lockdowns(rows, frozenset(exempt))

    def find_settings_file(self, launch_code: str) -> bytes | None:
        """Return the settings file of a session by its code."""
        row = self.reader.execute(f"{FIND_SETTINGS_FILE}?", (launch_code,)).fetchone()
        return bytes(row[0]) if row else None

    def close(self) -> None:
        """Close every connection."""
        self.checkpoints.close()
        for connection in self.opened:
            connection.close()
        self.turn.close()


class SqliteTransaction:
    """The statements of one write transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.admissions: dict[uuid.UUID, Admission] = {}
        self.answers: dict[uuid.UUID, list[StateRow]] = {}

    def lock_attempts(
        self, attempt_ids: Sequence[uuid.UUID], _slots: Sequence[Key] = ()
    ) -> dict[uuid.UUID, AttemptRow]:
        """Return attempts; the write transaction itself is the lock. One prepared statement each beats a list of marks."""
        rows = (self.connection.execute(FIND_ATTEMPT, (key.hex,)).fetchone() for key in attempt_ids)
        return {attempt.attempt_id: attempt for attempt in map(attempt_from, filter(None, rows))}

    def keep(self, ahead: Sequence[EventRow], behind: Sequence[EventRow], contacts: Sequence[Contact]) -> None:
        """Keep all events, make those that are ahead the states, and write the contacts."""
        self._add_events([*ahead, *behind])
        self._advance_states(ahead)
        self.touch(contacts)

    def _add_events(self, rows: Sequence[EventRow]) -> None:
        self.connection.executemany(
            ADD_EVENT,
            [
                (
                    r.attempt_id.hex,
                    r.slot,
                    r.seq,
                    r.response,
                    r.client_time,
                    to_text(r.received_at),
                    r.generation,
                    r.is_late,
                )
                for r in rows
            ],
        )

    def states_at(self, keys: Sequence[Key]) -> dict[Key, StateRow]:
        """Return the states of some slots of some attempts."""
        query = "SELECT slot, seq, response FROM response_states WHERE attempt_id = ? AND slot = ?"
        rows = ((key, self.connection.execute(query, (f"{key[0]:032x}", key[1])).fetchone()) for key in keys)
        return {key: StateRow(*row) for key, row in rows if row}

    def _advance_states(self, rows: Sequence[EventRow]) -> None:
        self.connection.executemany(
            "INSERT INTO response_states (attempt_id, slot, seq, response, received_at) VALUES (?,?,?,?,?) "
            "ON CONFLICT (attempt_id, slot) DO UPDATE SET seq = excluded.seq, response = excluded.response, "
            "received_at = excluded.received_at WHERE excluded.seq > response_states.seq",
            [(r.attempt_id.hex, r.slot, r.seq, r.response, to_text(r.received_at)) for r in rows],
        )

    def touch(self, rows: Sequence[Contact]) -> None:
        """Write last contact, and how many more answers there are."""
        self.connection.executemany(
            "UPDATE attempts SET last_contact_at = ?, n_answered = n_answered + ? WHERE attempt_id = ?",
            [(to_text(at), n_more, attempt_id.hex) for attempt_id, at, n_more in rows],
        )

    def note_gaps(self, rows: Sequence[tuple[uuid.UUID, datetime, datetime]]) -> None:
        """Keep spans without contact; one that is there already changes nothing."""
        self.connection.executemany(
            "INSERT INTO contact_gaps (attempt_id, started_at, ended_at) VALUES (?,?,?) ON CONFLICT DO NOTHING",
            [(attempt_id.hex, to_text(start), to_text(end)) for attempt_id, start, end in rows],
        )

    def lock(self, attempt_id: uuid.UUID, at: datetime, reason: str) -> None:
        """Turn an attempt read-only until an invigilator unlocks it; the first lock stands."""
        self.connection.execute(
            "UPDATE attempts SET locked_at = ?, hold_reason = ? WHERE attempt_id = ? AND locked_at IS NULL",
            (to_text(at), reason[:200], attempt_id.hex),
        )

    def add_leaves(self, rows: Sequence[LeaveRow]) -> None:
        """Keep what the page noticed of leaving it; one that is there already changes nothing."""
        query = f"INSERT INTO leave_events ({LEAVE_COLUMNS}) VALUES (?,?,?,?,?,?,?) ON CONFLICT DO NOTHING"  # noqa: S608 - constant
        self.connection.executemany(
            query,
            [
                (r.attempt_id.hex, r.seq, r.kind, r.seconds, r.client_time, to_text(r.received_at), r.generation)
                for r in rows
            ],
        )

    def count_leaves(self, attempt_id: uuid.UUID) -> int:
        """Return how often the page was left."""
        return int(self.connection.execute(f"{COUNT_LEAVES}?", (attempt_id.hex,)).fetchone()[0])

    def foresee(self, doors: Sequence[uuid.UUID], leavers: Sequence[uuid.UUID]) -> None:
        """Look up whether the candidates of some attempts may begin, and all states of others, by slot."""
        rows = (self.connection.execute(f"{ADMISSION}= ?", (key.hex,)).fetchone() for key in doors)
        self.admissions.update({to_uuid(key): Admission(*rest) for key, *rest in filter(None, rows)})
        for key in leavers:
            self.answers[key] = [StateRow(*row) for row in self.connection.execute(FIND_STATES, (key.hex,))]

    def take(self, attempt_id: uuid.UUID, generation: int, device: str, at: datetime) -> None:
        """Make a new holder."""
        self.connection.execute(
            "UPDATE attempts SET holder_generation = ?, device = ?, signed_in_at = ?, last_contact_at = ? "
            "WHERE attempt_id = ?",
            (generation, device, to_text(at), to_text(at), attempt_id.hex),
        )

    def start(self, attempt_id: uuid.UUID, started_at: datetime, deadline_at: datetime) -> None:
        """Start the clock."""
        self.connection.execute(
            "UPDATE attempts SET status = 'in_progress', started_at = ?, deadline_at = ?, last_contact_at = ? "
            "WHERE attempt_id = ?",
            (to_text(started_at), to_text(deadline_at), to_text(started_at), attempt_id.hex),
        )

    def submit(self, attempt_id: uuid.UUID, at: datetime, kind: str, receipt: dict[str, Any]) -> None:
        """Close an attempt with its receipt."""
        self.connection.execute(
            "UPDATE attempts SET status = 'submitted', submitted_at = ?, submit_kind = ?, receipt = ?, n_answered = ? "
            "WHERE attempt_id = ?",
            (to_text(at), kind, json.dumps(receipt), receipt["n_answers"], attempt_id.hex),
        )

    def note_incident(self, attempt: AttemptRow, kind: str, text: str, at: datetime) -> None:
        """Add an incident noted by the system."""
        self.connection.execute(
            "INSERT INTO incidents (incident_id, organisation_id, exam_session_id, attempt_id, kind, text, noted_at) "
            "VALUES (?,?,?,?,?,?,?)",
            (
                new_id().hex, attempt.organisation_id.hex, attempt.exam_session_id.hex, attempt.attempt_id.hex, kind,
                text, to_text(at),
            ),
        )  # fmt: skip

    def note_failed_sign_in(self, subjects: Sequence[str], at: datetime) -> None:
        """Remember a failed sign-in."""
        self.connection.executemany(
            "INSERT INTO sign_in_tries (sign_in_try_id, subject, tried_at) VALUES (?,?,?)",
            [(new_id().hex, subject, to_text(at)) for subject in subjects],
        )
