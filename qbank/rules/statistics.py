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
POOLED_FOR_FEW = RuleKey(
    "qbank.statistics.pooled_for_few",
    default=False,
    label=N_("作答人数不足的试题，组卷时用合并同类题的通过率"),
    basis=N_("满 5 人作答才有合并估计；同类题有了新的数据时它会跟着变"),
)
declare(LEAST_ANSWERS, POOLED_FOR_FEW)


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


class Alike(enum.StrEnum):
    """What the items have in common from which a version with few answers borrows, the closest first."""

    POINT = "point"
    DIFFICULTY = "difficulty"
    TYPE = "type"
    LEVEL = "level"


ALIKE_LABELS: Mapping[Alike, str] = {
    Alike.POINT: N_("同一鉴定点、题型和难度"),
    Alike.DIFFICULTY: N_("同一题型和难度"),
    Alike.TYPE: N_("同一题型"),
    Alike.LEVEL: N_("同一等级"),
}
