"""The 21-column roster: sent, returned field by field, sent again, approved."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from certification.adapters.channels import RosterParcel, channel_named
from certification.documents.rendering import roster_workbook
from certification.models import (
    Certificate,
    CertificationBatch,
    ResultRecord,
    RosterReturn,
    RosterStatus,
    RosterSubmission,
)
from certification.repository import batches as batch_repository
from certification.repository import certificates as certificate_repository
from certification.repository import rosters as repository
from certification.repository import scores as score_repository
from certification.rules.batch_states import BatchState
from certification.rules.compliance import ComplianceSeverity
from certification.rules.pass_decision import PassOutcome, total_text
from certification.rules.roster import RosterRow
from certification.rules.roster_layouts import ROSTER_LAYOUT, RosterLayout, layout_named
from certification.rules.roster_returns import RETURN_FIELDS, RETURN_REASONS
from certification.services import batches, compliance, roster_reviews
from certification.services.personal import read_number, seal, unseal
from kernel import audit, profiles
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.identity.repository import get_organisation
from kernel.national_id import ID_KIND_LABELS, SEX_LABELS, IdKind, Sex
from kernel.uow import UnitOfWork

TABLE = "roster_submissions"


@dataclass(frozen=True, slots=True)
class ReturnedField:
    """One field that the centre sends back; without a candidate it concerns the batch."""

    field_name: str
    reason_code: str
    admission_number: str = ""
    note: str = ""


def submit_roster(uow: UnitOfWork, batch_id: uuid.UUID, *, channel: str = "file") -> RosterSubmission:
    """Send the roster of everybody who passed; a returned one is sent again as the next round."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    batch = batch_repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    again = batch.state is BatchState.RETURNED
    batches.advance(uow, batch, BatchState.RESUBMITTED if again else BatchState.ROSTER_SUBMITTED)
    rows = roster_rows(uow.session, batch)
    if not rows:
        raise ConflictError(N_("本批次没有合格考生，不需要上报名册"))
    workbook = roster_workbook(rows, created_at=now(), layout=layout_for(uow.session, batch.organisation_id))
    submission = _submission(uow, batch, workbook, channel=channel, n_rows=len(rows))
    channel_named(channel).send(RosterParcel(batch.code, submission.round, workbook))
    uow.add(submission)
    after = {"round": submission.round, "n_rows": len(rows), "workbook_digest": submission.workbook_digest}
    audit.record(uow, "certification.roster_submit", "certification_batch", batch_id, after=after)
    return submission


def _submission(
    uow: UnitOfWork, batch: CertificationBatch, workbook: bytes, *, channel: str, n_rows: int
) -> RosterSubmission:
    key = new_id()
    findings = compliance.check_batch_data(uow.session, batch)
    return RosterSubmission(
        roster_submission_id=key,
        organisation_id=batch.organisation_id,
        certification_batch_id=batch.certification_batch_id,
        round=len(repository.list_submissions(uow.session, batch.certification_batch_id)) + 1,
        channel=channel,
        n_rows=n_rows,
        n_warnings=sum(finding.severity is ComplianceSeverity.WARNING for finding in findings),
        workbook_ciphertext=seal(workbook, table=TABLE, column="workbook_ciphertext", row_id=key),
        workbook_digest=hashlib.sha256(workbook).hexdigest(),
        status=RosterStatus.SUBMITTED,
        submitted_by=uow.actor.name[:100],
        submitted_at=now(),
    )


def layout_for(session: Session, organisation_id: uuid.UUID) -> RosterLayout:
    """Return the layout of an organisation's rosters, by its rule profile."""
    return layout_named(str(profiles.value(session, organisation_id, ROSTER_LAYOUT)))


def roster_rows(session: Session, batch: CertificationBatch) -> list[RosterRow]:
    """Return the rows of everybody who passed, with number and date once they are given."""
    organisation = get_organisation(session, batch.organisation_id)
    rows = certificate_repository.list_batch_certificates(session, batch.certification_batch_id)
    certificates = {c.result_record_id: c for c in rows if c.superseded_by is None}
    people = batch_repository.list_records(session, batch.certification_batch_id)
    passed = [person for person in people if person.outcome is PassOutcome.PASSED]
    body = (organisation.certificate_prefix or "", organisation.name)
    decided = score_repository.current_decisions(session, batch.certification_batch_id)
    totals = {key: total_text(one.reasons) for key, one in decided.items()}
    return [
        replace(
            _roster_row(sequence, body, batch, person, certificates.get(person.result_record_id)),
            total_score=totals.get(person.result_record_id, ""),
        )
        for sequence, person in enumerate(passed, start=1)
    ]


def _roster_row(
    sequence: int,
    body: tuple[str, str],
    batch: CertificationBatch,
    person: ResultRecord,
    certificate: Certificate | None,
) -> RosterRow:
    return RosterRow(
        sequence=sequence,
        body_code=body[0],
        body_name=body[1],
        name=person.name,
        id_kind=ID_KIND_LABELS[IdKind(person.id_kind)],
        id_number=read_number(person, table="result_records", row_id=person.result_record_id),
        sex=SEX_LABELS[Sex(person.sex)] if person.sex else "",
        birth_date=person.birth_date,
        phone=person.phone,
        email=person.email,
        is_own_employee=person.is_own_employee,
        employer=person.employer,
        years_in_occupation=person.years_in_occupation,
        position=person.position,
        joined_on=person.joined_on,
        occupation_code=batch.occupation_code,
        occupation_name=batch.occupation_name,
        trade_name=batch.trade_name,
        skill_level=batch.level_name,
        certificate_number=certificate.number if certificate else "",
        issued_on=certificate.issued_on if certificate else None,
    )


def return_roster(uow: UnitOfWork, batch_id: uuid.UUID, returned: Sequence[ReturnedField]) -> None:
    """Keep what the centre sent back, field by field with reason codes, and unlock the people for mending."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    batch = roster_reviews.lock_for_review(uow, batch_id)
    if not returned:
        raise InvalidInputError(N_("请至少登记一处退回内容"), fields={"returned": [N_("请至少登记一处退回内容")]})
    batches.advance(uow, batch, BatchState.RETURNED)
    submission = _latest(uow, batch_id)
    records = {r.admission_number: r for r in batch_repository.list_records(uow.session, batch_id)}
    for item in returned:
        uow.add(_return_row(submission, records, item))
    _answer(uow, submission, RosterStatus.RETURNED, "")
    after = {"round": submission.round, "codes": sorted({item.reason_code for item in returned})}
    audit.record(uow, "certification.roster_return", "certification_batch", batch_id, after=after)


def _return_row(submission: RosterSubmission, records: dict[str, ResultRecord], item: ReturnedField) -> RosterReturn:
    if item.field_name not in RETURN_FIELDS or item.reason_code not in RETURN_REASONS:
        raise InvalidInputError(N_("请选择退回的项目和原因"), fields={"returned": [N_("请选择退回的项目和原因")]})
    if item.admission_number and item.admission_number not in records:
        message = N_("本批次没有准考证号“%(number)s”")
        raise InvalidInputError(message, number=item.admission_number)
    record = records.get(item.admission_number)
    return RosterReturn(
        organisation_id=submission.organisation_id,
        roster_submission_id=submission.roster_submission_id,
        result_record_id=record.result_record_id if record else None,
        field_name=item.field_name,
        reason_code=item.reason_code,
        note=item.note.strip()[:300],
    )


def approve_roster(uow: UnitOfWork, batch_id: uuid.UUID, *, reference: str) -> None:
    """Keep the centre's approval with its reference."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    if not reference.strip():
        message = N_("请填写核准文号或回执编号")
        raise InvalidInputError(message, fields={"reference": [message]})
    batch = roster_reviews.lock_for_review(uow, batch_id)
    batches.advance(uow, batch, BatchState.APPROVED)
    _answer(uow, _latest(uow, batch_id), RosterStatus.APPROVED, reference.strip())


def _latest(uow: UnitOfWork, batch_id: uuid.UUID) -> RosterSubmission:
    return repository.list_submissions(uow.session, batch_id)[0]


def _answer(uow: UnitOfWork, submission: RosterSubmission, status: RosterStatus, reference: str) -> None:
    submission.status, submission.reference = status, reference[:100]
    submission.answered_by, submission.answered_at = uow.actor.name[:100], now()


def submitted_workbook(uow: UnitOfWork, submission_id: uuid.UUID) -> tuple[str, bytes]:
    """Return name and content of a roster as it was sent; the reading is audited because numbers are plain."""
    require(uow.actor, Permission.PERSONAL_DATA_REVEAL)
    submission = repository.get_submission(uow.session, submission_id, actor=uow.actor)
    batch = batch_repository.get_batch(uow.session, submission.certification_batch_id, actor=uow.actor)
    content = unseal(submission.workbook_ciphertext, table=TABLE, column="workbook_ciphertext", row_id=submission_id)
    audit.record(uow, "personal_data.reveal", TABLE, submission_id, after={"n_rows": submission.n_rows})
    return RosterParcel(batch.code, submission.round, content).file_name, content


def current_workbook(uow: UnitOfWork, batch_id: uuid.UUID) -> tuple[str, bytes]:
    """Return name and content of the roster as it stands now; audited like every plain reading."""
    require(uow.actor, Permission.PERSONAL_DATA_REVEAL)
    batch = batch_repository.get_batch(uow.session, batch_id, actor=uow.actor)
    rows = roster_rows(uow.session, batch)
    audit.record(uow, "personal_data.reveal", "certification_batch", batch_id, after={"n_rows": len(rows)})
    layout = layout_for(uow.session, batch.organisation_id)
    return f"人员名册_{batch.code}.xlsx", roster_workbook(rows, created_at=now(), layout=layout)
