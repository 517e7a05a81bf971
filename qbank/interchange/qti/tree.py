"""QTI files as trees with the names of QTI 2, parsed by the hardened parser that all formats share."""

from __future__ import annotations

import codecs
import re

from lxml import etree
from lxml.etree import _Element

from kernel.i18n import N_
from qbank.interchange.detect import decode_text
from qbank.interchange.guard import LIMITS, UnreadableFileError
from qbank.interchange.qti.names import MATHML, camel
from qbank.interchange.xml_tree import parse_xml

PI_TARGET = "kaoku-item"
_PROLOG = re.compile(r"^\s*<\?xml\b[^>]*\?>", re.IGNORECASE)
_ENCODING = re.compile(rb"""^\s*<\?xml\b[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,30})["']""")
_KNOWN_ENCODINGS = frozenset(
    {"iso8859-1", "iso8859-15", "cp1252", "ascii", "gbk", "gb2312", "gb18030", "big5", "shift_jis", "euc_kr"}
)


def parse(data: bytes) -> _Element:
    """Return the root of an XML file with the names of QTI 2; raises UnreadableFileError for anything dangerous.

    A bare ``<!DOCTYPE name>`` is passed over; a DOCTYPE that names a file or declares anything is refused.
    """
    text = _PROLOG.sub("", xml_text(data).removeprefix("\ufeff"), count=1).strip()
    if not text:
        raise UnreadableFileError("damaged_file", N_("XML 文件是空的，无法读取"))
    root = parse_xml(text.encode(), keep_instructions=True)
    _rename(root)
    return root


def xml_text(data: bytes) -> str:
    """Return the text of an XML file: in the encoding it declares, else UTF-8, UTF-16 or GBK."""
    if len(data) > LIMITS.xml_part_bytes:
        raise UnreadableFileError("unpacks_too_large", N_("文件内部的一个部分过大，已拒绝打开"))
    found = _ENCODING.match(data)
    name = _codec(found[1].decode()) if found else ""
    if name in _KNOWN_ENCODINGS:
        try:
            return data.decode(name)
        except UnicodeDecodeError:
            pass
    return _plain_utf8(data) or decode_text(data).text


def _plain_utf8(data: bytes) -> str:
    """Return UTF-8 text; empty for anything else, which takes longer to look at."""
    if b"\x00" in data[:64]:
        return ""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return ""


def _codec(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        return ""


def _rename(root: _Element) -> None:
    """Give every element its local name of QTI 2; MathML gets the prefix ``m:``."""
    for element in root.iter(etree.Element):
        name = etree.QName(element)
        if name.namespace == MATHML or (name.localname == "math" and not name.namespace):
            element.tag = f"m_{name.localname}"
            continue
        if name.namespace and name.namespace.endswith("XInclude"):
            element.tag = "xi_include"
            continue
        is_kebab = name.localname.startswith("qti-")
        element.tag = camel(name.localname)
        if is_kebab:
            _rename_attributes(element)


def _rename_attributes(element: _Element) -> None:
    for attribute, value in list(element.attrib.items()):
        name = str(attribute)
        new = camel(name)
        if not name.startswith("{") and new != name:
            del element.attrib[attribute]
            element.set(new, str(value))


def raw_text(element: _Element) -> str:
    """Return all text of an element as it stands."""
    return "".join(map(str, element.itertext()))


def text_of(element: _Element | None) -> str:
    """Return all text of an element, white space shrunk; empty for None."""
    return "" if element is None else " ".join(raw_text(element).split())
