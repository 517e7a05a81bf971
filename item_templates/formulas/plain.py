r"""Write a formula tree as one line of text: for search, plain files, screen readers and the width of a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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

_MARKS = {"bar": "\u0304", "hat": "\u0302", "tilde": "\u0303", "dot": "\u0307", "ddot": "\u0308", "check": "\u030c"}


def to_plain(node: Node) -> str:
    r"""Return a formula as people type it where there is no formula editor.

    Parameters
    ----------
    node : Node

    Returns
    -------
    str

    Examples
    --------
    >>> to_plain(Fraction(Row((Letter("U"),)), Row((Letter("R"), Symbol("+"), Letter("r")))))
    'U/(R+r)'
    """
    return _WRITERS[type(node)](node)


def _row(node: Row) -> str:
    words, before = "", None
    for part in node.parts:
        piece = to_plain(part)
        is_word = words[-1:].isalpha() and isinstance(_base_of(part), Function)
        follows = before is not None and isinstance(_base_of(before), Function) and piece[:1].isalnum()
        words += f" {piece}" if words and (is_word or follows) else piece
        before = part
    return words.strip()


def _base_of(node: Node) -> Node:
    return node.base if isinstance(node, Attach) else node


def _letter(node: Letter | Symbol) -> str:
    return node.sign


def _number(node: Number) -> str:
    return node.digits


def _text(node: Text) -> str:
    return node.words


def _space(_node: Space) -> str:
    return " "


def _function(node: Function) -> str:
    return node.name


def _enclosed(node: Node) -> str:
    """Return a part, in brackets when it is more than one thing."""
    shown = to_plain(node)
    is_one = shown.isalnum() or len(shown) < 2 or not isinstance(node, Row) or _is_one(node)
    return shown if is_one else f"({shown})"


def _is_one(node: Row) -> bool:
    return len(node.parts) == 1 and isinstance(node.parts[0], Number | Text | Fence | Root | Attach)


def _fraction(node: Fraction) -> str:
    return f"{_enclosed(node.top)}/{_enclosed(node.bottom)}"


def _root(node: Root) -> str:
    index = "" if node.index is None else f"[{to_plain(node.index)}]"
    return f"{index}√{_enclosed(node.body)}"


def _attach(node: Attach) -> str:
    base = _enclosed(node.base)
    if node.lower is None and node.upper == Row((Symbol("∘"),)):
        return f"{base}°"
    lower = "" if node.lower is None else f"_{_enclosed(node.lower)}"
    return base + lower + ("" if node.upper is None else f"^{_enclosed(node.upper)}")


def _over(node: Over) -> str:
    return f"{to_plain(node.base)}({to_plain(node.note)})"


def _accent(node: Accent) -> str:
    body = to_plain(node.body)
    if node.name in _MARKS and len(body) == 1:
        return body + _MARKS[node.name]
    return f"向量{body}" if node.name in {"vec", "overrightarrow"} else body


def _lined(node: Lined) -> str:
    return to_plain(node.body)


def _fence(node: Fence) -> str:
    return f"{node.left}{to_plain(node.body)}{node.right}"


def _grid(node: Grid) -> str:
    return "; ".join(", ".join(map(to_plain, cells)) for cells in node.rows)


_WRITERS: dict[type, Callable[[Any], str]] = {
    Row: _row, Letter: _letter, Number: _number, Symbol: _letter, Text: _text, Space: _space, Function: _function,
    Fraction: _fraction, Root: _root, Attach: _attach, Over: _over, Accent: _accent, Lined: _lined, Fence: _fence,
    Grid: _grid,
}  # fmt: skip
