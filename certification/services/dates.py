"""The day on the official calendar; periods in notices are counted in China's time wherever the server stands."""

from __future__ import annotations

import datetime as dt

from kernel.clock import now

OFFICIAL_ZONE = dt.timezone(dt.timedelta(hours=8), "CST")


def today() -> dt.date:
    """Return the present day on the official calendar."""
    return now().astimezone(OFFICIAL_ZONE).date()
