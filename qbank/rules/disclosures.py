"""Laws of secrecy before release: how many items with their keys a person may see in a day."""

from __future__ import annotations

from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

QUOTA_KEY = "qbank.disclosure.daily_quota"
WAYS = {
    "page": N_("试题页面"),
    "drawer": N_("快速查看"),
    "review": N_("审题台"),
    "editor": N_("编辑"),
    "difference": N_("版本比较"),
    "api": N_("接口"),
}

declare(
    RuleKey(
        QUOTA_KEY,
        default=500,
        label=N_("每人每天最多查看多少道未公开试题的答案（0 为不限）"),
        basis=N_("试题保密要求"),
        minimum=0,
        maximum=100_000,
    )
)
