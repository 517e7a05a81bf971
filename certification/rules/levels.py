"""What a level means for certificates: the document's kind, the series of its numbers, the level order. Pure.

Special abilities (专项) have a certificate of their own without a level; its number follows the pattern that the issuing
authority gives, or position 16 of the 22-position rule, whichever the installation has entered.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kernel.certificate_numbers import (
    NATIONAL_LEVEL_CODES,
    InvalidCertificateNumberError,
    compose_number,
    level_code_for,
    parse_prefix,
)
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare
from kernel.skill_levels import ABILITY_CODE, NATIONAL_CODES, all_levels, code_of

LEVEL_CODES = "certification.level_codes"
ABILITY_NUMBERS = "certification.ability_numbers"
LEVEL_ORDER = "certification.level_order"
DEFAULT_ORDER = "4=5:4,3=4:5,2=3:4,1=2:4"
PATTERN_SERIES = "#"
"""Stands for position 16 in the counter of a series that has a pattern of its own."""
MAX_LENGTH = 32
_TOKEN = re.compile(r"\{(prefix|province|yyyy|yy|serial:[3-8])\}")
_LITERAL = re.compile(r"[A-Z0-9\-]*")
_CODE = re.compile(r"[0-9A-Z]")
_ORDER_ENTRY = re.compile(r"(.+?)=(.+?):([0-9]{1,2})")


class DocumentKind(enum.StrEnum):
    """Which certificate a level gives."""

    SKILL_LEVEL = "skill_level"
    SPECIAL_ABILITY = "special_ability"


@dataclass(frozen=True, slots=True)
class DocumentWording:
    """What stands on a certificate of one kind; `has_level` says whether it has a line for the level."""

    title: str
    english_title: str
    occupation_label: str
    occupation_english: str
    statement: str
    statement_english: str
    has_level: bool


DOCUMENTS: Mapping[DocumentKind, DocumentWording] = {
    DocumentKind.SKILL_LEVEL: DocumentWording(
        "职业技能等级证书", "Certificate of Occupational Skill Level", "职业名称", "Occupation",
        "本证书由%(body)s颁发，表明持证人通过本机构组织的职业技能等级认定，具备该职业（工种）相应技能等级水平。",
        "This is to certify that the bearer has passed the occupational skill level assessment organised by the issuing "
        "body and is qualified at the stated level of the occupation.",
        has_level=True,
    ),
    DocumentKind.SPECIAL_ABILITY: DocumentWording(
        "专项职业能力证书", "Certificate of Special Occupational Ability", "专项职业能力", "Special ability",
        "本证书由%(body)s颁发，表明持证人通过专项职业能力考核，具备该专项职业能力。",
        "This is to certify that the bearer has passed the examination of the stated special occupational ability.",
        has_level=False,
    ),
}  # fmt: skip
TITLE_LABELS = {
    DocumentKind.SKILL_LEVEL: N_("职业技能等级证书"),
    DocumentKind.SPECIAL_ABILITY: N_("专项职业能力证书"),
}


def document_kind(level_code: str) -> DocumentKind:
    """Return which certificate a level gives."""
    return DocumentKind.SPECIAL_ABILITY if level_code == ABILITY_CODE else DocumentKind.SKILL_LEVEL


# --- numbers ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NumberSeries:
    """A series of numbers: position 16, or `PATTERN_SERIES` with a pattern; each has its own counter a year."""

    level: str
    code: str
    pattern: str = ""

    def compose(self, prefix: str, *, year: int, serial: int) -> str:
        """Return one number of the series.

        Examples
        --------
        >>> NumberSeries("ability", "#", "ZX{province}{yyyy}{serial:5}").compose("S000035001051", year=2026, serial=7)
        'ZX35202600007'
        >>> NumberSeries("3", "3").compose("S000035001051", year=2024, serial=362)
        'S000035001051243000362'
        """
        if not self.pattern:
            return compose_number(prefix, year=year, level=self.level, serial=serial, codes={self.level: self.code})
        return _fill(self.pattern, prefix, year, serial)


def _fill(pattern: str, prefix: str, year: int, serial: int) -> str:
    texts = {
        "prefix": prefix,
        "province": parse_prefix(prefix).province_code,
        "yyyy": f"{year:04d}",
        "yy": f"{year % 100:02d}",
    }

    def value(match: re.Match[str]) -> str:
        name, _colon, width = match[1].partition(":")
        if not width:
            return texts[name]
        if serial >= 10 ** int(width):
            message = N_("专项职业能力证书的 %(width)s 位流水号已用完，请联系主管部门")
            raise InvalidCertificateNumberError(message, width=width)
        return f"{serial:0{width}d}"

    return _TOKEN.sub(value, pattern)


def check_pattern(pattern: str) -> str:
    """Return a pattern for the numbers of special abilities that can number certificates; an empty one is not set yet.

    Raises
    ------
    InvalidInputError
        If a part is unknown, the running number is not there once, or the number would be too long.
    """
    plain = pattern.strip()
    if not plain:
        return ""
    if not _LITERAL.fullmatch(_TOKEN.sub("", plain)):
        raise InvalidInputError(
            N_(
                "专项职业能力证书编号规则“%(pattern)s”只能有大写字母、数字、短横线和 {prefix}、{province}、{yyyy}、{yy}、{serial:6}"
            ),
            pattern=plain,
        )
    if len(re.findall(r"\{serial:[3-8]\}", plain)) != 1 or "{yy" not in plain:
        raise InvalidInputError(
            N_("专项职业能力证书编号规则应当有年份（{yyyy} 或 {yy}）和恰好一个流水号（如 {serial:6}）")
        )
    if len(_fill(plain, "S000011000001", 2026, 1)) > MAX_LENGTH:
        raise InvalidInputError(N_("专项职业能力证书编号不能超过 %(limit)s 位"), limit=MAX_LENGTH)
    return plain


def level_codes(values: Mapping[str, Any]) -> dict[str, str | None]:
    """Return position 16 by level: the national five and what the installation has entered, by code or name.

    Examples
    --------
    >>> level_codes({LEVEL_CODES: "特级技师=T"})["special_tech"]
    'T'

    Raises
    ------
    InvalidInputError
        If an entry has no equals sign, is no digit or capital letter, or belongs to another level.
    """
    codes = dict(NATIONAL_LEVEL_CODES)
    for entry in items_of(str(values[LEVEL_CODES])):
        name, separator, code = (part.strip() for part in entry.partition("="))
        if not separator:
            raise InvalidInputError(N_("规则方案中的证书等级码“%(entry)s”应写作 等级=代码"), entry=entry)
        level = code_of(name, values)
        _check_code(level, code, codes)
        codes[level] = code
    return codes


def _check_code(level: str, code: str, codes: Mapping[str, str | None]) -> None:
    if not _CODE.fullmatch(code):
        message = N_("等级“%(level)s”的证书等级码“%(level_code)s”应为一位数字或大写字母")
        raise InvalidInputError(message, level=level, level_code=code)
    if level in NATIONAL_CODES and code != level:
        raise InvalidInputError(N_("国家等级“%(level)s”的证书等级码由编码规则规定，不能更改"), level=level)
    if any(code == known and other != level for other, known in codes.items()):
        raise InvalidInputError(N_("证书等级码“%(level_code)s”已用于另一等级"), level_code=code)


def items_of(text: str) -> list[str]:
    """Return the entries of a comma-separated value.

    >>> items_of("2，1, ")
    ['2', '1']
    """
    return [part.strip() for part in text.replace("，", ",").split(",") if part.strip()]


def number_series(level: str, values: Mapping[str, Any]) -> NumberSeries:
    """Return the series that numbers a level's certificates.

    Raises
    ------
    InvalidCertificateNumberError
        While the installation has entered neither the level's letter nor, for special abilities, a pattern.
    """
    codes = level_codes(values)
    pattern = check_pattern(str(values[ABILITY_NUMBERS])) if level == ABILITY_CODE else ""
    if pattern:
        return NumberSeries(level, PATTERN_SERIES, pattern)
    if codes.get(level) is None:
        message, name = _unset(level, values)
        raise InvalidCertificateNumberError(message, level=name)
    return NumberSeries(level, level_code_for(level, codes))


def _unset(level: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """Return why a level cannot be numbered yet, and the level's name."""
    known = all_levels(values).get(level)
    if known is None:
        return N_("等级“%(level)s”不在等级序列中，暂不能编号；请先登记它对应的国家等级"), level
    if level == ABILITY_CODE:
        return N_("“%(level)s”证书的编号规则尚未设置，暂不能编号；请先在规则方案中填写主管部门给定的规则"), known.name
    return N_("等级“%(level)s”的证书等级码尚未设置，暂不能编号；请先在规则方案中填写主管部门给定的代码"), known.name


# --- the order of levels ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LevelStep:
    """Which level comes before one, and for how many years it must have been held."""

    previous: str
    years: int


def level_order(text: str) -> dict[str, LevelStep]:
    """Return what comes before each level, from ``level=level before:years`` separated by commas.

    Examples
    --------
    >>> level_order("三级=四级:5")["3"]
    LevelStep(previous='4', years=5)

    Raises
    ------
    InvalidInputError
        If an entry cannot be read.
    """
    found: dict[str, LevelStep] = {}
    for entry in items_of(text.replace("：", ":")):
        match = _ORDER_ENTRY.fullmatch(entry)
        if match is None:
            message = N_("等级顺序“%(entry)s”应写作 等级=上一等级:年限，例如 3=4:5")
            raise InvalidInputError(message, entry=entry)
        found[code_of(match[1], {})] = LevelStep(code_of(match[2], {}), int(match[3]))
    return found


# --- rule-profile values ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LevelCodesKey(RuleKey):
    """Position 16 of added levels, read before it is published."""

    def check(self, candidate: Any) -> Any:
        """Return the text; raises InvalidInputError that names the entry."""
        level_codes({LEVEL_CODES: candidate})
        return candidate


@dataclass(frozen=True, slots=True)
class PatternKey(RuleKey):
    """The pattern of special abilities' numbers, read before it is published."""

    def check(self, candidate: Any) -> Any:
        """Return the pattern; raises InvalidInputError."""
        return check_pattern(str(candidate))


@dataclass(frozen=True, slots=True)
class LevelOrderKey(RuleKey):
    """The order of levels, read before it is published."""

    def check(self, candidate: Any) -> Any:
        """Return the text; raises InvalidInputError that names the entry."""
        level_order(str(candidate))
        return candidate


declare(
    LevelCodesKey(LEVEL_CODES, "", N_("新增等级的证书等级码（如 特级技师=T，逗号分隔；主管部门给定以前留空，不能编号）")),
    PatternKey(
        ABILITY_NUMBERS, "",
        N_("专项职业能力证书编号规则（如 {prefix}{yyyy}{serial:6}；主管部门给定以前留空，不能编号）"),
    ),
    LevelOrderKey(
        LEVEL_ORDER, DEFAULT_ORDER, N_("等级顺序和年限（等级=上一等级:须满年数，逗号分隔；没有写的等级不核对）"),
        N_("国家职业标准的申报条件，各职业不同"),
    ),
)  # fmt: skip
