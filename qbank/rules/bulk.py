"""What can be done with many items at once."""

from __future__ import annotations

import enum

from kernel.i18n import N_
from kernel.identity.permissions import Permission


class BulkAct(enum.StrEnum):
    """One thing to do with all selected items."""

    SUBMIT = "submit"
    ASSIGN = "assign"
    RETIRE = "retire"
    TAG = "tag"
    UNTAG = "untag"
    POINT = "point"
    DIFFICULTY = "difficulty"
    COGNITIVE = "cognitive"
    TRIAL = "trial"
    COUNTING = "counting"


BULK_LABELS = {
    BulkAct.SUBMIT: N_("提交审核"),
    BulkAct.ASSIGN: N_("指定评审人"),
    BulkAct.RETIRE: N_("停用"),
    BulkAct.TAG: N_("加标签"),
    BulkAct.UNTAG: N_("去标签"),
    BulkAct.POINT: N_("改鉴定点"),
    BulkAct.DIFFICULTY: N_("改难度"),
    BulkAct.COGNITIVE: N_("定认知层次"),
    BulkAct.TRIAL: N_("转为试测"),
    BulkAct.COUNTING: N_("结束试测"),
}
BULK_PERMISSIONS = dict.fromkeys(BulkAct, Permission.ITEM_WRITE) | {
    BulkAct.ASSIGN: Permission.ITEM_COMMISSION,
    BulkAct.RETIRE: Permission.ITEM_RETIRE,
    BulkAct.TRIAL: Permission.ITEM_RETIRE,
    BulkAct.COUNTING: Permission.ITEM_RETIRE,
}
MOST_ITEMS = 2_000
"""More at once are better done by an export and an import."""
