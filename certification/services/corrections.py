"""Corrections of results that were received before: applied or dismissed by a person."""

from __future__ import annotations

import json
import uuid
from typing import Any

from certification.models import CertificationBatch, DeliveryStatus, ResultDelivery, ResultRecord, ScoreOrigin
from certification.repository import batches as repository
from certification.repository import scores as score_repository
from certification.rules.batch_states import BatchState
from certification.rules.pass_decision import AssessmentMode
from certification.services import batches, late_corrections, reception
from certification.services.personal import unseal
from kernel import audit
from kernel.clock import now
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

UNLOCKED = frozenset({BatchState.RECEIVED, BatchState.CHECKED})


def apply_correction(uow: UnitOfWork, delivery_id: uuid.UUID, *, reason: str) -> None:
    """Take over the corrected theory results; a decision that stands is reopened, a roster that left is settled one by one."""
    delivery, batch = _open_correction(uow, delivery_id)
    if batch.state in batches.REOPENABLE:
        batches.reopen(uow, batch, reason=N_("采用成绩更正"))
    elif batch.state not in UNLOCKED | late_corrections.LATE:
        raise ConflictError(N_("名册正在评审，不能采用成绩更正；评审退回或核准之后再处理"))
    if any(kind == "withdrawn" for _number, kind, _before, _after in delivery.differences):
        raise ConflictError(N_("更正后的成绩少了考生，无法采用；请核对发布的成绩，或选择不采用"))
    changed = [record for row in _rows(delivery) if (record := _apply_row(uow, batch, row))]
    if batch.state in late_corrections.LATE:
        late_corrections.settle(uow, batch, changed)
    _settle(uow, delivery, DeliveryStatus.APPLIED, reason)


def dismiss_correction(uow: UnitOfWork, delivery_id: uuid.UUID, *, reason: str) -> None:
    """Leave the results as they are, with a reason."""
    delivery, _batch = _open_correction(uow, delivery_id)
    _settle(uow, delivery, DeliveryStatus.DISMISSED, reason)


def _open_correction(uow: UnitOfWork, delivery_id: uuid.UUID) -> tuple[ResultDelivery, CertificationBatch]:
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    delivery = uow.session.get(ResultDelivery, delivery_id)
    if delivery is None or delivery.organisation_id != uow.actor.organisation_id:
        raise NotFoundError(N_("成绩更正不存在"))
    batch = repository.lock_batch(uow.session, delivery.certification_batch_id, actor=uow.actor)
    uow.session.refresh(delivery)
    if delivery.status is not DeliveryStatus.OPEN:
        raise ConflictError(N_("这份成绩更正已经处理过"))
    return delivery, batch


def _rows(delivery: ResultDelivery) -> list[dict[str, Any]]:
    plain = unseal(
        delivery.package_ciphertext or b"",
        table="result_deliveries", column="package_ciphertext", row_id=delivery.result_delivery_id,
    )  # fmt: skip
    rows: list[dict[str, Any]] = json.loads(plain)
    return rows


def _apply_row(uow: UnitOfWork, batch: CertificationBatch, row: dict[str, Any]) -> ResultRecord | None:
    """Take over one candidate's result; return the candidate when the result differs from what is known."""
    result = reception.result_from_row(row)
    record = repository.find_record(uow.session, batch.certification_batch_id, result.candidate_id)
    if record is None:
        reception.add_candidate(uow, batch, result, None)
        batch.n_registered += 1
        return None
    versions = [
        s for s in score_repository.list_scores(uow.session, record.result_record_id) if s.mode is AssessmentMode.THEORY
    ]
    latest = max(versions, key=lambda score: score.number)
    state = reception.state_of(result)
    if (latest.state, latest.score) == (state, result.theory_score):
        return None
    reception.add_theory(uow, record, result, number=latest.number + 1, origin=ScoreOrigin.CORRECTION)
    return record


def _settle(uow: UnitOfWork, delivery: ResultDelivery, status: DeliveryStatus, reason: str) -> None:
    if not reason.strip():
        raise InvalidInputError(N_("请写明处理理由"), fields={"reason": [N_("请写明处理理由")]})
    delivery.status, delivery.reason = status, reason.strip()[:300]
    delivery.settled_at, delivery.settled_by = now(), uow.actor.name[:100]
    delivery.package_ciphertext = None
    audit.record(
        uow, "certification.correction_settled", "certification_batch", delivery.certification_batch_id,
        after={"status": status.value, "package_digest": delivery.package_digest}, reason=delivery.reason,
    )  # fmt: skip
