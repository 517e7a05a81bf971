"""Numeric: a number within a tolerance of the key."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from item_templates import forms
from item_templates.base import BaseType, json_list
from item_templates.checks import as_decimal
from item_templates.contract import Finding, Interaction, ItemContent, Json
from item_templates.findings import KeyTextError, finding
from item_templates.keys import strip_label
from item_templates.numbers import leading_number
from item_templates.quantities import (
    quantity_of,
    quantity_parts,
    quantity_text,
    read_quantity,
    typed_quantity,
    uncertain,
)
from kernel.i18n import N_


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
    aliases = ("数值", "numeric", "numerical", "number", "shuzhi")
    position = 50

    def check(self, content: ItemContent) -> Iterable[Finding]:
        """Return findings on value and tolerance."""
        key = quantity_parts(content.key)
        if key is None:
            yield finding("no_key", N_("没有标准答案，请写出数值"), field="key")
        elif key[0] is None:
            yield finding("bad_key", N_("标准答案必须是一个数"), field="key")
        if key is not None and (key[1] is None or key[1] < 0):
            yield finding("bad_tolerance", N_("允许误差必须是不小于 0 的数"), field="key")

    def delivery_fields(self, content: ItemContent) -> dict[str, Json]:
        """Return the unit, which stands beside the input."""
        key = quantity_parts(content.key)
        return {"unit": key[2] if key else ""}

    def parse_cell(self, content: ItemContent, text: str) -> list[Json]:
        """Return the text of the cell; a JSON list of one number or text is understood too."""
        listed = json_list(text)
        return super().parse_cell(content, str(listed[0]) if listed and len(listed) == 1 else text)

    def fraction(self, content: ItemContent, response: Sequence[Json]) -> Decimal | None:
        """Return 1 within the tolerance, else 0."""
        key = quantity_parts(content.key)
        if key is None or key[0] is None or key[1] is None:
            return None
        number = _number_in(response[0], key[2]) if len(response) == 1 else None
        return Decimal(number is not None and abs(number - key[0]) <= key[1])

    def key_text(self, content: ItemContent) -> str:
        """Return ``3.5±0.1 mm``."""
        key = quantity_parts(content.key)
        if key is None or key[0] is None:
            return ""
        written = quantity_text(content.key)
        return written if read_quantity(written) == content.key else json.dumps(content.key, ensure_ascii=False)

    def parse_key(self, text: str, content: ItemContent) -> Json:
        """Return the key in a cell: ``3.5``, ``3.5±0.1 mm``, ``3.4~3.6`` or the JSON object."""
        del content
        bare = strip_label(text)
        if bare.startswith("{"):
            try:
                return self.normalise_key(json.loads(bare))
            except ValueError as exc:
                raise uncertain(bare) from exc
        return read_quantity(bare)

    def normalise_key(self, key: Json) -> Json:
        """Return ``{"value", "tolerance", "unit"}`` with numbers, or None; a bare number has no tolerance."""
        if key is None:
            return None
        found = quantity_of(key)
        if found is None:
            raise KeyTextError(N_('数值题的答案必须形如 {"value": 3.5, "tolerance": 0.1, "unit": "mm"}'))
        return found

    def fill_from_form(self, content: ItemContent, fields: forms.Fields) -> ItemContent:
        """Return the content with value, tolerance and unit of the form."""
        value, tolerance, unit = (forms.first(fields, name) for name in ("key_value", "key_tolerance", "key_unit"))
        return replace(content, key=typed_quantity(value, tolerance, unit)) if value else content


def _number_in(response: Json, unit: str) -> Decimal | None:
    if isinstance(response, int | float) and not isinstance(response, bool):
        return as_decimal(response)
    found = leading_number(response) if isinstance(response, str) else None
    if found is None:
        return None
    number, rest = found
    return number if rest in {"", unicodedata.normalize("NFKC", unit).strip()} else None


TYPE = Numeric()
