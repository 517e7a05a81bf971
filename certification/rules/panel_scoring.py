"""What a group of assessors gives: criteria of a score sheet, one assessor's total, the group's result. Pure.

Sources: DOMAIN 4.2 (examiners in groups of at least three and odd, with a head; about five candidates an examiner; 综合评审 at
least three and odd). How many, by which mean and with which tolerance are values of the rule profile. Marks have at most one
decimal and weights are whole per cents, so that an assessor's total is exact; only the group's result is rounded, half up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from certification.rules.pass_decision import AssessmentMode, plain_number, rounded_score
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

PANEL_LEAST = "certification.panel_least"
PANEL_ODD = "certification.panel_odd"
PANEL_METHOD = "certification.panel_method"
PANEL_TOLERANCE = "certification.panel_tolerance"
PANEL_ROUNDING = "certification.panel_rounding"
PANEL_RATIO = "certification.panel_candidates_per_assessor"
REVIEW_CRITERIA = "certification.review_criteria"
REVIEW_VOTE = "certification.review_vote_percent"
MEAN, TRIMMED = N_("取平均分"), N_("去掉最高分和最低分后取平均分")
PANEL_MODES = (
    AssessmentMode.SKILLS,
    AssessmentMode.COMPREHENSIVE_REVIEW,
    AssessmentMode.WORK_PERFORMANCE,
    AssessmentMode.PROCESS,
)
FULL_MARKS = Decimal(100)
LEAST_FOR_TRIMMING = 3
MAX_CRITERIA = 60
_MARK = re.compile(r"[0-9]{1,3}(\.[0-9])?")
_LINE = re.compile(r"(?P<text>.{1,200}?)\s*[|｜]\s*(?P<points>[-−－]?[0-9]{1,3}(\.[0-9])?)")

declare(
    RuleKey(PANEL_LEAST, 3, N_("考评组至少几人"), "3", minimum=1, maximum=15),
    RuleKey(PANEL_ODD, default=True, label=N_("考评组人数须为单数"), basis="≥3"),
    RuleKey(PANEL_METHOD, str(MEAN), N_("考评组成绩怎样由各人的评分得出"), choices=(str(MEAN), str(TRIMMED))),
    RuleKey(PANEL_TOLERANCE, 10.0, N_("考评员评分的最大分差（超过由组长组织合议）"), minimum=0, maximum=100),
    RuleKey(PANEL_ROUNDING, "0.01", N_("考评组成绩四舍五入到"), choices=("1", "0.5", "0.1", "0.01")),
    RuleKey(PANEL_RATIO, 5, N_("每名考评员最多对应几名考生（超过时提示）"), "1:5", minimum=1, maximum=100),
    RuleKey(REVIEW_CRITERIA, "论文=40,答辩=40,业绩=20", N_("综合评审的评分项和权重（合计 100）")),
    RuleKey(REVIEW_VOTE, 0, N_("综合评审表决通过须占的百分比（0 为不表决，按评分）"), minimum=0, maximum=100),
)


@dataclass(frozen=True, slots=True)
class Criterion:
    """One line of a score sheet: so many points to give, or at most so many to take off."""

    part: str
    text: str
    points: Decimal
    weight: Decimal = Decimal(1)
    is_deduction: bool = False

    def as_json(self) -> list[Any]:
        """Return the line as it is stored."""
        return [self.part, self.text, plain_number(self.points), plain_number(self.weight), self.is_deduction]


@dataclass(frozen=True, slots=True)
class GroupRule:
    """How a group's result comes about; `vote_percent` is None where nobody votes."""

    is_trimmed: bool
    tolerance: Decimal
    unit: Decimal
    vote_percent: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the rule as a group keeps it."""
        return {
            "is_trimmed": self.is_trimmed, "tolerance": plain_number(self.tolerance), "unit": plain_number(self.unit),
            "vote_percent": self.vote_percent,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class GroupOutcome:
    """What the totals of all assessors give together."""

    score: Decimal
    spread: Decimal
    is_disputed: bool


def criteria_of(rows: Iterable[Sequence[Any]]) -> tuple[Criterion, ...]:
    """Return stored lines as criteria."""
    return tuple(
        Criterion(part, text, Decimal(points), Decimal(weight), minus) for part, text, points, weight, minus in rows
    )


def rule_of(stored: Mapping[str, Any]) -> GroupRule:
    """Return the rule that a group keeps."""
    return GroupRule(
        stored["is_trimmed"], Decimal(stored["tolerance"]), Decimal(stored["unit"]), stored["vote_percent"]
    )


def rule_from_profile(values: Mapping[str, Any], mode: AssessmentMode) -> GroupRule:
    """Return the rule by which a new group works; only a comprehensive review votes."""
    percent = int(values[REVIEW_VOTE]) if mode is AssessmentMode.COMPREHENSIVE_REVIEW else 0
    return GroupRule(
        values[PANEL_METHOD] == TRIMMED, Decimal(str(values[PANEL_TOLERANCE])), Decimal(values[PANEL_ROUNDING]),
        percent or None,
    )  # fmt: skip


def check_size(n_members: int, values: Mapping[str, Any]) -> None:
    """Refuse a group that is too small, or even where the rule profile wants an odd number.

    Raises
    ------
    InvalidInputError
        Under the field ``members``.
    """
    if n_members < int(values[PANEL_LEAST]):
        message = N_("考评组至少 %(least)s 人，现在是 %(n)s 人")
        raise InvalidInputError(message, least=values[PANEL_LEAST], n=n_members, error_code="panel_size")
    if values[PANEL_ODD] and n_members % 2 == 0:
        raise InvalidInputError(N_("考评组人数须为单数，现在是 %(n)s 人"), n=n_members, error_code="panel_size")


def read_criteria(text: str) -> tuple[Criterion, ...]:
    r"""Read a score sheet: ``# part`` begins a part, ``point | 10`` is worth ten, ``slip | -5`` takes off at most five.

    Raises
    ------
    InvalidInputError
        With the number of the bad line, or if the points to give do not add up to 100.

    Examples
    --------
    >>> [(one.part, one.points, one.is_deduction) for one in read_criteria("# 操作\n步骤 | 100\n违反规程 | -20")]
    [('操作', Decimal('100'), False), ('操作', Decimal('20'), True)]
    """
    part, found = "", []
    for number, line in enumerate(text.splitlines(), start=1):
        plain = line.strip()
        if plain.startswith("#"):
            part = plain.lstrip("#").strip()[:60]
        elif plain:
            found.append(_criterion(part, plain, number))
    if not 1 <= len(found) <= MAX_CRITERIA:
        raise InvalidInputError(N_("评分表应有 1 至 %(most)s 行评分要点"), most=MAX_CRITERIA)
    total = sum((one.points for one in found if not one.is_deduction), Decimal(0))
    if total != FULL_MARKS:
        raise InvalidInputError(N_("评分要点合计应为 100 分，现在是 %(total)s 分"), total=plain_number(total))
    return tuple(found)


def _criterion(part: str, line: str, number: int) -> Criterion:
    match = _LINE.fullmatch(line)
    if match is None or not Decimal(match["points"].lstrip("-−－")):
        raise InvalidInputError(N_("第 %(n)s 行应写作：要点 | 分值，扣分项写负数，如：违反规程 | -5"), n=number)
    return Criterion(
        part, match["text"], Decimal(match["points"].lstrip("-−－")), is_deduction=match["points"][0] in "-−－"
    )


def sheet_text(criteria: Iterable[Criterion]) -> str:
    """Return criteria as `read_criteria` reads them, to edit."""
    lines, part = [], ""
    for one in criteria:
        if one.part != part:
            part = one.part
            lines.append(f"# {part}")
        lines.append(f"{one.text} | {'-' if one.is_deduction else ''}{plain_number(one.points)}")
    return "\n".join(lines)


def review_criteria(values: Mapping[str, Any]) -> tuple[Criterion, ...]:
    """Return the criteria of a comprehensive review: each out of 100, weighted as the rule profile says.

    Examples
    --------
    >>> [(one.text, str(one.weight)) for one in review_criteria({REVIEW_CRITERIA: "论文=60,答辩=40"})]
    [('论文', '0.6'), ('答辩', '0.4')]
    """
    found, total = [], 0
    for entry in str(values[REVIEW_CRITERIA]).replace("，", ",").split(","):
        name, _separator, percent = (piece.strip() for piece in entry.partition("="))
        if not name or not percent.isdecimal():
            raise InvalidInputError(N_("规则方案中的综合评审评分项“%(entry)s”应写作 名称=权重"), entry=entry.strip())
        total += int(percent)
        found.append(Criterion("", name[:200], FULL_MARKS, Decimal(percent) / 100))
    if total != FULL_MARKS:
        raise InvalidInputError(N_("规则方案中的综合评审权重合计应为 100，现在是 %(total)s"), total=total)
    return tuple(found)


def read_mark(text: str, most: Decimal) -> Decimal | None:
    """Return a typed mark, None for an empty one; raises InvalidInputError outside 0 to `most` or with two decimals."""
    plain = text.strip()
    if not plain:
        return None
    if not _MARK.fullmatch(plain) or Decimal(plain) > most:
        raise InvalidInputError(N_("应为 0 至 %(most)s 的数，最多一位小数"), most=plain_number(most))
    return Decimal(plain)


def mark_errors(criteria: Sequence[Criterion], marks: Sequence[str], *, is_complete: bool) -> dict[str, list[str]]:
    """Return what is wrong with typed marks by field ``mark-<number>``; complete ones have no empty mark to give."""
    errors: dict[str, list[str]] = {}
    for number, (one, text) in enumerate(zip(criteria, marks, strict=True), start=1):
        try:
            mark = read_mark(text, one.points)
        except InvalidInputError as error:
            errors[f"mark-{number}"] = [error.message]
        else:
            if is_complete and mark is None and not one.is_deduction:
                errors[f"mark-{number}"] = [N_("还没有评分")]
    return errors


def sheet_total(criteria: Sequence[Criterion], marks: Sequence[str]) -> Decimal:
    r"""Return an assessor's exact total: what is given by weight less what is taken off, never below zero.

    Examples
    --------
    >>> sheet = read_criteria("步骤 | 60\n质量 | 40\n违规 | -10")
    >>> sheet_total(sheet, ["50", "35.5", "5"]), sheet_total(sheet, ["0", "2", "10"])
    (Decimal('80.5'), Decimal('0'))
    """
    total = Decimal(0)
    for one, text in zip(criteria, marks, strict=True):
        mark = read_mark(text, one.points) or Decimal(0)
        total += -mark if one.is_deduction else mark * one.weight
    return max(total, Decimal(0))


def group_outcome(totals: Sequence[Decimal], rule: GroupRule) -> GroupOutcome:
    """Return what several totals give: their mean, or that of the rest without the highest and the lowest.

    Examples
    --------
    >>> rule = GroupRule(False, Decimal(10), Decimal("0.01"))
    >>> group_outcome([Decimal(80), Decimal(85), Decimal(86)], rule).score
    Decimal('83.67')
    >>> group_outcome([Decimal(70), Decimal(85), Decimal(86)], GroupRule(True, Decimal(10), Decimal(1)))
    GroupOutcome(score=Decimal('85'), spread=Decimal('16'), is_disputed=True)
    """
    ordered = sorted(totals)
    counted = ordered[1:-1] if rule.is_trimmed and len(ordered) >= LEAST_FOR_TRIMMING else ordered
    spread = ordered[-1] - ordered[0]
    mean = sum(counted, Decimal(0)) / len(counted)
    return GroupOutcome(rounded_score(mean, rule.unit), spread, spread > rule.tolerance)


def is_carried(n_for: int, n_votes: int, percent: int) -> bool:
    """Say whether a vote is carried.

    >>> is_carried(2, 3, 66), is_carried(2, 3, 67)
    (True, False)
    """
    return n_for * 100 >= n_votes * percent
