"""What the analyses of a batch's sessions say against using its scores yet; who judges an analysis announces itself here."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from exam_delivery.models import ExamSession
from exam_delivery.repository import analyses as repository
from exam_delivery.services.analyses import ANALYSABLE
from kernel.identity.actor import Actor

CountDoubts = Callable[[Sequence[Mapping[str, Any]]], int]
"""How many of the items of an analysis need a person before the scores are used."""
_KNOWN: list[CountDoubts] = []


@dataclass(frozen=True, slots=True)
class Doubt:
    """A form, or a set of forms, of a session in which items need a look; `n_items` is 0 where nothing was analysed yet."""

    exam_session_id: uuid.UUID
    name: str
    n_items: int
    form_id: uuid.UUID | None = None
    title: str = ""


def register_doubts(count: CountDoubts) -> None:
    """Announce who judges the items of an analysis; a later one replaces the earlier."""
    _KNOWN[:] = [count]


def find_doubts(session: Session, actor: Actor, sessions: Sequence[ExamSession]) -> list[Doubt]:
    """Return what speaks against using the scores of some sessions: items in doubt, and sessions without an analysis."""
    return [one for row in sessions if row.status in ANALYSABLE for one in _of_session(session, actor, row)]


def _of_session(session: Session, actor: Actor, row: ExamSession) -> list[Doubt]:
    found = repository.newest_of_session(session, row.exam_session_id, actor=actor)
    if not found:
        return [Doubt(row.exam_session_id, row.name, 0)]
    counted = [(one, count(one.report["items"])) for count in _KNOWN for one in found]
    return [
        Doubt(row.exam_session_id, row.name, n_items, one.form_id, str(one.report.get("title", "")))
        for one, n_items in counted
        if n_items
    ]
