"""Laws of writing tasks: states and steps, how many items are wanted, and how a gap is spread over difficulties."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from item_templates import registry
from kernel.errors import IllegalTransitionError
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

MAX_LINES = 400
MAX_COUNT = 500
DIFFICULTIES = (1, 2, 3, 4, 5)


class TaskStatus(enum.StrEnum):
    """Where a writing task stands."""

    PLANNED = "planned"
    OPEN = "open"
    DELIVERED = "delivered"
    ACCEPTED = "accepted"
    CANCELLED = "cancelled"


class TaskAct(enum.StrEnum):
    """What can be done with a writing task."""

    PLAN = "plan"
    ISSUE = "issue"
    EXTEND = "extend"
    DELIVER = "deliver"
    RETURN = "return"
    ACCEPT = "accept"
    CANCEL = "cancel"


TASK_LABELS = {
    TaskStatus.PLANNED: N_("待下达"),
    TaskStatus.OPEN: N_("命题中"),
    TaskStatus.DELIVERED: N_("待验收"),
    TaskStatus.ACCEPTED: N_("已验收"),
    TaskStatus.CANCELLED: N_("已取消"),
}
TASK_KINDS = {
    TaskStatus.PLANNED: "neutral",
    TaskStatus.OPEN: "info",
    TaskStatus.DELIVERED: "warning",
    TaskStatus.ACCEPTED: "success",
    TaskStatus.CANCELLED: "neutral",
}
TASK_ACT_LABELS = {
    TaskAct.PLAN: N_("建立"),
    TaskAct.ISSUE: N_("下达"),
    TaskAct.EXTEND: N_("延期"),
    TaskAct.DELIVER: N_("交付"),
    TaskAct.RETURN: N_("退回"),
    TaskAct.ACCEPT: N_("验收"),
    TaskAct.CANCEL: N_("取消"),
}
TASK_STEPS: Mapping[TaskAct, tuple[frozenset[TaskStatus], TaskStatus | None]] = {
    TaskAct.ISSUE: (frozenset({TaskStatus.PLANNED}), TaskStatus.OPEN),
    TaskAct.EXTEND: (frozenset({TaskStatus.OPEN, TaskStatus.DELIVERED}), None),
    TaskAct.DELIVER: (frozenset({TaskStatus.OPEN}), TaskStatus.DELIVERED),
    TaskAct.RETURN: (frozenset({TaskStatus.DELIVERED}), TaskStatus.OPEN),
    TaskAct.ACCEPT: (frozenset({TaskStatus.DELIVERED}), TaskStatus.ACCEPTED),
    TaskAct.CANCEL: (frozenset({TaskStatus.PLANNED, TaskStatus.OPEN, TaskStatus.DELIVERED}), TaskStatus.CANCELLED),
}
"""From which states an act is possible, and where it leads (None: it stays where it is)."""
RUNNING = frozenset({TaskStatus.OPEN, TaskStatus.DELIVERED})


def after(act: TaskAct, status: TaskStatus) -> TaskStatus:
    """Return the state after an act; raises IllegalTransitionError."""
    allowed, target = TASK_STEPS[act]
    if status not in allowed:
        message = N_("命题任务现在是“%(status)s”，不能%(act)s")
        raise IllegalTransitionError(message, status=TASK_LABELS[status], act=TASK_ACT_LABELS[act])
    return target or status


WANTED_KEY = "qbank.writing.wanted"
REMIND_DAYS_KEY = "qbank.writing.remind_days"
SHARES_KEY = "qbank.writing.difficulty_shares"

declare(
    RuleKey(
        WANTED_KEY,
        default="单项选择题=3,多项选择题=1,判断题=2",
        label=N_("每个鉴定点应有的题数（题型=题数，以逗号分隔）"),
        basis=N_("题库建设的数量要求"),
    ),
    RuleKey(
        SHARES_KEY,
        default="15,25,30,20,10",
        label=N_("命题任务的难度比例（易到难，以逗号分隔）"),
        basis=N_("题库难度结构的要求"),
    ),
    RuleKey(REMIND_DAYS_KEY, default=3, label=N_("截止前几天提醒"), minimum=0, maximum=60),
)


def read_wanted(text: str) -> dict[str, int]:
    """Return how many items of each type a profile wants for a point; types may be named by label or name.

    Examples
    --------
    >>> read_wanted("单项选择题=3，true_false=2,谜语=1,x")
    {'single_choice': 3, 'true_false': 2}
    """
    names = {one.label: one.name for one in registry.all_types()} | {one.name: one.name for one in registry.all_types()}
    pairs = [part.partition("=") for part in text.replace("，", ",").replace("＝", "=").split(",")]
    found = {names.get(label.strip(), ""): number.strip() for label, _sign, number in pairs}
    return {name: min(int(number), MAX_COUNT) for name, number in found.items() if name and number.isdecimal()}


def read_shares(text: str) -> tuple[int, ...]:
    """Return the five shares that a profile states; equal shares when it cannot be understood.

    Examples
    --------
    >>> read_shares("15,25，30,20,10"), read_shares("x")
    ((15, 25, 30, 20, 10), (1, 1, 1, 1, 1))
    """
    parts = [part.strip() for part in text.replace("，", ",").split(",")]
    if len(parts) != len(DIFFICULTIES) or not all(part.isdecimal() for part in parts):
        return (1,) * len(DIFFICULTIES)
    shares = tuple(int(part) for part in parts)
    return shares if sum(shares) else (1,) * len(DIFFICULTIES)


def spread(n: int, available: Mapping[int, int], shares: Sequence[int]) -> dict[int, int]:
    """Return how many of `n` new items each difficulty should get, so that all together come near the shares.

    Examples
    --------
    >>> spread(3, {3: 2}, (1, 1, 1, 1, 1))
    {1: 1, 2: 1, 4: 1}
    """
    have = {level: available.get(level, 0) for level in DIFFICULTIES}
    total = sum(shares)
    final = sum(have.values()) + n
    given: dict[int, int] = {}
    for _ in range(n):
        level = max(DIFFICULTIES, key=lambda one: (shares[one - 1] * final / total - have[one], -one))
        have[level] += 1
        given[level] = given.get(level, 0) + 1
    return dict(sorted(given.items()))


@dataclass(frozen=True, slots=True)
class WantedLine:
    """So many items of one type for one point; `point` is the code as people write it, difficulty may be left open."""

    point: str
    type: str
    count: int
    difficulty: int | None = None


def merged(lines: Sequence[WantedLine]) -> list[WantedLine]:
    """Return lines with equal point, type and difficulty put together, in the order of their first appearance."""
    counts: dict[tuple[str, str, int | None], int] = {}
    for line in lines:
        place = (line.point, line.type, line.difficulty)
        counts[place] = counts.get(place, 0) + line.count
    return [WantedLine(point, kind, n, level) for (point, kind, level), n in counts.items() if n > 0]


@dataclass(frozen=True, slots=True)
class Counts:
    """How far the items of a line or task are."""

    n_written: int = 0
    n_submitted: int = 0
    n_accepted: int = 0
    n_returned: int = 0
    n_rejected: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.n_written + other.n_written,
            self.n_submitted + other.n_submitted,
            self.n_accepted + other.n_accepted,
            self.n_returned + other.n_returned,
            self.n_rejected + other.n_rejected,
        )

    @property
    def n_standing(self) -> int:
        """Items that still count for the quota: a rejected one must be written anew."""
        return self.n_written - self.n_rejected

    @property
    def acceptance_percent(self) -> int | None:
        """Of the items that review has finished with, how many it took; None before the first."""
        decided = self.n_accepted + self.n_rejected
        return round(100 * self.n_accepted / decided) if decided else None
