"""满意度调查: its questions, its rules, and what the answers of a batch come to. Pure.

The documents give the goal alone (鲁人社函〔2024〕48号: 服务对象满意度达到 90% 以上) and the matters to ask about (实施评价、提供服务、公示结果);
they give no form. The questions here are ours. A wording that changes becomes a new set under a new name: a survey keeps the
set with which it was opened.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from certification.rules.batch_states import BatchState
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

DAYS_OPEN = "certification.survey_days"
TARGET = "certification.survey_target"
SMALLEST = "certification.survey_smallest"
LONGEST_COMMENT = 500
MOST_DAYS = 366
OVERALL = "overall"
CURRENT_SET = "2026-11"

declare(
    RuleKey(DAYS_OPEN, 30, N_("满意度调查开放天数"), "15–60", minimum=1, maximum=MOST_DAYS),
    RuleKey(
        TARGET,
        90,
        N_("满意度目标（百分数，0 为不要求开展调查）"),
        N_("鲁人社函〔2024〕48号：90"),
        minimum=0,
        maximum=100,
    ),
    RuleKey(SMALLEST, 5, N_("满意度调查中答卷少于此数的不显示结果"), "5–10", minimum=1, maximum=100),
)


class Grade(enum.IntEnum):
    """How satisfied somebody is; the best first."""

    VERY_SATISFIED = 5
    SATISFIED = 4
    MIDDLING = 3
    DISSATISFIED = 2
    VERY_DISSATISFIED = 1


GRADE_LABELS: Mapping[Grade, str] = {
    Grade.VERY_SATISFIED: N_("很满意"),
    Grade.SATISFIED: N_("满意"),
    Grade.MIDDLING: N_("一般"),
    Grade.DISSATISFIED: N_("不满意"),
    Grade.VERY_DISSATISFIED: N_("很不满意"),
}
N_SATISFIED_GRADES = 2
"""The grades that count as satisfied are the first two."""
ASPECT_SETS: Mapping[str, Mapping[str, str]] = {
    CURRENT_SET: {
        "registration": N_("报名和资格审核"),
        "notice": N_("考试通知和信息告知"),
        "organisation": N_("考试组织和考场条件"),
        "fairness": N_("考试和评分公平公正"),
        "service": N_("工作人员的服务"),
        "results": N_("成绩、公示和证书及时"),
        OVERALL: N_("总体评价"),
    }
}
SURVEY_STATES = frozenset(BatchState) - {BatchState.RECEIVED, BatchState.CHECKED, BatchState.DECIDED}
"""States from the publicity on: before, nobody can judge how results were told."""


class SurveyState(enum.StrEnum):
    """Where a survey stands on a day."""

    PLANNED = "planned"
    OPEN = "open"
    CLOSED = "closed"


SURVEY_STATE_LABELS: Mapping[SurveyState, str] = {
    SurveyState.PLANNED: N_("未开始"),
    SurveyState.OPEN: N_("进行中"),
    SurveyState.CLOSED: N_("已结束"),
}


def state_on(day: dt.date, opens_on: dt.date, closes_on: dt.date, *, is_closed: bool) -> SurveyState:
    """Return where a survey stands; the last day belongs to it.

    Examples
    --------
    >>> days = dt.date(2026, 11, 2), dt.date(2026, 11, 9)
    >>> [state_on(dt.date(2026, 11, day), *days, is_closed=False).value for day in (1, 2, 9, 10)]
    ['planned', 'open', 'open', 'closed']
    """
    if is_closed or day > closes_on:
        return SurveyState.CLOSED
    return SurveyState.OPEN if day >= opens_on else SurveyState.PLANNED


@dataclass(frozen=True, slots=True)
class AspectTally:
    """The answers to one question by grade, the best first; withheld where there are too few of them."""

    code: str
    label: str
    counts: tuple[int, ...]
    smallest: int

    @property
    def n(self) -> int:
        """How many answered."""
        return sum(self.counts)

    @property
    def n_satisfied(self) -> int:
        """How many are satisfied or very satisfied."""
        return sum(self.counts[:N_SATISFIED_GRADES])

    @property
    def is_withheld(self) -> bool:
        """Whether there are too few answers to show what they are."""
        return self.n < self.smallest

    @property
    def share(self) -> str:
        """The share of the satisfied as people read it."""
        return percent(self.n_satisfied, self.n)

    def meets(self, target: int) -> bool:
        """Say whether the share reaches a target in per cent, compared exactly."""
        return self.n_satisfied * 100 >= target * self.n


def percent(part: int, whole: int) -> str:
    """Return a share with one decimal, cut off and not rounded, so that what misses a target never looks as if it met it.

    Examples
    --------
    >>> percent(8999, 10000), percent(9, 10), percent(1, 3), percent(0, 0)
    ('89.9%', '90.0%', '33.3%', '—')
    """
    if not whole:
        return "—"
    tenths = 1000 * part // whole
    return f"{tenths // 10}.{tenths % 10}%"


def counts_online(n_online: int, smallest: int) -> bool:
    """Say whether answers given on line may be counted: few of them could be told from the sum by taking the hand count away."""
    return n_online >= smallest


def tally(
    aspect_set: str, online: Sequence[Mapping[str, int]], by_hand: Mapping[str, Sequence[int]], smallest: int
) -> tuple[AspectTally, ...]:
    """Return what the answers come to, those on line and the counted paper forms together.

    Parameters
    ----------
    aspect_set
        Name of the set of questions.
    online
        Each person's grades by question, numbers as in `Grade`.
    by_hand
        Counts by question, the best grade first; empty without paper forms.
    smallest
        The least number of answers that is shown.

    Examples
    --------
    >>> found = tally(CURRENT_SET, [{"overall": 5}] * 4 + [{"overall": 2}], {"overall": [1, 2, 0, 1, 0]}, 5)
    >>> found[-1].counts, found[-1].share, found[-1].meets(90), found[0].is_withheld
    ((5, 2, 0, 2, 0), '77.7%', False, True)
    """
    counted = online if counts_online(len(online), smallest) else []
    lines = []
    for code, label in ASPECT_SETS[aspect_set].items():
        own = [sum(one.get(code) == grade for one in counted) for grade in Grade]
        added = by_hand.get(code) or [0] * len(Grade)
        counts = tuple(first + second for first, second in zip(own, added, strict=True))
        lines.append(AspectTally(code, label, counts, smallest))
    return tuple(lines)


def overall(lines: Sequence[AspectTally]) -> AspectTally | None:
    """Return the overall question, by which a batch is held against its target; none where it is withheld."""
    found = next(one for one in lines if one.code == OVERALL)
    return None if found.is_withheld else found
