"""Find the pictures of an .xlsx workbook and the rows they stand in."""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Iterator

from lxml import etree

from qbank.interchange.guard import LIMITS

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}"
ART = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
OFFICE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
PACKAGE = "{http://schemas.openxmlformats.org/package/2006/relationships}"

RowPictures = dict[int, list[tuple[int, str, bytes]]]
"""Column, name and bytes of the pictures of each row, rows counted from 1 and columns from 0."""


def read_pictures(data: bytes) -> dict[str, RowPictures]:
    """Return, by sheet name, the pictures anchored in each row (as numbered on screen)."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        package = _Package(archive)
        return {name: found for name, part in package.sheets() if (found := package.pictures(part))}


class _Package:
    """Parts of one workbook file, found by their relationships."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.names = set(archive.namelist())

    def sheets(self) -> Iterator[tuple[str, str]]:
        targets = self.targets("xl/workbook.xml")
        for sheet in self.tree("xl/workbook.xml").iter(f"{MAIN}sheet"):
            part = targets.get(sheet.get(f"{OFFICE}id", ""))
            if part:
                yield sheet.get("name", ""), part

    def pictures(self, sheet_part: str) -> RowPictures:
        found: RowPictures = {}
        for part in self.targets(sheet_part, kind="/drawing").values():
            media = self.targets(part, kind="/image")
            for anchor in self.tree(part):
                self._add_anchor(anchor, media, found)
        return found

    def _add_anchor(self, anchor: etree._Element, media: dict[str, str], found: RowPictures) -> None:
        row = anchor.findtext(f"{DRAWING}from/{DRAWING}row", "").strip()
        column = anchor.findtext(f"{DRAWING}from/{DRAWING}col", "").strip()
        for blip in anchor.iter(f"{ART}blip"):
            part = media.get(blip.get(f"{OFFICE}embed", ""))
            if (
                part
                and row.isdigit()
                and column.isdigit()
                and self.archive.getinfo(part).file_size <= LIMITS.picture_bytes
            ):
                name = posixpath.basename(part)
                found.setdefault(int(row) + 1, []).append((int(column), name, self.archive.read(part)))

    def targets(self, part: str, kind: str = "") -> dict[str, str]:
        """Return the internal targets of a part by relationship id; external ones are left out."""
        folder, name = posixpath.split(part)
        relations = f"{folder}/_rels/{name}.rels"
        if relations not in self.names:
            return {}
        found = {}
        for relation in self.tree(relations).iter(f"{PACKAGE}Relationship"):
            target = _resolve(folder, relation.get("Target", ""))
            internal = relation.get("TargetMode") != "External" and target in self.names
            if internal and relation.get("Type", "").endswith(kind):
                found[relation.get("Id", "")] = target
        return found

    def tree(self, part: str) -> etree._Element:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        if part not in self.names:
            return etree.Element("empty")
        return etree.fromstring(self.archive.read(part), parser)


def _resolve(folder: str, target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
