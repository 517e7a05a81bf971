"""What can be done with a candidate, by how the candidate stands."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from exam_delivery.rules.room import SeatState
from kernel.i18n import N_


class Act(enum.StrEnum):
    """One thing that an invigilator does with a candidate."""

    CHECK_IN = "check-in"
    UNDO_CHECK_IN = "undo-check-in"
    REFUSE = "refuse"
    ADD_TIME = "add-time"
    PAUSE = "pause"
    RESUME = "resume"
    LOCK = "lock"
    UNLOCK = "unlock"
    MOVE = "move"
    SWAP_DEVICE = "swap-device"
    RESET_SIGN_IN = "reset-sign-in"
    FORCE_HAND_IN = "force-hand-in"
    REOPEN = "reopen"
    ABSENT = "absent"
    PRESENT = "present"
    NOTE = "note"


ACT_LABELS: dict[Act, str] = {
    Act.CHECK_IN: N_("准许入场"),
    Act.UNDO_CHECK_IN: N_("撤销入场核验"),
    Act.REFUSE: N_("不准入场"),
    Act.ADD_TIME: N_("延时"),
    Act.PAUSE: N_("暂停"),
    Act.RESUME: N_("恢复"),
    Act.LOCK: N_("锁定"),
    Act.UNLOCK: N_("解锁"),
    Act.MOVE: N_("换座位"),
    Act.SWAP_DEVICE: N_("换机器"),
    Act.RESET_SIGN_IN: N_("重置登录"),
    Act.FORCE_HAND_IN: N_("强制收卷"),
    Act.REOPEN: N_("撤销收卷"),
    Act.ABSENT: N_("记缺考"),
    Act.PRESENT: N_("撤销缺考"),
    Act.NOTE: N_("情况记录"),
}
FOR_MANY = (
    Act.CHECK_IN, Act.ADD_TIME, Act.PAUSE, Act.RESUME, Act.LOCK, Act.UNLOCK, Act.RESET_SIGN_IN, Act.FORCE_HAND_IN,
    Act.ABSENT, Act.PRESENT,
)  # fmt: skip
"""What may be done with several candidates at once; the rest needs a look at each."""
ANYWHERE = frozenset({Act.MOVE, Act.NOTE})
BEFORE = ANYWHERE | {Act.ADD_TIME, Act.ABSENT, Act.REFUSE, Act.SWAP_DEVICE}
WRITING = ANYWHERE | {Act.SWAP_DEVICE, Act.ADD_TIME, Act.FORCE_HAND_IN, Act.RESET_SIGN_IN}
POSSIBLE: dict[SeatState, frozenset[Act]] = {
    SeatState.LOCKED: WRITING | {Act.UNLOCK},
    SeatState.OFFLINE: WRITING | {Act.PAUSE, Act.LOCK},
    SeatState.LEFT_PAGE: WRITING | {Act.PAUSE, Act.LOCK},
    SeatState.PAUSED: WRITING | {Act.RESUME, Act.LOCK},
    SeatState.UNPREPARED: frozenset(),
    SeatState.AT_DOOR: BEFORE | {Act.CHECK_IN},
    SeatState.REFUSED: frozenset({Act.CHECK_IN, Act.ABSENT, Act.NOTE}),
    SeatState.NOT_ARRIVED: BEFORE | {Act.CHECK_IN, Act.RESET_SIGN_IN},
    SeatState.CHECKED_IN: BEFORE | {Act.RESET_SIGN_IN, Act.UNDO_CHECK_IN},
    SeatState.SIGNED_IN: BEFORE | {Act.CHECK_IN, Act.RESET_SIGN_IN},
    SeatState.WAITING: BEFORE | {Act.CHECK_IN, Act.RESET_SIGN_IN},
    SeatState.WORKING: WRITING | {Act.PAUSE, Act.LOCK},
    SeatState.SUBMITTED: frozenset({Act.NOTE}),
    SeatState.ABSENT: frozenset({Act.PRESENT, Act.NOTE}),
    SeatState.VOID: frozenset(),
}
PRIMARY: dict[SeatState, Act] = {
    SeatState.LOCKED: Act.UNLOCK,
    SeatState.OFFLINE: Act.RESET_SIGN_IN,
    SeatState.LEFT_PAGE: Act.LOCK,
    SeatState.PAUSED: Act.RESUME,
    SeatState.AT_DOOR: Act.CHECK_IN,
    SeatState.REFUSED: Act.CHECK_IN,
    SeatState.NOT_ARRIVED: Act.CHECK_IN,
    SeatState.SIGNED_IN: Act.CHECK_IN,
    SeatState.WAITING: Act.CHECK_IN,
    SeatState.WORKING: Act.ADD_TIME,
    SeatState.SUBMITTED: Act.REOPEN,
    SeatState.ABSENT: Act.PRESENT,
}
"""What is most probably wanted in a state: the one act that stands out."""
GRAVE = (Act.LOCK, Act.FORCE_HAND_IN, Act.REFUSE, Act.ABSENT)
"""What takes something from a candidate stands apart from the rest."""
UNDO: dict[str, frozenset[Act]] = {
    "forced": frozenset({Act.REOPEN}),
    "timeout": frozenset({Act.REOPEN, Act.ADD_TIME}),
}


def acts_for(state: SeatState, *, submit_kind: str | None = None, is_checked_in: bool = False) -> frozenset[Act]:
    """Return what can be done now; a hand-in by the candidate is final, others can be undone."""
    acts = POSSIBLE[state]
    if state is SeatState.SUBMITTED:
        acts |= UNDO.get(submit_kind or "", frozenset())
    return acts - {Act.CHECK_IN} if is_checked_in and state is not SeatState.REFUSED else acts


@dataclass(frozen=True, slots=True)
class Arranged:
    """The acts of one candidate as a person looks for them."""

    primary: Act | None
    usual: tuple[Act, ...]
    grave: tuple[Act, ...]


def arranged(state: SeatState, acts: frozenset[Act]) -> Arranged:
    """Return the one act that stands out, the usual others, and the grave ones apart.

    Examples
    --------
    >>> arranged(SeatState.PAUSED, POSSIBLE[SeatState.PAUSED]).primary.value
    'resume'
    """
    wanted = PRIMARY.get(state)
    primary = wanted if wanted in acts else None
    rest = [act for act in Act if act in acts and act is not primary]
    return Arranged(primary, tuple(act for act in rest if act not in GRAVE), tuple(act for act in rest if act in GRAVE))
