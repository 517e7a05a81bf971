"""Words of standards: kinds, states, the national levels, and how codes are written."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from kernel.i18n import N_


class StandardKind(enum.StrEnum):
    """Who made a standard."""

    NATIONAL = "national"
    INDUSTRY = "industry"
    ENTERPRISE = "enterprise"
    SPECIAL_ABILITY = "special_ability"


class EditionStatus(enum.StrEnum):
    """Whether new work may be based on an edition."""

    CURRENT = "current"
    RETIRED = "retired"


class OutlineStatus(enum.StrEnum):
    """Whether a level's outline may be changed (draft) or relied upon (published)."""

    DRAFT = "draft"
    PUBLISHED = "published"


class OutlineLayout(enum.StrEnum):
    """How an outline's codes are written: letters with dashes (A-B-A-003) or numbers with dots (0.1.2.7)."""

    CLASSIC = "classic"
    CHAPTER = "chapter"

    @property
    def separator(self) -> str:
        """What stands between the parts of a full code."""
        return "-" if self is OutlineLayout.CLASSIC else "."


KIND_LABELS = {
    StandardKind.NATIONAL: N_("国家职业标准"),
    StandardKind.INDUSTRY: N_("行业或地方标准"),
    StandardKind.ENTERPRISE: N_("企业标准"),
    StandardKind.SPECIAL_ABILITY: N_("专项职业能力考核规范"),
}
EDITION_LABELS = {EditionStatus.CURRENT: N_("现行"), EditionStatus.RETIRED: N_("已废止")}
OUTLINE_LABELS = {OutlineStatus.DRAFT: N_("草稿"), OutlineStatus.PUBLISHED: N_("已发布")}
LAYOUT_LABELS = {
    OutlineLayout.CLASSIC: N_("字母代码（A-B-A-003）"),
    OutlineLayout.CHAPTER: N_("章节代码（0.1.2.7）"),
}


@dataclass(frozen=True, slots=True)
class NationalLevel:
    """A level of the national scale; `rank` sorts from lowest to highest."""

    code: str
    name: str
    rank: int


NATIONAL_LEVELS = (
    NationalLevel("5", "五级/初级工", 1),
    NationalLevel("4", "四级/中级工", 2),
    NationalLevel("3", "三级/高级工", 3),
    NationalLevel("2", "二级/技师", 4),
    NationalLevel("1", "一级/高级技师", 5),
)
NATIONAL_BY_CODE = {level.code: level for level in NATIONAL_LEVELS}


def level_rank(level_code: str, maps_to: str | None) -> int:
    """Return the place of a level on the scale; a custom level stands with the national one it maps to."""
    level = NATIONAL_BY_CODE.get(level_code) or NATIONAL_BY_CODE.get(maps_to or "")
    return level.rank if level else 0
