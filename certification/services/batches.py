"""A batch as a whole: its balance, what blocks the next step, checking, reopening, archiving."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from certification.models import CertificationBatch, Publicity
from certification.repository import batches as repository
from certification.repository import certificates as certificate_repository
from certification.repository import panels
from certification.repository import publicity as publicity_repository
from certification.rules import deadlines
from certification.rules.batch_states import BatchFacts, BatchState, Blocker, blockers, require_transition
from certification.rules.deadlines import Deadline
from certification.rules.pass_decision import PassOutcome
from certification.rules.publicity import PublicityPeriod
from certification.services import compliance, steps
from exam_delivery.public_appeals import find_open_appeals
from kernel import audit, profiles
from kernel.clock import OFFICIAL_ZONE, today
from kernel.errors import ConflictError, IllegalTransitionError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

CHECKED_STATES = frozenset({BatchState.PUBLICITY, BatchState.RETURNED, BatchState.NUMBERED})
REOPENABLE = frozenset({BatchState.DECIDED, BatchState.PUBLICITY})


@dataclass(frozen=True, slots=True)
class Balance:
    """Registered = passed + failed + absent + void + pending, of one batch."""

    n_registered: int
    outcomes: Mapping[PassOutcome, int]

    @property
    def total(self) -> int:
        """The sum over all outcomes."""
        return sum(self.outcomes.values())

    @property
    def is_closed(self) -> bool:
        """Whether nobody is missing and nobody counted twice."""
        return self.total == self.n_registered

    def count(self, outcome: PassOutcome) -> int:
        """Return how many have an outcome."""
        return self.outcomes.get(outcome, 0)


def balance_of(session: Session, batch: CertificationBatch) -> Balance:
    """Return the balance of a batch."""
    key = batch.certification_batch_id
    return Balance(batch.n_registered, repository.count_outcomes(session, [key])[key])


def period_of(publicity: Publicity | None) -> PublicityPeriod | None:
    """Return a stored period in the rules' shape."""
    if publicity is None:
        return None
    return PublicityPeriod(publicity.starts_on, publicity.ends_on, publicity.n_working_days, publicity.is_certain)


def facts_of(session: Session, batch: CertificationBatch) -> BatchFacts:
    """Return what the next step of a batch is judged by."""
    key = batch.certification_batch_id
    passed = repository.passed_ids(session, key)
    rows = [
        row for row in certificate_repository.list_batch_certificates(session, key) if row.result_record_id in passed
    ]
    numbered = {row.result_record_id for row in rows}
    issued = {row.result_record_id for row in rows if row.issued_at is not None}
    n_errors = compliance.count_errors(session, batch) if batch.state in CHECKED_STATES else 0
    return BatchFacts(
        today=today(),
        n_registered=batch.n_registered,
        outcomes=balance_of(session, batch).outcomes,
        publicity=period_of(publicity_repository.find_publicity(session, key)),
        n_open_objections=publicity_repository.count_open_objections(session, key),
        n_compliance_errors=n_errors,
        n_numbered=len(numbered),
        n_issued=len(issued),
    )


def deadline_of(session: Session, batch: CertificationBatch) -> Deadline | None:
    """Return by when a batch should leave its state, by the rule profile."""
    values = profiles.values(session, batch.organisation_id)
    period = None
    if batch.state is BatchState.PUBLICITY:
        period = period_of(publicity_repository.find_publicity(session, batch.certification_batch_id))
    since = batch.state_since.astimezone(OFFICIAL_ZONE).date()
    return deadlines.deadline_of(batch.state, since, period, values, today())


WAITS_FOR_APPEALS = frozenset({BatchState.ROSTER_SUBMITTED, BatchState.RESUBMITTED, BatchState.ARCHIVED})
APPEAL_BLOCKER = N_("还有 %(n)s 件成绩复核或申诉没有办结，请先办结")
PANEL_BLOCKER = N_("还有 %(n)s 名考生的考评组成绩没有全部签字确认，请先完成")
CORRECTION_BLOCKER = N_("还有 %(n)s 份成绩更正没有处理，请先采用或不采用")


def step_blockers(session: Session, batch: CertificationBatch, new: BatchState) -> list[Blocker]:
    """Return everything that blocks a step, all at once."""
    found = list(blockers(new, facts_of(session, batch)))
    n_open = repository.count_open_corrections(session, batch.certification_batch_id)
    if n_open and new is not BatchState.RETURNED:  # being returned is how a correction gets its turn
        found.insert(0, Blocker("open_correction", CORRECTION_BLOCKER, {"n": n_open}))
    if new is BatchState.DECIDED and (n_left := panels.count_unfinished(session, batch.certification_batch_id)):
        found.append(Blocker("unsigned_panel", PANEL_BLOCKER, {"n": n_left}))
    return found + _appeal_blockers(session, batch, new)


def _appeal_blockers(session: Session, batch: CertificationBatch, new: BatchState) -> list[Blocker]:
    """Return the score checks and appeals that nobody has closed: the archive waits for them, by rule the roster too."""
    if new not in WAITS_FOR_APPEALS:
        return []
    waiting = find_open_appeals(session, batch.organisation_id, batch.source_batch_id)
    if waiting.n_open and (waiting.blocks_roster or new is BatchState.ARCHIVED):
        return [Blocker("open_appeals", APPEAL_BLOCKER, {"n": waiting.n_open})]
    return []


def advance(uow: UnitOfWork, batch: CertificationBatch, new: BatchState, *, reason: str = "") -> None:
    """Take a step, or refuse it with its first obstacle."""
    require_transition(batch.state, new)
    uow.flush()  # the facts are counted by SQL
    found = step_blockers(uow.session, batch, new)
    if found:
        raise ConflictError(found[0].message, error_code="step_blocked", **found[0].values)
    steps.move(uow, batch, new, reason=reason)


def check_batch(uow: UnitOfWork, batch_id: uuid.UUID) -> None:
    """Confirm that the received results were looked through."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    advance(uow, repository.lock_batch(uow.session, batch_id, actor=uow.actor), BatchState.CHECKED)


def reopen_batch(uow: UnitOfWork, batch_id: uuid.UUID, *, reason: str) -> None:
    """Go back from a decision or from publicity to scores; outcomes become pending, a running publicity is withdrawn."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    if not reason.strip():
        raise InvalidInputError(N_("请写明退回修改的原因"), fields={"reason": [N_("请写明退回修改的原因")]})
    reopen(uow, repository.lock_batch(uow.session, batch_id, actor=uow.actor), reason=reason.strip())


def reopen(uow: UnitOfWork, batch: CertificationBatch, *, reason: str) -> None:
    """Unlock a locked batch of this transaction; refuse one that has nothing to take back."""
    if batch.state not in REOPENABLE:
        raise IllegalTransitionError(N_("只有已判定或公示中的批次可以退回修改"))
    steps.move(uow, batch, BatchState.CHECKED, reason=reason)
    for record in repository.list_records(uow.session, batch.certification_batch_id):
        record.outcome = PassOutcome.PENDING
    running = publicity_repository.find_publicity(uow.session, batch.certification_batch_id)
    if running is not None:
        running.is_withdrawn = True


def update_batch(
    uow: UnitOfWork,
    batch_id: uuid.UUID,
    *,
    trade_name: str,
    plan_filed_on: dt.date | None,
    evaluation_starts_on: dt.date | None,
) -> None:
    """Enter what delivery does not know: the trade, and the dates of filing the plan and of the evaluation."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    batch = repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    if batch.state in {BatchState.NUMBERED, BatchState.ISSUED, BatchState.ARCHIVED}:
        raise ConflictError(N_("批次已编号，基本信息不能再改"))
    before = _details(batch)
    batch.trade_name = trade_name.strip()[:100]
    batch.plan_filed_on, batch.evaluation_starts_on = plan_filed_on, evaluation_starts_on
    audit.record(uow, "certification.update", "certification_batch", batch_id, before=before, after=_details(batch))


def _details(batch: CertificationBatch) -> dict[str, str]:
    return {
        "trade_name": batch.trade_name,
        "plan_filed_on": str(batch.plan_filed_on or ""),
        "evaluation_starts_on": str(batch.evaluation_starts_on or ""),
    }


def archive_batch(uow: UnitOfWork, batch_id: uuid.UUID) -> None:
    """Close a batch whose certificates are issued."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    advance(uow, repository.lock_batch(uow.session, batch_id, actor=uow.actor), BatchState.ARCHIVED)
