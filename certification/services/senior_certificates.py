"""A batch of the ledger for people who were appointed: from there roster, review, number and certificate go the ordinary way."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from certification.models import (
    CertificationBatch,
    ComponentScore,
    PassDecisionRecord,
    Publicity,
    ResultRecord,
    ScoreOrigin,
    SeniorApplication,
)
from certification.repository import seniors as repository
from certification.rules.batch_states import BatchState
from certification.rules.pass_decision import AssessmentMode, PassOutcome, ResultState
from certification.rules.seniors import SeniorAct
from certification.services import steps
from certification.services.personal import number_fields, read_number
from certification.services.seniors import TABLE, note
from kernel import audit
from kernel.clock import now, today
from kernel.db import new_id
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from kernel.working_days import working_days_between

NO_STANDARD = uuid.UUID(int=0)
"""Stands for the level of a standard: these people sat no form."""
REASON = N_("评审赞成 %(n_for)s / %(n_members)s 票，平均 %(mean)s 分，%(number)s 聘任")


def due_groups(session: Session, organisation_id: uuid.UUID) -> list[list[SeniorApplication]]:
    """Return those appointed without a batch, those of one occupation, trade and level together."""
    groups: dict[tuple[str, str, str], list[SeniorApplication]] = {}
    for row in repository.list_due(session, organisation_id):
        groups.setdefault((row.occupation_code, row.trade_name, row.level_code), []).append(row)
    return list(groups.values())


def make_batch(uow: UnitOfWork, key: uuid.UUID) -> CertificationBatch:
    """Make the batch for everybody who is due in the occupation, trade and level of one application.

    Raises
    ------
    ConflictError
        If the applicant is not appointed, or has a batch already.
    """
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    first = repository.lock_application(uow.session, key, actor=uow.actor)
    groups = due_groups(uow.session, first.organisation_id)
    people = next((group for group in groups if first in group), None)
    if people is None:
        raise ConflictError(N_("没有聘任，或已转入发证批次"))
    batch = _batch(first, people)
    uow.add(batch)
    uow.flush()  # the rows below name it
    for row in people:
        repository.lock_application(uow.session, row.senior_application_id, actor=uow.actor)
        _add_person(uow, batch, row)
    uow.add(_publicity(uow, batch, people))
    steps.note_step(uow, batch, None, BatchState.PUBLICITY, reason=N_("评审和公示已在申报中完成"))
    audit.record(
        uow, "certification.receive", "certification_batch", batch.certification_batch_id,
        after={"n_registered": len(people), "source": "senior"},
    )  # fmt: skip
    return batch


def _batch(first: SeniorApplication, people: Sequence[SeniorApplication]) -> CertificationBatch:
    return CertificationBatch(
        certification_batch_id=new_id(), organisation_id=first.organisation_id, source_batch_id=uuid.uuid4(),
        code=first.number, name=f"{first.level_name}聘任（{first.number} 等 {len(people)} 人）"[:200],
        standard_level_id=NO_STANDARD, occupation_code=first.occupation_code, occupation_name=first.occupation_name,
        trade_name=first.trade_name, level_code=first.level_code, level_name=first.level_name,
        n_registered=len(people), state=BatchState.PUBLICITY, state_since=now(), received_at=now(),
        evaluation_starts_on=min(row.publicity_starts_on or today() for row in people),
    )  # fmt: skip


def _add_person(uow: UnitOfWork, batch: CertificationBatch, row: SeniorApplication) -> None:
    record_id = new_id()
    number = read_number(row, table=TABLE, row_id=row.senior_application_id)
    uow.add(
        ResultRecord(
            result_record_id=record_id, organisation_id=row.organisation_id,
            certification_batch_id=batch.certification_batch_id, candidate_id=row.senior_application_id,
            admission_number=row.number, name=row.name, sex=row.sex, birth_date=row.birth_date, phone=row.phone,
            employer=row.employer, position=row.position, joined_on=row.joined_on,
            years_in_occupation=str(row.years_in_occupation), outcome=PassOutcome.PASSED,
            **number_fields(row.id_kind, number, table="result_records", row_id=record_id),
        )
    )  # fmt: skip
    uow.flush()  # score and decision name it
    facts = next(
        (event.facts for event in reversed(repository.list_events(uow.session, row.senior_application_id))
         if event.act is SeniorAct.DECIDED), {},
    )  # fmt: skip
    _add_decision(uow, batch, record_id, {**facts, "number": row.appointment_number})
    row.certification_batch_id = batch.certification_batch_id
    note(uow, row, SeniorAct.CERTIFIED, {"batch": batch.code})


def _add_decision(uow: UnitOfWork, batch: CertificationBatch, record_id: uuid.UUID, facts: dict[str, Any]) -> None:
    shared = {
        "organisation_id": batch.organisation_id, "certification_batch_id": batch.certification_batch_id,
        "result_record_id": record_id, "number": 1,
    }  # fmt: skip
    mode = AssessmentMode.COMPREHENSIVE_REVIEW
    uow.add(
        ComponentScore(
            **shared, mode=mode, state=ResultState.SCORED, score=Decimal(str(facts["mean"])),
            origin=ScoreOrigin.TYPED, entered_by=uow.actor.name[:100], entered_at=now(),
        )
    )  # fmt: skip
    said = {name: str(facts[name]) for name in ("n_for", "n_members", "mean", "number")}
    uow.add(
        PassDecisionRecord(
            **shared, outcome=PassOutcome.PASSED, reasons=[[mode.value, "senior_panel", REASON, said]],
            rule={"share": facts["share"], "pass_mark": facts["pass_mark"]}, decided_by=uow.actor.name[:100],
            decided_at=now(),
        )
    )  # fmt: skip


def _publicity(uow: UnitOfWork, batch: CertificationBatch, people: Sequence[SeniorApplication]) -> Publicity:
    """Return the publicity of the batch: from the first day any of them was shown to the last."""
    first = min(row.publicity_starts_on or today() for row in people)
    last = max(row.publicity_ends_on or today() for row in people)
    return Publicity(
        organisation_id=batch.organisation_id, certification_batch_id=batch.certification_batch_id, number=1,
        starts_on=first, ends_on=last, n_working_days=working_days_between(first, last).n_days,
        is_certain=all(row.publicity_is_certain for row in people), contact=people[0].publicity_contact,
        published_by=uow.actor.name[:100], published_at=now(),
    )  # fmt: skip
