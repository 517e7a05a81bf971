"""The only reader of time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta, timezone

OFFICIAL_ZONE = timezone(timedelta(hours=8), "CST")
"""Days in notices, plans and rules are counted in China's time wherever the server stands."""
_SHIFT: ContextVar[timedelta] = ContextVar("clock_shift", default=timedelta(0))


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.fromtimestamp(time.time(), tz=UTC) + _SHIFT.get()


def today() -> date:
    """Return the present day on the official calendar."""
    return day_of(now())


def day_of(moment: datetime) -> date:
    """Return the day of a moment on the official calendar: in UTC it begins eight hours too late.

    Examples
    --------
    >>> day_of(datetime(2026, 12, 31, 16, 0, tzinfo=UTC))
    datetime.date(2027, 1, 1)
    """
    return moment.astimezone(OFFICIAL_ZONE).date()


@contextmanager
def shifted(by: timedelta) -> Iterator[None]:
    """Let this context live at another time: the demonstration's past, and tests of what days bring.

    No request and no setting can reach it: it is entered by code alone and ends with its block.
    """
    token = _SHIFT.set(by)
    try:
        yield
    finally:
        _SHIFT.reset(token)


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
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).isoformat(timespec="milliseconds")[:23] + "Z"
