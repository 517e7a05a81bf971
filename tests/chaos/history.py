"""What clients did and saw, what the database kept, and whether the two can both be true.

A call ends `ok` (the server said so), `refused` (the server said no) or `unknown` (no answer: it may have happened or not). From the
calls and the rows alone the checker says what was broken; it knows nothing of how the server works.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, text

from exam_delivery.rules.receipts import is_answered, responses_digest

OK, REFUSED, UNKNOWN = "ok", "refused", "unknown"


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


def read_kept(engine: Engine) -> dict[str, Kept]:
    """Return what the database holds, by attempt."""
    with engine.connect() as connection:
        attempts = connection.execute(text("SELECT attempt_id, n_answered, receipt FROM attempts")).all()
        events = connection.execute(
            text("SELECT attempt_id, slot, seq, response, generation, is_late FROM response_events")
        ).all()
        states = connection.execute(text("SELECT attempt_id, slot, seq, response FROM response_states")).all()
    rows: dict[str, list[StoredEvent]] = defaultdict(list)
    newest: dict[str, dict[int, tuple[int, Any]]] = defaultdict(dict)
    for attempt, slot, seq, response, generation, is_late in events:
        rows[_key(attempt)].append(StoredEvent(slot, seq, json.loads(response), generation, bool(is_late)))
    for attempt, slot, seq, response in states:
        newest[_key(attempt)][slot] = (seq, json.loads(response))
    return {
        _key(attempt): Kept(rows[_key(attempt)], newest[_key(attempt)], n_answered, _document(receipt))
        for attempt, n_answered, receipt in attempts
    }


def _key(attempt: Any) -> str:
    return str(attempt).replace("-", "")


def _document(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def find_violations(calls: Iterable[Call], kept: Mapping[str, Kept]) -> list[str]:
    """Return everything that must not be, in words; nothing when the history can be true."""
    by_attempt: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        by_attempt[_key(call.attempt)].append(call)
    found = []
    for attempt, theirs in by_attempt.items():
        for check in CHECKS:
            found += [f"{attempt[-6:]}: {what}" for what in check(theirs, kept[attempt])]
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
        f"event {event.slot}/{event.seq} was acknowledged as {call.answer.get('acknowledged')}"
        for call in calls
        if call.kind == "save" and call.outcome == OK
        for event in call.events
        if call.answer["acknowledged"].get(str(event.slot), -1) < event.seq
    ]


def check_reads_see_what_was_acknowledged(calls: Sequence[Call], _kept: Kept) -> list[str]:
    """A call for the answers shows at least what had been acknowledged before it began, through whichever process."""
    saves = [call for call in calls if call.kind == "save" and call.outcome == OK]
    found = []
    for call in calls:
        if call.kind != "read" or call.outcome != OK:
            continue
        seen = {int(slot): state["seq"] for slot, state in call.answer["responses"].items()}
        found += [
            f"a read missed {event.slot}/{event.seq}"
            for save in saves
            if save.ended < call.began
            for event in save.events
            if seen.get(event.slot, -1) < event.seq
        ]
    return found


def check_one_holder(calls: Sequence[Call], _kept: Kept) -> list[str]:
    """After a newer sign-in was answered no older holder is obeyed; no two sign-ins got the same number."""
    entries = [call for call in calls if call.kind == "sign_in" and call.outcome == OK]
    numbers = [call.generation for call in entries]
    found = ["two sign-ins hold the same number"] if len(set(numbers)) != len(numbers) else []
    for call in calls:
        newer = [e for e in entries if e.generation > call.generation and e.ended < call.began]
        if call.kind in ("save", "start") and call.outcome == OK and newer:
            found.append(f"generation {call.generation} was obeyed after {newer[0].generation} had signed in")
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
    check_one_holder,
    check_one_hand_in,
]
