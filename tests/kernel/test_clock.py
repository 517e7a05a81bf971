"""The clock: days are those of China wherever the server stands."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from kernel.clock import OFFICIAL_ZONE, day_of, today


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC), date(2026, 12, 31)),
        (datetime(2026, 12, 31, 16, 0, tzinfo=UTC), date(2027, 1, 1)),
        (datetime(2028, 2, 28, 16, 0, tzinfo=UTC), date(2028, 2, 29)),
        (datetime(2027, 1, 1, 0, 30, tzinfo=OFFICIAL_ZONE), date(2027, 1, 1)),
    ],
)
def test_a_day_begins_at_midnight_in_china(moment: datetime, day: date) -> None:
    assert day_of(moment) == day
    with time_machine.travel(moment, tick=False):
        assert today() == day
        assert day_of(moment - timedelta(days=1)) == day - timedelta(days=1)
