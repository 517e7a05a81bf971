"""Chinese numerals as digits, for items that accept both."""

from __future__ import annotations

import re

_DIGITS = {sign: value for value, signs in enumerate(("〇零", "一壹", "二贰两", "三叁", "四肆")) for sign in signs}
_DIGITS |= {sign: value for value, signs in enumerate(("五伍", "六陆", "七柒", "八捌", "九玖"), 5) for sign in signs}
_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_GROUPS = {"万": 10**4, "萬": 10**4, "亿": 10**8}
_SIGNS = "".join((*_DIGITS, *_UNITS, *_GROUPS))
_NUMERAL = re.compile(rf"(负)?([{_SIGNS}]+)(?:点([{''.join(_DIGITS)}]+))?")


def with_digits(text: str) -> str:
    """Return a text whose Chinese numerals are written in digits.

    Examples
    --------
    >>> with_digits("一百二十伏"), with_digits("三点一四"), with_digits("二〇二六年"), with_digits("负十五"), with_digits("两万零五")
    ('120伏', '3.14', '2026年', '-15', '20005')
    """
    return _NUMERAL.sub(lambda found: _written(found[1], found[2], found[3]), text)


def _written(minus: str | None, whole: str, decimals: str | None) -> str:
    fraction = "." + "".join(str(_DIGITS[sign]) for sign in decimals) if decimals else ""
    return f"{'-' if minus else ''}{_whole(whole)}{fraction}"


def _whole(signs: str) -> str:
    if all(sign in _DIGITS for sign in signs):
        return "".join(str(_DIGITS[sign]) for sign in signs)
    total = group = digit = 0
    for sign in signs:
        if sign in _DIGITS:
            digit = _DIGITS[sign]
        elif sign in _UNITS:
            group, digit = group + (digit or 1) * _UNITS[sign], 0
        else:
            total, group, digit = (total + group + digit or 1) * _GROUPS[sign], 0, 0
    return str(total + group + digit)
