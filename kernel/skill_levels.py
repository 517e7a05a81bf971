"""The scale of skill levels (新八级) as data of the rule profile, and the one level of a special ability (专项). Pure.

The five national levels are fixed; the levels that an installation adds below and above them (学徒工, 特级技师, 首席技师)
stand in its rule profile with their names and places. A special ability has one level that stands on no scale.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare


class LevelKind(enum.StrEnum):
    """What sort of level it is."""

    NATIONAL = "national"
    ADDED = "added"
    ABILITY = "ability"


@dataclass(frozen=True, slots=True)
class SkillLevel:
    """One level; `rank` sorts the scale from the lowest to the highest, the national five have 1 to 5."""

    code: str
    name: str
    rank: int
    kind: LevelKind = LevelKind.NATIONAL


APPRENTICE, SENIOR, CHIEF, ABILITY_CODE = "apprentice", "special_tech", "chief_tech", "ability"
NATIONAL = (
    SkillLevel("5", "五级/初级工", 1),
    SkillLevel("4", "四级/中级工", 2),
    SkillLevel("3", "三级/高级工", 3),
    SkillLevel("2", "二级/技师", 4),
    SkillLevel("1", "一级/高级技师", 5),
)
NATIONAL_CODES = frozenset(level.code for level in NATIONAL)
ABILITY = SkillLevel(ABILITY_CODE, "专项职业能力", 0, LevelKind.ABILITY)
ADDED_LEVELS = "certification.added_levels"
DEFAULT_ADDED = f"{APPRENTICE}=学徒工:0,{SENIOR}=特级技师:6,{CHIEF}=首席技师:7"
_ENTRY = re.compile(r"([A-Za-z][A-Za-z0-9._\-]{0,11})\s*=\s*([^:=,]{1,40}?)\s*:\s*([0-9])")


def parse_added(text: str) -> tuple[SkillLevel, ...]:
    """Return the added levels that a rule profile states as ``code=name:rank``, separated by commas.

    Examples
    --------
    >>> [(level.name, level.rank) for level in parse_added("apprentice=学徒工:0，special_tech=特级技师:6")]
    [('学徒工', 0), ('特级技师', 6)]

    Raises
    ------
    InvalidInputError
        If an entry cannot be read, or a code, name or place is taken.
    """
    found = [_added(part) for part in _entries(text)]
    taken = {level.code for level in NATIONAL} | {ABILITY_CODE}
    names, ranks = {ABILITY.name}, {level.rank for level in NATIONAL}
    for level in found:
        if level.code in taken or level.name in names or level.rank in ranks:
            raise InvalidInputError(N_("新增等级“%(name)s”的代码、名称或序位与其他等级重复"), name=level.name)
        taken.add(level.code)
        names.add(level.name)
        ranks.add(level.rank)
    return tuple(found)


def _entries(text: str) -> list[str]:
    plain = text.replace("，", ",").replace("：", ":").replace("＝", "=")
    return [part.strip() for part in plain.split(",") if part.strip()]


def _added(entry: str) -> SkillLevel:
    match = _ENTRY.fullmatch(entry)
    if match is None:
        message = N_(
            "新增等级“%(entry)s”应写作 代码=名称:序位，例如 special_tech=特级技师:6（0 在五级之下，6 以上在一级之上）"
        )
        raise InvalidInputError(message, entry=entry)
    return SkillLevel(match[1], match[2], int(match[3]), LevelKind.ADDED)


@dataclass(frozen=True, slots=True)
class AddedLevelsKey(RuleKey):
    """A rule-profile value whose levels are read before they are published."""

    def check(self, candidate: Any) -> Any:
        """Return the text; raises InvalidInputError that names the entry."""
        parse_added(str(candidate))
        return candidate


declare(
    AddedLevelsKey(
        ADDED_LEVELS, DEFAULT_ADDED, N_("五级之外的新增等级（代码=名称:序位，逗号分隔；0 在五级之下，6 以上在一级之上）"),
        N_("新八级工：学徒工、特级技师、首席技师，企业可设置并明确对应关系（人社厅发〔2020〕104号）"),
    )
)  # fmt: skip


def scale(values: Mapping[str, Any]) -> tuple[SkillLevel, ...]:
    """Return the whole scale of a rule profile from the lowest level to the highest, special abilities apart."""
    added = parse_added(str(values.get(ADDED_LEVELS, DEFAULT_ADDED)))
    return tuple(sorted((*NATIONAL, *added), key=lambda level: level.rank))


def all_levels(values: Mapping[str, Any]) -> dict[str, SkillLevel]:
    """Return every level by its code: the scale, then the level of special abilities."""
    return {level.code: level for level in (*scale(values), ABILITY)}


def code_of(text: str, values: Mapping[str, Any]) -> str:
    """Return the code of a level that is named by code or name; a text that names none stays as it is.

    Examples
    --------
    >>> [code_of(text, {}) for text in ("特级技师", "技师", "二级", "4", "专项职业能力", "甲")]
    ['special_tech', '2', '2', '4', 'ability', '甲']
    """
    plain = text.strip()
    for level in all_levels(values).values():
        if plain in {level.code, level.name, *level.name.split("/")}:
            return level.code
    return plain
