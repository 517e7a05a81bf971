r"""Presentation MathML as LaTeX: the subset that items use; an annotation that holds TeX is taken as it is."""

from __future__ import annotations

from collections.abc import Callable

from lxml.etree import _Element

MAX_DEPTH = 40
_SYMBOLS = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "η": "eta", "θ": "theta", "λ": "lambda",
    "μ": "mu", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "varphi", "ϕ": "phi", "ω": "omega", "Δ": "Delta",
    "Σ": "Sigma", "Φ": "Phi", "Ω": "Omega", "×": "times", "÷": "div", "±": "pm", "≤": "le", "≥": "ge", "≠": "ne",
    "≈": "approx", "∞": "infty", "→": "to", "⇌": "rightleftharpoons", "∑": "sum", "∏": "prod", "∫": "int",
    "∂": "partial", "∈": "in", "⋅": "cdot", "·": "cdot", "…": "dots", "∠": "angle", "⊥": "perp", "∥": "parallel",
    "△": "triangle", "°": "circ", "∪": "cup", "∩": "cap", "∘": "circ", "√": "surd",
}  # fmt: skip
_ESCAPED = {"%": r"\%", "#": r"\#", "&": r"\&", "$": r"\$", "_": r"\_", "{": r"\{", "}": r"\}", "\\": r"\backslash "}
_IGNORED = frozenset("\u2061\u2062\u2063\u2064\u200b")
_FUNCTIONS = frozenset({"sin", "cos", "tan", "cot", "ln", "log", "lg", "exp", "lim", "max", "min"})
_OVER = {
    "¯": "overline", "\u0304": "bar", "\u0305": "overline", "→": "vec", "\u20d7": "vec", "^": "hat", "\u0302": "hat",
    "~": "tilde", "˙": "dot", "\u0307": "dot", "‾": "overline",
}  # fmt: skip


class UnknownMathError(Exception):
    """The formula uses an element that is not known here; the message names it."""


def to_latex(math: _Element) -> str:
    """Return the LaTeX of a ``math`` element, without delimiters; raises UnknownMathError."""
    for annotation in math.iter("m_annotation"):
        if "tex" in (annotation.get("encoding") or "").casefold() and annotation.text:
            return _without_delimiters(annotation.text)
    return " ".join(_children(math, 0).split())


def _without_delimiters(text: str) -> str:
    r"""Return TeX without the signs that some programs put around it: ``$``, ``\[``, ``\(``."""
    bare = text.strip()
    for opening, closing in ((r"\[", r"\]"), (r"\(", r"\)"), ("$$", "$$"), ("$", "$")):
        if bare.startswith(opening) and bare.endswith(closing) and len(bare) > len(opening) + len(closing):
            return bare[len(opening) : -len(closing)].strip()
    return bare


def _children(element: _Element, depth: int) -> str:
    if depth > MAX_DEPTH:
        raise UnknownMathError("math")
    return "".join(_one(child, depth + 1) for child in _elements(element))


def _elements(element: _Element) -> list[_Element]:
    return [one for one in element if isinstance(one.tag, str)]


def _one(element: _Element, depth: int) -> str:
    name = str(element.tag).removeprefix("m_")
    if name in {"annotation", "annotation-xml"}:
        return ""
    writer = _WRITERS.get(name)
    if writer is None:
        raise UnknownMathError(name)
    return writer(element, depth)


def _characters(element: _Element, depth: int) -> str:
    del depth
    parts = []
    for char in (element.text or "").strip():
        if char in _SYMBOLS:
            parts.append(f"\\{_SYMBOLS[char]} ")
        elif char not in _IGNORED:
            parts.append(_ESCAPED.get(char, char))
    return "".join(parts)


def _identifier(element: _Element, depth: int) -> str:
    text = (element.text or "").strip()
    if text in _FUNCTIONS:
        return f"\\{text} "
    written = _characters(element, depth)
    return f"\\mathrm{{{written}}}" if len(text) > 1 else written


def _text(element: _Element, depth: int) -> str:
    del depth
    return f"\\text{{{(element.text or '').strip()}}}"


def _group(element: _Element, depth: int) -> str:
    return _children(element, depth)


def _parts(element: _Element, depth: int, least: int) -> list[str]:
    parts = [_one(child, depth + 1) for child in _elements(element)]
    if len(parts) != least:
        raise UnknownMathError(str(element.tag).removeprefix("m_"))
    return parts


def _script(sign: str) -> Callable[[_Element, int], str]:
    def writer(element: _Element, depth: int) -> str:
        base, script = _parts(element, depth, 2)
        return f"{_grouped(base)}{sign}{{{script}}}"

    return writer


def _both_scripts(element: _Element, depth: int) -> str:
    base, below, above = _parts(element, depth, 3)
    return f"{_grouped(base)}_{{{below}}}^{{{above}}}"


def _grouped(base: str) -> str:
    bare = base.strip()
    return bare if len(bare) <= 1 or bare.startswith("\\") else f"{{{bare}}}"


def _fraction(element: _Element, depth: int) -> str:
    above, below = _parts(element, depth, 2)
    return f"\\frac{{{above}}}{{{below}}}"


def _root(element: _Element, depth: int) -> str:
    inner, degree = _parts(element, depth, 2)
    return f"\\sqrt[{degree}]{{{inner}}}"


def _square_root(element: _Element, depth: int) -> str:
    return f"\\sqrt{{{_children(element, depth)}}}"


def _over(element: _Element, depth: int) -> str:
    elements = _elements(element)
    accent = _OVER.get((elements[1].text or "").strip()) if len(elements) == 2 else None
    base, above = _parts(element, depth, 2)
    return f"\\{accent}{{{base}}}" if accent else f"{_grouped(base)}^{{{above}}}"


def _fenced(element: _Element, depth: int) -> str:
    parts = [_one(child, depth + 1) for child in _elements(element)]
    opening, closing = element.get("open", "("), element.get("close", ")")
    separator = (element.get("separators", ",").strip() or "")[:1]
    inner = separator.join(parts)
    return f"\\left{_fence(opening)}{inner}\\right{_fence(closing)}"


def _fence(sign: str) -> str:
    return {"{": r"\{", "}": r"\}", "": "."}.get(sign, sign)


def _space(element: _Element, depth: int) -> str:
    del element, depth
    return r"\,"


_WRITERS: dict[str, Callable[[_Element, int], str]] = {
    "mi": _identifier, "mn": _characters, "mo": _characters, "mtext": _text, "ms": _text, "mspace": _space,
    "mrow": _group, "mstyle": _group, "mpadded": _group, "semantics": _group,
    "msup": _script("^"), "msub": _script("_"), "msubsup": _both_scripts, "munderover": _both_scripts,
    "munder": _script("_"), "mover": _over, "mfrac": _fraction, "msqrt": _square_root, "mroot": _root,
    "mfenced": _fenced,
}  # fmt: skip
READ = frozenset(_WRITERS)
"""The elements that are read; docs/qti.md lists them."""
