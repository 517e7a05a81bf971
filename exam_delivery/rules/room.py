"""The room as an invigilator sees it: states of candidates, reasons for acts, what comes first."""

from __future__ import annotations

import enum
from datetime import datetime, timedelta

from kernel.i18n import N_

OFFLINE_AFTER = timedelta(seconds=30)
"""A working page makes contact every 8 seconds; after three that failed the candidate is shown as offline."""
MAX_EXTRA_MINUTES = 240


class SeatState(enum.StrEnum):
    """How a candidate stands, in the order in which an invigilator wants to see them: problems first."""

    OFFLINE = "offline"
    UNPREPARED = "unprepared"
    NOT_ARRIVED = "not_arrived"
    SIGNED_IN = "signed_in"
    WAITING = "waiting"
    WORKING = "working"
    SUBMITTED = "submitted"
    ABSENT = "absent"
    VOID = "void"


SEAT_LABELS: dict[SeatState, str] = {
    SeatState.OFFLINE: N_("离线"),
    SeatState.UNPREPARED: N_("未备卷"),
    SeatState.NOT_ARRIVED: N_("未到"),
    SeatState.SIGNED_IN: N_("已登录"),
    SeatState.WAITING: N_("等候"),
    SeatState.WORKING: N_("作答中"),
    SeatState.SUBMITTED: N_("已交"),
    SeatState.ABSENT: N_("缺考"),
    SeatState.VOID: N_("取消资格"),
}
SEAT_KINDS: dict[SeatState, str] = {
    SeatState.OFFLINE: "danger",
    SeatState.UNPREPARED: "danger",
    SeatState.NOT_ARRIVED: "warning",
    SeatState.SIGNED_IN: "info",
    SeatState.WAITING: "info",
    SeatState.WORKING: "success",
    SeatState.SUBMITTED: "neutral",
    SeatState.ABSENT: "neutral",
    SeatState.VOID: "neutral",
}
RANKS: dict[SeatState, int] = {state: rank for rank, state in enumerate(SeatState)}


class Reason(enum.StrEnum):
    """Why an invigilator acts."""

    DEVICE = "device"
    NETWORK = "network"
    POWER = "power"
    HEALTH = "health"
    ACCOMMODATION = "accommodation"
    IDENTITY = "identity"
    MISCONDUCT = "misconduct"
    MISTAKE = "mistake"
    OTHER = "other"


REASON_LABELS: dict[Reason, str] = {
    Reason.DEVICE: N_("设备故障"),
    Reason.NETWORK: N_("网络中断"),
    Reason.POWER: N_("停电"),
    Reason.HEALTH: N_("身体不适"),
    Reason.ACCOMMODATION: N_("便利安排"),
    Reason.IDENTITY: N_("身份核验"),
    Reason.MISCONDUCT: N_("违纪"),
    Reason.MISTAKE: N_("操作更正"),
    Reason.OTHER: N_("其他"),
}

INCIDENT_LABELS: dict[str, str] = {
    "takeover": N_("换设备登录"),
    "add_time": N_("延时"),
    "force_hand_in": N_("强制收卷"),
    "reopen": N_("撤销收卷"),
    "reset_sign_in": N_("重置登录"),
    "absent": N_("记缺考"),
    "present": N_("撤销缺考"),
    "note": N_("情况记录"),
}


def seat_state(
    *,
    registration_status: str,
    attempt_status: str | None,
    signed_in_at: datetime | None,
    last_contact_at: datetime | None,
    at: datetime,
) -> SeatState:
    """Return how a candidate stands at a moment."""
    if registration_status in {"void", "absent"}:
        return SeatState(registration_status)
    if attempt_status is None:
        return SeatState.UNPREPARED
    if attempt_status == "submitted":
        return SeatState.SUBMITTED
    if attempt_status == "in_progress":
        is_silent = last_contact_at is None or at - last_contact_at > OFFLINE_AFTER
        return SeatState.OFFLINE if is_silent else SeatState.WORKING
    if signed_in_at is None:
        return SeatState.NOT_ARRIVED
    has_called = last_contact_at is not None and last_contact_at > signed_in_at
    return SeatState.WAITING if has_called else SeatState.SIGNED_IN


def extended(deadline: datetime, minutes: int, at: datetime) -> datetime:
    """Return a deadline with more time: never shorter, and never already over when time is given after the end."""
    more = timedelta(minutes=minutes)
    return max(deadline + more, at + more) if deadline <= at else deadline + more
