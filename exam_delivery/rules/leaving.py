"""Leaving the exam page: what counts, and what follows."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kernel.i18n import N_

TOOLS: Mapping[str, str] = {"calculator": N_("计算器"), "scratch": N_("草稿纸")}
"""What an exam page may offer beside the items, where the session allows it."""
KINDS: Mapping[str, str] = {
    "hidden": N_("切换页面或最小化"),
    "blurred": N_("切换到其他窗口"),
    "windowed": N_("退出全屏"),
}

MOST_CONSENT_MINUTES = 30
"""No rule asks for consent to handing in earlier than this before the end."""
RETURNED = "returned"
"""The page is back: this event says how long it was away."""


class LeaveAction(enum.StrEnum):
    """What follows when a candidate leaves the exam page."""

    OFF = N_("不管")
    COUNT = N_("只记录")
    WARN = N_("记录并提醒")
    LOCK = N_("记录、提醒，超过次数锁定")


CODES: dict[str, str] = {
    LeaveAction.OFF: "off",
    LeaveAction.COUNT: "count",
    LeaveAction.WARN: "warn",
    LeaveAction.LOCK: "lock",
}


@dataclass(frozen=True, slots=True)
class Conduct:
    """What the page of a candidate enforces and offers; it stands in the rendered form."""

    leave_action: str = "off"
    leave_limit: int = 0
    leave_grace_seconds: int = 2
    full_screen: bool = False
    block_copy: bool = False
    allow_paste: bool = True
    rescue_after_seconds: int = 60
    takeover_consent: bool = False
    consent_seconds: int = 0

    def document(self) -> dict[str, Any]:
        """Return it as the player reads it."""
        return asdict(self)


UNRULED = Conduct()
"""A page that enforces nothing."""


def consent_seconds(minutes: int, duration_seconds: int, earliest_minutes: int) -> int:
    """Return how long before the end handing in needs consent: none in a session that leaves no other time for it.

    Examples
    --------
    >>> consent_seconds(10, 5400, 30), consent_seconds(10, 2400, 30)
    (600, 0)
    """
    return minutes * 60 if duration_seconds > (minutes + earliest_minutes) * 60 else 0


def known_tools(chosen: Sequence[Any]) -> list[str]:
    """Return the tools of a plan that exist, in their order.

    Examples
    --------
    >>> known_tools(["scratch", "dictionary", "calculator"])
    ['calculator', 'scratch']
    """
    return [name for name in TOOLS if name in chosen]


def must_lock(action: str, n_leaves: int, limit: int) -> bool:
    """Say whether an attempt is to be locked after so many leaves.

    Examples
    --------
    >>> [must_lock("lock", n, 2) for n in (2, 3)], must_lock("warn", 9, 2)
    ([False, True], False)
    """
    return action == "lock" and n_leaves > limit
