"""Reading component scores and decisions; the highest version holds."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from certification.models import ComponentScore, PassDecisionRecord
from certification.rules.pass_decision import AssessmentMode

ScoresOfBatch = dict[uuid.UUID, dict[AssessmentMode, ComponentScore]]


def current_scores(session: Session, batch_id: uuid.UUID) -> ScoresOfBatch:
    """Return the component scores that hold, by candidate and component."""
    query = select(ComponentScore).where(ComponentScore.certification_batch_id == batch_id)
    found: ScoresOfBatch = {}
    for row in session.scalars(query.order_by(ComponentScore.number)):
        found.setdefault(row.result_record_id, {})[row.mode] = row
    return found


def list_scores(session: Session, record_id: uuid.UUID) -> Sequence[ComponentScore]:
    """Return every version of a candidate's component scores, the newest first."""
    query = select(ComponentScore).where(ComponentScore.result_record_id == record_id)
    return session.scalars(query.order_by(ComponentScore.entered_at.desc(), ComponentScore.number.desc())).all()


def current_decisions(session: Session, batch_id: uuid.UUID) -> dict[uuid.UUID, PassDecisionRecord]:
    """Return the latest decision by candidate."""
    query = select(PassDecisionRecord).where(PassDecisionRecord.certification_batch_id == batch_id)
    rows = session.scalars(query.order_by(PassDecisionRecord.number))
    return {row.result_record_id: row for row in rows}


def list_decisions(session: Session, record_id: uuid.UUID) -> Sequence[PassDecisionRecord]:
    """Return every decision about a candidate, the newest first."""
    query = select(PassDecisionRecord).where(PassDecisionRecord.result_record_id == record_id)
    return session.scalars(query.order_by(PassDecisionRecord.number.desc())).all()
