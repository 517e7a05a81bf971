"""The certificate that somebody already holds, as the roster states it: its number held against its form, level and year. Pure."""

from __future__ import annotations

import string
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from exam_delivery.rules.eligibility import rank_of
from kernel.certificate_numbers import (
    CertificateNumber,
    InvalidCertificateNumberError,
    OldQualificationNumber,
    parse_number,
    parse_old_number,
)
from kernel.i18n import N_

HAS_COLUMN, LEVEL_COLUMN, NUMBER_COLUMN = "是否有职业资格证书", "证书等级", "证书编号"
OLD_LENGTH, LENGTH = 16, 22
NATIONAL_LEVELS = "12345"
LEVEL_CODES = {code: code for code in string.digits + string.ascii_uppercase}
"""Position 16 of anybody's certificate: letters of added levels differ between provinces, so that none is held to be wrong."""

Finding = tuple[str, str, Mapping[str, object]]
"""The column, the message to translate, and what fills it."""


def plain_number(text: str) -> str:
    """Return a certificate's number as it is compared.

    >>> plain_number(" s000035001051 243000362")
    'S000035001051243000362'
    """
    return "".join(text.split()).upper()


def held_certificate_findings(cells: Mapping[str, str], this_year: int) -> Iterator[Finding]:
    """Yield what is wrong with the certificate that a row states; a row that states none has nothing to check."""
    number = plain_number(cells.get(NUMBER_COLUMN, ""))
    answer = cells.get(HAS_COLUMN, "").strip()
    if not number:
        if answer in {"是", "有"}:
            yield NUMBER_COLUMN, N_("填了有职业资格证书，但没有填证书编号"), {}
        return
    if answer in {"否", "无", "没有"}:
        yield HAS_COLUMN, N_("填了没有职业资格证书，却填了证书编号，请核对其中哪个填错"), {}
    if len(number) not in {OLD_LENGTH, LENGTH}:
        message = N_("证书编号“%(number)s”有 %(n)s 位；国家职业资格证书应为 16 位，职业技能等级证书应为 22 位，请核对")
        yield NUMBER_COLUMN, message, {"number": number, "n": len(number)}
        return
    try:
        known = parse_old_number(number) if len(number) == OLD_LENGTH else parse_number(number, LEVEL_CODES)
    except InvalidCertificateNumberError as error:
        yield NUMBER_COLUMN, error.template, error.context
        return
    yield from _against_row(known, cells.get(LEVEL_COLUMN, ""), this_year)


def _against_row(known: CertificateNumber | OldQualificationNumber, level: str, this_year: int) -> Iterator[Finding]:
    if known.year > this_year:
        yield NUMBER_COLUMN, N_("证书编号中的年份是 %(year)s，还没有到，请核对编号"), {"year": known.year}
    told = known.level if isinstance(known, OldQualificationNumber) else known.level_code
    stated = rank_of(level) or (int(level) if level.strip() in set(NATIONAL_LEVELS) else 0)
    if told in NATIONAL_LEVELS and stated and stated != int(told):
        yield LEVEL_COLUMN, N_("证书等级与编号不一致：编号表示 %(told)s 级，请核对其中哪个填错"), {"told": told}


def repeated_numbers(rows: Iterable[tuple[int, Mapping[str, str]]]) -> dict[int, Sequence[int]]:
    """Return, by row, the other rows that state a certificate of the same number: one certificate has one holder."""
    places: dict[str, list[int]] = defaultdict(list)
    for row, cells in rows:
        if number := plain_number(cells.get(NUMBER_COLUMN, "")):
            places[number].append(row)
    return {row: [one for one in found if one != row] for found in places.values() if len(found) > 1 for row in found}
