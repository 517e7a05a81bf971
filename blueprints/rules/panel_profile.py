"""Values of the rule profile about standard setting, and how a cut is rounded."""

from __future__ import annotations

import math

from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

THEORY_MARK = "certification.pass_mark_theory"
"""Where certification keeps the mark at which a candidate passes, of a hundred."""

USUAL_MARK = 60.0

MARK_IS_FIXED = RuleKey(
    "panels.mark_is_fixed", True, N_("合格分由规定确定，专家组的结论只作试卷难度一致的证据"),
    N_("国家职业标准：理论知识考试百分制，成绩达 60 分为合格"),
)  # fmt: skip
STEP = RuleKey("panels.step_percent", 5, N_("专家评定时概率的步进（百分点）"), minimum=1, maximum=25)
LEAST_RATERS = RuleKey(
    "panels.least_raters", 5, N_("专家组少于多少人时提示结论不稳"), N_("同类研究通常 5–15 人"), minimum=1, maximum=50
)
ROUNDING_UNIT = RuleKey("panels.rounding_unit", "1", N_("合格线取整到（分）"), choices=("1", "0.5", "0.1"))
ROUNDING_WAYS = {N_("四舍五入"): "nearest", N_("向上"): "up", N_("向下"): "down"}
ROUNDING_WAY = RuleKey("panels.rounding_way", "四舍五入", N_("合格线取整的方向"), choices=tuple(ROUNDING_WAYS))

declare(MARK_IS_FIXED, STEP, LEAST_RATERS, ROUNDING_UNIT, ROUNDING_WAY)


def rounded_cut(cut: float, unit: str, way: str) -> float:
    """Return a cut rounded by the rule; halves go up, as marks do.

    Examples
    --------
    >>> rounded_cut(61.5, "1", "四舍五入"), rounded_cut(61.2, "0.5", "向上"), rounded_cut(61.9, "1", "向下")
    (62.0, 61.5, 61.0)
    """
    steps = round(cut / float(unit), 9)
    how = ROUNDING_WAYS.get(way, "nearest")
    whole = math.ceil(steps) if how == "up" else math.floor(steps if how == "down" else steps + 0.5)
    return round(whole * float(unit), 6)
