"""Elements with the names of QTI 2, and their serialisation under the names of each version."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lxml import etree
from lxml.etree import _Element

from qbank.interchange.qti.names import HTML, XSI, Version, kebab

Node = _Element | str
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
WRAPPED = frozenset({"rubricBlock", "modalFeedback"})
"""Elements whose content stands in a ``qti-content-body`` in QTI 3."""


def element(name: str, attributes: Mapping[str, str] | None = None, children: Iterable[Node] = ()) -> _Element:
    """Return an element with attributes and children; texts are made fit for XML."""
    made = etree.Element(name)
    for attribute, value in (attributes or {}).items():
        made.set(attribute, clean(value))
    for child in children:
        append(made, child)
    return made


def append(parent: _Element, child: Node) -> None:
    """Append an element, or text behind what is there."""
    if not isinstance(child, str):
        parent.append(child)
    elif len(parent):
        parent[-1].tail = (parent[-1].tail or "") + clean(child)
    else:
        parent.text = (parent.text or "") + clean(child)


def clean(text: str) -> str:
    """Return text without the characters that XML cannot hold."""
    return _FORBIDDEN.sub("\ufffd", text)


def leaf(name: str, text: str, **attributes: str) -> _Element:
    """Return an element that holds a text."""
    return element(name, attributes, [text])


def serialise(root: _Element, version: Version) -> bytes:
    """Return an item as a file of a version."""
    if version.is_kebab:
        _as_in_3(root)
    made = _renamed(root, version, {None: version.namespace, "xsi": XSI})
    made.set(f"{{{XSI}}}schemaLocation", f"{version.namespace} {version.schema}")
    return bytes(etree.tostring(made, xml_declaration=True, encoding="UTF-8"))


def _as_in_3(root: _Element) -> None:
    """Put feedback and rubrics into content bodies, and pictures into ``img`` where QTI 2 has ``object``."""
    for one in list(root.iter("object")):
        alt = one.text or ""
        one.tag, one.text = "img", None
        one.set("src", one.attrib.pop("data", ""))
        one.attrib.pop("type", "")
        one.set("alt", alt)
    for one in root.iter("rubricBlock"):
        one.set("use", "scoring")
    for one in list(root.iter(*WRAPPED)):
        body = etree.Element("contentBody")
        body.text, one.text = one.text, None
        body.extend(list(one))
        one.append(body)


def _renamed(source: _Element, version: Version, names: dict[Any, str] | None = None) -> _Element:
    name = str(source.tag)
    is_html = name in HTML
    known = is_html or not version.is_kebab
    made = etree.Element(f"{{{version.namespace}}}{name if known else f'qti-{kebab(name)}'}", nsmap=names)
    for attribute, value in source.attrib.items():
        key = str(attribute)
        made.set(key if known or key.startswith("{") else kebab(key), str(value))
    made.text, made.tail = source.text, source.tail
    for child in source:
        made.append(_renamed(child, version) if isinstance(child.tag, str) else _instruction(child))
    return made


def _instruction(source: Any) -> _Element:
    made = etree.ProcessingInstruction(source.target, source.text)
    made.tail = source.tail
    return made
