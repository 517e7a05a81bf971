r"""Read the LaTeX of a formula: what the subset knows becomes a tree, anything else a refusal that names the place."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from item_templates.findings import TranslatableValueError
from item_templates.formulas.symbols import (
    ACCENTS,
    ARROW_OVER,
    ARROWS,
    ESCAPED,
    FENCES,
    FUNCTIONS,
    GREEK,
    GRIDS,
    IGNORED,
    LINE_GRIDS,
    LINES,
    NAMED,
    SPACES,
    SYNONYMS,
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
    Root,
    Row,
    Space,
    Symbol,
    Text,
    attach,
    character,
    letter,
    over,
    row,
    single,
    symbol,
)
from kernel.i18n import N_

MAX_DEPTH = 30
MAX_CHARS = 2000
_PIECE = re.compile(r"\\(?:[A-Za-z]+|.)|\s+|\d[\d.]*|.", re.DOTALL)
_IN_TEXT = {"textbackslash": "\\", "textasciicircum": "^", "textasciitilde": "~", " ": " "} | {
    name: name for name in "%#&$_{}"
}
_NEEDS_ESCAPE = frozenset("#$%")
_END = ""


class FormulaError(TranslatableValueError):
    """A formula uses something outside the subset; `at` counts its characters from 1."""

    def __init__(self, template: str, at: int, near: str) -> None:
        super().__init__(template, at=at, near=near)
        self.at = at


def parse_formula(source: str) -> Row:
    r"""Return the tree of a formula.

    Parameters
    ----------
    source : str
        LaTeX without its delimiters, as plain text.

    Returns
    -------
    Row

    Raises
    ------
    FormulaError
        At the first thing that the subset does not know.

    Examples
    --------
    >>> parse_formula(r"\frac{1}{2}").parts
    (Fraction(top=Row(parts=(Number(digits='1'),)), bottom=Row(parts=(Number(digits='2'),))),)
    """
    if len(source) > MAX_CHARS:
        template = N_("公式超过 2000 个字符，请拆成几个公式（从第 %(at)s 个字符“%(near)s”起）")
        raise FormulaError(template, MAX_CHARS, source[MAX_CHARS : MAX_CHARS + 5])
    return row(_Parser(source).nodes(()))


class _Parser:
    """Reads tokens from left to right; indices attach to what stands before them."""

    def __init__(self, source: str) -> None:
        self._pieces = [(match[0], match.start() + 1) for match in _PIECE.finditer(source)]
        self._end = len(source) + 1
        self._next = 0
        self._depth = 0
        self._style = "italic"

    def nodes(self, stops: Collection[str]) -> list[Node]:
        """Return the nodes up to one of the stops, which is left to the caller; without stops up to the end."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(N_("公式第 %(at)s 个字符“%(near)s”处：嵌套超过 30 层"))
        found: list[Node] = []
        opened, style = -1, self._style
        while (piece := self._peek()) != _END and piece not in stops:
            if piece in {"^", "_"}:
                opened = self._script(found, opened)
            elif piece == "'":
                self._prime(found, is_open=opened == len(found) - 1)
            elif (node := self._node()) is not None:
                found.append(node)
        if stops and piece == _END:
            raise self._error(N_("公式到第 %(at)s 个字符%(near)s为止不完整，缺少右括号或 \\right、\\end"))
        self._depth, self._style = self._depth - 1, style
        return [attach(one.base, one.lower, one.upper) if isinstance(one, Attach) else one for one in found]

    def _peek(self) -> str:
        return self._pieces[self._next][0] if self._next < len(self._pieces) else _END

    def _take(self) -> str:
        piece = self._peek()
        self._next += 1
        return piece

    def _error(self, template: str, *, back: int = 0, place: int | None = None) -> FormulaError:
        index = self._next - back if place is None else place
        if 0 <= index < len(self._pieces):
            return FormulaError(template, self._pieces[index][1], self._pieces[index][0])
        return FormulaError(template, self._end, "")

    def _script(self, found: list[Node], opened: int) -> int:
        is_lower = self._take() == "_"
        last: Node = found.pop() if found else Row()
        base = last
        lower: Row | None = None
        upper: Row | None = None
        if opened == len(found) and isinstance(last, Attach):
            base, lower, upper = last.base, last.lower, last.upper
        if (lower if is_lower else upper) is not None:
            raise self._error(
                N_("公式第 %(at)s 个字符“%(near)s”处：一个字母只能有一个上标和一个下标，请用花括号分清"), back=1
            )
        index = row([self._argument()])
        found.append(Attach(base, index if is_lower else lower, upper if is_lower else index))
        return len(found) - 1

    def _prime(self, found: list[Node], *, is_open: bool) -> None:
        last = found[-1] if found else None
        if is_open and isinstance(last, Attach) and last.upper is not None:
            raise self._error(N_("公式第 %(at)s 个字符“%(near)s”处：上标后面不能再写撇号，请写在上标之前"))
        self._take()
        found.append(Symbol("′"))

    def _argument(self) -> Node:
        """Return what a command or an index applies to: a group, or the next single piece."""
        while self._peek().isspace():
            self._next += 1
        piece = self._peek()
        if piece == _END or piece in {"}", "^", "_", "&", "'"}:
            raise self._error(N_("公式第 %(at)s 个字符“%(near)s”处：这里缺少内容，请写 {…}"))
        if piece[0].isdigit() and len(piece) > 1:
            self._pieces[self._next] = (piece[1:], self._pieces[self._next][1] + 1)
            return Number(piece[0])
        node = self._node()
        return self._argument() if node is None else node

    def _body(self) -> Row:
        return row([self._argument()])

    def _node(self) -> Node | None:
        piece = self._take()
        if piece.isspace():
            return None
        if piece[0] == "\\" and len(piece) > 1:
            return self._command(piece[1:])
        if piece == "{":
            return self._group()
        if piece[0].isdigit():
            return Number(piece)
        if piece == "~":
            return Space("\u2002")
        return self._plain(piece)

    def _group(self) -> Node:
        nodes = self.nodes({"}"})
        self._take()
        return single(nodes)

    def _plain(self, piece: str) -> Node | None:
        if piece == "}":
            raise self._error(N_("公式第 %(at)s 个字符“%(near)s”处：右花括号多余"), back=1)
        if piece == "&":
            raise self._error(N_("公式第 %(at)s 个字符“%(near)s”处：& 只能用在矩阵、cases 和 aligned 中"), back=1)
        if piece in _NEEDS_ESCAPE or piece == "\\":
            raise self._error(N_("公式第 %(at)s 个字符“%(near)s”处：这个符号前要加反斜杠，例如 \\%%"), back=1)
        return character(piece, self._style)

    def _command(self, written: str) -> Node | None:
        name = SYNONYMS.get(written, written)
        if name in IGNORED or name == "rm":
            self._style = "upright" if name == "rm" else self._style
            return None
        if name in SPACES:
            return single([Space(sign) for sign in SPACES[name]])
        if name in FUNCTIONS:
            return Function(name)
        if name in GREEK:
            return letter(GREEK[name], self._style)
        if name in NAMED or name in ESCAPED:
            return symbol(NAMED[name][0] if name in NAMED else ESCAPED[name])
        return self._construct(name)

    def _construct(self, name: str) -> Node:
        if name in ACCENTS or name == ARROW_OVER:
            return Accent(name, self._body())
        if name in LINES:
            return Lined(name, self._body())
        if name in ARROWS:
            return self._arrow(ARROWS[name])
        reader = _CONSTRUCTS.get(name)
        if reader is None:
            template = N_("公式第 %(at)s 个字符处：不支持命令 %(near)s，请改用支持的写法")
            raise self._error(template, back=1)
        return reader(self)

    def fraction(self) -> Node:
        """Read the two arguments of a fraction."""
        return Fraction(self._body(), self._body())

    def root(self) -> Node:
        """Read a root with its index in square brackets, if it has one."""
        index = self._bracketed()
        return Root(self._body(), index)

    def _bracketed(self) -> Row | None:
        if self._peek() != "[":
            return None
        self._take()
        nodes = self.nodes({"]"})
        self._take()
        return row(nodes)

    def upright(self) -> Node:
        """Read letters that are set upright."""
        return self._styled("upright")

    def bold(self) -> Node:
        """Read letters that are set bold."""
        return self._styled("bold")

    def _styled(self, style: str) -> Node:
        before, self._style = self._style, style
        body = self._argument()
        self._style = before
        return body

    def text(self) -> Node:
        """Read words; inside them only escaped signs are commands."""
        self._open_brace()
        words: list[str] = []
        while (piece := self._take()) != "}":
            words.append(self._word(piece))
        return Text("".join(words))

    def _word(self, piece: str) -> str:
        if piece == _END:
            raise self._error(N_("公式到第 %(at)s 个字符%(near)s为止不完整，缺少右括号或 \\right、\\end"))
        if piece == "{" and self._peek() == "}":
            self._take()
            return ""
        if piece[0] == "\\" and piece[1:] in _IN_TEXT:
            return _IN_TEXT[piece[1:]]
        if piece[0] == "\\" or piece in set("{^_&#$%"):
            raise self._error(N_("公式第 %(at)s 个字符“%(near)s”处：文字里不能有公式命令"), back=1)
        return " " if piece == "~" or piece.isspace() else piece

    def _open_brace(self) -> None:
        while self._peek().isspace():
            self._next += 1
        if self._take() != "{":
            raise self._error(N_("公式第 %(at)s 个字符“%(near)s”处：这里缺少内容，请写 {…}"), back=1)

    def _name(self) -> str:
        self._open_brace()
        letters = []
        while (piece := self._take()) != "}":
            if not (piece.isascii() and (piece.isalpha() or piece == "*")):
                raise self._error(N_("公式第 %(at)s 个字符“%(near)s”处：这里只能写字母"), back=1)
            letters.append(piece)
        return "".join(letters)

    def operator(self) -> Node:
        """Read the name of a function that has no command of its own."""
        return Function(self._name())

    def above(self) -> Node:
        """Read something and the base that it stands above."""
        note = self._body()
        return over(self._body(), note, is_above=True)

    def below(self) -> Node:
        """Read something and the base that it stands below."""
        note = self._body()
        return over(self._body(), note, is_above=False)

    def _arrow(self, sign: str) -> Node:
        lower, upper = self._bracketed(), self._body()
        node: Node = Symbol(sign)
        if lower is not None and lower.parts:
            node = over(row([node]), lower, is_above=False)
        return over(row([node]), upper, is_above=True) if upper.parts else node

    def fence(self) -> Node:
        """Read what stands between two brackets that grow."""
        left = self._delimiter()
        nodes = self.nodes({r"\right"})
        self._take()
        return Fence(left, self._delimiter(), row(nodes))

    def _delimiter(self) -> str:
        while self._peek().isspace():
            self._next += 1
        piece = self._take()
        if piece in {"{", "}"}:
            piece = f"\\{piece}"
        written = f"\\{SYNONYMS[piece[1:]]}" if piece[1:] in SYNONYMS else piece
        if written == r"\vert":
            written = "|"
        if written not in FENCES:
            raise self._error(
                N_("公式第 %(at)s 个字符“%(near)s”处：\\left 和 \\right 后面要写括号，没有括号时写点"), back=1
            )
        return FENCES[written]

    def grid(self) -> Node:
        """Read a matrix, cases or aligned equations."""
        begin = self._next - 1
        name = self._name()
        if name == "array":
            self._name()
        if name not in GRIDS and name not in LINE_GRIDS and name not in {"array", "cases"}:
            template = N_("公式第 %(at)s 个字符“%(near)s”处：不支持这种排列，可用 matrix、pmatrix、cases、aligned")
            raise self._error(template, place=begin)
        rows = self._rows()
        end = self._next - 1
        if self._name() != name:
            raise self._error(N_("公式第 %(at)s 个字符“%(near)s”处：\\begin 与 \\end 的名称不同"), place=end)
        return _grid(name, rows)

    def _rows(self) -> tuple[tuple[Row, ...], ...]:
        rows: list[list[Row]] = [[]]
        while True:
            rows[-1].append(row(self.nodes({"&", "\\\\", r"\end"})))
            piece = self._take()
            if piece == r"\end":
                break
            if piece == "\\\\":
                rows.append([])
        if len(rows) > 1 and rows[-1] == [Row()]:
            rows.pop()
        return tuple(map(tuple, rows))


def _grid(name: str, rows: tuple[tuple[Row, ...], ...]) -> Node:
    if name == "cases":
        return Fence("{", "", Row((Grid("lines", rows),)))
    if name in LINE_GRIDS:
        return Grid("lines", rows)
    left, right = GRIDS.get(name, ("", ""))
    body = Grid("matrix", rows)
    return Fence(left, right, Row((body,))) if left else body


_CONSTRUCTS: dict[str, Callable[[_Parser], Node]] = {
    "frac": _Parser.fraction,
    "sqrt": _Parser.root,
    "mathrm": _Parser.upright,
    "mathbf": _Parser.bold,
    "text": _Parser.text,
    "operatorname": _Parser.operator,
    "overset": _Parser.above,
    "stackrel": _Parser.above,
    "underset": _Parser.below,
    "left": _Parser.fence,
    "begin": _Parser.grid,
}


def letters_of(node: Node) -> str | None:
    """Return the word that upright letters spell, or None for anything else."""
    parts = node.parts if isinstance(node, Row) else (node,)
    if not parts or not all(isinstance(part, Letter) and part.sign.isascii() for part in parts):
        return None
    return "".join(part.sign for part in parts if isinstance(part, Letter))
