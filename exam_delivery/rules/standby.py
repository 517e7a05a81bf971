"""Standby forms: how many a session must have, why one is given, and who has to agree."""

from __future__ import annotations

import enum

from exam_delivery.rules.states import SessionStatus
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

STANDBY_FORMS = "exam.standby_forms"
SWITCHABLE = frozenset({SessionStatus.PREPARED, SessionStatus.OPEN})

declare(RuleKey(STANDBY_FORMS, 0, N_("每个场次至少要有几份备用卷"), "1", minimum=0, maximum=5))


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
