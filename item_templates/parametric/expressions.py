"""Expressions that authors write: from text to a tree. Nothing is ever handed to the language's own evaluator."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from item_templates.findings import TranslatableValueError
from kernel.i18n import N_

MAX_LENGTH = 300
MAX_DEPTH = 40
FUNCTIONS = {
    "sqrt": (1, 1), "abs": (1, 1), "round": (1, 2), "floor": (1, 1), "ceil": (1, 1), "min": (1, 8), "max": (1, 8),
    "sin": (1, 1), "cos": (1, 1), "tan": (1, 1), "asin": (1, 1), "acos": (1, 1), "atan": (1, 1),
    "ln": (1, 1), "lg": (1, 1), "exp": (1, 1),
}  # fmt: skip
"""Function name -> least and most arguments."""
WORDS = {"and": "and", "or": "or", "not": "not", "且": "and", "或": "or", "非": "not"}
CONSTANTS = frozenset({"pi", "π"})
NAME = re.compile(r"[A-Za-zͰ-Ͽ一-鿿_][A-Za-z0-9Ͱ-Ͽ一-鿿_]{0,30}")
_TOKEN = re.compile(
    rf"\s*(?:(?P<number>\d+(?:\.\d*)?|\.\d+)|(?P<name>{NAME.pattern})|(?P<sign><=|>=|!=|<>|==|\*\*|[-+*/^(),<>=]))"
)
_SAME_SIGN = str.maketrans("（），。＋－−–×·÷／＾＜＞＝＊０１２３４５６７８９．、", "(),.+---**//^<>=*0123456789.,")
_LONG_SIGNS = {"≤": "<=", "≥": ">=", "≠": "!=", "≦": "<=", "≧": ">="}
_SYNONYMS = {"**": "^", "==": "=", "<>": "!="}
COMPARISONS = frozenset({"<", "<=", ">", ">=", "=", "!="})


class ExpressionError(TranslatableValueError):
    """An expression cannot be read or has no value; the message names the place."""


@dataclass(frozen=True, slots=True)
class Node:
    """A part of an expression: `kind` says what `text` is, `place` counts characters from 1."""

    kind: str
    text: str
    place: int
    parts: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    place: int


@functools.lru_cache(2048)
def parse(text: str) -> Node:
    """Return the tree of an expression.

    Parameters
    ----------
    text : str
        Such as ``U/(R1+R2)``, ``sqrt(a^2+b^2)`` or ``U < 240 and R != 0``; signs may be full width.

    Returns
    -------
    Node

    Raises
    ------
    ExpressionError
        With the place of the first thing that cannot be read.

    Examples
    --------
    >>> node = parse("2*U")
    >>> node.text, [part.text for part in node.parts]
    ('*', ['2', 'U'])
    """
    if not text.strip():
        raise ExpressionError(N_("算式是空的"))
    if len(text) > MAX_LENGTH:
        raise ExpressionError(N_("算式“%(text)s……”太长，最多 %(most)s 个字符"), text=text[:20], most=MAX_LENGTH)
    return _Reader(text).whole()


def names_in(node: Node) -> set[str]:
    """Return the names of variables that an expression uses.

    Examples
    --------
    >>> sorted(names_in(parse("sqrt(a^2+b^2)*pi")))
    ['a', 'b']
    """
    own = {node.text} if node.kind == "name" else set()
    return own.union(*(names_in(part) for part in node.parts))


def _tokens(text: str) -> list[_Token]:
    plain, places = _plain(text)
    tokens, at = [], 0
    while plain[at:].strip():
        match = _TOKEN.match(plain, at)
        if match is None:
            at += len(plain[at:]) - len(plain[at:].lstrip())
            template = N_("算式“%(text)s”第 %(place)s 个字符“%(sign)s”不能用在算式里")
            raise ExpressionError(template, text=text, place=places[at], sign=plain[at])
        kind = str(match.lastgroup)
        word = match[kind]
        tokens.append(_Token(_kind(kind, word), _SYNONYMS.get(word, WORDS.get(word, word)), places[match.start(kind)]))
        at = match.end()
    return tokens


def _kind(kind: str, word: str) -> str:
    if kind == "name" and word in WORDS:
        return "word"
    if kind == "name" and word in FUNCTIONS:
        return "function"
    return "constant" if word in CONSTANTS else kind


def _plain(text: str) -> tuple[str, list[int]]:
    """Return the text in plain signs, and for each of its characters its place in the original."""
    plain, places = "", []
    for place, sign in enumerate(text, 1):
        written = _LONG_SIGNS.get(sign, sign.translate(_SAME_SIGN))
        plain += written
        places += [place] * len(written)
    return plain, [*places, len(text) + 1]


class _Reader:
    """Reads tokens by rising precedence: or, and, not, comparison, sum, product, sign, power."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0

    def whole(self) -> Node:
        node = self._either()
        if self._at < len(self._tokens):
            token = self._tokens[self._at]
            template = N_("算式“%(text)s”第 %(place)s 个字符“%(sign)s”之前缺少运算符，或多了这个符号")
            raise ExpressionError(template, text=self._text, place=token.place, sign=token.text)
        return node

    def _peek(self) -> _Token:
        end = _Token("end", "", len(self._text) + 1)
        return self._tokens[self._at] if self._at < len(self._tokens) else end

    def _take(self, *signs: str) -> _Token | None:
        token = self._peek()
        if token.kind in {"sign", "word"} and token.text in signs:
            self._at += 1
            return token
        return None

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            template = N_("算式“%(text)s”第 %(place)s 个字符处缺少“%(sign)s”")
            raise ExpressionError(template, text=self._text, place=self._peek().place, sign=sign)

    def _either(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(N_("算式“%(text)s”的括号太多层"), text=self._text[:30])
        node = self._both()
        while token := self._take("or"):
            node = Node("or", "or", token.place, (node, self._both()))
        self._depth -= 1
        return node

    def _both(self) -> Node:
        node = self._not()
        while token := self._take("and"):
            node = Node("and", "and", token.place, (node, self._not()))
        return node

    def _not(self) -> Node:
        if token := self._take("not"):
            return Node("not", "not", token.place, (self._comparison(),))
        return self._comparison()

    def _comparison(self) -> Node:
        node = self._sum()
        if token := self._take(*COMPARISONS):
            right = self._sum()
            if again := self._take(*COMPARISONS):
                template = N_("算式“%(text)s”第 %(place)s 个字符：比较不能连写，请用 and 连接两个比较")
                raise ExpressionError(template, text=self._text, place=again.place)
            return Node("compare", token.text, token.place, (node, right))
        return node

    def _sum(self) -> Node:
        node = self._product()
        while token := self._take("+", "-"):
            node = Node("arithmetic", token.text, token.place, (node, self._product()))
        return node

    def _product(self) -> Node:
        node = self._signed()
        while token := self._take("*", "/"):
            node = Node("arithmetic", token.text, token.place, (node, self._signed()))
        return node

    def _signed(self) -> Node:
        signs = 0
        first = self._peek()
        while token := self._take("-", "+"):
            signs += token.text == "-"
        node = self._power()
        return Node("minus", "-", first.place, (node,)) if signs % 2 else node

    def _power(self) -> Node:
        node = self._atom()
        if token := self._take("^"):
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise ExpressionError(N_("算式“%(text)s”的括号太多层"), text=self._text[:30])
            node = Node("arithmetic", "^", token.place, (node, self._signed()))
            self._depth -= 1
        return node

    def _atom(self) -> Node:
        token = self._peek()
        if token.kind in {"number", "name", "constant"}:
            self._at += 1
            return Node(token.kind, token.text, token.place)
        if token.kind == "function":
            self._at += 1
            return self._call(token)
        if self._take("("):
            node = self._either()
            self._need(")")
            return node
        template = (
            N_("算式“%(text)s”在第 %(place)s 个字符处没有写完")
            if token.kind == "end"
            else N_("算式“%(text)s”第 %(place)s 个字符“%(sign)s”处应是数、变量或括号")
        )
        raise ExpressionError(template, text=self._text, place=token.place, sign=token.text)

    def _call(self, name: _Token) -> Node:
        self._need("(")
        arguments = [self._either()]
        while self._take(","):
            arguments.append(self._either())
        self._need(")")
        least, most = FUNCTIONS[name.text]
        if not least <= len(arguments) <= most:
            wanted = str(least) if least == most else f"{least}–{most}"
            template = N_("算式“%(text)s”第 %(place)s 个字符：%(name)s 的括号里应有 %(wanted)s 个值")
            raise ExpressionError(template, text=self._text, place=name.place, name=name.text, wanted=wanted)
        return Node("function", name.text, name.place, tuple(arguments))
