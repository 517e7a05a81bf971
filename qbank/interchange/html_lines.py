"""Item HTML as lines for a format that is read line by line, and tables in it as rows of cells."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from qbank.interchange.lines import CONTINUED, STRANGE, Line, Mark, join_lines, merge_marks

_TABLE = re.compile(r"(<table\b.*?</table>)", re.DOTALL)
_MARK_OF = {"strong": "strong", "b": "strong", "em": "em", "i": "em", "u": "u"}
MOST_SPANNED = 64
_LINE_TAGS = frozenset({"p", "br", "li", "ul", "ol", "caption"})


@dataclass(slots=True)
class TableCell:
    """One cell: its lines, how many columns and rows it spans, and the column in which it begins."""

    lines: list[Line] = field(default_factory=list)
    span: int = 1
    rows: int = 1
    column: int = 0


class _Reader(HTMLParser):
    """Collects lines with their marks; sub- and superscripts and pictures stay in the text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[Line] = []
        self.rows: list[list[TableCell]] = []
        self._text = ""
        self._open: list[tuple[str, int]] = []
        self._marks: list[Mark] = []
        self._script = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _MARK_OF:
            self._open.append((_MARK_OF[tag], len(self._text)))
        elif tag in ("sub", "sup") and not self._script:
            self._script = tag
        elif tag == "img":
            self._picture(dict(attrs))
        elif tag in _LINE_TAGS:
            self.end_line(always=tag == "br")
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            values = dict(attrs)
            self.rows[-1].append(TableCell(span=_count(values.get("colspan")), rows=_count(values.get("rowspan"))))

    def handle_endtag(self, tag: str) -> None:
        if tag in _MARK_OF and self._open:
            name, start = self._open.pop()
            if start < len(self._text):
                self._marks.append(Mark(start, len(self._text), name))
        elif tag == self._script:
            self._script = ""
        elif tag in _LINE_TAGS:
            self.end_line()
        elif tag in ("td", "th") and self.rows and self.rows[-1]:
            self.end_line()
            self.rows[-1][-1].lines, self.lines = self.lines, []

    def handle_data(self, data: str) -> None:
        text = html.escape(STRANGE.sub("", re.sub(r"[\r\n]+", " ", data)), quote=False)
        self._text += f"<{self._script}>{text}</{self._script}>" if self._script and text.strip() else text

    def _picture(self, attributes: dict[str, str | None]) -> None:
        alt = html.escape(attributes.get("alt") or "")
        alternative = f' alt="{alt}"' if alt else ""
        self._text += f'<img src="{attributes.get("src") or ""}"{alternative}>'

    def end_line(self, *, always: bool = False) -> None:
        """Close the line; open marks go on in the next one."""
        marks = [
            *self._marks,
            *(Mark(start, len(self._text), name) for name, start in self._open if start < len(self._text)),
        ]
        if self._text.strip() or always:
            self.lines.append(Line("", self._text, merge_marks(marks)).cut(0))
        self._text, self._marks = "", []
        self._open = [(name, 0) for name, _ in self._open]


def html_lines(source: str) -> list[Line]:
    """Return the lines of item HTML; a table is one line of its own with `block` set."""
    lines: list[Line] = []
    for piece in _TABLE.split(source):
        if _TABLE.fullmatch(piece):
            lines.append(Line("", piece, block=True))
        else:
            lines += _read(piece).lines
    return lines


def table_cells(source: str) -> list[list[TableCell]]:
    """Return the rows of a table in item HTML, every cell in its place.

    Spans that leave the table or run into another cell are cut; a gap before a cell that reaches down is an empty cell.
    """
    rows = _read(source).rows
    taken: set[tuple[int, int]] = set()
    return [_placed(number, row, len(rows), taken) for number, row in enumerate(rows)]


def _placed(number: int, row: list[TableCell], n_rows: int, taken: set[tuple[int, int]]) -> list[TableCell]:
    placed: list[TableCell] = []
    column = 0
    for cell in row:
        while (number, column) in taken:
            column += 1
        span = 1
        while span < cell.span and (number, column + span) not in taken:
            span += 1
        fitted = TableCell(cell.lines, span, min(cell.rows, n_rows - number), column)
        taken |= {(number + down, column + right) for down in range(fitted.rows) for right in range(span)}
        placed.append(fitted)
        column += span
    last = max((right for down, right in taken if down == number), default=-1)
    gaps = [place for place in range(last) if (number, place) not in taken]
    taken |= {(number, place) for place in gaps}
    return sorted([*placed, *(TableCell(column=place) for place in gaps)], key=lambda one: one.column)


def _count(text: str | None) -> int:
    return int(text) if text and text.isdigit() and 0 < int(text) < MOST_SPANNED else 1


def _read(source: str) -> _Reader:
    reader = _Reader()
    reader.feed(source)
    reader.close()
    reader.end_line()
    return reader


def plain_table(source: str) -> str:
    """Return a table as it comes back from a document: rows, cells and spans, nothing else."""
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in table_cells(source))
    return f"<table><tbody>{body}</tbody></table>"


def _cell(cell: TableCell) -> str:
    span = f' colspan="{cell.span}"' if cell.span > 1 else ""
    span += f' rowspan="{cell.rows}"' if cell.rows > 1 else ""
    return f"<td{span}>{'<br>'.join(line.html() for line in cell.lines)}</td>"


def as_read(lines: list[Line]) -> str:
    """Return the HTML that comes back when these lines are written one a paragraph and read again."""
    shown = [Line("", plain_table(line.text), block=True) if line.block else line for line in lines]
    return join_lines([shown[0], *(_continued(line) for line in shown[1:])]) if shown else ""


def _continued(line: Line) -> Line:
    if line.block:
        return line
    marks = tuple(Mark(mark.start + 1, mark.end + 1, mark.tag) for mark in line.marks)
    return Line(line.locator, CONTINUED + line.text, marks, line.media)
