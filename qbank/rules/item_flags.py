"""What about an item may want somebody's attention, as a list can be narrowed by it."""

from __future__ import annotations

import enum

from kernel.i18n import N_


class ItemFlag(enum.StrEnum):
    """Something about an item that wants attention."""

    REVISION = "revision"
    NO_POINT = "no_point"
    NO_DIFFICULTY = "no_difficulty"
    NEVER_USED = "never_used"
    PAIRED = "paired"
    WAIVED = "waived"


FLAG_LABELS = {
    ItemFlag.REVISION: N_("修订中，旧版在用"),
    ItemFlag.NO_POINT: N_("未归类到鉴定点"),
    ItemFlag.NO_DIFFICULTY: N_("未填难度"),
    ItemFlag.NEVER_USED: N_("从未使用"),
    ItemFlag.PAIRED: N_("有待处理的相似题"),
    ItemFlag.WAIVED: N_("有豁免的检查"),
}
