"""Which version of which item of the bank a file was written from, so that it can go back there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from lxml import etree

from item_templates.contract import CanonicalItem
from qbank.interchange.model import RawRecord

VERSION_MARK = "题库版本"
"""Under this name the metadata of an exported item carry the number of the version that it was."""

NAMESPACE = "urn:kaoku:item-origins:1"
PART = "/customXml/kaoku-origins.xml"


def origins_xml(items: Iterable[CanonicalItem]) -> bytes | None:
    """Return codes and version numbers as the document part that Word keeps beside the text; None when there are none."""
    root = etree.Element(f"{{{NAMESPACE}}}origins", nsmap={"k": NAMESPACE})
    for item in items:
        if VERSION_MARK in item.metadata:
            entry = etree.SubElement(root, f"{{{NAMESPACE}}}item")
            entry.set("code", item.id)
            entry.set("version", str(item.metadata[VERSION_MARK]))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8") if len(root) else None


def read_origins(root: etree._Element) -> dict[str, str]:
    """Return version numbers by code from the root of a custom part; nothing from the parts of others."""
    if root.tag != f"{{{NAMESPACE}}}origins":
        return {}
    return {entry.get("code", ""): entry.get("version", "") for entry in root.iter(f"{{{NAMESPACE}}}item")}


def note_origins(records: Iterable[RawRecord], origins: Mapping[str, str]) -> None:
    """Give records that lost the number of their version the one that the file keeps beside its text."""
    for record in records:
        if record.item is None:
            version = origins.get(record.identifier.strip())
            if version:
                record.metadata.setdefault(VERSION_MARK, version)
        elif record.item.id in origins and VERSION_MARK not in record.item.metadata:
            metadata = {**record.item.metadata, VERSION_MARK: origins[record.item.id]}
            record.item = replace(record.item, metadata=metadata)
