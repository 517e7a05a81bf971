"""The answers that the server holds, as those are merged with them that came by another way or too late."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select, tuple_
from sqlalchemy.orm import Session, aliased

from exam_delivery.models import ResponseEvent, ResponseState
from exam_delivery.rules.merging import GivenAnswer, Known

CHUNK = 500


def known_answers(
    session: Session, attempt_ids: Sequence[uuid.UUID], *, beside_late: bool = False
) -> dict[uuid.UUID, dict[int, Known]]:
    """Return the newest answer in time of each slot, or of those alone that have late ones, and under which sign-in it was given."""
    found: dict[uuid.UUID, dict[int, Known]] = {key: {} for key in attempt_ids}
    for start in range(0, len(attempt_ids), CHUNK):
        query = _known(attempt_ids[start : start + CHUNK], beside_late=beside_late)
        for attempt_id, slot, seq, response, generation in session.execute(query):
            found[attempt_id][slot] = Known(seq, generation or 0, response)
    return found


def _known(attempt_ids: Sequence[uuid.UUID], *, beside_late: bool) -> Any:
    given = and_(
        ResponseEvent.attempt_id == ResponseState.attempt_id,
        ResponseEvent.slot == ResponseState.slot,
        ResponseEvent.seq == ResponseState.seq,
    )
    query = select(
        ResponseState.attempt_id,
        ResponseState.slot,
        ResponseState.seq,
        ResponseState.response,
        ResponseEvent.generation,
    ).outerjoin(ResponseEvent, given)
    if not beside_late:
        return query.where(ResponseState.attempt_id.in_(attempt_ids))
    late = aliased(ResponseEvent)
    slots = select(late.attempt_id, late.slot).where(late.is_late, late.attempt_id.in_(attempt_ids))
    return query.where(tuple_(ResponseState.attempt_id, ResponseState.slot).in_(slots))


def advance(session: Session, attempt_id: uuid.UUID, answer: GivenAnswer, at: datetime) -> None:
    """Make an answer the newest one of its slot."""
    present = session.get(ResponseState, (attempt_id, answer.slot), populate_existing=True)
    if present is None:
        present = ResponseState(attempt_id=attempt_id, slot=answer.slot)
        session.add(present)
    present.seq, present.response, present.received_at = answer.seq, answer.response, at
