"""What a batch asks of its forms: one blueprint for all, and whether a form may be sat again at another time."""

from __future__ import annotations

from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

ONE_BLUEPRINT = "exam.forms_of_one_blueprint"
SAME_FORM_AGAIN = "exam.same_form_again"
AGAIN_FREE, AGAIN_HINT, AGAIN_REFUSED = N_("不检查"), N_("提醒"), N_("不允许")

declare(
    RuleKey(ONE_BLUEPRINT, True, N_("一个批次的试卷须出自同一组卷方案（平行卷）")),
    RuleKey(
        SAME_FORM_AGAIN,
        AGAIN_HINT,
        N_("同一份试卷用于不同时间的场次时"),
        choices=(AGAIN_FREE, AGAIN_HINT, AGAIN_REFUSED),
    ),
)
