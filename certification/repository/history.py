"""What early warnings look back on: counts of earlier batches, and the same people in other batches."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from certification.models import CertificationBatch, ResultRecord
from certification.rules.batch_states import BatchState
from certification.rules.pass_decision import PassOutcome

CHUNK = 500
SAT = (PassOutcome.PASSED, PassOutcome.FAILED)


def applied_elsewhere(session: Session, batch: CertificationBatch, indices: Sequence[str]) -> set[str]:
    """Return which of some people stand in another open batch of the same occupation and level, whichever body's.

    It looks over the walls, for the same evaluation may not run twice; nothing but the keyed index leaves.
    """
    found: set[str] = set()
    for start in range(0, len(indices), CHUNK):
        query = (
            select(ResultRecord.id_number_index)
            .join(CertificationBatch, CertificationBatch.certification_batch_id == ResultRecord.certification_batch_id)
            .where(
                ResultRecord.id_number_index.in_(indices[start : start + CHUNK]),
                CertificationBatch.certification_batch_id != batch.certification_batch_id,
                CertificationBatch.occupation_code == batch.occupation_code,
                CertificationBatch.occupation_name == batch.occupation_name,
                CertificationBatch.level_code == batch.level_code,
                CertificationBatch.state.not_in((BatchState.ISSUED, BatchState.ARCHIVED)),
                ResultRecord.outcome.in_((PassOutcome.PASSED, PassOutcome.PENDING)),
            )
        )
        found |= set(session.scalars(query))
    return found


def count_sat_before(session: Session, batch: CertificationBatch) -> tuple[int, int]:
    """Return how many passed and how many sat in earlier batches of the same body, occupation and level."""
    query = (
        select(ResultRecord.outcome, func.count())
        .join(CertificationBatch, CertificationBatch.certification_batch_id == ResultRecord.certification_batch_id)
        .where(
            CertificationBatch.organisation_id == batch.organisation_id,
            CertificationBatch.occupation_code == batch.occupation_code,
            CertificationBatch.level_code == batch.level_code,
            CertificationBatch.received_at < batch.received_at,
            ResultRecord.outcome.in_(SAT),
        )
        .group_by(ResultRecord.outcome)
    )
    counts = {outcome: int(n) for outcome, n in session.execute(query)}
    return counts.get(PassOutcome.PASSED, 0), sum(counts.values())


def count_registered(session: Session, batch: CertificationBatch, first: dt.datetime, last: dt.datetime) -> int:
    """Return how many people the body's batches held that arrived in a span, its end included."""
    query = select(func.coalesce(func.sum(CertificationBatch.n_registered), 0)).where(
        CertificationBatch.organisation_id == batch.organisation_id,
        CertificationBatch.received_at > first,
        CertificationBatch.received_at <= last,
    )
    return int(session.scalar(query) or 0)


def same_people_elsewhere(
    session: Session, batch: CertificationBatch, people: Sequence[ResultRecord]
) -> list[ResultRecord]:
    """Return what the same people have in other batches of the body that they sat."""
    found: list[ResultRecord] = []
    indexes = [one.id_number_index for one in people]
    for start in range(0, len(indexes), CHUNK):
        query = select(ResultRecord).where(
            ResultRecord.organisation_id == batch.organisation_id,
            ResultRecord.id_number_index.in_(indexes[start : start + CHUNK]),
            ResultRecord.certification_batch_id != batch.certification_batch_id,
            ResultRecord.attempt_id.is_not(None),
        )
        found += session.scalars(query)
    return found
