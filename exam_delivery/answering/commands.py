"""What a candidate's call does inside the write transaction. Decisions are here; statements are the storage's."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from exam_delivery.answering.protocol import (
    CLOSED,
    NOT_FOUND,
    NOT_STARTED,
    TAKEN_OVER,
    TOO_LATE,
    Refusal,
    is_answered,
)
from exam_delivery.answering.storage import AttemptRow, EventRow, StateRow, Transaction
from kernel.canonical import digest
from kernel.clock import iso

GRACE = timedelta(seconds=3)
"""How much later than the deadline an answer may arrive and still count: the way over the network."""


class Command(Protocol):
    """Something the writer carries out; `attempt_id` is locked before."""

    attempt_id: uuid.UUID

    def run(self, tx: Transaction, attempt: AttemptRow | None, at: datetime) -> Any:
        """Carry it out; raises Refusal."""
        ...


@dataclass(slots=True)
class SaveCommand:
    """Keep events of one attempt. Saves of a batch are written together (`run_saves`)."""

    attempt_id: uuid.UUID
    generation: int
    events: Sequence[tuple[int, int, str, str]]

    def run(self, tx: Transaction, attempt: AttemptRow | None, at: datetime) -> Any:
        """Carry out this one save."""
        outcome = run_saves(tx, [self], {self.attempt_id: attempt} if attempt else {}, at)[0]
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome


def check_holder(attempt: AttemptRow | None, generation: int) -> AttemptRow:
    """Return the attempt if the token is its newest holder's; raises Refusal."""
    if attempt is None:
        raise NOT_FOUND
    if attempt.holder_generation != generation:
        raise TAKEN_OVER
    return attempt


def check_open(attempt: AttemptRow, at: datetime) -> None:
    """Refuse answers to an attempt that is not being taken; raises Refusal."""
    if attempt.status == "waiting":
        raise NOT_STARTED
    if attempt.status != "in_progress" or at > deadline_of(attempt) + GRACE:
        raise CLOSED


def deadline_of(attempt: AttemptRow) -> datetime:
    """Return the stored deadline; an attempt that was never started has the session's end."""
    return attempt.deadline_at or attempt.ends_at


def run_saves(
    tx: Transaction, saves: Sequence[SaveCommand], attempts: dict[uuid.UUID, AttemptRow], at: datetime
) -> list[dict[str, Any] | Refusal]:
    """Write all saves of a batch: events are always kept, states advance for those that count."""
    outcomes: list[dict[str, Any] | Refusal | None] = [None] * len(saves)
    kept: list[EventRow] = []
    counting: list[EventRow] = []
    for position, save in enumerate(saves):
        try:
            attempt = check_holder(attempts.get(save.attempt_id), save.generation)
            _refuse_unknown_slots(save, attempt)
            refusal = _closed(attempt, at)
        except Refusal as exc:
            outcomes[position] = exc
            continue
        rows = [EventRow(save.attempt_id, *event, at, save.generation, refusal is not None) for event in save.events]
        kept.extend(rows)
        if refusal is None:
            counting.extend(rows)
        outcomes[position] = refusal
    _write(tx, kept, counting, at)
    states = tx.states(sorted({row.attempt_id for row in counting}, key=lambda i: i.bytes)) if counting else {}
    tx.touch((attempt_id, at, count_answered(rows)) for attempt_id, rows in states.items())
    return [
        outcome or _acknowledgement(save, states[save.attempt_id], attempts[save.attempt_id])
        for outcome, save in zip(outcomes, saves, strict=True)
    ]


def _closed(attempt: AttemptRow, at: datetime) -> Refusal | None:
    """Return why events come too late to count; raises NOT_STARTED, for which nothing is kept."""
    try:
        check_open(attempt, at)
    except Refusal as exc:
        if exc is NOT_STARTED:
            raise
        return exc
    return None


def _refuse_unknown_slots(save: SaveCommand, attempt: AttemptRow) -> None:
    for slot, *_ in save.events:
        if not 1 <= slot <= attempt.n_slots:
            raise Refusal(422, "invalid_input", f"没有第 {slot} 题", {"slot": slot})


def _write(tx: Transaction, kept: Sequence[EventRow], counting: Sequence[EventRow], at: datetime) -> None:
    if kept:
        tx.add_events(sorted(kept, key=lambda r: (r.attempt_id.bytes, r.slot, r.seq)))
    if counting:
        tx.advance_states(counting)


def count_answered(rows: Sequence[StateRow]) -> int:
    """Return how many states hold an answer."""
    return sum(is_answered(row.response) for row in rows)


def _acknowledgement(save: SaveCommand, states: Sequence[StateRow], attempt: AttemptRow) -> dict[str, Any]:
    """Return the durable seq of each slot that was sent: never below what was sent."""
    durable = {row.slot: row.seq for row in states}
    slots = {slot for slot, *_ in save.events}
    return {"acknowledged": {str(s): durable[s] for s in sorted(slots)}, "deadline_at": iso(deadline_of(attempt))}


@dataclass(slots=True)
class TouchCommand:
    """Write that the candidate's page lives."""

    attempt_id: uuid.UUID
    generation: int

    def run(self, tx: Transaction, attempt: AttemptRow | None, at: datetime) -> Any:
        """Carry it out."""
        if attempt and attempt.holder_generation == self.generation:
            tx.touch([(self.attempt_id, at, None)])


@dataclass(slots=True)
class TakeCommand:
    """Make the caller the newest holder of the attempt; a change of device during the exam is noted."""

    attempt_id: uuid.UUID
    device: str

    def run(self, tx: Transaction, attempt: AttemptRow | None, at: datetime) -> AttemptRow:
        """Carry it out; return the attempt with its new generation."""
        if attempt is None:
            raise NOT_FOUND
        generation = attempt.holder_generation + 1
        tx.take(attempt.attempt_id, generation, self.device, at)
        if attempt.status == "in_progress" and attempt.device and attempt.device != self.device:
            tx.note_incident(attempt, "takeover", "作答中换设备登录", at)
        return _with(attempt, holder_generation=generation)


def _with(attempt: AttemptRow, **changes: Any) -> AttemptRow:
    values = {name: getattr(attempt, name) for name in AttemptRow.__slots__}
    return AttemptRow(**(values | changes))


@dataclass(slots=True)
class StartCommand:
    """Start the clock once; repeating it answers the same."""

    attempt_id: uuid.UUID
    generation: int

    def run(self, tx: Transaction, attempt: AttemptRow | None, at: datetime) -> AttemptRow:
        """Carry it out; return the attempt as it is afterwards."""
        held = check_holder(attempt, self.generation)
        if held.status != "waiting":
            return held
        if at < held.starts_at:
            raise Refusal(403, "not_open", "考试尚未开始，到时间会自动进入", {"opens_at": iso(held.starts_at)})
        if at > held.latest_start_at:
            raise TOO_LATE
        deadline = min(at + timedelta(seconds=held.duration_seconds), held.ends_at)
        tx.start(held.attempt_id, at, deadline)
        return _with(held, status="in_progress", started_at=at, deadline_at=deadline)


@dataclass(slots=True)
class SubmitCommand:
    """Hand in once; repeating it answers the same receipt, even to an older holder."""

    attempt_id: uuid.UUID
    generation: int
    admission_number: str

    def run(self, tx: Transaction, attempt: AttemptRow | None, at: datetime) -> dict[str, Any]:
        """Carry it out; return the receipt."""
        if attempt is not None and attempt.receipt:
            return attempt.receipt
        held = check_holder(attempt, self.generation)
        if held.started_at is None:
            raise NOT_STARTED
        earliest = held.started_at + timedelta(seconds=held.earliest_submit_seconds)
        is_over = at >= deadline_of(held)
        if at < earliest and not is_over:
            raise Refusal(409, "too_early", "未到允许交卷的时间", {"earliest_submit_at": iso(earliest)})
        receipt = receipt_of(tx.states([held.attempt_id])[held.attempt_id], self.admission_number, at)
        tx.submit(held.attempt_id, at, "timeout" if is_over else "candidate", receipt)
        return receipt


def receipt_of(states: Sequence[StateRow], admission_number: str, at: datetime) -> dict[str, Any]:
    """Return a receipt: the digest covers every durable answer, so that any later change would show."""
    return {
        "n_answers": count_answered(states),
        "digest": digest({str(row.slot): row.response for row in states}),
        "submitted_at": iso(at),
        "admission_number": admission_number,
    }
