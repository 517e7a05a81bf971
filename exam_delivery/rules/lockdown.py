"""Lockdown of a session: which browser it needs, and how somebody is let in without it."""

from __future__ import annotations

import enum

from kernel.i18n import N_


class LockdownMode(enum.StrEnum):
    """What the browser of a candidate must prove."""

    NONE = "none"
    SEB = "seb"


MODE_LABELS: dict[LockdownMode, str] = {
    LockdownMode.NONE: N_("不限浏览器"),
    LockdownMode.SEB: N_("必须使用安全考试浏览器（SEB）"),
}


class ExemptionReason(enum.StrEnum):
    """Why somebody may sit without the lockdown."""

    NO_VERSION = "no_version"
    DEVICE = "device"
    ACCESSIBILITY = "accessibility"
    UPDATE = "update"
    NETWORK = "network"
    OTHER = "other"


EXEMPTION_REASON_LABELS: dict[ExemptionReason, str] = {
    ExemptionReason.NO_VERSION: N_("这种系统没有安全考试浏览器"),
    ExemptionReason.DEVICE: N_("本机的安全考试浏览器无法启动"),
    ExemptionReason.ACCESSIBILITY: N_("需要使用辅助软件"),
    ExemptionReason.UPDATE: N_("版本或密钥不符，来不及更换"),
    ExemptionReason.NETWORK: N_("取不到配置文件"),
    ExemptionReason.OTHER: N_("其他原因（请在说明中写明）"),
}


class ExemptionState(enum.StrEnum):
    """Where an exemption stands; it holds while it is approved."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


EXEMPTION_STATE_LABELS: dict[ExemptionState, str] = {
    ExemptionState.PROPOSED: N_("待批准"),
    ExemptionState.APPROVED: N_("已豁免"),
    ExemptionState.REFUSED: N_("不同意"),
    ExemptionState.WITHDRAWN: N_("已收回"),
}
EXEMPTION_STATE_KINDS: dict[ExemptionState, str] = {
    ExemptionState.PROPOSED: "warning",
    ExemptionState.APPROVED: "success",
    ExemptionState.REFUSED: "neutral",
    ExemptionState.WITHDRAWN: "neutral",
}
EXEMPTION_STEPS: dict[ExemptionState, frozenset[ExemptionState]] = {
    ExemptionState.PROPOSED: frozenset({ExemptionState.APPROVED, ExemptionState.REFUSED, ExemptionState.WITHDRAWN}),
    ExemptionState.APPROVED: frozenset({ExemptionState.WITHDRAWN}),
    ExemptionState.REFUSED: frozenset(),
    ExemptionState.WITHDRAWN: frozenset(),
}
