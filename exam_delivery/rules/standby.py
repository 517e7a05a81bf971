"""Standby forms: how many a session must have, why one is given, who has to agree, and how who has begun begins anew."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from exam_delivery.rules.states import SessionStatus
from kernel.clock import iso
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

STANDBY_FORMS = "exam.standby_forms"
RESTART_WITHIN = "exam.restart_within_minutes"
MAX_MINUTES = 480
TITLE_MARK = "（备用卷，重新开考）"
"""Stands behind the title of the form that somebody begins anew on, so that page, receipt and print name it."""
SWITCHABLE = frozenset({SessionStatus.PREPARED, SessionStatus.OPEN})

declare(RuleKey(STANDBY_FORMS, 0, N_("每个场次至少要有几份备用卷"), "1", minimum=0, maximum=5))
declare(
    RuleKey(
        RESTART_WITHIN, 30, N_("换卷重考：批准后多少分钟内须重新登录并开始（等候不占作答时间）"), "1",
        minimum=5, maximum=240,
    )
)  # fmt: skip


def restart_times(at: datetime, within_minutes: int, seconds: int, factor: Decimal) -> dict[str, Any]:
    """Return the times of a new attempt: who begins within the minutes given has all of the time.

    Examples
    --------
    >>> from datetime import UTC
    >>> times = restart_times(datetime(2026, 1, 1, 9, tzinfo=UTC), 30, 3600, Decimal("1.5"))
    >>> times["duration_seconds"], f"{times['latest_start_at']:%H:%M}", f"{times['ends_at']:%H:%M}"
    (5400, '09:30', '11:00')
    """
    duration = int((seconds * factor).to_integral_value())
    latest = at + timedelta(minutes=within_minutes)
    return {"duration_seconds": duration, "latest_start_at": latest, "ends_at": latest + timedelta(seconds=duration)}


def voided_receipt(receipt: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Return the receipt of a voided attempt: what was received stays proved, and it says that it no longer counts."""
    return {**receipt, "voided_at": iso(at)}


class SwitchReason(enum.StrEnum):
    """Why a standby form is given instead of the planned one."""

    LEAK = "leak"
    MISPRINT = "misprint"
    DAMAGED = "damaged"
    OTHER = "other"


SWITCH_REASON_LABELS: dict[SwitchReason, str] = {
    SwitchReason.LEAK: N_("试卷泄露或疑似泄露"),
    SwitchReason.MISPRINT: N_("试题或素材有误"),
    SwitchReason.DAMAGED: N_("试卷打不开或显示不全"),
    SwitchReason.OTHER: N_("其他原因（请在说明中写明）"),
}


class SwitchState(enum.StrEnum):
    """Where a switch stands: proposed by one person, carried out or refused by another."""

    PROPOSED = "proposed"
    DONE = "done"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


SWITCH_STATE_LABELS: dict[SwitchState, str] = {
    SwitchState.PROPOSED: N_("待批准"),
    SwitchState.DONE: N_("已换卷"),
    SwitchState.REFUSED: N_("不同意"),
    SwitchState.WITHDRAWN: N_("已收回"),
}
SWITCH_STATE_KINDS: dict[SwitchState, str] = {
    SwitchState.PROPOSED: "warning",
    SwitchState.DONE: "success",
    SwitchState.REFUSED: "neutral",
    SwitchState.WITHDRAWN: "neutral",
}
