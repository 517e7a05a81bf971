"""Rule-profile values of equating: whether it may change official scores, from how many candidates on, and the rounding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

APPLIES = "exam.equating_applies"
ROUNDING = "exam.equating_rounding"
LEAST = "exam.equating_least"
LINE = "exam.equating_line"
CURVE = "exam.equating_curve"
ANCHOR_ITEMS = "exam.equating_anchor_items"
ANCHOR_SHARE = "exam.equating_anchor_share"
SAMPLE_CHANGE = "exam.equating_sample_change"

declare(
    RuleKey(
        APPLIES,
        False,
        N_("同一批次各场次用不同试卷时，经两人批准的等值可以改变正式成绩（不选时只作参考，成绩按原始分）"),
    ),
    RuleKey(ROUNDING, "0.1", N_("等值后成绩的取整单位（四舍五入）"), choices=("1", "0.5", "0.1", "0.01")),
    RuleKey(LEAST, 30, N_("等值：每份试卷不足多少人时不换算"), "10–50", minimum=10, maximum=1000),
    RuleKey(LINE, 100, N_("等值：每份试卷至少多少人才用直线法"), "100–400", minimum=30, maximum=5000),
    RuleKey(CURVE, 400, N_("等值：每份试卷至少多少人才用等百分位法"), "400–1500", minimum=100, maximum=20000),
    RuleKey(ANCHOR_ITEMS, 5, N_("等值：至少多少道共同题才作锚题"), "5–20", minimum=3, maximum=100),
    RuleKey(ANCHOR_SHARE, 20, N_("等值：共同题至少占试卷分数的百分之几"), "20", minimum=5, maximum=100),
    RuleKey(
        SAMPLE_CHANGE, 5, N_("等值批准以后，成绩有变动的考生超过百分之几须重新等值"), "0–10", minimum=0, maximum=100
    ),
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """From how many persons on each form a method is offered."""

    least: int = 30
    line: int = 100
    curve: int = 400


@dataclass(frozen=True, slots=True)
class Terms:
    """What the rule profile says about equating."""

    is_official: bool
    unit: Decimal
    sizes: Sizes
    anchor_items: int
    anchor_percent: int
    sample_change: int


def read_terms(values: Mapping[str, Any]) -> Terms:
    """Return the terms of a rule profile."""
    return Terms(
        bool(values[APPLIES]), Decimal(str(values[ROUNDING])), Sizes(values[LEAST], values[LINE], values[CURVE]),
        values[ANCHOR_ITEMS], values[ANCHOR_SHARE], values[SAMPLE_CHANGE],
    )  # fmt: skip
