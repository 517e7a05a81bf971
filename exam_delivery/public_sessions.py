"""What the house may list of sittings: who builds on a level's outline."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exam_delivery.models import SessionStatus
from exam_delivery.repository import planning
from exam_delivery.rules.states import label_of
from kernel.clock import now
from kernel.identity.actor import Actor

MOST = 1000
OPEN_STATES = (SessionStatus.PLANNED, SessionStatus.PREPARED, SessionStatus.OPEN)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A sitting that has not ended, in words; `state` is a message id."""

    exam_session_id: uuid.UUID
    title: str
    state: str


def list_open_sessions(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> list[OpenSession]:
    """Return the sittings of a level that are planned, prepared or open.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Sees those of the own organisation.
    standard_level_id : UUID
        The level of their batch.
    """
    rows, _total = planning.list_sessions(session, actor=actor, statuses=OPEN_STATES, per_page=MOST)
    return [
        OpenSession(row.exam_session_id, f"{batch.name} {row.name}", label_of(row.status, row.starts_at, now()))
        for row, batch in rows
        if batch.standard_level_id == standard_level_id
    ]
