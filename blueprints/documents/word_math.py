"""Formula trees as Word's own formulas (OMML)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from docx.oxml import parse_xml
from lxml import etree

from blueprints.documents.formulas import Node

NAMESPACE = "http://schemas.openxmlformats.org/officeDocument/2006/math"
M = f"{{{NAMESPACE}}}"


def omml(node: Node) -> Any:
    """Return the ``m:oMath`` element of a formula."""
    root = etree.Element(f"{M}oMath", nsmap={"m": NAMESPACE})
    _add(root, node)
    return parse_xml(etree.tostring(root))


def _add(parent: Any, node: Node | None) -> None:
    if node is None:
        return
    _WRITERS[node["k"]](parent, node)


def _child(parent: Any, name: str, **values: str) -> Any:
    element = etree.SubElement(parent, f"{M}{name}")
    for key, value in values.items():
        element.set(f"{M}{key}", value)
    return element


def _slot(parent: Any, name: str, node: Node | None) -> None:
    _add(_child(parent, name), node)


def _row(parent: Any, node: Node) -> None:
    for part in node["c"]:
        _add(parent, part)


def _text(parent: Any, text: str, *, is_plain: bool) -> None:
    run = _child(parent, "r")
    if is_plain:
        _child(_child(run, "rPr"), "sty", val="p")
    shown = _child(run, "t")
    shown.text = text
    shown.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")


def _letter(parent: Any, node: Node) -> None:
    _text(parent, node["v"], is_plain=False)


def _plain(parent: Any, node: Node) -> None:
    _text(parent, node["v"], is_plain=True)


def _space(parent: Any, _node: Node) -> None:
    _text(parent, "\u2002", is_plain=True)


def _fraction(parent: Any, node: Node) -> None:
    fraction = _child(parent, "f")
    _slot(fraction, "num", node["n"])
    _slot(fraction, "den", node["d"])


def _radical(parent: Any, node: Node) -> None:
    radical = _child(parent, "rad")
    if "i" not in node:
        _child(_child(radical, "radPr"), "degHide", val="1")
    _slot(radical, "deg", node.get("i"))
    _slot(radical, "e", node["c"])


def _attach(parent: Any, node: Node) -> None:
    top, bottom = node["t"], node["b"]
    name = "sSubSup" if top and bottom else "sSup" if top else "sSub"
    element = _child(parent, name)
    _slot(element, "e", node["base"])
    if bottom:
        _slot(element, "sub", bottom)
    if top:
        _slot(element, "sup", top)


def _accent(parent: Any, node: Node) -> None:
    element = _child(parent, "acc")
    _child(_child(element, "accPr"), "chr", val=node["v"])
    _slot(element, "e", node["c"])


def _overline(parent: Any, node: Node) -> None:
    element = _child(parent, "bar")
    _child(_child(element, "barPr"), "pos", val="top")
    _slot(element, "e", node["c"])


_WRITERS: dict[str, Callable[[Any, Node], None]] = {
    "row": _row, "letter": _letter, "sign": _plain, "text": _plain, "rel": _plain, "bin": _plain, "fn": _plain,
    "space": _space, "frac": _fraction, "sqrt": _radical, "root": _radical, "attach": _attach, "accent": _accent,
    "overline": _overline,
}  # fmt: skip
