r"""The tree of a formula: a few kinds of nodes, always in one canonical shape.

Build rows with `row` and indices with `attach` and `over`: they merge what touches and never nest a row in a row, so that the
same formula has the same tree, wherever it was read from.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from item_templates.formulas.symbols import CLASS_OF, GREEK_NAMES, SAME_SIGN, SPACE_NAMES, UPPER_GREEK

LETTERLIKE = frozenset("Ωµ")
UPPER = frozenset(UPPER_GREEK.values())


@dataclass(frozen=True, slots=True)
class Row:
    """Nodes side by side."""

    parts: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter; `style` is ``italic``, ``upright`` or ``bold``. Greek capitals are upright, small ones italic."""

    sign: str
    style: str = "italic"


@dataclass(frozen=True, slots=True)
class Number:
    """Digits, with a decimal point or without."""

    digits: str


@dataclass(frozen=True, slots=True)
class Symbol:
    """A sign that is no letter and no digit."""

    sign: str

    @property
    def kind(self) -> str:
        """Class of the sign: ord, bin, rel, big, open, close or punct."""
        return CLASS_OF.get(self.sign, "ord")


@dataclass(frozen=True, slots=True)
class Text:
    r"""Words inside a formula, Chinese ones too, as ``\text`` holds them."""

    words: str


@dataclass(frozen=True, slots=True)
class Space:
    """White space of a certain width, as Unicode names it."""

    sign: str


@dataclass(frozen=True, slots=True)
class Function:
    """A named function or operator: sin, lim, max."""

    name: str


@dataclass(frozen=True, slots=True)
class Fraction:
    """One thing over another."""

    top: Row
    bottom: Row


@dataclass(frozen=True, slots=True)
class Root:
    """A root; `index` is None for the square root."""

    body: Row
    index: Row | None = None


@dataclass(frozen=True, slots=True)
class Attach:
    """A base with a raised or lowered index, or both."""

    base: Node
    lower: Row | None = None
    upper: Row | None = None


@dataclass(frozen=True, slots=True)
class Over:
    """Something written above (or below) a base that is neither function nor big operator."""

    base: Row
    note: Row
    is_above: bool = True


@dataclass(frozen=True, slots=True)
class Accent:
    """A mark over a body: bar, hat, tilde, dot, ddot, vec, check, overrightarrow."""

    name: str
    body: Row


@dataclass(frozen=True, slots=True)
class Lined:
    """A body with a line above or below it: ``overline`` or ``underline``."""

    name: str
    body: Row


@dataclass(frozen=True, slots=True)
class Fence:
    """A body between brackets that grow with it; an empty string is no bracket."""

    left: str
    right: str
    body: Row


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells in rows; `kind` is ``matrix`` (centred) or ``lines`` (equations below each other, aligned)."""

    kind: str
    rows: tuple[tuple[Row, ...], ...]


Node = (
    Row | Letter | Number | Symbol | Text | Space | Function | Fraction | Root | Attach | Over | Accent | Lined | Fence | Grid
)  # fmt: skip


def row(parts: Iterable[Node]) -> Row:
    """Return a row with rows inside it opened and touching numbers and texts merged.

    Examples
    --------
    >>> row([Number("1"), Row((Number("2"), Letter("x")))])
    Row(parts=(Number(digits='12'), Letter(sign='x', style='italic')))
    """
    flat: list[Node] = []
    for part in parts:
        for node in part.parts if isinstance(part, Row) else (part,):
            _join(flat, node)
    return Row(tuple(flat))


def _join(flat: list[Node], node: Node) -> None:
    last = flat[-1] if flat else None
    if isinstance(node, Number) and isinstance(last, Number):
        flat[-1] = Number(last.digits + node.digits)
    elif isinstance(node, Text) and isinstance(last, Text):
        flat[-1] = Text(last.words + node.words)
    elif isinstance(node, Attach) and isinstance(node.base, Number) and isinstance(last, Number):
        flat[-1] = Attach(Number(last.digits + node.base.digits), node.lower, node.upper)
    elif not isinstance(node, Text) or node.words:
        flat.append(node)


def single(nodes: Sequence[Node]) -> Node:
    """Return the one node of a row, or the row."""
    whole = row(nodes)
    return whole.parts[0] if len(whole.parts) == 1 else whole


def letter(sign: str, style: str = "italic") -> Letter:
    """Return a letter; Greek ones have one style only."""
    if not sign.isascii():
        style = "upright" if sign in UPPER else "italic"
    return Letter(sign, style)


def symbol(sign: str) -> Symbol | Text:
    """Return a sign, other ways of writing it made one; ``&``, which parts cells elsewhere, is a word."""
    return Text(sign) if sign == "&" else Symbol(SAME_SIGN.get(sign, sign))


def character(sign: str, style: str = "italic") -> Node | None:
    """Return what one character of a formula means; None for white space and signs without width."""
    plain = unicodedata.normalize("NFKC", sign) if sign in LETTERLIKE or ord(sign) >= 0x1D400 else sign
    if len(plain) == 1 and ((plain.isascii() and plain.isalpha()) or plain in GREEK_NAMES):
        return letter(plain, style)
    if sign.isascii() and (sign.isdigit() or sign == "."):
        return Number(sign)
    if sign in SPACE_NAMES:
        return Space(sign)
    if sign in CLASS_OF or sign in SAME_SIGN:
        return symbol(sign)
    return Text(sign) if sign.isprintable() and not sign.isspace() and unicodedata.category(sign) != "Cf" else None


def attach(base: Node, lower: Row | None, upper: Row | None) -> Node:
    """Return a base with its indices; a raised prime alone is the prime that stands behind its base."""
    if upper is not None and upper.parts == (Symbol("′"),):
        return row([base if lower is None else Attach(base, lower), Symbol("′")])
    return Attach(base, lower, upper) if lower is not None or upper is not None else base


def over(base: Row, note: Row, *, is_above: bool) -> Node:
    """Return something written above or below a base; functions and big operators have indices there."""
    only = base.parts[0] if len(base.parts) == 1 else None
    if isinstance(only, Attach) and _has_limits(only.base) and (only.upper if is_above else only.lower) is None:
        return Attach(only.base, only.lower if is_above else note, note if is_above else only.upper)
    if only is not None and _has_limits(only):
        return Attach(only, None if is_above else note, note if is_above else None)
    return Over(base, note, is_above)


def _has_limits(node: Node) -> bool:
    return isinstance(node, Function) or (isinstance(node, Symbol) and node.kind == "big")
