"""Results shown to the public for some working days, and the objections raised meanwhile."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from certification.documents.model import PublicityList, PublicityRow
from certification.documents.rendering import publicity_list_pdf
from certification.models import (
    CertificationBatch,
    ComponentScore,
    Objection,
    ObjectionStatus,
    PassDecisionRecord,
    Publicity,
    ResultRecord,
    SeniorObjection,
)
from certification.repository import batches as batch_repository
from certification.repository import publicity as repository
from certification.repository import scores as score_repository
from certification.rules import keys
from certification.rules.batch_states import BatchState
from certification.rules.pass_decision import (
    MODE_LABELS,
    OUTCOME_LABELS,
    TOTAL_LABEL,
    AssessmentMode,
    PassOutcome,
    total_text,
)
from certification.rules.publicity import PublicityPeriod, publicity_period
from certification.services import batches
from certification.services.scores import entered_text
from kernel import audit, profiles
from kernel.clock import now, today
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.identity.repository import get_organisation
from kernel.uow import UnitOfWork

MAX_DAYS_AHEAD = 31
LISTED_MODES = (AssessmentMode.THEORY, AssessmentMode.SKILLS, AssessmentMode.COMPREHENSIVE_REVIEW)
FURTHER_MODES = (AssessmentMode.WORK_PERFORMANCE, AssessmentMode.PROCESS)
ROUTES = frozenset({AssessmentMode.DIRECT_RECOGNITION, AssessmentMode.COMPETITION})


def planned_period(session: Session, batch: CertificationBatch, starts_on: dt.date) -> PublicityPeriod:
    """Return the period that would begin on a day."""
    n_days = profiles.value(session, batch.organisation_id, keys.PUBLICITY_WORKING_DAYS)
    return publicity_period(starts_on, n_working_days=n_days)


def open_publicity(uow: UnitOfWork, batch_id: uuid.UUID, *, starts_on: dt.date, contact: str) -> Publicity:
    """Begin to show the results of a decided batch."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    batch = batch_repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    _check_start(starts_on, contact)
    period = planned_period(uow.session, batch, starts_on)
    row = Publicity(
        organisation_id=batch.organisation_id,
        certification_batch_id=batch_id,
        number=repository.count_publicities(uow.session, batch_id) + 1,
        starts_on=period.starts_on,
        ends_on=period.ends_on,
        n_working_days=period.n_working_days,
        is_certain=period.is_certain,
        contact=contact.strip()[:200],
        published_by=uow.actor.name[:100],
        published_at=now(),
    )
    batches.advance(uow, batch, BatchState.PUBLICITY)
    uow.add(row)
    after = {"starts_on": period.starts_on.isoformat(), "ends_on": period.ends_on.isoformat()}
    audit.record(uow, "certification.publicity", "certification_batch", batch_id, after=after)
    return row


def _check_start(starts_on: dt.date, contact: str) -> None:
    fields = {}
    if not today() <= starts_on <= today() + dt.timedelta(days=MAX_DAYS_AHEAD):
        fields["starts_on"] = [N_("公示开始日期应在今天至 31 天内")]
    if not contact.strip():
        fields["contact"] = [N_("请填写异议受理方式，例如部门和电话")]
    if fields:
        raise InvalidInputError(next(iter(fields.values()))[0], fields=fields)


def publicity_pdf(session: Session, batch_id: uuid.UUID, *, actor: Actor) -> tuple[str, bytes]:
    """Return name and content of the list that is hung out; numbers are masked."""
    require(actor, Permission.CERTIFICATION_READ)
    batch = batch_repository.get_batch(session, batch_id, actor=actor)
    period = repository.find_publicity(session, batch_id)
    if period is None:
        raise ConflictError(N_("结果还没有公示，请先公示"))
    decided = score_repository.current_decisions(session, batch_id)
    further = _further_modes(decided.values())
    scores = score_repository.counting_scores(session, batch_id)
    has_total = any(total_text(one.reasons) for one in decided.values())
    rows = tuple(
        _row(
            batch,
            record,
            scores.get(record.result_record_id, {}),
            further,
            decided.get(record.result_record_id),
            has_total=has_total,
        )
        for record in batch_repository.list_records(session, batch_id)
    )
    listing = PublicityList(
        body_name=get_organisation(session, batch.organisation_id).name, batch_name=batch.name,
        starts_on=period.starts_on, ends_on=period.ends_on, n_working_days=period.n_working_days,
        contact=period.contact, published_on=period.starts_on, rows=rows,
        further=(*(MODE_LABELS[mode] for mode in further), *((TOTAL_LABEL,) if has_total else ())),
    )  # fmt: skip
    return f"公示名单_{batch.code}.pdf", publicity_list_pdf(listing, created_at=period.published_at)


def _further_modes(decided: Iterable[PassDecisionRecord]) -> list[AssessmentMode]:
    """Return the components beside the usual three that the rule of some decision asked for."""
    asked = {part["mode"] for one in decided for part in one.rule.get("components", ())}
    return [mode for mode in FURTHER_MODES if mode.value in asked]


def _row(
    batch: CertificationBatch,
    record: ResultRecord,
    held: dict[AssessmentMode, ComponentScore],
    further: Sequence[AssessmentMode],
    decision: PassDecisionRecord | None,
    *,
    has_total: bool,
) -> PublicityRow:
    total = (total_text(decision.reasons) if decision else "",) if has_total else ()
    return PublicityRow(
        record.name, record.id_number_mask, batch.occupation_name, batch.level_name, *_score_texts(held),
        outcome=OUTCOME_LABELS[record.outcome], further=(*(entered_text(held.get(mode)) for mode in further), *total),
        route=_route_of(decision),
    )  # fmt: skip


def _route_of(decision: PassDecisionRecord | None) -> str:
    """Return the name of the route on which a decision rests alone, empty for one about components."""
    if decision is None or decision.outcome is not PassOutcome.PASSED:
        return ""
    named = {mode for mode, *_rest in decision.reasons}
    return next((MODE_LABELS[mode] for mode in sorted(ROUTES) if mode.value in named), "")


def _score_texts(held: dict[AssessmentMode, ComponentScore]) -> tuple[str, str, str]:
    theory, skills, review = (entered_text(held.get(mode)) for mode in LISTED_MODES)
    return theory, skills, review


def note_objection(
    uow: UnitOfWork, batch_id: uuid.UUID, *, admission_number: str, raised_by: str, raised_on: dt.date, content: str
) -> None:
    """Keep an objection; it blocks the roster until it is settled."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    batch = batch_repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    if batch.state is not BatchState.PUBLICITY:
        raise ConflictError(N_("只有公示期间才登记异议"))
    record_id = _objected_record(uow, batch_id, admission_number)
    missing = {n: [N_("请填写")] for n, text in (("raised_by", raised_by), ("content", content)) if not text.strip()}
    if missing:
        raise InvalidInputError(N_("请填写异议人和异议内容"), fields=missing)
    objection = Objection(
        organisation_id=batch.organisation_id, certification_batch_id=batch_id, result_record_id=record_id,
        raised_on=raised_on, raised_by=raised_by.strip()[:100], content=content.strip()[:1000],
        noted_by=uow.actor.name[:100], noted_at=now(),
    )  # fmt: skip
    uow.add(objection)
    audit.record(uow, "certification.objection", "certification_batch", batch_id)


def _objected_record(uow: UnitOfWork, batch_id: uuid.UUID, admission_number: str) -> uuid.UUID | None:
    number = admission_number.strip()
    if not number:
        return None
    for record in batch_repository.list_records(uow.session, batch_id):
        if record.admission_number == number:
            return record.result_record_id
    message = N_("本批次没有这个准考证号")
    raise InvalidInputError(message, fields={"admission_number": [message]})


def close_objection(objection: Objection | SeniorObjection, *, is_upheld: bool, answer: str, actor: Actor) -> None:
    """Give an open objection its end, once, and with words."""
    if objection.status is not ObjectionStatus.OPEN:
        raise ConflictError(N_("这件异议已经处理过"))
    if not answer.strip():
        raise InvalidInputError(N_("请填写处理结果"), fields={"answer": [N_("请填写处理结果")]})
    objection.status = ObjectionStatus.UPHELD if is_upheld else ObjectionStatus.REJECTED
    objection.answer, objection.settled_by, objection.settled_at = answer.strip()[:1000], actor.name[:100], now()


def settle_objection(uow: UnitOfWork, objection_id: uuid.UUID, *, is_upheld: bool, answer: str) -> Objection:
    """Close an objection with its answer; an upheld one usually means that the batch is reopened."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    objection = repository.get_objection(uow.session, objection_id, actor=uow.actor)
    close_objection(objection, is_upheld=is_upheld, answer=answer, actor=uow.actor)
    audit.record(
        uow, "certification.objection_settled", "certification_batch", objection.certification_batch_id,
        after={"status": objection.status.value},
    )  # fmt: skip
    return objection
