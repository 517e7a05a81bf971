"""Numbers as people type them."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from item_templates.contract import Json

_NUMBER = re.compile(
    r"(?P<sign>[+-]?)(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d*)?|\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})"
    r"(?:\s*(?:[eE]|[xX×*·]\s*10\s*\^?)\s*(?P<exponent>[+-]?\d{1,3}))?"
)
_MINUS = str.maketrans("−–﹣－", "----")


def parse_number(text: str) -> Decimal | None:
    """Return the number a text is, None when it is anything else.

    Full-width digits, thousands separators, a typographic minus and ``×10^n`` are understood.

    Examples
    --------
    >>> parse_number(" .50"), parse_number("−１,200"), parse_number("1.5×10^3"), parse_number("3 mm")
    (Decimal('0.50'), Decimal('-1200'), Decimal('1500'), None)
    """
    found = _NUMBER.fullmatch(plain_number_text(text))
    return _value(found) if found else None


def leading_number(text: str) -> tuple[Decimal, str] | None:
    """Return the number a text begins with and what follows it, None when it begins with none.

    Examples
    --------
    >>> leading_number("3.5 mm")
    (Decimal('3.5'), 'mm')
    """
    plain = plain_number_text(text)
    found = _NUMBER.match(plain)
    return (_value(found), plain[found.end() :].strip()) if found else None


def numbers_in(text: str) -> list[tuple[Decimal, str]]:
    """Return every number of a text with what follows it; digits that belong to a word, such as the 1 of R1, are none.

    A minus between two quantities is an operation, not a sign.

    Examples
    --------
    >>> [str(value) for value, _ in numbers_in("R1=8-3.5=4.5 Ω，t=-2 ℃，A=5 m²")]
    ['8', '3.5', '4.5', '-2', '5']
    """
    plain = plain_number_text(text)
    found = [match for match in _NUMBER.finditer(plain) if not _in_word(plain, match)]
    return [(_unsigned(plain, match), plain[match.end() :].strip()) for match in found]


def _in_word(text: str, match: re.Match[str]) -> bool:
    before = text[match.start() - 1 : match.start()]
    return not match["sign"] and (before == "_" or (before.isascii() and before.isalpha()))


def _unsigned(text: str, match: re.Match[str]) -> Decimal:
    before = text[: match.start()].rstrip()[-1:]
    is_operation = match["sign"] and before.isascii() and (before.isalnum() or before == ")")
    return abs(_value(match)) if is_operation else _value(match)


def plain_number_text(text: str) -> str:
    """Return text with half-width digits and an ASCII minus, without blanks at its ends."""
    return unicodedata.normalize("NFKC", text.translate(_MINUS)).strip()


def json_number(value: Decimal) -> int | float:
    """Return a decimal as the JSON number people would write.

    Examples
    --------
    >>> json_number(Decimal("3.0")), json_number(Decimal("0.1"))
    (3, 0.1)
    """
    return int(value) if value == value.to_integral_value() else float(value)


def number_or_text(text: str) -> Json:
    """Return typed text as a JSON number where it is one, else as it is, so that validation can point at it."""
    value = parse_number(text)
    return text if value is None else json_number(value)


def _value(found: re.Match[str]) -> Decimal:
    mantissa = Decimal(found["sign"] + found["digits"].replace(",", ""))
    exponent = int(found["exponent"] or 0)
    value = mantissa.scaleb(exponent) if exponent else mantissa
    return Decimal(format(value, "f")) if exponent else value
