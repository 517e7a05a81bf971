"""Check and mask identity document numbers (GB 11643 and the documents that registration accepts beside it)."""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass

from kernel.i18n import N_


class IdKind(enum.StrEnum):
    """The kinds of identity document a candidate may register with."""

    RESIDENT_ID = "resident_id"
    RESIDENCE_PERMIT_HMT = "residence_permit_hmt"
    FOREIGN_PERMANENT_RESIDENT = "foreign_permanent_resident"
    PASSPORT = "passport"
    OFFICER_CARD = "officer_card"


class Sex(enum.StrEnum):
    """The sex that a document number or a registration states."""

    MALE = "male"
    FEMALE = "female"


ID_KIND_LABELS: Mapping[IdKind, str] = {
    IdKind.RESIDENT_ID: N_("居民身份证"),
    IdKind.RESIDENCE_PERMIT_HMT: N_("港澳台居民居住证"),
    IdKind.FOREIGN_PERMANENT_RESIDENT: N_("外国人永久居留身份证"),
    IdKind.PASSPORT: N_("护照"),
    IdKind.OFFICER_CARD: N_("军官证"),
}
SEX_LABELS: Mapping[Sex, str] = {Sex.MALE: N_("男"), Sex.FEMALE: N_("女")}

# First two digits of GB/T 2260 codes; 66 (兵团) never begins an identity number.
PROVINCES: Mapping[str, str] = {
    "11": "北京市", "12": "天津市", "13": "河北省", "14": "山西省", "15": "内蒙古自治区",
    "21": "辽宁省", "22": "吉林省", "23": "黑龙江省",
    "31": "上海市", "32": "江苏省", "33": "浙江省", "34": "安徽省", "35": "福建省", "36": "江西省", "37": "山东省",
    "41": "河南省", "42": "湖北省", "43": "湖南省", "44": "广东省", "45": "广西壮族自治区", "46": "海南省",
    "50": "重庆市", "51": "四川省", "52": "贵州省", "53": "云南省", "54": "西藏自治区",
    "61": "陕西省", "62": "甘肃省", "63": "青海省", "64": "宁夏回族自治区", "65": "新疆维吾尔自治区",
    "71": "台湾省", "81": "香港特别行政区", "82": "澳门特别行政区",
}  # fmt: skip

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS = "10X98765432"
_EARLIEST_BIRTH = dt.date(1900, 1, 1)
_CITIZEN_FORM = re.compile(r"[0-9]{17}[0-9X]")
_OLD_FOREIGN_FORM = re.compile(r"[A-Z]{3}[0-9]{12}")
_PASSPORT_FORM = re.compile(r"[A-Z0-9]{5,20}")
_OFFICER_FORM = re.compile(r"[\u4e00-\u9fff]{1,4}字?第?[0-9A-Z]{4,12}号?")
_HMT_PREFIXES = ("810000", "820000", "830000")
_SEPARATORS = re.compile(r"[\s\-‐‑‒–—·.\u200b\ufeff]+")
_TO_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}


@dataclass(frozen=True, slots=True)
class IdCheck:
    """What a document number says: `errors` must be mended, `warnings` looked at; all texts are Chinese messages."""

    normalised: str
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    birth_date: dt.date | None = None
    sex: Sex | None = None

    @property
    def is_valid(self) -> bool:
        """Say whether nothing forbids the number."""
        return not self.errors


def normalise_id(number: str) -> str:
    """Return the number in half-width capitals without white space and separators."""
    return _SEPARATORS.sub("", number.translate(_TO_HALF_WIDTH)).upper()


def check_character(first17: str) -> str:
    """Return the ISO 7064 MOD 11-2 check character of 17 digits."""
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, first17, strict=True))
    return _CHECK_CHARACTERS[total % 11]


def check_id_number(kind: IdKind | str, number: str, *, today: dt.date) -> IdCheck:
    """Check a document number: length, date and check character are hard, the region code is a warning."""
    kind = IdKind(kind)
    normalised = normalise_id(number)
    if not normalised:
        return IdCheck("", (N_("证件号码为空，请填写"),))
    if kind is IdKind.PASSPORT:
        return _check_form(normalised, _PASSPORT_FORM, N_("护照号码应为 5 至 20 位字母和数字，请按护照资料页填写"))
    if kind is IdKind.OFFICER_CARD:
        return _check_form(normalised, _OFFICER_FORM, N_("军官证号码应形如“军字第2001988号”，请按证件填写"))
    if kind is IdKind.FOREIGN_PERMANENT_RESIDENT and _OLD_FOREIGN_FORM.fullmatch(normalised):
        return IdCheck(normalised, warnings=(N_("这是旧版外国人永久居留证号码（15 位），请提醒持证人换领新版"),))
    return _check_citizen_form(kind, normalised, today)


def _check_form(normalised: str, form: re.Pattern[str], message: str) -> IdCheck:
    return IdCheck(normalised, () if form.fullmatch(normalised) else (message,))


def _check_citizen_form(kind: IdKind, number: str, today: dt.date) -> IdCheck:
    if error := _form_error(number):
        return IdCheck(number, (error,))
    birth = _birth_date(number)
    errors = [*_prefix_errors(kind, number), *_birth_errors(birth, today)]
    if check_character(number[:17]) != number[17]:
        errors.append(N_("证件号码的校验位不对，号码中至少有一位填错，请对照证件核对"))
    sex = Sex.MALE if int(number[16]) % 2 else Sex.FEMALE
    return IdCheck(number, tuple(errors), tuple(_region_warnings(kind, number)), birth, sex)


def _form_error(number: str) -> str | None:
    if re.fullmatch(r"[0-9]{15}", number):
        return N_("15 位的一代身份证号码已停用，请填写 18 位号码")
    if re.search(r"[0-9.]E\+?[0-9]", number):
        return N_("证件号码被表格软件改成了科学计数，后几位已经丢失，请把该列设为文本后重新填写")
    if len(number) != len(_WEIGHTS) + 1:
        return N_("证件号码应为 18 位，请核对是否漏填或多填")
    if not _CITIZEN_FORM.fullmatch(number):
        return N_("证件号码前 17 位应为数字，末位为数字或 X，请核对")
    return None


def _birth_date(number: str) -> dt.date | None:
    try:
        return dt.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None


def _birth_errors(birth: dt.date | None, today: dt.date) -> list[str]:
    if birth is None:
        return [N_("证件号码第 7 至 14 位不是有效的出生日期，请核对")]
    if birth > today:
        return [N_("证件号码中的出生日期晚于今天，请核对")]
    if birth < _EARLIEST_BIRTH:
        return [N_("证件号码中的出生日期早于 1900 年，请核对")]
    return []


def _prefix_errors(kind: IdKind, number: str) -> list[str]:
    is_hmt, is_foreign = number.startswith(_HMT_PREFIXES), number.startswith("9")
    if kind is IdKind.RESIDENCE_PERMIT_HMT and not is_hmt:
        return [N_("港澳台居民居住证号码应以 810000、820000 或 830000 开头，请核对号码或证件类型")]
    if kind is IdKind.FOREIGN_PERMANENT_RESIDENT and not is_foreign:
        return [N_("外国人永久居留身份证号码应以 9 开头，请核对号码或证件类型")]
    if kind is IdKind.RESIDENT_ID and is_hmt:
        return [N_("这是港澳台居民居住证的号码，请把证件类型改为“港澳台居民居住证”")]
    if kind is IdKind.RESIDENT_ID and is_foreign:
        return [N_("这是外国人永久居留身份证的号码，请把证件类型改为“外国人永久居留身份证”")]
    return []


def _region_warnings(kind: IdKind, number: str) -> list[str]:
    if kind is IdKind.RESIDENCE_PERMIT_HMT:
        return []
    province = number[1:3] if kind is IdKind.FOREIGN_PERMANENT_RESIDENT else number[:2]
    if province in PROVINCES:
        return []
    return [N_("证件号码中的省级代码不在行政区划代码表中，请对照证件核对")]


def mask_id(number: str) -> str:
    """Return the number as staff lists show it: 110105********002X."""
    head, tail = (6, 4) if len(number) >= 15 else (2, 2) if len(number) >= 8 else (1, 1)
    return _mask(number, head, tail)


def mask_id_public(number: str) -> str:
    """Return the number as public verification shows it: only the first and the last character."""
    return _mask(number, 1, 1)


def _mask(number: str, head: int, tail: int) -> str:
    if len(number) <= head + tail:
        return "*" * len(number)
    return number[:head] + "*" * (len(number) - head - tail) + number[-tail:]


def mask_name(name: str) -> str:
    """Return a name as public pages show it: the first character and one star, so that the length stays hidden."""
    name = name.strip()
    return f"{name[0]}*" if name else ""
