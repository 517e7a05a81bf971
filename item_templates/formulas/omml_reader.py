"""Read a formula of Word (OMML) as a tree; constructs outside the subset give the tree of what stands in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lxml.etree import _Element

from item_templates.formulas.omml import APPLY, M
from item_templates.formulas.parser import letters_of
from item_templates.formulas.symbols import ACCENTS, ARROW_OVER, FENCE_NAMES, FUNCTIONS
from item_templates.formulas.tree import (
    Accent,
    Attach,
    Fence,
    Fraction,
    Function,
    Grid,
    Lined,
    Node,
    Over,
    Root,
    Row,
    Symbol,
    Text,
    attach,
    character,
    over,
    row,
    single,
    symbol,
)

MAX_DEPTH = 40
_ACCENT_NAMES = {sign: name for name, sign in ACCENTS.items()} | {
    "\u0305": "bar", "¯": "bar", "^": "hat", "˜": "tilde", "~": "tilde", "→": "vec", "˙": "dot", "¨": "ddot",
}  # fmt: skip
_CELL = "&"


def read_omml(math: _Element) -> Row:
    """Return the tree of an ``m:oMath`` element.

    Parameters
    ----------
    math : lxml element

    Returns
    -------
    Row
        Nesting deeper than any formula needs is cut off.
    """
    return _children(math, 0)


def _children(element: _Element | None, depth: int) -> Row:
    if element is None or depth > MAX_DEPTH:
        return Row()
    return row(node for child in element for node in _read(child, depth + 1))


def _read(element: _Element, depth: int) -> Iterator[Node]:
    if not isinstance(element.tag, str) or not element.tag.startswith(M):
        return
    name = element.tag[len(M) :]
    if name == "r":
        yield from _run(element)
    elif name in _READERS:
        yield from _READERS[name](element, depth)
    elif not name.endswith("Pr"):
        yield _children(element, depth)


def _run(run: _Element) -> Iterator[Node]:
    text = "".join(part.text or "" for part in run.findall(f"{M}t"))
    if run.find(f"{M}rPr/{M}nor") is not None:
        yield Text(text)
        return
    style = {"p": "upright", "b": "bold"}.get(_setting(run, "rPr/sty") or "", "italic")
    if style == "upright" and text.endswith(APPLY) and text[:-1].isalpha() and text[:-1].isascii():
        yield Function(text[:-1])
        return
    for sign in text:
        if sign == _CELL and _stands_in_lines(run):
            yield Symbol(_CELL)
        elif (node := character(sign, style)) is not None:
            yield node


def _stands_in_lines(run: _Element) -> bool:
    parent = run.getparent()
    above = None if parent is None else parent.getparent()
    return above is not None and above.tag == f"{M}eqArr"


def _slot(element: _Element, name: str, depth: int) -> Row:
    return _children(element.find(f"{M}{name}"), depth)


def _index(element: _Element, name: str, depth: int) -> Row | None:
    index = _slot(element, name, depth)
    return index if index.parts else None


def _setting(element: _Element, path: str) -> str | None:
    found = element.find("/".join(f"{M}{step}" for step in path.split("/")))
    return None if found is None else found.get(f"{M}val", "")


def _fraction(element: _Element, depth: int) -> Iterator[Node]:
    top, bottom = _slot(element, "num", depth), _slot(element, "den", depth)
    kind = _setting(element, "fPr/type")
    if kind in {"lin", "skw"}:
        yield from (_bracketed(top), Symbol("/"), _bracketed(bottom))
    elif kind == "noBar":
        yield Grid("matrix", ((top,), (bottom,)))
    else:
        yield Fraction(top, bottom)


def _bracketed(node: Row) -> Node:
    return node if len(node.parts) == 1 else Fence("(", ")", node)


def _root(element: _Element, depth: int) -> Iterator[Node]:
    yield Root(_slot(element, "e", depth), _index(element, "deg", depth))


def _script(element: _Element, depth: int) -> Iterator[Node]:
    base = single(_slot(element, "e", depth).parts)
    yield attach(base, _index(element, "sub", depth), _index(element, "sup", depth))


def _before(element: _Element, depth: int) -> Iterator[Node]:
    yield attach(Row(), _index(element, "sub", depth), _index(element, "sup", depth))
    yield _slot(element, "e", depth)


def _nary(element: _Element, depth: int) -> Iterator[Node]:
    sign = symbol(_setting(element, "naryPr/chr") or "∫")
    yield attach(sign, _index(element, "sub", depth), _index(element, "sup", depth))
    yield _slot(element, "e", depth)


def _function(element: _Element, depth: int) -> Iterator[Node]:
    yield _named(single(_slot(element, "fName", depth).parts))
    yield _slot(element, "e", depth)


def _named(node: Node) -> Node:
    """Return the head of a function, its letters taken for the name."""
    name = letters_of(node)
    if name:
        return Function(name)
    if isinstance(node, Attach):
        return Attach(_named(node.base), node.lower, node.upper)
    if isinstance(node, Over):
        return over(row([_named(single(node.base.parts))]), node.note, is_above=node.is_above)
    return node


def _limit(*, is_above: bool) -> Callable[[_Element, int], Iterator[Node]]:
    def read(element: _Element, depth: int) -> Iterator[Node]:
        base = _slot(element, "e", depth)
        name = letters_of(base)
        known = row([Function(name)]) if name in FUNCTIONS and name else base
        yield over(known, _slot(element, "lim", depth), is_above=is_above)

    return read


def _accent(element: _Element, depth: int) -> Iterator[Node]:
    name = _ACCENT_NAMES.get(_setting(element, "accPr/chr") or "\u0302", "hat")
    yield Accent(name, _slot(element, "e", depth))


def _group(element: _Element, depth: int) -> Iterator[Node]:
    body = _slot(element, "e", depth)
    is_arrow = _setting(element, "groupChrPr/chr") == "→" and _setting(element, "groupChrPr/pos") == "top"
    yield Accent(ARROW_OVER, body) if is_arrow else body


def _lined(element: _Element, depth: int) -> Iterator[Node]:
    name = "overline" if _setting(element, "barPr/pos") == "top" else "underline"
    yield Lined(name, _slot(element, "e", depth))


def _fence(element: _Element, depth: int) -> Iterator[Node]:
    left, right = _bracket(element, "begChr", "("), _bracket(element, "endChr", ")")
    separator = _setting(element, "dPr/sepChr") or "|"
    nodes: list[Node] = []
    for number, part in enumerate(element.findall(f"{M}e")):
        nodes += [symbol(sign) for sign in separator] if number else []
        nodes.append(_children(part, depth))
    yield Fence(left, right, row(nodes))


def _bracket(element: _Element, name: str, usual: str) -> str:
    found = _setting(element, f"dPr/{name}")
    sign = usual if found is None else found
    return {"∥": "‖", "〈": "⟨", "〉": "⟩"}.get(sign, sign if sign in FENCE_NAMES else "")


def _matrix(element: _Element, depth: int) -> Iterator[Node]:
    rows = [
        tuple(_children(cell, depth) for cell in line.findall(f"{M}e")) for line in element.findall(f"{M}mr")
    ]  # fmt: skip
    yield Grid("matrix", tuple(rows))


def _equations(element: _Element, depth: int) -> Iterator[Node]:
    yield Grid("lines", tuple(_cells(_children(line, depth)) for line in element.findall(f"{M}e")))


def _cells(line: Row) -> tuple[Row, ...]:
    cells: list[list[Node]] = [[]]
    for node in line.parts:
        if node == Symbol(_CELL):
            cells.append([])
        else:
            cells[-1].append(node)
    return tuple(row(cell) for cell in cells)


_READERS: dict[str, Callable[[_Element, int], Iterator[Node]]] = {
    "f": _fraction,
    "rad": _root,
    "sSub": _script,
    "sSup": _script,
    "sSubSup": _script,
    "sPre": _before,
    "nary": _nary,
    "d": _fence,
    "func": _function,
    "limLow": _limit(is_above=False),
    "limUpp": _limit(is_above=True),
    "acc": _accent,
    "groupChr": _group,
    "bar": _lined,
    "m": _matrix,
    "eqArr": _equations,
}
