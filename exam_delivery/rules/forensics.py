"""Words and laws of leads: what statistics find strange is looked at by a person, who decides and says why."""

from __future__ import annotations

import enum

from kernel.errors import IllegalTransitionError
from kernel.i18n import N_

SHORTEST_REASON = 5


class LeadKind(enum.StrEnum):
    """What was found strange."""

    COPYING = "copying"
    CLUSTER = "cluster"
    PATTERN = "pattern"
    CHANGES = "changes"
    TIMES = "times"
    GAINS = "gains"
    DRIFT = "drift"


class LeadState(enum.StrEnum):
    """What a person made of it."""

    OPEN = "open"
    DISMISSED = "dismissed"
    CONFIRMED = "confirmed"


KIND_LABELS = {
    LeadKind.COPYING: N_("雷同作答"),
    LeadKind.CLUSTER: N_("雷同群"),
    LeadKind.PATTERN: N_("难易对错异常"),
    LeadKind.CHANGES: N_("改答异常"),
    LeadKind.TIMES: N_("作答时间异常"),
    LeadKind.GAINS: N_("成绩突增"),
    LeadKind.DRIFT: N_("题目忽然变易"),
}
STATE_LABELS = {
    LeadState.OPEN: N_("待核查"),
    LeadState.DISMISSED: N_("已排除"),
    LeadState.CONFIRMED: N_("成立"),
}


def check_decision(present: LeadState, wanted: LeadState) -> None:
    """Raise IllegalTransitionError unless an open lead is decided, or a decided one opened again."""
    if (present is LeadState.OPEN) == (wanted is LeadState.OPEN):
        raise IllegalTransitionError(N_("这条线索的状态已经改变，请刷新后再处理"))


def place_of_seat(number: int | None, in_a_row: int, *, is_snake: bool) -> tuple[int, int] | None:
    """Return row and column of a seat, seen from the front, as seat maps draw it; None without a seat.

    Examples
    --------
    >>> place_of_seat(4, 3, is_snake=False), place_of_seat(4, 3, is_snake=True), place_of_seat(None, 3, is_snake=True)
    ((1, 0), (1, 2), None)
    """
    if number is None:
        return None
    row, column = divmod(number - 1, in_a_row)
    return row, in_a_row - 1 - column if is_snake and row % 2 else column
