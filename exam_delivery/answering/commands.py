"""What a candidate's call does inside the write transaction. Decisions are here; statements are the storage's.

A command answers its outcome, or a `Refusal` as a value: one refused call never disturbs the others of its batch.
"""

from __future__ import annotations

import enum
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol

import msgspec

from exam_delivery.answering.protocol import (
    CLOSED,
    CONSENT_NEEDED,
    HELD,
    NOT_FOUND,
    NOT_STARTED,
    TAKEN_OVER,
    TOO_LATE,
    UNWELCOME,
    Refusal,
    not_open,
)
from exam_delivery.answering.storage import (
    Admission,
    AttemptRow,
    Contact,
    EventRow,
    Key,
    StateRow,
    Transaction,
    newest_by_slot,
)
from exam_delivery.rules.leaving import MOST_CONSENT_MINUTES
from exam_delivery.rules.receipts import is_answered, make_receipt
from exam_delivery.rules.room import OFFLINE_AFTER
from kernel.clock import iso

OVER = frozenset({"closed", "scored", "released"})
HOLDS = {"in_progress": "locked", "waiting": "cancelled"}
"""What a lock means: an attempt that waits is locked when its session is cancelled."""
HOLD_GRACE = timedelta(seconds=15)
"""A page learns of a pause or a lock with its next contact; what was written until then still counts."""
MAX_SHORT = 40
LONGEST_CONSENT = timedelta(minutes=MOST_CONSENT_MINUTES)
"""No rule asks for consent to handing in earlier than this before the end."""
MAX_SLOT = 10_000
"""More items than any form has: numbers beyond are refused, and never asked of the database."""


class Command(Protocol):
    """Something the writer carries out; the attempt, if it names one, is locked before."""

    @property
    def attempt_id(self) -> uuid.UUID | None:
        """The attempt it concerns."""
        ...

    def run(self, tx: Transaction, attempt: AttemptRow | None, at: datetime) -> Any:
        """Carry it out and return the outcome or a Refusal."""
        ...


@dataclass(frozen=True, slots=True)
class SaveCommand:
    """Keep events of one attempt; `received_at` decides whether they are in time, not when the writer gets to them."""

    attempt_id: uuid.UUID
    generation: int
    received_at: datetime
    events: Sequence[tuple[int, int, str, str]]

    def run(self, tx: Transaction, attempt: AttemptRow | None, _at: datetime) -> Any:
        """Carry out this one save."""
        return run_saves(tx, [self], {self.attempt_id: attempt} if attempt else {})[0]


def refuse_holder(attempt: AttemptRow | None, generation: int) -> Refusal | None:
    """Return why a token may not act on an attempt: it is gone, or a newer sign-in holds it."""
    if attempt is None:
        return NOT_FOUND
    return TAKEN_OVER if attempt.holder_generation != generation else None


def refuse_answers(attempt: AttemptRow, at: datetime) -> Refusal | None:
    """Return why answers do not count: not started, handed in, or past the deadline and the grace of the network."""
    if attempt.status == "waiting":
        return NOT_STARTED
    grace = timedelta(seconds=attempt.grace_seconds)
    if attempt.status != "in_progress" or at > deadline_of(attempt, at) + grace:
        return CLOSED
    return refuse_held(attempt, at)


def deadline_of(attempt: AttemptRow, at: datetime) -> datetime:
    """Return the deadline as it stands at a moment; one never started has the session's end, a pause moves it on."""
    stored = attempt.deadline_at or attempt.ends_at
    return stored + max(timedelta(0), at - attempt.paused_at) if attempt.paused_at else stored


def hold_of(attempt: AttemptRow) -> dict[str, Any] | None:
    """Return what keeps a working candidate from answering: kind, since when, why; None when nothing does."""
    since = attempt.paused_at or attempt.locked_at
    if since is None or attempt.status not in HOLDS:
        return None
    kind = "paused" if attempt.paused_at else HOLDS[attempt.status]
    return {"kind": kind, "since": iso(since), "reason": attempt.hold_reason}


def refuse_held(attempt: AttemptRow, at: datetime, grace: timedelta = HOLD_GRACE) -> Refusal | None:
    """Return why a paused or locked attempt takes nothing; the page keeps its answers and sends them afterwards."""
    hold = hold_of(attempt)
    since = min(moment for moment in (attempt.paused_at, attempt.locked_at, at) if moment)
    is_held = hold is not None and hold["kind"] in HELD and at > since + grace
    return HELD[hold["kind"]] if hold and is_held else None


def gap_of(attempt: AttemptRow, at: datetime) -> list[tuple[uuid.UUID, datetime, datetime]]:
    """Return the span without contact that ends now, if a working page was silent for long."""
    last = attempt.last_contact_at
    is_gap = attempt.status == "in_progress" and last is not None and at - last > OFFLINE_AFTER
    return [(attempt.attempt_id, last, at)] if last is not None and is_gap else []


def run_saves(
    tx: Transaction, saves: Sequence[SaveCommand], attempts: Mapping[uuid.UUID, AttemptRow]
) -> list[dict[str, Any] | Refusal]:
    """Write all saves of a batch together: events are always kept, states advance by those that count."""
    refusals = [_refuse_save(save, attempts.get(save.attempt_id)) for save in saves]
    kept = [
        EventRow(save.attempt_id, *event, save.received_at, save.generation, is_late=refusal is CLOSED)
        for save, refusal in zip(saves, refusals, strict=True)
        if refusal is None or refusal is CLOSED
        for event in save.events
    ]
    _note_gaps(tx, saves, refusals, attempts)
    durable = _write(tx, kept)
    return [
        refusal or _acknowledgement(save, durable, attempts[save.attempt_id])
        for save, refusal in zip(saves, refusals, strict=True)
    ]


def _note_gaps(
    tx: Transaction,
    saves: Sequence[SaveCommand],
    refusals: Sequence[Refusal | None],
    attempts: Mapping[uuid.UUID, AttemptRow],
) -> None:
    """Keep the silence that the first save of a page ends."""
    accepted = [save for save, refusal in zip(saves, refusals, strict=True) if refusal is None]
    if gaps := [gap for save in accepted for gap in gap_of(attempts[save.attempt_id], save.received_at)]:
        tx.note_gaps(gaps)


def _refuse_save(save: SaveCommand, attempt: AttemptRow | None) -> Refusal | None:
    """Return why a save is refused; the events of one refused as CLOSED are kept all the same, as late."""
    refusal = refuse_holder(attempt, save.generation)
    if refusal or attempt is None:
        return refusal
    for slot, *_ in save.events:
        if not 1 <= slot <= attempt.n_slots:
            return Refusal(422, "invalid_input", f"没有第 {slot} 题", {"slot": slot})
    return refuse_answers(attempt, save.received_at)


def slots_of(saves: Sequence[SaveCommand]) -> list[Key]:
    """Return the slots that saves name, each once and sorted by key; what no form can have is left out."""
    return sorted({(s.attempt_id.int, slot) for s in saves for slot, *_ in s.events if 1 <= slot <= MAX_SLOT})


def _write(tx: Transaction, kept: Sequence[EventRow]) -> dict[Key, int]:
    """Write events and states; return the durable seq of each slot that was answered in time."""
    newest = newest_by_slot(row for row in kept if not row.is_late)
    before = tx.states_at(list(newest))
    ahead = {key: row for key, row in newest.items() if key not in before or before[key].seq < row.seq}
    if kept:
        rows = list(ahead.values())
        behind = set(kept).difference(rows) if len(rows) < len(kept) else ()
        tx.keep(rows, sorted(behind, key=lambda row: (row.key, row.seq)), _contacts(newest, ahead, before))
    return {key: ahead[key].seq if key in ahead else before[key].seq for key in newest}


def _contacts(
    newest: Mapping[Key, EventRow], ahead: Mapping[Key, EventRow], before: Mapping[Key, StateRow]
) -> list[Contact]:
    """Return last contacts, and how many more answers there are now: only what changed is counted."""
    more: dict[int, int] = defaultdict(int)
    for key, row in ahead.items():
        more[key[0]] += _counts(row.response) - (_counts(before[key].response) if key in before else 0)
    last = {number: row for (number, _), row in newest.items()}
    return [(row.attempt_id, row.received_at, more[number]) for number, row in last.items()]


def _counts(response: str) -> int:
    return _counts_short(response) if len(response) <= MAX_SHORT else int(is_answered(msgspec.json.decode(response)))


@lru_cache(maxsize=4096)
def _counts_short(response: str) -> int:
    """Choices and ticks are the same few texts for everybody; long ones would fill the memory."""
    return int(is_answered(msgspec.json.decode(response)))


def _acknowledgement(save: SaveCommand, durable: Mapping[Key, int], attempt: AttemptRow) -> dict[str, Any]:
    """Return the durable seq of each slot that was sent: never below what was sent."""
    slots = sorted({slot for slot, *_ in save.events})
    number = save.attempt_id.int
    acknowledged = {str(slot): durable[number, slot] for slot in slots}
    return {"acknowledged": acknowledged, "deadline_at": iso(deadline_of(attempt, save.received_at))}


@dataclass(frozen=True, slots=True)
class TouchCommand:
    """Write that the candidate's page lives."""

    attempt_id: uuid.UUID
    generation: int

    def run(self, tx: Transaction, attempt: AttemptRow | None, at: datetime) -> None:
        """Carry it out; the contact of an older holder says nothing."""
        if attempt and attempt.holder_generation == self.generation:
            if gaps := gap_of(attempt, at):
                tx.note_gaps(gaps)
            tx.touch([(self.attempt_id, at, 0)])


@dataclass(frozen=True, slots=True)
class KnockCommand:
    """Write that somebody who has not passed the door tried to sign in, for the invigilator to see."""

    attempt_id: uuid.UUID

    def run(self, tx: Transaction, attempt: AttemptRow | None, at: datetime) -> None:
        """Carry it out; it makes nobody a holder."""
        if attempt and attempt.status == "waiting":
            tx.touch([(self.attempt_id, at, 0)])


@dataclass(frozen=True, slots=True)
class StartCommand:
    """Start the clock once; repeating it answers the same."""

    attempt_id: uuid.UUID
    generation: int

    def run(self, tx: Transaction, attempt: AttemptRow | None, at: datetime) -> Any:
        """Carry it out; return the attempt as it is afterwards."""
        refusal = refuse_holder(attempt, self.generation)
        if refusal or attempt is None:
            return refusal
        if attempt.status != "waiting":
            return attempt
        if at < attempt.starts_at:
            return not_open("考试尚未开始，到时间会自动进入", iso(attempt.starts_at))
        if refusal := _refuse_start(tx.admissions[attempt.attempt_id], attempt, at):
            return refusal
        deadline = min(at + timedelta(seconds=attempt.duration_seconds), attempt.ends_at)
        tx.start(attempt.attempt_id, at, deadline)
        return attempt._replace(status="in_progress", started_at=at, deadline_at=deadline)


def _refuse_start(admission: Admission, attempt: AttemptRow, at: datetime) -> Refusal | None:
    """Return why somebody who waited may not begin after all: planning changed its mind, or the doors are shut."""
    if admission.registration_status in UNWELCOME:
        return UNWELCOME[admission.registration_status]
    return TOO_LATE if admission.session_status in OVER or at > attempt.latest_start_at else None


class Undecided(enum.Enum):
    """What a command answers when it needs to know more than the attempt says; nothing was changed."""

    LAST_MINUTES = enum.auto()


@dataclass(frozen=True, slots=True)
class SubmitCommand:
    """Hand in once; repeating it answers the same receipt, even to an older holder.

    How long before the end a candidate needs the invigilator's consent stands in the form. It is read only for those who hand in
    so late that it may matter: `consent` is None until then.
    """

    attempt_id: uuid.UUID
    generation: int
    consent: timedelta | None = None

    def run(self, tx: Transaction, attempt: AttemptRow | None, at: datetime) -> Any:
        """Carry it out; return the receipt."""
        if attempt is not None and attempt.receipt:
            return attempt.receipt
        refusal = refuse_holder(attempt, self.generation)
        if refusal or attempt is None:
            return refusal
        if attempt.started_at is None:
            return NOT_STARTED
        is_over = at >= deadline_of(attempt, at)
        if not is_over and (obstacle := self._obstacle(attempt, attempt.started_at, at)):
            return obstacle
        responses = {row.slot: msgspec.json.decode(row.response) for row in tx.answers[attempt.attempt_id]}
        receipt = make_receipt(responses, tx.admissions[attempt.attempt_id].admission_number, at)
        tx.submit(attempt.attempt_id, at, "timeout" if is_over else "candidate", receipt)
        return receipt

    def _obstacle(self, attempt: AttemptRow, started_at: datetime, at: datetime) -> Refusal | Undecided | None:
        """Return what keeps a candidate from handing in before the end, or that the form has to be asked."""
        if refusal := refuse_held(attempt, at, timedelta(0)):
            return refusal
        earliest = started_at + timedelta(seconds=attempt.earliest_submit_seconds)
        if at < earliest:
            return Refusal(409, "too_early", "未到允许交卷的时间", {"earliest_submit_at": iso(earliest)})
        left = deadline_of(attempt, at) - at
        if self.consent is None:
            return Undecided.LAST_MINUTES if left <= LONGEST_CONSENT else None
        return CONSENT_NEEDED if left <= self.consent else None


@dataclass(frozen=True, slots=True)
class NoteFailureCommand:
    """Remember a failed sign-in."""

    subjects: Sequence[str]
    attempt_id: None = None

    def run(self, tx: Transaction, _attempt: AttemptRow | None, at: datetime) -> None:
        """Carry it out."""
        tx.note_failed_sign_in(self.subjects, at)
