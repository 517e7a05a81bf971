"""Accepted strings of blanks as one line of text."""

from __future__ import annotations

import re

from item_templates.findings import KeyTextError
from item_templates.keys import strip_label
from kernel.i18n import N_

ALTERNATIVES = re.compile(r"[|｜]")
_STRONG = re.compile(r"[;；\n]+")
_NUMBERED = re.compile(r"(?:^|(?<=[\s;；,，、]))(?:[（(]\d{1,2}[)）]|[①-⑳]|\d{1,2}[.、．](?!\d))\s*|[①-⑳]\s*")
_WEAK = (re.compile(r"、"), re.compile(r"，|,(?!\d{3}(?!\d))"), ALTERNATIVES)
_BLANKS = re.compile(r"\s+")


def blanks_of_text(text: str, n_blanks: int) -> list[list[str]]:
    """Return the accepted strings of each blank.

    Parameters
    ----------
    text : str
        Blanks apart by ``；`` (or one of ``、 ， |``, line ends, numbers, when that gives just as many parts as there
        are blanks); alternatives of one blank apart by ``|``.
    n_blanks : int
        Blanks in the stem, at least 1.

    Returns
    -------
    list of list of str

    Raises
    ------
    KeyTextError
        If the text does not divide into as many parts as there are blanks in one way alone.

    Examples
    --------
    >>> blanks_of_text("铁|Fe；2", 2), blanks_of_text("铁、铜", 2), blanks_of_text("1,000", 1)
    ([['铁', 'Fe'], ['2']], [['铁'], ['铜']], [['1,000']])
    """
    bare = strip_label(text)
    if not bare:
        raise KeyTextError(N_("没有写答案"))
    parts = split_answer(bare, n_blanks)
    if parts is None:
        template = N_("答案“%(text)s”不能确定地分成 %(n)s 个空，请用“；”隔开各空")
        raise KeyTextError(template, text=bare[:30], n=n_blanks)
    blanks = [[one.strip() for one in ALTERNATIVES.split(part) if one.strip()] for part in parts]
    if not all(blanks):
        raise KeyTextError(N_("答案“%(text)s”里有空位没有写答案"), text=bare[:30])
    return blanks


def split_answer(text: str, n_blanks: int) -> list[str] | None:
    """Return the parts of an answer, one a blank; None when it is not certain where they end.

    Examples
    --------
    >>> split_answer("（1）铁（2）铜", 2), split_answer("铁、铜，铝", 2)
    (['铁', '铜'], None)
    """
    bare = text.strip()
    if _STRONG.search(bare):
        return _exactly([_without_number(part) for part in _STRONG.split(bare)], n_blanks)
    if n_blanks == 1:
        return [bare]
    numbered = [part.strip() for part in re.split(r"[（(]\d{1,2}[)）]|[①-⑳]", bare)]
    if len(numbered) == n_blanks + 1 and not numbered[0]:
        return _exactly([part.rstrip("、，,") for part in numbered[1:]], n_blanks)
    present = [pattern for pattern in _WEAK if pattern.search(bare)]
    if len(present) > 1:
        return None
    return _exactly((present[0] if present else _BLANKS).split(bare), n_blanks)


def _without_number(part: str) -> str:
    return _NUMBERED.sub("", part, count=1) if _NUMBERED.match(part.strip()) else part


def _exactly(parts: list[str], n_blanks: int) -> list[str] | None:
    filled = [part.strip() for part in parts]
    while filled and not filled[-1]:
        filled.pop()
    return filled if len(filled) == n_blanks and all(filled) else None
