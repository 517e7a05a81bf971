"""Leaving the exam page: what the page noticed is kept apart from answers; too often, and the attempt is locked."""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from exam_delivery.answering.commands import deadline_of, hold_of, refuse_holder
from exam_delivery.answering.protocol import CLOSED, NOT_STARTED, Refusal, invalid
from exam_delivery.answering.storage import AttemptRow, LeaveRow, Transaction
from exam_delivery.rules.leaving import KINDS, RETURNED, must_lock
from kernel.clock import iso

MAX_LEAVES = 100
MAX_SECONDS = 24 * 3600
MAX_SEQ = 2**53
NOTED = 20
"""So many leaves of one attempt stand in the room's notes; the count goes on without them."""
LOCK_REASON = "离开考试页面超过规定次数"


class Leave(msgspec.Struct):
    """One time away, or the return from it, as the page noticed it."""

    seq: int
    kind: str
    seconds: int = 0
    client_time: str = ""


class Leaves(msgspec.Struct):
    """Body of the call that tells of them."""

    events: list[Leave]


class Policy(msgspec.Struct):
    """What of a form's conduct the server acts on."""

    leave_action: str = "off"
    leave_limit: int = 0
    takeover_consent: bool = False
    consent_seconds: int = 0


class Conducted(msgspec.Struct):
    """What of a rendered form is read here; forms made before there was a policy have none."""

    conduct: Policy = msgspec.field(default_factory=Policy)


LEAVES, CONDUCTED = msgspec.json.Decoder(Leaves), msgspec.json.Decoder(Conducted)
"""Made before there are threads, as in `protocol`."""


def policy_of(body: bytes | None) -> Policy:
    """Return the policy that a compressed form holds; the items are skipped, not decoded."""
    return CONDUCTED.decode(gzip.decompress(body)).conduct if body else Policy()


def checked_leaves(body: Leaves) -> list[Leave]:
    """Return the events; raises RefusedError."""
    if not 1 <= len(body.events) <= MAX_LEAVES:
        raise invalid(f"每次须提交 1–{MAX_LEAVES} 条记录")
    for event in body.events:
        if event.kind not in {*KINDS, RETURNED} or not (0 <= event.seq < MAX_SEQ and 0 <= event.seconds <= MAX_SECONDS):
            raise invalid("离开记录超出范围")
    return body.events


@dataclass(frozen=True, slots=True)
class LeaveCommand:
    """Keep what the page noticed; repeating it changes nothing, so that a lost acknowledgement never locks anybody twice."""

    attempt_id: uuid.UUID
    generation: int
    received_at: datetime
    events: Sequence[Leave]
    policy: Policy

    def run(self, tx: Transaction, attempt: AttemptRow | None, _at: datetime) -> Any:
        """Carry it out; return what the page is told."""
        refusal = refuse_holder(attempt, self.generation) or self._refuse(attempt)
        if refusal or attempt is None:
            return refusal
        before = tx.count_leaves(self.attempt_id)
        tx.add_leaves([self._row(event) for event in self.events])
        after = tx.count_leaves(self.attempt_id)
        if after > before:
            self._follow(tx, attempt, after)
        now = tx.lock_attempts([self.attempt_id])[self.attempt_id]
        return {
            "acknowledged": [event.seq for event in self.events], "n_leaves": after, "hold": hold_of(now),
            "deadline_at": iso(deadline_of(now, self.received_at)),
        }  # fmt: skip

    def _refuse(self, attempt: AttemptRow | None) -> Refusal | None:
        if attempt is None or attempt.status == "in_progress":
            return None
        return NOT_STARTED if attempt.status == "waiting" else CLOSED

    def _row(self, event: Leave) -> LeaveRow:
        client_time = "".join(c for c in event.client_time[:40] if c.isprintable())
        return LeaveRow(
            self.attempt_id, event.seq, event.kind, event.seconds, client_time, self.received_at, self.generation
        )

    def _follow(self, tx: Transaction, attempt: AttemptRow, n_leaves: int) -> None:
        kinds = [KINDS[event.kind] for event in self.events if event.kind in KINDS]
        if n_leaves <= NOTED:
            tx.note_incident(attempt, "leave", f"第 {n_leaves} 次：{'、'.join(kinds)}", self.received_at)
        if must_lock(self.policy.leave_action, n_leaves, self.policy.leave_limit) and attempt.locked_at is None:
            tx.lock(self.attempt_id, self.received_at, LOCK_REASON)
            tx.note_incident(attempt, "lock", f"{LOCK_REASON}（{n_leaves} 次）", self.received_at)
