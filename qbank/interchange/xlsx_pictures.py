"""Find the pictures of an .xlsx workbook: those anchored over cells, and those that stand inside cells."""

from __future__ import annotations

import posixpath
import re

from lxml import etree

from qbank.interchange.guard import LIMITS
from qbank.interchange.xlsx_package import OFFICE, Package

DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}"
ART = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
CELL_IMAGES = "xl/cellimages.xml"
CELL_PICTURE = re.compile(r'^=?(?:_xlfn\.)?DISPIMG\(\s*"([^"]+)"\s*,\s*\d+\s*\)$')

Picture = tuple[str, bytes]
RowPictures = dict[int, list[tuple[int, str, bytes]]]
"""Column, name and bytes of the pictures of each row, rows counted from 1 and columns from 0."""


def anchored_pictures(package: Package) -> dict[str, RowPictures]:
    """Return, by sheet name, the pictures anchored in each row (as numbered on screen)."""
    return {name: found for name, part in package.sheets() if (found := _sheet_pictures(package, part))}


def cell_pictures(package: Package) -> dict[str, Picture]:
    """Return the pictures that cells name by ``=DISPIMG("ID…",1)``, as WPS writes them."""
    media = package.targets(CELL_IMAGES, kind="/image")
    found = {}
    for entry in package.tree(CELL_IMAGES):
        name = next((one.get("name", "") for one in entry.iter(f"{DRAWING}cNvPr")), "")
        part = next((media.get(one.get(f"{OFFICE}embed", ""), "") for one in entry.iter(f"{ART}blip")), "")
        if name and part and _fits(package, part):
            found[name] = (posixpath.basename(part), package.read(part))
    return found


def named_picture(cell: str) -> str:
    """Return the name of the picture that a cell holds, or an empty string."""
    match = CELL_PICTURE.match(cell.strip())
    return match[1] if match else ""


def _sheet_pictures(package: Package, sheet_part: str) -> RowPictures:
    found: RowPictures = {}
    for part in package.targets(sheet_part, kind="/drawing").values():
        media = package.targets(part, kind="/image")
        for anchor in package.tree(part):
            _add_anchor(package, anchor, media, found)
    return found


def _add_anchor(package: Package, anchor: etree._Element, media: dict[str, str], found: RowPictures) -> None:
    row = anchor.findtext(f"{DRAWING}from/{DRAWING}row", "").strip()
    column = anchor.findtext(f"{DRAWING}from/{DRAWING}col", "").strip()
    if not (row.isdigit() and column.isdigit()):
        return
    for blip in anchor.iter(f"{ART}blip"):
        part = media.get(blip.get(f"{OFFICE}embed", ""), "")
        if part and _fits(package, part):
            found.setdefault(int(row) + 1, []).append((int(column), posixpath.basename(part), package.read(part)))


def _fits(package: Package, part: str) -> bool:
    return package.archive.getinfo(part).file_size <= LIMITS.picture_bytes
