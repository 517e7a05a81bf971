"""HTML of items as blocks that the body of a QTI item may hold."""

from __future__ import annotations

import html as entities
import re
from collections.abc import Callable

from lxml import etree
from lxml.etree import _Element

from item_templates.contract import BLANK_MARK
from item_templates.markup import one_line
from qbank.interchange.qti.build import Node, append, clean, element

BLOCKS = frozenset({"p", "table", "ul", "ol"})
UNDERLINE = "qti-underline"
Address = Callable[[str], str]
"""Gives the address of a picture by its media id."""
_VOID = re.compile(r"<(br|img|col)((?:\s+[\w-]+=\"[^\"]*\")*)\s*/?>")
_ATTRIBUTE = re.compile(r"([\w-]+)=\"([^\"]*)\"")
_ORDER = ("caption", "colgroup", "col", "thead", "tfoot", "tbody")


def blocks(html: str, address: Address) -> list[_Element]:
    """Return item HTML as block elements: runs of text become paragraphs."""
    root = fragment(html, address)
    found: list[_Element] = []
    run: list[Node] = [root.text or ""]
    for child in list(root):
        tail, child.tail = child.tail or "", None
        if child.tag in BLOCKS:
            _close(run, found)
            found.append(child)
            run = [tail]
        else:
            run += [child, tail]
    _close(run, found)
    return found


def _close(run: list[Node], found: list[_Element]) -> None:
    if any(not isinstance(one, str) or one.strip() for one in run):
        found.append(element("p", None, run))


def inline(html: str, address: Address) -> list[Node]:
    """Return item HTML as content of an option: text and blocks as they are."""
    root = fragment(html, address)
    nodes: list[Node] = [root.text or ""]
    for child in list(root):
        tail, child.tail = child.tail or "", None
        nodes += [child, tail]
    return nodes


def fragment(html: str, address: Address) -> _Element:
    """Return a ``div`` that holds item HTML; HTML that is no tree becomes its text."""
    text = _VOID.sub(_closed, html.replace("&nbsp;", "\xa0"))
    try:
        root = etree.fromstring(f"<div>{clean(text)}</div>".encode())
    except etree.XMLSyntaxError:
        return element("div", None, [one_line(html)])
    for one in list(root.iter("u", "img", "table")):
        _adapt(one, address)
    return root


def _closed(match: re.Match[str]) -> str:
    pairs = ((name, entities.escape(entities.unescape(value))) for name, value in _ATTRIBUTE.findall(match[2]))
    attributes = "".join(f' {name}="{value}"' for name, value in pairs)
    return f"<{match[1]}{attributes}/>"


def _adapt(one: _Element, address: Address) -> None:
    if one.tag == "u":
        one.tag = "span"
        one.set("class", UNDERLINE)
    elif one.tag == "img":
        one.set("src", address(one.get("src", "").removeprefix("media:")))
        one.set("alt", one.get("alt", ""))
    else:
        one[:] = sorted(one, key=lambda part: _ORDER.index(str(part.tag)) if part.tag in _ORDER else len(_ORDER))


def put_in_blanks(found: list[_Element], make: Callable[[int], _Element]) -> None:
    """Put an element into every blank ``{{1}}`` of some blocks; a blank that comes again stays text."""
    seen: set[int] = set()
    for block in found:
        for one in list(block.iter()):
            _split(one, make, seen)


def _split(one: _Element, make: Callable[[int], _Element], seen: set[int]) -> None:
    before = _pieces(one.text or "", make, seen)
    children = [(child, _pieces(child.tail or "", make, seen)) for child in one]
    if all(isinstance(node, str) for nodes in [before, *(tail for _, tail in children)] for node in nodes):
        return
    one.text = None
    for child in list(one):
        one.remove(child)
    for node in before:
        append(one, node)
    for child, tail in children:
        child.tail = None
        one.append(child)
        for node in tail:
            append(one, node)


def _pieces(text: str, make: Callable[[int], _Element], seen: set[int]) -> list[Node]:
    parts = BLANK_MARK.split(text)
    nodes: list[Node] = [parts[0]]
    for number, after in zip(parts[1::2], parts[2::2], strict=True):
        blank = int(number)
        nodes += [f"{{{{{number}}}}}" if blank in seen else make(blank), after]
        seen.add(blank)
    return nodes
