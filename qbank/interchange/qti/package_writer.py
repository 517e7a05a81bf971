"""Items as a content package: one file an item, its pictures, and the manifest."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lxml import etree
from lxml.etree import _Element

from item_templates.contract import CanonicalItem, ItemContent
from kernel.i18n import N_
from qbank.interchange.model import Notice
from qbank.interchange.pictures import picture_type
from qbank.interchange.qti.lom import DIFFICULTIES
from qbank.interchange.qti.names import VERSIONS, XSI, Version
from qbank.interchange.qti.titles import title_of
from qbank.interchange.qti.write_item import write_item

ITEMS, MEDIA = "items", "media"
LOM = "http://ltsc.ieee.org/xsd/LOM"
LOM_SCHEMA = "http://www.imsglobal.org/xsd/imsmd_loose_v1p3p2.xsd"
EXTENSIONS = {
    "image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp", "image/bmp": ".bmp",
}  # fmt: skip
EPOCH = (2020, 1, 1, 0, 0, 0)
"""The date of every entry: the same items give the same bytes."""


def write_qti21(items: Sequence[CanonicalItem], media: Mapping[str, bytes]) -> tuple[bytes, list[Notice]]:
    """Return a QTI 2.1 package and what it could not carry; `media` holds the pictures by digest."""
    return _write(items, media, VERSIONS["qti21"])


def write_qti22(items: Sequence[CanonicalItem], media: Mapping[str, bytes]) -> tuple[bytes, list[Notice]]:
    """Return a QTI 2.2 package and what it could not carry; `media` holds the pictures by digest."""
    return _write(items, media, VERSIONS["qti22"])


def write_qti30(items: Sequence[CanonicalItem], media: Mapping[str, bytes]) -> tuple[bytes, list[Notice]]:
    """Return a QTI 3.0 package and what it could not carry; `media` holds the pictures by digest."""
    return _write(items, media, VERSIONS["qti30"])


def only_item_file(data: bytes) -> bytes | None:
    """Return the item file of a package that holds nothing else beside its manifest."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if name != "imsmanifest.xml"]
        return archive.read(names[0]) if len(names) == 1 else None


@dataclass(slots=True)
class _Resource:
    item: CanonicalItem
    path: str
    pictures: list[str]


@dataclass(slots=True)
class _Box:
    """The package as it fills."""

    media: Mapping[str, bytes]
    files: dict[str, bytes] = field(default_factory=dict)
    resources: list[_Resource] = field(default_factory=list)
    losses: list[Notice] = field(default_factory=list)


def _write(items: Sequence[CanonicalItem], media: Mapping[str, bytes], version: Version) -> tuple[bytes, list[Notice]]:
    box = _Box(media)
    for number, item in enumerate(items, 1):
        _put(item, number, version, box)
    box.files["imsmanifest.xml"] = _manifest(box.resources, version)
    return _zip(box.files), box.losses


def _put(item: CanonicalItem, number: int, version: Version, box: _Box) -> None:
    addresses = _pictures(item, box)
    written = write_item(
        item,
        version,
        address=lambda name: f"../{addresses.get(name) or f'{MEDIA}/{name}'}",
        resolve=box.files.get,
        folder=ITEMS,
    )
    box.losses += written.losses
    if written.data is not None:
        path = f"{ITEMS}/item-{number:05}.xml"
        box.files[path] = written.data
        box.resources.append(_Resource(item, path, list(addresses.values())))


def _pictures(item: CanonicalItem, box: _Box) -> dict[str, str]:
    """Put the pictures of an item into the package; return their paths by media id."""
    addresses: dict[str, str] = {}
    for medium in _all_media(item.content):
        name, digest = str(medium.get("id")), str(medium.get("digest"))
        data = box.media.get(digest)
        extension = EXTENSIONS.get(picture_type(data)) if data is not None else None
        if data is None or extension is None:
            message = N_("图片文件不在手边，只写出了它的说明")
            box.losses.append(Notice(f"item {item.id}", "picture", message))
            continue
        safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:80]
        path = f"{MEDIA}/{safe}-{hashlib.sha256(data).hexdigest()[:12]}{extension}"
        box.files[path] = data
        addresses[name] = path
    return addresses


def _all_media(content: ItemContent) -> list[Mapping[str, object]]:
    return [*content.media, *(one for child in content.items for one in _all_media(child))]


def _manifest(resources: Sequence[_Resource], version: Version) -> bytes:
    namespace = version.manifest_namespace
    names: dict[Any, str] = {None: namespace, "xsi": XSI, "imsmd": LOM}
    root = etree.Element(f"{{{namespace}}}manifest", nsmap=names)
    root.set("identifier", "kaoku-items")
    schemas = (namespace, version.manifest_schema, LOM, LOM_SCHEMA)
    root.set(f"{{{XSI}}}schemaLocation", " ".join(schemas))
    metadata = _sub(root, "metadata")
    for name, text in zip(("schema", "schemaversion"), version.package, strict=True):
        _sub(metadata, name).text = text
    _sub(root, "organizations")
    holder = _sub(root, "resources")
    media: dict[str, str] = {}
    for number, one in enumerate(resources, 1):
        attributes = {"identifier": f"item-{number:05}", "type": version.resource, "href": one.path}
        made = _sub(holder, "resource", attributes)
        _describe(made, one.item)
        _sub(made, "file", {"href": one.path})
        for path in dict.fromkeys(one.pictures):
            media.setdefault(path, f"media-{len(media) + 1:05}")
            _sub(made, "dependency", {"identifierref": media[path]})
    for path, name in media.items():
        _sub(_sub(holder, "resource", {"identifier": name, "type": "webcontent", "href": path}), "file", {"href": path})
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _sub(parent: _Element, name: str, attributes: Mapping[str, str] | None = None) -> _Element:
    namespace = etree.QName(parent).namespace
    return etree.SubElement(parent, f"{{{namespace}}}{name}", dict(attributes or {}))


def _describe(resource: _Element, item: CanonicalItem) -> None:
    """Write title and difficulty as LOM, for other programs' lists."""
    lom = etree.SubElement(_sub(resource, "metadata"), f"{{{LOM}}}lom")
    text = _sub(_sub(_sub(lom, "general"), "title"), "string", {"language": "zh-CN"})
    text.text = title_of(item.content)
    if item.difficulty is not None:
        difficulty = _sub(_sub(lom, "educational"), "difficulty")
        _sub(difficulty, "source").text = "LOMv1.0"
        _sub(difficulty, "value").text = DIFFICULTIES[item.difficulty - 1]


def _zip(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    ordered = sorted(files, key=lambda name: (name != "imsmanifest.xml", name))
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ordered:
            archive.writestr(_entry(name), files[name])
    return buffer.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
