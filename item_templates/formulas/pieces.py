r"""Find the formulas that stand between ``\(`` and ``\)`` in a text, and what is wrong with them."""

from __future__ import annotations

import html as html_entities
import re
from collections.abc import Callable, Iterator

from item_templates.contract import BLANK_MARK
from item_templates.formulas.latex import to_latex
from item_templates.formulas.parser import FormulaError, parse_formula
from item_templates.formulas.plain import to_plain
from item_templates.formulas.tree import Row
from kernel.i18n import N_

OPEN, CLOSE = "\\(", "\\)"


def find_formulas(text: str) -> Iterator[tuple[int, int]]:
    r"""Yield where formulas begin and end, their ``\(`` and ``\)`` included; the time grows with the text alone.

    Parameters
    ----------
    text : str

    Yields
    ------
    (start, end)
    """
    last, at = text.rfind(CLOSE), text.find(OPEN)
    while at != -1 and at + len(OPEN) <= last:
        end = text.find(CLOSE, at + len(OPEN)) + len(CLOSE)
        yield at, end
        at = text.find(OPEN, end)


def replace_formulas(text: str, change: Callable[[str], str]) -> str:
    r"""Return a text with every formula replaced.

    Parameters
    ----------
    text : str
    change : callable
        Gets a formula with its ``\(`` and ``\)``, gives what takes its place.

    Returns
    -------
    str
    """
    pieces, last = [], 0
    for start, end in find_formulas(text):
        pieces += [text[last:start], change(text[start:end])]
        last = end
    return "".join([*pieces, text[last:]])


def split_formulas(text: str) -> list[tuple[bool, str]]:
    r"""Return a text as pieces: plain ones, and formulas without their ``\(`` and ``\)``.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of (is_formula, piece)

    Examples
    --------
    >>> split_formulas(r"若 \(a^2\) 则")
    [(False, '若 '), (True, 'a^2'), (False, ' 则')]
    """
    pieces, last = [], 0
    for start, end in find_formulas(text):
        pieces += [(False, text[last:start]), (True, _inside(text[start:end]))]
        last = end
    pieces.append((False, text[last:]))
    return [piece for piece in pieces if piece[1]]


def _inside(formula: str) -> str:
    return formula[len(OPEN) : -len(CLOSE)]


def map_formulas(text: str, change: Callable[[Row], str | None]) -> str:
    r"""Return a text in which every formula that the subset knows is replaced; others stay as they are.

    Parameters
    ----------
    text : str
        Plain text.
    change : callable
        Gives what stands for a formula's tree; None leaves the formula as it is.

    Returns
    -------
    str
    """

    def replaced(formula: str) -> str:
        try:
            changed = change(parse_formula(_inside(formula)))
        except FormulaError:
            return formula
        return formula if changed is None else changed

    return replace_formulas(text, replaced)


def readable(text: str) -> str:
    r"""Return plain text with its formulas written in one line, for search and for files without formulas.

    Parameters
    ----------
    text : str
        Plain text, as `markup.plain_text` gives it.

    Returns
    -------
    str

    Examples
    --------
    >>> readable(r"电阻 \(R=\frac{U}{I}\) 为 \(5\ \Omega\)")
    '电阻 R=U/I 为 5 Ω'
    """
    return map_formulas(text, to_plain)


def normal_html(html: str) -> str:
    r"""Return item HTML with every formula of the subset in the one way of writing that our readers give.

    Parameters
    ----------
    html : str
        Sanitised HTML.

    Returns
    -------
    str

    Examples
    --------
    >>> print(normal_html(r"若 \(a &lt; \dfrac12\)"))
    若 \(a&lt;\frac{1}{2}\)
    """
    return replace_formulas(
        html, lambda formula: html_entities.escape(normal_text(html_entities.unescape(formula)), quote=False)
    )


def normal_text(text: str) -> str:
    """Return plain text with its formulas written as `normal_html` writes them.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    return map_formulas(text, lambda tree: f"\\({to_latex(tree)}\\)" if tree.parts else None)


def formula_errors(html: str) -> Iterator[FormulaError]:
    r"""Yield what is wrong with the formulas of item HTML.

    Parameters
    ----------
    html : str
        Sanitised HTML.

    Yields
    ------
    FormulaError
        For each formula outside the subset, or with mark-up or a blank inside it.
    """
    for start, end in find_formulas(html):
        try:
            _check(_inside(html[start:end]))
        except FormulaError as error:
            yield error


def _check(source: str) -> None:
    marked = re.search(r"<[^<>]*>", source)
    if marked:
        raise FormulaError(
            N_("公式第 %(at)s 个字符处有格式标记 %(near)s：公式里不能用粗体、上下标等格式，请改用 ^ 和 _"),
            marked.start() + 1,
            marked[0],
        )
    blank = BLANK_MARK.search(source)
    if blank:
        raise FormulaError(
            N_("公式第 %(at)s 个字符处有空 %(near)s：空不能放在公式里，请移到公式外面"), blank.start() + 1, blank[0]
        )
    parse_formula(html_entities.unescape(source))
