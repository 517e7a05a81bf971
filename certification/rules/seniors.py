"""特级技师 and 首席技师: who may apply, how a panel decides, terms; every number is a value of the rule profile. Pure.

Sources: 人社厅发〔2020〕104号 三 and 鲁人社字〔2020〕20号 一（三） (enterprises may set these levels above 高级技师), DOMAIN 6.1
(appraised and appointed mostly by achievement review, then publicity) and 4.2 (panels of at least three, odd). Years at the
level held, quotas, the share of votes and the length of a term are found in no document: the installation enters them.
"""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from certification.rules.levels import items_of
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare
from kernel.skill_levels import all_levels, code_of

CONDITIONS = "certification.senior_conditions"
LEVELS = "certification.senior_levels"
QUOTA = "certification.senior_quota"
VOTE_SHARE = "certification.senior_vote_share"
PASS_MARK = "certification.senior_pass_mark"  # noqa: S105 - a mark, no password
TERM_YEARS = "certification.senior_term_years"
PUBLICITY_DAYS = "certification.senior_publicity_days"
TERM_IS_VALIDITY = "certification.senior_term_is_validity"
SHARES = ("1/2", "2/3", "3/4")
NOTE = """\
# 每行一条：等级：项目 >= 值。同一等级的各行都要符合，不符合的逐行指出。
# 项目：现等级、取得现等级年限、从事本职业年限、在本单位年限、年龄、材料份数
特级技师：现等级 >= 一级
首席技师：现等级 >= 特级技师
特级技师：材料份数 >= 1
首席技师：材料份数 >= 1
# 例如 特级技师：取得现等级年限 >= 5"""
_LINE = re.compile(
    r"(?P<level>[^:：]{1,40})[:：]\s*(?P<name>[^<>=≥≤]{1,20}?)\s*(?P<operator>>=|<=|=|≥|≤)\s*(?P<wanted>\S{1,40})"
)
_QUOTA = re.compile(r"(.+?)=([0-9]{1,4})")


class SeniorState(enum.StrEnum):
    """Where an application stands."""

    DRAFT = "draft"
    REVIEW = "review"
    PASSED = "passed"
    PUBLICITY = "publicity"
    APPOINTED = "appointed"
    ENDED = "ended"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class SeniorAct(enum.StrEnum):
    """What happened to an application."""

    CREATED = "created"
    CHANGED = "changed"
    SUBMITTED = "submitted"
    PANEL = "panel"
    DECIDED = "decided"
    PUBLICITY = "publicity"
    APPOINTED = "appointed"
    RENEWED = "renewed"
    ENDED = "ended"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    CERTIFIED = "certified"


STATE_LABELS: Mapping[SeniorState, str] = {
    SeniorState.DRAFT: N_("填报中"),
    SeniorState.REVIEW: N_("评审中"),
    SeniorState.PASSED: N_("评审通过"),
    SeniorState.PUBLICITY: N_("公示中"),
    SeniorState.APPOINTED: N_("已聘任"),
    SeniorState.ENDED: N_("聘期结束"),
    SeniorState.REFUSED: N_("未通过"),
    SeniorState.WITHDRAWN: N_("已撤回"),
}
ACT_LABELS: Mapping[SeniorAct, str] = {
    SeniorAct.CREATED: N_("建立申报"),
    SeniorAct.CHANGED: N_("修改申报"),
    SeniorAct.SUBMITTED: N_("资格审查通过，送评审"),
    SeniorAct.PANEL: N_("确定评委"),
    SeniorAct.DECIDED: N_("评审结论"),
    SeniorAct.PUBLICITY: N_("开始公示"),
    SeniorAct.APPOINTED: N_("聘任"),
    SeniorAct.RENEWED: N_("续聘"),
    SeniorAct.ENDED: N_("解聘或聘期结束"),
    SeniorAct.REFUSED: N_("不予聘任"),
    SeniorAct.WITHDRAWN: N_("撤回这份申报"),
    SeniorAct.CERTIFIED: N_("转入发证批次"),
}
STEPS: Mapping[SeniorState, frozenset[SeniorState]] = {
    SeniorState.DRAFT: frozenset({SeniorState.REVIEW, SeniorState.WITHDRAWN}),
    SeniorState.REVIEW: frozenset({SeniorState.PASSED, SeniorState.REFUSED, SeniorState.WITHDRAWN}),
    SeniorState.PASSED: frozenset({SeniorState.PUBLICITY, SeniorState.WITHDRAWN}),
    SeniorState.PUBLICITY: frozenset({SeniorState.APPOINTED, SeniorState.REFUSED, SeniorState.WITHDRAWN}),
    SeniorState.APPOINTED: frozenset({SeniorState.ENDED}),
}
OPEN_STATES = frozenset({SeniorState.DRAFT, SeniorState.REVIEW, SeniorState.PASSED, SeniorState.PUBLICITY})
COUNTED_STATES = frozenset({SeniorState.REVIEW, SeniorState.PASSED, SeniorState.PUBLICITY, SeniorState.APPOINTED})
"""States that take a place of the quota."""


# --- conditions ------------------------------------------------------------------------------------------------------


class Field(enum.StrEnum):
    """What a condition may ask about."""

    CURRENT = N_("现等级")
    HELD = N_("取得现等级年限")
    OCCUPATION = N_("从事本职业年限")
    EMPLOYER = N_("在本单位年限")
    AGE = N_("年龄")
    MATERIALS = N_("材料份数")


@dataclass(frozen=True, slots=True)
class Applicant:
    """What the conditions are held against; years are full years on the day of the application."""

    current_level: str
    held_since: dt.date
    years_in_occupation: int
    joined_on: dt.date | None
    birth_date: dt.date | None
    n_materials: int
    today: dt.date


@dataclass(frozen=True, slots=True)
class Condition:
    """One line: a level, a field, an operator and what it is compared with; `text` as it was written."""

    level: str
    field: Field
    operator: str
    wanted: str
    text: str


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A line that an applicant does not meet, and what was found instead (empty: it is not known)."""

    text: str
    found: str


def full_years(since: dt.date, today: dt.date) -> int:
    """Return how many whole years have gone by.

    Examples
    --------
    >>> full_years(dt.date(2020, 2, 29), dt.date(2025, 2, 28)), full_years(dt.date(2020, 2, 29), dt.date(2025, 3, 1))
    (4, 5)
    """
    return today.year - since.year - ((today.month, today.day) < (since.month, since.day))


def parse_conditions(text: str, values: Mapping[str, Any] | None = None) -> tuple[Condition, ...]:
    """Return the conditions that a text of lines describes.

    Raises
    ------
    InvalidInputError
        If a line cannot be read; the message names it.
    """
    lines = [line.strip() for line in text.splitlines()]
    return tuple(_condition(line, values or {}) for line in lines if line and not line.startswith("#"))


def _condition(line: str, values: Mapping[str, Any]) -> Condition:
    match = _LINE.fullmatch(line)
    known = match and match["name"].strip() in set(Field)
    if match is None or not known:
        message = N_(
            "申报条件“%(line)s”应写成“特级技师：项目 >= 值”，项目为现等级、取得现等级年限、从事本职业年限、在本单位年限、年龄、材料份数"
        )
        raise InvalidInputError(message, line=line)
    name, operator = Field(match["name"].strip()), {"≥": ">=", "≤": "<="}.get(match["operator"], match["operator"])
    wanted = code_of(match["wanted"], values) if name is Field.CURRENT else match["wanted"]
    if name is Field.CURRENT and wanted not in all_levels(values):
        raise InvalidInputError(N_("申报条件“%(line)s”中的等级不在等级序列中"), line=line)
    if name is not Field.CURRENT and not wanted.isdecimal():
        raise InvalidInputError(N_("申报条件“%(line)s”中的值应为整数"), line=line)
    return Condition(code_of(match["level"], values), name, operator, wanted, line)


def shortfalls(
    conditions: Sequence[Condition], level: str, applicant: Applicant, values: Mapping[str, Any]
) -> list[Shortfall]:
    """Return every line for a level that an applicant does not meet."""
    mine = [one for one in conditions if one.level == level]
    return [
        Shortfall(one.text, _found_text(one, applicant, values)) for one in mine if not _holds(one, applicant, values)
    ]


def _number_of(field: Field, applicant: Applicant) -> int | None:
    if field is Field.HELD:
        return full_years(applicant.held_since, applicant.today)
    if field is Field.OCCUPATION:
        return applicant.years_in_occupation
    if field is Field.EMPLOYER:
        return full_years(applicant.joined_on, applicant.today) if applicant.joined_on else None
    if field is Field.AGE:
        return full_years(applicant.birth_date, applicant.today) if applicant.birth_date else None
    return applicant.n_materials


def _holds(condition: Condition, applicant: Applicant, values: Mapping[str, Any]) -> bool:
    levels = all_levels(values)
    if condition.field is Field.CURRENT:
        held = levels.get(applicant.current_level)
        pair = (held.rank if held else None, levels[condition.wanted].rank)
    else:
        pair = (_number_of(condition.field, applicant), int(condition.wanted))
    found, wanted = pair
    if found is None:
        return False
    return {">=": found >= wanted, "<=": found <= wanted, "=": found == wanted}[condition.operator]


def _found_text(condition: Condition, applicant: Applicant, values: Mapping[str, Any]) -> str:
    if condition.field is Field.CURRENT:
        held = all_levels(values).get(applicant.current_level)
        return held.name if held else applicant.current_level
    number = _number_of(condition.field, applicant)
    return "" if number is None else str(number)


# --- quota, panel, term ----------------------------------------------------------------------------------------------


def senior_codes(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the codes of the levels that are reached by application."""
    return tuple(code_of(part, values) for part in items_of(str(values[LEVELS])))


def quota_of(values: Mapping[str, Any], level: str) -> int | None:
    """Return how many people of one employer may hold or be on the way to a level, None without a limit.

    Raises
    ------
    InvalidInputError
        If an entry is not written ``level=number``.
    """
    for entry in items_of(str(values[QUOTA])):
        match = _QUOTA.fullmatch(entry)
        if match is None:
            raise InvalidInputError(N_("名额“%(entry)s”应写作 等级=人数，例如 特级技师=5"), entry=entry)
        if code_of(match[1], values) == level:
            return int(match[2])
    return None


@dataclass(frozen=True, slots=True)
class Ballot:
    """What one member of a panel gave."""

    vote: bool
    score: Decimal


@dataclass(frozen=True, slots=True)
class PanelOutcome:
    """The panel's result: votes, the mean score (half up to 0.01) and whether both reach what the rule asks."""

    n_for: int
    n_members: int
    mean: Decimal
    is_passed: bool


def panel_outcome(ballots: Iterable[Ballot], *, share: str, pass_mark: Decimal) -> PanelOutcome:
    """Return the result of a panel that has voted; half of the votes is never enough.

    Examples
    --------
    >>> votes = [Ballot(True, Decimal(90)), Ballot(True, Decimal(80)), Ballot(False, Decimal(55))]
    >>> panel_outcome(votes, share="2/3", pass_mark=Decimal(60))
    PanelOutcome(n_for=2, n_members=3, mean=Decimal('75.00'), is_passed=True)
    >>> panel_outcome(votes, share="3/4", pass_mark=Decimal(60)).is_passed
    False
    """
    given = list(ballots)
    n_for = sum(one.vote for one in given)
    mean = (sum((one.score for one in given), Decimal(0)) / len(given)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    reached = Fraction(n_for, len(given))
    enough = reached >= Fraction(share) and reached > Fraction(1, 2)
    return PanelOutcome(n_for, len(given), mean, enough and mean >= pass_mark)


def panel_problem(n_members: int, *, least: int, is_odd: bool) -> tuple[str, dict[str, int]] | None:
    """Return what is wrong with the size of a panel, None when nothing is."""
    if n_members < least:
        return N_("评委至少 %(least)s 人，现在是 %(n)s 人"), {"least": least, "n": n_members}
    if is_odd and n_members % 2 == 0:
        return N_("评委人数应为单数，现在是 %(n)s 人"), {"n": n_members}
    return None


def last_day_of_term(first: dt.date, years: int) -> dt.date:
    """Return the last day of a term of whole years.

    Examples
    --------
    >>> last_day_of_term(dt.date(2026, 12, 1), 3), last_day_of_term(dt.date(2028, 2, 29), 1)
    (datetime.date(2029, 11, 30), datetime.date(2029, 2, 28))
    """
    if (first.month, first.day) == (2, 29):
        first = dt.date(first.year, 3, 1)
    return first.replace(year=first.year + years) - dt.timedelta(days=1)


# --- rule-profile values ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConditionsKey(RuleKey):
    """The conditions, read before they are published."""

    def check(self, candidate: Any) -> Any:
        """Return the text; raises InvalidInputError that names the line."""
        parse_conditions(str(candidate))
        return candidate


@dataclass(frozen=True, slots=True)
class QuotaKey(RuleKey):
    """The quotas, read before they are published."""

    def check(self, candidate: Any) -> Any:
        """Return the text; raises InvalidInputError that names the entry."""
        quota_of({QUOTA: candidate}, "")
        return candidate


declare(
    RuleKey(LEVELS, "特级技师,首席技师", N_("经申报、评审、聘任取得的等级（代码或名称，逗号分隔）"), N_("人社厅发〔2020〕104号 三")),
    ConditionsKey(CONDITIONS, NOTE, N_("特级技师、首席技师的申报条件"), N_("在高级技师之上设立（鲁人社字〔2020〕20号）；年限由各地规定")),
    QuotaKey(QUOTA, "", N_("每个用人单位的名额（如 特级技师=5，逗号分隔；没有写的不限）")),
    RuleKey(VOTE_SHARE, "2/3", N_("评审通过须达到的赞成票比例"), choices=SHARES),
    RuleKey(PASS_MARK, 60.0, N_("评委平均分的通过线"), minimum=0, maximum=100),
    RuleKey(TERM_YEARS, 3, N_("特级技师、首席技师的聘期（年）"), minimum=1, maximum=10),
    RuleKey(TERM_IS_VALIDITY, True, N_("特级技师、首席技师证书的有效期到聘期最后一天为止")),
    RuleKey(PUBLICITY_DAYS, 5, N_("特级技师、首席技师评审结果的公示期（工作日）"), "3–10", minimum=1, maximum=60),
)  # fmt: skip
