"""Reading batches, deliveries, people and steps."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from certification.models import BatchStep, CertificationBatch, DeliveryStatus, ResultDelivery, ResultRecord
from certification.repository.access import visible_organisations
from certification.rules.batch_states import BatchState
from certification.rules.pass_decision import PassOutcome
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor

MAX_RECORDS = 20_000
CHUNK = 400


@dataclass(frozen=True, slots=True)
class BatchFilter:
    """What a list of batches is narrowed to."""

    search: str = ""
    state: BatchState | None = None
    organisation_id: uuid.UUID | None = None


def get_batch(session: Session, batch_id: uuid.UUID, *, actor: Actor) -> CertificationBatch:
    """Return a batch that the actor may read, or raise NotFoundError."""
    batch = session.get(CertificationBatch, batch_id)
    if batch is None or batch.organisation_id not in visible_organisations(session, actor):
        raise NotFoundError(N_("认定批次不存在"))
    return batch


def lock_batch(session: Session, batch_id: uuid.UUID, *, actor: Actor) -> CertificationBatch:
    """Return a batch of the actor's own organisation, locked for the rest of the transaction."""
    query = select(CertificationBatch).where(
        CertificationBatch.certification_batch_id == batch_id,
        CertificationBatch.organisation_id == actor.organisation_id,
    )
    batch = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if batch is None:
        raise NotFoundError(N_("认定批次不存在"))
    return batch


def find_batch_by_source(
    session: Session, organisation_id: uuid.UUID, source_batch_id: uuid.UUID
) -> CertificationBatch | None:
    """Return the batch made from an examination batch, locked, if there is one."""
    query = select(CertificationBatch).where(
        CertificationBatch.organisation_id == organisation_id, CertificationBatch.source_batch_id == source_batch_id
    )
    return session.scalar(query.with_for_update().execution_options(populate_existing=True))


def source_batch_ids(session: Session, organisation_id: uuid.UUID) -> set[uuid.UUID]:
    """Return the examination batches of which an organisation has a batch."""
    query = select(CertificationBatch.source_batch_id).where(CertificationBatch.organisation_id == organisation_id)
    return set(session.scalars(query))


def find_delivery(session: Session, release_id: uuid.UUID) -> ResultDelivery | None:
    """Return the delivery of a release, if it has arrived."""
    return session.scalar(select(ResultDelivery).where(ResultDelivery.release_id == release_id))


def _filtered(session: Session, actor: Actor, wanted: BatchFilter) -> Select[Any]:
    visible = visible_organisations(session, actor)
    if wanted.organisation_id is not None:
        visible = [wanted.organisation_id] if wanted.organisation_id in visible else []
    query = select(CertificationBatch).where(CertificationBatch.organisation_id.in_(visible))
    if wanted.state is not None:
        query = query.where(CertificationBatch.state == wanted.state)
    if wanted.search:
        found = CertificationBatch.name.contains(wanted.search, autoescape=True)
        found |= CertificationBatch.code.contains(wanted.search, autoescape=True)
        query = query.where(found | CertificationBatch.occupation_name.contains(wanted.search, autoescape=True))
    return query


def list_batches(
    session: Session, *, actor: Actor, wanted: BatchFilter, offset: int = 0, limit: int = 50
) -> tuple[Sequence[CertificationBatch], int]:
    """Return one page of batches, the latest received first, and the total."""
    query = _filtered(session, actor, wanted)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    ordered = query.order_by(CertificationBatch.received_at.desc(), CertificationBatch.code)
    return session.scalars(ordered.offset(offset).limit(limit)).all(), total


def count_by_state(session: Session, *, actor: Actor) -> dict[BatchState, int]:
    """Return how many visible batches stand in each state."""
    query = (
        select(CertificationBatch.state, func.count())
        .where(CertificationBatch.organisation_id.in_(visible_organisations(session, actor)))
        .group_by(CertificationBatch.state)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def list_open_batches(session: Session, *, actor: Actor, limit: int = 200) -> Sequence[CertificationBatch]:
    """Return the own organisation's batches that are not archived, those waiting longest first."""
    query = select(CertificationBatch).where(
        CertificationBatch.organisation_id == actor.organisation_id, CertificationBatch.state != BatchState.ARCHIVED
    )
    return session.scalars(query.order_by(CertificationBatch.state_since).limit(limit)).all()


def list_in_states(
    session: Session, organisation_ids: Sequence[uuid.UUID], states: Collection[BatchState], limit: int = 200
) -> Sequence[CertificationBatch]:
    """Return the batches of some organisations that stand in some states, those waiting longest first."""
    query = select(CertificationBatch).where(
        CertificationBatch.organisation_id.in_(organisation_ids), CertificationBatch.state.in_(states)
    )
    return session.scalars(query.order_by(CertificationBatch.state_since).limit(limit)).all()


def list_records(session: Session, batch_id: uuid.UUID) -> Sequence[ResultRecord]:
    """Return everybody of a batch by admission number."""
    query = select(ResultRecord).where(ResultRecord.certification_batch_id == batch_id)
    return session.scalars(query.order_by(ResultRecord.admission_number).limit(MAX_RECORDS)).all()


def batches_of_attempts(
    session: Session, attempt_ids: Sequence[uuid.UUID], *, organisation_id: uuid.UUID
) -> dict[CertificationBatch, list[ResultRecord]]:
    """Return the candidates whose theory result is one of some attempts, by their batches."""
    found: dict[CertificationBatch, list[ResultRecord]] = {}
    for start in range(0, len(attempt_ids), CHUNK):
        query = (
            select(CertificationBatch, ResultRecord)
            .join(ResultRecord, ResultRecord.certification_batch_id == CertificationBatch.certification_batch_id)
            .where(
                ResultRecord.attempt_id.in_(attempt_ids[start : start + CHUNK]),
                CertificationBatch.organisation_id == organisation_id,
            )
        )
        for batch, record in session.execute(query):
            found.setdefault(batch, []).append(record)
    return found


def passed_ids(session: Session, batch_id: uuid.UUID) -> set[uuid.UUID]:
    """Return the keys of the candidates who passed."""
    query = select(ResultRecord.result_record_id).where(
        ResultRecord.certification_batch_id == batch_id, ResultRecord.outcome == PassOutcome.PASSED
    )
    return set(session.scalars(query))


def get_record(session: Session, record_id: uuid.UUID, *, actor: Actor) -> ResultRecord:
    """Return a candidate's result that the actor may read, or raise NotFoundError."""
    record = session.get(ResultRecord, record_id)
    if record is None or record.organisation_id not in visible_organisations(session, actor):
        raise NotFoundError(N_("考生结果不存在"))
    return record


def count_outcomes(session: Session, batch_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[PassOutcome, int]]:
    """Return how many candidates of each batch have which outcome."""
    query = (
        select(ResultRecord.certification_batch_id, ResultRecord.outcome, func.count())
        .where(ResultRecord.certification_batch_id.in_(batch_ids))
        .group_by(ResultRecord.certification_batch_id, ResultRecord.outcome)
    )
    counts: dict[uuid.UUID, dict[PassOutcome, int]] = {batch_id: {} for batch_id in batch_ids}
    for batch_id, outcome, number in session.execute(query):
        counts[batch_id][outcome] = number
    return counts


def list_steps(session: Session, batch_id: uuid.UUID) -> Sequence[BatchStep]:
    """Return the steps a batch has taken, in order."""
    query = select(BatchStep).where(BatchStep.certification_batch_id == batch_id).order_by(BatchStep.number)
    return session.scalars(query.limit(1000)).all()


def list_deliveries(session: Session, batch_id: uuid.UUID) -> Sequence[ResultDelivery]:
    """Return what was delivered for a batch, in order."""
    query = select(ResultDelivery).where(ResultDelivery.certification_batch_id == batch_id)
    return session.scalars(query.order_by(ResultDelivery.received_at).limit(200)).all()


def count_open_corrections(session: Session, batch_id: uuid.UUID) -> int:
    """Return how many corrections of a batch wait for a decision."""
    query = select(func.count()).where(
        ResultDelivery.certification_batch_id == batch_id, ResultDelivery.status == DeliveryStatus.OPEN
    )
    return session.scalar(query) or 0


def find_record(session: Session, batch_id: uuid.UUID, candidate_id: uuid.UUID) -> ResultRecord | None:
    """Return a person's result in a batch, if there is one."""
    query = select(ResultRecord).where(
        ResultRecord.certification_batch_id == batch_id, ResultRecord.candidate_id == candidate_id
    )
    return session.scalar(query)


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """What the people of a batch are narrowed to."""

    search: str = ""
    outcome: PassOutcome | None = None


def page_records(
    session: Session, batch_id: uuid.UUID, wanted: RecordFilter, *, offset: int, limit: int
) -> tuple[Sequence[ResultRecord], int]:
    """Return one page of the people of a batch, and the total."""
    query: Select[Any] = select(ResultRecord).where(ResultRecord.certification_batch_id == batch_id)
    if wanted.outcome is not None:
        query = query.where(ResultRecord.outcome == wanted.outcome)
    if wanted.search:
        found = ResultRecord.name.contains(wanted.search, autoescape=True)
        query = query.where(found | ResultRecord.admission_number.contains(wanted.search, autoescape=True))
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = session.scalars(query.order_by(ResultRecord.admission_number).offset(offset).limit(limit)).all()
    return rows, total
