"""Parse the XML of item files: no entities, no outside names, bounded depth; a bare DOCTYPE is fine."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from kernel.i18n import N_
from qbank.interchange.guard import UnreadableFileError, check_size

MAX_DEPTH = 100
_ENTITY = re.compile(
    rb"<!\s*(?:ENTITY|ATTLIST|ELEMENT|NOTATION)\b|<!\s*DOCTYPE[^>\[]*\b(?:SYSTEM|PUBLIC)\b", re.IGNORECASE
)
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


def parse_xml(data: bytes, *, keep_instructions: bool = False) -> etree._Element:
    """Return the root of an XML file; refuses entities and external names, damage, and endless nesting."""
    check_size(data)
    _refuse_entities(data)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        remove_pis=not keep_instructions, remove_comments=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(_without_declared_encoding(data), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableFileError("damaged_file", N_("XML 格式不正确，无法读取，请从原系统重新导出")) from error
    _refuse_declarations(root)
    return root


def _without_declared_encoding(data: bytes) -> bytes | str:
    """Return the bytes for the parser; text in another encoding than it declares is decoded here."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data
    return _DECLARATION.sub("", text).strip("\ufeff \t\r\n")


def _refuse_entities(data: bytes) -> None:
    text = data.replace(b"\x00", b"") if b"\x00" in data[:64] else data
    if _ENTITY.search(text):
        _refuse()


def _refuse_declarations(root: etree._Element) -> None:
    """Refuse what hid from the search of the bytes behind another encoding; bound the depth."""
    dtd: Any = root.getroottree().docinfo.internalDTD
    if dtd is not None and (dtd.system_url or dtd.external_id or list(dtd.iterentities())):
        _refuse()
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > MAX_DEPTH:
            raise UnreadableFileError("nested_too_deep", N_("XML 嵌套过深，已拒绝读取"))


def _refuse() -> None:
    raise UnreadableFileError("doctype_refused", N_("文件内部含有实体或外部名称的声明，已拒绝打开；请从原系统重新导出"))


def root_name(head: str) -> str:
    """Return the local name of the root element of a text that is XML, empty for anything else."""
    text = re.sub(
        r"^(?:\s+|<\?.*?\?>|<!--.*?-->|<![A-Za-z][^<>\[]*(?:\[[^\]]*\]\s*)?>)+", "", head[:65536], flags=re.DOTALL
    )
    match = re.match(r"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)[\s/>]", text)
    return match[1] if match else ""
