"""What the cells of an .xlsx file say beyond their values: extent, percent formats, raised and lowered letters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from kernel.i18n import N_
from qbank.interchange.guard import LIMITS, UnreadableFileError
from qbank.interchange.xlsx_package import MAIN, Package

FILLED_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*)(?<!/)>")
REFERENCE = re.compile(rb'\br\s*=\s*["\']([A-Z]{1,3})(\d{1,7})["\']')
STYLE = re.compile(rb'\bs\s*=\s*["\'](\d{1,6})["\']')
NOT_NUMERIC = re.compile(rb'\bt\s*=\s*["\'](?!n["\'])')
MAX_AREA = 2_000_000
BUILT_IN_PERCENT = frozenset({9, 10})
RAISED = {"superscript": "sup", "subscript": "sub"}

Place = tuple[int, int]


def check_extent(package: Package) -> None:
    """Refuse sheets whose farthest cells would make the parser reserve a huge table."""
    for _, part in package.sheets():
        rows = columns = 0
        for (row, column), _ in _cells(package.read(part)):
            rows, columns = max(rows, row), max(columns, column)
        if rows > LIMITS.rows + 100:
            raise UnreadableFileError("too_many_rows", N_("工作表超过 20000 行，请拆分后分批导入"))
        if rows * columns > MAX_AREA:
            raise UnreadableFileError("too_many_columns", N_("工作表的列过多，请删除题目以外的列再上传"))


def percent_cells(package: Package) -> dict[str, set[Place]]:
    """Return, by sheet name, the places (row and column from 0) of numbers that are shown as percentages."""
    styles = _percent_styles(package)
    if not styles:
        return {}
    return {name: _percent_places(package.read(part), styles) for name, part in package.sheets()}


def raised_texts(package: Package) -> dict[str, str]:
    """Return the texts with raised or lowered letters as HTML, by the plain text that the cell reader gives.

    A plain text that stands for different forms is left out: which cell means which cannot be told.
    """
    if b"vertAlign" not in package.read("xl/sharedStrings.xml"):
        return {}
    forms: dict[str, set[str]] = {}
    for entry in package.tree("xl/sharedStrings.xml").iter(f"{MAIN}si"):
        plain, html = _forms(entry)
        forms.setdefault(plain, set()).add(html)
    return {plain: next(iter(found)) for plain, found in forms.items() if len(found) == 1 and found != {plain}}


def _cells(part: bytes) -> Iterator[tuple[Place, bytes]]:
    for cell in FILLED_CELL.finditer(part):
        reference = REFERENCE.search(cell[1])
        if reference:
            yield (int(reference[2]), _column_number(reference[1])), cell[1]


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def is_percent(code: str) -> bool:
    """Say whether a number format shows a number as a percentage."""
    return "%" in code.split(";", maxsplit=1)[0]


def _percent_styles(package: Package) -> set[int]:
    root = package.tree("xl/styles.xml")
    custom = {
        int(one.get("numFmtId", "0")) for one in root.iter(f"{MAIN}numFmt") if is_percent(one.get("formatCode", ""))
    }
    formats = root.find(f"{MAIN}cellXfs")
    used = [int(one.get("numFmtId", "0")) for one in formats] if formats is not None else []
    return {index for index, number in enumerate(used) if number in BUILT_IN_PERCENT | custom}


def _percent_places(part: bytes, styles: set[int]) -> set[Place]:
    places = set()
    for (row, column), attributes in _cells(part):
        style = STYLE.search(attributes)
        if style and int(style[1]) in styles and not NOT_NUMERIC.search(attributes):
            places.add((row - 1, column - 1))
    return places


def _marked(text: str, tag: str) -> str:
    """Mark a raised or lowered run, but not the separators of options that somebody caught up in it."""
    cut = next((match.start() for match in re.finditer(r"\*\*|##|\n", text)), len(text))
    return f"<{tag}>{text[:cut]}</{tag}>{text[cut:]}" if tag and text[:cut].strip() else text


def _forms(entry: etree._Element) -> tuple[str, str]:
    """Return the plain text of a shared string and the same with its raised and lowered runs marked."""
    if entry.find(f"{MAIN}r") is None:
        text = entry.findtext(f"{MAIN}t", "")
        return text, text
    plain, html = [], []
    for run in entry.iter(f"{MAIN}r"):
        text = run.findtext(f"{MAIN}t", "")
        mark = run.find(f"{MAIN}rPr/{MAIN}vertAlign")
        tag = RAISED.get(mark.get("val", ""), "") if mark is not None else ""
        plain.append(text)
        html.append(_marked(text, tag))
    return "".join(plain), re.sub(r"</(su[bp])><\1>", "", "".join(html))
