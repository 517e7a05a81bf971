"""Working days: the official calendar where it is known, Monday to Friday with a caution where it is not."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.errors import InvalidInputError
from kernel.working_days import (
    CALENDAR_UNKNOWN,
    LAST_KNOWN_YEAR,
    WorkingDate,
    add_working_days,
    is_calendar_known,
    is_working_day,
    working_days_between,
)

KNOWN = st.dates(dt.date(2005, 3, 1), dt.date(LAST_KNOWN_YEAR - 1, 10, 1))


def day(text):
    return dt.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("date", "works"),
    [
        ("2025-10-01", False),  # national holiday on a Wednesday
        ("2025-09-28", True),  # Sunday worked for it
        ("2025-10-11", True),  # Saturday worked for it
        ("2025-10-12", False),  # plain Sunday
        ("2026-02-17", False),  # Chinese New Year
        ("2026-11-20", True),
    ],
)
def test_holidays_and_worked_weekends_follow_the_official_calendar(date, works):
    assert is_working_day(day(date)) is works


def test_five_working_days_over_the_national_holiday():
    assert add_working_days(day("2025-09-26"), 5) == WorkingDate(day("2025-10-10"))
    assert add_working_days(day("2025-10-10"), -5) == WorkingDate(day("2025-09-26"))


def test_zero_days_is_the_start_itself_even_on_a_weekend():
    assert add_working_days(day("2025-10-12"), 0).date == day("2025-10-12")


def test_beyond_the_announced_years_weekdays_count_and_a_caution_is_given():
    year = LAST_KNOWN_YEAR + 1
    assert not is_calendar_known(dt.date(year, 1, 1))
    reached = add_working_days(dt.date(LAST_KNOWN_YEAR, 12, 28), 10)
    assert not reached.is_certain
    assert reached.caution == CALENDAR_UNKNOWN
    assert reached.date.weekday() < 5
    assert not working_days_between(dt.date(LAST_KNOWN_YEAR, 12, 28), dt.date(year, 1, 8)).is_certain
    assert add_working_days(dt.date(2025, 6, 2), 3).caution is None


@settings(max_examples=40, deadline=None)
@given(KNOWN, st.integers(1, 60))
def test_the_date_reached_is_a_working_day_and_counting_back_gives_the_number(start, n_days):
    reached = add_working_days(start, n_days)
    assert is_working_day(reached.date)
    assert working_days_between(start, reached.date).n_days == n_days
    assert working_days_between(reached.date, start).n_days == -n_days


@settings(max_examples=40, deadline=None)
@given(KNOWN, st.integers(0, 90), st.integers(0, 90))
def test_counts_add_up_over_any_split(start, first, second):
    middle, end = start + dt.timedelta(first), start + dt.timedelta(first + second)
    whole = working_days_between(start, end).n_days
    assert whole == working_days_between(start, middle).n_days + working_days_between(middle, end).n_days


def test_absurd_spans_are_refused():
    with pytest.raises(InvalidInputError):
        add_working_days(day("2025-01-01"), 10**9)
    with pytest.raises(InvalidInputError):
        working_days_between(dt.date(1, 1, 1), dt.date(9999, 12, 31))
