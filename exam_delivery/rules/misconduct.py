"""A misconduct case: written down by one invigilator, signed by two, decided by the exam officer. Pure.

Every case needs evidence, two signatures, notice to the candidate and a way to appeal (DOMAIN 5). What a tier means for scores
and registration is a value of the rule profile (`rulings`).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from kernel.canonical import digest
from kernel.errors import IllegalTransitionError
from kernel.i18n import N_

N_SIGNATURES = 2
SHORTEST_FACTS = 10
LONGEST_TEXT = 2000


class CaseState(enum.StrEnum):
    """How far a case is."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    DECIDED = "decided"
    DISMISSED = "dismissed"
    WITHDRAWN = "withdrawn"


class Breach(enum.StrEnum):
    """What was seen."""

    FORBIDDEN_ITEM = "forbidden_item"
    PHONE = "phone"
    COPYING = "copying"
    PASSING = "passing"
    TALKING = "talking"
    SEAT = "seat"
    IMPERSONATION = "impersonation"
    LEAVING_PAGE = "leaving_page"
    RECORDING = "recording"
    DISORDER = "disorder"
    OTHER = "other"


STATE_LABELS: Mapping[CaseState, str] = {
    CaseState.PROPOSED: N_("待两人签字"),
    CaseState.CONFIRMED: N_("待考务决定"),
    CaseState.DECIDED: N_("已认定违纪"),
    CaseState.DISMISSED: N_("不予认定"),
    CaseState.WITHDRAWN: N_("已撤回"),
}
STATE_KINDS: Mapping[CaseState, str] = {
    CaseState.PROPOSED: "warning",
    CaseState.CONFIRMED: "info",
    CaseState.DECIDED: "danger",
    CaseState.DISMISSED: "neutral",
    CaseState.WITHDRAWN: "neutral",
}
BREACH_LABELS: Mapping[Breach, str] = {
    Breach.FORBIDDEN_ITEM: N_("携带禁带物品"),
    Breach.PHONE: N_("使用手机等电子设备"),
    Breach.COPYING: N_("抄袭"),
    Breach.PASSING: N_("传递物品或答案"),
    Breach.TALKING: N_("交谈、打暗号"),
    Breach.SEAT: N_("不按座位就座或擅自换设备"),
    Breach.IMPERSONATION: N_("替考或身份不符"),
    Breach.LEAVING_PAGE: N_("多次离开考试页面"),
    Breach.RECORDING: N_("拍摄、抄录或带出试题"),
    Breach.DISORDER: N_("扰乱考场秩序"),
    Breach.OTHER: N_("其他"),
}
ALLOWED: Mapping[CaseState, frozenset[CaseState]] = {
    CaseState.PROPOSED: frozenset({CaseState.CONFIRMED, CaseState.WITHDRAWN}),
    CaseState.CONFIRMED: frozenset({CaseState.DECIDED, CaseState.DISMISSED}),
    CaseState.DECIDED: frozenset(),
    CaseState.DISMISSED: frozenset(),
    CaseState.WITHDRAWN: frozenset(),
}


def check_step(present: CaseState, wanted: CaseState) -> None:
    """Refuse a step that the table does not have.

    Raises
    ------
    IllegalTransitionError
        With the names of both states.
    """
    if wanted not in ALLOWED[present]:
        raise IllegalTransitionError(
            N_("违纪案现在是“%(present)s”，不能改为“%(wanted)s”"),
            present=STATE_LABELS[present],
            wanted=STATE_LABELS[wanted],
        )


def facts_digest(*, registration: str, breach: str, facts: str, statement: str, is_refused: bool) -> str:
    """Return the digest of what the two invigilators sign; a later change would show."""
    return digest(
        {
            "registration": registration,
            "breach": breach,
            "facts": facts,
            "statement": statement,
            "statement_refused": is_refused,
        }
    )
