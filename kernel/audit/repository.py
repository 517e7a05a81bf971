"""Reading audit events."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from kernel.audit.chain import HEAD_ID
from kernel.audit.models import AuditEvent, AuditHead
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.identity.repository import granted_organisation_ids

CHUNK = 400


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What a list of events is narrowed to; empty values narrow nothing. `until` itself is left out."""

    subject: str = ""
    act: str = ""
    object_id: str = ""
    person: str = ""
    since: datetime | None = None
    until: datetime | None = None


def list_events(
    session: Session,
    *,
    actor: Actor,
    narrowed: AuditFilter,
    is_oldest_first: bool = False,
    page: int = 1,
    per_page: int = 50,
) -> tuple[Sequence[AuditEvent], int]:
    """Return one page of the events inside the actor's walls, newest first unless asked otherwise, and the total."""
    query = _narrow(_inside_walls(select(AuditEvent), session, actor), narrowed)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    by = AuditEvent.seq.asc() if is_oldest_first else AuditEvent.seq.desc()
    rows = session.scalars(query.order_by(by).limit(per_page).offset((page - 1) * per_page)).all()
    return rows, total


def _inside_walls(query: Select[AuditEvent], session: Session, actor: Actor) -> Select[AuditEvent]:
    """Leave the actor's organisation (and what a supervisor was granted); the platform's own staff see all acts."""
    if actor.organisation_id is None:
        return query
    visible: list[uuid.UUID] = [actor.organisation_id]
    if actor.may(Permission.SUPERVISE):
        visible += granted_organisation_ids(session, actor.organisation_id)
    return query.where(AuditEvent.organisation_id.in_(visible))


def _narrow(query: Select[AuditEvent], narrowed: AuditFilter) -> Select[AuditEvent]:
    if narrowed.subject:
        prefix = f"{narrowed.subject}."
        query = query.where(or_(AuditEvent.act == narrowed.subject, AuditEvent.act.startswith(prefix, autoescape=True)))
    if narrowed.act:
        query = query.where(AuditEvent.act == narrowed.act)
    if narrowed.object_id:
        query = query.where(AuditEvent.object_id == narrowed.object_id)
    if narrowed.person:
        query = query.where(AuditEvent.actor_name.contains(narrowed.person, autoescape=True))
    if narrowed.since:
        query = query.where(AuditEvent.at >= narrowed.since)
    if narrowed.until:
        query = query.where(AuditEvent.at < narrowed.until)
    return query


def find_head(session: Session) -> AuditHead | None:
    """Return the end of the chain, or None before the first event."""
    return session.get(AuditHead, HEAD_ID)


def events_about(session: Session, organisation_id: uuid.UUID, object_ids: Collection[str]) -> list[AuditEvent]:
    """Return the events of an organisation about some objects, in the order of the chain."""
    found: dict[int, AuditEvent] = {}
    keys = sorted(object_ids)
    for start in range(0, len(keys), CHUNK):
        query = select(AuditEvent).where(
            AuditEvent.object_id.in_(keys[start : start + CHUNK]), AuditEvent.organisation_id == organisation_id
        )
        found.update((event.seq, event) for event in session.scalars(query))
    return [found[seq] for seq in sorted(found)]
