"""Reading component scores and decisions; the highest version holds."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from certification.models import CarriedPart, CertificationBatch, ComponentScore, PassDecisionRecord, ResultRecord
from certification.rules.batch_states import BatchState
from certification.rules.pass_decision import AssessmentMode, ResultState

CHUNK = 400
ScoresOfBatch = dict[uuid.UUID, dict[AssessmentMode, ComponentScore]]


def current_scores(session: Session, batch_id: uuid.UUID) -> ScoresOfBatch:
    """Return the component scores that hold, by candidate and component."""
    query = select(ComponentScore).where(ComponentScore.certification_batch_id == batch_id)
    found: ScoresOfBatch = {}
    for row in session.scalars(query.order_by(ComponentScore.number)):
        found.setdefault(row.result_record_id, {})[row.mode] = row
    return found


def counting_scores(session: Session, batch_id: uuid.UUID) -> ScoresOfBatch:
    """Return the component scores that decide: what was sat in this batch, else what is carried from an earlier one."""
    found = current_scores(session, batch_id)
    for carried, score in carried_parts(session, batch_id):
        own = found.setdefault(carried.result_record_id, {})
        if carried.mode not in own or own[carried.mode].state is ResultState.PENDING:
            own[carried.mode] = score
    return found


def carried_parts(session: Session, batch_id: uuid.UUID) -> list[tuple[CarriedPart, ComponentScore]]:
    """Return the parts that candidates of a batch carry over, with the newest version of each score."""
    query = (
        select(CarriedPart, ComponentScore)
        .join(ComponentScore, ComponentScore.component_score_id == CarriedPart.component_score_id)
        .where(CarriedPart.certification_batch_id == batch_id)
        .order_by(CarriedPart.result_record_id, CarriedPart.mode)
    )
    return [(carried, score) for carried, score in session.execute(query)]


def earlier_records(
    session: Session, batch: CertificationBatch, indexes: Sequence[str]
) -> list[tuple[ResultRecord, CertificationBatch]]:
    """Return what these people had in earlier batches of the same occupation and level, the oldest first."""
    found: list[tuple[ResultRecord, CertificationBatch]] = []
    for start in range(0, len(indexes), CHUNK):
        query = (
            select(ResultRecord, CertificationBatch)
            .join(CertificationBatch, CertificationBatch.certification_batch_id == ResultRecord.certification_batch_id)
            .where(
                CertificationBatch.organisation_id == batch.organisation_id,
                CertificationBatch.occupation_code == batch.occupation_code,
                CertificationBatch.level_code == batch.level_code,
                CertificationBatch.own_level_code == batch.own_level_code,
                CertificationBatch.received_at < batch.received_at,
                CertificationBatch.state.not_in((BatchState.RECEIVED, BatchState.CHECKED)),
                ResultRecord.id_number_index.in_(indexes[start : start + CHUNK]),
            )
            .order_by(CertificationBatch.received_at)
        )
        found += [(record, owner) for record, owner in session.execute(query)]
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
