"""Make the Word and the Excel file of the demonstration from `items.json`: ``python -m web.demo.files``.

The two files are what `kaoku demo` imports; a test reads them back and compares them with their source.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from item_templates.canonical import item_from_json
from item_templates.contract import CanonicalItem
from qbank.interchange.convert import write_items

FOLDER = Path(__file__).resolve().parent
WORD_FILE, EXCEL_FILE = FOLDER / "演示题库一.docx", FOLDER / "演示题库二.xlsx"


def source_items() -> list[CanonicalItem]:
    """Return the items as they were written."""
    body = json.loads((FOLDER / "items.json").read_text(encoding="utf-8"))
    return [item_from_json(one) for one in body["items"]]


def split(items: Sequence[CanonicalItem]) -> tuple[list[CanonicalItem], list[CanonicalItem]]:
    """Return the items of the Word file (基本要求) and of the Excel file (相关知识要求)."""
    word = [item for item in items if item.points[0].startswith("A-")]
    return word, [item for item in items if not item.points[0].startswith("A-")]


def main() -> None:
    """Write both files."""
    word, excel = split(source_items())
    WORD_FILE.write_bytes(write_items(word, "docx")[0])
    EXCEL_FILE.write_bytes(write_items(excel, "xlsx")[0])


if __name__ == "__main__":
    main()
