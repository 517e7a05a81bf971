"""Parts passed before: which candidates of a batch may carry one over, taking them over, and what decisions say of them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from certification.models import CarriedPart, CertificationBatch, ComponentScore, ResultRecord, ScoreOrigin
from certification.repository import batches as repository
from certification.repository import scores as score_repository
from certification.rules import keys
from certification.rules.batch_states import BatchState
from certification.rules.part_scores import CARRIED_REASON, EarlierPart, ValidPart, valid_parts
from certification.rules.pass_decision import MODE_LABELS, AssessmentMode, PassOutcome, ResultState
from exam_delivery.public_rulings import find_rulings
from kernel import audit, profiles
from kernel.clock import OFFICIAL_ZONE, day_of, now
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

OPEN_STATES = frozenset({BatchState.RECEIVED, BatchState.CHECKED})
EFFORTLESS = frozenset({PassOutcome.PENDING})


@dataclass(frozen=True, slots=True)
class Offer:
    """A part that a candidate of a batch could carry over."""

    record: ResultRecord
    mode: AssessmentMode
    valid: ValidPart


def find_offers(session: Session, batch: CertificationBatch) -> list[Offer]:
    """Return the valid parts of everybody in a batch who has no score of that part in this batch."""
    records = {one.id_number_index: one for one in repository.list_records(session, batch.certification_batch_id)}
    held = score_repository.counting_scores(session, batch.certification_batch_id)
    values = profiles.values(session, batch.organisation_id)
    rule = keys.pass_rule(values, batch.level_code)
    day = batch.evaluation_starts_on or batch.received_at.astimezone(OFFICIAL_ZONE).date()
    found = []
    for index, parts in _earlier_parts(session, batch, list(records)).items():
        record = records[index]
        own = held.get(record.result_record_id, {})
        for mode, valid in valid_parts(rule, parts, day, values).items():
            if mode not in own or own[mode].state is ResultState.PENDING:
                found.append(Offer(record, mode, valid))
    return sorted(found, key=lambda one: (one.record.admission_number, one.mode.value))


def _earlier_parts(session: Session, batch: CertificationBatch, indexes: Sequence[str]) -> dict[str, list[EarlierPart]]:
    """Return what people earned in earlier batches, each part with the retakes that followed it."""
    parts: dict[str, list[EarlierPart]] = {}
    for record, owner in score_repository.earlier_records(session, batch, indexes):
        known = parts.setdefault(record.id_number_index, [])
        ruling = find_rulings(session, owner.organisation_id, owner.source_batch_id).get(record.candidate_id)
        if not (ruling and ruling.is_without_loss) and record.outcome not in EFFORTLESS:
            known[:] = [replace(part, n_retakes=part.n_retakes + 1) for part in known]
        if record.outcome is not PassOutcome.PASSED and not (ruling and ruling.cancels_all_parts):
            known += _parts_of(session, record, owner)
    return parts


def _parts_of(session: Session, record: ResultRecord, owner: CertificationBatch) -> Iterator[EarlierPart]:
    """Return the newest score of each part with the day of its first: a later correction makes no part count longer."""
    versions: dict[AssessmentMode, list[ComponentScore]] = {}
    for score in sorted(score_repository.list_scores(session, record.result_record_id), key=lambda one: one.number):
        versions.setdefault(score.mode, []).append(score)
    for mode, (first, *later) in versions.items():
        newest = later[-1] if later else first
        day = first.entered_at.astimezone(OFFICIAL_ZONE).date()
        yield EarlierPart(newest.component_score_id, mode, newest.state, newest.score, day, owner.code)


def carry_parts(uow: UnitOfWork, batch_id: uuid.UUID) -> int:
    """Carry over every valid part of an open batch and return how many; scores are not copied, only pointed at.

    Raises
    ------
    ConflictError
        If the batch is decided.
    """
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    batch = repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    if batch.state not in OPEN_STATES:
        raise ConflictError(N_("批次已判定，不能再沿用单科成绩；确需修改请先退回修改"))
    taken = {(one.result_record_id, one.mode) for one, _score in score_repository.carried_parts(uow.session, batch_id)}
    offers = [one for one in find_offers(uow.session, batch) if (one.record.result_record_id, one.mode) not in taken]
    for offer in offers:
        uow.add(_carried(uow, offer))
    if offers:
        audit.record(
            uow, "certification.carry_parts", "certification_batch", batch_id, after={"n_carried": len(offers)}
        )
    return len(offers)


def _carried(uow: UnitOfWork, offer: Offer) -> CarriedPart:
    part = offer.valid.part
    return CarriedPart(
        organisation_id=offer.record.organisation_id, certification_batch_id=offer.record.certification_batch_id,
        result_record_id=offer.record.result_record_id, mode=offer.mode, component_score_id=part.source_id,
        batch_code=part.batch_code, taken_on=part.taken_on, valid_until=offer.valid.valid_until,
        carried_by=uow.actor.name[:100], carried_at=now(),
    )  # fmt: skip


def reasons_of(session: Session, batch_id: uuid.UUID) -> dict[uuid.UUID, list[list[Any]]]:
    """Return what decisions say of carried parts, by candidate: the batch, the day and until when."""
    own = score_repository.current_scores(session, batch_id)
    found: dict[uuid.UUID, list[list[Any]]] = {}
    for carried, _score in score_repository.carried_parts(session, batch_id):
        held = own.get(carried.result_record_id, {}).get(carried.mode)
        if held is None or held.state is ResultState.PENDING:
            reason = [carried.mode.value, "carried", CARRIED_REASON, _values(carried)]
            found.setdefault(carried.result_record_id, []).append(reason)
    return found


def _values(carried: CarriedPart) -> Mapping[str, str]:
    return {
        "mode": MODE_LABELS[carried.mode], "batch": carried.batch_code, "date": carried.taken_on.isoformat(),
        "until": carried.valid_until.isoformat(),
    }  # fmt: skip


def parts_of_record(session: Session, record: ResultRecord) -> list[CarriedPart]:
    """Return the parts that a candidate carries over."""
    parts = score_repository.carried_parts(session, record.certification_batch_id)
    return [carried for carried, _score in parts if carried.result_record_id == record.result_record_id]


def kept_until(session: Session, batch: CertificationBatch, record: ResultRecord) -> dict[AssessmentMode, dt.date]:
    """Return which parts of somebody who failed stay valid and until when, for the page and the letter."""
    if record.outcome in {PassOutcome.PASSED, PassOutcome.PENDING}:
        return {}
    values = profiles.values(session, batch.organisation_id)
    rule = keys.pass_rule(values, batch.level_code)
    parts = list(_parts_of(session, record, batch))
    day = max((part.taken_on for part in parts), default=day_of(batch.received_at))
    return {mode: one.valid_until for mode, one in valid_parts(rule, parts, day, values).items()}


def untaken(session: Session, batch_id: uuid.UUID) -> list[ResultRecord]:
    """Return those who sat no theory this time and carry none over."""
    held = score_repository.counting_scores(session, batch_id)
    return [
        record
        for record in repository.list_records(session, batch_id)
        if (score := held.get(record.result_record_id, {}).get(AssessmentMode.THEORY)) is not None
        and score.state is ResultState.PENDING
    ]


def settle_untaken(uow: UnitOfWork, batch_id: uuid.UUID) -> int:
    """Count theory as absent for those who neither sat it nor carry it over, and return how many."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    batch = repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    if batch.state not in OPEN_STATES:
        raise ConflictError(N_("批次已判定，不能再沿用单科成绩；确需修改请先退回修改"))
    people = untaken(uow.session, batch_id)
    own = score_repository.current_scores(uow.session, batch_id)
    for record in people:
        number = own[record.result_record_id][AssessmentMode.THEORY].number + 1
        uow.add(_absent(uow, record, number))
    if people:
        after = {"n_absent": len(people)}
        audit.record(uow, "certification.untaken_absent", "certification_batch", batch_id, after=after)
    return len(people)


def _absent(uow: UnitOfWork, record: ResultRecord, number: int) -> ComponentScore:
    return ComponentScore(
        organisation_id=record.organisation_id, certification_batch_id=record.certification_batch_id,
        result_record_id=record.result_record_id, mode=AssessmentMode.THEORY, number=number,
        state=ResultState.ABSENT, score=None, origin=ScoreOrigin.TYPED, entered_by=uow.actor.name[:100],
        entered_at=now(),
    )  # fmt: skip
