"""Compose, read and check certificate numbers: the 22-position rule and the old 16-digit one.

Positions of 职业技能等级证书编码规则（试行）: 1 category of the body, 2-5 ministry code (0000 when first filed with a
province), 6-7 province of the site, 8-13 site code, 14-15 year, 16 level, 17-22 serial. The first 13 are the
institution prefix.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass

from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.national_id import PROVINCES
from kernel.skill_levels import ABILITY_CODE, APPRENTICE, CHIEF, SENIOR

MAX_SERIAL = 999_999
CERTIFICATE_PROVINCES: Mapping[str, str] = {
    **{code: name for code, name in PROVINCES.items() if code < "70"},
    "66": "新疆生产建设兵团",
}

# Position 16 by level. The letters of the added levels are given to each installation by its authority: until they are
# entered, no number can be composed for them.
NATIONAL_LEVEL_CODES: Mapping[str, str | None] = {
    **{code: code for code in "54321"},
    APPRENTICE: None,
    SENIOR: None,
    CHIEF: None,
    ABILITY_CODE: None,
}

_PREFIX_FORM = re.compile(r"([YS])([0-9]{4})([0-9]{2})([0-9]{6})")
_NUMBER_FORM = re.compile(r"([YS][0-9]{12})([0-9]{2})([0-9A-Z])([0-9]{6})")
_OLD_FORM = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})([0-4])([0-9]{3})([1-5])([0-9]{5})")
_LEVEL_CODE_FORM = re.compile(r"[0-9A-Z]")
_FIRST_OLD_YEAR = 1990
_CENTURY = 2000


class InvalidCertificateNumberError(InvalidInputError):
    """A certificate number, prefix, level code or serial that the rule does not allow."""

    code = "invalid_certificate_number"


class BodyCategory(enum.StrEnum):
    """Position 1: who evaluates."""

    EMPLOYER = "Y"
    TRAINING_BODY = "S"


BODY_CATEGORY_LABELS: Mapping[BodyCategory, str] = {
    BodyCategory.EMPLOYER: N_("用人单位"),
    BodyCategory.TRAINING_BODY: N_("社会培训评价组织"),
}


@dataclass(frozen=True, slots=True)
class InstitutionPrefix:
    """The 13 positions that belong to one institution or site; stored once, never typed per certificate."""

    category: BodyCategory
    ministry_code: str
    province_code: str
    site_code: str

    def __str__(self) -> str:
        return f"{self.category}{self.ministry_code}{self.province_code}{self.site_code}"


@dataclass(frozen=True, slots=True)
class CertificateNumber:
    """A 22-position number taken apart; `year` has four digits."""

    prefix: InstitutionPrefix
    year: int
    level_code: str
    serial: int

    def __str__(self) -> str:
        return f"{self.prefix}{self.year % 100:02d}{self.level_code}{self.serial:06d}"


@dataclass(frozen=True, slots=True)
class OldQualificationNumber:
    """A 16-digit number of the former 国家职业资格证书 taken apart."""

    year: int
    region_code: str
    city_code: str
    body_type: str
    body_code: str
    level: str
    serial: str


def parse_prefix(text: str) -> InstitutionPrefix:
    """Take an institution prefix apart.

    Raises
    ------
    InvalidCertificateNumberError
        If it has not the form of 13 positions, or the province is unknown.
    """
    match = _PREFIX_FORM.fullmatch(text)
    if match is None:
        raise InvalidCertificateNumberError(
            N_("机构代码“%(text)s”应为 13 位：Y 或 S 加 12 位数字（类别、部级代码、省级代码、站点序列码）"), text=text
        )
    category, ministry, province, site = match.groups()
    if province not in CERTIFICATE_PROVINCES:
        raise InvalidCertificateNumberError(N_("机构代码“%(text)s”第 6 至 7 位不是省级行政区划代码"), text=text)
    return InstitutionPrefix(BodyCategory(category), ministry, province, site)


def level_code_for(level: str, codes: Mapping[str, str | None] = NATIONAL_LEVEL_CODES) -> str:
    """Return position 16 of a level; refuse while the installation has not entered it."""
    code = codes.get(level)
    if code is None:
        raise InvalidCertificateNumberError(
            N_("等级“%(level)s”的证书等级码尚未设置，暂不能编号；请先在规则方案中填写主管部门给定的代码"), level=level
        )
    if not _LEVEL_CODE_FORM.fullmatch(code):
        raise InvalidCertificateNumberError(
            N_("等级“%(level)s”的证书等级码“%(level_code)s”应为一位数字或大写字母"), level=level, level_code=code
        )
    return code


def compose_number(
    prefix: InstitutionPrefix | str,
    *,
    year: int,
    level: str,
    serial: int,
    codes: Mapping[str, str | None] = NATIONAL_LEVEL_CODES,
) -> str:
    """Return the 22-position number of one certificate.

    Raises
    ------
    InvalidCertificateNumberError
        If prefix, year or serial leave the rule, or the level has no code yet.
    """
    if not _CENTURY <= year < _CENTURY + 100:
        raise InvalidCertificateNumberError(N_("核发年份 %(year)s 超出编码规则的范围"), year=year)
    if not 1 <= serial <= MAX_SERIAL:
        raise InvalidCertificateNumberError(
            N_("证书序列码 %(serial)s 超出 000001 至 999999，本年度该等级的号码已用完"), serial=serial
        )
    parsed = parse_prefix(prefix) if isinstance(prefix, str) else prefix
    return str(CertificateNumber(parsed, year, level_code_for(level, codes), serial))


def next_serial(last_serial: int) -> int:
    """Return the serial after the last one used (0 when none was), refusing to run over."""
    if last_serial >= MAX_SERIAL:
        raise InvalidCertificateNumberError(N_("本年度该等级的证书序列码已用完（999999），请联系主管部门"))
    return last_serial + 1


def parse_number(number: str, codes: Mapping[str, str | None] = NATIONAL_LEVEL_CODES) -> CertificateNumber:
    """Take a 22-position number apart.

    Raises
    ------
    InvalidCertificateNumberError
        If a position leaves the rule; the message names it.
    """
    match = _NUMBER_FORM.fullmatch(number)
    if match is None:
        raise InvalidCertificateNumberError(
            N_("证书编号“%(number)s”应为 22 位：Y 或 S 加 21 位，请对照证书核对"), number=number
        )
    prefix, year, level_code, serial = match.groups()
    if level_code not in codes.values():
        raise InvalidCertificateNumberError(N_("证书编号“%(number)s”第 16 位不是已设置的等级码"), number=number)
    if int(serial) == 0:
        raise InvalidCertificateNumberError(N_("证书编号“%(number)s”的序列码不能是 000000"), number=number)
    return CertificateNumber(parse_prefix(prefix), _CENTURY + int(year), level_code, int(serial))


def parse_old_number(number: str) -> OldQualificationNumber:
    """Take a 16-digit number of the former qualification certificates apart.

    Raises
    ------
    InvalidCertificateNumberError
        If it has not 16 digits, or body type (0-4) or level (1-5) is impossible.
    """
    match = _OLD_FORM.fullmatch(number)
    if match is None:
        raise InvalidCertificateNumberError(
            N_("国家职业资格证书编号“%(number)s”应为 16 位数字，第 7 位为 0 至 4，第 11 位为等级 1 至 5，请核对"),
            number=number,
        )
    year, region, city, body_type, body, level, serial = match.groups()
    return OldQualificationNumber(_old_year(int(year)), region, city, body_type, body, level, serial)


def _old_year(two_digits: int) -> int:
    return two_digits + (1900 if two_digits >= _FIRST_OLD_YEAR % 100 else _CENTURY)


def parse_previous_certificate(
    number: str, codes: Mapping[str, str | None] = NATIONAL_LEVEL_CODES
) -> CertificateNumber | OldQualificationNumber:
    """Take apart the number of a certificate that a candidate already holds, by its length."""
    if len(number) == 16:
        return parse_old_number(number)
    return parse_number(number, codes)
