"""What people typed for the scores of a batch."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from certification.models import ScoreEntry
from certification.rules.pass_decision import AssessmentMode


def entries_by_place(session: Session, batch_id: uuid.UUID) -> dict[tuple[uuid.UUID, AssessmentMode], list[ScoreEntry]]:
    """Return what everybody typed by candidate and component, in the order of typing."""
    query = select(ScoreEntry).where(ScoreEntry.certification_batch_id == batch_id)
    found: dict[tuple[uuid.UUID, AssessmentMode], list[ScoreEntry]] = {}
    for one in session.scalars(query.order_by(ScoreEntry.entered_at, ScoreEntry.score_entry_id)):
        found.setdefault((one.result_record_id, one.mode), []).append(one)
    return found
