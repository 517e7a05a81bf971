r"""LaTeX of items as a small tree of parts, from which both printed formats are set.

Only what the tree knows is set as a formula: fractions, roots, scripts, Greek letters, operators, named functions, simple
accents and brackets. Anything else raises `UnknownFormulaError`, and the source is printed instead.
"""

from __future__ import annotations

import re
from typing import Any

Node = dict[str, Any]
MAX_DEPTH = 30
_TOKEN = re.compile(r"\\(?:[A-Za-z]+|.)|\s+|[{}^_]|\d+(?:\.\d+)?|.", re.DOTALL)
_DELIMITERS = re.compile(r"\\\(.*?\\\)", re.DOTALL)

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "varepsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ",
    "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "ϕ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Phi": "Φ",
    "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip
BINARY = {"times": "×", "div": "÷", "pm": "±", "mp": "∓", "cdot": "⋅", "cup": "∪", "cap": "∩", "ast": "∗"}
RELATIONS = {
    "le": "≤", "leq": "≤", "leqslant": "≤", "ge": "≥", "geq": "≥", "geqslant": "≥", "ne": "≠", "neq": "≠",
    "approx": "≈", "equiv": "≡", "sim": "∼", "to": "→", "rightarrow": "→", "leftarrow": "←", "Rightarrow": "⇒",
    "rightleftharpoons": "⇌", "in": "∈", "notin": "∉", "subset": "⊂", "perp": "⊥", "parallel": "∥", "propto": "∝",
    "ll": "≪", "gg": "≫", "cong": "≅",
}  # fmt: skip
SIGNS = {
    "infty": "∞", "partial": "∂", "nabla": "∇", "angle": "∠", "triangle": "△", "circ": "∘", "degree": "°",
    "dots": "…", "ldots": "…", "cdots": "⋯", "sum": "∑", "prod": "∏", "int": "∫", "oint": "∮", "prime": "′",
    "therefore": "∴", "because": "∵", "%": "%", "#": "#", "&": "&", "$": "$", "_": "_", "{": "{", "}": "}",
    "|": "‖", "Omega": "Ω", "backslash": "\\",
}  # fmt: skip
SPACES = {" ", ",", ";", ":", "!", "quad", "qquad", "enspace", "thinspace"}
FUNCTIONS = frozenset(
    {
        "sin",
        "cos",
        "tan",
        "cot",
        "sec",
        "csc",
        "arcsin",
        "arccos",
        "arctan",
        "ln",
        "log",
        "lg",
        "exp",
        "lim",
        "max",
        "min",
    }
)
ACCENTS = {"bar": "\u0304", "hat": "\u0302", "tilde": "\u0303", "dot": "\u0307", "vec": "\u20d7"}
UPRIGHT = frozenset({"text", "mathrm", "rm", "textrm", "operatorname"})
IGNORED = frozenset({"displaystyle", "textstyle", "limits", "nolimits", "left", "right", "big", "Big", "bigl", "bigr"})
PLAIN_RELATIONS = "=<>：:"
PLAIN_BINARY = "+*−"


class UnknownFormulaError(ValueError):
    """A formula uses something that the tree does not know."""


def split_formulas(text: str) -> list[tuple[bool, str]]:
    r"""Return a text as pieces: plain ones, and formulas without their ``\(`` and ``\)``.

    Examples
    --------
    >>> split_formulas(r"若 \(a^2\) 则")
    [(False, '若 '), (True, 'a^2'), (False, ' 则')]
    """
    pieces, last = [], 0
    for match in _DELIMITERS.finditer(text):
        pieces += [(False, text[last : match.start()]), (True, match[0][2:-2])]
        last = match.end()
    pieces.append((False, text[last:]))
    return [piece for piece in pieces if piece[1]]


def parse_formula(source: str) -> Node:
    r"""Return the tree of a formula; raises UnknownFormulaError.

    Examples
    --------
    >>> parse_formula(r"\frac{1}{2}")
    {'k': 'row', 'c': [{'k': 'frac', 'n': {'k': 'sign', 'v': '1'}, 'd': {'k': 'sign', 'v': '2'}}]}
    """
    reader = _Reader(_TOKEN.findall(source))
    nodes = reader.row(until="")
    return {"k": "row", "c": nodes}


class _Reader:
    """Reads tokens from left to right; scripts attach to what stands before them."""

    def __init__(self, pieces: list[str]) -> None:
        self._pieces = pieces
        self._at = 0
        self._depth = 0

    def row(self, until: str) -> list[Node]:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise UnknownFormulaError("too deep")
        nodes: list[Node] = []
        while self._at < len(self._pieces):
            piece = self._next()
            if piece == until:
                self._depth -= 1
                return nodes
            if piece in "^_":
                self._script(nodes, "t" if piece == "^" else "b")
            elif node := self._node(piece):
                nodes.append(node)
        if until:
            raise UnknownFormulaError(f"missing {until}")
        self._depth -= 1
        return nodes

    def _next(self) -> str:
        if self._at >= len(self._pieces):
            raise UnknownFormulaError("ends too early")
        self._at += 1
        return self._pieces[self._at - 1]

    def _script(self, nodes: list[Node], side: str) -> None:
        base: Node = nodes.pop() if nodes else {"k": "sign", "v": ""}
        if base["k"] != "attach":
            base = {"k": "attach", "base": base, "t": None, "b": None}
        if base[side] is not None:
            raise UnknownFormulaError("double script")
        base[side] = self.argument()
        nodes.append(base)

    def argument(self) -> Node:
        piece = self._next()
        while piece.isspace():
            piece = self._next()
        if piece == "{":
            nodes = self.row(until="}")
            return nodes[0] if len(nodes) == 1 else {"k": "row", "c": nodes}
        node = self._node(piece)
        if node is None:
            raise UnknownFormulaError(f"no argument at {piece}")
        return node

    def _node(self, piece: str) -> Node | None:
        if piece.isspace() or piece == "~":
            return None
        if piece.startswith("\\"):
            return self._command(piece[1:])
        if piece == "{":
            return {"k": "row", "c": self.row(until="}")}
        if piece == "}":
            raise UnknownFormulaError("stray }")
        return _sign(piece)

    def _command(self, name: str) -> Node | None:
        if name in SPACES or name in IGNORED:
            self._skip_empty_bracket(name)
            return {"k": "space"} if "quad" in name or name == " " else None
        if name in {"frac", "dfrac", "tfrac"}:
            return {"k": "frac", "n": self.argument(), "d": self.argument()}
        if name == "sqrt":
            return self._root()
        if name in UPRIGHT:
            return {"k": "text", "v": self._raw_text()}
        if name in ACCENTS or name == "overline":
            mark = {"k": "accent", "v": ACCENTS[name]} if name in ACCENTS else {"k": "overline"}
            return mark | {"c": self.argument()}
        return _named(name)

    def _skip_empty_bracket(self, name: str) -> None:
        r"""Pass over the dot that stands after \left or \right for no bracket at all."""
        if name in {"left", "right"} and self._at < len(self._pieces) and self._pieces[self._at] == ".":
            self._at += 1

    def _root(self) -> Node:
        if self._at < len(self._pieces) and self._pieces[self._at] == "[":
            self._at += 1
            index = self.row(until="]")
            return {"k": "root", "i": {"k": "row", "c": index}, "c": self.argument()}
        return {"k": "sqrt", "c": self.argument()}

    def _raw_text(self) -> str:
        if self._next() != "{":
            raise UnknownFormulaError("text without braces")
        parts: list[str] = []
        while (piece := self._next()) != "}":
            if piece in "{^_" or (piece.startswith("\\") and piece[1:] not in SIGNS and piece != "\\ "):
                raise UnknownFormulaError("markup inside text")
            parts.append(SIGNS.get(piece[1:], " ") if piece.startswith("\\") else piece)
        return "".join(parts)


def _named(name: str) -> Node:
    if name in FUNCTIONS:
        return {"k": "fn", "v": name}
    for kind, table in (("letter", GREEK), ("bin", BINARY), ("rel", RELATIONS), ("sign", SIGNS)):
        if name in table:
            return {"k": kind, "v": table[name]}
    raise UnknownFormulaError(name)


def _sign(piece: str) -> Node:
    if len(piece) == 1 and piece.isascii() and piece.isalpha():
        return {"k": "letter", "v": piece}
    if piece in PLAIN_RELATIONS:
        return {"k": "rel", "v": piece}
    if piece in PLAIN_BINARY or piece == "-":
        return {"k": "bin", "v": "−" if piece == "-" else piece}
    if piece in "&#%$":
        raise UnknownFormulaError(piece)
    return {"k": "sign", "v": piece}
