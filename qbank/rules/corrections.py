"""Words and laws of correction cases: an item reported to be wrong, on its way to a decision."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from kernel.errors import IllegalTransitionError
from kernel.i18n import N_


class ReportSource(enum.StrEnum):
    """From where an error was reported."""

    EXAM_ROOM = "exam_room"
    MARKER = "marker"
    CANDIDATE = "candidate"
    STAFF = "staff"


class CaseState(enum.StrEnum):
    """Where a case stands."""

    REPORTED = "reported"
    TRIAGED = "triaged"
    DECIDED = "decided"
    CLOSED = "closed"


class Outcome(enum.StrEnum):
    """What was decided."""

    NEW_VERSION = "new_version"
    RETIREMENT = "retirement"
    REJECTION = "rejection"


class CaseAct(enum.StrEnum):
    """One step of a case."""

    REPORT = "report"
    TRIAGE = "triage"
    ASSIGN = "assign"
    NOTE = "note"
    QUARANTINE = "quarantine"
    RELEASE = "release"
    DECIDE = "decide"
    CLOSE = "close"
    REOPEN = "reopen"


SOURCE_LABELS = {
    ReportSource.EXAM_ROOM: N_("考场"),
    ReportSource.MARKER: N_("阅卷"),
    ReportSource.CANDIDATE: N_("考生或社会"),
    ReportSource.STAFF: N_("本机构人员"),
}
STATE_LABELS = {
    CaseState.REPORTED: N_("新报告"),
    CaseState.TRIAGED: N_("处理中"),
    CaseState.DECIDED: N_("已决定"),
    CaseState.CLOSED: N_("已办结"),
}
STATE_KINDS = {
    CaseState.REPORTED: "warning",
    CaseState.TRIAGED: "info",
    CaseState.DECIDED: "info",
    CaseState.CLOSED: "neutral",
}
OUTCOME_LABELS = {
    Outcome.NEW_VERSION: N_("修订试题"),
    Outcome.RETIREMENT: N_("停用试题"),
    Outcome.REJECTION: N_("试题无误，不予更正"),
}
ACT_LABELS = {
    CaseAct.REPORT: N_("收到报告"),
    CaseAct.TRIAGE: N_("受理"),
    CaseAct.ASSIGN: N_("指派"),
    CaseAct.NOTE: N_("补充说明"),
    CaseAct.QUARANTINE: N_("暂停组卷使用"),
    CaseAct.RELEASE: N_("恢复组卷使用"),
    CaseAct.DECIDE: N_("作出决定"),
    CaseAct.CLOSE: N_("办结"),
    CaseAct.REOPEN: N_("重新打开"),
}
STEPS: Mapping[CaseAct, tuple[frozenset[CaseState], CaseState]] = {
    CaseAct.TRIAGE: (frozenset({CaseState.REPORTED}), CaseState.TRIAGED),
    CaseAct.DECIDE: (frozenset({CaseState.TRIAGED}), CaseState.DECIDED),
    CaseAct.CLOSE: (frozenset({CaseState.DECIDED}), CaseState.CLOSED),
    CaseAct.REOPEN: (frozenset({CaseState.DECIDED}), CaseState.TRIAGED),
}
"""Acts that change the state: from which states, and to which."""
OPEN_STATES = frozenset({CaseState.REPORTED, CaseState.TRIAGED, CaseState.DECIDED})


def after(act: CaseAct, state: CaseState) -> CaseState:
    """Return the state that an act leads to; raises IllegalTransitionError where it is not possible.

    Examples
    --------
    >>> after(CaseAct.TRIAGE, CaseState.REPORTED)
    <CaseState.TRIAGED: 'triaged'>
    """
    sources, target = STEPS[act]
    if state not in sources:
        raise IllegalTransitionError(
            N_("更正案现在是“%(state)s”，不能“%(act)s”，请刷新页面"), state=STATE_LABELS[state], act=ACT_LABELS[act]
        )
    return target
