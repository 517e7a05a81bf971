"""The room as an invigilator sees it: states of candidates, reasons for acts, what comes first."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from kernel.i18n import N_

OFFLINE_AFTER = timedelta(seconds=30)
"""A working page makes contact every 8 seconds; after three that failed the candidate is shown as offline."""
MAX_EXTRA_MINUTES = 240
NUMBERS = re.compile(r"(\d+)")


class SeatState(enum.StrEnum):
    """How a candidate stands, in the order in which an invigilator wants to see them: problems first."""

    LOCKED = "locked"
    OFFLINE = "offline"
    LEFT_PAGE = "left_page"
    PAUSED = "paused"
    UNPREPARED = "unprepared"
    AT_DOOR = "at_door"
    REFUSED = "refused"
    NOT_ARRIVED = "not_arrived"
    CHECKED_IN = "checked_in"
    SIGNED_IN = "signed_in"
    WAITING = "waiting"
    WORKING = "working"
    SUBMITTED = "submitted"
    ABSENT = "absent"
    VOID = "void"


SEAT_LABELS: dict[SeatState, str] = {
    SeatState.LOCKED: N_("已锁定"),
    SeatState.OFFLINE: N_("离线"),
    SeatState.LEFT_PAGE: N_("离开页面"),
    SeatState.PAUSED: N_("已暂停"),
    SeatState.UNPREPARED: N_("未备卷"),
    SeatState.AT_DOOR: N_("等核验入场"),
    SeatState.REFUSED: N_("未准入场"),
    SeatState.NOT_ARRIVED: N_("未到"),
    SeatState.CHECKED_IN: N_("已核验入场"),
    SeatState.SIGNED_IN: N_("已登录"),
    SeatState.WAITING: N_("等候"),
    SeatState.WORKING: N_("作答中"),
    SeatState.SUBMITTED: N_("已交"),
    SeatState.ABSENT: N_("缺考"),
    SeatState.VOID: N_("取消资格"),
}
SEAT_KINDS: dict[SeatState, str] = {
    SeatState.LOCKED: "danger",
    SeatState.OFFLINE: "danger",
    SeatState.LEFT_PAGE: "warning",
    SeatState.PAUSED: "warning",
    SeatState.UNPREPARED: "danger",
    SeatState.AT_DOOR: "warning",
    SeatState.REFUSED: "danger",
    SeatState.NOT_ARRIVED: "warning",
    SeatState.CHECKED_IN: "info",
    SeatState.SIGNED_IN: "info",
    SeatState.WAITING: "info",
    SeatState.WORKING: "success",
    SeatState.SUBMITTED: "neutral",
    SeatState.ABSENT: "neutral",
    SeatState.VOID: "neutral",
}
RANKS: dict[SeatState, int] = {state: rank for rank, state in enumerate(SeatState)}
LAST_ISSUE = RANKS[SeatState.AT_DOOR]
"""Up to this rank somebody waits for an invigilator: counted, signalled and shown first."""


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
    NO_SHOW = "no_show"
    REQUEST = "request"
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
    Reason.NO_SHOW: N_("未到场"),
    Reason.REQUEST: N_("考生要求交卷"),
    Reason.OTHER: N_("其他"),
}

INCIDENT_LABELS: dict[str, str] = {
    "takeover": N_("换设备登录"),
    "takeover_refused": N_("换设备登录未放行"),
    "add_time": N_("延时"),
    "force_hand_in": N_("强制收卷"),
    "reopen": N_("撤销收卷"),
    "reset_sign_in": N_("重置登录"),
    "absent": N_("记缺考"),
    "present": N_("撤销缺考"),
    "note": N_("情况记录"),
    "rescue": N_("导入应急文件"),
    "late_answers": N_("迟到的答案"),
    "leave": N_("离开考试页面"),
    "check_in": N_("准许入场"),
    "undo_check_in": N_("撤销入场核验"),
    "no_door_photo": N_("未拍入场照片"),
    "refuse": N_("不准入场"),
    "pause": N_("暂停"),
    "resume": N_("恢复"),
    "lock": N_("锁定"),
    "unlock": N_("解锁"),
    "move": N_("换座位"),
    "swap_device": N_("换机器"),
    "form_switch": N_("换用备用卷"),
    "void": N_("作答作废"),
    "restart": N_("换卷重考"),
    "device": N_("设备故障"),
    "network": N_("网络中断"),
    "power": N_("停电"),
    "health": N_("身体不适"),
    "order": N_("秩序问题"),
    "identity": N_("身份核验"),
    "items": N_("试题问题"),
    "misconduct": N_("违纪"),
    "sign_off": N_("考场签字"),
}


INCIDENT_KINDS = ("note", "device", "network", "power", "health", "order", "identity", "items", "misconduct")
"""What an invigilator may choose; the other labels are of acts and of the system."""


@dataclass(frozen=True, slots=True)
class SeatFacts:
    """What the state of a seat depends on."""

    registration_status: str
    attempt_status: str | None
    signed_in_at: datetime | None = None
    last_contact_at: datetime | None = None
    checked_in_at: datetime | None = None
    refused_at: datetime | None = None
    paused_at: datetime | None = None
    locked_at: datetime | None = None
    is_away: bool = False


def seat_state(facts: SeatFacts, at: datetime) -> SeatState:
    """Return how a candidate stands at a moment."""
    if facts.registration_status in {"void", "absent"}:
        return SeatState(facts.registration_status)
    if facts.attempt_status is None:
        return SeatState.UNPREPARED
    if facts.attempt_status == "submitted":
        return SeatState.SUBMITTED
    return _working_state(facts, at) if facts.attempt_status == "in_progress" else _waiting_state(facts)


def _working_state(facts: SeatFacts, at: datetime) -> SeatState:
    if facts.locked_at:
        return SeatState.LOCKED
    if facts.paused_at:
        return SeatState.PAUSED
    is_silent = facts.last_contact_at is None or at - facts.last_contact_at > OFFLINE_AFTER
    if is_silent:
        return SeatState.OFFLINE
    return SeatState.LEFT_PAGE if facts.is_away else SeatState.WORKING


def _waiting_state(facts: SeatFacts) -> SeatState:
    if facts.refused_at:
        return SeatState.REFUSED
    if facts.checked_in_at and facts.signed_in_at is None:
        return SeatState.CHECKED_IN
    if facts.signed_in_at is None:
        return SeatState.AT_DOOR if facts.last_contact_at else SeatState.NOT_ARRIVED
    has_called = facts.last_contact_at is not None and facts.last_contact_at > facts.signed_in_at
    return SeatState.WAITING if has_called else SeatState.SIGNED_IN


def natural(name: str) -> tuple[object, ...]:
    """Return what names are sorted by, so that room 2 comes before room 10.

    Examples
    --------
    >>> sorted(["第10考场", "第2考场"], key=natural)
    ['第2考场', '第10考场']
    """
    return tuple(int(part) if part.isdecimal() else part for part in NUMBERS.split(name))


def extended(deadline: datetime, minutes: int, at: datetime) -> datetime:
    """Return a deadline with more time: never shorter, and never already over when time is given after the end."""
    more = timedelta(minutes=minutes)
    return max(deadline + more, at + more) if deadline <= at else deadline + more
