"""States of blueprints, assembly runs and forms, and which step leads where."""

from __future__ import annotations

import enum

from kernel.errors import IllegalTransitionError
from kernel.i18n import N_


class BlueprintStatus(enum.StrEnum):
    """DRAFT may be edited; PUBLISHED is fixed and forms may follow from it; ARCHIVED is out of use."""

    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class RunStatus(enum.StrEnum):
    """Where one assembly stands; all but the first are what the engine answers."""

    WAITING = "waiting"
    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    TIME_LIMIT = "time_limit"


class FormStatus(enum.StrEnum):
    """Where a form stands on its way to a sealed package."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    SEALED = "sealed"
    WITHDRAWN = "withdrawn"


class FormAct(enum.StrEnum):
    """What somebody did with a form."""

    ACCEPT = "accept"
    SWAP = "swap"
    SUBMIT = "submit"
    RETURN = "return"
    APPROVE = "approve"
    SEAL = "seal"
    WITHDRAW = "withdraw"


class ChangeKind(enum.StrEnum):
    """What a change by hand did to a draft."""

    SWAP = "swap"
    ADD = "add"
    REMOVE = "remove"
    LOCK = "lock"
    UNLOCK = "unlock"
    QUARANTINE = "quarantine"
    UNDO = "undo"


BLUEPRINT_LABELS = {
    BlueprintStatus.DRAFT: N_("草稿"),
    BlueprintStatus.PUBLISHED: N_("已发布"),
    BlueprintStatus.ARCHIVED: N_("已归档"),
}
RUN_LABELS = {
    RunStatus.WAITING: N_("组卷中"),
    RunStatus.OPTIMAL: N_("已组成（最优）"),
    RunStatus.FEASIBLE: N_("已组成"),
    RunStatus.INFEASIBLE: N_("无法组成"),
    RunStatus.TIME_LIMIT: N_("时限内无结论"),
}
FORM_LABELS = {
    FormStatus.DRAFT: N_("草稿"),
    FormStatus.IN_REVIEW: N_("审核中"),
    FormStatus.APPROVED: N_("已批准"),
    FormStatus.SEALED: N_("已封存"),
    FormStatus.WITHDRAWN: N_("已撤回"),
}
ACT_LABELS = {
    FormAct.ACCEPT: N_("组成试卷"),
    FormAct.SWAP: N_("替换试题"),
    FormAct.SUBMIT: N_("提交审核"),
    FormAct.RETURN: N_("退回"),
    FormAct.APPROVE: N_("批准"),
    FormAct.SEAL: N_("封存"),
    FormAct.WITHDRAW: N_("撤回"),
}
CHANGE_LABELS = {
    ChangeKind.SWAP: N_("替换"),
    ChangeKind.ADD: N_("加入"),
    ChangeKind.REMOVE: N_("移出"),
    ChangeKind.LOCK: N_("锁定"),
    ChangeKind.UNLOCK: N_("解锁"),
    ChangeKind.QUARANTINE: N_("停用替换"),
    ChangeKind.UNDO: N_("撤销改动"),
}

FORM_STEPS: dict[FormAct, tuple[frozenset[FormStatus], FormStatus]] = {
    FormAct.SWAP: (frozenset({FormStatus.DRAFT}), FormStatus.DRAFT),
    FormAct.SUBMIT: (frozenset({FormStatus.DRAFT}), FormStatus.IN_REVIEW),
    FormAct.RETURN: (frozenset({FormStatus.IN_REVIEW, FormStatus.APPROVED}), FormStatus.DRAFT),
    FormAct.APPROVE: (frozenset({FormStatus.IN_REVIEW}), FormStatus.APPROVED),
    FormAct.SEAL: (frozenset({FormStatus.APPROVED}), FormStatus.SEALED),
    FormAct.WITHDRAW: (
        frozenset({FormStatus.DRAFT, FormStatus.IN_REVIEW, FormStatus.APPROVED, FormStatus.SEALED}),
        FormStatus.WITHDRAWN,
    ),
}
"""From which states an act is possible, and where it leads."""


def may(act: FormAct, status: FormStatus) -> bool:
    """Say whether an act is possible in a state.

    Examples
    --------
    >>> may(FormAct.SEAL, FormStatus.APPROVED), may(FormAct.SWAP, FormStatus.SEALED)
    (True, False)
    """
    return status in FORM_STEPS[act][0]


def after(act: FormAct, status: FormStatus) -> FormStatus:
    """Return the state that an act leads to; raises IllegalTransitionError where it is not possible."""
    sources, target = FORM_STEPS[act]
    if status not in sources:
        raise IllegalTransitionError(
            N_("试卷状态为“%(status)s”，不能进行“%(act)s”，请刷新页面查看最新状态"),
            status=FORM_LABELS[status], act=ACT_LABELS[act],
        )  # fmt: skip
    return target
