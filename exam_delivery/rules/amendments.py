"""Amendments of a sealed key: what a key-change case decided about one slot, and about whose answers."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kernel.errors import IllegalTransitionError
from kernel.i18n import N_


class KeyPolicy(enum.StrEnum):
    """What is done about an item whose key was wrong."""

    NEW_KEY = "new_key"
    EITHER_KEY = "either_key"
    FULL_MARKS = "full_marks"
    DROP = "drop"


POLICY_LABELS: Mapping[KeyPolicy, str] = {
    KeyPolicy.NEW_KEY: N_("改用新答案"),
    KeyPolicy.EITHER_KEY: N_("新旧答案都算对"),
    KeyPolicy.FULL_MARKS: N_("全部给满分"),
    KeyPolicy.DROP: N_("取消此题，其余题按满分折算"),
}
NEEDS_KEY = frozenset({KeyPolicy.NEW_KEY, KeyPolicy.EITHER_KEY})


class ChangeSource(enum.StrEnum):
    """Where the doubt about a key came from."""

    STATISTICS = "statistics"
    MARKING = "marking"
    EXAM_ROOM = "exam_room"
    APPEAL = "appeal"
    PUBLIC = "public"
    BANK = "bank"


SOURCE_LABELS: Mapping[ChangeSource, str] = {
    ChangeSource.STATISTICS: N_("题目分析"),
    ChangeSource.MARKING: N_("阅卷"),
    ChangeSource.EXAM_ROOM: N_("考场报告"),
    ChangeSource.APPEAL: N_("考生申诉"),
    ChangeSource.PUBLIC: N_("社会反映"),
    ChangeSource.BANK: N_("试题更正案"),
}


class ChangeState(enum.StrEnum):
    """How far a case is; a proposal that was approved is applied by a job, whole or not at all."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    APPLIED = "applied"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


CHANGE_LABELS: Mapping[ChangeState, str] = {
    ChangeState.PROPOSED: N_("待审批"),
    ChangeState.APPROVED: N_("正在生效"),
    ChangeState.APPLIED: N_("已生效"),
    ChangeState.REJECTED: N_("未批准"),
    ChangeState.WITHDRAWN: N_("已撤回"),
}
PENDING = frozenset({ChangeState.PROPOSED, ChangeState.APPROVED})


def check_pending(state: ChangeState) -> None:
    """Refuse to decide a case twice."""
    if state is not ChangeState.PROPOSED:
        raise IllegalTransitionError(N_("这个答案变更案现在是“%(state)s”，不能再处理"), state=CHANGE_LABELS[state])


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody sat: what a restricted amendment asks for."""

    exam_session_id: str = ""
    exam_room_id: str = ""


ANYWHERE = Place()


@dataclass(frozen=True, slots=True)
class Amendment:
    """One applied (or tried) change of one slot.

    Attributes
    ----------
    slot : int
    policy : KeyPolicy
    key : Any
        The new key in its canonical shape; None for policies without one.
    is_harmless : bool
        Whose total would fall keeps the score as it was without this amendment.
    sessions, rooms : frozenset of str
        Whose answers it is about; empty means everybody's.
    """

    slot: int
    policy: KeyPolicy
    key: Any = None
    is_harmless: bool = False
    sessions: frozenset[str] = frozenset()
    rooms: frozenset[str] = frozenset()

    def covers(self, place: Place) -> bool:
        """Say whether answers given at a place are meant."""
        return (not self.sessions or place.exam_session_id in self.sessions) and (
            not self.rooms or place.exam_room_id in self.rooms
        )
