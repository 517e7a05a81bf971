"""What an examination plan must hold, how its period is called, and which line a batch carries out. Pure."""

from __future__ import annotations

import calendar
import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from kernel.i18n import N_

MAX_PLANNED = 1_000_000
MAX_YEARS = 5
Problems = dict[str, list[str]]


class AmendmentKind(enum.StrEnum):
    """What an amendment of a filed plan did."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"
    FILING = "filing"
    REOPEN = "reopen"


AMENDMENT_LABELS = {
    AmendmentKind.ADD: N_("增加计划行"),
    AmendmentKind.CHANGE: N_("修改计划行"),
    AmendmentKind.REMOVE: N_("取消计划行"),
    AmendmentKind.FILING: N_("更正备案信息"),
    AmendmentKind.REOPEN: N_("恢复执行"),
}


@dataclass(frozen=True, slots=True)
class PlanDraft:
    """The head of a plan as an officer types it."""

    title: str
    starts_on: dt.date | None
    ends_on: dt.date | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class LineDraft:
    """A line as an officer types it; without an end it lasts to the end of its first month."""

    standard_level_id: str
    starts_on: dt.date | None
    ends_on: dt.date | None
    n_planned: int | None
    note: str = ""

    @property
    def begin(self) -> dt.date:
        """The first day of a line that was checked."""
        if self.starts_on is None:
            raise ValueError("an unchecked line has no first day")
        return self.starts_on

    @property
    def end(self) -> dt.date:
        """The last day of a line that was checked."""
        return self.ends_on or month_end(self.begin)


def month_end(day: dt.date) -> dt.date:
    """Return the last day of a day's month.

    >>> month_end(dt.date(2028, 2, 3))
    datetime.date(2028, 2, 29)
    """
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def period_name(starts_on: dt.date, ends_on: dt.date) -> tuple[str, Mapping[str, object]]:
    """Return how a period is called, as a message with its values: a year, a quarter, a month, or its dates.

    >>> period_name(dt.date(2026, 4, 1), dt.date(2026, 6, 30))
    ('%(year)s 年第 %(n)s 季度', {'year': 2026, 'n': 2})
    """
    year, quarter = starts_on.year, (starts_on.month + 2) // 3
    if (starts_on, ends_on) == (dt.date(year, 1, 1), dt.date(year, 12, 31)):
        return N_("%(year)s 年度"), {"year": year}
    first_month = dt.date(year, 3 * quarter - 2, 1)
    if (starts_on, ends_on) == (first_month, month_end(dt.date(year, 3 * quarter, 1))):
        return N_("%(year)s 年第 %(n)s 季度"), {"year": year, "n": quarter}
    if starts_on.day == 1 and ends_on == month_end(starts_on):
        return N_("%(year)s 年 %(n)s 月"), {"year": year, "n": starts_on.month}
    return N_("%(start)s 至 %(end)s"), {"start": starts_on.isoformat(), "end": ends_on.isoformat()}


def check_plan(draft: PlanDraft) -> Problems:
    """Return what must be mended in the head of a plan, by field."""
    problems: Problems = {}
    if not 1 <= len(draft.title) <= 200:
        problems["title"] = [N_("请填写计划名称，不超过 200 字")]
    if draft.starts_on is None:
        problems["starts_on"] = [N_("请填写计划的开始日期")]
    if draft.ends_on is None:
        problems["ends_on"] = [N_("请填写计划的结束日期")]
    elif draft.starts_on and not draft.starts_on <= draft.ends_on < _years_later(draft.starts_on, MAX_YEARS):
        problems["ends_on"] = [N_("结束日期不能早于开始日期，一个计划最长 5 年")]
    if len(draft.note) > 1000:
        problems["note"] = [N_("说明不超过 1,000 字")]
    return problems


def _years_later(day: dt.date, years: int) -> dt.date:
    return dt.date(min(day.year + years, dt.MAXYEAR), day.month, 1)


def check_line(draft: LineDraft, starts_on: dt.date, ends_on: dt.date) -> Problems:
    """Return what must be mended in a line of a plan with this period, by field; the level is not looked at."""
    problems: Problems = {}
    if draft.starts_on is None:
        problems["starts_on"] = [N_("请填写计划开考的日期")]
    elif not starts_on <= draft.starts_on <= ends_on:
        problems["starts_on"] = [N_("日期不在计划周期以内，请改日期，或先改计划周期")]
    if draft.starts_on and not draft.begin <= draft.end:
        problems["ends_on"] = [N_("结束日期不能早于开始日期")]
    elif draft.starts_on and "starts_on" not in problems and draft.ends_on and draft.ends_on > ends_on:
        problems["ends_on"] = [N_("日期不在计划周期以内，请改日期，或先改计划周期")]
    if draft.n_planned is None or not 1 <= draft.n_planned <= MAX_PLANNED:
        problems["n_planned"] = [N_("请填写计划人数，应为正整数")]
    if len(draft.note) > 200:
        problems["note"] = [N_("备注不超过 200 字")]
    return problems


class Line(Protocol):
    """What is asked of a line to find the batches that carry it out."""

    occupation_code: str
    level_code: str
    starts_on: dt.date
    ends_on: dt.date


L = TypeVar("L", bound=Line)


def line_of(lines: Sequence[L], occupation_code: str, level_code: str, day: dt.date | None) -> L | None:
    """Return the line that a batch carries out: of its occupation and level, and nearest to its first day.

    A batch without a session belongs to the earliest such line; None says that the plan has no such line at all.
    """
    same = [one for one in lines if (one.occupation_code, one.level_code) == (occupation_code, level_code)]
    if not same:
        return None
    if day is None:
        return min(same, key=lambda one: one.starts_on)
    return min(same, key=lambda one: (days_off(one, day), one.starts_on))


def days_off(line: Line, day: dt.date) -> int:
    """Return how many days a day lies outside the dates of a line, 0 within."""
    return max((line.starts_on - day).days, (day - line.ends_on).days, 0)
