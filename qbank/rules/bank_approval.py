"""Putting a bank into use: proposed by one person, approved by another, on a report that the record keeps."""

from __future__ import annotations

import enum

from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare


class ApprovalState(enum.StrEnum):
    """Where a proposal to put a bank into use stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


class UnapprovedPolicy(enum.StrEnum):
    """What happens when forms are drawn from a bank that nobody approved."""

    REFUSE = "refuse"
    WARN = "warn"
    ALLOW = "allow"


APPROVAL_LABELS = {
    ApprovalState.PROPOSED: N_("待批准"),
    ApprovalState.APPROVED: N_("已批准启用"),
    ApprovalState.RETURNED: N_("已退回"),
    ApprovalState.WITHDRAWN: N_("已撤销启用"),
}
APPROVAL_KINDS = {
    ApprovalState.PROPOSED: "info",
    ApprovalState.APPROVED: "success",
    ApprovalState.RETURNED: "warning",
    ApprovalState.WITHDRAWN: "neutral",
}
UNAPPROVED_BANK = RuleKey(
    "qbank.bank.unapproved",
    UnapprovedPolicy.WARN.value,
    N_("用未经批准启用的题库组卷"),
    choices=tuple(policy.value for policy in UnapprovedPolicy),
)
WANTED_PER_POINT = RuleKey(
    "qbank.bank.wanted_per_point", 4, N_("每个鉴定点应有的入库试题数"), minimum=1, maximum=50
)  # fmt: skip
OLD_AFTER_YEARS = RuleKey(
    "qbank.bank.old_after_years", 5, N_("试题超过多少年未修订算作陈旧"), minimum=1, maximum=30
)  # fmt: skip
declare(UNAPPROVED_BANK, WANTED_PER_POINT, OLD_AFTER_YEARS)
