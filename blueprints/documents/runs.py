"""Item HTML as paragraphs of runs: what both printed formats are set from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from item_templates.contract import BLANK_MARK
from item_templates.formulas.parser import FormulaError, parse_formula
from item_templates.formulas.pieces import split_formulas
from item_templates.markup import sanitise

BLANK = "＿＿＿＿"
Run = dict[str, Any]
Block = dict[str, Any]
_STYLES = {"b": "b", "strong": "b", "i": "i", "em": "i", "u": "u", "sub": "sub", "sup": "sup"}


@dataclass(slots=True)
class Rich:
    """Blocks of an item's text, and the formulas that had to be printed as source."""

    blocks: list[Block] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def has_picture(self) -> bool:
        """Say whether a picture stands in it."""
        return any(run["k"] == "img" for block in self.blocks for run in _runs_of(block))


def _runs_of(block: Block) -> Sequence[Run]:
    if block["k"] == "par":
        runs: Sequence[Run] = block["runs"]
        return runs
    return [run for row in block["rows"] for cell in row for run in cell["runs"]]


def rich(html: str) -> Rich:
    r"""Return item HTML as blocks.

    Examples
    --------
    >>> rich("<p>水 H<sub>2</sub>O</p>").blocks
    [{'k': 'par', 'runs': [{'k': 't', 'v': '水 H', 's': []}, {'k': 't', 'v': '2', 's': ['sub']}, {'k': 't', 'v': 'O', 's': []}]}]
    """
    reader = _Reader()
    reader.feed(BLANK_MARK.sub(BLANK, sanitise(html)))
    reader.close()
    reader.end_paragraph()
    return reader.rich


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rich = Rich()
        self._runs: list[Run] = []
        self._styles: list[str] = []
        self._table: list[list[Block]] | None = None
        self._lists: list[int | None] = []

    def end_paragraph(self) -> None:
        """Close the paragraph; inside a table the cell closes it."""
        if self._table is None and self._runs:
            self.rich.blocks.append({"k": "par", "runs": self._runs})
            self._runs = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _STYLES:
            self._styles.append(_STYLES[tag])
        elif tag == "table":
            self.end_paragraph()
            self._table = []
        elif tag == "tr" and self._table is not None:
            self._table.append([])
        elif tag in {"td", "th"}:
            self._runs = []
        elif tag == "img":
            values = dict(attrs)
            name = (values.get("src") or "").removeprefix("media:")
            self._runs.append({"k": "img", "v": name, "alt": values.get("alt") or ""})
        else:
            self._break(tag)

    def _break(self, tag: str) -> None:
        if tag in {"ul", "ol"}:
            self._lists.append(0 if tag == "ol" else None)
        if tag in {"p", "br", "li", "ul", "ol", "caption"}:
            self.end_paragraph()
        if tag == "li" and self._lists:
            self._lists[-1] = None if self._lists[-1] is None else self._lists[-1] + 1
            mark = "· " if self._lists[-1] is None else f"({self._lists[-1]}) "
            self._runs.append({"k": "t", "v": mark, "s": []})

    def handle_endtag(self, tag: str) -> None:
        if tag in _STYLES and _STYLES[tag] in self._styles:
            self._styles.reverse()
            self._styles.remove(_STYLES[tag])
            self._styles.reverse()
        elif tag in {"td", "th"} and self._table:
            self._table[-1].append({"runs": self._runs, "head": tag == "th"})
            self._runs = []
        elif tag == "table" and self._table is not None:
            rows, self._table = [row for row in self._table if row], None
            if rows:
                self.rich.blocks.append({"k": "table", "rows": rows, "n": max(map(len, rows))})
        else:
            self._end_block(tag)

    def _end_block(self, tag: str) -> None:
        if tag in {"ul", "ol"} and self._lists:
            self._lists.pop()
        if tag in {"p", "li", "ul", "ol", "caption"}:
            self.end_paragraph()

    def handle_data(self, data: str) -> None:
        if self._table is not None and not data.strip():
            return
        for is_formula, text in split_formulas(data):
            self._runs.append(self._formula(text) if is_formula else {"k": "t", "v": text, "s": list(self._styles)})

    def _formula(self, source: str) -> Run:
        try:
            return {"k": "m", "v": parse_formula(source)}
        except FormulaError:
            self.rich.unknown.append(source)
            return {"k": "t", "v": f"\\({source}\\)", "s": []}
