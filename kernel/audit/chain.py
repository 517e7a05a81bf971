"""Adding to the audit chain and proving it.

`record` only notes the event; all events of a transaction are sealed together just before its commit, so that the lock on
the chain's head is held for the shortest time.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.audit.models import GENESIS, AuditEvent, AuditHead
from kernel.canonical import digest
from kernel.clock import iso, now
from kernel.uow import UnitOfWork

HEAD_ID = 1
BATCH = 1000


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """The first place at which the chain does not hold."""

    seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """Outcome of walking the whole chain."""

    n_events: int
    head_hash: str
    broken: BrokenLink | None


def record(
    uow: UnitOfWork,
    act: str,
    object_type: str,
    object_id: uuid.UUID | str | int,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Note an act for the audit chain, in the transaction of the act itself. No personal data, no item texts."""
    details = {"before": before, "after": after, "reason": reason}
    event = AuditEvent(
        at=now().replace(microsecond=0),
        organisation_id=uow.actor.organisation_id,
        actor_id=uow.actor.user_id,
        actor_name=uow.actor.name[:100],
        act=act,
        object_type=object_type,
        object_id=str(object_id)[:80],
        details={k: v for k, v in details.items() if v is not None},
        request_id=uow.actor.request_id[:40],
    )
    if "audit" not in uow.pending:
        uow.pending["audit"] = []
        uow.before_commit.append(_seal)
    uow.pending["audit"].append(event)


def _seal(uow: UnitOfWork) -> None:
    head = _lock_head(uow.session)
    for event in uow.pending["audit"]:
        event.seq = head.seq + 1
        event.previous_hash = head.event_hash
        event.event_hash = event_hash(event)
        head.seq, head.event_hash = event.seq, event.event_hash
        uow.add(event)
    uow.session.flush()  # inside the commit: the chain is written after everything it speaks of


def _lock_head(session: Session) -> AuditHead:
    query = select(AuditHead).where(AuditHead.audit_head_id == HEAD_ID).with_for_update()
    head = session.scalar(query.execution_options(populate_existing=True))
    if head is None:
        head = AuditHead(audit_head_id=HEAD_ID, seq=0, event_hash=GENESIS)
        session.add(head)
    return head


def event_hash(event: AuditEvent) -> str:
    """Return the digest that covers an event and its link to the one before."""
    return digest(event_body(event))


def event_body(event: AuditEvent) -> dict[str, Any]:
    """Return what the digest of an event covers."""
    return {
        "seq": event.seq,
        "at": iso(event.at),
        "organisation_id": str(event.organisation_id) if event.organisation_id else None,
        "actor_id": str(event.actor_id) if event.actor_id else None,
        "actor_name": event.actor_name,
        "act": event.act,
        "object_type": event.object_type,
        "object_id": event.object_id,
        "details": event.details,
        "request_id": event.request_id,
        "previous_hash": event.previous_hash,
    }


def verify(session: Session) -> VerifyResult:
    """Walk the whole chain; name the first event that was changed, removed or put in."""
    previous, expected_seq = GENESIS, 1
    for event in _events(session):
        broken = _check(event, expected_seq, previous)
        if broken:
            return VerifyResult(expected_seq - 1, previous, broken)
        previous, expected_seq = event.event_hash, expected_seq + 1
    head = session.get(AuditHead, HEAD_ID)
    if head is not None and (head.seq, head.event_hash) != (expected_seq - 1, previous):
        return VerifyResult(expected_seq - 1, previous, BrokenLink(expected_seq, "events after this place are missing"))
    return VerifyResult(expected_seq - 1, previous, None)


def verify_end(session: Session, n_events: int = 200) -> VerifyResult:
    """Check the newest events and the head alone, for looks that must be quick; `verify` proves the whole chain."""
    query = select(AuditEvent).order_by(AuditEvent.seq.desc()).limit(n_events + 1)
    events = list(session.scalars(query))[::-1]
    before = events.pop(0) if len(events) > n_events else None
    previous, expected_seq = (before.event_hash, before.seq + 1) if before else (GENESIS, 1)
    for event in events:
        if broken := _check(event, expected_seq, previous):
            return VerifyResult(expected_seq - 1, previous, broken)
        previous, expected_seq = event.event_hash, expected_seq + 1
    head = session.get(AuditHead, HEAD_ID)
    is_whole = (head.seq, head.event_hash) == (expected_seq - 1, previous) if head else expected_seq == 1
    broken = None if is_whole else BrokenLink(expected_seq, "the head does not fit the newest event")
    return VerifyResult(expected_seq - 1, previous, broken)


def _check(event: AuditEvent, expected_seq: int, previous: str) -> BrokenLink | None:
    if event.seq != expected_seq:
        return BrokenLink(expected_seq, "this event is missing")
    if event.previous_hash != previous:
        return BrokenLink(event.seq, "this event does not link to the one before it")
    if event.event_hash != event_hash(event):
        return BrokenLink(event.seq, "this event was changed")
    return None


def _events(session: Session) -> Iterator[AuditEvent]:
    last = -1
    while True:
        query = select(AuditEvent).where(AuditEvent.seq > last).order_by(AuditEvent.seq).limit(BATCH)
        rows = session.scalars(query).all()
        if not rows:
            return
        yield from rows
        last = rows[-1].seq
        session.expunge_all()
