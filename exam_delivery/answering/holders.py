"""Who holds an attempt: a sign-in takes it over, and a page that opens anew is no longer away from it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from exam_delivery.answering.commands import gap_of
from exam_delivery.answering.protocol import ELSEWHERE, NOT_FOUND, TOO_LATE
from exam_delivery.answering.storage import AttemptRow, LeaveRow, Transaction
from exam_delivery.rules.leaving import RETURNED

REOPENED_AFTER = timedelta(minutes=1)
"""Whoever fetches the form so long after the start has opened the page anew."""


@dataclass(frozen=True, slots=True)
class TakeCommand:
    """Make the caller the newest holder of the attempt; a change of device during the exam is noted.

    Where the rules ask for consent, an attempt in progress is taken over from the same seat alone, which is known by its address:
    elsewhere the invigilator resets the sign-in, moves the candidate or swaps the machine first, which forgets the device. Each try
    without it stands in the room's notes and counts as a failed sign-in, so that tries end.
    """

    attempt_id: uuid.UUID
    device: str
    needs_consent: bool = False
    subject: str = ""

    def run(self, tx: Transaction, attempt: AttemptRow | None, at: datetime) -> Any:
        """Carry it out; return the attempt with its new generation."""
        if attempt is None:
            return NOT_FOUND
        if attempt.status == "waiting" and at > attempt.latest_start_at:
            return TOO_LATE
        is_writing = attempt.status == "in_progress"
        if is_writing and self.needs_consent and _seat(attempt.device) not in {"", _seat(self.device)}:
            tx.note_incident(attempt, "takeover_refused", f"另一台设备登录未放行：{self.device}"[:500], at)
            tx.note_failed_sign_in([self.subject], at)
            return ELSEWHERE
        if is_writing and attempt.device and attempt.device != self.device:
            tx.note_incident(attempt, "takeover", f"作答中换设备登录：{self.device}"[:500], at)
        return self._take(tx, attempt, at)

    def _take(self, tx: Transaction, attempt: AttemptRow, at: datetime) -> AttemptRow:
        generation = attempt.holder_generation + 1
        if gaps := gap_of(attempt, at):
            tx.note_gaps(gaps)
        device = self.device if attempt.status != "submitted" else attempt.device
        tx.take(attempt.attempt_id, generation, device, at)
        taken = attempt._replace(holder_generation=generation, device=device)
        _note_return(tx, taken, at)
        return taken


@dataclass(frozen=True, slots=True)
class ReopenCommand:
    """Note that a page was opened anew: one that was closed while its candidate was away could not tell of the return."""

    attempt_id: uuid.UUID
    generation: int

    def run(self, tx: Transaction, attempt: AttemptRow | None, at: datetime) -> None:
        """Carry it out; a page of an older holder says nothing."""
        if attempt and attempt.holder_generation == self.generation:
            _note_return(tx, attempt, at)


def was_reopened(attempt: AttemptRow, at: datetime) -> bool:
    """Say whether a page that fetches its form now is not the one that started."""
    return (
        attempt.status == "in_progress" and attempt.started_at is not None and at - attempt.started_at > REOPENED_AFTER
    )


def _note_return(tx: Transaction, attempt: AttemptRow, at: datetime) -> None:
    """Keep that a candidate who ever left the page is back; the time away is not known and not guessed."""
    if attempt.status == "in_progress" and tx.count_leaves(attempt.attempt_id):
        seq = int(at.timestamp() * 1000)  # as the page numbers its own
        tx.add_leaves([LeaveRow(attempt.attempt_id, seq, RETURNED, 0, "", at, attempt.holder_generation)])


def _seat(device: str) -> str:
    """Return the address in a device's description."""
    return device.split(" ", 1)[0]
