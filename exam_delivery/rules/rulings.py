"""Rulings about a result: misconduct, a void for other reasons, illness and other excused absences. Pure.

Sources: DOMAIN 5 "Violations" (a college's rule for 认定 in four tiers; the Ministry's order 31 of 2017 is the model: this
part void, all parts void with a record of years; every case with evidence, two signatures, notice and appeal), and
DOMAIN 7 (part results kept for months, retakes). Scopes and months are values of the rule profile.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping
from dataclasses import dataclass

from kernel.errors import IllegalTransitionError
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

MONTHS_IN_YEAR = 12
TIERS = (1, 2, 3, 4)


class RulingKind(enum.StrEnum):
    """Why a result is not what the answers alone would give."""

    MISCONDUCT = "misconduct"
    VOID = "void"
    MEDICAL = "medical"
    EXCUSED = "excused"


class RulingScope(enum.StrEnum):
    """What a ruling cancels."""

    NOTHING = "nothing"
    THIS_PART = "this_part"
    ALL_PARTS = "all_parts"


class RulingState(enum.StrEnum):
    """How far a ruling is; it counts only while it is in force."""

    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    REVERSED = "reversed"


KIND_LABELS: Mapping[RulingKind, str] = {
    RulingKind.MISCONDUCT: N_("违纪违规"),
    RulingKind.VOID: N_("成绩无效（非考生过错）"),
    RulingKind.MEDICAL: N_("因病缺考或中止"),
    RulingKind.EXCUSED: N_("其他正当缺考"),
}
STATE_LABELS: Mapping[RulingState, str] = {
    RulingState.PROPOSED: N_("待另一人决定"),
    RulingState.IN_FORCE: N_("有效"),
    RulingState.REJECTED: N_("未批准"),
    RulingState.WITHDRAWN: N_("已撤回"),
    RulingState.REVERSED: N_("已撤销"),
}
WITHOUT_LOSS = frozenset({RulingKind.VOID, RulingKind.MEDICAL, RulingKind.EXCUSED})
"""Kinds after which the candidate sits again without a retake being counted."""
SCOPE_LABELS: Mapping[RulingScope, str] = {
    RulingScope.NOTHING: N_("不取消成绩"),
    RulingScope.THIS_PART: N_("本科目"),
    RulingScope.ALL_PARTS: N_("本次全部科目"),
}
"""Also the words that rule profiles keep."""
SCOPE_KEY, MONTHS_KEY = "exam.misconduct_scope_{tier}", "exam.misconduct_months_{tier}"
BASIS = N_("机构考场规则；参照人力资源社会保障部令第 31 号的分档")

_DEFAULTS = {
    1: (RulingScope.THIS_PART, 0, N_("一类违纪（禁带物品、座位、秩序）")),
    2: (RulingScope.THIS_PART, 0, N_("二类违纪（抄袭、传递、雷同）")),
    3: (RulingScope.ALL_PARTS, 12, N_("三类违纪（电子设备、协助作弊、毁卷、泄题）")),
    4: (RulingScope.ALL_PARTS, 36, N_("四类违纪（替考、组织作弊等）")),
}
TIER_LABELS: Mapping[int, str] = {tier: label for tier, (_scope, _months, label) in _DEFAULTS.items()}
SCOPE_KEY_LABELS = {
    1: N_("一类违纪取消哪些成绩"),
    2: N_("二类违纪取消哪些成绩"),
    3: N_("三类违纪取消哪些成绩"),
    4: N_("四类违纪取消哪些成绩"),
}
MONTHS_KEY_LABELS = {
    1: N_("一类违纪几个月内不得报考"),
    2: N_("二类违纪几个月内不得报考"),
    3: N_("三类违纪几个月内不得报考"),
    4: N_("四类违纪几个月内不得报考"),
}
declare(
    *(
        RuleKey(
            SCOPE_KEY.format(tier=tier),
            SCOPE_LABELS[scope],
            SCOPE_KEY_LABELS[tier],
            BASIS,
            choices=tuple(SCOPE_LABELS.values()),
        )
        for tier, (scope, _months, _label) in _DEFAULTS.items()
    ),
    *(
        RuleKey(MONTHS_KEY.format(tier=tier), months, MONTHS_KEY_LABELS[tier], BASIS, minimum=0, maximum=600)
        for tier, (_scope, months, _label) in _DEFAULTS.items()
    ),
)


@dataclass(frozen=True, slots=True)
class Sanction:
    """What follows from a ruling: which scores are cancelled, and for how many months registration is refused."""

    scope: RulingScope
    bar_months: int = 0


def sanction(kind: RulingKind, tier: int | None, values: Mapping[str, object], *, has_sat: bool) -> Sanction:
    """Return what a ruling means under a rule profile.

    Misconduct follows its tier. A void cancels this part. An excused absence cancels nothing, for there is no score; who
    fell ill while sitting has this part cancelled, so that it is no failure.

    Examples
    --------
    >>> values = {SCOPE_KEY.format(tier=3): "本次全部科目", MONTHS_KEY.format(tier=3): 12}
    >>> sanction(RulingKind.MISCONDUCT, 3, values, has_sat=True).bar_months
    12
    >>> str(sanction(RulingKind.MEDICAL, None, {}, has_sat=False).scope)
    'nothing'
    """
    if kind is RulingKind.MISCONDUCT:
        word = values[SCOPE_KEY.format(tier=tier)]
        scope = next(scope for scope, label in SCOPE_LABELS.items() if label == word)
        return Sanction(scope, int(str(values[MONTHS_KEY.format(tier=tier)])))
    cancels = kind is RulingKind.VOID or has_sat
    return Sanction(RulingScope.THIS_PART if cancels else RulingScope.NOTHING)


def months_later(day: dt.date, n_months: int) -> dt.date:
    """Return the same day some months later, or the last day of a shorter month.

    Examples
    --------
    >>> months_later(dt.date(2026, 8, 31), 6), months_later(dt.date(2024, 2, 29), 12)
    (datetime.date(2027, 2, 28), datetime.date(2025, 2, 28))
    """
    years, month = divmod(day.month - 1 + n_months, MONTHS_IN_YEAR)
    first = dt.date(day.year + years, month + 1, 1)
    following = dt.date(first.year + first.month // MONTHS_IN_YEAR, first.month % MONTHS_IN_YEAR + 1, 1)
    return first.replace(day=min(day.day, (following - dt.timedelta(days=1)).day))


def barred_until(decided_on: dt.date, bar_months: int) -> dt.date | None:
    """Return the last day on which registration is refused, None without a bar."""
    return months_later(decided_on, bar_months) if bar_months else None


def check_state(present: RulingState, wanted: RulingState) -> None:
    """Refuse to decide a ruling twice, or to reverse one that is not in force.

    Raises
    ------
    IllegalTransitionError
        With the name of the present state.
    """
    allowed = {
        RulingState.PROPOSED: {RulingState.IN_FORCE, RulingState.REJECTED, RulingState.WITHDRAWN},
        RulingState.IN_FORCE: {RulingState.REVERSED},
    }
    if wanted not in allowed.get(present, set()):
        raise IllegalTransitionError(N_("这个处理决定现在是“%(state)s”，不能这样办理"), state=STATE_LABELS[present])
