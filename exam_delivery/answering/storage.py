"""What the answering program asks of a database; the two engines give the same, each by its own means."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import msgspec


class AttemptRow(NamedTuple):
    """The columns of an attempt on which answering decides."""

    attempt_id: uuid.UUID
    organisation_id: uuid.UUID
    exam_session_id: uuid.UUID
    status: str
    holder_generation: int
    n_slots: int
    starts_at: datetime
    latest_start_at: datetime
    ends_at: datetime
    duration_seconds: int
    earliest_submit_seconds: int
    grace_seconds: int
    started_at: datetime | None
    deadline_at: datetime | None
    receipt: dict[str, Any] | None
    device: str
    last_contact_at: datetime | None
    paused_at: datetime | None
    locked_at: datetime | None
    hold_reason: str


@dataclass(frozen=True, slots=True)
class SignInRow:
    """What signing in by an admission number finds."""

    sign_in_index: str
    registration_status: str
    admission_number: str
    attempt_id: uuid.UUID | None
    opens_at: datetime | None


@dataclass(frozen=True, slots=True)
class Admission:
    """What planning says about the candidate of an attempt."""

    admission_number: str
    registration_status: str
    session_status: str


Key = tuple[int, int]
"""A slot of an attempt, whose identity is taken as a number: hashing and comparing it costs a fraction."""


class EventRow(msgspec.Struct, frozen=True, gc=False):
    """One response event to be kept."""

    attempt_id: uuid.UUID
    slot: int
    seq: int
    response: str
    client_time: str
    received_at: datetime
    generation: int
    is_late: bool

    @property
    def key(self) -> Key:
        """The slot it answers."""
        return self.attempt_id.int, self.slot


@dataclass(frozen=True, slots=True)
class LeaveRow:
    """One time away from the exam page, or the return."""

    attempt_id: uuid.UUID
    seq: int
    kind: str
    seconds: int
    client_time: str
    received_at: datetime
    generation: int


class StateRow(NamedTuple):
    """The newest answer of a slot."""

    slot: int
    seq: int
    response: str


@dataclass(frozen=True, slots=True)
class LockdownRow:
    """What one session asks of its candidates' browsers."""

    base_url: str
    config_key: str
    exam_keys: tuple[str, ...]
    launch_code: str


@dataclass(frozen=True, slots=True)
class Lockdowns:
    """The sessions that ask for a certain browser, and the attempts that are let in without."""

    rows: dict[uuid.UUID, LockdownRow]
    exempt: frozenset[uuid.UUID]


Contact = tuple[uuid.UUID, datetime, int]
"""When an attempt's page was last heard of, and how many more answers there are since then."""


class Transaction(Protocol):
    """One write transaction; it is durable when the context ends without an error."""

    admissions: dict[uuid.UUID, Admission]
    answers: dict[uuid.UUID, list[StateRow]]
    """What was asked for whole batches before the commands need it (`foresee`)."""

    def lock_attempts(self, attempt_ids: Sequence[uuid.UUID], slots: Sequence[Key] = ()) -> dict[uuid.UUID, AttemptRow]:
        """Return attempts locked in a stable order; the states of these slots will be asked for next and may be fetched along."""
        ...

    def states_at(self, keys: Sequence[Key]) -> dict[Key, StateRow]:
        """Return the states of some slots of the locked attempts; the answer may name more of them than were asked for."""
        ...

    def keep(self, ahead: Sequence[EventRow], behind: Sequence[EventRow], contacts: Sequence[Contact]) -> None:
        """Keep all events, make those that are ahead the states, and write the contacts; each is sorted by key.

        An event that is there already changes nothing, and an older one never replaces a newer state.
        """
        ...

    def touch(self, rows: Sequence[Contact]) -> None:
        """Write last contact, and how many more answers there are."""
        ...

    def note_gaps(self, rows: Sequence[tuple[uuid.UUID, datetime, datetime]]) -> None:
        """Keep spans without contact; one that is there already changes nothing."""
        ...

    def lock(self, attempt_id: uuid.UUID, at: datetime, reason: str) -> None:
        """Turn an attempt read-only until an invigilator unlocks it; the first lock stands."""
        ...

    def add_leaves(self, rows: Sequence[LeaveRow]) -> None:
        """Keep what the page noticed of leaving it; one that is there already changes nothing."""
        ...

    def count_leaves(self, attempt_id: uuid.UUID) -> int:
        """Return how often the page was left."""
        ...

    def foresee(self, doors: Sequence[uuid.UUID], leavers: Sequence[uuid.UUID]) -> None:
        """Look up whether the candidates of some attempts may begin, as planning has it now, and all states of others, by slot."""
        ...

    def take(self, attempt_id: uuid.UUID, generation: int, device: str, at: datetime) -> None:
        """Make a new holder."""
        ...

    def start(self, attempt_id: uuid.UUID, started_at: datetime, deadline_at: datetime) -> None:
        """Start the clock."""
        ...

    def submit(self, attempt_id: uuid.UUID, at: datetime, kind: str, receipt: dict[str, Any]) -> None:
        """Close an attempt with its receipt."""
        ...

    def note_incident(self, attempt: AttemptRow, kind: str, text: str, at: datetime) -> None:
        """Add an incident noted by the system."""
        ...

    def note_failed_sign_in(self, subjects: Sequence[str], at: datetime) -> None:
        """Remember a failed sign-in."""
        ...


class Storage(Protocol):
    """A database for the answering program."""

    @property
    def n_writers(self) -> int:
        """How many write transactions of a process may be under way at once."""
        ...

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Open a write transaction; only the writer's threads call it, each has one at a time."""
        ...

    def find_sign_in(self, admission_number: str) -> SignInRow | None:
        """Return the registration behind an admission number."""
        ...

    def find_attempt(self, attempt_id: uuid.UUID) -> AttemptRow | None:
        """Return an attempt as it is now."""
        ...

    def find_form(self, attempt_id: uuid.UUID) -> bytes | None:
        """Return the compressed rendered form."""
        ...

    def find_forms(self, attempt_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[AttemptRow, bytes | None]]:
        """Return attempts as they are now, each with its compressed rendered form."""
        ...

    def find_durable(self, attempt_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[AttemptRow, list[StateRow]]]:
        """Return attempts as they are now, each with its durable answers by slot."""
        ...

    def count_failed_sign_ins(self, subject: str, since: datetime) -> int:
        """Return the number of failures of a subject."""
        ...

    def find_lockdowns(self) -> Lockdowns:
        """Return which sessions that are not over need a certain browser, and who is exempt."""
        ...

    def find_settings_file(self, launch_code: str) -> bytes | None:
        """Return the settings file of a session by its code."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


FORM = "(SELECT body FROM rendered_forms f WHERE f.attempt_id = attempts.attempt_id)"
ATTEMPT_COLUMNS = (
    "attempt_id, organisation_id, exam_session_id, status, holder_generation, n_slots, starts_at, latest_start_at, ends_at, "
    "duration_seconds, earliest_submit_seconds, grace_seconds, started_at, deadline_at, receipt, device, "
    "last_contact_at, paused_at, locked_at, hold_reason"
)
REGISTRATION_STATUS = (
    "CASE WHEN s.cancelled_at IS NOT NULL THEN 'cancelled' "
    "WHEN r.refused_at IS NOT NULL AND r.status = 'admitted' THEN 'refused' "
    "WHEN (s.checks_in_first OR s.door_photo = 'required') AND r.checked_in_at IS NULL AND a.started_at IS NULL "
    "AND r.status = 'admitted' THEN CASE WHEN s.door_photo = 'required' THEN 'unphotographed' ELSE 'unchecked' END "
    "ELSE r.status END"
)
"""What signing in and starting see: who was turned away at the door, or has not passed it yet, is not welcome either.

Where a photo is required, passing the door means that it was taken or that a reason was noted; nobody who has begun is held.
"""
ADMISSION = (
    f"SELECT a.attempt_id, coalesce(r.admission_number, ''), {REGISTRATION_STATUS}, s.status FROM attempts a "  # noqa: S608 - constant
    "JOIN registrations r ON r.registration_id = a.registration_id "
    "JOIN exam_sessions s ON s.exam_session_id = a.exam_session_id WHERE a.attempt_id "
)
FIND_LOCKDOWNS = (
    "SELECT l.exam_session_id, l.base_url, l.config_key, l.exam_keys, l.launch_code FROM session_lockdowns l "
    "JOIN exam_sessions s ON s.exam_session_id = l.exam_session_id "
    "WHERE l.mode = 'seb' AND s.status IN ('prepared', 'open', 'closed')"
)
FIND_EXEMPT = (
    "SELECT a.attempt_id FROM lockdown_exemptions e JOIN registrations r ON r.exam_session_id = e.exam_session_id "
    "AND (r.registration_id = e.registration_id OR r.exam_room_id = e.exam_room_id) "
    "JOIN attempts a ON a.registration_id = r.registration_id "
    "JOIN exam_sessions s ON s.exam_session_id = e.exam_session_id "
    "WHERE e.state = 'approved' AND s.status IN ('prepared', 'open', 'closed')"
)
FIND_SETTINGS_FILE = "SELECT settings_file FROM session_lockdowns WHERE mode = 'seb' AND launch_code = "
LEAVE_COLUMNS = "attempt_id, seq, kind, seconds, client_time, received_at, generation"
COUNT_LEAVES = "SELECT count(*) FROM leave_events WHERE kind <> 'returned' AND attempt_id = "
EVENT_COLUMNS = "attempt_id, slot, seq, response, client_time, received_at, generation, is_late"


def newest_by_slot(rows: Iterable[EventRow]) -> dict[Key, EventRow]:
    """Return one event a slot, the first with the greatest seq, in the order of the keys (unsorted batches deadlock)."""
    newest: dict[Key, EventRow] = {}
    for row in rows:
        key = row.key
        if key not in newest or newest[key].seq < row.seq:
            newest[key] = row
    return dict(sorted(newest.items()))
