"""The period in which results are shown to the public (公示), counted in working days."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.working_days import add_working_days, working_days_between

MAX_PUBLICITY_DAYS = 60


@dataclass(frozen=True, slots=True)
class PublicityPeriod:
    """From the day of publication to the end of the last working day; `is_certain` as in kernel.working_days."""

    starts_on: dt.date
    ends_on: dt.date
    n_working_days: int
    is_certain: bool = True


def publicity_period(starts_on: dt.date, *, n_working_days: int) -> PublicityPeriod:
    """Return the period; the day of publication itself is not counted.

    Raises
    ------
    InvalidInputError
        If the number of working days is not between 1 and 60.
    """
    if not 1 <= n_working_days <= MAX_PUBLICITY_DAYS:
        raise InvalidInputError(N_("公示期应为 1 至 60 个工作日，现在是 %(n)s"), n=n_working_days)
    end = add_working_days(starts_on, n_working_days)
    return PublicityPeriod(starts_on, end.date, n_working_days, end.is_certain)


def is_over(period: PublicityPeriod, today: dt.date) -> bool:
    """Say whether the last day of the period has passed entirely."""
    return today > period.ends_on


def working_days_left(period: PublicityPeriod, today: dt.date) -> int:
    """Return how many working days of the period are still to come, the present day excluded."""
    if today >= period.ends_on:
        return 0
    return working_days_between(max(today, period.starts_on), period.ends_on).n_days
