"""Correction cases: a report comes in, an editor clears it up, the outcome takes effect and is kept for rescoring."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from item_templates.versions import compare
from kernel import audit, crypto
from kernel.clock import now, today
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError, TooManyAttemptsError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.models.corrections import CorrectionCase, CorrectionStep, ItemCorrection, ItemQuarantine, PublicReport
from qbank.models.items import Item
from qbank.repository import corrections as repository
from qbank.repository import items as items_repository
from qbank.rules.corrections import CaseAct, CaseState, Outcome, ReportSource, after
from qbank.rules.items import ChangeKind, ItemStatus
from qbank.services.items import content_of, retire_locked
from qbank.services.standards import check_version

LONGEST_TEXT = 2000
COUNTER_PREFIX = "correction"
MANAGE = Permission.ITEM_RETIRE
REPORTERS = (
    Permission.SESSION_INVIGILATE, Permission.SESSION_CONTROL, Permission.RESPONSE_MARK, Permission.ITEM_READ,
    Permission.ITEM_READ_OWN, Permission.SCORE_READ,
)  # fmt: skip
PUBLIC_WINDOW = timedelta(hours=1)
MAX_PUBLIC_REPORTS = 5
RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody says about an item: where it stood, what is wrong, and how that can be seen."""

    source: ReportSource
    text: str
    item_id: uuid.UUID | None = None
    item_version_id: uuid.UUID | None = None
    place: str = ""
    evidence: str = ""
    contact: str = ""


def report_error(uow: UnitOfWork, report: Report) -> CorrectionCase:
    """Open a case for a report of somebody who works in an exam, marks answers or reads items."""
    if not any(uow.actor.may(permission) for permission in REPORTERS):
        require(uow.actor, REPORTERS[0])
    return _open(uow, report)


def report_publicly(uow: UnitOfWork, report: Report, *, address: str) -> CorrectionCase:
    """Open a case for a report from the open form; `uow` acts as the system inside the organisation that was named.

    Raises
    ------
    TooManyAttemptsError
        After five reports of one address within an hour.
    """
    subject = crypto.blind_index(crypto.purpose_key("public-report"), address)
    moment = now()
    n_sent = repository.count_public_reports(uow.session, subject, since=moment - PUBLIC_WINDOW)
    if n_sent >= MAX_PUBLIC_REPORTS:
        raise TooManyAttemptsError(
            N_("报告过于频繁，请一小时后再试"), retry_after_seconds=int(PUBLIC_WINDOW.total_seconds())
        )
    uow.add(PublicReport(subject=subject, at=moment))
    return _open(uow, report)


def report_by_statistics(uow: UnitOfWork, reports: Sequence[Report]) -> int:
    """Open a case for each version that statistics hold to be wrong and that has no open case; return how many."""
    n = 0
    for report in reports:
        version = repository.find_version(uow.session, report.item_version_id) if report.item_version_id else None
        if version is None or version.organisation_id != uow.actor.organisation:
            continue
        if not repository.has_open_case(uow.session, version.item_version_id):
            _open(uow, replace(report, item_id=version.item_id))
            n += 1
    return n


def _open(uow: UnitOfWork, report: Report) -> CorrectionCase:
    _check_report(report)
    organisation_id = uow.actor.organisation
    counter = items_repository.lock_counter(uow.session, organisation_id, COUNTER_PREFIX)
    counter.last_number += 1
    case = CorrectionCase(
        correction_case_id=new_id(), organisation_id=organisation_id,
        code=f"GZ-{today().year}-{counter.last_number:05d}", source=report.source, state=CaseState.REPORTED,
        item_id=report.item_id, item_version_id=report.item_version_id, place=report.place[:300],
        text=report.text.strip()[:LONGEST_TEXT], evidence=report.evidence.strip()[:LONGEST_TEXT],
        reported_by=uow.actor.user_id, reported_at=now(),
    )  # fmt: skip
    case.contact = _sealed_contact(case, report.contact)
    uow.add(case)
    uow.flush()  # steps name the case
    _step(uow, case, CaseAct.REPORT, "")
    return case


def _check_report(report: Report) -> None:
    if len(report.text.strip()) < 5:
        message = N_("请写明哪里有误，至少 5 个字")
        raise InvalidInputError(message, fields={"text": [message]})


def _sealed_contact(case: CorrectionCase, contact: str) -> bytes | None:
    if not contact.strip():
        return None
    key, place = crypto.purpose_key("personal-data"), f"correction_cases|contact|{case.correction_case_id}"
    return crypto.encrypt(key, contact.strip()[:120].encode(), bound_to=place)


def read_contact(case: CorrectionCase) -> str:
    """Return how to reach the reporter, empty when nothing was left."""
    if case.contact is None:
        return ""
    place = f"correction_cases|contact|{case.correction_case_id}"
    return crypto.decrypt(crypto.purpose_key("personal-data"), case.contact, bound_to=place).decode()


def _step(uow: UnitOfWork, case: CorrectionCase, act: CaseAct, text: str) -> None:
    """Add a step to a case's timeline and to the audit."""
    uow.add(
        CorrectionStep(
            correction_case_id=case.correction_case_id, act=act, text=text.strip()[:LONGEST_TEXT],
            made_by=uow.actor.user_id, made_by_name=uow.actor.name[:100], made_at=now(),
        )
    )  # fmt: skip
    facts = {"code": case.code, "state": case.state.value}
    audit.record(uow, f"correction.{act.value}", "correction_case", case.correction_case_id, after=facts)


def _lock(uow: UnitOfWork, case_id: uuid.UUID, version: int | None) -> CorrectionCase:
    require(uow.actor, MANAGE)
    case = repository.get_case(uow.session, case_id, actor=uow.actor, lock=True)
    check_version(case.version, version)
    return case


# --- clearing up -----------------------------------------------------------------------------------------------------


def triage(
    uow: UnitOfWork, case_id: uuid.UUID, *, item_code: str = "", assigned_to: uuid.UUID | None = None,
    version: int | None = None,
) -> CorrectionCase:  # fmt: skip
    """Take a report up: name the item where the report did not, and who clears it up."""
    case = _lock(uow, case_id, version)
    case.state = after(CaseAct.TRIAGE, case.state)
    if item_code.strip():
        _name_item(uow, case, item_code.strip())
    if case.item_id is None:
        message = N_("请填写所涉试题的编号")
        raise InvalidInputError(message, fields={"item_code": [message]})
    case.assigned_to = _checked_editor(uow, assigned_to) or uow.actor.user_id
    _step(uow, case, CaseAct.TRIAGE, "")
    return case


def _name_item(uow: UnitOfWork, case: CorrectionCase, code: str) -> None:
    item = repository.find_item(uow.session, code, actor=uow.actor)
    if item is None:
        message = N_("没有这个编号的试题")
        raise InvalidInputError(message, fields={"item_code": [message]})
    if item.item_id != case.item_id:
        case.item_id, case.item_version_id = item.item_id, item.approved_version_id or item.current_version_id


def _checked_editor(uow: UnitOfWork, user_id: uuid.UUID | None) -> uuid.UUID | None:
    known = {key for key, _name in repository.list_editors(uow.session, actor=uow.actor)}
    if user_id is not None and user_id not in known:
        message = N_("请选择本机构的题库管理员")
        raise InvalidInputError(message, fields={"assigned_to": [message]})
    return user_id


def assign(uow: UnitOfWork, case_id: uuid.UUID, user_id: uuid.UUID, *, version: int | None = None) -> CorrectionCase:
    """Give a case to another editor."""
    case = _lock(uow, case_id, version)
    _refuse_closed(case)
    case.assigned_to = _checked_editor(uow, user_id)
    _step(uow, case, CaseAct.ASSIGN, dict(repository.list_editors(uow.session, actor=uow.actor))[user_id])
    return case


def _refuse_closed(case: CorrectionCase) -> None:
    if case.state is CaseState.CLOSED:
        raise ConflictError(N_("更正案已经办结"))


def add_note(uow: UnitOfWork, case_id: uuid.UUID, text: str) -> CorrectionCase:
    """Add what was found out to the timeline."""
    case = _lock(uow, case_id, None)
    if not text.strip():
        message = N_("请填写说明")
        raise InvalidInputError(message, fields={"text": [message]})
    _step(uow, case, CaseAct.NOTE, text)
    return case


def decide(
    uow: UnitOfWork, case_id: uuid.UUID, outcome: Outcome, *, reason: str, version: int | None = None
) -> CorrectionCase:
    """Decide a case; a retirement takes effect at once, a new version when it has passed review."""
    case = _lock(uow, case_id, version)
    if len(reason.strip()) < 2:
        message = N_("请写明作出决定的理由")
        raise InvalidInputError(message, fields={"reason": [message]})
    case.state = after(CaseAct.DECIDE, case.state)
    case.outcome, case.reason = outcome, reason.strip()[:LONGEST_TEXT]
    case.decided_by, case.decided_at = uow.actor.user_id, now()
    if outcome is Outcome.RETIREMENT:
        item = _lock_item(uow, case)
        if item.status is not ItemStatus.RETIRED:
            retire_locked(uow, item, reason.strip()[:300])
    _step(uow, case, CaseAct.DECIDE, case.reason)
    return case


def _lock_item(uow: UnitOfWork, case: CorrectionCase) -> Item:
    if case.item_id is None:
        raise ConflictError(N_("更正案还没有指明试题"))
    return items_repository.lock_item(uow.session, case.item_id, actor=uow.actor)


def reopen(uow: UnitOfWork, case_id: uuid.UUID, *, reason: str, version: int | None = None) -> CorrectionCase:
    """Take a decision back that has not been closed."""
    case = _lock(uow, case_id, version)
    case.state = after(CaseAct.REOPEN, case.state)
    case.outcome, case.decided_by, case.decided_at = None, None, None
    _step(uow, case, CaseAct.REOPEN, reason)
    return case


def close(uow: UnitOfWork, case_id: uuid.UUID, *, version: int | None = None) -> CorrectionCase:
    """Close a case whose outcome has taken effect; keep the correction and let the item be used again.

    Raises
    ------
    ConflictError
        While the new version has not passed review.
    """
    case = _lock(uow, case_id, version)
    case.state = after(CaseAct.CLOSE, case.state)
    case.closed_at = now()
    item = _lock_item(uow, case)
    if case.outcome is Outcome.NEW_VERSION:
        _check_new_version(case, item)
        _record(uow, case, item, item.approved_version_id)
    elif case.outcome is Outcome.RETIREMENT:
        _record(uow, case, item, None)
    _step(uow, case, CaseAct.CLOSE, "")
    if (held := repository.find_quarantine(uow.session, item.item_id)) and held.correction_case_id == case_id:
        uow.session.delete(held)
        _step(uow, case, CaseAct.RELEASE, "")
    return case


def _check_new_version(case: CorrectionCase, item: Item) -> None:
    if item.approved_version_id in (None, case.item_version_id) or item.status is ItemStatus.RETIRED:
        raise ConflictError(N_("修订后的试题还没有审核入库，不能办结；请先修改试题并完成审核"))


def _record(uow: UnitOfWork, case: CorrectionCase, item: Item, new_version_id: uuid.UUID | None) -> None:
    old_version_id = case.item_version_id or item.current_version_id
    if repository.find_same_correction(uow.session, item.item_id, old_version_id, new_version_id):
        return
    change = _change(uow, old_version_id, new_version_id) if new_version_id else RETIRED
    uow.add(
        ItemCorrection(
            organisation_id=case.organisation_id, correction_case_id=case.correction_case_id, item_id=item.item_id,
            old_version_id=old_version_id, new_version_id=new_version_id, change=change,
            details={"code": item.code, "case": case.code}, corrected_at=now(),
        )
    )  # fmt: skip
    facts = {"old": str(old_version_id), "new": str(new_version_id or ""), "change": change}
    audit.record(uow, "item.corrected", "item", item.item_id, after=facts)


def _change(uow: UnitOfWork, old_version_id: uuid.UUID, new_version_id: uuid.UUID) -> str:
    """Return what kind of change lies between two versions, computed from their contents."""
    versions = items_repository.get_versions(uow.session, [old_version_id, new_version_id])
    found = compare(content_of(versions[old_version_id]), content_of(versions[new_version_id]))
    return ChangeKind.DESCRIPTION.value if found == "same" else ChangeKind(found).value


# --- quarantine ------------------------------------------------------------------------------------------------------


def quarantine(uow: UnitOfWork, case_id: uuid.UUID, *, reason: str = "") -> CorrectionCase:
    """Keep a case's item out of new forms while it is cleared up."""
    case = _lock(uow, case_id, None)
    _refuse_closed(case)
    item = _lock_item(uow, case)
    if repository.find_quarantine(uow.session, item.item_id):
        raise ConflictError(N_("这道题已经暂停组卷使用"))
    uow.add(
        ItemQuarantine(
            item_id=item.item_id, organisation_id=case.organisation_id, correction_case_id=case_id,
            reason=(reason.strip() or case.code)[:300], set_by=uow.actor.user_id, set_at=now(),
        )
    )  # fmt: skip
    _step(uow, case, CaseAct.QUARANTINE, reason)
    return case


def release(uow: UnitOfWork, case_id: uuid.UUID) -> CorrectionCase:
    """Let a case's item be used in forms again."""
    case = _lock(uow, case_id, None)
    item = _lock_item(uow, case)
    held = repository.find_quarantine(uow.session, item.item_id)
    if held is None:
        raise ConflictError(N_("这道题没有暂停使用"))
    uow.session.delete(held)
    _step(uow, case, CaseAct.RELEASE, "")
    return case


def may_manage(actor: Actor) -> bool:
    """Say whether an actor clears up cases."""
    return actor.may(MANAGE)
