"""Corrections that come after the roster: who loses the pass has the certificate held, who gains it waits for publicity."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from sqlalchemy.orm import Session

from certification.models import Certificate, CertificateState, CertificationBatch, ResultRecord
from certification.repository import batches as repository
from certification.repository import certificates as certificate_repository
from certification.repository import scores as score_repository
from certification.rules.batch_states import BatchState
from certification.rules.pass_decision import PassOutcome
from certification.services import certificates, decisions
from kernel import audit
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

LATE = frozenset(
    {BatchState.RETURNED, BatchState.APPROVED, BatchState.NUMBERED, BatchState.ISSUED, BatchState.ARCHIVED}
)
"""States whose roster left the house: the batch as a whole is not reopened, its people are decided one by one."""
OPEN_FOR_MORE = frozenset({BatchState.ISSUED, BatchState.ARCHIVED})
SHORTEST_REASON = 5
HELD_REASON = N_("成绩更正后不再合格，暂停使用，待处理")
RESTORED_REASON = N_("成绩再次更正后仍合格，恢复使用")
STANDING = frozenset({CertificateState.VALID, CertificateState.HELD})


def settle(uow: UnitOfWork, batch: CertificationBatch, records: Sequence[ResultRecord]) -> None:
    """Decide some candidates anew; the balance of the batch stays closed.

    Who no longer passes is failed at once and the certificate is held: revoking it is an act of its own, with notice. Who
    passes only now becomes pending until the late publicity and roster are done (`add_late`). Whose certificate was held by
    an earlier correction and who passes after all keeps it: nobody gets a second one.
    """
    uow.flush()  # decisions read the corrected scores
    holders = {
        one.result_record_id: one
        for one in certificate_repository.list_batch_certificates(uow.session, batch.certification_batch_id)
        if one.state in STANDING
    }
    for record, decision in decisions.decide_again(uow, batch, records):
        before, passes = record.outcome, decision.outcome is PassOutcome.PASSED
        certificate = holders.get(record.result_record_id)
        waits = passes and before is not PassOutcome.PASSED and certificate is None
        record.outcome = PassOutcome.PENDING if waits else decision.outcome
        if certificate is not None:
            _follow(uow, certificate, passes=passes)
        audit.record(
            uow, "certification.decide_again", "result_record", record.result_record_id,
            before={"outcome": before.value}, after={"outcome": record.outcome.value},
        )  # fmt: skip


def _follow(uow: UnitOfWork, certificate: Certificate, *, passes: bool) -> None:
    """Hold a certificate that lost its result, give back one that was held for nothing else."""
    if not passes:
        certificates.hold_by_correction(uow, certificate, HELD_REASON)
    elif certificate.state_reason == HELD_REASON:
        certificates.restore_by_correction(uow, certificate, RESTORED_REASON)


def may_add(session: Session, batch: CertificationBatch, record: ResultRecord) -> bool:
    """Say whether a candidate passed by a late correction and waits for a certificate."""
    if batch.state not in OPEN_FOR_MORE or record.outcome is not PassOutcome.PENDING:
        return False
    decided = score_repository.list_decisions(session, record.result_record_id)
    return bool(decided) and max(decided, key=lambda one: one.number).outcome is PassOutcome.PASSED


def add_late(uow: UnitOfWork, record_id: uuid.UUID, *, issued_on: dt.date | None, reason: str) -> Certificate:
    """Number and issue the certificate of somebody who passed by a late correction.

    Raises
    ------
    InvalidInputError
        If the day or the reference to the late publicity and roster is missing.
    ConflictError
        If the candidate does not wait for one.
    """
    require(uow.actor, Permission.CERTIFICATE_ISSUE)
    record = repository.get_record(uow.session, record_id, actor=uow.actor)
    batch = repository.lock_batch(uow.session, record.certification_batch_id, actor=uow.actor)
    uow.session.refresh(record)
    if not may_add(uow.session, batch, record):
        raise ConflictError(N_("这名考生没有等待补发的证书"))
    if len(reason.strip()) < SHORTEST_REASON:
        message = N_("请写明补公示和补报名册的文号或日期")
        raise InvalidInputError(message, fields={"late_reason": [message]})
    if issued_on is None:
        message = N_("请填写发证日期")
        raise InvalidInputError(message, fields={"late_issued_on": [message]})
    record.outcome = PassOutcome.PASSED
    certificate = certificates.add_certificate(uow, batch, record, issued_on=issued_on, reason=reason.strip())
    audit.record(
        uow, "certificate.issue_late", "certificate", certificate.certificate_id, reason=reason.strip()[:300],
        after={"number": certificate.number},
    )  # fmt: skip
    return certificate
