"""A form and its key as PDF."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from blueprints.documents.layout import FormSheet, KeyPart, PrintedItem, PrintedPart
from blueprints.documents.runs import Rich
from item_templates.formulas.typst import to_typst
from kernel.typesetting import picture_suffix, render_pdf

_FOLDER = Path(__file__).parent


def form_pdf(sheet: FormSheet, parts: Sequence[PrintedPart], media: Mapping[str, bytes]) -> bytes:
    """Return a form in the official layout."""
    names = picture_names(media)
    data = sheet_data(sheet) | {"parts": [_part(part, names) for part in parts]}
    assets = {names[key]: picture for key, picture in media.items() if key in names}
    return _render("form.typ", sheet, data, assets)


def key_pdf(sheet: FormSheet, parts: Sequence[KeyPart], media: Mapping[str, bytes]) -> bytes:
    """Return the key and scoring standard of a form."""
    names = picture_names(media)
    data = sheet_data(sheet) | {"parts": [_key_part(part, names) for part in parts]}
    assets = {names[key]: picture for key, picture in media.items() if key in names}
    return _render("form_key.typ", sheet, data, assets)


def _render(template: str, sheet: FormSheet, data: Mapping[str, Any], assets: Mapping[str, bytes]) -> bytes:
    archival = sheet.printed_at is not None
    return render_pdf(_FOLDER / template, data, assets=assets, created_at=sheet.printed_at, archival=archival)


def picture_names(media: Mapping[str, bytes]) -> dict[str, str]:
    """Return a file name for every picture that can be printed, by its id."""
    names = {}
    for number, (key, data) in enumerate(media.items(), 1):
        if suffix := picture_suffix(data):
            names[key] = f"picture-{number}.{suffix}"
    return names


def sheet_data(sheet: FormSheet) -> dict[str, Any]:
    """Return what the templates read of a sheet."""
    data = dataclasses.asdict(sheet) | {"title": sheet.title, "notes": sheet.notes, "foot": sheet.foot}
    del data["printed_at"]
    data["page_size"] = {key: value for key, value in data["page_size"].items() if key not in {"name", "label"}}
    return data


def _part(part: PrintedPart, names: Mapping[str, str]) -> dict[str, Any]:
    return {"heading": part.heading, "numeral": part.numeral, "groups": _groups(part.items, names)}


def _groups(items: Sequence[PrintedItem], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the items of a part with those together that share a text."""
    groups: list[dict[str, Any]] = []
    for item in items:
        if not item.follows:
            shared = _blocks(item.shared, names) if item.shared else []
            groups.append({"heading": item.shared_heading, "shared": shared, "items": []})
        groups[-1]["items"].append(_item(item, names))
    return groups


def _item(item: PrintedItem, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "number": item.number, "stem": _blocks(item.stem, names), "n_columns": item.n_columns, "lead": item.lead,
        "n_lines": item.n_lines, "score": item.score,
        "choices": [{"id": key, "blocks": _blocks(text, names)} for key, text in item.choices],
        "targets": [{"id": key, "blocks": _blocks(text, names)} for key, text in item.targets],
    }  # fmt: skip


def _blocks(text: Rich, names: Mapping[str, str]) -> list[dict[str, Any]]:
    return [_printable(block, names) for block in text.blocks]


def _printable(value: Any, names: Mapping[str, str]) -> Any:
    """Put data in place of formulas, and file names where pictures are named by id.

    A picture that cannot be printed leaves its alternative text.
    """
    if isinstance(value, list):
        return [_printable(part, names) for part in value]
    if not isinstance(value, dict):
        return value
    if value.get("k") == "img":
        return value | {"v": names.get(value["v"], "")}
    if value.get("k") == "m":
        return {"k": "m", "v": to_typst(value["v"])}
    return {key: _printable(part, names) for key, part in value.items()}


def _key_part(part: KeyPart, names: Mapping[str, str]) -> dict[str, Any]:
    items = [
        {
            "number": item["number"], "score": item["score"], "answer": _blocks(item["answer"], names),
            "explanation": _blocks(item["explanation"], names),
            "points": [{"blocks": _blocks(text, names), "score": score} for text, score in item["points"]],
        }
        for item in part.items
    ]  # fmt: skip
    rows = [[{"number": number, "key": key} for number, key in row] for row in part.rows]
    return {"heading": part.heading, "rows": rows, "items": items}
