"""When a figure of an item says enough to steer assembly, and of whose answers it speaks."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

LEAST_ANSWERS = RuleKey(
    "qbank.statistics.least_answers",
    30,
    N_("试题的通过率满多少人作答后用于组卷"),
    N_("同一版本试题各场次人数之和；不足时按没有通过率处理"),
    minimum=1,
    maximum=10000,
)
declare(LEAST_ANSWERS)


class Carrier(enum.StrEnum):
    """On what the answers were given that a figure speaks of."""

    ALL = "all"
    COMPUTER = "computer"
    TABLET = "tablet"
    PHONE = "phone"
    UNKNOWN = "unknown"


CARRIER_LABELS: Mapping[Carrier, str] = {
    Carrier.ALL: N_("全部设备"),
    Carrier.COMPUTER: N_("电脑"),
    Carrier.TABLET: N_("平板"),
    Carrier.PHONE: N_("手机"),
    Carrier.UNKNOWN: N_("设备不明"),
}
