"""How far a decision about equating is."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from kernel.errors import IllegalTransitionError
from kernel.i18n import N_


class EquatingState(enum.StrEnum):
    """Proposed by one person, decided by another; a later approved one takes the place of an earlier."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


STATE_LABELS: Mapping[EquatingState, str] = {
    EquatingState.PROPOSED: N_("待审批"),
    EquatingState.APPROVED: N_("已批准"),
    EquatingState.REJECTED: N_("未批准"),
    EquatingState.WITHDRAWN: N_("已撤回"),
}


def check_proposed(state: EquatingState) -> None:
    """Refuse to decide twice."""
    if state is not EquatingState.PROPOSED:
        raise IllegalTransitionError(N_("这个等值决定现在是“%(state)s”，不能再处理"), state=STATE_LABELS[state])
