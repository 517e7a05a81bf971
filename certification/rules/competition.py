"""Which ranking of which competition gives which level, as data of the rule profile. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

COMPETITION_RANKS = "certification.competition_ranks"
_ENTRY = re.compile(r"(?P<kind>[^:：=]{1,60})[:：](?P<first>\d{1,4})(?:-(?P<last>\d{1,4}))?=(?P<level>[^=]{1,32})")

declare(
    RuleKey(COMPETITION_RANKS, "", N_("竞赛名次可认定的等级（如 国家级一类:1-5=2，省级一类:1-3=3）")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RankRule:
    """The ranks from first to last of one class of competitions give a level."""

    kind: str
    first: int
    last: int
    level_code: str


def rank_rules(values: Mapping[str, Any]) -> tuple[RankRule, ...]:
    """Return the rules of a profile; raises InvalidInputError for an entry that cannot be read."""
    found = []
    for entry in str(values[COMPETITION_RANKS]).replace("，", ",").split(","):
        if not entry.strip():
            continue
        match = _ENTRY.fullmatch(entry.strip())
        if match is None:
            raise InvalidInputError(
                N_("规则方案中的竞赛名次“%(entry)s”应写作 竞赛类别:名次-名次=等级代码"), entry=entry.strip()
            )
        first = int(match["first"])
        found.append(RankRule(match["kind"].strip(), first, int(match["last"] or first), match["level"].strip()))
    return tuple(found)


def grants(rules: tuple[RankRule, ...], kind: str, rank: int, level_code: str) -> RankRule | None:
    """Return the rule by which a rank gives a level, or a higher national one (a smaller number), if there is one.

    Examples
    --------
    >>> rules = rank_rules({COMPETITION_RANKS: "国家级一类:1-5=2，省级一类:1=3"})
    >>> [grants(rules, "国家级一类", 5, level) is not None for level in ("1", "2", "3")]
    [False, True, True]
    >>> grants(rules, "省级一类", 2, "3") is None
    True
    """
    named = (one for one in rules if one.kind == kind.strip() and one.first <= rank <= one.last)
    return next((one for one in named if _reaches(one.level_code, level_code)), None)


def _reaches(granted: str, wanted: str) -> bool:
    if granted.isdecimal() and wanted.isdecimal():
        return int(granted) <= int(wanted)
    return granted == wanted
