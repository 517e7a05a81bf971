"""Laws of review: the default stages, who may decide, and when a stage is passed."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare


class Decision(enum.StrEnum):
    """What a reviewer may say."""

    APPROVE = "approve"
    RETURN = "return"
    REJECT = "reject"


DECISION_LABELS = {Decision.APPROVE: N_("通过"), Decision.RETURN: N_("退回修改"), Decision.REJECT: N_("不采用")}
DECISION_KINDS = {Decision.APPROVE: "success", Decision.RETURN: "warning", Decision.REJECT: "danger"}
DEFAULT_STAGES = (N_("初审"), N_("复审"), N_("终审"))
MAX_STAGES = 8
ONE_STAGE_KEY = "qbank.review.one_stage_per_reviewer"

declare(
    RuleKey(
        ONE_STAGE_KEY,
        default=True,
        label=N_("同一审题人不得参加同一版本的两个审核环节"),
        basis=N_("审题独立性要求"),
    )
)


class Refusal(enum.StrEnum):
    """Why somebody may not review an item."""

    OWN_ITEM = "own_item"
    ALREADY_DECIDED = "already_decided"
    OTHER_STAGE = "other_stage"


REFUSAL_MESSAGES = {
    Refusal.OWN_ITEM: N_("这道题由您命制或修改，按规定命题人不能审核自己的试题，请由其他审题专家审核"),
    Refusal.ALREADY_DECIDED: N_("您已在本环节对这道题作出决定，请等待其他审题专家"),
    Refusal.OTHER_STAGE: N_("您已在另一环节审核过这一版本，按本机构的规则不能再参加其他环节"),
}


@dataclass(frozen=True, slots=True)
class PastDecision:
    """A decision on the version under review: in which stage and round, and by whom."""

    stage_id: uuid.UUID
    review_round: int
    reviewer_id: uuid.UUID
    decision: Decision


def refusal(
    reviewer_id: uuid.UUID,
    authors: Iterable[uuid.UUID | None],
    past: Sequence[PastDecision],
    *,
    stage_id: uuid.UUID,
    review_round: int,
    one_stage: bool,
) -> Refusal | None:
    """Return why a reviewer may not decide on a version in a stage, or None when they may.

    Parameters
    ----------
    reviewer_id : UUID
        Who wants to decide.
    authors : iterable of UUID or None
        Who wrote the item and this version.
    past : sequence of PastDecision
        All decisions on this version.
    stage_id, review_round
        Where the version stands now.
    one_stage : bool
        Whether the organisation forbids one person two stages of a version.
    """
    if reviewer_id in set(authors):
        return Refusal.OWN_ITEM
    own = [one for one in past if one.reviewer_id == reviewer_id]
    if any(one.stage_id == stage_id and one.review_round == review_round for one in own):
        return Refusal.ALREADY_DECIDED
    if one_stage and any(one.stage_id != stage_id for one in own):
        return Refusal.OTHER_STAGE
    return None


def is_passed(past: Sequence[PastDecision], *, stage_id: uuid.UUID, review_round: int, quorum: int) -> bool:
    """Say whether enough people approved a version in a stage of this round."""
    approvals = {
        one.reviewer_id
        for one in past
        if one.stage_id == stage_id and one.review_round == review_round and one.decision is Decision.APPROVE
    }
    return len(approvals) >= quorum
