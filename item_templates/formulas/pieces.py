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

FORMULA = re.compile(r"\\\((.*?)\\\)", re.DOTALL)


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
    for match in FORMULA.finditer(text):
        pieces += [(False, text[last : match.start()]), (True, match[1])]
        last = match.end()
    pieces.append((False, text[last:]))
    return [piece for piece in pieces if piece[1]]


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

    def replaced(match: re.Match[str]) -> str:
        try:
            changed = change(parse_formula(match[1]))
        except FormulaError:
            return match[0]
        return match[0] if changed is None else changed

    return FORMULA.sub(replaced, text) if "\\(" in text else text


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
    return FORMULA.sub(
        lambda match: html_entities.escape(normal_text(html_entities.unescape(match[0])), quote=False), html
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
    for match in FORMULA.finditer(html):
        try:
            _check(match[1])
        except FormulaError as error:
            yield error


def _check(source: str) -> None:
    marked = re.search(r"<[^>]*>", source)
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
