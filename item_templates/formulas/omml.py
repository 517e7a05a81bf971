"""Write a formula tree as Word's own formula (OMML)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lxml import etree
from lxml.etree import _Element

from item_templates.formulas.symbols import ACCENTS, BELOW, UPPER_GREEK
from item_templates.formulas.tree import (
    Accent,
    Attach,
    Fence,
    Fraction,
    Function,
    Grid,
    Letter,
    Lined,
    Node,
    Number,
    Over,
    Root,
    Row,
    Space,
    Symbol,
    Text,
)

NAMESPACE = "http://schemas.openxmlformats.org/officeDocument/2006/math"
M = f"{{{NAMESPACE}}}"
APPLY = "\u2061"
"""Stands behind the name of a function that has no argument."""
NO_BASE = "\u200b"
"""Stands for a base that is empty, where Word would draw a box."""
_KEEP_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_UPPER = frozenset(UPPER_GREEK.values())
_ENDS_OPERAND = frozenset({"rel", "bin", "close", "punct"})


def to_omml(node: Row) -> _Element:
    """Return the ``m:oMath`` element of a formula.

    Parameters
    ----------
    node : Row
        What `parser.parse_formula` returned.

    Returns
    -------
    lxml element
    """
    root = etree.Element(f"{M}oMath", nsmap={"m": NAMESPACE})
    _row(root, node)
    return root


def _child(parent: _Element, name: str, **values: str) -> _Element:
    element = etree.SubElement(parent, f"{M}{name}")
    for key, value in values.items():
        element.set(f"{M}{key}", value)
    return element


def _slot(parent: _Element, name: str, node: Node | None) -> None:
    element = _child(parent, name)
    if node is not None:
        _row(element, node if isinstance(node, Row) else Row((node,)))


def _row(parent: _Element, node: Row) -> None:
    place = 0
    while place < len(node.parts):
        place = _write(parent, node.parts, place)


def _write(parent: _Element, parts: Sequence[Node], place: int) -> int:
    """Write the node at a place, with the operand that it takes along; return the place behind."""
    node = parts[place]
    if _takes_operand(node) and _is_operand(parts, place + 1):
        return _with_operand(parent, node, parts, place)
    _WRITERS[type(node)](parent, node)
    return place + 1


def _takes_operand(node: Node) -> bool:
    base = node.base if isinstance(node, Attach) else node
    return isinstance(base, Function) or _is_big(base)


def _is_big(node: Node) -> bool:
    return isinstance(node, Symbol) and node.kind == "big"


def _is_operand(parts: Sequence[Node], place: int) -> bool:
    if place >= len(parts) or isinstance(parts[place], Space | Text):
        return False
    node = parts[place]
    return not (isinstance(node, Symbol) and node.kind in _ENDS_OPERAND)


def _with_operand(parent: _Element, node: Node, parts: Sequence[Node], place: int) -> int:
    base = node.base if isinstance(node, Attach) else node
    element = _nary(parent, node) if isinstance(base, Symbol) else _applied(parent, node)
    return _write(_child(element, "e"), parts, place + 1)


def _nary(parent: _Element, node: Node) -> _Element:
    index = node if isinstance(node, Attach) else Attach(node)
    sign = index.base.sign if isinstance(index.base, Symbol) else ""
    element = _child(parent, "nary")
    settings = _child(element, "naryPr")
    _child(settings, "chr", val=sign)
    _child(settings, "limLoc", val="subSup" if sign in "∫∬∮" else "undOvr")
    for name, slot in (("subHide", index.lower), ("supHide", index.upper)):
        if slot is None:
            _child(settings, name, val="1")
    _slot(element, "sub", index.lower)
    _slot(element, "sup", index.upper)
    return element


def _applied(parent: _Element, node: Node) -> _Element:
    element = _child(parent, "func")
    name = _child(element, "fName")
    if isinstance(node, Attach) and isinstance(node.base, Function):
        _function_with_index(name, node, node.base)
    elif isinstance(node, Function):
        _run(name, node.name, "upright")
    return element


def _function_with_index(parent: _Element, node: Attach, base: Function) -> None:
    is_below = base.name in BELOW
    names = ("limLow", "limUpp", "lim") if is_below else ("sSub", "sSup", "")
    if node.lower is not None and node.upper is not None and not is_below:
        element = _child(parent, "sSubSup")
        _run(_child(element, "e"), base.name, "upright")
        _slot(element, "sub", node.lower)
        _slot(element, "sup", node.upper)
        return
    place = parent
    for name, index, slot in ((names[0], node.lower, "sub"), (names[1], node.upper, "sup")):
        if index is not None:
            element = _child(place, name)
            place = _child(element, "e")
            _slot(element, names[2] or slot, index)
    _run(place, base.name, "upright")


def _run(parent: _Element, text: str, style: str) -> None:
    """Write characters; a run of the same style before them is continued."""
    last = parent[-1] if len(parent) else None
    if (
        last is not None
        and last.tag == f"{M}r"
        and _style_of(last) == style
        and not (last[-1].text or "").endswith(APPLY)
    ):
        shown = last[-1]
        shown.text = f"{shown.text}{text}"
        return
    run = _child(parent, "r")
    if style == "words":
        _child(_child(run, "rPr"), "nor")
    elif style != "italic":
        _child(_child(run, "rPr"), "sty", val="b" if style == "bold" else "p")
    shown = _child(run, "t")
    shown.text = text
    shown.set(_KEEP_SPACE, "preserve")


def _style_of(run: _Element) -> str:
    settings = run[0] if run[0].tag == f"{M}rPr" else None
    if settings is None:
        return "italic"
    value = settings[0].get(f"{M}val")
    return "words" if value is None else "bold" if value == "b" else "upright"


def _letter(parent: _Element, node: Letter) -> None:
    _run(parent, node.sign, "upright" if node.sign in _UPPER else node.style)


def _number(parent: _Element, node: Number) -> None:
    _run(parent, node.digits, "italic")


def _symbol(parent: _Element, node: Symbol | Space) -> None:
    _run(parent, node.sign, "italic")


def _text(parent: _Element, node: Text) -> None:
    _run(parent, node.words, "words")


def _function(parent: _Element, node: Function) -> None:
    run = _child(parent, "r")
    _child(_child(run, "rPr"), "sty", val="p")
    _child(run, "t").text = node.name + APPLY


def _fraction(parent: _Element, node: Fraction) -> None:
    element = _child(parent, "f")
    _slot(element, "num", node.top)
    _slot(element, "den", node.bottom)


def _root(parent: _Element, node: Root) -> None:
    element = _child(parent, "rad")
    if node.index is None:
        _child(_child(element, "radPr"), "degHide", val="1")
    _slot(element, "deg", node.index)
    _slot(element, "e", node.body)


def _attach(parent: _Element, node: Attach) -> None:
    name = "sSubSup" if node.lower is not None and node.upper is not None else "sSup" if node.lower is None else "sSub"
    element = _child(parent, name)
    if node.base == Row():
        _run(_child(element, "e"), NO_BASE, "italic")
    else:
        _slot(element, "e", node.base)
    for slot, index in (("sub", node.lower), ("sup", node.upper)):
        if index is not None:
            _slot(element, slot, index)


def _over(parent: _Element, node: Over) -> None:
    element = _child(parent, "limUpp" if node.is_above else "limLow")
    _slot(element, "e", node.base)
    _slot(element, "lim", node.note)


def _accent(parent: _Element, node: Accent) -> None:
    if node.name not in ACCENTS:
        element = _child(parent, "groupChr")
        settings = _child(element, "groupChrPr")
        _child(settings, "chr", val="→")
        _child(settings, "pos", val="top")
        _child(settings, "vertJc", val="bot")
    else:
        element = _child(parent, "acc")
        _child(_child(element, "accPr"), "chr", val=ACCENTS[node.name])
    _slot(element, "e", node.body)


def _lined(parent: _Element, node: Lined) -> None:
    element = _child(parent, "bar")
    _child(_child(element, "barPr"), "pos", val="top" if node.name == "overline" else "bot")
    _slot(element, "e", node.body)


def _fence(parent: _Element, node: Fence) -> None:
    element = _child(parent, "d")
    settings = _child(element, "dPr")
    _child(settings, "begChr", val=node.left)
    _child(settings, "endChr", val=node.right)
    _slot(element, "e", node.body)


def _grid(parent: _Element, node: Grid) -> None:
    if node.kind == "lines":
        _lines(parent, node)
        return
    element = _child(parent, "m")
    column = _child(_child(_child(_child(element, "mPr"), "mcs"), "mc"), "mcPr")
    _child(column, "count", val=str(max(map(len, node.rows), default=1)))
    _child(column, "mcJc", val="center")
    for cells in node.rows:
        place = _child(element, "mr")
        for cell in cells:
            _slot(place, "e", cell)


def _lines(parent: _Element, node: Grid) -> None:
    element = _child(parent, "eqArr")
    for cells in node.rows:
        place = _child(element, "e")
        for number, cell in enumerate(cells):
            if number:
                _run(place, "&", "italic")
            _row(place, cell)


_WRITERS: dict[type, Callable[[Any, Any], None]] = {
    Row: _row, Letter: _letter, Number: _number, Symbol: _symbol, Text: _text, Space: _symbol, Function: _function,
    Fraction: _fraction, Root: _root, Attach: _attach, Over: _over, Accent: _accent, Lined: _lined, Fence: _fence,
    Grid: _grid,
}  # fmt: skip
