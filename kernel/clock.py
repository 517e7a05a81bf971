"""The only reader of time."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.fromtimestamp(time.time(), tz=UTC)


def monotonic() -> float:
    """Return seconds on a clock that never steps back; for durations only."""
    return time.monotonic()


def iso(moment: datetime) -> str:
    """Return a moment as ISO 8601 in UTC with milliseconds and ``Z``.

    Examples
    --------
    >>> iso(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    '2026-01-02T03:04:05.000Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
