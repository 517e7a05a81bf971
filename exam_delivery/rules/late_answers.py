"""迟到的答案: answers that reached the server by the network after the end. They are kept, marked, and two people decide about them."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from exam_delivery.rules.merging import ALL_LATE, GivenAnswer, Known, Number, Verdict, judge
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

LATE_ANSWER_RULE = "exam.late_answer_rule"


class LateAnswerRule(enum.StrEnum):
    """What happens to them.

    None counts by the clock of the candidate's computer, for nobody knows how that clock went; how late the network may be at most
    says another value (`exam.grace_seconds`).
    """

    DECIDE = N_("逐案裁定")
    NEVER = N_("一律不计入")


declare(
    RuleKey(
        LATE_ANSWER_RULE,
        LateAnswerRule.DECIDE.value,
        N_("考试结束后才经网络到达的答案"),
        choices=tuple(one.value for one in LateAnswerRule),
    )
)


class LateState(enum.StrEnum):
    """Where a proposal about late answers stands."""

    PROPOSED = "proposed"
    COUNTED = "counted"
    LEFT_OUT = "left_out"
    DECLINED = "declined"


class Standing(enum.StrEnum):
    """Where one late answer stands, in the order in which people want to see them: what waits comes first."""

    OPEN = "open"
    PROPOSED = "proposed"
    COUNTED = "counted"
    LEFT_OUT = "left_out"
    BY_RULE = "by_rule"
    SETTLED = "settled"


UNDECIDED = frozenset({Standing.OPEN, Standing.PROPOSED})
STATE_LABELS: dict[LateState, str] = {
    LateState.PROPOSED: N_("待另一人确认"),
    LateState.COUNTED: N_("已计入"),
    LateState.LEFT_OUT: N_("不计入"),
    LateState.DECLINED: N_("已驳回"),
}
STANDING_LABELS: dict[Standing, str] = {
    Standing.OPEN: N_("迟到，待裁定"),
    Standing.PROPOSED: N_("待另一人确认"),
    Standing.COUNTED: N_("已计入"),
    Standing.LEFT_OUT: N_("不计入"),
    Standing.BY_RULE: N_("按规则不计入"),
    Standing.SETTLED: N_("服务器已有同样或更新的答案"),
}
DECIDED: dict[LateState, Standing] = {
    LateState.PROPOSED: Standing.PROPOSED,
    LateState.COUNTED: Standing.COUNTED,
    LateState.LEFT_OUT: Standing.LEFT_OUT,
}
"""A proposal that was declined leaves its answers as they were."""


@dataclass(frozen=True, slots=True)
class LateAnswer:
    """A late answer as it is kept."""

    answer: GivenAnswer
    received_at: datetime


def standings(
    answers: Sequence[GivenAnswer], known: Mapping[int, Known], decided: Mapping[Number, Standing], *, rule: str
) -> dict[Number, Standing]:
    """Return where each late answer of an attempt stands.

    Examples
    --------
    >>> late = [GivenAnswer(1, 4, '["b"]', "", None, 1), GivenAnswer(2, 5, '["c"]', "", None, 1)]
    >>> found = standings(late, {1: Known(4, 1, '["b"]')}, {}, rule="逐案裁定")
    >>> [found[1, 4].value, found[2, 5].value]
    ['settled', 'open']
    """
    waiting = Standing.BY_RULE if rule == LateAnswerRule.NEVER else Standing.OPEN
    return {
        answer.number: decided.get(answer.number) or (waiting if verdict is Verdict.LATE else Standing.SETTLED)
        for answer, verdict in judge(answers, known, until=ALL_LATE)
    }


def seconds_after(received_at: datetime, deadline: datetime | None, ended_at: datetime | None) -> int:
    """Return how long after the end an answer arrived; the end is the deadline, or the hand-in that came before it.

    Examples
    --------
    >>> from datetime import UTC
    >>> nine, ten = datetime(2026, 1, 1, 9, tzinfo=UTC), datetime(2026, 1, 1, 10, tzinfo=UTC)
    >>> seconds_after(ten, ten, nine), seconds_after(ten, None, None)
    (3600, 0)
    """
    ends = [moment for moment in (deadline, ended_at) if moment]
    return max(0, int((received_at - min(ends)).total_seconds())) if ends else 0
