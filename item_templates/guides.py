"""The authors' guides as HTML: the few signs of Markdown that they use, and nothing else."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from itertools import groupby

from item_templates import registry
from item_templates.contract import ItemType

_MARKS = ((re.compile(r"\*\*(.+?)\*\*"), r"<strong>\1</strong>"), (re.compile(r"`([^`]+)`"), r"<code>\1</code>"))
_LIST_LINE = re.compile(r"(\s*)(?:[-*]|\d+\.)\s+(.*)")
_TABLE_RULE = re.compile(r"\|[\s:|-]+\|?\s*")


def guide_source(item_type: ItemType) -> str:
    """Return the guide of an item type as its author wrote it.

    Parameters
    ----------
    item_type : ItemType

    Returns
    -------
    str
        Markdown, in Chinese.
    """
    return (registry.FOLDER / item_type.name / "guide.md").read_text("utf-8")


def guide_html(source: str) -> str:
    r"""Return a guide as HTML, without its title.

    Parameters
    ----------
    source : str
        Headings, paragraphs, quotations, lists, tables, bold and code.

    Returns
    -------
    str

    Examples
    --------
    >>> guide_html("# 题\n\n要**短**。")
    '<p>要<strong>短</strong>。</p>'
    """
    lines = [line.rstrip() for line in source.split("\n") if not line.startswith("# ")]
    return "".join(_WRITERS[kind](list(group)) for kind, group in groupby(lines, key=_kind))


def _kind(line: str) -> str:
    if not line:
        return "gap"
    if line.startswith("## "):
        return "heading"
    if line.startswith(">"):
        return "quotation"
    if line.startswith("|"):
        return "table"
    return "list" if _LIST_LINE.fullmatch(line) else "text"


def _inline(text: str) -> str:
    shown = html.escape(text.strip(), quote=False)
    for pattern, replacement in _MARKS:
        shown = pattern.sub(replacement, shown)
    return shown


def _headings(lines: Sequence[str]) -> str:
    return "".join(f"<h2>{_inline(line[3:])}</h2>" for line in lines)


def _quotation(lines: Sequence[str]) -> str:
    return f"<blockquote><p>{'<br>'.join(_inline(line[1:]) for line in lines)}</p></blockquote>"


def _paragraph(lines: Sequence[str]) -> str:
    return f"<p>{'<br>'.join(_inline(line) for line in lines)}</p>"


def _list(lines: Sequence[str]) -> str:
    """Return a list; lines that stand further right are a list inside the entry before."""
    tag = "ol" if lines[0].lstrip()[0].isdigit() else "ul"
    depth = len(lines[0]) - len(lines[0].lstrip())
    entries: list[list[str]] = []
    for line in lines:
        if len(line) - len(line.lstrip()) > depth and entries:
            entries[-1].append(line)
        else:
            entries.append([line])
    return f"<{tag}>{''.join(_entry(one) for one in entries)}</{tag}>"


def _entry(lines: Sequence[str]) -> str:
    found = _LIST_LINE.fullmatch(lines[0])
    inner = _list(lines[1:]) if len(lines) > 1 else ""
    return f"<li>{_inline(found[2] if found else lines[0])}{inner}</li>"


def _table(lines: Sequence[str]) -> str:
    rows = [line.strip("|").split("|") for line in lines if not _TABLE_RULE.fullmatch(line)]
    head = "".join(f'<th scope="col">{_inline(cell)}</th>' for cell in rows[0])
    body = "".join(f"<tr>{''.join(f'<td>{_inline(cell)}</td>' for cell in row)}</tr>" for row in rows[1:])
    return f'<table class="data-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


_WRITERS: dict[str, Callable[[Sequence[str]], str]] = {
    "gap": lambda _lines: "",
    "heading": _headings,
    "quotation": _quotation,
    "table": _table,
    "list": _list,
    "text": _paragraph,
}
