"""When a room looks cut off: so many of its working pages are silent that it is hardly their own doing."""

from __future__ import annotations

from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

OUTAGE_PERCENT = "exam.outage_percent"
FEWEST = 2
"""One silent page is a broken computer, never an outage."""

declare(RuleKey(OUTAGE_PERCENT, 20, N_("考场离线考生达到多少百分比时报警"), "", minimum=1, maximum=100))


def is_outage(n_offline: int, n_working: int, percent: int) -> bool:
    """Say whether so many of those who write are silent that the room is cut off.

    Examples
    --------
    >>> is_outage(1, 1, 20), is_outage(2, 30, 20), is_outage(6, 30, 20)
    (False, False, True)
    """
    return n_offline >= FEWEST and n_offline * 100 >= percent * n_working
