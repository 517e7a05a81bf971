"""Count in working days of the official Chinese calendar: public holidays and the working weekends that pay for them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from chinese_calendar import is_workday
from chinese_calendar.constants import holidays

from kernel.errors import InvalidInputError
from kernel.i18n import N_

FIRST_KNOWN_YEAR = min(day.year for day in holidays)
LAST_KNOWN_YEAR = max(day.year for day in holidays if day.month > 2)  # New Year of the next year may be listed early
MAX_SPAN_DAYS = 3_660
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class WorkingDate:
    """A date reached by counting; `is_certain` is False where a year's holidays were not announced yet."""

    date: dt.date
    is_certain: bool = True

    @property
    def caution(self) -> str | None:
        """The Chinese remark to show beside a date that is not certain."""
        return None if self.is_certain else CALENDAR_UNKNOWN


@dataclass(frozen=True, slots=True)
class WorkingDayCount:
    """A number of working days; `is_certain` as in `WorkingDate`."""

    n_days: int
    is_certain: bool = True


CALENDAR_UNKNOWN = N_("该年度的放假安排尚未公布，暂按周一至周五计算，公布后请核对")


def is_calendar_known(date: dt.date) -> bool:
    """Say whether the official holidays of this date's year are known."""
    return bool(FIRST_KNOWN_YEAR <= date.year <= LAST_KNOWN_YEAR)


def is_working_day(date: dt.date) -> bool:
    """Say whether people work on this date; outside the known years Monday to Friday are working days."""
    if is_calendar_known(date):
        return bool(is_workday(date))
    return date.weekday() < _SATURDAY


def add_working_days(start: dt.date, n_days: int) -> WorkingDate:
    """Return the nth working day after `start` (before it when negative); 0 gives `start` itself.

    The first day counted is the next working day, as periods in official notices are counted.
    """
    _refuse_span(abs(n_days) * 2)
    step = dt.timedelta(days=1 if n_days >= 0 else -1)
    date, is_certain = start, is_calendar_known(start)
    remaining = abs(n_days)
    while remaining:
        date += step
        is_certain = is_certain and is_calendar_known(date)
        remaining -= is_working_day(date)
    return WorkingDate(date, is_certain)


def working_days_between(start: dt.date, end: dt.date) -> WorkingDayCount:
    """Count the working days after `start` up to and with `end`; negative when `end` comes first."""
    if end < start:
        backward = working_days_between(end, start)
        return WorkingDayCount(-backward.n_days, backward.is_certain)
    _refuse_span((end - start).days)
    days = list(_days_after(start, end))
    return WorkingDayCount(sum(map(is_working_day, days)), all(map(is_calendar_known, [start, *days])))


def _days_after(start: dt.date, end: dt.date) -> Iterator[dt.date]:
    return (start + dt.timedelta(days=i) for i in range(1, (end - start).days + 1))


def _refuse_span(n_days: int) -> None:
    if n_days > MAX_SPAN_DAYS:
        raise InvalidInputError(N_("工作日跨度过长，请核对日期（最多约十年）"))
