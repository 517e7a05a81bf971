"""Words of standards: kinds, states, the national levels, and how codes are written."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from kernel.i18n import N_
from kernel.skill_levels import NATIONAL, SkillLevel


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


NATIONAL_LEVELS = NATIONAL
NATIONAL_BY_CODE = {level.code: level for level in NATIONAL_LEVELS}


def level_rank(level_code: str, maps_to: str | None, levels: Mapping[str, SkillLevel] | None = None) -> int:
    """Return the place of a level on the scale; a custom level stands with the one it maps to, 0 without any place."""
    known = levels or NATIONAL_BY_CODE
    level = known.get(level_code) or NATIONAL_BY_CODE.get(maps_to or "")
    return level.rank if level else 0
