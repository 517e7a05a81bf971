"""What is done with a blueprint on its way from draft to numbered version, and how its state reads."""

from __future__ import annotations

import enum

from kernel.i18n import N_


class BlueprintAct(enum.StrEnum):
    """What somebody did with a version of a blueprint."""

    SUBMIT = "submit"
    RETURN = "return"
    APPROVE = "approve"
    WAIVE = "waive"
    REVISE = "revise"
    DISCARD = "discard"
    ARCHIVE = "archive"


class Stage(enum.StrEnum):
    """How people see a blueprint's state: a published one is either waiting for the second person or in force."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    ARCHIVED = "archived"


ACT_LABELS = {
    BlueprintAct.SUBMIT: N_("提交审批"),
    BlueprintAct.RETURN: N_("退回修改"),
    BlueprintAct.APPROVE: N_("批准"),
    BlueprintAct.WAIVE: N_("免批准"),
    BlueprintAct.REVISE: N_("开始修订"),
    BlueprintAct.DISCARD: N_("放弃修订"),
    BlueprintAct.ARCHIVE: N_("归档"),
}
STAGE_LABELS = {
    Stage.DRAFT: N_("草稿"),
    Stage.SUBMITTED: N_("已发布，待批准"),
    Stage.APPROVED: N_("已发布，已批准"),
    Stage.ARCHIVED: N_("已归档"),
}
APPROVING = frozenset({BlueprintAct.APPROVE, BlueprintAct.WAIVE})
"""After one of these, forms drawn from the version may be sealed."""


def stage_of(status: str, *, is_approved: bool) -> Stage:
    """Return the stage of a blueprint.

    Examples
    --------
    >>> stage_of("published", is_approved=False).value
    'submitted'
    """
    if status == "published":
        return Stage.APPROVED if is_approved else Stage.SUBMITTED
    return Stage(status)
