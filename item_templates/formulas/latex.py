r"""Write a formula tree as LaTeX that KaTeX sets, in one fixed way of writing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from item_templates.formulas.symbols import (
    FENCE_NAMES,
    FUNCTIONS,
    GREEK_NAMES,
    GRIDS,
    LATEX_OF,
    SPACE_NAMES,
)
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

_STYLE_COMMANDS = {"upright": "mathrm", "bold": "mathbf"}
_WORD_ESCAPES = {sign: f"\\{sign}" for sign in "%#&$_{}"} | {
    "\\": "\\textbackslash{}", "^": "\\textasciicircum{}", "~": "\\textasciitilde{}",
}  # fmt: skip
_ARROW_COMMANDS = {"→": r"\xrightarrow", "←": r"\xleftarrow"}


def to_latex(node: Node) -> str:
    r"""Return the LaTeX of a tree, without delimiters.

    Parameters
    ----------
    node : Node
        What `parser.parse_formula` or `omml_reader.read_omml` returned.

    Returns
    -------
    str

    Examples
    --------
    >>> to_latex(Fraction(Row((Letter("U"),)), Row((Letter("R"),))))
    '\\frac{U}{R}'
    """
    return _WRITERS[type(node)](node)


def _row(node: Row) -> str:
    pieces: list[str] = []
    before: Node | None = None
    for run in _runs(node.parts):
        piece = _styled(run) if len(run) > 1 else to_latex(run[0])
        is_raised = isinstance(before, Attach) and before.upper is not None
        pieces.append(f"{{}}{piece}" if is_raised and piece.startswith("'") else piece)
        before = run[-1]
    return _glue(pieces)


def _runs(parts: Sequence[Node]) -> Iterable[list[Node]]:
    """Yield the nodes of a row, upright letters that touch together."""
    run: list[Node] = []
    for part in parts:
        style = _style_of(part)
        if run and style and style == _style_of(run[-1]):
            run.append(part)
            continue
        if run:
            yield run
        run = [part]
    if run:
        yield run


def _style_of(node: Node) -> str:
    return node.style if isinstance(node, Letter) and node.sign.isascii() and node.style in _STYLE_COMMANDS else ""


def _styled(run: Sequence[Node]) -> str:
    letters = "".join(part.sign for part in run if isinstance(part, Letter))
    return f"\\{_STYLE_COMMANDS[_style_of(run[0])]}{{{letters}}}"


def _glue(pieces: Iterable[str]) -> str:
    """Join pieces; a command's name is parted from a letter or digit behind it."""
    text = ""
    for piece in pieces:
        name = text.rpartition("\\")[2]
        is_open = "\\" in text and name.isalpha() and name.isascii()
        text += f" {piece}" if is_open and piece[:1].isalnum() and piece[:1].isascii() else piece
    return text


def _letter(node: Letter) -> str:
    return GREEK_NAMES.get(node.sign) or (_styled([node]) if _style_of(node) else node.sign)


def _number(node: Number) -> str:
    return node.digits


def _symbol(node: Symbol) -> str:
    return LATEX_OF.get(node.sign, node.sign)


def _text(node: Text) -> str:
    return f"\\text{{{''.join(_WORD_ESCAPES.get(sign, sign) for sign in node.words)}}}"


def _space(node: Space) -> str:
    return SPACE_NAMES[node.sign]


def _function(node: Function) -> str:
    return f"\\{node.name}" if node.name in FUNCTIONS else f"\\operatorname{{{node.name}}}"


def _fraction(node: Fraction) -> str:
    return f"\\frac{{{to_latex(node.top)}}}{{{to_latex(node.bottom)}}}"


def _root(node: Root) -> str:
    index = "" if node.index is None else f"[{_in_brackets(node.index)}]"
    return f"\\sqrt{index}{{{to_latex(node.body)}}}"


def _in_brackets(node: Row) -> str:
    inner = to_latex(node)
    return f"{{{inner}}}" if "]" in inner or "[" in inner else inner


def _attach(node: Attach) -> str:
    base = to_latex(node.base)
    if isinstance(node.base, Row | Attach):
        base = f"{{{base}}}"
    lower = "" if node.lower is None else f"_{{{to_latex(node.lower)}}}"
    upper = "" if node.upper is None else f"^{{{to_latex(node.upper)}}}"
    return f"{base}{lower}{upper}"


def _over(node: Over) -> str:
    arrow = _arrow(node) if node.is_above else ""
    if arrow:
        return arrow
    name = "overset" if node.is_above else "underset"
    return f"\\{name}{{{to_latex(node.note)}}}{{{to_latex(node.base)}}}"


def _arrow(node: Over) -> str:
    """Return an arrow that grows with what stands over it; empty for any other base."""
    only = node.base.parts[0] if len(node.base.parts) == 1 else None
    below = ""
    if isinstance(only, Over) and not only.is_above and len(only.base.parts) == 1:
        below, only = f"[{_in_brackets(only.note)}]", only.base.parts[0]
    command = _ARROW_COMMANDS.get(only.sign) if isinstance(only, Symbol) else None
    return f"{command}{below}{{{to_latex(node.note)}}}" if command else ""


def _accent(node: Accent | Lined) -> str:
    return f"\\{node.name}{{{to_latex(node.body)}}}"


def _fence(node: Fence) -> str:
    only = node.body.parts[0] if len(node.body.parts) == 1 else None
    if isinstance(only, Grid) and (name := _grid_name(node, only)):
        return _environment(name, only)
    left, right = FENCE_NAMES.get(node.left, "."), FENCE_NAMES.get(node.right, ".")
    return _glue([f"\\left{left}", f"{to_latex(node.body)}\\right{right}"])


def _grid_name(node: Fence, grid: Grid) -> str:
    sides = (node.left, node.right)
    if grid.kind == "lines":
        return "cases" if sides == ("{", "") else ""
    return next((name for name, ends in GRIDS.items() if ends == sides and any(ends)), "")


def _grid(node: Grid) -> str:
    return _environment("aligned" if node.kind == "lines" else "matrix", node)


def _environment(name: str, grid: Grid) -> str:
    rows = r" \\ ".join(" & ".join(map(to_latex, cells)) for cells in grid.rows)
    return f"\\begin{{{name}}}{rows}\\end{{{name}}}"


_WRITERS: dict[type, Callable[[Any], str]] = {
    Row: _row, Letter: _letter, Number: _number, Symbol: _symbol, Text: _text, Space: _space, Function: _function,
    Fraction: _fraction, Root: _root, Attach: _attach, Over: _over, Accent: _accent, Lined: _accent, Fence: _fence,
    Grid: _grid,
}  # fmt: skip
