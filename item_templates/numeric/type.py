"""Numeric: a number within a tolerance of the key."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from item_templates import forms
from item_templates.base import BaseType, json_list
from item_templates.checks import as_decimal
from item_templates.contract import Finding, Interaction, ItemContent, Json
from item_templates.findings import KeyTextError, finding
from item_templates.keys import strip_label
from item_templates.numbers import json_number, leading_number, number_or_text, parse_number
from item_templates.rounding import decimal_text
from kernel.i18n import N_

_TOLERANCE_SIGN = re.compile(r"±|\+/-|\+-")
_RANGE = re.compile(r"(.*\d)\s*(?:~|～|至)\s*(\S.*)")


class Numeric(BaseType):
    """The key is ``{"value", "tolerance", "unit"}``; the response a number, with or without the unit.

    Notes
    -----
    Correct when ``|response - value| <= tolerance``, computed in decimals: 3.6 is within 3.5 ± 0.1. Another unit than the
    key's is wrong; nothing is converted.
    """

    name = "numeric"
    interaction = Interaction.NUMBER
    label = N_("数值题")
    aliases = ("数值", "计算题", "计算", "numeric", "numerical", "number", "jisuan")
    position = 50

    def check(self, content: ItemContent) -> Iterable[Finding]:
        """Return findings on value and tolerance."""
        key = _parts(content.key)
        if key is None:
            yield finding("no_key", N_("没有标准答案，请写出数值"), field="key")
        elif key[0] is None:
            yield finding("bad_key", N_("标准答案必须是一个数"), field="key")
        if key is not None and (key[1] is None or key[1] < 0):
            yield finding("bad_tolerance", N_("允许误差必须是不小于 0 的数"), field="key")

    def delivery_fields(self, content: ItemContent) -> dict[str, Json]:
        """Return the unit, which stands beside the input."""
        key = _parts(content.key)
        return {"unit": key[2] if key else ""}

    def parse_cell(self, content: ItemContent, text: str) -> list[Json]:
        """Return the text of the cell; a JSON list of one number or text is understood too."""
        listed = json_list(text)
        return super().parse_cell(content, str(listed[0]) if listed and len(listed) == 1 else text)

    def fraction(self, content: ItemContent, response: Sequence[Json]) -> Decimal | None:
        """Return 1 within the tolerance, else 0."""
        key = _parts(content.key)
        if key is None or key[0] is None or key[1] is None:
            return None
        number = _number_in(response[0], key[2]) if len(response) == 1 else None
        return Decimal(number is not None and abs(number - key[0]) <= key[1])

    def key_text(self, content: ItemContent) -> str:
        """Return ``3.5±0.1 mm``."""
        key = _parts(content.key)
        if key is None or key[0] is None:
            return ""
        tolerance = f"±{decimal_text(key[1])}" if key[1] else ""
        written = f"{decimal_text(key[0])}{tolerance} {key[2]}".strip()
        return written if _read(written) == content.key else json.dumps(content.key, ensure_ascii=False)

    def parse_key(self, text: str, content: ItemContent) -> Json:
        """Return the key in a cell: ``3.5``, ``3.5±0.1 mm``, ``3.4~3.6`` or the JSON object."""
        del content
        bare = strip_label(text)
        if bare.startswith("{"):
            try:
                return self.normalise_key(json.loads(bare))
            except ValueError as exc:
                raise _uncertain(bare) from exc
        return _read(bare)

    def normalise_key(self, key: Json) -> Json:
        """Return ``{"value", "tolerance", "unit"}`` with numbers, or None; a bare number has no tolerance."""
        if key is None:
            return None
        given = key if isinstance(key, Mapping) else {"value": key}
        value, tolerance = as_decimal(given.get("value")), as_decimal(given.get("tolerance") or 0)
        unit = given.get("unit") or ""
        if value is None or tolerance is None or not isinstance(unit, str):
            raise KeyTextError(N_('数值题的答案必须形如 {"value": 3.5, "tolerance": 0.1, "unit": "mm"}'))
        return _key(value, tolerance, unit)

    def fill_from_form(self, content: ItemContent, fields: forms.Fields) -> ItemContent:
        """Return the content with value, tolerance and unit of the form."""
        value, tolerance, unit = (forms.first(fields, name) for name in ("key_value", "key_tolerance", "key_unit"))
        if not value:
            return content
        key = {"value": number_or_text(value), "tolerance": number_or_text(tolerance or "0"), "unit": unit}
        return replace(content, key=key)


def _key(value: Decimal, tolerance: Decimal, unit: str) -> dict[str, Json]:
    return {"value": json_number(value), "tolerance": json_number(tolerance), "unit": unit}


def _parts(key: Json) -> tuple[Decimal | None, Decimal | None, str] | None:
    if not isinstance(key, Mapping):
        return None
    unit = key.get("unit")
    return as_decimal(key.get("value")), as_decimal(key.get("tolerance") or 0), unit if isinstance(unit, str) else ""


def _number_in(response: Json, unit: str) -> Decimal | None:
    if isinstance(response, int | float) and not isinstance(response, bool):
        return as_decimal(response)
    found = leading_number(response) if isinstance(response, str) else None
    if found is None:
        return None
    number, rest = found
    return number if rest in {"", unicodedata.normalize("NFKC", unit).strip()} else None


def _read(text: str) -> dict[str, Json]:
    ends = _RANGE.fullmatch(text)
    if ends:
        return _read_range(text, ends[1], ends[2])
    before, _, after = _split_tolerance(text)
    value, tolerance = leading_number(before), leading_number(after or "0")
    if value is None or tolerance is None or (after and value[1] and tolerance[1]):
        raise _uncertain(text)
    unit = value[1] or tolerance[1]
    if tolerance[0] < 0 or re.search(r"[\d;；,，、|或]", unit):
        raise _uncertain(text)
    return _key(value[0], tolerance[0], unit)


def _split_tolerance(text: str) -> tuple[str, str, str]:
    parts = _TOLERANCE_SIGN.split(text)
    if len(parts) > 2 or (len(parts) == 2 and not parts[1].strip()):
        raise _uncertain(text)
    return parts[0], "±", parts[1] if len(parts) == 2 else ""


def _read_range(text: str, low_text: str, high_text: str) -> dict[str, Json]:
    low, high = parse_number(low_text), leading_number(high_text)
    if low is None or high is None or high[0] < low or re.search(r"\d", high[1]):
        raise _uncertain(text)
    return _key((low + high[0]) / 2, (high[0] - low) / 2, high[1])


def _uncertain(text: str) -> KeyTextError:
    return KeyTextError(N_("答案“%(text)s”不是一个确定的数，请写成 3.5 或 3.5±0.1 mm"), text=text.strip()[:30])


TYPE = Numeric()
