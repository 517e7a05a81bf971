"""How long a session stays open after its end, so that time can still be given to those whom the clock collected."""

from __future__ import annotations

from datetime import datetime, timedelta

from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

CLOSE_AFTER_MINUTES = "exam.close_after_minutes"

declare(
    RuleKey(CLOSE_AFTER_MINUTES, 15, N_("有人被到时收卷或强制收卷时，场次结束后多少分钟才关闭"), minimum=0, maximum=240)
)


def may_close(ends_at: datetime, at: datetime, minutes: int, *, was_collected: bool) -> bool:
    """Say whether the clock may close a session past its end; at once where everybody handed in by themselves."""
    return not was_collected or at >= ends_at + timedelta(minutes=minutes)
