"""Opening what is sealed: which part, what it takes, how long a request and an opening hold. Values are the organisation's."""

from __future__ import annotations

import enum
from datetime import datetime, timedelta

from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare


class ReleasePart(enum.StrEnum):
    """What is to be opened: what candidates see, or keys and scoring standard."""

    DELIVERY = "delivery"
    SCORING = "scoring"


class ReleaseState(enum.StrEnum):
    """Where a request to open stands; one that nobody confirmed in time stays WAITING and counts as expired."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


PART_LABELS = {ReleasePart.DELIVERY: N_("作答部分（试题）"), ReleasePart.SCORING: N_("评分部分（答案与评分标准）")}
STATE_LABELS = {
    ReleaseState.WAITING: N_("等待第二人确认"),
    ReleaseState.CONFIRMED: N_("已启封"),
    ReleaseState.REFUSED: N_("被拒绝"),
    ReleaseState.WITHDRAWN: N_("已撤销"),
}
AUTOMATIC, BY_TWO = N_("随场次自动启用"), N_("须双人启封")
DELIVERY_RELEASE = RuleKey(
    "blueprints.delivery_release", AUTOMATIC, N_("封存试卷作答部分的启用"),
    N_("“须双人启封”时，备考、打印和查看都要先由两名保管人启封；开考本身不需要人操作"), choices=(AUTOMATIC, BY_TWO),
)  # fmt: skip
REQUEST_MINUTES = RuleKey(
    "blueprints.release_request_minutes", 30, N_("启封申请的确认时限（分钟）"), minimum=1, maximum=1440
)
OPEN_MINUTES = RuleKey(
    "blueprints.release_open_minutes", 120, N_("评分部分启封后的有效时间（分钟）"), minimum=5, maximum=10080
)
EARLY_HOURS = RuleKey(
    "blueprints.early_release_hours", 72, N_("开考前多少小时以内启封不算提前"),
    N_("更早启封，或在没有场次使用时启封，按应急启封记录并通知管理员"), minimum=0, maximum=2160,
)  # fmt: skip
PRINT_DAYS = RuleKey(
    "blueprints.print_keep_days", 7, N_("印制文件保留天数"), N_("到期后文件自动清除，只留记录"), minimum=1, maximum=365
)
SHEET_DIGITS = RuleKey("blueprints.scan_sheet_digits", 12, N_("答题卡准考证号位数"), minimum=4, maximum=13)
declare(DELIVERY_RELEASE, REQUEST_MINUTES, OPEN_MINUTES, EARLY_HOURS, PRINT_DAYS, SHEET_DIGITS)


def is_early(part: ReleasePart, begins_at: datetime | None, all_over: bool, moment: datetime, hours: int) -> bool:  # noqa: FBT001 - a fact among facts
    """Say whether opening a part now is a break-glass opening.

    Parameters
    ----------
    part : ReleasePart
        Keys are early until every sitting is over; items until shortly before the first sitting.
    begins_at : datetime or None
        When the first sitting begins; None when none is planned.
    all_over : bool
        Whether there were sittings and all are over.
    moment : datetime
        Now.
    hours : int
        So long before the first sitting opening is usual.
    """
    if all_over:
        return False
    if part is ReleasePart.SCORING or begins_at is None:
        return True
    return moment < begins_at - timedelta(hours=hours)
