"""The states of a certification batch, the steps between them, and what blocks a step."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from certification.rules.pass_decision import PassOutcome
from certification.rules.publicity import PublicityPeriod, is_over
from kernel.errors import IllegalTransitionError
from kernel.i18n import N_


class BatchState(enum.StrEnum):
    """Where a batch stands on its way from results to the archive."""

    RECEIVED = "received"
    CHECKED = "checked"
    DECIDED = "decided"
    PUBLICITY = "publicity"
    ROSTER_SUBMITTED = "roster_submitted"
    RETURNED = "returned"
    RESUBMITTED = "resubmitted"
    APPROVED = "approved"
    NUMBERED = "numbered"
    ISSUED = "issued"
    ARCHIVED = "archived"


STATE_LABELS: Mapping[BatchState, str] = {
    BatchState.RECEIVED: N_("已接收"),
    BatchState.CHECKED: N_("已核对"),
    BatchState.DECIDED: N_("已判定"),
    BatchState.PUBLICITY: N_("公示中"),
    BatchState.ROSTER_SUBMITTED: N_("名册已上报"),
    BatchState.RETURNED: N_("已退回"),
    BatchState.RESUBMITTED: N_("已重报"),
    BatchState.APPROVED: N_("已核准"),
    BatchState.NUMBERED: N_("已编号"),
    BatchState.ISSUED: N_("已发证"),
    BatchState.ARCHIVED: N_("已归档"),
}

# A step back exists where rules allow it: a decision reopened after an objection, a roster returned by the centre.
ALLOWED: Mapping[BatchState, frozenset[BatchState]] = {
    BatchState.RECEIVED: frozenset({BatchState.CHECKED}),
    BatchState.CHECKED: frozenset({BatchState.DECIDED}),
    BatchState.DECIDED: frozenset({BatchState.PUBLICITY, BatchState.CHECKED}),
    BatchState.PUBLICITY: frozenset({BatchState.ROSTER_SUBMITTED, BatchState.CHECKED}),
    BatchState.ROSTER_SUBMITTED: frozenset({BatchState.RETURNED, BatchState.APPROVED}),
    BatchState.RETURNED: frozenset({BatchState.RESUBMITTED}),
    BatchState.RESUBMITTED: frozenset({BatchState.RETURNED, BatchState.APPROVED}),
    BatchState.APPROVED: frozenset({BatchState.NUMBERED}),
    BatchState.NUMBERED: frozenset({BatchState.ISSUED}),
    BatchState.ISSUED: frozenset({BatchState.ARCHIVED}),
    BatchState.ARCHIVED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """What a step is judged by."""

    today: dt.date
    n_registered: int
    outcomes: Mapping[PassOutcome, int]
    publicity: PublicityPeriod | None = None
    n_open_objections: int = 0
    n_compliance_errors: int = 0
    n_numbered: int = 0
    n_issued: int = 0

    @property
    def n_decided(self) -> int:
        """Return the sum over all outcomes, which must equal the number registered."""
        return sum(self.outcomes.values())

    @property
    def n_passed(self) -> int:
        """Return how many candidates get a certificate."""
        return self.outcomes.get(PassOutcome.PASSED, 0)


@dataclass(frozen=True, slots=True)
class Blocker:
    """Why a step is not possible yet; `values` fills the placeholders of `message`."""

    code: str
    message: str
    values: Mapping[str, object]

    def __str__(self) -> str:
        return self.message % self.values


def require_transition(current: BatchState, new: BatchState) -> None:
    """Refuse a step that the state machine does not have."""
    if new not in ALLOWED[current]:
        raise IllegalTransitionError(
            N_("批次现在是“%(current)s”，不能直接变为“%(new)s”"),
            current=STATE_LABELS[current],
            new=STATE_LABELS[new],
        )


def blockers(new: BatchState, facts: BatchFacts) -> tuple[Blocker, ...]:
    """Return everything that blocks a step into a state, all at once; empty means that it may be taken."""
    found = (check(facts) for check in _CHECKS.get(new, ()))
    return tuple(blocker for blocker in found if blocker is not None)


def _open_balance(facts: BatchFacts) -> Blocker | None:
    if facts.n_decided == facts.n_registered:
        return None
    values = {"registered": facts.n_registered, "decided": facts.n_decided}
    return Blocker("open_balance", N_("人数不平：登记 %(registered)s 人，各结论合计 %(decided)s 人，请先核对"), values)


def _pending(facts: BatchFacts) -> Blocker | None:
    n_pending = facts.outcomes.get(PassOutcome.PENDING, 0)
    message = N_("还有 %(n)s 名考生的结论待定，请先补齐成绩")
    return Blocker("pending", message, {"n": n_pending}) if n_pending else None


def _publicity_running(facts: BatchFacts) -> Blocker | None:
    if facts.publicity is None:
        return Blocker("no_publicity", N_("结果还没有公示，请先公示"), {})
    if is_over(facts.publicity, facts.today):
        return None
    values = {"date": facts.publicity.ends_on.isoformat()}
    return Blocker("publicity_running", N_("公示期到 %(date)s 结束，结束后才能上报"), values)


def _objections(facts: BatchFacts) -> Blocker | None:
    message = N_("还有 %(n)s 件异议没有处理完，请先处理")
    return Blocker("objections", message, {"n": facts.n_open_objections}) if facts.n_open_objections else None


def _compliance(facts: BatchFacts) -> Blocker | None:
    message = N_("数据合规检查还有 %(n)s 处错误，请先改正")
    return Blocker("compliance", message, {"n": facts.n_compliance_errors}) if facts.n_compliance_errors else None


def _unnumbered(facts: BatchFacts) -> Blocker | None:
    return _count_blocker(
        "unnumbered", N_("合格 %(passed)s 人，已编号 %(n)s 人，请先完成编号"), facts, facts.n_numbered
    )


def _unissued(facts: BatchFacts) -> Blocker | None:
    return _count_blocker("unissued", N_("合格 %(passed)s 人，已发证 %(n)s 人，请先完成发证"), facts, facts.n_issued)


def _count_blocker(code: str, message: str, facts: BatchFacts, n_done: int) -> Blocker | None:
    return None if n_done == facts.n_passed else Blocker(code, message, {"passed": facts.n_passed, "n": n_done})


_CHECKS: Mapping[BatchState, tuple[Callable[[BatchFacts], Blocker | None], ...]] = {
    BatchState.DECIDED: (_open_balance,),
    BatchState.PUBLICITY: (_open_balance, _pending),
    BatchState.ROSTER_SUBMITTED: (_open_balance, _pending, _publicity_running, _objections, _compliance),
    BatchState.RESUBMITTED: (
        _open_balance,
        _objections,
        _compliance,
    ),  # who passes only now waits for a late certificate
    BatchState.APPROVED: (_open_balance,),
    BatchState.NUMBERED: (_unnumbered,),
    BatchState.ISSUED: (_unnumbered, _unissued, _compliance),
    BatchState.ARCHIVED: (_open_balance, _pending, _unissued),
}
