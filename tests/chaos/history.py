"""What clients did and saw, what the database kept, and whether the two can both be true.

A call ends `ok` (the server said so), `refused` (the server said no) or `unknown` (no answer: it may have happened or not). From the
calls and the rows alone the checker says what was broken; it knows nothing of how the server works.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, Uuid, bindparam, text

from exam_delivery.rules.receipts import is_answered, responses_digest

OK, REFUSED, UNKNOWN = "ok", "refused", "unknown"
EVENT_COLUMNS = "slot, seq, response, generation, is_late"


@dataclass(frozen=True, slots=True)
class Event:
    """One answer as a client made it."""

    slot: int
    seq: int
    response: Any


@dataclass(frozen=True, slots=True)
class Call:
    """One call as its client saw it; moments are seconds of the one monotonic clock of the test."""

    attempt: str
    device: str
    generation: int
    kind: str
    began: float
    ended: float
    outcome: str
    code: str = ""
    events: tuple[Event, ...] = ()
    answer: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A row of the events."""

    slot: int
    seq: int
    response: Any
    generation: int
    is_late: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """What the database holds of one attempt."""

    events: Sequence[StoredEvent]
    states: Mapping[int, tuple[int, Any]]
    n_answered: int
    receipt: Mapping[str, Any] | None


class Books(Mapping[str, Kept]):
    """What the database holds, by attempt; each attempt is read when it is asked for, so that millions of rows find room."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def __getitem__(self, attempt: str) -> Kept:
        with self.engine.connect() as connection:

            def rows(query: str) -> Sequence[Any]:
                bound = text(query).bindparams(bindparam("attempt", uuid.UUID(attempt), Uuid()))
                return connection.execute(bound).all()

            ((n_answered, receipt),) = rows("SELECT n_answered, receipt FROM attempts WHERE attempt_id = :attempt")
            events = rows(f"SELECT {EVENT_COLUMNS} FROM response_events WHERE attempt_id = :attempt")  # noqa: S608 - constant
            states = rows("SELECT slot, seq, response FROM response_states WHERE attempt_id = :attempt")
        return Kept(
            [StoredEvent(s, n, json.loads(response), g, bool(late)) for s, n, response, g, late in events],
            {slot: (seq, json.loads(response)) for slot, seq, response in states},
            n_answered,
            json.loads(receipt) if isinstance(receipt, str) else receipt,
        )

    def __iter__(self) -> Iterator[str]:
        with self.engine.connect() as connection:
            return iter([_key(row[0]) for row in connection.execute(text("SELECT attempt_id FROM attempts"))])

    def __len__(self) -> int:
        return sum(1 for _ in self)


def read_kept(engine: Engine, attempts: Iterable[Any] | None = None) -> dict[str, Kept]:
    """Return what the database holds now, of some attempts or of all."""
    books = Books(engine)
    return {_key(attempt): books[_key(attempt)] for attempt in (books if attempts is None else attempts)}


def _key(attempt: Any) -> str:
    return str(attempt).replace("-", "")


def find_violations(calls: Iterable[Call], kept: Mapping[str, Kept]) -> list[str]:
    """Return everything that must not be, in words; nothing when the history can be true."""
    by_attempt: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        by_attempt[call.attempt].append(call)
    found = []
    for attempt, theirs in by_attempt.items():
        rows = kept[_key(attempt)]
        for check in CHECKS:
            found += [f"{attempt[-6:]}: {what}" for what in check(theirs, rows)]
    return found


def _acknowledged(calls: Sequence[Call]) -> list[Event]:
    return [event for call in calls if call.kind == "save" and call.outcome == OK for event in call.events]


def check_acknowledged_is_kept_once(calls: Sequence[Call], kept: Kept) -> list[str]:
    """What was acknowledged stands among the events, once, as it was sent."""
    stored: dict[tuple[int, int], list[Any]] = defaultdict(list)
    for row in kept.events:
        stored[row.slot, row.seq].append(row.response)
    found = [f"event {key} is kept {len(rows)} times" for key, rows in stored.items() if len(rows) > 1]
    for event in _acknowledged(calls):
        rows = stored.get((event.slot, event.seq), [])
        if not rows:
            found.append(f"acknowledged event {event.slot}/{event.seq} is lost")
        elif rows[0] != event.response:
            found.append(f"acknowledged event {event.slot}/{event.seq} is kept with another answer")
    return found


def check_nothing_is_invented(calls: Sequence[Call], kept: Kept) -> list[str]:
    """Every event that is kept was sent by somebody."""
    sent = {(e.slot, e.seq, json.dumps(e.response)) for call in calls for e in call.events}
    return [
        f"event {row.slot}/{row.seq} was never sent"
        for row in kept.events
        if (row.slot, row.seq, json.dumps(row.response)) not in sent
    ]


def check_state_is_the_newest(calls: Sequence[Call], kept: Kept) -> list[str]:
    """The state of a slot is the event with the greatest seq that counts, and the number of answers follows the states.

    An event counts when it came in time, or came late and was acknowledged when it was sent again after time had been given
    back; whether one counts whose second sending was never answered, only the state can tell.
    """
    again = {(event.slot, event.seq) for event in _acknowledged(calls)}
    perhaps = {
        (e.slot, e.seq) for call in calls if call.kind == "save" and call.outcome == UNKNOWN for e in call.events
    }
    newest: dict[int, tuple[int, Any]] = {}
    for row in kept.events:
        key, state = (row.slot, row.seq), (row.seq, row.response)
        counts = not row.is_late or key in again or (key in perhaps and kept.states.get(row.slot) == state)
        if counts and row.seq > newest.get(row.slot, (-1, None))[0]:
            newest[row.slot] = state
    found = [
        f"slot {slot} stands at {kept.states.get(slot)} and not at {newest.get(slot)}"
        for slot in {*newest, *kept.states}
        if kept.states.get(slot) != newest.get(slot)
    ]
    n_answered = sum(is_answered(response) for _seq, response in kept.states.values())
    return found + ([f"counted {kept.n_answered}, not {n_answered}"] if n_answered != kept.n_answered else [])


def check_acknowledgements_reach_what_was_sent(calls: Sequence[Call], _kept: Kept) -> list[str]:
    """An acknowledgement never names less than was sent."""
    return [
        f"event {event.slot}/{event.seq} was acknowledged as {call.answer['acknowledged'].get(str(event.slot))}"
        for call in calls
        if call.kind == "save" and call.outcome == OK
        for event in call.events
        if call.answer["acknowledged"].get(str(event.slot), -1) < event.seq
    ]


def check_reads_see_what_was_acknowledged(calls: Sequence[Call], _kept: Kept) -> list[str]:
    """A call for the answers shows at least what had been acknowledged before it began, through whichever process."""
    saves = sorted((c for c in calls if c.kind == "save" and c.outcome == OK), key=lambda call: call.ended)
    reads = sorted((c for c in calls if c.kind == "read" and c.outcome == OK), key=lambda call: call.began)
    newest: dict[int, int] = {}
    found, n_before = [], 0
    for read in reads:
        while n_before < len(saves) and saves[n_before].ended < read.began:
            for event in saves[n_before].events:
                newest[event.slot] = max(event.seq, newest.get(event.slot, -1))
            n_before += 1
        seen = {int(slot): state["seq"] for slot, state in read.answer["responses"].items()}
        found += [f"a read missed {slot}/{seq}" for slot, seq in newest.items() if seen.get(slot, -1) < seq]
    return found


def check_calls_are_whole(calls: Sequence[Call], kept: Kept) -> list[str]:
    """The answers of one call are kept together or not at all; one that was also sent in another call may stand alone."""
    times = Counter((event.slot, event.seq) for call in calls for event in call.events)
    stored = {(row.slot, row.seq) for row in kept.events}
    found = []
    for call in calls:
        keys = {(event.slot, event.seq) for event in call.events} if call.kind == "save" else set()
        is_kept = any(times[key] == 1 and key in stored for key in keys)
        if is_kept and not keys <= stored:
            found.append(f"of a call with {len(keys)} answers only {len(keys & stored)} are kept")
    return found


def check_one_holder(calls: Sequence[Call], _kept: Kept) -> list[str]:
    """After a newer sign-in was answered no older holder is obeyed; no two sign-ins got the same number."""
    entries = sorted((c for c in calls if c.kind == "sign_in" and c.outcome == OK), key=lambda call: call.ended)
    numbers = [call.generation for call in entries]
    found = ["two sign-ins hold the same number"] if len(set(numbers)) != len(numbers) else []
    obeyed = (call for call in calls if call.kind in ("save", "start") and call.outcome == OK)
    newest, n_before = -1, 0
    for call in sorted(obeyed, key=lambda call: call.began):
        while n_before < len(entries) and entries[n_before].ended < call.began:
            newest = max(newest, entries[n_before].generation)
            n_before += 1
        if newest > call.generation:
            found.append(f"generation {call.generation} was obeyed after {newest} had signed in")
    return found


def check_one_hand_in(calls: Sequence[Call], kept: Kept) -> list[str]:
    """All receipts are one, it names exactly what is kept, and nothing counts after it."""
    handed = [call for call in calls if call.kind == "submit" and call.outcome == OK]
    if not handed:
        return []
    digests = {call.answer["digest"] for call in handed}
    found = [f"{len(digests)} different receipts"] if len(digests) > 1 else []
    if kept.receipt is None or kept.receipt["digest"] not in digests:
        return [*found, "the receipt is lost"]
    if responses_digest({slot: response for slot, (_seq, response) in kept.states.items()}) != kept.receipt["digest"]:
        found.append("the receipt does not name what is kept")
    over = min(call.ended for call in handed)
    late = [call for call in calls if call.kind == "save" and call.outcome == OK and call.began > over]
    return found + [f"{len(late)} saves were obeyed after the hand-in" for _ in late[:1]]


CHECKS = [
    check_acknowledged_is_kept_once,
    check_nothing_is_invented,
    check_state_is_the_newest,
    check_acknowledgements_reach_what_was_sent,
    check_reads_see_what_was_acknowledged,
    check_calls_are_whole,
    check_one_holder,
    check_one_hand_in,
]
