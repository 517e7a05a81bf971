"""Make the item files of the demonstration: ``python -m web.demo.files``.

Word and the first Excel file hold `items.json`, the second Excel file `items_by_type.json` with its pictures. The three are what `kaoku demo` imports; a test reads them back and compares them with their source.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from item_templates.canonical import item_from_json
from item_templates.contract import CanonicalItem
from qbank.interchange.convert import write_items

FOLDER = Path(__file__).resolve().parent
WORD_FILE, EXCEL_FILE = FOLDER / "演示题库一.docx", FOLDER / "演示题库二.xlsx"
TYPES_FILE = FOLDER / "演示题库三.xlsx"


def source_items(name: str = "items.json") -> list[CanonicalItem]:
    """Return the items of a file as they were written."""
    body = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return [item_from_json(one) for one in body["items"]]


def items_by_type() -> list[CanonicalItem]:
    """Return the items of the types that the two large files do not have."""
    return source_items("items_by_type.json")


def drawings() -> dict[str, bytes]:
    """Return the pictures of the demonstration by digest."""
    found = [path.read_bytes() for path in sorted((FOLDER / "pictures").glob("*.png"))]
    return {hashlib.sha256(data).hexdigest(): data for data in found}


def split(items: Sequence[CanonicalItem]) -> tuple[list[CanonicalItem], list[CanonicalItem]]:
    """Return the items of the Word file (基本要求) and of the Excel file (相关知识要求)."""
    word = [item for item in items if item.points[0].startswith("A-")]
    return word, [item for item in items if not item.points[0].startswith("A-")]


def main() -> None:
    """Write the three files."""
    word, excel = split(source_items())
    WORD_FILE.write_bytes(write_items(word, "docx")[0])
    EXCEL_FILE.write_bytes(write_items(excel, "xlsx")[0])
    TYPES_FILE.write_bytes(write_items(items_by_type(), "xlsx", drawings())[0])


if __name__ == "__main__":
    main()
