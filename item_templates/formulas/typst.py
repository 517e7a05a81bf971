"""Write a formula tree as plain data that our Typst template sets: nothing in it is evaluated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from item_templates.formulas.symbols import ACCENTS, BELOW
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

_EMS = {"\u2009": 0.1667, "\u205f": 0.2222, "\u2005": 0.2778, "\u2002": 0.25, "\u2003": 1.0}


def to_typst(node: Node) -> dict[str, Any]:
    """Return the tree as the nested dictionaries that the function ``formula`` of the template understands.

    Parameters
    ----------
    node : Node

    Returns
    -------
    dict
        ``k`` names the kind of node; the rest is plain JSON.

    Examples
    --------
    >>> to_typst(Letter("R"))
    {'k': 'letter', 'v': 'R', 'style': 'italic'}
    """
    return _WRITERS[type(node)](node)


def _maybe(node: Row | None) -> dict[str, Any] | None:
    return None if node is None else to_typst(node)


def _row(node: Row) -> dict[str, Any]:
    return {"k": "row", "c": [to_typst(part) for part in node.parts]}


def _letter(node: Letter) -> dict[str, Any]:
    return {"k": "letter", "v": node.sign, "style": node.style}


def _number(node: Number) -> dict[str, Any]:
    return {"k": "number", "v": node.digits}


def _symbol(node: Symbol) -> dict[str, Any]:
    return {"k": "symbol", "v": node.sign, "class": node.kind}


def _text(node: Text) -> dict[str, Any]:
    return {"k": "text", "v": node.words}


def _space(node: Space) -> dict[str, Any]:
    return {"k": "space", "v": _EMS[node.sign]}


def _function(node: Function) -> dict[str, Any]:
    return {"k": "fn", "v": node.name, "limits": node.name in BELOW}


def _fraction(node: Fraction) -> dict[str, Any]:
    return {"k": "frac", "n": to_typst(node.top), "d": to_typst(node.bottom)}


def _root(node: Root) -> dict[str, Any]:
    return {"k": "root", "i": _maybe(node.index), "c": to_typst(node.body)}


def _attach(node: Attach) -> dict[str, Any]:
    return {"k": "attach", "base": to_typst(node.base), "t": _maybe(node.upper), "b": _maybe(node.lower)}


def _over(node: Over) -> dict[str, Any]:
    note = to_typst(node.note)
    base = {"k": "limits", "c": to_typst(node.base)}
    return {"k": "attach", "base": base, "t": note if node.is_above else None, "b": None if node.is_above else note}


def _accent(node: Accent) -> dict[str, Any]:
    return {"k": "accent", "v": ACCENTS.get(node.name, "→"), "c": to_typst(node.body)}


def _lined(node: Lined) -> dict[str, Any]:
    return {"k": node.name, "c": to_typst(node.body)}


def _fence(node: Fence) -> dict[str, Any]:
    return {"k": "fence", "l": node.left, "r": node.right, "c": to_typst(node.body)}


def _grid(node: Grid) -> dict[str, Any]:
    rows = [[to_typst(cell) for cell in cells] for cells in node.rows]
    width = max(map(len, rows), default=0)
    filled = [[*cells, *([{"k": "row", "c": []}] * (width - len(cells)))] for cells in rows]
    return {"k": "grid", "kind": node.kind, "rows": filled}


_WRITERS: dict[type, Callable[[Any], dict[str, Any]]] = {
    Row: _row, Letter: _letter, Number: _number, Symbol: _symbol, Text: _text, Space: _space, Function: _function,
    Fraction: _fraction, Root: _root, Attach: _attach, Over: _over, Accent: _accent, Lined: _lined, Fence: _fence,
    Grid: _grid,
}  # fmt: skip
