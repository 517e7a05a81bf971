"""What a plan of a session must hold, checked without any database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from kernel.i18n import N_

PER_PAGE = ("one", "all")
MAX_MINUTES = 600
MAX_LATE_MINUTES = 60 * 24 * 7
"""A session may stay open for days (a practice examination); who comes late still gets the full length before its end."""
Problems = dict[str, list[str]]
"""The whole country keeps one time; the calendar day of an examination is its day there."""


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """A session as an officer plans it; times are aware, lengths in minutes."""

    name: str
    form_ids: tuple[str, ...]
    starts_at: dt.datetime | None
    duration_minutes: int | None
    open_entry_minutes: int | None
    late_cutoff_minutes: int | None
    earliest_submit_minutes: int | None
    leave_limit: int | None
    ends_at: dt.datetime | None = None
    per_page: str = "one"
    shuffle_items: bool = True
    shuffle_choices: bool = True
    tools: tuple[str, ...] = ()
    form_set_id: str = ""
    standby_form_ids: tuple[str, ...] = ()

    @property
    def end(self) -> dt.datetime:
        """The end: the typed one, else start plus length, because late comers get no extra time."""
        if self.ends_at:
            return self.ends_at
        return self.begin + dt.timedelta(minutes=self.duration_minutes or 0)

    @property
    def begin(self) -> dt.datetime:
        """The start of a plan that was checked."""
        if self.starts_at is None:
            raise ValueError("an unchecked plan has no start")
        return self.starts_at

    @property
    def opening(self) -> dt.datetime:
        """When sign-in begins."""
        return self.begin - dt.timedelta(minutes=self.open_entry_minutes or 0)


def check_plan(plan: SessionPlan, *, titles: Mapping[str, str], sets: Collection[str] = ()) -> Problems:
    """Return what must be mended, by field; `titles` are the forms that this batch may use, `sets` the sets."""
    problems: Problems = {}
    _check_texts(plan, problems)
    _check_forms(plan, titles, sets, problems)
    _check_numbers(plan, problems)
    if not problems:
        _check_times(plan, problems)
    return problems


def _add(problems: Problems, field: str, message: str) -> None:
    problems.setdefault(field, []).append(message)


def _check_forms(plan: SessionPlan, titles: Mapping[str, str], sets: Collection[str], problems: Problems) -> None:
    if plan.form_set_id:
        if plan.form_set_id not in sets:
            _add(problems, "form_set_id", N_("所选卷组不属于本批次的职业和等级，或已撤回，请重新选择"))
        if plan.form_ids:
            _add(problems, "form_set_id", N_("封存试卷和一人一卷的卷组只能选一种"))
    elif plan.standby_form_ids and not plan.form_ids:
        _add(problems, "form_ids", N_("请至少选择一份封存试卷"))
    elif set(plan.form_ids) - set(titles):
        _add(problems, "form_ids", N_("所选试卷不属于本批次的职业和等级，或已撤回，请重新选择"))
    _check_standby(plan, titles, problems)


def _check_standby(plan: SessionPlan, titles: Mapping[str, str], problems: Problems) -> None:
    if plan.standby_form_ids and plan.form_set_id:
        _add(problems, "standby_form_ids", N_("一人一卷的场次由卷组里没有发出的试卷备用，不用另选备用卷"))
    elif set(plan.standby_form_ids) - set(titles):
        _add(problems, "standby_form_ids", N_("所选试卷不属于本批次的职业和等级，或已撤回，请重新选择"))
    elif set(plan.standby_form_ids) & set(plan.form_ids):
        _add(problems, "standby_form_ids", N_("备用卷不能同时是本场次要用的试卷"))


def _check_texts(plan: SessionPlan, problems: Problems) -> None:
    if not 1 <= len(plan.name) <= 200:
        _add(problems, "name", N_("请填写场次名称，不超过 200 字"))
    if plan.per_page not in PER_PAGE:
        _add(problems, "per_page", N_("请选择作答页面的显示方式"))


def _check_numbers(plan: SessionPlan, problems: Problems) -> None:
    for field, lowest in (
        ("duration_minutes", 5),
        ("open_entry_minutes", 0),
        ("late_cutoff_minutes", 0),
        ("earliest_submit_minutes", 0),
        ("leave_limit", 0),
    ):
        value = getattr(plan, field)
        highest = MAX_LATE_MINUTES if field == "late_cutoff_minutes" else MAX_MINUTES
        if value is None or not lowest <= value <= highest:
            _add(problems, field, N_("请填写规定范围内的整数"))
    if plan.starts_at is None:
        _add(problems, "starts_at", N_("请填写开考时间"))


def _check_times(plan: SessionPlan, problems: Problems) -> None:
    duration = plan.duration_minutes or 0
    if plan.end < plan.begin + dt.timedelta(minutes=duration):
        _add(problems, "ends_at", N_("结束时间早于开考时间加考试时长，准时到场的考生也答不完，请改晚"))
    if dt.timedelta(minutes=plan.late_cutoff_minutes or 0) >= plan.end - plan.begin:
        _add(problems, "late_cutoff_minutes", N_("迟到时限应短于从开考到结束的时间"))
    if (plan.earliest_submit_minutes or 0) > duration:
        _add(problems, "earliest_submit_minutes", N_("最早交卷时间不能晚于考试时长"))
