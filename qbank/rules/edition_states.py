"""Words and laws of a migration between two editions: states, steps, follow-up tasks, and what holds after the cut-over."""

from __future__ import annotations

import enum

from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare


class MigrationState(enum.StrEnum):
    """A draft is being decided; an applied one has moved items and blueprints and never changes again."""

    DRAFT = "draft"
    APPLYING = "applying"
    APPLIED = "applied"


class StepAct(enum.StrEnum):
    """What somebody did on the board."""

    PROPOSE = "propose"
    ACCEPT = "accept"
    DECIDE = "decide"
    REOPEN = "reopen"
    UNDO = "undo"
    APPLY = "apply"


class TaskKind(enum.StrEnum):
    """What a migration leaves for people."""

    ITEM_SPLIT = "item_split"
    ITEM_ORPHANED = "item_orphaned"
    POINT_MISSING = "point_missing"
    BLUEPRINT = "blueprint"


class TaskState(enum.StrEnum):
    """Where a follow-up task stands."""

    OPEN = "open"
    DONE = "done"
    DISMISSED = "dismissed"


class OldEditionPolicy(enum.StrEnum):
    """What happens to new work on an edition that another has replaced."""

    REFUSE = "refuse"
    WARN = "warn"
    ALLOW = "allow"


MIGRATION_LABELS = {
    MigrationState.DRAFT: N_("对照中"),
    MigrationState.APPLYING: N_("正在执行"),
    MigrationState.APPLIED: N_("已执行"),
}
STEP_LABELS = {
    StepAct.PROPOSE: N_("自动对照"),
    StepAct.ACCEPT: N_("采纳建议"),
    StepAct.DECIDE: N_("指定去向"),
    StepAct.REOPEN: N_("重新打开"),
    StepAct.UNDO: N_("撤销"),
    StepAct.APPLY: N_("执行迁移"),
}
TASK_LABELS = {
    TaskKind.ITEM_SPLIT: N_("鉴定点拆分，试题须重新归点"),
    TaskKind.ITEM_ORPHANED: N_("鉴定点取消，试题须改编或停用"),
    TaskKind.POINT_MISSING: N_("新鉴定点没有试题"),
    TaskKind.BLUEPRINT: N_("蓝图草稿待核对"),
}
TASK_STATE_LABELS = {
    TaskState.OPEN: N_("待处理"),
    TaskState.DONE: N_("已完成"),
    TaskState.DISMISSED: N_("不处理"),
}
UNDOABLE = frozenset({StepAct.ACCEPT, StepAct.DECIDE, StepAct.REOPEN})
OLD_EDITION = RuleKey(
    "qbank.edition.after_cut_over",
    OldEditionPolicy.REFUSE.value,
    N_("新版施行后，以旧版新建蓝图、组卷和安排考试"),
    choices=tuple(policy.value for policy in OldEditionPolicy),
)
declare(OLD_EDITION)
