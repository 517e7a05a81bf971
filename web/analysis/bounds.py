"""Bounds from which a figure is flagged: the organisation's own, or the usual ones where nobody set any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from kernel.i18n import N_
from kernel.profiles import RuleKey, declare


@dataclass(frozen=True, slots=True)
class Bounds:
    """When a figure asks for a look.

    Attributes
    ----------
    few : int
        Fewer answers than this say too little: figures are given with a warning and flag nothing but the key.
    very_easy, very_hard : float
        Facility from which, and up to which, an item is flagged.
    low_discrimination : float
        Item-rest correlation below which an item is flagged.
    low_reliability : float
        Alpha below which the test is flagged.
    many_percent : int
        Percentage of candidates that left out, or did not reach, an item, above which it is flagged.
    """

    few: int = 30
    very_easy: float = 0.95
    very_hard: float = 0.2
    low_discrimination: float = 0.15
    low_reliability: float = 0.7
    many_percent: int = 10

    @property
    def many(self) -> float:
        """The percentage as a share."""
        return self.many_percent / 100

    def as_json(self) -> dict[str, Any]:
        """Return the bounds by name, to be kept with the report they judged."""
        return asdict(self)


USUAL = Bounds()
PREFIX = "analysis."

declare(
    RuleKey(PREFIX + "few", USUAL.few, N_("统计：少于多少人作答时，指标只供参考"), minimum=5, maximum=1000),
    RuleKey(PREFIX + "very_easy", USUAL.very_easy, N_("统计：得分率达到多少提示“很易”"), minimum=0.5, maximum=1),
    RuleKey(PREFIX + "very_hard", USUAL.very_hard, N_("统计：得分率不高于多少提示“很难”"), minimum=0, maximum=0.5),
    RuleKey(
        PREFIX + "low_discrimination", USUAL.low_discrimination, N_("统计：题总相关低于多少提示区分度低"),
        minimum=0, maximum=0.5,
    ),
    RuleKey(
        PREFIX + "low_reliability", USUAL.low_reliability, N_("统计：信度低于多少提示误判较多"), minimum=0, maximum=0.95
    ),
    RuleKey(
        PREFIX + "many_percent", USUAL.many_percent, N_("统计：未作答或没做到的人超过百分之几时提示"), minimum=1, maximum=100
    ),
)  # fmt: skip


def bounds_of(values: Mapping[str, Any]) -> Bounds:
    """Return the bounds that a rule profile sets.

    Examples
    --------
    >>> bounds_of({"analysis.few": 50, "exam.other": 1}).few
    50
    """
    named = {name: values[PREFIX + name] for name in USUAL.as_json() if PREFIX + name in values}
    return Bounds(**named)
