"""Reading and showing percentages, codes and ratios as people write them."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation

from qbank.rules.outline import ImportanceCounts

_RATIO = re.compile(r"^\D*(\d+)\s*:\s*(\d+)\s*:\s*(\d+)\D*$")
_DAYS = re.compile(r"^(?:(\d+) days?, |1899-12-3[01] |1900-01-(\d\d) )(\d+):(\d+):(\d+)$")
_SECONDS_A_DAY = 86400


def plain(text: str) -> str:
    """Return text with full-width letters, digits and punctuation made narrow, without white space at the ends."""
    return unicodedata.normalize("NFKC", text).strip()


def read_percent(text: str) -> Decimal | None:
    """Return the number of a cell like 25, 25%, （25） or 12.5, or None when it is no number of 0 to 100.

    >>> read_percent("25％"), read_percent("（5）"), read_percent("五")
    (Decimal('25'), Decimal('5'), None)
    """
    cleaned = plain(text).strip("()% ").strip()
    try:
        value = Decimal(cleaned)
    except InvalidOperation:
        return None
    return value if value.is_finite() and 0 <= value <= 100 else None


def show_number(value: Decimal | None) -> str:
    """Return a number without trailing zeros, and nothing for None.

    >>> show_number(Decimal("25.000")), show_number(Decimal("2.50")), show_number(None)
    ('25', '2.5', '')
    """
    if value is None:
        return ""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def read_ratio(text: str) -> ImportanceCounts | None:
    """Return a ratio like (132:21:00); spreadsheets that took it for a time of day are understood.

    >>> str(read_ratio("（05：02：00）")), str(read_ratio("5 days, 12:21:00")), read_ratio("many")
    ('05:02:00', '132:21:00', None)
    """
    narrow = plain(text)
    if match := _DAYS.match(narrow):
        return _from_days(match)
    if match := _RATIO.match(narrow):
        return ImportanceCounts(*(int(part) for part in match.groups()))
    return _from_fraction(narrow)


def _from_days(match: re.Match[str]) -> ImportanceCounts:
    spelled, january, hours, minutes, seconds = match.groups()
    days = int(spelled or january or 0)
    return ImportanceCounts(days * 24 + int(hours), int(minutes), int(seconds))


def _from_fraction(text: str) -> ImportanceCounts | None:
    """Understand a time that a spreadsheet keeps as a part of a day: 0.5 is 12:00:00."""
    try:
        total = round(Decimal(text) * _SECONDS_A_DAY)
    except InvalidOperation:
        return None
    return ImportanceCounts(total // 3600, total % 3600 // 60, total % 60)
