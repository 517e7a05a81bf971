"""Quantities as keys: a value with its tolerance and unit, as JSON and as people write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from item_templates.checks import as_decimal
from item_templates.contract import Json
from item_templates.findings import KeyTextError
from item_templates.numbers import json_number, leading_number, number_or_text, parse_number
from item_templates.rounding import decimal_text
from kernel.i18n import N_

_TOLERANCE_SIGN = re.compile(r"±|\+/-|\+-")
_RANGE = re.compile(r"(.*\d)\s*(?:~|～|至)\s*(\S.*)")


def _key(value: Decimal, tolerance: Decimal, unit: str) -> dict[str, Json]:
    return {"value": json_number(value), "tolerance": json_number(tolerance), "unit": unit}


def quantity_parts(key: Json) -> tuple[Decimal | None, Decimal | None, str] | None:
    """Return value, tolerance and unit of a JSON quantity, None when it is no object; what is no number is None.

    Examples
    --------
    >>> quantity_parts({"value": 3.5, "unit": "mm"}), quantity_parts("3.5")
    ((Decimal('3.5'), Decimal('0'), 'mm'), None)
    """
    if not isinstance(key, Mapping):
        return None
    unit = key.get("unit")
    return as_decimal(key.get("value")), as_decimal(key.get("tolerance") or 0), unit if isinstance(unit, str) else ""


def quantity_of(given: Json) -> dict[str, Json] | None:
    """Return a quantity in its canonical shape, None when it has another; a bare number has no tolerance.

    Examples
    --------
    >>> quantity_of({"value": "3.50", "unit": "mm"}), quantity_of(2), quantity_of("两")
    ({'value': 3.5, 'tolerance': 0, 'unit': 'mm'}, {'value': 2, 'tolerance': 0, 'unit': ''}, None)
    """
    parts = quantity_parts(given if isinstance(given, Mapping) else {"value": given})
    unit = given.get("unit") or "" if isinstance(given, Mapping) else ""
    if parts is None or parts[0] is None or parts[1] is None or not isinstance(unit, str):
        return None
    return _key(parts[0], parts[1], unit)


def typed_quantity(value: str, tolerance: str, unit: str) -> dict[str, Json]:
    """Return what was typed in the fields of a quantity; text that is no number stays, so that validation can point at it."""
    return {"value": number_or_text(value), "tolerance": number_or_text(tolerance or "0"), "unit": unit}


def quantity_text(key: Json) -> str:
    """Return a quantity as people write it, empty when it is none.

    Examples
    --------
    >>> quantity_text({"value": 3.5, "tolerance": 0.1, "unit": "mm"}), quantity_text({"value": 2})
    ('3.5±0.1 mm', '2')
    """
    parts = quantity_parts(key)
    if parts is None or parts[0] is None:
        return ""
    tolerance = f"±{decimal_text(parts[1])}" if parts[1] else ""
    return f"{decimal_text(parts[0])}{tolerance} {parts[2]}".strip()


def read_quantity(text: str) -> dict[str, Json]:
    """Return the quantity of a text such as ``3.5±0.1 mm`` or ``3.4~3.6 mm``; raises KeyTextError when it is not certain.

    Examples
    --------
    >>> read_quantity("3.4~3.6 mm")
    {'value': 3.5, 'tolerance': 0.1, 'unit': 'mm'}
    """
    ends = _RANGE.fullmatch(text)
    if ends:
        return _read_range(text, ends[1], ends[2])
    before, _, after = _split_tolerance(text)
    value, tolerance = leading_number(before), leading_number(after or "0")
    if value is None or tolerance is None or (after and value[1] and tolerance[1]):
        raise uncertain(text)
    unit = value[1] or tolerance[1]
    if tolerance[0] < 0 or re.search(r"[\d;；,，、|或]", unit):
        raise uncertain(text)
    return _key(value[0], tolerance[0], unit)


def _split_tolerance(text: str) -> tuple[str, str, str]:
    parts = _TOLERANCE_SIGN.split(text)
    if len(parts) > 2 or (len(parts) == 2 and not parts[1].strip()):
        raise uncertain(text)
    return parts[0], "±", parts[1] if len(parts) == 2 else ""


def _read_range(text: str, low_text: str, high_text: str) -> dict[str, Json]:
    low, high = parse_number(low_text), leading_number(high_text)
    if low is None or high is None or high[0] < low or re.search(r"\d", high[1]):
        raise uncertain(text)
    return _key((low + high[0]) / 2, (high[0] - low) / 2, high[1])


def uncertain(text: str) -> KeyTextError:
    """Return the refusal of a text that is no certain quantity."""
    return KeyTextError(N_("答案“%(text)s”不是一个确定的数，请写成 3.5 或 3.5±0.1 mm"), text=text.strip()[:30])
