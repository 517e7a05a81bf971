"""Who may register for a level (申报条件): rules that an organisation writes as lines, held against the columns of a roster.

One line is one way to be eligible, ``四级：证书等级 >= 五级 且 从事本职业（工种）时间 >= 1``. Of several lines of a level one is enough; a
level without lines is not checked; lines that begin with ``#`` are notes. Evidence that is not in the roster makes nobody ineligible.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exam_delivery.rules.roster_columns import KEPT_HEADINGS, plain_heading
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey

AGE = "年龄"
KNOWN = {plain_heading(name): name for name in (*KEPT_HEADINGS, AGE)}
OPERATORS = {
    ">=": ">=", "≥": ">=", "不少于": ">=", "不低于": ">=", "<=": "<=", "≤": "<=", "不超过": "<=", "=": "=", "为": "=", "含": "含",
}  # fmt: skip
_CONDITION = re.compile(rf"(.+?)\s*({'|'.join(map(re.escape, OPERATORS))})\s*(.+)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_RANKS = (
    (9, re.compile(r"专项")),
    (6, re.compile(r"学徒")),
    (-2, re.compile(r"首席技师")),
    (-1, re.compile(r"特级技师")),
    (5, re.compile(r"五级|初级工")),
    (4, re.compile(r"四级|中级工")),
    (3, re.compile(r"三级|高级工")),
    (1, re.compile(r"一级|高级技师")),
    (2, re.compile(r"二级|技师")),
)
NOTE = """\
# 每行一条：等级：条件 且 条件。同一等级写几行的，符合一行即可；没有写的等级不核对。
# 例如 四级：证书等级 >= 五级 且 专业年限 >= 1"""


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison: a column of the roster, an operator, and what it is compared with."""

    column: str
    operator: str
    wanted: str

    def holds(self, values: Mapping[str, str]) -> bool | None:
        """Say whether a person meets it; None where the roster does not tell."""
        found = values.get(self.column, "").strip()
        if not found:
            return None
        if self.operator == "含":
            return self.wanted in found
        pair = _comparable(found, self.wanted)
        if pair is None:
            return found == self.wanted if self.operator == "=" else None
        if self.operator == "=":
            return pair[0] == pair[1]
        return pair[0] >= pair[1] if self.operator == ">=" else pair[0] <= pair[1]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to be eligible for a level: all conditions together; `text` is the line as it was written."""

    rank: int
    text: str
    conditions: tuple[Condition, ...]

    def holds(self, values: Mapping[str, str]) -> bool | None:
        """Say whether a person meets all of it; None where the roster does not tell."""
        found = [condition.holds(values) for condition in self.conditions]
        if False in found:
            return False
        return None if None in found else True


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether somebody is eligible; if not, the ways there were, if unknown, the columns that are missing."""

    is_eligible: bool | None
    ways: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def rank_of(level: str) -> int:
    """Return the rank of a level as people write it, the lower the higher: 5 to 1, what is added around them; 0 for none.

    Examples
    --------
    >>> [rank_of(text) for text in ("四级/中级工", "高级技师", "技师", "高级工", "初级工", "大专")]
    [4, 1, 2, 3, 5, 0]
    >>> [rank_of(text) for text in ("专项职业能力", "学徒工", "特级技师", "首席技师")]
    [9, 6, -1, -2]
    """
    return next((rank for rank, pattern in _RANKS if pattern.search(level.strip())), 0)


def _comparable(found: str, wanted: str) -> tuple[float, float] | None:
    """Return both as numbers that grow with skill or time; months become years."""
    if wanted_rank := rank_of(wanted):
        rank = rank_of(found) or (int(found) if found in {"1", "2", "3", "4", "5"} else 0)
        return (-float(rank), -float(wanted_rank)) if rank else None
    number, wanted_number = _number(found), _number(wanted)
    return None if number is None or wanted_number is None else (number, wanted_number)


def _number(text: str) -> float | None:
    match = _NUMBER.search(text)
    if match is None:
        return None
    return float(match[0]) / 12 if "月" in text and "年" not in text else float(match[0])


def parse_ways(text: str) -> tuple[Way, ...]:
    """Return the ways that a text of lines describes; raises InvalidInputError that names the line."""
    lines = [line.strip() for line in text.splitlines()]
    return tuple(_way(line) for line in lines if line and not line.startswith("#"))


def _way(line: str) -> Way:
    level, colon, rest = line.replace(":", "：", 1).partition("：")
    rank = rank_of(level)
    if not colon or not rank:
        raise InvalidInputError(N_("申报条件“%(line)s”应写成“等级：条件”，例如“四级：专业年限 >= 1”"), line=line)
    return Way(rank, line, tuple(_condition(part, line) for part in re.split(r"且|并且", rest)))


def _condition(part: str, line: str) -> Condition:
    match = _CONDITION.fullmatch(part.strip())
    column = KNOWN.get(plain_heading(match[1])) if match else None
    if match is None or column is None:
        raise InvalidInputError(
            N_("申报条件“%(line)s”中的“%(part)s”不能识别；条件写成“报名表的列名 >= 值”，也可用 <=、=、含"),
            line=line,
            part=part.strip(),
        )
    return Condition(column, OPERATORS[match[2]], match[3].strip())


def judge(ways: tuple[Way, ...], level: str, values: Mapping[str, str]) -> Verdict:
    """Say whether somebody with these columns may register for a level."""
    mine = [way for way in ways if way.rank == rank_of(level)]
    found = [way.holds(values) for way in mine]
    if not mine or True in found:
        return Verdict(is_eligible=True)
    if None not in found:
        return Verdict(is_eligible=False, ways=tuple(way.text for way in mine))
    open_ways = [way for way, held in zip(mine, found, strict=True) if held is None]
    missing = {one.column for way in open_ways for one in way.conditions if one.holds(values) is None}
    return Verdict(is_eligible=None, missing=tuple(sorted(missing)))


@dataclass(frozen=True, slots=True)
class EligibilityKey(RuleKey):
    """A rule-profile value whose lines are read before they are published."""

    def check(self, candidate: Any) -> Any:
        """Return the text; raises InvalidInputError that names the line that cannot be read."""
        parse_ways(str(candidate))
        return candidate
