"""When a figure of an item says enough to steer assembly."""

from __future__ import annotations

from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

LEAST_ANSWERS = RuleKey(
    "qbank.statistics.least_answers",
    30,
    N_("试题的通过率满多少人作答后用于组卷"),
    N_("同一版本试题各场次人数之和；不足时按没有通过率处理"),
    minimum=1,
    maximum=10000,
)
declare(LEAST_ANSWERS)
