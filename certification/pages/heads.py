"""What every page of a batch shows at its top: where it stands, what comes next, and what blocks that."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from certification.models import CertificationBatch
from certification.pages.standing import Missing, still_missing
from certification.pages.wording import refusal, said
from certification.repository import batches as repository
from certification.repository import publicity as publicity_repository
from certification.rules.batch_states import STATE_LABELS, BatchState
from certification.rules.deadlines import Deadline
from certification.rules.pass_decision import OUTCOME_LABELS, PassOutcome
from certification.rules.publicity import PublicityPeriod, is_over, working_days_left
from certification.services import batches as services
from certification.services.certificates import numbering_problem
from kernel.clock import today
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.identity.repository import get_organisation
from kernel.working_days import CALENDAR_UNKNOWN

LINE = (
    BatchState.RECEIVED, BatchState.CHECKED, BatchState.DECIDED, BatchState.PUBLICITY, BatchState.ROSTER_SUBMITTED,
    BatchState.APPROVED, BatchState.NUMBERED, BatchState.ISSUED, BatchState.ARCHIVED,
)  # fmt: skip
_ROSTER_STATES = {BatchState.RETURNED, BatchState.RESUBMITTED}
NEXT: Mapping[BatchState, BatchState] = {
    BatchState.RECEIVED: BatchState.CHECKED,
    BatchState.CHECKED: BatchState.DECIDED,
    BatchState.DECIDED: BatchState.PUBLICITY,
    BatchState.PUBLICITY: BatchState.ROSTER_SUBMITTED,
    BatchState.ROSTER_SUBMITTED: BatchState.APPROVED,
    BatchState.RETURNED: BatchState.RESUBMITTED,
    BatchState.RESUBMITTED: BatchState.APPROVED,
    BatchState.APPROVED: BatchState.NUMBERED,
    BatchState.NUMBERED: BatchState.ISSUED,
    BatchState.ISSUED: BatchState.ARCHIVED,
}
NEXT_LABELS: Mapping[BatchState, str] = {
    BatchState.RECEIVED: N_("核对收到的成绩"),
    BatchState.CHECKED: N_("补齐成绩并判定"),
    BatchState.DECIDED: N_("公示结果"),
    BatchState.PUBLICITY: N_("上报名册"),
    BatchState.ROSTER_SUBMITTED: N_("登记审核结果"),
    BatchState.RETURNED: N_("改正后重新上报"),
    BatchState.RESUBMITTED: N_("登记审核结果"),
    BatchState.APPROVED: N_("编号"),
    BatchState.NUMBERED: N_("签发证书"),
    BatchState.ISSUED: N_("归档"),
}
STATE_KINDS: Mapping[BatchState, str] = {
    BatchState.RETURNED: "danger",
    BatchState.PUBLICITY: "warning",
    BatchState.ISSUED: "success",
    BatchState.ARCHIVED: "neutral",
}
OUTCOME_KINDS: Mapping[PassOutcome, str] = {
    PassOutcome.PASSED: "success",
    PassOutcome.FAILED: "danger",
    PassOutcome.ABSENT: "neutral",
    PassOutcome.VOID: "warning",
    PassOutcome.PENDING: "info",
}


@dataclass(frozen=True, slots=True)
class BatchHead:
    """The top of a batch's pages."""

    batch: CertificationBatch
    issuer: str
    is_own: bool
    may_write: bool
    state_label: str
    state_kind: str
    line: list[str]
    position: int
    is_returned: bool
    next_label: str
    blockers: list[str]
    deadline: str
    balance: services.Balance
    outcome_labels: dict[PassOutcome, str]
    outcome_kinds: Mapping[PassOutcome, str]
    tabs: list[dict[str, Any]]
    missing: list[Missing]

    @property
    def outcome_options(self) -> list[tuple[str, str]]:
        """The outcomes for a choice."""
        return [(outcome.value, label) for outcome, label in self.outcome_labels.items()]


def state_label(state: BatchState) -> str:
    """Return a state in the reader's language."""
    return str(_(STATE_LABELS[state]))


def outcome_labels() -> dict[PassOutcome, str]:
    """Return the outcomes in the reader's language."""
    return {outcome: _(label) for outcome, label in OUTCOME_LABELS.items()}


def batch_head(session: Session, actor: Actor, batch_id: uuid.UUID, active: str) -> BatchHead:
    """Return the top of a batch's page; raises NotFoundError outside the walls."""
    batch = repository.get_batch(session, batch_id, actor=actor)
    is_own = batch.organisation_id == actor.organisation_id
    following = NEXT.get(batch.state)
    return BatchHead(
        batch=batch,
        issuer=get_organisation(session, batch.organisation_id).name,
        is_own=is_own,
        may_write=is_own and actor.may(Permission.CERTIFICATION_WRITE),
        state_label=state_label(batch.state),
        state_kind=STATE_KINDS.get(batch.state, "info"),
        line=[_step_label(state, batch.state) for state in LINE],
        position=_position(batch.state),
        is_returned=batch.state is BatchState.RETURNED,
        next_label=_(NEXT_LABELS[batch.state]) if following else "",
        blockers=step_obstacles(session, batch),
        deadline=deadline_text(session, batch),
        balance=services.balance_of(session, batch),
        outcome_labels=outcome_labels(),
        outcome_kinds=OUTCOME_KINDS,
        tabs=_tabs(actor, batch_id, active),
        missing=still_missing(session, batch) if is_own and active == "overview" else [],
    )


def _position(state: BatchState) -> int:
    on_line = BatchState.ROSTER_SUBMITTED if state in _ROSTER_STATES else state
    return LINE.index(on_line) + 1


def _step_label(state: BatchState, current: BatchState) -> str:
    is_roster = state is BatchState.ROSTER_SUBMITTED and current in _ROSTER_STATES
    return state_label(current if is_roster else state)


def step_obstacles(session: Session, batch: CertificationBatch) -> list[str]:
    """Return in words what blocks the next step; what the step does itself is no obstacle."""
    following = NEXT.get(batch.state)
    if following is None:
        return []
    if following is BatchState.NUMBERED:
        problem = numbering_problem(session, batch)
        return [refusal(problem)] if problem else []
    if following is BatchState.ISSUED:
        return []
    return [said(b.message, b.values) for b in services.step_blockers(session, batch, following)]


def deadline_text(session: Session, batch: CertificationBatch) -> str:
    """Return until when the present state lasts and by when the next step is due, in words."""
    shown = ""
    if batch.state is BatchState.PUBLICITY:
        period = services.period_of(publicity_repository.find_publicity(session, batch.certification_batch_id))
        shown = _publicity_text(period) if period is not None else ""
    due = services.deadline_of(session, batch)
    return "；".join(text for text in (shown, _due_text(batch.state, due) if due else "") if text)


def _publicity_text(period: PublicityPeriod) -> str:
    if is_over(period, today()):
        return str(_("公示已于 %(date)s 结束", date=period.ends_on.isoformat()))
    left = working_days_left(period, today())
    text = str(_("公示到 %(date)s，还剩 %(n)s 个工作日", date=period.ends_on.isoformat(), n=left))
    return text if period.is_certain else f"{text}（{_(CALENDAR_UNKNOWN)}）"


def _due_text(state: BatchState, due: Deadline) -> str:
    values = {"step": _(NEXT_LABELS[state]), "date": due.date.isoformat(), "n": abs(due.n_left)}
    if due.is_overdue:
        return str(_("%(step)s应于 %(date)s 前完成，已超过 %(n)s 个工作日", **values))
    text = str(_("%(step)s应于 %(date)s 前完成，还剩 %(n)s 个工作日", **values))
    return text if due.is_certain else f"{text}（{_(CALENDAR_UNKNOWN)}）"


def _tabs(actor: Actor, batch_id: uuid.UUID, active: str) -> list[dict[str, Any]]:
    entries = [
        ("overview", _("概况"), "cert_batches.detail"),
        ("candidates", _("考生与成绩"), "cert_batches.candidates"),
        ("panels", _("考评组"), "cert_panels.index"),
        ("publicity", _("公示与异议"), "cert_publicity.show"),
        ("roster", _("名册上报"), "cert_rosters.show"),
        ("certificates", _("证书"), "cert_certificates.batch"),
    ]
    entries.append(("survey", _("满意度"), "cert_surveys.show"))
    if actor.may(Permission.EVIDENCE_MAKE):
        entries.append(("evidence", _("证据与归档"), "cert_evidence.batch"))
    return [
        {"label": label, "href": url_for(endpoint, batch_id=batch_id), "active": key == active}
        for key, label, endpoint in entries
    ]
