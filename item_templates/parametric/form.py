"""The authoring form of parametric items: rows of variables, lines of expressions."""

from __future__ import annotations

import re
from itertools import zip_longest

from item_templates import forms
from item_templates.contract import Json

VARIABLE_PARTS = ("name", "minimum", "maximum", "step", "values", "decimals")
DERIVED_PARTS = ("name", "expression", "decimals")
_VALUES = re.compile(r"[\s,，;；、]+")


def parameters_of(fields: forms.Fields) -> dict[str, Json]:
    """Return the parameters that a form describes; what was left empty is left out.

    Examples
    --------
    >>> parameters_of({"variable_name": ["U"], "variable_values": ["1, 2"], "answer_expressions": ["2*U"]})
    {'variables': [{'name': 'U', 'values': ['1', '2']}], 'answer': {'shape': 'numeric', 'expressions': ['2*U']}}
    """
    body: dict[str, Json] = {
        "variables": [_variable(row) for row in _rows(fields, "variable", VARIABLE_PARTS)],
        "derived": [_with_number(row) for row in _rows(fields, "derived", DERIVED_PARTS)],
        "constraints": _lines(fields, "constraints"),
        "angles": "radians" if forms.first(fields, "angles") == "radians" else "",
        "answer": _answer(fields),
    }
    return {name: value for name, value in body.items() if value}


def _rows(fields: forms.Fields, prefix: str, parts: tuple[str, ...]) -> list[dict[str, Json]]:
    columns = [[text.strip() for text in fields.get(f"{prefix}_{part}", ())] for part in parts]
    rows = zip_longest(*columns, fillvalue="")
    filled = [dict(zip(parts, row, strict=True)) for row in rows if any(row)]
    return [{name: text for name, text in row.items() if text or name == "name"} for row in filled]


def _variable(row: dict[str, Json]) -> dict[str, Json]:
    row = _with_number(row)
    if "values" in row:
        row["values"] = [part for part in _VALUES.split(row["values"]) if part]
    return row


def _with_number(row: dict[str, Json]) -> dict[str, Json]:
    text = row.get("decimals", "")
    return {**row, "decimals": int(text)} if text.isascii() and text.isdecimal() else row


def _lines(fields: forms.Fields, name: str) -> list[str]:
    return [line.strip() for line in forms.first(fields, name).splitlines() if line.strip()]


def _answer(fields: forms.Fields) -> dict[str, Json]:
    shape = forms.first(fields, "shape") or "numeric"
    body: dict[str, Json] = {
        "shape": shape,
        "expressions": _lines(fields, "answer_expressions"),
        "distractors": _lines(fields, "distractors") if shape == "single_choice" else [],
        "decimals": forms.first(fields, "answer_decimals"),
        "tolerance": forms.first(fields, "answer_tolerance"),
        "unit": forms.first(fields, "answer_unit"),
    }
    return _with_number({name: value for name, value in body.items() if value})
