"""Results arrive: exactly once per release; a second release of the same batch is a correction that a person decides."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from certification.models import (
    CertificationBatch,
    ComponentScore,
    DeliveryStatus,
    ResultDelivery,
    ResultRecord,
    ScoreOrigin,
)
from certification.repository import batches as repository
from certification.repository import scores as score_repository
from certification.rules.batch_states import BatchState
from certification.rules.pass_decision import AssessmentMode, PassOutcome, ResultState, plain_number
from certification.services import enterprise_levels, steps
from certification.services.personal import number_fields, seal
from exam_delivery.public import CandidateResult, ResultOutcome, ResultPackage
from exam_delivery.public_plans import find_filing_day
from kernel import audit
from kernel.clock import now
from kernel.db import new_id
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

EXTRA_FIELDS = {"电子邮箱": "email", "所在岗位": "position", "从事本职业（工种）时间": "years_in_occupation"}
Photos = Mapping[uuid.UUID, bytes]
UNLOCKED = frozenset({BatchState.RECEIVED, BatchState.CHECKED})
OPENED_EARLY = N_("成绩发布以前建立")


@dataclass(frozen=True, slots=True)
class Reception:
    """What became of a delivered package."""

    certification_batch_id: uuid.UUID
    is_new: bool
    is_correction: bool


def receive_results(uow: UnitOfWork, package: ResultPackage, photos: Photos | None = None) -> Reception:
    """Take up a package; the same release again changes nothing."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    delivery = repository.find_delivery(uow.session, package.release_id)
    if delivery is not None:
        return Reception(delivery.certification_batch_id, is_new=False, is_correction=delivery.is_correction)
    batch = repository.find_batch_by_source(uow.session, package.organisation_id, package.batch.batch_id)
    if batch is None:
        return _receive_first(uow, package, photos or {})
    if not repository.list_deliveries(uow.session, batch.certification_batch_id) and batch.state in UNLOCKED:
        return _receive_awaited(uow, batch, package, photos or {})
    return _receive_correction(uow, batch, package)


def _make_batch(uow: UnitOfWork, package: ResultPackage, photos: Photos) -> CertificationBatch:
    batch = _batch_of(package)
    batch.plan_filed_on = find_filing_day(uow.session, batch.organisation_id, batch.source_batch_id)
    enterprise_levels.apply(uow.session, batch)
    uow.add(batch)
    uow.flush()  # the rows below name it
    for result in package.results:
        add_candidate(uow, batch, result, photos.get(result.candidate_id))
    return batch


def open_before_release(uow: UnitOfWork, package: ResultPackage, photos: Photos) -> uuid.UUID:
    """Make a batch of people of whom nothing is known yet; their release finds it and fills theory in."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    batch = _make_batch(uow, package, photos)
    steps.note_step(uow, batch, None, BatchState.RECEIVED, reason=OPENED_EARLY)
    audit.record(
        uow, "certification.open_early", "certification_batch", batch.certification_batch_id,
        after={"n_registered": batch.n_registered},
    )  # fmt: skip
    return batch.certification_batch_id


def _receive_first(uow: UnitOfWork, package: ResultPackage, photos: Photos) -> Reception:
    batch = _make_batch(uow, package, photos)
    _note_delivery(uow, batch, package, status=DeliveryStatus.ACCEPTED)
    steps.note_step(uow, batch, None, BatchState.RECEIVED)
    audit.record(
        uow, "certification.receive", "certification_batch", batch.certification_batch_id,
        after={"package_digest": package.package_digest, "n_registered": batch.n_registered},
    )  # fmt: skip
    return Reception(batch.certification_batch_id, is_new=True, is_correction=False)


def _batch_of(package: ResultPackage) -> CertificationBatch:
    return CertificationBatch(
        certification_batch_id=new_id(),
        organisation_id=package.organisation_id,
        source_batch_id=package.batch.batch_id,
        code=package.batch.code,
        name=package.batch.name,
        standard_level_id=package.standard_level_id,
        occupation_code=package.occupation_code,
        occupation_name=package.occupation_name,
        trade_name="",
        level_code=package.level_code,
        level_name=package.level_name,
        n_registered=len(package.results),
        state=BatchState.RECEIVED,
        state_since=now(),
        received_at=now(),
    )


def add_candidate(uow: UnitOfWork, batch: CertificationBatch, result: CandidateResult, photo: bytes | None) -> None:
    """Add one registered candidate with the theory result."""
    record_id = new_id()
    sealed_photo = seal(photo, table="result_records", column="photo", row_id=record_id) if photo else None
    record = ResultRecord(
        result_record_id=record_id,
        organisation_id=batch.organisation_id,
        certification_batch_id=batch.certification_batch_id,
        candidate_id=result.candidate_id,
        attempt_id=result.attempt_id,
        admission_number=result.admission_number,
        name=result.name,
        sex=result.sex,
        birth_date=result.birth_date,
        phone=result.phone,
        employer=result.employer,
        photo_ciphertext=sealed_photo,
        has_photo=photo is not None,
        outcome=PassOutcome.PENDING,
        **number_fields(result.id_kind, result.id_number, table="result_records", row_id=record_id),
        **{name: str(result.extra.get(title, "")) for title, name in EXTRA_FIELDS.items()},
    )
    uow.add(record)
    uow.flush()  # the score names it
    add_theory(uow, record, result, number=1, origin=ScoreOrigin.DELIVERY)


def add_theory(
    uow: UnitOfWork, record: ResultRecord, result: CandidateResult, *, number: int, origin: ScoreOrigin
) -> None:
    """Add a version of the theory result."""
    uow.add(
        ComponentScore(
            organisation_id=record.organisation_id,
            certification_batch_id=record.certification_batch_id,
            result_record_id=record.result_record_id,
            mode=AssessmentMode.THEORY,
            number=number,
            state=state_of(result),
            score=result.theory_score,
            origin=origin,
            entered_by=uow.actor.name,
            entered_at=now(),
        )
    )


def state_of(result: CandidateResult) -> ResultState:
    """Return what is known of theory: who resits other parts alone has none of this batch."""
    is_taken = result.outcome is not ResultOutcome.NOT_TAKEN
    return ResultState(result.outcome.value) if is_taken else ResultState.PENDING


# --- a release that a batch was opened before ------------------------------------------------------------------------


def _receive_awaited(uow: UnitOfWork, batch: CertificationBatch, package: ResultPackage, photos: Photos) -> Reception:
    """Fill theory in; results that came from elsewhere meanwhile and differ make the release a correction to decide about."""
    records = {r.candidate_id: r for r in repository.list_records(uow.session, batch.certification_batch_id)}
    scores = score_repository.current_scores(uow.session, batch.certification_batch_id)
    held = {key: scores[record.result_record_id][AssessmentMode.THEORY] for key, record in records.items()}
    for result in package.results:
        known = held.get(result.candidate_id)
        told = score_text(state_of(result), result.theory_score)
        is_news = state_of(result) is not ResultState.PENDING
        if known is not None and is_news and known.state is not ResultState.PENDING and _theory_text(known) != told:
            return _receive_correction(uow, batch, package)
    _renumber(uow, records, package)
    for result in package.results:
        record = records.pop(result.candidate_id, None)
        if record is None:
            add_candidate(uow, batch, result, photos.get(result.candidate_id))
            batch.n_registered += 1
        else:
            _fill_in(uow, record, held[result.candidate_id], result, photos.get(result.candidate_id))
    for record in records.values():  # registered when the batch was opened, withdrawn before the release
        _note_withdrawn(uow, record, held[record.candidate_id])
    _note_delivery(uow, batch, package, status=DeliveryStatus.ACCEPTED)
    audit.record(
        uow, "certification.receive", "certification_batch", batch.certification_batch_id,
        after={
            "package_digest": package.package_digest, "n_registered": batch.n_registered, "n_withdrawn": len(records),
        },
    )  # fmt: skip
    return Reception(batch.certification_batch_id, is_new=True, is_correction=False)


def _renumber(uow: UnitOfWork, records: Mapping[uuid.UUID, ResultRecord], package: ResultPackage) -> None:
    """Take over admission numbers that changed; all of them leave their old one first, for they may have been exchanged."""
    changed = [
        (record, result.admission_number)
        for result in package.results
        if (record := records.get(result.candidate_id)) and result.admission_number != record.admission_number
    ]
    for record, _number in changed:
        record.admission_number = f"~{record.result_record_id.hex}"
    uow.flush()
    for record, number in changed:
        record.admission_number = number
    uow.flush()


def _fill_in(
    uow: UnitOfWork, record: ResultRecord, known: ComponentScore, result: CandidateResult, photo: bytes | None
) -> None:
    record.attempt_id = result.attempt_id
    if photo and not record.has_photo:
        key = record.result_record_id
        record.photo_ciphertext = seal(photo, table="result_records", column="photo", row_id=key)
        record.has_photo = True
    if known.state is ResultState.PENDING and state_of(result) is not ResultState.PENDING:
        add_theory(uow, record, result, number=known.number + 1, origin=ScoreOrigin.DELIVERY)


def _note_withdrawn(uow: UnitOfWork, record: ResultRecord, known: ComponentScore) -> None:
    if known.state is not ResultState.PENDING:
        return
    uow.add(
        ComponentScore(
            organisation_id=record.organisation_id, certification_batch_id=record.certification_batch_id,
            result_record_id=record.result_record_id, mode=AssessmentMode.THEORY, number=known.number + 1,
            state=ResultState.ABSENT, score=None, origin=ScoreOrigin.DELIVERY, entered_by=uow.actor.name[:100],
            entered_at=now(),
        )
    )  # fmt: skip


# --- corrections -----------------------------------------------------------------------------------------------------


def _receive_correction(uow: UnitOfWork, batch: CertificationBatch, package: ResultPackage) -> Reception:
    differences = _differences(uow, batch, package)
    status = DeliveryStatus.OPEN if differences else DeliveryStatus.APPLIED
    delivery = _note_delivery(uow, batch, package, status=status, differences=differences)
    audit.record(
        uow, "certification.correction", "certification_batch", batch.certification_batch_id,
        after={"package_digest": package.package_digest, "n_differences": len(differences)},
    )  # fmt: skip
    return Reception(delivery.certification_batch_id, is_new=True, is_correction=True)


def _note_delivery(
    uow: UnitOfWork,
    batch: CertificationBatch,
    package: ResultPackage,
    *,
    status: DeliveryStatus,
    differences: list[Any] | None = None,
) -> ResultDelivery:
    delivery = ResultDelivery(
        result_delivery_id=new_id(),
        organisation_id=batch.organisation_id,
        certification_batch_id=batch.certification_batch_id,
        release_id=package.release_id,
        package_digest=package.package_digest,
        is_correction=differences is not None,
        status=status,
        differences=differences or [],
        received_at=now(),
    )
    if status is DeliveryStatus.OPEN:
        delivery.package_ciphertext = _seal_results(delivery.result_delivery_id, package)
    uow.add(delivery)
    return delivery


def _differences(uow: UnitOfWork, batch: CertificationBatch, package: ResultPackage) -> list[Any]:
    records = {r.candidate_id: r for r in repository.list_records(uow.session, batch.certification_batch_id)}
    scores = score_repository.current_scores(uow.session, batch.certification_batch_id)
    found: list[Any] = []
    for result in package.results:
        record = records.pop(result.candidate_id, None)
        before = _theory_text(scores[record.result_record_id][AssessmentMode.THEORY]) if record else ""
        after = score_text(state_of(result), result.theory_score)
        if before != after:
            found.append([result.admission_number, "theory", before, after])
    found += [[record.admission_number, "withdrawn", "", ""] for record in records.values()]
    return found


def _theory_text(score: ComponentScore) -> str:
    return score_text(score.state, score.score)


def score_text(state: ResultState, score: Decimal | None) -> str:
    """Return a component's result as a short text that can be compared: a plain number or the state's name."""
    return state.value if score is None else plain_number(score)


def _seal_results(delivery_id: uuid.UUID, package: ResultPackage) -> bytes:
    rows = [_row_of(result) for result in package.results]
    return seal(json.dumps(rows).encode(), table="result_deliveries", column="package_ciphertext", row_id=delivery_id)


def _row_of(result: CandidateResult) -> dict[str, Any]:
    return {
        "candidate_id": str(result.candidate_id),
        "admission_number": result.admission_number,
        "name": result.name,
        "id_kind": result.id_kind,
        "id_number": result.id_number,
        "sex": result.sex,
        "birth_date": result.birth_date.isoformat() if result.birth_date else None,
        "phone": result.phone,
        "employer": result.employer,
        "outcome": result.outcome.value,
        "theory_score": None if result.theory_score is None else str(result.theory_score),
        "attempt_id": str(result.attempt_id) if result.attempt_id else None,
        "extra": {key: str(value) for key, value in result.extra.items()},
    }


def result_from_row(row: Mapping[str, Any]) -> CandidateResult:
    """Return a result that was kept with a correction."""
    from exam_delivery.public import ResultOutcome

    values = dict(row)
    values["candidate_id"] = uuid.UUID(row["candidate_id"])
    values["birth_date"] = dt.date.fromisoformat(row["birth_date"]) if row["birth_date"] else None
    values["outcome"] = ResultOutcome(row["outcome"])
    values["theory_score"] = None if row["theory_score"] is None else Decimal(row["theory_score"])
    values["attempt_id"] = uuid.UUID(row["attempt_id"]) if row["attempt_id"] else None
    return CandidateResult(**values)
