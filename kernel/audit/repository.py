"""Reading audit events."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from kernel.audit.chain import HEAD_ID
from kernel.audit.models import AuditEvent, AuditHead
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.identity.repository import granted_organisation_ids


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
    session: Session, *, actor: Actor, narrowed: AuditFilter, page: int = 1, per_page: int = 50
) -> tuple[Sequence[AuditEvent], int]:
    """Return one page of the events inside the actor's walls, newest first, and the total."""
    query = _narrow(_inside_walls(select(AuditEvent), session, actor), narrowed)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = session.scalars(query.order_by(AuditEvent.seq.desc()).limit(per_page).offset((page - 1) * per_page)).all()
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
