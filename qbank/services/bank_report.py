"""The report on a level's bank (题库评估), and the two people who put a bank into use."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from kernel import audit, profiles
from kernel.canonical import digest
from kernel.clock import now, today
from kernel.db import new_id
from kernel.errors import ConflictError, ForbiddenError, IllegalTransitionError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.models.approvals import BankApproval
from qbank.models.curation import CurationRun
from qbank.models.standards import StandardLevel
from qbank.repository import bank as repository
from qbank.repository import standards
from qbank.rules.bank_approval import (
    OLD_AFTER_YEARS,
    UNAPPROVED_BANK,
    WANTED_PER_POINT,
    ApprovalState,
    UnapprovedPolicy,
)
from qbank.rules.bank_report import BankReport, Measures, ScopeFacts, build_report
from qbank.rules.outline import ScopeNode
from qbank.services.dependants import Capacity, find_capacity
from qbank.services.standards import check_version

PROPOSE = Permission.ITEM_RETIRE
APPROVE = (Permission.ITEM_REVIEW, Permission.ITEM_RETIRE, Permission.WORKFLOW_MANAGE)


@dataclass(frozen=True, slots=True)
class LevelReport:
    """A level's report with everything around it."""

    level: StandardLevel
    report: BankReport
    capacity: Capacity | None
    checks: dict[str, CurationRun]

    def to_json(self) -> dict[str, Any]:
        """Return the document that an approval keeps."""
        capacity = self.capacity
        standard = self.level.edition.standard
        head = {
            "standard": standard.code, "edition": self.level.edition.label, "level": self.level.level_code,
            "occupation": standard.occupation_name,
        }  # fmt: skip
        return head | self.report.to_json() | {"n_forms": capacity.n_forms if capacity else None}


def load_report(
    session: Session, actor: Actor, level_id: uuid.UUID, *, blueprint_id: uuid.UUID | None = None
) -> LevelReport:
    """Return the report on a level's bank as it is now; the capacity is that for a blueprint, or the level's default."""
    require(actor, Permission.STANDARD_READ)
    level = standards.get_level(session, level_id, actor=actor)
    values = profiles.values(session, actor.organisation)
    measures = Measures(today(), int(values[WANTED_PER_POINT.name]), int(values[OLD_AFTER_YEARS.name]))
    scopes = [_scope(node) for node in standards.load_tree(session, level).walk()]
    items = repository.item_rows(session, level_id, organisation_id=actor.organisation)
    n_near = repository.count_near_pairs(session, level_id)
    report = build_report(scopes, items, measures, n_near_pairs=n_near)
    capacity = find_capacity(session, _reader(actor), level_id, blueprint_id)
    return LevelReport(level, report, capacity, repository.curation_runs(session, level_id))


def _reader(actor: Actor) -> Actor:
    """Return the actor with the permission to count the pool: the report tells numbers, never items."""
    return replace(actor, permissions=actor.permissions | {Permission.BLUEPRINT_READ})


def _scope(node: ScopeNode) -> ScopeFacts:
    points = [(point.full_code, point.row.name, point.row.importance.value) for point in node.all_points()]
    return ScopeFacts(node.full_code, node.row.name, node.row.depth, node.weight_percent, points)


# --- putting into use ------------------------------------------------------------------------------------------------


def propose(uow: UnitOfWork, level_id: uuid.UUID, *, note: str = "") -> BankApproval:
    """Propose to put a level's bank into use, on the report of this moment."""
    require(uow.actor, PROPOSE)
    level = standards.lock_level(uow.session, level_id, actor=uow.actor)
    if not level.is_published:
        raise ConflictError(N_("细目表还没有发布，不能申请启用题库"))
    known = repository.list_approvals(uow.session, level_id, actor=uow.actor)
    if any(one.state is ApprovalState.PROPOSED for one in known):
        raise ConflictError(N_("已有一份申请等待批准"))
    document = load_report(uow.session, uow.actor, level_id).to_json()
    if not document["n_in_use"]:
        raise ConflictError(N_("题库里还没有入库的试题"))
    row = BankApproval(
        bank_approval_id=new_id(), organisation_id=uow.actor.organisation, standard_level_id=level_id,
        state=ApprovalState.PROPOSED, report=document, report_digest=digest(document), note=note.strip()[:500],
        proposed_by=uow.actor.user_id, proposed_at=now(),
    )  # fmt: skip
    uow.add(row)
    _record(uow, row, "bank.propose")
    return row


def decide(
    uow: UnitOfWork, approval_id: uuid.UUID, *, is_approved: bool, comment: str = "", version: int | None = None
) -> BankApproval:
    """Approve or return a proposal as a second person; an earlier approval of the level ends with a new one."""
    if not any(uow.actor.may(permission) for permission in APPROVE):
        require(uow.actor, APPROVE[0])
    row = _lock(uow, approval_id, version, ApprovalState.PROPOSED)
    if row.proposed_by is not None and row.proposed_by == uow.actor.user_id:
        raise ForbiddenError(N_("题库启用须由第二人批准：这份申请由您提出，请由其他人批准"))
    if not is_approved and not comment.strip():
        message = N_("请写明退回的原因")
        raise InvalidInputError(message, fields={"comment": [message]})
    if is_approved:
        _end_standing(uow, row)
    row.state = ApprovalState.APPROVED if is_approved else ApprovalState.RETURNED
    row.comment, row.decided_by, row.decided_at = comment.strip()[:500], uow.actor.user_id, now()
    _record(uow, row, "bank.approve" if is_approved else "bank.return")
    return row


def _end_standing(uow: UnitOfWork, row: BankApproval) -> None:
    standing = repository.standing_approval(
        uow.session, row.standard_level_id, organisation_id=row.organisation_id
    )  # fmt: skip
    if standing is not None:
        standing.state, standing.ended_by, standing.ended_at = ApprovalState.WITHDRAWN, uow.actor.user_id, now()


def withdraw(uow: UnitOfWork, approval_id: uuid.UUID, *, version: int | None = None) -> BankApproval:
    """Take a bank out of use, or a proposal back."""
    require(uow.actor, PROPOSE)
    row = _lock(uow, approval_id, version, ApprovalState.PROPOSED, ApprovalState.APPROVED)
    row.state, row.ended_by, row.ended_at = ApprovalState.WITHDRAWN, uow.actor.user_id, now()
    _record(uow, row, "bank.withdraw")
    return row


def _lock(uow: UnitOfWork, approval_id: uuid.UUID, version: int | None, *states: ApprovalState) -> BankApproval:
    row = repository.lock_approval(uow.session, approval_id, actor=uow.actor)
    check_version(row.version, version)
    if row.state not in states:
        raise IllegalTransitionError(N_("申请的状态已经改变，请刷新页面"))
    return row


def _record(uow: UnitOfWork, row: BankApproval, act: str) -> None:
    after = {"level": str(row.standard_level_id), "state": row.state.value, "digest": row.report_digest}
    audit.record(uow, act, "bank_approval", row.bank_approval_id, after=after)


def unapproved_policy(session: Session, actor: Actor, level_id: uuid.UUID) -> UnapprovedPolicy | None:
    """Return what the rule profile says about drawing from a level's bank, None when it was approved."""
    if repository.standing_approval(session, level_id, organisation_id=actor.organisation):
        return None
    return UnapprovedPolicy(profiles.value(session, actor.organisation, UNAPPROVED_BANK.name))


def refuse_unapproved(session: Session, actor: Actor, level_id: uuid.UUID) -> None:
    """Refuse to draw forms from a bank that nobody approved, where the profile says so; raises ConflictError."""
    if unapproved_policy(session, actor, level_id) is UnapprovedPolicy.REFUSE:
        raise ConflictError(N_("这个等级的题库还没有批准启用，按规则方案不能组卷；请先在“题库评估”中申请启用"))
