"""The parts of an .xlsx file and how they hang together."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator

from lxml import etree

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
OFFICE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
PACKAGE = "{http://schemas.openxmlformats.org/package/2006/relationships}"


class Package:
    """Parts of one workbook file, found by their relationships."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.names = set(archive.namelist())

    def sheets(self) -> Iterator[tuple[str, str]]:
        """Yield name and part of every sheet."""
        targets = self.targets("xl/workbook.xml")
        for sheet in self.tree("xl/workbook.xml").iter(f"{MAIN}sheet"):
            part = targets.get(sheet.get(f"{OFFICE}id", ""))
            if part:
                yield sheet.get("name", ""), part

    def targets(self, part: str, kind: str = "") -> dict[str, str]:
        """Return the internal targets of a part by relationship id; external ones are left out."""
        folder, name = posixpath.split(part)
        relations = f"{folder}/_rels/{name}.rels"
        found = {}
        for relation in self.tree(relations).iter(f"{PACKAGE}Relationship"):
            target = _resolve(folder, relation.get("Target", ""))
            internal = relation.get("TargetMode") != "External" and target in self.names
            if internal and relation.get("Type", "").endswith(kind):
                found[relation.get("Id", "")] = target
        return found

    def tree(self, part: str) -> etree._Element:
        """Return the root of a part, an empty element when there is no such part."""
        if part not in self.names:
            return etree.Element("empty")
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        return etree.fromstring(self.archive.read(part), parser)

    def read(self, part: str) -> bytes:
        """Return the bytes of a part, none when there is no such part."""
        return self.archive.read(part) if part in self.names else b""


def _resolve(folder: str, target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
