"""Opening attempts again after a session was closed: until when, and who has to agree."""

from __future__ import annotations

import enum

from exam_delivery.rules.states import SessionStatus
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

REOPEN_NEEDS_TWO = "exam.reopen_needs_two"
REOPENABLE = frozenset({SessionStatus.CLOSED, SessionStatus.SCORED})
"""After a release people know their results: from then on there is the score check, and another sitting."""

declare(RuleKey(REOPEN_NEEDS_TWO, True, N_("场次结束以后重新开放作答须由两人同意"), "1"))


class ReopeningState(enum.StrEnum):
    """Where a reopening stands."""

    PROPOSED = "proposed"
    DONE = "done"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


REOPENING_LABELS: dict[ReopeningState, str] = {
    ReopeningState.PROPOSED: N_("待批准"),
    ReopeningState.DONE: N_("已重新开放"),
    ReopeningState.REFUSED: N_("不同意"),
    ReopeningState.WITHDRAWN: N_("已收回"),
}
REOPENING_KINDS: dict[ReopeningState, str] = {
    ReopeningState.PROPOSED: "warning",
    ReopeningState.DONE: "success",
    ReopeningState.REFUSED: "neutral",
    ReopeningState.WITHDRAWN: "neutral",
}
