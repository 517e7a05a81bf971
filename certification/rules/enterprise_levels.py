"""Levels that an enterprise sets itself, and the one level of the scale each of them maps to. Pure.

人社厅发〔2020〕104号 三 and 鲁人社字〔2020〕20号 一（三）: enterprises may set post levels of their own and divide levels, and must
state which of the national levels each corresponds to.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kernel.i18n import N_
from kernel.skill_levels import ABILITY_CODE, NATIONAL_CODES, SkillLevel

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,11}")


@dataclass(frozen=True, slots=True)
class LevelMapping:
    """One own level: what it maps to, for one occupation or for all (empty), from a day to a day or without end."""

    code: str
    name: str
    maps_to: str
    occupation_code: str
    valid_from: dt.date
    valid_until: dt.date | None = None

    def holds(self, on: dt.date) -> bool:
        """Say whether it counts on a day."""
        return self.valid_from <= on and (self.valid_until is None or on <= self.valid_until)

    def overlaps(self, other: LevelMapping) -> bool:
        """Say whether both would count for the same occupation on some day."""
        same = (self.code, self.occupation_code) == (other.code, other.occupation_code)
        ends_first = self.valid_until is not None and self.valid_until < other.valid_from
        begins_last = other.valid_until is not None and other.valid_until < self.valid_from
        return same and not ends_first and not begins_last


@dataclass(frozen=True, slots=True)
class FiledLevel:
    """A level that the enterprise has filed for an occupation."""

    occupation_code: str
    level_code: str


def mapping_problems(
    new: LevelMapping, existing: Iterable[LevelMapping], filed: Sequence[FiledLevel], levels: dict[str, SkillLevel]
) -> dict[str, list[str]]:
    """Return what speaks against a new mapping, by field of the form."""
    fields: dict[str, list[str]] = {}
    if not CODE.fullmatch(new.code):
        fields["code"] = [N_("请填写等级代码：字母或数字，不超过 12 位")]
    elif new.code in NATIONAL_CODES or new.code == ABILITY_CODE:
        fields["code"] = [N_("国家等级和专项职业能力的代码不能用作企业等级代码")]
    elif any(new.overlaps(one) for one in existing):
        fields["code"] = [N_("这个企业等级在同一时期已有对应的等级；一个企业等级同一时期只能对应一个等级")]
    if not new.name.strip():
        fields["name"] = [N_("请填写企业等级名称")]
    if new.maps_to not in levels or new.maps_to == ABILITY_CODE:
        fields["maps_to"] = [N_("请选择对应的等级")]
    elif message := _above_filing(new, filed, levels):
        fields["maps_to"] = [message]
    if new.valid_until is not None and new.valid_until < new.valid_from:
        fields["valid_until"] = [N_("结束日期不能早于开始日期")]
    return fields


def _above_filing(new: LevelMapping, filed: Sequence[FiledLevel], levels: dict[str, SkillLevel]) -> str:
    wanted = [one for one in filed if not new.occupation_code or one.occupation_code == new.occupation_code]
    ranks = [
        levels[one.level_code].rank for one in wanted if one.level_code in levels and one.level_code != ABILITY_CODE
    ]
    if not ranks:
        return N_("本单位还没有备案该职业的等级，请先登记备案范围")
    if levels[new.maps_to].rank > max(ranks):
        return N_("对应的等级高于本单位备案的最高等级，请先变更备案")
    return ""


def find_mapping(mappings: Iterable[LevelMapping], code: str, occupation_code: str, on: dt.date) -> LevelMapping | None:
    """Return what an own level maps to on a day: an entry of the occupation goes before one for all."""
    found = [one for one in mappings if one.code == code and one.holds(on)]
    own = [one for one in found if one.occupation_code and one.occupation_code == occupation_code]
    return next(iter(own), None) or next((one for one in found if not one.occupation_code), None)
