"""By when a batch should leave each state, in working days of the rule profile. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from certification.rules.batch_states import BatchState
from certification.rules.publicity import PublicityPeriod, is_over
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare
from kernel.working_days import add_working_days, working_days_between

MOST_DAYS = 250
_OWN = N_("由本机构规定")
_DAYS: Mapping[BatchState, tuple[int, str]] = {
    BatchState.RECEIVED: (5, N_("收到成绩后几个工作日内核对（0 为不限）")),
    BatchState.CHECKED: (10, N_("核对后几个工作日内补齐成绩并判定（0 为不限）")),
    BatchState.DECIDED: (5, N_("判定后几个工作日内公示（0 为不限）")),
    BatchState.PUBLICITY: (5, N_("公示结束后几个工作日内上报名册（0 为不限）")),
    BatchState.ROSTER_SUBMITTED: (10, N_("名册上报后几个工作日内应有审核结果（0 为不限）")),
    BatchState.RETURNED: (5, N_("名册退回后几个工作日内重报（0 为不限）")),
    BatchState.RESUBMITTED: (10, N_("名册重报后几个工作日内应有审核结果（0 为不限）")),
    BatchState.APPROVED: (5, N_("核准后几个工作日内编号（0 为不限）")),
    BatchState.NUMBERED: (5, N_("编号后几个工作日内签发（0 为不限）")),
    BatchState.ISSUED: (20, N_("签发后几个工作日内归档（0 为不限）")),
}


def key_of(state: BatchState) -> str:
    """Return the rule key of a state's days."""
    return f"certification.days_{state.value}"


declare(
    *(RuleKey(key_of(state), days, label, _OWN, minimum=0, maximum=MOST_DAYS) for state, (days, label) in _DAYS.items())
)


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last day of a state; `n_left` counts working days to it and is negative once it has passed."""

    date: dt.date
    n_left: int
    is_certain: bool = True

    @property
    def is_overdue(self) -> bool:
        """Whether the day has passed."""
        return self.n_left < 0


def deadline_of(
    state: BatchState, since: dt.date, publicity: PublicityPeriod | None, values: Mapping[str, Any], today: dt.date
) -> Deadline | None:
    """Return by when a batch should leave its state, None where no days are set or results are still public.

    Examples
    --------
    >>> values = {key_of(BatchState.DECIDED): 5, key_of(BatchState.PUBLICITY): 0}
    >>> monday = dt.date(2026, 11, 2)
    >>> deadline_of(BatchState.DECIDED, monday, None, values, dt.date(2026, 11, 11))
    Deadline(date=datetime.date(2026, 11, 9), n_left=-2, is_certain=True)
    >>> deadline_of(BatchState.PUBLICITY, monday, None, values, monday) is None
    True
    """
    n_days = int(values[key_of(state)]) if state in _DAYS else 0
    if not n_days:
        return None
    if state is BatchState.PUBLICITY:
        if publicity is None or not is_over(publicity, today):
            return None
        since = publicity.ends_on
    last = add_working_days(since, n_days)
    left = working_days_between(today, last.date)
    return Deadline(last.date, left.n_days, last.is_certain and left.is_certain)
