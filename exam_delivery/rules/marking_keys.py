"""Rule-profile values of marking by people; a session's marking plan starts from them."""

from __future__ import annotations

from exam_delivery.rules.marking import DisputeRule, FinalRule, MarkingMethod
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

METHODS = {N_("单评"): MarkingMethod.SINGLE, N_("双评"): MarkingMethod.DOUBLE}
FINAL_RULES = {N_("取平均分"): FinalRule.MEAN, N_("取较高分"): FinalRule.HIGHER}
DISPUTE_RULES = {N_("以第三人评分为准"): DisputeRule.THIRD, N_("第三人与较近一方取平均"): DisputeRule.CLOSEST}

METHOD = RuleKey("marking.method", "单评", N_("人工阅卷默认方式"), choices=tuple(METHODS))
TOLERANCE_SHARE = RuleKey(
    "marking.tolerance_share", 0.1, N_("双评允许分差（占该题满分的比例）"), minimum=0.0, maximum=1.0
)
FINAL_RULE = RuleKey("marking.final_rule", "取平均分", N_("双评在允差内怎样定分"), choices=tuple(FINAL_RULES))
DISPUTE_RULE = RuleKey(
    "marking.dispute_rule", "以第三人评分为准", N_("双评超出允差怎样定分"), choices=tuple(DISPUTE_RULES)
)
PLAN_FIRST = RuleKey("marking.plan_first", default=False, label=N_("保存阅卷安排之后才能开始阅卷"))
CLAIM_MINUTES = RuleKey("marking.claim_minutes", 20, N_("领取一份答案后多少分钟不操作即放回"), minimum=1, maximum=240)
CHANGE_MINUTES = RuleKey("marking.change_minutes", 120, N_("评分后多少分钟内本人可以修改"), minimum=0, maximum=10_080)
STEP = RuleKey("marking.step", "0.5", N_("评分的最小单位（分）"), choices=("1", "0.5", "0.25", "0.1"))
TRAINING_SHARE = RuleKey(
    "marking.training_share", 0.8, N_("培训答案须评准多少（占份数的比例）才能评正式答案"), minimum=0.0, maximum=1.0
)
HIT_SHARE = RuleKey(
    "marking.hit_share", 0.1, N_("与定标分相差多少以内算评准（占该题满分的比例）"), minimum=0.0, maximum=1.0
)
CHECK_EVERY = RuleKey("marking.check_every", 10, N_("每评多少份正式答案混入一份抽查答案"), minimum=1, maximum=1000)
CHECK_WINDOW = RuleKey("marking.check_window", 5, N_("抽查看最近多少份"), minimum=1, maximum=100)
CHECK_MISSES = RuleKey("marking.check_misses", 2, N_("其中多少份不准即暂停该阅卷员"), minimum=1, maximum=100)
LEAST_PAIRS = RuleKey("marking.least_pairs", 10, N_("一致性统计至少要多少份双评答案"), minimum=2, maximum=1000)

declare(METHOD, TOLERANCE_SHARE, FINAL_RULE, DISPUTE_RULE, PLAN_FIRST, CLAIM_MINUTES, CHANGE_MINUTES, STEP)
declare(TRAINING_SHARE, HIT_SHARE, CHECK_EVERY, CHECK_WINDOW, CHECK_MISSES, LEAST_PAIRS)
