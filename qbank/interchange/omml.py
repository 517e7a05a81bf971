"""Word formulas (OMML) as LaTeX: the subset that vocational items use; the rest falls back to its plain characters."""

from __future__ import annotations

from collections.abc import Callable

from lxml.etree import _Element

M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"

_SYMBOLS = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ϵ": "epsilon", "ζ": "zeta",
    "η": "eta", "θ": "theta", "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi",
    "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "υ": "upsilon", "φ": "varphi", "ϕ": "phi", "χ": "chi",
    "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi",
    "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega", "×": "times", "÷": "div", "±": "pm", "∓": "mp",
    "≤": "le", "≥": "ge", "≠": "ne", "≈": "approx", "∞": "infty", "→": "to", "←": "leftarrow", "⇌": "rightleftharpoons",
    "∑": "sum", "∏": "prod", "∫": "int", "∮": "oint", "∂": "partial", "∇": "nabla", "∈": "in", "∪": "cup", "∩": "cap",
    "⋅": "cdot", "·": "cdot", "…": "dots", "∠": "angle", "⊥": "perp", "∥": "parallel", "△": "triangle", "°": "circ",
}  # fmt: skip
_ESCAPED = {"%": r"\%", "#": r"\#", "&": r"\&", "$": r"\$", "_": r"\_", "{": r"\{", "}": r"\}", "\\": r"\backslash "}
_FUNCTIONS = frozenset({"sin", "cos", "tan", "cot", "sec", "csc", "ln", "log", "lg", "exp", "lim", "max", "min"})
_ACCENTS = {"\u0302": "hat", "\u0303": "tilde", "\u0305": "bar", "\u0307": "dot", "\u20d7": "vec", "\u0304": "bar"}
_BRACKETS = {"{": r"\{", "}": r"\}", "": "."}
MAX_DEPTH = 40


def to_latex(math: _Element) -> str:
    """Return the LaTeX of an ``m:oMath`` element, without delimiters."""
    return _children(math, 0).strip()


def _children(element: _Element | None, depth: int) -> str:
    if element is None or depth > MAX_DEPTH:
        return ""
    return "".join(_one(child, depth + 1) for child in element)


def _one(element: _Element, depth: int) -> str:
    if not isinstance(element.tag, str) or not element.tag.startswith(M):
        return ""
    name = element.tag[len(M) :]
    if name == "r":
        return "".join(_characters(text.text or "") for text in element.findall(f"{M}t"))
    writer = _WRITERS.get(name)
    if writer:
        return writer(element, depth)
    return "" if name.endswith("Pr") else _children(element, depth)


def _characters(text: str) -> str:
    parts = []
    for char in text:
        if char in _SYMBOLS:
            parts.append("^\\circ " if char == "°" else f"\\{_SYMBOLS[char]} ")
        else:
            parts.append(_ESCAPED.get(char, char))
    return "".join(parts)


def _slot(element: _Element, name: str, depth: int) -> str:
    return _children(element.find(f"{M}{name}"), depth).strip()


def _setting(element: _Element, path: str) -> str | None:
    found = element.find("/".join(f"{M}{step}" for step in path.split("/")))
    return None if found is None else found.get(f"{M}val", "")


def _fraction(element: _Element, depth: int) -> str:
    top, bottom = _slot(element, "num", depth), _slot(element, "den", depth)
    if _setting(element, "fPr/type") == "lin":
        return f"{{{top}}}/{{{bottom}}}"
    return rf"\frac{{{top}}}{{{bottom}}}"


def _radical(element: _Element, depth: int) -> str:
    index = _slot(element, "deg", depth)
    return rf"\sqrt{f'[{index}]' if index else ''}{{{_slot(element, 'e', depth)}}}"


def _script(element: _Element, depth: int) -> str:
    base = _slot(element, "e", depth)
    lower, upper = _slot(element, "sub", depth), _slot(element, "sup", depth)
    plain = len(base) <= 1 or base.isalnum()
    text = base if plain else f"{{{base}}}"
    return text + (f"_{{{lower}}}" if lower else "") + (f"^{{{upper}}}" if upper else "")


def _before(element: _Element, depth: int) -> str:
    lower, upper = _slot(element, "sub", depth), _slot(element, "sup", depth)
    return f"{{}}_{{{lower}}}^{{{upper}}}{_slot(element, 'e', depth)}"


def _nary(element: _Element, depth: int) -> str:
    sign = _characters(_setting(element, "naryPr/chr") or "∫").strip()
    lower, upper = _slot(element, "sub", depth), _slot(element, "sup", depth)
    limits = (f"_{{{lower}}}" if lower else "") + (f"^{{{upper}}}" if upper else "")
    return f"{sign}{limits} {_slot(element, 'e', depth)}"


def _delimited(element: _Element, depth: int) -> str:
    opening, closing = _setting(element, "dPr/begChr"), _setting(element, "dPr/endChr")
    left, right = "(" if opening is None else opening, ")" if closing is None else closing
    separator = _setting(element, "dPr/sepChr") or "|"
    inner = separator.join(_children(part, depth).strip() for part in element.findall(f"{M}e"))
    return rf"\left{_BRACKETS.get(left, left)} {inner} \right{_BRACKETS.get(right, right)}"


def _function(element: _Element, depth: int) -> str:
    name = _slot(element, "fName", depth)
    shown = f"\\{name} " if name in _FUNCTIONS else f"{name} "
    return f"{shown}{_slot(element, 'e', depth)}"


def _limit(mark: str) -> Callable[[_Element, int], str]:
    def write(element: _Element, depth: int) -> str:
        base = _slot(element, "e", depth)
        shown = f"\\{base}" if base in _FUNCTIONS else f"{{{base}}}"
        return f"{shown}{mark}{{{_slot(element, 'lim', depth)}}}"

    return write


def _accent(element: _Element, depth: int) -> str:
    name = _ACCENTS.get(_setting(element, "accPr/chr") or "\u0302", "hat")
    return rf"\{name}{{{_slot(element, 'e', depth)}}}"


def _bar(element: _Element, depth: int) -> str:
    name = "overline" if _setting(element, "barPr/pos") == "top" else "underline"
    return rf"\{name}{{{_slot(element, 'e', depth)}}}"


def _matrix(element: _Element, depth: int) -> str:
    rows = [
        " & ".join(_children(cell, depth).strip() for cell in row.findall(f"{M}e")) for row in element.findall(f"{M}mr")
    ]
    return r"\begin{matrix}" + r" \\ ".join(rows) + r"\end{matrix}"


def _equations(element: _Element, depth: int) -> str:
    rows = [_children(row, depth).strip() for row in element.findall(f"{M}e")]
    return r"\begin{aligned}" + r" \\ ".join(rows) + r"\end{aligned}"


_WRITERS: dict[str, Callable[[_Element, int], str]] = {
    "f": _fraction,
    "rad": _radical,
    "sSub": _script,
    "sSup": _script,
    "sSubSup": _script,
    "sPre": _before,
    "nary": _nary,
    "d": _delimited,
    "func": _function,
    "limLow": _limit("_"),
    "limUpp": _limit("^"),
    "acc": _accent,
    "bar": _bar,
    "m": _matrix,
    "eqArr": _equations,
}
